"""A text or Markdown as blocks of speech: headings, paragraphs, list items, quotes, rows of a table; pure.

What can't be spoken is reduced: a link to its words, an address to its host, a row of a table to a sentence.  Code
blocks and pictures are left out and counted.  Everything else is the author's, word for word.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from reelqueue.models.language import HAN
from reelqueue.providers.narration.marks import ends_sentence, is_chinese

Kind = Literal["heading", "paragraph", "item", "row", "quote"]


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of speech that belongs together.  `level` is a heading's, 1-6; `leads` says that a list follows."""

    kind: Kind
    text: str
    level: int = 0
    leads: bool = False


@dataclass(slots=True)
class Reading:
    """What a text holds: its blocks in order, and what is not spoken."""

    blocks: list[Block] = field(default_factory=list)
    code_blocks: int = 0
    pictures: int = 0
    links: list[str] = field(default_factory=list)


_TAGS = re.compile(
    r"<!--.*?-->|</?(?:a|abbr|b|big|blockquote|br|center|code|dd|del|details|div|dl|dt|em|figure|figcaption|font|h[1-6]|hr|i|img|"
    r"ins|kbd|li|mark|ol|p|picture|pre|s|small|source|span|strike|strong|sub|summary|sup|table|tbody|td|th|thead|tr|u|ul|video)\b[^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_FRONT_MATTER = re.compile(r"\A---\n(?:[\w-]+:.*\n|[ \t]+.*\n|- .*\n|\n)*?---\n")
_ADDRESS = re.compile(r"<?\b(?:https?|ftp)://(?:www\.)?([^\s/?#:<>()（）「」，。、；！？]+)[^\s<>（）「」『』，。、；！？]*>?")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,40}\](?::[ \t]?)?")
_CHECK_BOX = re.compile(r"\A\[[ xX]\]\s+")
_SPACES = re.compile(r"[ \t\u00a0\u3000\u200b\ufeff]+")
_CLEARED = re.compile(rf"(?<=[{HAN}，。！？；：、」』）])[ ](?=[{HAN}，。！？；：、「『（])")
_LONGEST_HEADING = 80
_LONGEST_PLAIN_HEADING = 30
_VERSE_LINE = 60
_MOST_ORDINALS = 100
_ORDINALS_EN = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth")
_DIGITS_ZH = "零一二三四五六七八九"
_NEVER_SPOKEN = ("code_block", "fence")


def read_blocks(content: str, language: str) -> Reading:
    """The blocks of a text (LF line ends).  `language` chooses how rows and ordinals are said."""
    text = _TAGS.sub(lambda tag: "\n" if re.match(r"</?(?:br|p|div|li|tr|h\d)\b", tag[0], re.IGNORECASE) else "", content)
    text = _FOOTNOTE.sub("", _FRONT_MATTER.sub("", text))
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(["code"])
    reading = Reading()
    _Walk(reading, chinese=language.startswith("zh")).over(parser.parse(text))
    reading.blocks = _plain_headings(reading.blocks)
    return reading


