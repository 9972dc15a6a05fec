"""The clauses of a part's text, with their places in it: what large type is chosen from; pure."""

import re
from dataclasses import dataclass

from reelqueue.providers.narration.marks import CLOSERS, OPENERS
from reelqueue.providers.narration.sentences import split_sentences

_BREAK_ZH = re.compile(r"[，、；：。！？!?…—～⋯]+|(?<!\d)[,;:](?!\d)|\.(?=$)")
_BREAK_EN = re.compile(r"[,;:](?=[”\"'’]*\s)|[—–]|\s-\s|[!?…]+(?=\s|$|[”\"'’)])|[.]+(?=[”\"'’)]*$)|[。！？，；：]")
_WITHIN_EN = re.compile(
    r"(?<!\bmore)(?<!\bless)(?<!\bfewer)(?<!\brather)\s(?=(?:and (?:the|an?|in|it|they|we|you|he|she|this|that|there|no|nobody|not|then|when|if)|but|because|which|who|that|when|while|until|after|before|if|since|so|than|although|unless|where)\s)"
)
_QUOTE = re.compile(r"「[^「」]{8,}」|“[^“”]{20,}”|\"[^\"]{20,}\"")
_EDGE = " \t，、；：。,;:.—–…-"
_PAIRS = dict(zip("「『（《〈【“([", "」』）》〉】”)]", strict=True)) | {'"': '"'}


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch without a pause.  `start` counts characters of the text; `opens`, `closes`: first, last of its sentence."""

    text: str
    start: int
    sentence: int
    opens: bool
    closes: bool
    asks: bool = False
    """Whether a question mark follows."""
    after: str = ""
    """The character that follows."""
    quoted: bool = False
    """Whether it stands in a quotation, and not as a name or a term."""

    @property
    def end(self) -> int:
        """Behind its last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and where it begins in the text."""

    text: str
    start: int


def sentences_of(text: str) -> tuple[Sentence, ...]:
    """The sentences with their places."""
    out, at = [], 0
    for piece in split_sentences(text):
        found = text.find(piece, at)
        if found < 0:  # white space inside was set anew
            continue
        out.append(Sentence(piece, found))
        at = found + len(piece)
    return tuple(out)


def clauses_of(text: str, language: str) -> tuple[Clause, ...]:
    """All clauses, without the marks and quotes around them."""
    out: list[Clause] = []
    quotes = [(quote.start(), quote.end()) for quote in _QUOTE.finditer(text)]
    for number, sentence in enumerate(sentences_of(text)):
        spans = _spans(sentence.text, chinese=language.startswith("zh"))
        for place, (start, end) in enumerate(spans):
            after = sentence.text[end : end + 1]
            asks = sentence.text[end : end + 2].lstrip(CLOSERS)[:1] in {"？", "?"}
            out.append(
                Clause(
                    sentence.text[start:end],
                    sentence.start + start,
                    number,
                    place == 0,
                    place == len(spans) - 1,
                    asks=asks,
                    after=after,
                    quoted=any(left < sentence.start + start < right for left, right in quotes),
                )
            )
    return tuple(out)


def _spans(sentence: str, *, chinese: bool) -> list[tuple[int, int]]:
    cuts = [0]
    for mark in (_BREAK_ZH if chinese else _BREAK_EN).finditer(sentence):
        cuts += [mark.start(), mark.end()]
    cuts.append(len(sentence))
    spans = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=True):
        inner = sentence[start:end]
        left = start + len(inner) - len(inner.lstrip(_EDGE))
        right = start + len(inner.rstrip(_EDGE))
        left, right = _without_quotes(sentence, left, right)
        left += len(sentence[left:right]) - len(sentence[left:right].lstrip())
        if left < right:
            spans += [(left, right)] if chinese else _cut_long_en(sentence, left, right)
    return spans


def _without_quotes(text: str, left: int, right: int) -> tuple[int, int]:
    """The range without the quotation marks at its ends that have no partner in it, or that hold all of it."""
    while left < right:
        first, last, inner = text[left], text[right - 1], text[left + 1 : right - 1]
        wrapped = _PAIRS.get(first) == last and first not in inner and last not in inner and right - left > 1
        straight = text.count('"', left, right) == 1
        lonely_first = (first in OPENERS and text[left + 1 : right].find(_PAIRS.get(first, "")) < 0) or (
            first == '"' and straight
        )
        lonely_last = last in CLOSERS and not any(_PAIRS.get(mark) == last for mark in text[left : right - 1])
        if not wrapped and not lonely_first and not lonely_last:
            break
        left += wrapped or lonely_first
        right -= wrapped or (lonely_last and not lonely_first)
    return left, right


def _cut_long_en(sentence: str, start: int, end: int) -> list[tuple[int, int]]:
    """English clauses are long: those over seven words are cut before the word that joins a second one."""
    if len(sentence[start:end].split()) <= 7:
        return [(start, end)]
    spans, left = [], start
    for joint in _WITHIN_EN.finditer(sentence, start, end):
        if len(sentence[left : joint.start()].split()) >= 3 and len(sentence[joint.end() : end].split()) >= 3:
            spans.append((left, joint.start()))
            left = joint.end()
    return [*spans, (left, end)]
