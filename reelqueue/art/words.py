"""Words, and how willingly a text breaks between two of them; pure.

Chinese words are jieba's, asked in Simplified characters (its dictionary's), one for one.  The costs are ours, from the
rules of the look: free after a clause, dear before a particle, never inside a word or a name.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from math import inf

import opencc
import rjieba

NO_START = frozenset("，。、；：！？）」』】》〉〕］｝”’…—～·%％‰℃°,.;:!?)]}»›ー々")
"""No line begins with these."""
NO_END = frozenset("（「『【《〈〔［｛“‘([{«‹$€£¥＄#＃@")
"""No line ends with these."""
CLAUSE_ENDS = frozenset("，。；：！？…,;:.!?—")

FREE, WORD, LIST, LOOSE, AVOID, DEAR = 0.0, 1.0, 0.5, 3.0, 6.0, 9.0
_LEAN_BACK = frozenset("的了著過們個者地得嗎呢吧啊呀")
_LEAN_ON = frozenset("這每一不很就才在把被和與為讓而但")
_LEAN_ON_A_LITTLE = frozenset("也都還從對用以將向給跟及或再又更最太並沒別那哪某該本各第約近超共會能可要想應須")
_LEAN_ON_EN = frozenset({
    "a", "an", "the", "of", "to", "in", "on", "at", "by", "for", "from", "with", "into", "onto", "and", "or", "but",
    "nor", "as", "than", "that", "no", "your", "my", "our", "his", "her", "its", "their", "this", "these", "those",
})  # fmt: skip
_HEADLINE_STARTS = frozenset({
    "how", "why", "what", "when", "where", "who", "which", "the", "a", "an", "is", "are", "can", "do", "does", "will",
    "if", "in", "on", "at", "to", "for", "from", "and", "or", "but", "not", "your", "our", "my", "this", "that",
    "these", "those", "it", "we", "you", "they", "he", "she", "there", "here", "one", "two", "three", "all", "some",
    "most", "every", "each", "no",
})  # fmt: skip
_HAN = re.compile(
    r"[\u2e80-\u2fff\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3105-\u312f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_OPENING, _CLOSING = "（「『【《〈〔［｛“‘([{«‹", "）」』】》〉〕］｝”’)]}»›"


@dataclass(frozen=True, slots=True)
class Bound:
    """A place between two words: the line before ends at `end`, the next begins at `start` (spaces are between)."""

    end: int
    start: int
    cost: float


def is_han(character: str) -> bool:
    """Whether a character is set like a Chinese one: ideographs, kana, bopomofo."""
    return bool(_HAN.fullmatch(character))


@lru_cache(maxsize=1)
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@lru_cache(maxsize=4096)
def han_words(run: str) -> tuple[str, ...]:
    """The words of a run of Chinese characters."""
    simple = _simplifier().convert(run)
    if len(simple) != len(run):
        simple = run
    words, at = [], 0
    for word in rjieba.cut(simple):
        words.append(run[at : at + len(word)])
        at += len(word)
    return tuple(words)


@lru_cache(maxsize=1024)
def words_of(text: str) -> tuple[tuple[int, int], ...]:
    """The words as ranges of characters, each with the punctuation that belongs to it; spaces are left out."""
    pieces: list[tuple[int, int]] = []
    for chunk in re.finditer(r"\S+", text):
        pieces += _pieces(text, chunk.start(), chunk.end())
    out: list[tuple[int, int]] = []
    for start, end in pieces:
        if out and _stick(text[out[-1][0] : out[-1][1]], text[start:end], touching=out[-1][1] == start):
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return tuple(out)


def _stick(left: str, right: str, *, touching: bool) -> bool:
    """Whether a mark holds two pieces together; over a space only a mark that stands alone, so that .NET stays a word."""
    if touching:
        return right[0] in NO_START or left[-1] in NO_END
    return NO_START.issuperset(right) or NO_END.issuperset(left) or (right[0] in NO_START and _wide(right[0]))


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A chunk without spaces: Chinese words, single Chinese marks, runs of anything else."""
    out: list[tuple[int, int]] = []
    at = start
    while at < end:
        run = _HAN.match(text, at, end)
        if run:
            for word in han_words(run.group()):
                out.append((at, at + len(word)))
                at += len(word)
        elif _wide(text[at]):
            out.append((at, at + 1))
            at += 1
        else:
            stop = at + 1
            while stop < end and not is_han(text[stop]) and not _wide(text[stop]):
                stop += 1
            out.append((at, stop))
            at = stop
    return out


