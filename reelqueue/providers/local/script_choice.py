"""Which sentences are told when the whole text is too long: the important ones, whole, in their order; pure."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from reelqueue.providers.local.script_keywords import content_words
from reelqueue.providers.narration.marks import word_set
from reelqueue.providers.narration.rate import SENTENCE_PAUSE_S
from reelqueue.providers.narration.units import Unit

TOLERANCE = 0.20
"""Of the length asked for (contract, section 6)."""
_LEANS_ZH = (
    "它", "他們", "她們", "牠", "他", "她", "這", "那", "但", "而", "所以", "因此", "不過", "然而", "也", "又", "於是", "結果", "另", "同時", "其中", "此", "卻",
    "接著", "然後", "反而", "例如", "比如", "換句話說", "首先", "其次", "最後", "第一，", "第二", "第三", "第四", "「", "還",
)  # fmt: skip
_LEANS_EN = word_set(
    "it they he she this that these those but so and then however therefore also thus still yet such first second third finally if its their his her "
    "instead otherwise for not"
)


@dataclass(slots=True)
class Bundle:
    """What is told together or not at all."""

    units: list[Unit]
    needs: int | None
    """The bundle without which this one can't be understood."""
    heading: int | None
    score: float = 0.0

    @property
    def seconds(self) -> float:
        """With the gaps behind each sentence."""
        return sum(unit.seconds + (0.0 if unit.inside else SENTENCE_PAUSE_S) for unit in self.units)


class Choice:
    """The bundles of one text, ready to be chosen from for any length."""

    def __init__(self, units: Sequence[Unit], language: str, *, whole_list_s: float) -> None:
        self._bundles = _bundles(units, language, whole_list_s=whole_list_s)
        told = [number for number, bundle in enumerate(self._bundles) if bundle.units[0].kind != "heading"]
        self._by_score = sorted(told, key=lambda number: (-self._bundles[number].score, number))
        self._first = told[0] if told else 0

    def of_length(self, seconds: float) -> tuple[Unit, ...]:
        """The units that fit: as near to `seconds` as whole sentences allow.

        The first sentence is always told; a sentence that leans on the one before it comes with it, a list whole with its
        lead-in where that takes less than half the time, a heading where half of what is below it is told.
        """
        bundles = self._bundles
        taken = _with_needs(bundles, self._first, set())
        for number in self._by_score:
            if number in taken:
                continue
            more = taken | _with_needs(bundles, number, taken)
            now, then = _seconds(bundles, taken), _seconds(bundles, more)
            if then <= 1.05 * seconds and abs(then - seconds) < abs(now - seconds):
                taken = more
        taken |= _headings_of(bundles, taken)
        return tuple(unit for number, bundle in enumerate(bundles) if number in taken for unit in bundle.units)


def _headings_of(bundles: list[Bundle], taken: set[int]) -> set[int]:
    """The headings below which at least half is told."""
    below: dict[int, list[float]] = {}
    for number, bundle in enumerate(bundles):
        if bundle.heading is not None:
            told = below.setdefault(bundle.heading, [0.0, 0.0])
            told[number in taken] += bundle.seconds
    return {heading for heading, (left, told) in below.items() if told and told >= left}


def _with_needs(bundles: list[Bundle], number: int, taken: set[int]) -> set[int]:
    out, at = set[int](), number
    while at not in taken:
        out.add(at)
        needs = bundles[at].needs
        if needs is None:
            break
        at = needs
    return out


def _seconds(bundles: list[Bundle], taken: set[int]) -> float:
    return sum(bundles[number].seconds for number in taken)


def _bundles(units: Sequence[Unit], language: str, *, whole_list_s: float) -> list[Bundle]:
    bundles: list[Bundle] = []
    heading: int | None = None
    for members in _told_together(units, whole_list_s):
        number, first = len(bundles), members[0]
        if first.kind == "heading":
            heading = number
            bundles.append(Bundle(members, None, None))
            continue
        same_paragraph = number > 0 and number - 1 != heading and not first.opens
        after_lead = number > 0 and first.kind == "item" and bundles[-1].units[-1].kind in {"paragraph", "item"}
        leans = (
            after_lead
            or (number > 0 and number - 1 != heading and _leans(first.text, language))
            or (same_paragraph and first.inside)
        )
        bundles.append(Bundle(members, number - 1 if leans else None, heading))
    _score(bundles, language)
    return bundles


def _told_together(units: Sequence[Unit], whole_list_s: float) -> list[list[Unit]]:
    """Sentences; lists with their lead-in where they are short enough."""
    sentences = [list(run) for _, run in groupby(units, key=lambda unit: unit.sentence)]
    out: list[list[Unit]] = []
    at = 0
    while at < len(sentences):
        end = at + 1
        while end < len(sentences) and sentences[end][0].kind == "item":
            end += 1
        lead = sentences[at][-1].leads or sentences[at][0].kind == "item"
        together = [unit for sentence in sentences[at:end] for unit in sentence]
        if lead and end - at > 1 and sum(unit.seconds for unit in together) <= whole_list_s:
            out.append(together)
            at = end
        else:
            out.append(sentences[at])
            at += 1
    return out


def _leans(text: str, language: str) -> bool:
    if language.startswith("zh"):
        return text.startswith(_LEANS_ZH)
    first, *_ = [*text.split(maxsplit=1), ""]
    return first.lower().strip("“\"'‘,") in _LEANS_EN


def _score(bundles: list[Bundle], language: str) -> None:
    words = [Counter(content_words(" ".join(unit.text for unit in bundle.units), language)) for bundle in bundles]
    spread = Counter(word for counted in words for word in counted)
    for number, (bundle, counted) in enumerate(zip(bundles, words, strict=True)):
        weight = sum(math.log1p(spread[word] - 1) + 0.15 for word in counted) / math.sqrt(len(counted) + 3)
        opens = 1.3 if bundle.units[0].opens else 1.0
        figure = 1.15 if any(character.isdigit() for unit in bundle.units for character in unit.text) else 1.0
        last = 1.5 if number == len(bundles) - 1 else 1.0
        leaning = 0.85 if bundle.needs is not None else 1.0
        bundle.score = weight * opens * figure * last * leaning
