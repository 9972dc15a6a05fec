"""The file of a batch: read, judged, and held against this machine before anything is made of it."""

import asyncio
import errno
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jobs.batch.columns import WrongCell, moment_of
from jobs.batch.rows import Defaults, Form, Mistake, Sheet, read_rows
from reelqueue.ahead.refusing import past_moments, refusals
from reelqueue.bootstrap import Settings
from reelqueue.cli.console import notes, say_json
from reelqueue.cli.widths import counted
from reelqueue.errors import InvalidBrief, ReelqueueError
from reelqueue.models.brief import Brief, judged
from reelqueue.providers.registry import Shelf
from reelqueue.wording import Text, same

READ_BYTES = 200_000_000
"""More than 5,000 briefs hold: what is longer is not read to its end."""
SHOWN = 50
"""So many mistakes are told one by one."""
_FORMS: dict[str, Form] = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class Refused(InvalidBrief):
    """A file can't be a batch; what is wrong in which line was told."""

    def __init__(self, message: Text, hint: Text) -> None:
        ReelqueueError.__init__(self, message, hint)


@dataclass(frozen=True, slots=True)
class TopicFile:
    """A file as it was named, and its bytes."""

    name: str
    body: bytes

    @property
    def folder(self) -> Path:
        """Where its relative paths begin."""
        return Path.cwd() if self.name == "-" else Path(self.name).expanduser().resolve().parent

    @property
    def form(self) -> Form | None:
        """What its name says that it holds."""
        return _FORMS.get(Path(self.name).suffix.lower())

    @property
    def title(self) -> Text:
        """What it is called."""
        return Text("標準輸入", "standard input") if self.name == "-" else same(self.name)


def read_file(name: str) -> TopicFile:
    """Read the file of a batch; `-` is standard input.

    Raises:
        Refused: it can't be read, or is larger than any batch.
    """
    try:
        body = _bytes(name)
    except (OSError, ValueError) as error:  # a name with a NUL in it, too
        why = getattr(error, "strerror", None) or str(error)
        known = {
            errno.EISDIR: Text("是資料夾，不是檔案", "is a folder, no file"),
            errno.ENOENT: Text("沒有這個檔案", "there is no such file"),
        }
        said = known.get(getattr(error, "errno", None) or 0, Text(f"無法讀取（{why}）", f"can't be read ({why})"))
        raise _refused(TopicFile(name, b""), said) from None
    if len(body) == READ_BYTES:
        raise _refused(TopicFile(name, b""), Text("太大：最多 200 MB", "is too large: 200 MB at most"))
    return TopicFile(name, body)


def _refused(file: TopicFile, why: Text) -> Refused:
    return Refused(
        Text(f"{file.title.zh}：{why.zh}", f"{file.title.en}: {why.en}"),
        Text("請指定一個 CSV 或 JSONL 檔，- 是標準輸入", "name a CSV or JSONL file; - is standard input"),
    )


def _bytes(name: str) -> bytes:
    if name == "-":
        if sys.stdin is None:  # started with it closed
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return sys.stdin.buffer.read(READ_BYTES)
    with open(os.path.expanduser(name), "rb") as file:  # noqa: PTH111, PTH123 - Path's raises for an unknown user
        return file.read(READ_BYTES)


def defaults_of(fields: Mapping[str, Any], file: TopicFile, settings: Settings) -> Defaults:
    """What was typed for all rows, as briefs have it.

    Raises:
        InvalidBrief: names the first that is wrong.
    """
    zone = ZoneInfo(settings.timezone)
    said = {name: value for name, value in fields.items() if value is not None}
    if isinstance(said.get("deadline"), str):
        try:
            said["deadline"] = moment_of(said["deadline"], zone)
        except WrongCell as error:
            raise InvalidBrief("deadline", error.allowed, said["deadline"]) from None
    brief, wrong = judged({"topic": "-", **said})
    if brief is None:
        raise wrong[0]
    return Defaults(said, file.folder, zone)


async def read_sheet(file: TopicFile, defaults: Defaults) -> Sheet:
    """The rows of the file, or its mistakes."""
    return await asyncio.to_thread(read_rows, file.body, defaults, form=file.form)


async def refuse_here(sheet: Sheet, defaults: Defaults, settings: Settings, shelf: Shelf) -> tuple[Mistake, ...]:
    """The mistakes of its rows that only this machine knows: channels, voices, files, what time it is.

    Raises:
        InvalidBrief: a moment that was typed for all rows has passed.
        InvalidSettings: what is chosen can't be used as it is set up.
    """
    for refusal in past_moments(Brief(topic="-", deadline=defaults.fields.get("deadline"))):
        raise refusal
    return tuple([Mistake.of(row.line, error) for row in sheet.rows for error in await refusals(row.brief, settings, shelf)])


def refuse(file: TopicFile, mistakes: Sequence[Mistake], *, as_json: bool) -> Refused:
    """Tell all that is wrong; returns what to raise."""
    only = mistakes[0]
    if len(mistakes) == 1 and not only.line and not as_json:
        return _refused(file, only.text)
    if as_json:
        say_json({"mistakes": [{"line": each.line, "field": each.field, "message": str(each.text)} for each in mistakes]})
    else:
        for each in mistakes[:SHOWN]:
            notes().print(str(_told(each)), markup=False)
        if (more := len(mistakes) - SHOWN) > 0:
            notes().print(
                str(
                    Text(
                        f"…另外還有 {more:,} 個錯誤（--json 會全部列出）", f"… and {more:,} more mistakes (--json lists them all)"
                    )
                ),
                markup=False,
            )
    count = len(mistakes)
    return Refused(
        Text(
            f"{file.title.zh}：{count:,} 個錯誤，什麼都沒有開始",
            f"{file.title.en}: {counted(count, 'mistake')}, nothing was begun",
        ),
        Text(
            "修正檔案後再執行一次",
            "correct the file and run it again",
        ),
    )


def _told(mistake: Mistake) -> Text:
    zh = f"第 {mistake.line:,} 行" if mistake.line else ""
    en = f"line {mistake.line:,}" if mistake.line else ""
    if mistake.field:
        name = (
            Text(f"{mistake.column}（{mistake.field}）", f"{mistake.column} ({mistake.field})")
            if mistake.column
            else same(mistake.field)
        )
        zh, en = f"{zh} {name.zh}".strip(), f"{en}, {name.en}".lstrip(", ")
    return Text(f"{zh}：{mistake.text.zh}" if zh else mistake.text.zh, f"{en}: {mistake.text.en}" if en else mistake.text.en)
