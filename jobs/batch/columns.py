"""What the columns of a table are called, and what a cell means in each.  Pure.

A column is a field of the brief by its name, `providers.image` and its like, `localizations.en.title` and its like, or `key`; in
Chinese too.  One whose name begins with `#` is the user's own.
"""

import difflib
import json
import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from reelqueue.models.brief import ALLOWED, PROVIDERS, Brief
from reelqueue.wording import Text

KEY = "key"
"""The column of the rows' own keys."""
_CHINESE = {
    "topic": ("主題", "題目", "標題"),
    "content": ("內容", "內文", "文字", "文章"),
    "language": ("語言",),
    "duration_s": ("長度", "秒數", "時長"),
    "aspect": ("比例", "長寬比", "畫面比例"),
    "voice": ("語音", "聲音"),
    "lexicon": ("讀音",),
    "presenter": ("主持人",),
    "images": ("圖片",),
    "images_dir": ("圖片資料夾",),
    "music": ("音樂", "配樂"),
    "logo": ("標誌",),
    "subtitle_style": ("字幕", "字幕樣式"),
    "image_style": ("圖片風格",),
    "negative_prompt": ("不要的", "負面提示"),
    "privacy": ("隱私", "隱私設定", "公開程度", "瀏覽權限"),
    "publish_at": ("發布時間", "公開時間", "發佈時間"),
    "playlist": ("播放清單",),
    "tags": ("標籤",),
    "category_id": ("類別",),
    "made_for_kids": ("兒童", "為兒童製作"),
    "synthetic_media": ("合成內容",),
    "localizations": ("翻譯", "在地化"),
    "channel": ("頻道",),
    "priority": ("優先", "優先順序", "優先度"),
    "deadline": ("期限", "截止", "截止時間", "期限時間"),
    "review": ("審核",),
    KEY: ("編號", "識別碼", "鍵"),
}
_ENGLISH = {
    "topic": ("title",), "content": ("text",), "duration_s": ("duration", "seconds"), "tags": ("tag",), "category_id": ("category",), "subtitle_style": ("subtitles",),
    "images_dir": ("image_folder",), KEY: ("id", "idempotency_key"),
}  # fmt: skip
_ALIASES = {alias: field for names in (_CHINESE, _ENGLISH) for field, aliases in names.items() for alias in aliases}
_LISTS = frozenset({"images", "tags", "review"})
_PATHS = frozenset({"images_dir", "music", "logo", "images"})
_MOMENTS = frozenset({"publish_at", "deadline"})
_NUMBERS = frozenset({"duration_s", "fps", "category_id", "priority"})
_SWITCHES = frozenset({"presenter", "presenter_required", "made_for_kids", "synthetic_media"})
_YES = frozenset({"true", "yes", "y", "t", "1", "on", "是", "要", "有", "真"})
_NO = frozenset({"false", "no", "n", "f", "0", "off", "否", "不要", "無", "假", "沒有"})
_PRIVACY = {"公開": "public", "不公開": "unlisted", "非公開": "unlisted", "私人": "private", "私密": "private"}
_SPLIT = re.compile(r"[;|；｜\n]")
_SPLIT_WORDS = re.compile(r"[;|；｜\n,，、]")
"""No tag and no review has a comma in its name; a path may."""
_ERRORS = frozenset({"#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#N/A", "#NUM!", "#NULL!", "#SPILL!", "#ERROR!", "#名稱?"})
_DAY_AND_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[ T]\s*(上午|下午|AM|PM)?\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?\s*(AM|PM)?",
    re.IGNORECASE,
)
"""As spreadsheets show it; a day before its month, or a month before its day, would be anybody's guess."""


class WrongCell(Exception):
    """A cell that means nothing in its column; `allowed` says what would."""

    def __init__(self, allowed: Text) -> None:
        super().__init__(str(allowed))
        self.allowed = allowed


def column_named(name: str) -> str | None:
    """What a column is, by the name in the header: a path of fields (`providers.image`), `key`; None: no field of ours."""
    plain = unicodedata.normalize("NFKC", name).strip().strip("\ufeff*").strip().casefold()
    plain = re.sub(r"[\s-]+", "_", plain)
    plain = _ALIASES.get(plain, plain)
    if plain in Brief.model_fields or plain == KEY:
        return plain
    head, _, rest = plain.partition(".")
    if head in {"providers", "provider"} and rest in PROVIDERS:
        return f"providers.{rest}"
    if head == "localizations" and rest.endswith((".title", ".description")):
        return "localizations." + _tag(rest.rpartition(".")[0]) + "." + rest.rpartition(".")[2]
    return None


def _tag(folded: str) -> str:
    """A language's tag as it is written: `zh-TW`."""
    first, *rest = folded.replace("_", "-").split("-")
    return "-".join((first, *(part.upper() if len(part) == 2 else part.title() for part in rest)))


def is_left_out(name: str) -> bool:
    """Whether a column is the user's own."""
    return name.strip().startswith("#") and name.strip() not in _ERRORS


