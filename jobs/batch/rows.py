"""From a file of topics to the briefs of a batch, or to all that is wrong with it, by line and field.  Pure.

A row is known by its key: the one that it gives, else the hash of what its video would be.  So the same row is made once, wherever it
comes from, and another priority or moment of publication makes no second video of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from jobs.batch.columns import KEY, WrongCell, column_named, is_left_out, meant, moment_of, placed, read_cell
from jobs.batch.decoding import NoText, decoded
from jobs.batch.table import SEPARATORS, Header, Malformed, header_of, is_json_lines, json_rows, rows_below
from reelqueue.errors import InvalidBrief, beside, received
from reelqueue.models.batch import MOST_PROJECTS
from reelqueue.models.brief import Brief, judged
from reelqueue.models.keys import piece_key
from reelqueue.wording import Text, same

MOST_KEY_CHARS = 200
UNREAD = same("")
_NOT_THE_VIDEO = {
    "priority", "deadline", "review", "privacy", "publish_at", "playlist", "tags", "category_id", "made_for_kids", "synthetic_media", "localizations", "presenter_required",
}  # fmt: skip
"""Of a brief: when it is made, who looks at it, how it is published.  None of it makes another video of the same channel."""
Form = Literal["csv", "jsonl"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong: in which line (0: with the whole file), in which field ("": with the whole line), and what to do."""

    line: int
    field: str
    text: Text
    column: str = ""
    """What the file itself calls the field, where it is another name."""

    @classmethod
    def of(cls, line: int, error: InvalidBrief) -> "Mistake":
        """A row's refusal."""
        allowed, given = error.allowed, received(error.given)
        return cls(line, error.field, Text(f"允許的是{beside(allowed.zh)}；{given.zh}", f"allowed is {allowed.en}; {given.en}"))


@dataclass(frozen=True, slots=True)
class Row:
    """One video: the line that it stands in, its brief, its key, and whether the file gave the key."""

    line: int
    brief: Brief
    key: str
    is_named: bool

    @property
    def identity(self) -> str:
        """The hash of what its video would be."""
        return identity(self.brief)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file says: its rows, each once; `repeats` are the lines that say the same again, with the first that did.

    `how` is how it was read (its encoding, what separates its columns); `names` is what a table calls the fields that it has under
    another name.  Where there are mistakes the rows are those that have none.
    """

    rows: tuple[Row, ...] = ()
    repeats: tuple[tuple[int, int], ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    how: Text = UNREAD
    names: Mapping[str, str] = field(default_factory=dict)

    def named(self, mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
        """Mistakes in the order of their lines, with what the file calls their columns."""
        told = [replace(each, column=self.names.get(each.field, each.column)) for each in mistakes]
        return tuple(sorted(told, key=lambda each: each.line))


@dataclass(slots=True)
class Defaults:
    """What holds where a row says nothing of its own: fields by name, where its paths begin, the zone of its times."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))


def identity(brief: Brief) -> str:
    """The hash of what a brief's video would be."""
    return piece_key(brief.model_dump(mode="json", exclude=_NOT_THE_VIDEO))


def read_rows(body: bytes, defaults: Defaults, *, form: Form | None = None) -> Sheet:
    """The rows of a file; `form` is what its name says, None: its first character tells.

    Never raises for what the file holds: that is a mistake of the sheet.
    """
    try:
        known = decoded(body)
    except NoText as error:
        return Sheet(mistakes=(Mistake(0, "", error.text),))
    text = known.text.lstrip("\ufeff")
    if form == "jsonl" or (form is None and is_json_lines(text)):
        return _sheet(_of_json(text, defaults), same(known.encoding))
    header = header_of(text, lambda name: column_named(name) is not None)
    columns, mistakes = _columns(header)
    separator = SEPARATORS[header.separator]
    how = Text(f"{known.encoding}，以{separator.zh}分隔", f"{known.encoding}, columns separated by {separator.en}")
    if mistakes:
        return Sheet(mistakes=tuple(mistakes), how=how)
    sheet = _sheet(_of_table(text, header, columns, defaults), how)
    names = {column: header.names[place] for place, column in columns.items() if header.names[place] != column}
    return replace(sheet, names=names)


Judged = tuple[int, Brief | None, str | None, list[Mistake]]
"""A line, its brief, the key that it gives, what is wrong with it."""
Written = Callable[[], Judged]
"""A row that is only judged where there are not too many of them."""


def _sheet(written: Iterator[Written], how: Text) -> Sheet:
    rows: dict[str, Row] = {}
    repeats: list[tuple[int, int]] = []
    mistakes: list[Mistake] = []
    count = 0
    for row_of in written:
        count += 1
        if count > MOST_PROJECTS:
            continue
        line, brief, key, wrong = row_of()
        mistakes += wrong
        if brief is None or wrong:
            continue
        row = Row(line, brief, key or f"row {identity(brief)}", key is not None)
        first = rows.setdefault(row.key, row)
        if first is row:
            continue
        if first.brief == row.brief or not row.is_named:
            repeats.append((line, first.line))
        else:
            mistakes.append(_two_of_a_key(row, first))
    if count > MOST_PROJECTS:
        mistakes.insert(0, _too_many(count))
    if not count:
        mistakes.append(
            Mistake(
                0,
                "",
                Text("檔案裡沒有任何一列：標題列下面每列一支影片", "the file has no row: each line below the header is a video"),
            )
        )
    return Sheet(tuple(rows.values()), tuple(repeats), tuple(mistakes), how)