def _wide(character: str) -> bool:
    """Whether it is a full-width mark (a Korean syllable is wide as well, but a letter)."""
    return character in "…—" or (unicodedata.east_asian_width(character) in "WF" and not character.isalnum())


@lru_cache(maxsize=1024)
def bounds_of(text: str, language: str) -> tuple[Bound, ...]:
    """The places between words with their costs, 0 (free) to 9 (dear); infinite where a name would be cut."""
    words = words_of(text)
    names = _names(text, words, chinese=language.lower().startswith("zh") or any(map(is_han, text)))
    out = []
    for number in range(len(words) - 1):
        (a, b), (c, d) = words[number], words[number + 1]
        cost = inf if number in names else _cost(text[a:b], text[c:d], spaced=b < c)
        out.append(Bound(b, c, cost))
    return tuple(out)


def _cost(left: str, right: str, *, spaced: bool) -> float:
    core_left, core_right = _core(left), _core(right)
    if left[-1] in CLAUSE_ENDS or left.rstrip(_CLOSING)[-1:] in CLAUSE_ENDS:
        return FREE
    if left[-1] == "、" or left[-1] in _CLOSING or right[0] in _OPENING:
        return LIST
    if is_han(left[-1]) or is_han(right[0]):
        return _han_cost(core_left, core_right)
    return AVOID - 1 if core_left.lower() in _LEAN_ON_EN and spaced else WORD


def _han_cost(left: str, right: str) -> float:
    if left[-1:].isdigit():  # 12|萬
        return DEAR
    if right[:1].isdigit():
        return LOOSE + WORD
    if right in _LEAN_BACK or left in _LEAN_ON:
        return AVOID
    if left in _LEAN_ON_A_LITTLE:
        return AVOID - 2
    if len(left) == 1 and len(right) == 1:  # 弄|丟: more often one word than two
        return LOOSE
    return WORD


def _core(word: str) -> str:
    return word.strip("".join(NO_START | NO_END)) or word


def _names(text: str, words: tuple[tuple[int, int], ...], *, chinese: bool) -> set[int]:
    """The numbers of the bounds that lie within a Latin name."""
    inside = set()
    capitals = [_capital(text[a:b]) for a, b in words]
    headline = not chinese and _is_headline(text, words, capitals)
    for number in range(len(words) - 1):
        (a, b), (c, d) = words[number], words[number + 1]
        left, right = text[a:b], text[c:d]
        if any(map(is_han, left + right)) or left[-1] in CLAUSE_ENDS or left[-1] in _CLOSING:
            continue
        if chinese:
            near = sum(1 for s, e in words[max(0, number - 2) : number + 4] if not any(map(is_han, text[s:e])))
            if near <= 4:  # a longer run is a sentence, not a name
                inside.add(number)
        elif not headline and capitals[number] and capitals[number + 1]:
            starts = number == 0 or text[words[number - 1][1] - 1] in CLAUSE_ENDS
            if not (starts and _core(left).lower() in _HEADLINE_STARTS):
                inside.add(number)
    return inside


def _capital(word: str) -> bool:
    core = _core(word)
    return core[:1].isupper() and core != "I"


def _is_headline(text: str, words: tuple[tuple[int, int], ...], capitals: list[bool]) -> bool:
    """Whether Most Words Have Capitals, so that a capital says nothing."""
    long = [capital for (a, b), capital in zip(words, capitals, strict=True) if len(_core(text[a:b])) > 3]
    return len(long) > 3 and sum(long) >= 0.8 * len(long)
