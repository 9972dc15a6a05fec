"""The file of a batch: judged, and held against this machine before anything is made of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jobs.batch.columns import WrongCell, moment_of
from jobs.batch.rows import Defaults, Form, Mistake, Sheet, read_rows
from reelqueue.ahead.refusing import past_moments, refusals
from reelqueue.bootstrap import Settings
from reelqueue.errors import InvalidBrief
from reelqueue.models.brief import Brief, judged
from reelqueue.providers.registry import Shelf
from reelqueue.wording import Text, same

Check = Callable[[Brief], Awaitable[object]]
"""Raises `InvalidBrief` for what a brief may not ask where it comes from."""
_FORMS: dict[str, Form] = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class Mistaken(Exception):
    """A file can't be a batch: all that is wrong, in the order of its lines."""

    def __init__(self, found: tuple[Mistake, ...]) -> None:
        super().__init__(f"{len(found)} mistakes")
        self.found = found


@dataclass(frozen=True, slots=True)
class TopicFile:
    """A file as it was named, and its bytes; `base` is where its relative paths begin, None: where it lies."""

    name: str
    body: bytes
    base: Path | None = None

    @property
    def folder(self) -> Path:
        """Where its relative paths begin."""
        if self.base is not None:
            return self.base
        return Path.cwd() if self.name == "-" else Path(self.name).expanduser().resolve().parent

    @property
    def form(self) -> Form | None:
        """What its name says that it holds."""
        return _FORMS.get(Path(self.name).suffix.lower())

    @property
    def title(self) -> Text:
        """What it is called."""
        return Text("標準輸入", "standard input") if self.name == "-" else same(self.name)


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


async def refuse_here(
    sheet: Sheet, defaults: Defaults, settings: Settings, shelf: Shelf, check: Check | None = None
) -> tuple[Mistake, ...]:
    """The mistakes of its rows that only this machine knows: channels, voices, files, what time it is; and what `check` refuses.

    Raises:
        InvalidBrief: a moment that was typed for all rows has passed.
        InvalidSettings: what is chosen can't be used as it is set up.
    """
    for refusal in past_moments(Brief(topic="-", deadline=defaults.fields.get("deadline"))):
        raise refusal
    found = list[Mistake]()
    for row in sheet.rows:
        try:
            if check is not None:
                await check(row.brief)
            found += [Mistake.of(row.line, error) for error in await refusals(row.brief, settings, shelf)]
        except InvalidBrief as error:
            found.append(Mistake.of(row.line, error))
    return tuple(found)


def told(mistake: Mistake) -> Text:
    """What is wrong, in which line and field."""
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
