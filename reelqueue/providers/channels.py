"""CHANNELS_FILE: the operator's channels by name, a TOML table each; paths in it are relative to the file.

[news]
token_file = "news.token.json"     # made by: reelqueue auth youtube --channel news
voice = "xiaoxiao"
logo = "news.png"
playlist = "PL0123456789abcdef"
category_id = 25
daily_cost_cap_usd = 2
daily_uploads = 10
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reelqueue.errors import InvalidBrief, InvalidSettings
from reelqueue.models.brief import CHANNEL_NAME
from reelqueue.models.channel import DEFAULT_CHANNEL, Channel
from reelqueue.wording import Text

SETTING = "CHANNELS_FILE"
_FORM = Text(
    "一個 TOML 檔，每個頻道一個表格（[名稱]），其中有 token_file，以及可省略的 voice、logo、playlist、category_id、daily_cost_cap_usd、daily_uploads",
    "a TOML file with a table [name] for each channel, in it token_file, and where wanted voice, logo, playlist, category_id, daily_cost_cap_usd, daily_uploads",
)
_PATHS = ("token_file", "logo")


def read_channels(path: Path) -> dict[str, Channel]:
    """The channels of the file, by their names.

    Raises:
        InvalidSettings: it can't be read, or a channel in it is wrong (names which, and the field).
    """
    try:
        tables = tomllib.loads(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSettings(SETTING, _FORM, f"{path}: {error}") from None
    return {name: _channel(name, table, path.expanduser().resolve().parent) for name, table in tables.items()}


def channel_named(name: str | None, channels: Mapping[str, Channel], *, default: Channel | None) -> Channel:
    """The channel that a brief means: the one it names; without a name the default one, or the only one there is.

    Raises:
        InvalidBrief: there is none of that name, or several and none is the default.
    """
    known = ({DEFAULT_CHANNEL: default} if default is not None else {}) | dict(channels)
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    found = known.get(name or DEFAULT_CHANNEL)
    if found is None:
        names = ", ".join(known)
        raise InvalidBrief("channel", Text(names or "沒有設定任何頻道", names or "no channel is set up"), name)
    return found


def _channel(name: str, table: Any, base: Path) -> Channel:
    if not re.fullmatch(CHANNEL_NAME, name):
        raise InvalidSettings(SETTING, Text("頻道名稱只用英數字、- 與 _", "channel names of letters, digits, - and _"), name)
    if not isinstance(table, dict):
        raise InvalidSettings(SETTING, _FORM, name)
    given = table | {field: str(base / Path(table[field]).expanduser()) for field in _PATHS if isinstance(table.get(field), str)}
    try:
        channel = Channel.model_validate({"name": name, **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidSettings(SETTING, _FORM, f"[{name}] {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if channel.token_file is None:
        raise InvalidSettings(SETTING, _FORM, f"[{name}] token_file: missing")
    return channel
