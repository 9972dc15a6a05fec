"""The words and phrases that a text is about, best first; pure.

Chinese is cut into words with their classes by jieba; what can be said of English words without a list of classes is found
by where they stand.  The words that carry no meaning are lists of our own (data/keywords).
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import opencc
import rjieba

from reelqueue.models.language import HAN
from reelqueue.providers.local.script_terms import chinese_terms, english_terms
from reelqueue.providers.narration.marks import is_han, word_set

MOST_PHRASES = 20
ENOUGH_PHRASES = 8
"""With fewer terms than this, words that are told once fill up."""
LONGEST_SINGLE = 4
_HAN_RUN = re.compile(f"[{HAN}]+")
_SENTENCE_ZH = re.compile(r"[。！？；!?;\n]+")
_LATIN_TERM = re.compile(r"[A-Za-z][\w+#.-]*(?: [A-Za-z][\w+#.-]*){0,2}(?<![.-])")
_NAMING = ("n", "vn", "an", "l", "j", "i", "b")
"""jieba's classes of words that name: nouns of all kinds, verbal and adjectival nouns, idioms, abbreviations."""
_JOINING = (*_NAMING, "v", "g", "a", "k", "x", "h")
"""Classes of words that may be a part of a longer term: 手搖飲 is cut into 手, 搖, 飲."""


_DETERMINER = r"(?:the|an?|this|that|of|your|our|their|its|his|her|per|each|every|no|any|\d+|two|three|four|five|many|most|more|some|these|those)"


def key_phrases(text: str, language: str) -> tuple[str, ...]:
    """At most 20 phrases of one to four words, as they are written in the text, without repeats; a name whole, and once."""
    chinese = language.startswith("zh")
    found = _chinese(text) if chinese else [term.text for term in english_terms(text, is_stop_word)]
    terms, singles = list[str](), list[str]()
    for written in found:
        if len(terms) >= MOST_PHRASES:
            break
        if not _names_something(written) or any(_same(written, other) for other in (*terms, *singles)):
            continue
        if _is_term(written, text, chinese=chinese):
            terms = [term for term in terms if not _holds(written, term, text)]
            terms.append(written)
        elif " " not in written and (len(written) <= LONGEST_SINGLE if chinese else _ends_a_noun(written, text)):
            singles.append(written)
    return (*terms, *singles[: max(0, ENOUGH_PHRASES - len(terms))])


def content_words(text: str, language: str) -> tuple[str, ...]:
    """The words of a text that carry its meaning, in their order, repeats included; Latin ones in lower case."""
    return tuple(_content_words(text, chinese=language.startswith("zh")))


def naming_words(text: str) -> tuple[str, ...]:
    """The Chinese words of two characters or more that can name a thing, in their order."""
    out = []
    for run in _HAN_RUN.finditer(text):
        out += [word for word, kind in tagged(run[0]) if kind.startswith(_NAMING) and len(word) > 1 and not is_vague(word)]
    return tuple(out)


def tagged(run: str) -> list[tuple[str, str]]:
    """The words of a run of Chinese characters, as written, each with jieba's class."""
    simple = _simplifier().convert(run)
    out, at = [], 0
    for word, kind in rjieba.tag(simple if len(simple) == len(run) else run):
        out.append((run[at : at + len(word)], kind))
        at += len(word)
    return out


def is_vague(word: str) -> bool:
    """Whether a word names nothing in particular."""
    return word.lower() in _words("vague") or is_stop_word(word)


def is_stop_word(word: str) -> bool:
    """Whether a word carries no meaning of its own."""
    return word.lower() in _words("stop-en") or word in _words("stop-zh")


def _content_words(text: str, *, chinese: bool) -> Iterator[str]:
    for match in re.finditer(rf"[{HAN}]+|[A-Za-zÀ-ɏ][\w'’-]+", text):
        if is_han(match[0][0]):
            yield from (word for word, _ in tagged(match[0]) if len(word) > 1 and not is_vague(word))
        elif not is_vague(match[0]) and (chinese or len(match[0]) > 2):
            yield match[0].lower()


def _chinese(text: str) -> list[str]:
    """The terms of a Chinese text, best first, and the Latin ones in it."""
    sentences = [[_run(run[0]) for run in _HAN_RUN.finditer(sentence)] for sentence in _SENTENCE_ZH.split(text)]
    parts = [[part for run in sentence for part in run] for sentence in sentences]
    latin = dict.fromkeys(match[0] for match in _LATIN_TERM.finditer(text))
    often = sorted(latin, key=lambda word: -text.count(word))
    found = [term.text for term in chinese_terms(parts)]
    return [*found[:4], *often, *found[4:]]


def _run(run: str) -> Iterator[list[tuple[str, bool]]]:
    """Neighbouring words that can be parts of a term, each with whether it names something by itself."""
    part = list[tuple[str, bool]]()
    for word, kind in tagged(run):
        if kind.startswith(_JOINING) and not is_vague(word):
            part.append((word, kind.startswith(_NAMING)))
        elif part:
            yield part
            part = []
    if part:
        yield part


def _names_something(phrase: str) -> bool:
    words = phrase.lower().split()
    if any(is_vague(word) for word in (words[0], words[-1])):
        return False
    return len(phrase) <= 30 and not phrase[0].isdigit() and (is_han(phrase[0]) or len(phrase) > 2)


def _is_term(written: str, text: str, *, chinese: bool) -> bool:
    """Whether a phrase is one of the text's terms: told more than once, a name (Scott Reef), or Latin inside Chinese."""
    words = written.split()
    if chinese and written.isascii():
        return True
    if words[0][:1].isupper() and all(word[:1].isupper() or word[:1].isdigit() for word in words):
        return len(words) > 1 or written.isupper() or bool(re.search(rf"[a-z,] {re.escape(written)}\b", text))
    return text.lower().count(written.lower()) > 1 and (chinese or len(words) > 1 or _stands_as_noun(written, text))


def _stands_as_noun(word: str, text: str) -> bool:
    """Whether an English word follows an article or the like somewhere: no word classes are known for English."""
    return bool(re.search(rf"\b{_DETERMINER} (?:[a-z-]+ )?{re.escape(word)}\b(?! (?:the|an?|it|them)\b)", text, re.IGNORECASE))


def _ends_a_noun(word: str, text: str) -> bool:
    """Whether an English word stands right behind an article or the like, with no further word that names behind it."""
    found = re.finditer(rf"\b{_DETERMINER} {re.escape(word)}\b(?: (?P<next>[\w'-]+))?", text, re.IGNORECASE)
    return any(match["next"] is None or is_stop_word(match["next"]) for match in found)


def _same(one: str, other: str) -> bool:
    """Whether the first of two phrases would say what the other does: equal but for case and plural, or a part of a name."""
    a, b = one.lower(), other.lower()
    if is_han(one[0]):
        return a in b
    return a.rstrip("s") == b.rstrip("s") or f" {a} " in f" {b} " or f" {b} " in f" {a} "


def _holds(longer: str, shorter: str, text: str) -> bool:
    """Whether a Chinese phrase is told only as a part of a longer one."""
    return is_han(shorter[0]) and shorter in longer and text.count(shorter) == text.count(longer)


@cache
def _words(name: str) -> frozenset[str]:
    """A list of data/keywords."""
    text = (files("reelqueue") / "data" / "keywords" / f"{name}.txt").read_text("utf-8")
    return frozenset().union(*(word_set(line) for line in text.splitlines() if not line.startswith("#")))


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
