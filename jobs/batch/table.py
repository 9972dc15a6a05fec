"""From the text of a file to its rows: CSV as spreadsheets write it, or JSON line by line.  Pure.

A row's line is where it begins: a cell in quotes may go on over several.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from reelqueue.wording import Text

SEPARATORS = {",": Text("逗號", "comma"), ";": Text("分號", "semicolon"), "\t": Text("tab", "tab")}
HEADER_WITHIN = 5
"""The header is one of the first lines: Numbers writes a table's title above it, Excel's users `sep=;`."""


class Malformed(Exception):
    """A line that can't be read."""

    def __init__(self, line: int, text: Text) -> None:
        super().__init__(str(text))
        self.line, self.text = line, text


@dataclass(frozen=True, slots=True)
class Header:
    """The names of the columns, where they stand, and what separates them."""

    names: tuple[str, ...]
    line: int
    separator: str


def is_json_lines(text: str) -> bool:
    """Whether a file of no telling name holds JSON: no column's name begins so."""
    return text.lstrip("\ufeff \t\r\n").startswith(("{", "["))


def header_of(text: str, is_known: Callable[[str], bool]) -> Header:
    """The header: of the first lines and the separators the one that gives the most columns that are known.

    Without any known column it is the first line that is not blank, with the separator that it holds most of.
    """
    found = []
    for separator in SEPARATORS:
        for line, cells in _first_rows(text, separator):
            known = sum(is_known(cell) for cell in cells)
            found.append((known, -line, len(cells), Header(tuple(cell.strip() for cell in cells), line, separator)))
    best = max(found, key=lambda one: one[:3], default=None)
    return best[3] if best is not None else Header((), 1, ",")


def _first_rows(text: str, separator: str) -> list[tuple[int, list[str]]]:
    rows = []
    try:
        for line, cells in _rows(text, separator):
            if any(cell.strip() for cell in cells) and not cells[0].lower().startswith("sep="):
                rows.append((line, cells))
            if len(rows) == HEADER_WITHIN:
                break
    except Malformed:
        pass  # with another separator it may be none; else it is told when the rows are read
    return rows


def rows_below(text: str, header: Header) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header that are not blank, by their lines.

    Raises:
        Malformed: quotes that don't close, or text behind them.
    """
    for line, cells in _rows(text, header.separator):
        if line > header.line and any(cell.strip() for cell in cells):
            yield line, cells


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Malformed(line, _why(error)) from None
        yield line, cells
        line = reader.line_num + 1


def _why(error: csv.Error) -> Text:
    said = str(error)
    if "unexpected end" in said:
        return Text('引號 " 沒有結束：儲存格裡的 " 要寫成 ""', 'a quote " is never closed: within a cell " is written ""')
    if "expected after" in said:
        return Text('結束的引號後面還有字：儲存格裡的 " 要寫成 ""', 'text follows a closing quote: within a cell " is written ""')
    if "field larger" in said:
        return Text('一格太長：可能少了一個引號 "', 'a cell is too long: a quote " may be missing')
    return Text(f"不是 CSV（{said}）", f"is no CSV ({said})")


def json_rows(text: str) -> Iterator[tuple[int, dict[str, Any] | Malformed]]:
    """Each line's object, or what is wrong with the line: one bad line spoils no other."""
    for line, written in enumerate(io.StringIO(text), start=1):
        if written.strip():
            yield line, _object(line, written)


def _object(line: int, written: str) -> dict[str, Any] | Malformed:
    try:
        data = json.loads(written, object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        return Malformed(line, _no_json(written, error))
    except _Twice as twice:
        name = str(twice)
        return Malformed(line, Text(f"「{name}」出現兩次", f"{name!r} stands there twice"))
    except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
        return Malformed(line, Text("不是合理的 JSON", "is not JSON of a sensible kind"))
    if isinstance(data, dict):
        return data
    if isinstance(data, list):
        return Malformed(
            line,
            Text(
                "是一個陣列：JSONL 每行一個物件（jq -c '.[]' 檔案 可以轉換）",
                "is an array: JSONL has one object a line (jq -c '.[]' FILE makes that)",
            ),
        )
    return Malformed(line, Text('不是 JSON 物件 {"topic": ...}', 'is no JSON object {"topic": ...}'))


class _Twice(Exception):
    """A name stands twice in an object: neither value would be the one that was meant."""


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


def _no_json(written: str, error: json.JSONDecodeError) -> Text:
    line = written.strip()
    if line in {"[", "{", "]", "}"} or (line.startswith("{") and not line.endswith("}")):
        return Text(
            "不是完整的 JSON 物件：JSONL 每個物件寫在一行（jq -c . 檔案 可以轉換）",
            "is no whole JSON object: JSONL has each on one line (jq -c . FILE makes that)",
        )
    return Text(f"不是 JSON（第 {error.colno} 個字元）", f"is not JSON (at character {error.colno})")
