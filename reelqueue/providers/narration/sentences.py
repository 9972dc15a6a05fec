"""A text into sentences, Chinese, English and mixed; pure.

The sentences in their order hold every character of the text but white space between them.
"""

import re
from collections.abc import Iterator

from reelqueue.providers.narration.marks import CLOSERS, OPENERS, SENTENCE_ENDS, is_chinese, is_han, word_set

LONGEST_QUOTE = 80
"""A quotation up to so many characters is not cut inside."""
_PAIRS = dict(zip("「『（【《〈〔［｛“([{«‹", "」』）】》〉〕］｝”)]}»›", strict=True))
_NEVER_LAST = word_set(
    "dr mr mrs ms mx prof rev hon gen col lt sgt capt st mt ft no nos vol fig figs eq sec ch pp p e.g i.e viz cf vs v al approx ca "
    "jan feb mar apr jun jul aug sept sep oct nov dec mon tue wed thu fri sat sun"
)
"""Abbreviations that a sentence does not end with."""
_AT_TIMES_LAST = word_set(
    "etc inc ltd co corp jr sr a.m p.m u.s u.k u.n d.c e.u b.c a.d ph.d m.d b.a m.a u.s.a ave blvd dept est"
)
"""Abbreviations that may end one: where a word follows that begins sentences."""
_BEGINNERS = word_set(
    "the a an it its this that these those he she they we you i in on at by for from with and but so if when while after before as "
    "there here what why how who where our my your his her their one two some many most each every no not then now however yet"
)
_WORDS_TOO = frozenset(("no", "mar", "sat", "sun"))
"""Those of them that are words of their own."""
_SAYS = re.compile(r"[^。！？，：；\s]{0,5}?[說道問答喊叫嘆寫笑想](?:道|著|了|：|，|。)|地|的[^確士]")
_SAYS_EN = re.compile(
    r"\s*(?:[a-z]|(?:[A-Z][a-z]+|I)\s+(?:said|says|asked|asks|wrote|writes|replied|adds|added|explained|argued)\b)"
)
_LAST_TOKEN = re.compile(r"[^\s“”\"'‘’(（「『]+\Z")


def split_sentences(text: str) -> tuple[str, ...]:
    """The sentences of one paragraph, each with its marks and closing quotes."""
    whole = _quotations(text)
    out, start = list[str](), 0
    for end in _ends(text):
        if any(opened < end <= closed for opened, closed in whole):
            continue
        piece = text[start:end].strip()
        if piece:
            out.append(piece)
        start = end
    rest = text[start:].strip()
    if rest and not re.search(r"\w", rest) and out:  # a lone mark or emoji stays with its sentence
        out[-1] = text[text.rfind(out[-1], 0, start) :].strip()
    elif rest:
        out.append(rest)
    return tuple(_without_loose_marks(out))


def _without_loose_marks(pieces: list[str]) -> Iterator[str]:
    """Pieces without a letter or digit join the one before them."""
    kept = ""
    for piece in pieces:
        if kept and re.search(r"\w", piece) and re.search(r"\w", kept):
            yield kept
            kept = piece
        else:
            kept = kept + ("" if not kept or is_chinese(kept[-1]) else " ") + piece
    if kept:
        yield kept


def _quotations(text: str) -> list[tuple[int, int]]:
    """Ranges (opening mark, closing mark) of short quotations and parentheses."""
    out, opened = list[tuple[int, int]](), list[tuple[str, int]]()
    straight = -1
    for at, character in enumerate(text):
        if character == '"':
            if straight >= 0:
                if at - straight <= LONGEST_QUOTE:
                    out.append((straight, at))
                straight = -1
            else:
                straight = at
        elif character in _PAIRS:
            opened.append((_PAIRS[character], at))
        elif opened and character == opened[-1][0]:
            start = opened.pop()[1]
            if at - start <= LONGEST_QUOTE:
                out.append((start, at))
    return out


def _ends(text: str) -> Iterator[int]:
    """Where sentences end, as positions behind their last character."""
    at, size = 0, len(text)
    while at < size:
        if text[at] not in SENTENCE_ENDS and text[at] not in ".…；\n":
            at += 1
            continue
        marks = at
        while marks < size and (text[marks] in SENTENCE_ENDS or text[marks] in ".…；"):
            marks += 1
        marks = max(marks, at + 1)
        behind = marks
        while (
            behind < size and text[behind] in CLOSERS and not (text[behind] in "\"'" and text[behind + 1 : behind + 2].isalnum())
        ):
            behind += 1
        if _is_end(text, at, marks, behind):
            yield behind
        at = behind


def _is_end(text: str, at: int, marks: int, behind: int) -> bool:
    run, after = text[at:marks], text[behind:]
    if not after.strip() or "\n" in run:
        return True
    spoken_on = behind > marks and (_SAYS.match(after) or _SAYS_EN.match(after))
    if spoken_on or after[0] in "，、,；;：:":
        return False
    return any(mark in "。！？；．｡" for mark in run) or _narrow_end(text, at, run, after)


def _narrow_end(text: str, at: int, run: str, after: str) -> bool:
    """Whether a mark that Latin writing uses inside sentences too ends one here."""
    spaced, follower = after[0].isspace(), after.lstrip()[0]
    if run.strip(".…") == "" and run != ".":
        return spaced and (follower.isupper() or is_han(follower) or follower in OPENERS)
    if not spaced:
        return is_chinese(follower) and (run != "." or text[at - 1].isalpha())
    if follower.islower():
        return False
    return run != "." or _full_stop(text, at, after.lstrip())


def _full_stop(text: str, at: int, after: str) -> bool:
    """Whether a full stop with a space behind it ends the sentence rather than an abbreviation or a number."""
    before = _LAST_TOKEN.search(text, 0, at)
    token = before[0] if before else ""
    core = token.lower().lstrip("([{")
    if token.isdigit() and len(token) <= 2 and not text[: at - len(token)].strip():  # "1. Boil water"
        return False
    follower = _next_word(after)
    if core in _NEVER_LAST:
        return core in _WORDS_TOO and follower in _BEGINNERS
    initial = len(core) == 1 and core.isalpha() and token.isupper()
    if initial or core in _AT_TIMES_LAST:
        return is_han(after[0]) or (follower in _BEGINNERS and not (initial and core != "i" and follower == "a"))
    return True


def _next_word(text: str) -> str:
    word = re.match(r"[\W_]*([A-Za-z']+)", text)
    return word[1].lower() if word else ""
