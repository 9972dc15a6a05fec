"""Words and their times -> what is read on screen: cues of at most two lines, and the SRT file; pure.

A sentence is cut at its clauses, then between words, so that each cue fits and none flashes by; the lines
of a cue are `art.breaks`' matter, as for everything else that is set.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reelqueue.art.breaks import break_lines
from reelqueue.models.cue import Cue
from reelqueue.models.media import Aspect
from reelqueue.models.voice import Speech, Word

LEAD_S = 0.08
"""A cue stands this long before its first word: reading begins before hearing."""
HOLD_S = 0.30
"""and this long after its last."""
BRIDGE_S = 0.60
"""A shorter gap between two cues is closed: a flicker is worse than an early change."""
LEAST_S = 0.9
_CLAUSE_ENDS = "，、；：。！？…,;:.!?—"
_OPENERS = "「『（《〈“‘([{"


@dataclass(frozen=True, slots=True)
class Room:
    """How much fits a line, in em of the subtitle's size: a Chinese character is 1, a Latin one about 0.5."""

    line_em: float
    lines: int = 2


ROOMS: dict[Aspect, Room] = {"16:9": Room(line_em=18.0), "9:16": Room(line_em=11.5), "1:1": Room(line_em=15.0)}
"""16:9 as drawn: 18 Chinese or about 42 Latin characters; the others keep their margins and their larger type."""


def width_em(text: str) -> float:
    """About how wide a text is, in em: 1 for wide characters, 0.43 for the others (a bold grotesque's mean)."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.0 if unicodedata.combining(c) else 0.43 for c in text)


def cues_of(speech: Speech, offset_s: float, *, room: Room, language: str) -> tuple[Cue, ...]:
    """The cues of one spoken piece that begins at `offset_s`; their words keep the piece's own times, moved by it."""
    if not speech.words:
        return ()
    speech = speech.replace(words=tuple(part for word in speech.words for part in _fitting(word, speech.text, room)))
    spans = _token_spans(speech)
    cues = []
    for first, last in _chunks(speech, spans, room):
        start, end = spans[first][0], spans[last][1]
        text = speech.text[start:end].strip()
        start += len(speech.text[start:end]) - len(speech.text[start:end].lstrip())
        words = tuple(
            Word(
                start_char=w.start_char - start,
                end_char=w.end_char - start,
                start_s=w.start_s + offset_s,
                end_s=w.end_s + offset_s,
            )
            for w in speech.words[first : last + 1]
        )
        lines = break_lines(text, width_em, room.line_em, room.lines, language)
        cues.append(
            Cue(text=text, lines=lines, start_s=max(0.0, words[0].start_s - LEAD_S), end_s=words[-1].end_s + HOLD_S, words=words)
        )
    return tuple(cues)


def joined(cues: Sequence[Cue], *, end_s: float) -> tuple[Cue, ...]:
    """Cues in their order without overlaps: short gaps closed, each at least `LEAST_S` where there is room."""
    out = []
    for cue, following in pairwise([*cues, None]):
        if cue is None:
            break
        limit = end_s if following is None else following.start_s
        end = max(cue.end_s, cue.start_s + LEAST_S)
        if limit - end < BRIDGE_S:
            end = limit
        out.append(cue.replace(end_s=max(cue.start_s, min(end, limit))))
    return tuple(out)


def within(cues: Sequence[Cue], start_s: float, end_s: float) -> tuple[Cue, ...]:
    """The cues that show between two times, on a clock that begins at `start_s`."""

    def moved(cue: Cue) -> Cue:
        words = tuple(w.replace(start_s=w.start_s - start_s, end_s=w.end_s - start_s) for w in cue.words)
        return cue.replace(start_s=max(0.0, cue.start_s - start_s), end_s=min(end_s, cue.end_s) - start_s, words=words)

    return tuple(moved(cue) for cue in cues if cue.start_s < end_s and cue.end_s > start_s)


