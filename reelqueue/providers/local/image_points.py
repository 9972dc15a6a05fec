"""Two to four items told one after the other; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reelqueue.models.scene import Point
from reelqueue.providers.local.image_clauses import clauses_of
from reelqueue.providers.local.image_phrases import as_title, set_length
from reelqueue.providers.local.script_marks import SENTENCE_ENDS

MOST_TITLE_ZH, MOST_TITLE_EN = 16, 7
MOST_NOTE_ZH, MOST_NOTE_EN = 30, 12
LEAST_POINTS, MOST_POINTS = 2, 4
_SERIES_ZH = (
    r"第([一二三四五六七八九十]|\d)(?:個|點|件|種|項|步|條)?[，、：是,]?\s*",
    r"(首先|其次|再來|接著|第三|最後)[，、]?\s*",
    r"([一二三四])是",
    r"([一二三四])、",
)
_SERIES_EN = (
    r"\b(First|Second|Third|Fourth|Finally|Last)(?:ly)?[,:]\s+",
    r"\b(One|Two|Three|Four)[,:]\s+",
)
_SEMICOLONS_ZH = re.compile(r"[^。！？：；\s][^。！？：；]*(?:；[^。！？：；]+)+")
_SEMICOLONS_EN = re.compile(r"(?:(?<=: )|^|(?<=[.!?] ))(?:[^.!?:;]|(?<=\d)\.(?=\d))+(?:;(?:[^.!?:;]|(?<=\d)\.(?=\d))+)+")


_READS_ON_ZH = re.compile(r"就[要能會可是]?|才[能會]?|都[要是會]|拿去|必須|可以|然後|讓")
_READS_ON_EN = re.compile(r"\s(?=(?:for|to|before|after|with|in|on|because|that|which|who|when|while|so|within|by|of|from)\s)")
"""Before these a long item is cut in title and note."""
_ORDINAL = re.compile(r"第.|首先|其次|最後|First|Second|Third|Fourth|Finally")


@dataclass(frozen=True, slots=True)
class Told:
    """The items, and what was said before them: the heading of the list."""

    points: tuple[Point, ...]
    lead: str
    rest: str
    """What was said after them."""


def points_of(text: str, language: str) -> Told | None:
    """The items of a text that is a list for its most part; None where it is not."""
    for pattern in _SERIES_ZH if language.startswith("zh") else _SERIES_EN:
        marks = list(re.finditer(rf"(?:(?<=[。！？；：，\s.!?;:])|^){pattern}", text))
        if LEAST_POINTS <= len(marks) <= MOST_POINTS and len({mark[1] for mark in marks}) == len(marks):
            starts = [(mark.start(), mark.end()) for mark in marks]
            told = _told(text, starts, language)
            if told:
                return told
    return _between_semicolons(text, language)


def _between_semicolons(text: str, language: str) -> Told | None:
    """Items parted by semicolons, mostly after a colon."""
    for run in (_SEMICOLONS_ZH if language.startswith("zh") else _SEMICOLONS_EN).finditer(text):
        starts, at = list[tuple[int, int]](), run.start()
        for part in re.split(r"(?<=[；;])\s*", run[0]):
            place = text.index(part.strip(), at)
            starts.append((place, place))
            at = place + len(part.strip())
        if LEAST_POINTS <= len(starts) <= MOST_POINTS:
            return _told(text, starts, language)
    return None


def _told(text: str, starts: Sequence[tuple[int, int]], language: str) -> Told | None:
    """The items that begin at `starts` (of the ordinal, of the words behind it)."""
    if starts[0][0] > 0.5 * len(text):
        return None
    points, end = [], 0
    for place, (start, words) in enumerate(starts):
        end = starts[place + 1][0] if place + 1 < len(starts) else _end_of_last(text, words, starts)
        point = _point(text[words:end], start, language)
        if point is None:
            return None
        points.append(point)
    return Told(tuple(points), text[: starts[0][0]].strip(), text[end:].strip("。.； "))


def _end_of_last(text: str, words: int, starts: Sequence[tuple[int, int]]) -> int:
    """The last item ends with its sentence where the others do; else with the text."""
    for at in range(words, len(text)):
        if text[at] in SENTENCE_ENDS or text[at : at + 2] == ". ":
            return at
    return len(text) if starts else words


def _point(item: str, start: int, language: str) -> Point | None:
    """The item's first clause is its title, the following ones its note, as far as there is room."""
    clauses = clauses_of(item, language)
    if not clauses or _ORDINAL.fullmatch(clauses[0].text):
        return None
    first = clauses[0]
    title = first.text if _fits(first.text, language, MOST_TITLE_ZH, MOST_TITLE_EN) else _beginning(first.text, language)
    if not title:
        return None
    begin = first.start + len(title) if title != first.text else clauses[1].start if len(clauses) > 1 else len(item)
    note = ""
    for clause in clauses:
        longer = item[begin : clause.end].strip()
        if clause.end > begin and not _fits(longer, language, MOST_NOTE_ZH, MOST_NOTE_EN):
            break
        note = longer if clause.end > begin else note
    return Point(title=as_title(title, language), note=note, start_char=start)


def _beginning(clause: str, language: str) -> str:
    """The longest beginning of a clause that fits and that its rest reads on from; empty where there is none."""
    fitting = [
        clause[: joint.start()].rstrip()
        for joint in (_READS_ON_ZH if language.startswith("zh") else _READS_ON_EN).finditer(clause)
        if _fits(clause[: joint.start()], language, MOST_TITLE_ZH, MOST_TITLE_EN)
    ]
    long_enough = [text for text in fitting if (set_length(text) >= 4 if language.startswith("zh") else len(text.split()) >= 2)]
    return long_enough[-1] if long_enough else ""


def _fits(text: str, language: str, zh: int, en: int) -> bool:
    return set_length(text) <= zh if language.startswith("zh") else len(text.split()) <= en
