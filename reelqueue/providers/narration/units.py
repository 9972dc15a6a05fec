"""The sentences of a text in their order, each with what it belongs to: what segments are cut from; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from reelqueue.art.words import words_of
from reelqueue.providers.narration.blocks import Block, Kind
from reelqueue.providers.narration.marks import CLAUSE_ENDS, CLOSERS, ends_sentence
from reelqueue.providers.narration.rate import seconds_of
from reelqueue.providers.narration.sentences import split_sentences

LONGEST_UNIT_S = 15.0
"""A longer sentence is cut at its clauses, so that a segment can end inside it."""
MOST_SHORT_ITEMS = 6
SHORT_ITEM_S = 6.0
"""List items up to this length are told in one sentence, with semicolons."""
_QUESTIONS_ZH = ("為什麼", "什麼", "怎麼", "如何", "嗎", "誰", "哪裡", "哪個", "何時", "多少")
_QUESTIONS_EN = frozenset(("how", "why", "what", "when", "where", "who", "which"))
_VERBS_THAT_ASK = frozenset(
    ("is", "are", "was", "were", "do", "does", "did", "can", "could", "should", "will", "would", "has", "have")
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One sentence, or a part of a long one.

    `sentence` counts sentences; `heading` is the heading in force as it is written (its own for a heading); `opens` says that a paragraph begins here, `inside` that
    the sentence began before, `leads` that a list follows.
    """

    text: str
    seconds: float
    kind: Kind
    sentence: int
    heading: str | None = None
    opens: bool = False
    inside: bool = False
    leads: bool = False


def units_of(blocks: Sequence[Block], language: str) -> tuple[Unit, ...]:
    """All units of a text."""
    out: list[Unit] = []
    heading: str | None = None
    number = 0
    for block, written in _with_marks(blocks, language):
        if block.kind == "heading":
            heading = written
        sentences = split_sentences(block.text)
        for place, sentence in enumerate(sentences):
            last = place == len(sentences) - 1
            unit = Unit(sentence, 0.0, block.kind, number, heading, opens=place == 0, leads=block.leads and last)
            out += _cut(unit, language)
            number += 1
    return tuple(out)


def as_sentence(title: str, language: str) -> str:
    """The title as a sentence: with the end mark that it lacks."""
    if ends_sentence(title) or title[-1:] in "：:":
        return title
    if language.startswith("zh"):
        return title + ("？" if any(word in title for word in _QUESTIONS_ZH) else "。")
    words = [*title.lower().split()[:2], ""]
    asks = words[0] in _VERBS_THAT_ASK or (words[0] in _QUESTIONS_EN and words[1] in _VERBS_THAT_ASK)
    return title + ("?" if asks else ".")


def _with_marks(blocks: Sequence[Block], language: str) -> Iterator[tuple[Block, str]]:
    """The blocks with the end marks that speech needs, and as they are written."""
    chinese = language.startswith("zh")
    for is_item, run in groupby(blocks, lambda block: block.kind == "item"):
        members = list(run)
        if is_item:
            yield from _items(members, language)
            continue
        for block in members:
            if block.leads and not ends_sentence(block.text):
                text = block.text.rstrip("，,：: ") + ("：" if chinese else ":")
            elif block.kind == "heading":
                text = as_sentence(block.text, language)
            else:
                text = _closed(block.text, chinese=chinese)
            yield replace(block, text=text), block.text


def _items(members: Sequence[Block], language: str) -> Iterator[tuple[Block, str]]:
    """Short items are one sentence with semicolons, others a sentence each."""
    chinese = language.startswith("zh")
    short = len(members) <= MOST_SHORT_ITEMS and all(
        seconds_of(block.text, language) <= SHORT_ITEM_S and not ends_sentence(block.text) for block in members
    )
    for place, block in enumerate(members):
        if short and place < len(members) - 1:
            text = block.text.rstrip("，,、： ") + ("；" if chinese else ";")
        else:
            text = _closed(block.text, chinese=chinese)
        yield replace(block, text=text), block.text


def _closed(text: str, *, chinese: bool) -> str:
    if ends_sentence(text):
        return text
    return text.rstrip("，,、：: ") + ("。" if chinese else ".")


def _cut(unit: Unit, language: str) -> Iterator[Unit]:
    """The unit, or its parts where it takes longer than a scene should."""
    texts = cut_long(unit.text, language)
    for place, text in enumerate(texts):
        yield replace(unit, text=text, seconds=seconds_of(text, language), opens=unit.opens and place == 0, inside=place > 0)


def cut_long(sentence: str, language: str, limit_s: float = LONGEST_UNIT_S) -> tuple[str, ...]:
    """A sentence cut into parts below `limit_s`: at its clauses, else between words; one that fits stays whole."""
    if seconds_of(sentence, language) <= limit_s:
        return (sentence,)
    clauses = _clauses(sentence)
    if len(clauses) > 1:
        parts = _packed([part for clause in clauses for part in cut_long(clause, language, limit_s)], language, limit_s)
        return tuple(parts)
    words = words_of(sentence)
    if len(words) > 1:
        starts = [0, *(start for start, _ in words[1:]), len(sentence)]
        return tuple(_packed([sentence[a:b] for a, b in pairwise(starts)], language, limit_s))
    half = len(sentence) // 2
    return (*cut_long(sentence[:half], language, limit_s), *cut_long(sentence[half:], language, limit_s))


def _clauses(sentence: str) -> list[str]:
    out, start = [], 0
    for at, character in enumerate(sentence):
        inside_number = sentence[at - 1 : at].isdigit() and sentence[at + 1 : at + 2].isdigit()
        if character in CLAUSE_ENDS and not inside_number and sentence[at + 1 : at + 2] not in CLAUSE_ENDS + CLOSERS:
            out.append(sentence[start : at + 1])
            start = at + 1
    return [clause for clause in (*out, sentence[start:]) if clause]


def _packed(pieces: Sequence[str], language: str, limit_s: float) -> list[str]:
    """Neighbours put together again, about evenly, each below the limit."""
    total = sum(seconds_of(piece, language) for piece in pieces)
    count = int(total // limit_s) + 1
    out: list[str] = []
    for piece in pieces:
        fits = out and seconds_of(out[-1] + piece, language) <= limit_s
        if fits and (seconds_of(out[-1], language) < 0.8 * total / count or not piece.strip()):
            out[-1] += piece
        else:
            out.append(piece)
    return [piece.strip() for piece in out if piece.strip()]
