"""Candidates for a text's key phrases, each with a score: runs of words that can name something; pure.

A phrase scores by how often and how early it is told, a name more than a common word.  Whether neighbouring words belong
together is asked of Dunning's likelihood ratio (Accurate Methods for the Statistics of Surprise and Coincidence, 1993).
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

TOGETHER = 3.84
"""A likelihood ratio from which two words stand together more often than by chance (chi square, one degree, 5 %)."""
_SENTENCE = re.compile(r"[.!?;。！？；\n]+(?=\s|$)|[。！？；\n]")
_WORD_EN = re.compile(r"[A-Za-zÀ-ɏ][\w'’-]*|\d[\d.,]*\d|\d|[^\w\s]")
_MOST_OF_A_NAME = 4
_NAME, _TOGETHER, _PLAIN = 1.4, 1.6, 1.0


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase as it is written, and its score: the more, the better."""

    text: str
    score: float


def english_terms(text: str, is_stop: Callable[[str], bool]) -> list[Term]:
    """Names whole (John Kemp Starley, Taipei 101), two common words that belong together, and single words; best first."""
    sentences = [[word.strip("'’-") for word in _WORD_EN.findall(sentence)] for sentence in _SENTENCE.split(text)]
    names = _known_names(sentences, is_stop)
    phrases = list[tuple[str, int, float]]()
    pairs = _Pairs(run for sentence in sentences for run in _runs(sentence, is_stop))
    for place, sentence in enumerate(sentences):
        for run in _runs(sentence, is_stop):
            for is_name, group in groupby(run, lambda word: word in names or word[:1].isdigit()):
                words = list(group)
                phrases += _of_names(words, place) if is_name else _of_common_words(words, place, pairs)
    return _ranked(phrases, len(sentences))


def chinese_terms(sentences: Sequence[Sequence[Sequence[tuple[str, bool]]]]) -> list[Term]:
    """Words that name, and words side by side that belong together; best first.

    A sentence is given as its runs of neighbouring words, each with whether it names something by itself.
    """
    pairs = _Pairs([word for word, _ in run] for sentence in sentences for run in sentence)
    phrases = list[tuple[str, int, float]]()
    for place, sentence in enumerate(sentences):
        for run in sentence:
            phrases += [(word, place, _PLAIN) for word, names in run if names and len(word) > 1]
            for size in (2, 3):
                for start in range(len(run) - size + 1):
                    words = run[start : start + size]
                    if any(names for _, names in words) and all(pairs.belong(a, b) for (a, _), (b, _) in pairwise(words)):
                        phrases.append(("".join(word for word, _ in words), place, _TOGETHER))
    return _ranked(phrases, len(sentences))


class _Pairs:
    """Which neighbouring words belong together: told so more than once, and more often than by chance."""

    def __init__(self, runs: Iterable[Sequence[str]]) -> None:
        self._words, self._pairs = Counter[str](), Counter[tuple[str, str]]()
        for run in runs:
            lower = [word.lower() for word in run]
            self._words.update(lower)
            self._pairs.update(pairwise(lower))
        self._total = max(1, self._words.total())

    def belong(self, first: str, second: str) -> bool:
        a, b = first.lower(), second.lower()
        both = self._pairs[a, b]
        return both > 1 and likelihood_ratio(both, self._words[a], self._words[b], self._total) >= TOGETHER


def likelihood_ratio(both: int, first: int, second: int, total: int) -> float:
    """Dunning's -2 log lambda of two words that stand together `both` times among `total` words.

    A word said over and over is its own neighbour, and the table then has a part below nothing: that tells no term.
    """
    table = ((both, second - both), (first - both, total - first - second + both))
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    if min(*rows, *columns, *table[0], *table[1]) < 0 or not all((*rows, *columns)):
        return 0.0
    return 2 * sum(
        seen * math.log(seen * total / (rows[i] * columns[j]))
        for i, row in enumerate(table)
        for j, seen in enumerate(row)
        if seen > 0
    )


def _known_names(sentences: Sequence[Sequence[str]], is_stop: Callable[[str], bool]) -> set[str]:
    """Words that are written with a capital where no sentence begins, or always in capitals."""
    inner = {word for sentence in sentences for word in sentence[1:] if word[:1].isupper() and not is_stop(word)}
    first = {sentence[0] for sentence in sentences if sentence and sentence[0][:1].isupper()}
    followed = {a for sentence in sentences for a, b in pairwise(sentence[:2]) if a in first and b in inner and not is_stop(a)}
    lower = {word for sentence in sentences for word in sentence}
    return {word for word in inner | followed if word.isupper() or word.lower() not in lower or word in inner - first}


def _runs(sentence: Sequence[str], is_stop: Callable[[str], bool]) -> Iterator[list[str]]:
    """Neighbouring words without a mark or a word that carries no meaning between them."""
    for breaks, group in groupby(sentence, lambda word: not word[:1].isalnum() or is_stop(word)):
        if not breaks:
            yield list(group)


def _of_names(words: list[str], place: int) -> Iterator[tuple[str, int, float]]:
    while words and words[0][:1].isdigit():
        words = words[1:]
    if words:
        yield " ".join(words[:_MOST_OF_A_NAME]), place, _NAME


def _of_common_words(words: list[str], place: int, pairs: _Pairs) -> Iterator[tuple[str, int, float]]:
    plain = [word for word in words if not word[:1].isdigit()]
    yield from ((word, place, _PLAIN) for word in plain)
    yield from ((f"{a} {b}", place, _TOGETHER) for a, b in pairwise(words) if {a, b} <= set(plain) and pairs.belong(a, b))


def _ranked(phrases: Sequence[tuple[str, int, float]], sentences: int) -> list[Term]:
    told, first, weights, written = Counter[str](), dict[str, int](), dict[str, float](), dict[str, str]()
    for phrase, place, weight in phrases:
        key = phrase.lower()
        told[key] += 1
        first.setdefault(key, place)
        written.setdefault(key, phrase)
        weights[key] = max(weight, weights.get(key, 0.0))

    def score(key: str) -> float:
        early = 1.0 + 0.6 * (1.0 - first[key] / max(1, sentences))
        return weights[key] * math.log1p(told[key]) * early

    return sorted(
        (Term(written[key], score(key)) for key in told), key=lambda term: (-term.score, first[term.text.lower()], term.text)
    )
