"""Two to four items told one after the other; pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reelqueue.models.scene import Point
from reelqueue.providers.local.image_clauses import clauses_of, sentences_of
from reelqueue.providers.local.image_phrases import as_title, set_length
from reelqueue.providers.narration.marks import SENTENCE_ENDS

MOST_TITLE_ZH, MOST_TITLE_EN = 16, 7
MOST_NOTE_ZH, MOST_NOTE_EN = 30, 12
LEAST_POINTS, MOST_POINTS = 2, 4
_DIGITS_ZH = "一二三四五六七八九十"
_WORDS_EN = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_COUNTS_EN = ("one", "two", "three", "four")
_SERIES_ZH = (
    r"第([一二三四五六七八九十]|\d)(?:個|點|件|種|項|步|條)?(?:[，、：,:]|是)\s*",
    r"(首先|其次|再來|接著|第三|最後)[，、]?\s*",
    r"([一二三四])是",
    r"([一二三四])、",
)
_SERIES_EN = (
    r"\b(First|Second|Third|Fourth|Fifth|Sixth|Seventh|Eighth|Ninth|Tenth|Finally|Last)(?:ly)?[,:]\s+",
    r"\b(One|Two|Three|Four)[,:]\s+",
)
_LEAD_ZH = re.compile(
    r"(?:(?<=[。！？])|^)(?P<lead>[^。！？：]*?(?:(?P<count>[兩二三四2-4])\s?[個種件項大點步招條把道樣][^。！？：]*)?)："
)
_LEAD_EN = re.compile(r"(?:(?<=[.!?] )|^)(?P<lead>(?:[^.!?:]*?\b(?P<count>[Tt]wo|[Tt]hree|[Ff]our|[2-4])\b)?[^.!?:]*):\s+")
"""What leads to a list, up to its colon, and how many items it announces."""
_HEAD = re.compile(r"[^：:]{1,60}[：:]\s*\S")
"""An item that begins with its own name: "Air in the tyre: in 1888 ..."."""


_READS_ON_ZH = re.compile(r"就[要能會可是]?|才[能會]?|都[要是會]|拿去|必須|可以|然後|讓")
_READS_ON_EN = re.compile(r"\s(?=(?:for|to|before|after|with|in|on|because|that|which|who|when|while|so|within|by|of|from)\s)")
"""Before these a long item is cut in title and note."""
_JOINT = re.compile(r"[,，、;；]?\s*(?:\b(?:and|or)|和|以及|及|與)\s*\Z")
"""Between the last item and the one before it."""
_ORDINAL = re.compile(r"第.|首先|其次|最後|First|Second|Third|Fourth|Finally")


@dataclass(frozen=True, slots=True)
class Told:
    """The items, and what was said before them: the heading of the list."""

    points: tuple[Point, ...]
    lead: str
    rest: str
    """What was said after them."""


def points_of(text: str, language: str) -> Told | None:
    """The items of a text that is a list for its most part: counted, or announced with a colon; None where it is not."""
    for pattern in _SERIES_ZH if language.startswith("zh") else _SERIES_EN:
        marks = _counted(text, pattern)
        numbers = [number for number, _, _ in marks]
        if LEAST_POINTS <= len(marks) <= MOST_POINTS and numbers == list(range(max(1, numbers[0]), numbers[0] + len(numbers))):
            told = _told(text, [(start, words) for _, start, words in marks], language, numbers)
            if told:
                return told
    return _announced(text, language)


def item_of(text: str, language: str) -> Point | None:
    """The one counted item that a text tells for its most part; None where it is not one."""
    for pattern in (_SERIES_ZH if language.startswith("zh") else _SERIES_EN)[:1]:
        marks = _counted(text, pattern)
        if len(marks) == 1 and marks[0][1] <= 0.3 * len(text):
            number, start, words = marks[0]
            return _point(text[words:], start, language, number)
    return None


def _counted(text: str, pattern: str) -> list[tuple[int, int, int]]:
    """Ordinals where a sentence or clause begins: the number, where it stands, where the words behind it begin."""
    out = list[tuple[int, int, int]]()
    for mark in re.finditer(rf"(?:(?<=[。！？；：，\s.!?;:])|^){pattern}", text):
        out.append((_number(mark[1], before=out[-1][0] if out else 0), mark.start(), mark.end()))
    return out


def _number(ordinal: str, *, before: int) -> int:
    if ordinal.isdigit():
        return int(ordinal)
    if ordinal in _DIGITS_ZH:
        return _DIGITS_ZH.index(ordinal) + 1
    for words in (_WORDS_EN, _COUNTS_EN, ("首先", "其次", "第三")):
        if ordinal.lower() in words:
            return words.index(ordinal.lower()) + 1
    return before + 1 if before else 0  # next, finally: of what is not told here


def _announced(text: str, language: str) -> Told | None:
    """Items behind a colon: sentences with a name each, or as many as the lead counts; short ones between marks."""
    chinese = language.startswith("zh")
    for start, parts in _runs(text):  # bullets that were told in one sentence, mostly under a heading
        most = MOST_TITLE_ZH if chinese else MOST_TITLE_EN
        short = start > 0 and all((set_length(part) if chinese else len(part.split())) <= most for part in parts)
        named = all(_HEAD.match(part) for part in parts)
        bullets = named or (not _HEAD.match(parts[0]) and (short or len(parts) > LEAST_POINTS))
        if bullets and LEAST_POINTS <= len(parts) <= MOST_POINTS:
            places = [text.index(part, start) for part in parts]
            return _told(text, [(place, place) for place in places], language)
    for lead in (_LEAD_ZH if chinese else _LEAD_EN).finditer(text):
        body = text[lead.end() :]
        if lead.end() > 0.5 * len(text) + 4 or not body.strip():
            continue
        count = _number_of_items(lead["count"])
        for items in _ways_to_part(body, chinese=chinese):
            if LEAST_POINTS <= len(items) <= MOST_POINTS and _is_list(items, count, chinese=chinese):
                places = [lead.end() + body.index(item) for item in items]
                told = _told(text, [(place, place) for place in places], language)
                if told:
                    return told
    return None


def _number_of_items(count: str | None) -> int | None:
    if count is None:
        return None
    return int(count) if count.isdigit() else {"兩": 2}.get(count) or _number(count, before=0)


def _runs(text: str) -> list[tuple[int, list[str]]]:
    """The sentences, each as its parts between semicolons, and where it begins."""
    out = list[tuple[int, list[str]]]()
    for sentence in sentences_of(text):
        parts = [part for part in re.split(r"(?<=[；;])\s*", sentence.text) if part.strip()]
        if out and out[-1][1][-1][-1] in "；;":
            out[-1][1].extend(parts)
        else:
            out.append((sentence.start, parts))
    return out


def _ways_to_part(body: str, *, chinese: bool) -> Iterator[list[str]]:
    """The items as sentences; as the first sentence's parts between semicolons; as its parts between commas."""
    runs = [parts for _, parts in _runs(body)]
    first = runs[0] if runs else []
    yield [part for parts in runs for part in parts]
    yield first
    if len(first) == 1:
        yield [part for part in re.split(r"(?<=[、，])|和" if chinese else r"(?<=,)\s+(?:and\s+)?", first[0]) if part.strip()]