def as_srt(cues: Sequence[Cue]) -> str:
    """SubRip: numbered from 1, `HH:MM:SS,mmm`, lines as on screen, UTF-8 text with a final newline."""
    blocks = []
    for number, cue in enumerate(cues, 1):
        lines = "\n".join(cue.text[start:end].strip() for start, end in cue.lines)
        blocks.append(f"{number}\n{_stamp(cue.start_s)} --> {_stamp(cue.end_s)}\n{lines}\n")
    return "\n".join(blocks)


def _stamp(seconds: float) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def _fitting(word: Word, text: str, room: Room) -> tuple[Word, ...]:
    """A word that no line can hold (an address, a word without end), cut into parts that one can; others as they are."""
    length = word.end_char - word.start_char
    parts = math.ceil(width_em(text[word.start_char : word.end_char]) / (room.line_em * 0.9))
    if parts <= 1 or length < parts:
        return (word,)
    chars = [word.start_char + length * i // parts for i in range(parts + 1)]
    times = [word.start_s + (word.end_s - word.start_s) * i / parts for i in range(parts + 1)]
    return tuple(Word(start_char=chars[i], end_char=chars[i + 1], start_s=times[i], end_s=times[i + 1]) for i in range(parts))


def _token_spans(speech: Speech) -> list[tuple[int, int]]:
    """Each word with the punctuation that belongs to it: what opens goes to the right, all else to the left."""
    text, words = speech.text, speech.words
    bounds = [0]
    for left, right in pairwise(words):
        cut = right.start_char
        while cut > left.end_char and text[cut - 1] in _OPENERS:
            cut -= 1
        bounds.append(cut)
    bounds.append(len(text))
    return list(pairwise(bounds))


def _chunks(speech: Speech, spans: Sequence[tuple[int, int]], room: Room) -> list[tuple[int, int]]:
    """Ranges of words, one a cue: the cheapest way to cut (least cost first, by dynamic programming)."""
    count = len(spans)
    widths = [width_em(speech.text[a:b]) for a, b in spans]
    most = room.line_em * room.lines * 0.92  # a line break wastes a little
    best: list[tuple[float, int]] = [(0.0, 0)] + [(float("inf"), 0)] * count
    for end in range(1, count + 1):
        width = 0.0
        for start in range(end - 1, -1, -1):
            width += widths[start]
            if width > most and start < end - 1:
                break
            cost = best[start][0] + _cost(speech, spans, start, end, width / most)
            if cost < best[end][0]:
                best[end] = (cost, start)
    out, end = [], count
    while end:
        start = best[end][1]
        out.append((start, end - 1))
        end = start
    return out[::-1]


def _cost(speech: Speech, spans: Sequence[tuple[int, int]], start: int, end: int, fill: float) -> float:
    """What a cue of the words `start` to `end` costs: one for being there, more for a bad cut, a flash, a crumb."""
    cost = 1.0 + (0.0 if fill >= 0.3 else (0.3 - fill) * 3)
    if end < len(spans) and not _ends_clause(speech, spans[end - 1]):
        cost += 1.6
        if any(_ends_clause(speech, span) for span in spans[start : end - 1]):
            cost += 1.2  # it could have ended there
        if _is_latin(speech.text[spans[end - 1][0]]) and _is_latin(speech.text[spans[end][0]]) and _is_mostly_wide(speech.text):
            cost += 2.0  # a foreign name in two halves
    shown = speech.words[end - 1].end_s - speech.words[start].start_s
    return cost + (0.0 if shown >= LEAST_S else 1.5)


def _ends_clause(speech: Speech, span: tuple[int, int]) -> bool:
    return speech.text[span[0] : span[1]].rstrip(" 」』”’）)\"'")[-1:] in _CLAUSE_ENDS


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _is_mostly_wide(text: str) -> bool:
    return sum(unicodedata.east_asian_width(c) in "WF" for c in text) * 3 > len(text)