def _columns(header: Header) -> tuple[dict[int, str], list[Mistake]]:
    """The field of each column, by its place."""
    columns: dict[int, str] = {}
    mistakes = []
    for place, name in enumerate(header.names):
        if not name or is_left_out(name):
            continue
        column = column_named(name)
        if column is None:
            mistakes.append(_no_column(header.line, name))
        elif column in columns.values():
            mistakes.append(Mistake(header.line, name, Text("這個欄位出現兩次", "this column stands there twice")))
        else:
            columns[place] = column
    if not {"topic", "content"} & set(columns.values()):
        mistakes.append(
            Mistake(
                header.line,
                "",
                Text(
                    "第一行要是欄位名稱，至少有 topic（主題）或 content（內容）",
                    "the first line has to name the columns, topic or content among them",
                ),
            )
        )
    return columns, mistakes


def _no_column(line: int, name: str) -> Mistake:
    close = meant(name)
    is_it = Text(f"是「{close}」嗎？", f" is it {close!r}?") if close is not None else same("")
    return Mistake(
        line,
        name,
        Text(
            f"沒有這個欄位；{is_it.zh}自己的註記欄請在名稱前加 #",
            f"no such column;{is_it.en} put # before the name of a column of your own",
        ),
    )


def _of_table(text: str, header: Header, columns: dict[int, str], defaults: Defaults) -> Iterator[Written]:
    try:
        for line, cells in rows_below(text, header):
            yield partial(_judged_cells, line, cells, columns, header, defaults)
    except Malformed as error:
        yield partial(_unreadable, error)


def _unreadable(error: Malformed) -> Judged:
    return error.line, None, None, [Mistake(error.line, "", error.text)]


def _judged_cells(line: int, cells: list[str], columns: dict[int, str], header: Header, defaults: Defaults) -> Judged:
    data: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for place, raw in enumerate(cells):
        cell = raw.strip()
        if not cell:
            continue
        column = columns.get(place)
        if column is None:
            if place >= len(header.names) or not header.names[place]:
                return line, None, None, [_too_wide(line, cells, header)]
            continue
        try:
            _put(data, column, read_cell(column, cell, defaults.zone, defaults.folder))
        except WrongCell as error:
            mistakes.append(Mistake.of(line, InvalidBrief(column, error.allowed, cell)))
    return _judged(line, data, mistakes, defaults)


def _put(data: dict[str, Any], column: str, value: Any) -> None:
    """`providers.image` goes into `providers`."""
    field_name, *path = column.split(".")
    while path:
        data = data.setdefault(field_name, {})
        field_name, *path = path
    data[field_name] = value


def _of_json(text: str, defaults: Defaults) -> Iterator[Written]:
    for line, found in json_rows(text):
        yield partial(_unreadable, found) if isinstance(found, Malformed) else partial(_judged_object, line, found, defaults)


def _judged_object(line: int, found: dict[str, Any], defaults: Defaults) -> Judged:
    data, mistakes = dict[str, Any](), list[Mistake]()
    for name, value in found.items():
        column = name if name in Brief.model_fields else column_named(name)
        if column is None or "." in column or column in data:
            mistakes.append(_no_column(line, name))
        elif value is not None:
            data[column] = placed(column, value, defaults.folder)
    return _judged(line, data, mistakes, defaults)


def _judged(line: int, data: dict[str, Any], mistakes: list[Mistake], defaults: Defaults) -> Judged:
    key = data.pop(KEY, None)
    if key is not None and not _is_key(key):
        allowed = Text(f"可列印的文字，1 到 {MOST_KEY_CHARS} 個字元", f"printable text of 1 to {MOST_KEY_CHARS} characters")
        mistakes.append(Mistake.of(line, InvalidBrief(KEY, allowed, key)))
    for name in ("publish_at", "deadline"):
        if isinstance(data.get(name), str):
            try:
                data[name] = moment_of(data[name], defaults.zone)
            except WrongCell as error:
                mistakes.append(Mistake.of(line, InvalidBrief(name, error.allowed, data.pop(name))))
    refused = {mistake.field for mistake in mistakes}
    brief, wrong = judged({**defaults.fields, **data})
    told_already = bool(refused & {"topic", "content"})  # what is refused there is not missing
    mistakes += [
        Mistake.of(line, error) for error in wrong if error.field not in refused and not (told_already and error.field == "topic")
    ]
    return line, brief, str(key) if key is not None else None, sorted(mistakes, key=lambda each: each.field)


def _is_key(key: object) -> bool:
    return isinstance(key, str) and key.isprintable() and 0 < len(key.strip()) <= MOST_KEY_CHARS


def _too_wide(line: int, cells: list[str], header: Header) -> Mistake:
    separator, wide = SEPARATORS[header.separator], len(header.names)
    return Mistake(
        line,
        "",
        Text(
            f'有 {len(cells)} 格，標題列只有 {wide} 欄：含{separator.zh}的文字要放在引號 " 裡',
            f'has {len(cells)} cells, the header {wide}: a text with a {separator.en} in it goes in quotes "',
        ),
    )


def _two_of_a_key(row: Row, first: Row) -> Mistake:
    return Mistake(
        row.line,
        KEY,
        Text(
            f"和第 {first.line} 行同一個 key（{row.key}），內容卻不同：換一個 key，或刪掉其中一行",
            f"the same key as line {first.line} ({row.key}), but another video: choose another key, or remove one of the lines",
        ),
    )


def _too_many(count: int) -> Mistake:
    return Mistake(
        0,
        "",
        Text(
            f"有 {count:,} 列；一批最多 {MOST_PROJECTS:,} 列：請分成幾個檔案",
            f"{count:,} rows; a batch has at most {MOST_PROJECTS:,}: split the file",
        ),
    )
