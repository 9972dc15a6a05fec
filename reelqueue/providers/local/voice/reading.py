"""From the written text to units of speech: the brief's lexicon first, then known terms, then figures, then the rest.

Every unit keeps its place in the written text, so that what is heard can always be shown as it is written.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from reelqueue.providers.local.voice import chinese_rules, english_rules
from reelqueue.providers.local.voice.addresses import ADDRESS, address
from reelqueue.providers.local.voice.tables import TERMS
from reelqueue.providers.local.voice.unit import Kind, Reader, Said, Unit

_TAKEN = "ª"
"""Stands in the working copy for what a rule took: a word character, but neither letter nor digit."""
_WIDE = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f〇"
_REST = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<word>[A-Za-zÀ-ɏ]+(?:['’-][A-Za-zÀ-ɏ]+)*)|(?P<mark>[^\w\s])")
_ADDRESS = re.compile(ADDRESS)
_CAPITALS = re.compile(r"[A-Z]{2,}(?:['’]?s)?")
_PINYIN = re.compile(r"[a-zü]{1,6}[1-5](?: [a-zü]{1,6}[1-5])*")
_PHONEMES = re.compile(r"/([^/]+)/")
MARKS = {
    **dict.fromkeys("，、,", ","), **dict.fromkeys("。．.", "."), **dict.fromkeys("！!", "!"), **dict.fromkeys("？?", "?"),
    **dict.fromkeys("；;", ";"), **dict.fromkeys("：:", ":"), **dict.fromkeys("…⋯", "…"), **dict.fromkeys("—–─", "—"),
    **dict.fromkeys("「『《〈“", "“"), **dict.fromkeys("」』》〉”", "”"), **dict.fromkeys("（(【[", "("), **dict.fromkeys("）)】]", ")"),
    **dict.fromkeys("→⇒", ","),
}  # fmt: skip
"""Written punctuation and the mark of the model's vocabulary; others are not heard."""


def read(text: str, language: str, lexicon: Mapping[str, str]) -> tuple[Unit, ...]:
    """The units of one sentence in their order.

    Args:
        text: the sentence as written.
        language: "zh-TW" or "en": how figures are said.
        lexicon: written -> spoken; the longest match wins, exact case, whole words for Latin letters.
    """
    working = text.translate(_WIDE)
    units: list[Unit] = []
    if lexicon:
        working = _take(working, _matcher(tuple(lexicon)), lambda m: _spoken(lexicon[text[m.start() : m.end()]], language), units)
    working = _take_terms(working, language, units, dotted=True)  # Node.js is a term, state.json a name
    kind: Kind
    kind, dot = ("en", "dot") if language.startswith("en") else ("zh", "點")
    working = _take(working, _ADDRESS, lambda m: address(m["host"] or m[0], kind, dot), units)
    working = _take_terms(working, language, units, dotted=False)
    for pattern, said in _rules(language):
        working = _take(working, pattern, said, units)
    units += _rest(working, language)
    return tuple(sorted(units, key=lambda unit: unit.start))


def _rules(language: str) -> tuple[tuple[re.Pattern[str], Reader], ...]:
    return english_rules.RULES if language.startswith("en") else chinese_rules.RULES


def _take_terms(working: str, language: str, units: list[Unit], *, dotted: bool) -> str:
    return _take(working, _term_matcher(dotted=dotted), lambda m: _spoken(TERMS[m[0]], language), units)


def _take(working: str, pattern: re.Pattern[str], said: Reader, units: list[Unit]) -> str:
    pieces: list[str] = []
    done = 0
    for match in pattern.finditer(working):
        for kind, spoken in said(match):
            units.extend(_fixed(match.start(), match.end(), kind, spoken))
        pieces += (working[done : match.start()], _TAKEN * (match.end() - match.start()))
        done = match.end()
    return "".join(pieces) + working[done:]


def _fixed(start: int, end: int, kind: Kind, spoken: str) -> Iterator[Unit]:
    """One said part.  English words that have a reading of their own take it, also beside a figure (GPT-4)."""
    if kind == "en" and spoken in TERMS:
        (kind, spoken), *_ = _spoken(TERMS[spoken], "en")
    if kind == "en" and spoken.isupper() and len(spoken) > 1 and " " not in spoken and not spoken_as_word(spoken):
        kind = "letters"
    yield Unit(start, end, kind, spoken)


def spoken_as_word(capitals: str) -> bool:
    """Whether capitals are said as one word (NASA) rather than letter by letter: those of the table of terms only."""
    return capitals in TERMS


@cache
def _term_matcher(*, dotted: bool) -> re.Pattern[str]:
    return _matcher(tuple(term for term in TERMS if ("." in term) == dotted))


@cache
def _matcher(written: tuple[str, ...]) -> re.Pattern[str]:
    """The longest first; where an entry begins or ends with a Latin letter or digit, a word begins or ends there."""
    longest = sorted((entry for entry in written if entry), key=len, reverse=True)
    return re.compile("|".join(_bounded(entry) for entry in longest) or r"(?!)")


def _bounded(entry: str) -> str:
    before = r"(?<![A-Za-z0-9])" if re.match(r"[A-Za-z0-9]", entry) else ""
    after = r"(?![A-Za-z0-9]|-\d|['’][a-z])" if re.search(r"[A-Za-z0-9]$", entry) else ""
    return before + re.escape(entry) + after


def _spoken(spoken: str, language: str) -> Said:
    """How an entry's right side is said: /phonemes/, pinyin with tones, or plain text in either language."""
    spoken = spoken.strip()
    if phonemes := _PHONEMES.fullmatch(spoken):
        return (("phonemes", phonemes[1]),)
    if _PINYIN.fullmatch(spoken):
        return (("pinyin", spoken),)
    working, units = spoken.translate(_WIDE), list[Unit]()
    for pattern, said in _rules(language):
        working = _take(working, pattern, said, units)
    units += _rest(working, language)
    return tuple((unit.kind, unit.spoken) for unit in sorted(units, key=lambda unit: unit.start) if unit.kind != "pause")


def _rest(working: str, language: str) -> Iterator[Unit]:
    for match in _REST.finditer(working):
        start, end = match.span()
        if match["han"]:
            yield Unit(start, end, "zh", match[0], fixed=False)
        elif match["word"]:
            yield from _word(start, end, match[0], language)
        elif (mark := MARKS.get(match[0])) and not (match[0] == "." and working[end : end + 1].isalnum()):
            yield Unit(start, end, "pause", mark)


def _word(start: int, end: int, word: str, language: str) -> Iterator[Unit]:
    """One English word; an abbreviation in capitals is spelled, also with an s (APIs, CPU's), and in Chinese a single letter."""
    if _CAPITALS.fullmatch(word) or (len(word) == 1 and not language.startswith("en")):
        yield Unit(start, end, "letters", word)
    else:
        yield Unit(start, end, "en", word.replace("’", "'"))