class _Walk:
    """One pass over the tokens of a document."""

    def __init__(self, reading: Reading, *, chinese: bool) -> None:
        self.reading = reading
        self.chinese = chinese
        self.lists: list[int | None] = []
        self.fresh_item = False
        self.quotes = 0
        self.heading = 0
        self.head: list[str] = []
        self.row: list[str] | None = None

    def over(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            step = getattr(self, f"_{token.type}", None)
            if step is not None:
                step(token)
            elif token.type in _NEVER_SPOKEN:
                self.reading.code_blocks += 1

    def _heading_open(self, token: Token) -> None:
        self.heading = int(token.tag[1:])

    def _heading_close(self, _token: Token) -> None:
        self.heading = 0

    def _blockquote_open(self, _token: Token) -> None:
        self.quotes += 1

    def _blockquote_close(self, _token: Token) -> None:
        self.quotes -= 1

    def _bullet_list_open(self, _token: Token) -> None:
        self._list(None)

    def _ordered_list_open(self, token: Token) -> None:
        self._list(int(token.attrGet("start") or 1))

    def _list(self, start: int | None) -> None:
        blocks = self.reading.blocks
        if blocks and blocks[-1].kind in {"paragraph", "item"} and not self.lists:
            blocks[-1] = Block(blocks[-1].kind, blocks[-1].text, leads=True)
        self.lists.append(start)

    def _bullet_list_close(self, _token: Token) -> None:
        self.lists.pop()

    _ordered_list_close = _bullet_list_close

    def _list_item_open(self, _token: Token) -> None:
        self.fresh_item = True

    def _list_item_close(self, _token: Token) -> None:
        if self.lists and self.lists[-1] is not None:
            self.lists[-1] += 1
        self.fresh_item = False

    def _thead_close(self, _token: Token) -> None:
        self.head, self.row = self.row or [], None

    def _tr_open(self, _token: Token) -> None:
        self.row = []

    def _tr_close(self, _token: Token) -> None:
        if self.row is not None and self.head:
            self._add("row", _row_said(self.head, self.row, chinese=self.chinese))

    def _tbody_close(self, _token: Token) -> None:
        self.row = None

    def _table_close(self, _token: Token) -> None:
        if self.row is not None:  # a head without rows
            self._add("row", ("、" if self.chinese else ", ").join(self.row))
        self.head, self.row = [], None

    def _inline(self, token: Token) -> None:
        lines = _lines(self._spoken(token.children or []))
        if self.row is not None:
            self.row.append(" ".join(lines))
        elif lines:
            self._paragraph(lines)

    def _paragraph(self, lines: list[str]) -> None:
        if self.heading:
            text = _joined(lines)
            self._add("heading" if len(text) <= _LONGEST_HEADING else "paragraph", text, self.heading)
        elif self.lists:
            text = _CHECK_BOX.sub("", _joined(lines))
            number = self.lists[-1]
            if self.fresh_item and number is not None:
                text = self._ordinal(number, text)
            self._add("item", text)
            self.fresh_item = False
        elif self.quotes:
            self._add("quote", _verse(lines) or _joined(lines))
        else:
            self._add("paragraph", _verse(lines) or _joined(lines))

    def _ordinal(self, number: int, text: str) -> str:
        if number >= _MOST_ORDINALS:  # "1998. It began": a year, not a list
            return f"{number}. {text}"
        if re.match(r"第[一二三四五六七八九十\d]|首先|其次|最後|(?:first|second|third|finally|step)\b", text, re.IGNORECASE):
            return text
        if self.chinese:
            return f"第{chinese_number(number)}，{text}"
        return f"{_ORDINALS_EN[number - 1]}: {text}" if 1 <= number <= len(_ORDINALS_EN) else f"Number {number}: {text}"

    def _spoken(self, children: Sequence[Token]) -> str:
        return "".join(self._words_of(children))

    def _words_of(self, children: Sequence[Token]) -> Iterator[str]:
        for child in children:
            if child.type in {"text", "code_inline", "text_special"}:
                yield child.content
            elif child.type in {"softbreak", "hardbreak"}:
                yield "\n"
            elif child.type == "image":
                self.reading.pictures += 1
            elif child.type == "link_open":
                target = str(child.attrGet("href") or "")
                if target.startswith(("http://", "https://")):
                    self.reading.links.append(target)

    def _add(self, kind: Kind, text: str, level: int = 0) -> None:
        def host(match: re.Match[str]) -> str:
            self.reading.links.append(match[0].strip("<>"))
            return match[1]

        spoken = _CLEARED.sub("", _SPACES.sub(" ", _ADDRESS.sub(host, text))).strip()
        if re.search(r"\w", spoken):
            self.reading.blocks.append(Block(kind, spoken, level if kind == "heading" else 0))


def chinese_number(number: int) -> str:
    """A whole number from 0 to 99 in Chinese."""
    tens, ones = divmod(number, 10)
    if not tens:
        return _DIGITS_ZH[ones]
    return ("" if tens == 1 else _DIGITS_ZH[tens]) + "十" + (_DIGITS_ZH[ones] if ones else "")


def _row_said(head: list[str], row: list[str], *, chinese: bool) -> str:
    """A row as a sentence: its first cell, then each further cell after its column's name.

    Words in the only other column speak for themselves, a figure there does not.
    """
    colon, comma = ("：", "，") if chinese else (": ", ", ")
    if len(row) == 2 and row[1][:1].isalpha():
        return colon.join(row)
    rest = [f"{name} {cell}".strip() for name, cell in zip(head[1:], row[1:], strict=False) if cell.strip()]
    return colon.join(part for part in (row[0], comma.join(rest)) if part)


def _lines(text: str) -> list[str]:
    return [line for line in (_SPACES.sub(" ", line).strip() for line in text.split("\n")) if line]


def _joined(lines: Sequence[str]) -> str:
    """Lines that were wrapped: nothing between Chinese characters, a space elsewhere."""
    out = ""
    for line in lines:
        gap = "" if not out or (is_chinese(out[-1]) and is_chinese(line[0])) else " "
        out += gap + line
    return out


def _verse(lines: Sequence[str]) -> str | None:
    """Lines that stand for themselves (a poem, an address): each ends with a mark, so that it is heard; None for prose."""
    if len(lines) < 2 or any(_width(line) > _VERSE_LINE for line in lines):
        return None
    chinese = sum(is_chinese(line[-1]) for line in lines) * 2 > len(lines)
    breaks = [ends_sentence(line) or line[-1] in "，、；：,;:—" for line in lines[:-1]]
    if not chinese and not (all(line[0].isupper() or not line[0].isalpha() for line in lines) and len(lines) > 2):
        return None
    if chinese and max(map(_width, lines)) - min(map(_width, lines)) > 44 and not all(breaks):
        return None
    comma, gap = ("，", "") if chinese else (",", " ")
    return gap.join(line if last or closed else line + comma for line, closed, last in _with_last(lines, breaks))


def _with_last(lines: Sequence[str], closed: Sequence[bool]) -> Iterator[tuple[str, bool, bool]]:
    for place, line in enumerate(lines):
        last = place == len(lines) - 1
        yield line, not last and closed[place], last


def _width(text: str) -> int:
    return sum(2 if is_chinese(character) else 1 for character in text)


def _plain_headings(blocks: list[Block]) -> list[Block]:
    """A short line of its own without an end mark before a paragraph is a heading, as people write them in plain text."""
    if any(block.kind == "heading" for block in blocks):
        return blocks
    out = list(blocks)
    for place, block in enumerate(blocks[:-1]):
        follower = blocks[place + 1]
        short = _width(block.text) <= _LONGEST_PLAIN_HEADING * 2 and block.text[-1] not in "。！!；;：:，,、.…"
        longer = follower.kind == "paragraph" and _width(follower.text) > 2 * _width(block.text)
        longer = longer and (place == 0 or ends_sentence(follower.text))
        if block.kind == "paragraph" and not block.leads and short and longer:
            out[place] = Block("heading", block.text, 1 if place == 0 else 2)
    return out