def meant(name: str) -> str | None:
    """The column that was probably meant by a name that is none."""
    known = [*Brief.model_fields, KEY, *_ALIASES, *(f"providers.{kind}" for kind in PROVIDERS)]
    plain = re.sub(r"[\s-]+", "_", name.strip().casefold())
    close = difflib.get_close_matches(plain, known, n=1, cutoff=0.6 if plain.isascii() else 0.5)  # of two signs one may be wrong
    if not close:
        return None
    return _ALIASES.get(close[0], close[0]) if close[0].isascii() else close[0]


def read_cell(column: str, cell: str, zone: ZoneInfo, folder: Path) -> Any:
    """What a cell that is not empty gives its field; what the brief itself refuses passes.  Paths are below `folder`.

    Raises:
        WrongCell: it means nothing there.
    """
    if cell in _ERRORS:
        raise WrongCell(Text("一個值，而不是試算表公式的錯誤", "a value, not the error of a spreadsheet's formula"))
    field = column.partition(".")[0]
    if column == field and field in _READERS:
        return _READERS[field](cell)
    if field in _LISTS:
        splits = _SPLIT if field in _PATHS else _SPLIT_WORDS
        return placed(field, tuple(part.strip() for part in splits.split(cell) if part.strip()), folder)
    if field in _NUMBERS:
        return _number(cell)
    if field in _SWITCHES:
        return _switch(cell)
    if field in _MOMENTS:
        return moment_of(cell, zone)
    return placed(field, cell, folder)


def placed(field: str, value: Any, folder: Path) -> Any:
    """Paths as seen from `folder`; any other value as it is."""
    if field not in _PATHS:
        return value
    if isinstance(value, list | tuple):
        return tuple(placed(field, item, folder) for item in value)
    if not isinstance(value, str) or value in {"", "none"}:
        return value
    return str(folder / os.path.expanduser(value))  # noqa: PTH111 - Path's raises for an unknown user


def moment_of(text: str, zone: ZoneInfo) -> str:
    """A moment as the brief wants it; one that names no zone is of `zone`, the schedules' own.

    Raises:
        WrongCell: it is none, or the clocks of the zone skip it.
    """
    found = _moment(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        example = "2026-12-01 18:00", "2026-12-01T18:00+08:00"
        raise WrongCell(
            Text(
                f"日期與時刻，例如 {example[0]}（{zone.key}），或含時區的 {example[1]}",
                f"a day and a time, for example {example[0]} ({zone.key}), or {example[1]} with its zone",
            )
        )
    if found.tzinfo is not None:
        return found.isoformat()
    at = found.replace(tzinfo=zone)
    if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != found:
        raise WrongCell(
            Text(f"一個存在的時間（{zone.key} 在那時調快時鐘）", f"a time that there is (the clocks of {zone.key} skip it)")
        )
    return at.isoformat()


def _moment(text: str) -> datetime | None:
    try:
        if len(text) > len("2026-12-01"):  # a day alone says no time
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    known = _DAY_AND_TIME.fullmatch(text)
    if known is None:
        return None
    year, month, day, hour, minute = (int(known[place]) for place in (1, 2, 3, 5, 6))
    half = (known[4] or known[8] or "").upper()
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + 12 * (half in {"PM", "下午"})
    try:
        return datetime(year, month, day, hour, minute, int(known[7] or 0))  # noqa: DTZ001 - its zone comes next
    except ValueError:
        return None


def _number(cell: str) -> int | str:
    """A whole number as spreadsheets write it, `1,800` and `60.0` among them; else the text, which the brief refuses."""
    plain = unicodedata.normalize("NFKC", cell)
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.0+)?", plain):
        plain = plain.replace(",", "")
    known = re.fullmatch(r"([+-]?\d{1,15})(?:\.0+)?", plain)
    return int(known[1]) if known else cell


def _switch(cell: str) -> bool | str:
    word = unicodedata.normalize("NFKC", cell).casefold()
    if word in _YES:
        return True
    return False if word in _NO else cell


def _lexicon(cell: str) -> Any:
    return _object(cell, "lexicon") if cell.startswith("{") else _pairs(cell, "lexicon")


def _providers(cell: str) -> Any:
    return _object(cell, "providers") if cell.startswith("{") else _pairs(cell, "providers")


def _pairs(cell: str, field: str) -> dict[str, str]:
    """`A=B;C=D`."""
    found: dict[str, str] = {}
    for part in _SPLIT.split(cell):
        left, sign, right = (side.strip() for side in part.partition("="))
        if not part.strip():
            continue
        if not (left and sign and right) or left in found:
            raise WrongCell(Text(f"A=B;C=D，或 JSON：{ALLOWED[field].zh}", f"A=B;C=D, or JSON: {ALLOWED[field].en}"))
        found[left] = right
    return found


def _object(cell: str, field: str) -> Any:
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        raise WrongCell(ALLOWED[field]) from None
    return found


def _localizations(cell: str) -> Any:
    return _object(cell, "localizations")


def _seen_by(cell: str) -> str:
    return _PRIVACY.get(cell, cell.casefold())


_READERS: Mapping[str, Callable[[str], Any]] = {
    "lexicon": _lexicon,
    "providers": _providers,
    "localizations": _localizations,
    "privacy": _seen_by,
}
