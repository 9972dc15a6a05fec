"""From the bytes of a file to its text: UTF-8, UTF-16 and UTF-32 with or without a mark, Big5.  Pure.

What spreadsheets write: Excel UTF-8 with a mark, "Unicode text" as UTF-16, plain CSV in the code page of its Windows (Big5 in Taiwan);
the others UTF-8.  Code pages are told apart by how everyday their characters are: of short files a general detector took 4-8 % for
another language (charset-normalizer 3.5, 400 files of 1-20 Chinese rows), this none of 1,500.
"""

import codecs
import unicodedata
from dataclasses import dataclass

from reelqueue.wording import Text

_BLANK = b" \t\r\n\0\xef\xbb\xbf\xff\xfe"
"""What a file of nothing may hold: marks and line ends."""
SAMPLE_CHARS = 20_000
"""So many characters tell an encoding."""
EVERYDAY_SHARE, EVERYDAY_LEAD = 0.9, 0.05
"""Of the characters beyond ASCII: so many are everyday ones of the right code page, and so many more than of any other."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_AS_UTF8 = Text(
    "請存成 UTF-8 的 CSV（Excel：「CSV UTF-8（逗號分隔）」）", "save it as CSV in UTF-8 (Excel: “CSV UTF-8 (comma delimited)”)"
)
_WORKBOOK = Text(
    "這是試算表檔，不是文字：請在試算表裡匯出成 CSV（UTF-8）",
    "this is a spreadsheet's own file, no text: export it as CSV (UTF-8) there",
)
_KINDS = (
    (b"PK\x03\x04", _WORKBOOK),  # Excel, Numbers, LibreOffice
    (b"\xd0\xcf\x11\xe0", _WORKBOOK),  # Excel before 2007
    (b"\x1f\x8b", Text("這是壓縮檔：請先解壓縮", "this is a compressed file: unpack it first")),
    (b"%PDF", Text("這是 PDF，不是表格：請匯出成 CSV（UTF-8）", "this is a PDF, no table: export it as CSV (UTF-8)")),
)


class NoText(Exception):
    """What a file holds is no text that can be read; `text` says what it is and what to do."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and the encoding that it was in, for people."""

    text: str
    encoding: str


def decoded(body: bytes) -> Decoded:
    """The text of a file.

    Raises:
        NoText: it is empty, of another kind, damaged, or in an encoding that can't be told.
    """
    if not body.strip(_BLANK):
        raise NoText(Text("檔案是空的：第一行要是欄位名稱", "the file is empty: its first line has to name the columns"))
    for start, what in _KINDS:
        if body.startswith(start):
            raise NoText(what)
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _strictly(body[len(mark) :] if encoding == "utf-8" else body, encoding)
    if b"\0" in body[: 4 * SAMPLE_CHARS]:
        return _without_mark(body)
    try:
        return Decoded(body.decode("utf-8"), "UTF-8")
    except UnicodeDecodeError:
        return _of_a_code_page(body)


def _strictly(body: bytes, encoding: str) -> Decoded:
    name = encoding.upper()
    try:
        return Decoded(body.decode(encoding), name)
    except UnicodeDecodeError as error:
        place = body[: error.start].count(b"\n") + 1
        raise NoText(
            Text(f"開頭說是 {name}，第 {place} 行附近卻不是：檔案損壞，{_AS_UTF8.zh}", f"its mark says {name}, near line {place} it is not: the file is damaged; {_AS_UTF8.en}")
        ) from None  # fmt: skip


def _without_mark(body: bytes) -> Decoded:
    """UTF-16 whose mark is missing has NULs, as binary files do; but its lines end as lines do, and what it holds are letters."""
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        sample = text[:SAMPLE_CHARS]
        if not any(unicodedata.category(char) in {"Cc", "Cn", "Co", "Cs"} and char not in "\t\r\n" for char in sample):
            return Decoded(text, "UTF-16")
    raise NoText(Text("這不是文字檔：要的是 CSV 或 JSONL", "this is no text: a CSV or JSONL file is wanted"))


def _of_a_code_page(body: bytes) -> Decoded:
    """Big5, where what it gives are everyday characters of Chinese as it is written in Taiwan.  A sample never ends in half a character."""
    shares = dict.fromkeys(_EVERYDAY, 0.0)
    for encoding in shares:
        try:
            shares[encoding] = _everyday(body.decode(encoding)[:SAMPLE_CHARS], encoding)
        except UnicodeDecodeError:
            continue
    if shares["cp950"] >= EVERYDAY_SHARE and shares["cp950"] - shares["gb18030"] >= EVERYDAY_LEAD:
        return Decoded(body.decode("cp950"), "Big5")
    line = _first_foreign_line(body)
    where = Text(f"（第 {line} 行）", f" (line {line})")
    raise NoText(
        Text(f"看不出檔案的編碼：不是 UTF-8{where.zh}，也不像 Big5；{_AS_UTF8.zh}", f"its encoding can't be told: it is not UTF-8{where.en}, nor like Big5; {_AS_UTF8.en}")
    )  # fmt: skip


def _first_foreign_line(body: bytes) -> int:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return body[: error.start].count(b"\n") + 1
    return 1


_EVERYDAY = {"cp950": (0xA140, 0xC67E), "gb18030": (0xA1A1, 0xD7F9)}
"""Where the everyday characters of a code page lie: the first of its two levels, and the punctuation before it."""


def _everyday(text: str, encoding: str) -> float:
    """The share of everyday characters among those beyond ASCII."""
    first, last = _EVERYDAY[encoding]
    found = [char.encode(encoding, "replace") for char in text if not char.isascii()]
    usual = sum(len(pair) == 2 and first <= int.from_bytes(pair) <= last and _is_of_the_set(pair, encoding) for pair in found)
    return usual / len(found) if found else 0.0


def _is_of_the_set(pair: bytes, encoding: str) -> bool:
    """GBK's later characters lie between those of GB2312: by their second byte."""
    return encoding != "gb18030" or (pair[1] >= 0xA1 and not 0xA4 <= pair[0] <= 0xAF)