def _is_list(items: Sequence[str], count: int | None, *, chinese: bool) -> bool:
    """Whether the parts are the items that were announced: two clauses alone are none."""
    named = all(_HEAD.match(item) for item in items)
    if count is not None:
        return len(items) == count or (named and len(items) < count)
    most = MOST_TITLE_ZH if chinese else MOST_TITLE_EN
    short = all((set_length(item) if chinese else len(item.split())) <= most for item in items)
    separate = all(item.rstrip()[-1:] in "；;" for item in items[:-1])
    return named or (separate and (short or len(items) > LEAST_POINTS))


def _told(text: str, starts: Sequence[tuple[int, int]], language: str, numbers: Sequence[int] = ()) -> Told | None:
    """The items that begin at `starts` (of the ordinal, of the words behind it)."""
    if starts[0][0] > 0.5 * len(text):
        return None
    points, end, sentences = [], 0, 0
    for place, (start, words) in enumerate(starts):
        last = place + 1 == len(starts)
        end = _end_of_last(text, words, sentences) if last else starts[place + 1][0]
        sentences = max(sentences, len(sentences_of(text[words:end])))
        point = _point(text[words:end], start, language, numbers[place] if numbers else None)
        if point is None:
            return None
        points.append(point)
    return Told(tuple(points), text[: starts[0][0]].strip(), text[end:].strip("。.； "))


def _end_of_last(text: str, words: int, sentences: int) -> int:
    """The last item ends with its sentence where the others do; with the text where they have several."""
    if sentences > 1:
        return len(text)
    for at in range(words, len(text)):
        if text[at] in SENTENCE_ENDS or text[at : at + 2] == ". ":
            return at
    return len(text)


def _point(item: str, start: int, language: str, number: int | None = None) -> Point | None:
    """The item's first clause is its title, the following ones its note, as far as there is room."""
    item = _JOINT.sub("", item)
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
    return Point(title=as_title(title, language), note=note, start_char=start, number=number)


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
