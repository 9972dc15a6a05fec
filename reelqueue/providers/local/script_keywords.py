"""The words and phrases that a text is about, best first; pure.

yake finds them by where and how they stand in the text.  It is given Chinese as words with spaces, of which only those that
can name something are left (by jieba's word classes): the others become stop words.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import cast

import opencc
import rjieba
import yake

from reelqueue.models.language import HAN
from reelqueue.providers.local.script_marks import is_han, word_set

MOST_PHRASES = 20
ENOUGH_PHRASES = 8
"""With fewer terms than this, words that are told once fill up."""
LONGEST_SINGLE = 4
_HAN_RUN = re.compile(f"[{HAN}]+")
_NAMING = ("n", "vn", "an", "l", "j", "i", "b")
"""jieba's classes of words that name: nouns of all kinds, verbal and adjectival nouns, idioms, abbreviations."""
_VAGUE = word_set(
    "問題 時候 東西 事情 地方 方式 部分 情況 原因 結果 方法 時間 條件 例子 大家 人們 研究者 世界 全世界 人類 之後 之前 當時 正是 就是 一位 不到 "
    "萬人 億人 影響 所謂 同一 上量 大規模 兩行 少數 多數 目前 現在 今天 為什麼 怎麼 什麼 這時候 其他人 工作者 越來越少 關係 意思 內容 程度 過程 方面 一點 同時 這種 那種 自己 一次 一種 一個 有時 所有 每個 影片 "
    "thing things way ways time times lot people part parts kind sort bit case cases example question reason point fact number something anything nobody anyone jan feb mar apr jun jul aug sep sept oct nov dec minutes hours seconds days weeks months years minute hour second day week month year line side "
    "everybody ask say says said make made get got take took give gave put let know think want need use used using going half one two three"
)
"""Words that name nothing in particular: never a key phrase."""
_MARKS = {ord(mark): latin for marks, latin in (("。！？；", ". "), ("，、：（）「」『』《》", ", ")) for mark in marks}
_PAD = "ㄅ"
"""Makes a Chinese word of two characters long enough for yake, which ignores tokens below three (a letter: other marks are cut off)."""


def key_phrases(text: str, language: str) -> tuple[str, ...]:
    """At most 20 phrases of one to three words, as they are written in the text, without repeats."""
    chinese = language.startswith("zh")
    source = _chinese_for_yake(text) if chinese else text
    extractor = yake.KeywordExtractor(
        lan="en", n=2, top=3 * MOST_PHRASES, dedup_lim=0.75, stopwords=_stop_words(language)
    )  # "en" although Chinese: it chooses the stop words only, which are given
    found = [cast("str", phrase) for phrase, _score in extractor.extract_keywords(source)] if source.strip() else []
    terms, singles = list[str](), list[str]()
    for phrase in found:
        written = _as_written(phrase, text)
        if not written or not _names_something(written) or any(_same(written, other) for other in (*terms, *singles)):
            continue
        if _is_term(written, text, chinese=chinese):
            terms.append(written)
        elif " " not in written and (len(written) <= LONGEST_SINGLE if chinese else _stands_as_noun(written, text)):
            singles.append(written)
    return (*terms, *singles[: max(0, ENOUGH_PHRASES - len(terms))])[:MOST_PHRASES]


def content_words(text: str, language: str) -> tuple[str, ...]:
    """The words of a text that carry its meaning, in their order, repeats included; Latin ones in lower case."""
    return tuple(_content_words(text, chinese=language.startswith("zh")))


def naming_words(text: str) -> tuple[str, ...]:
    """The Chinese words of two characters or more that can name a thing, in their order."""
    out = []
    for run in _HAN_RUN.finditer(text):
        out += [word for word, kind in tagged(run[0]) if kind.startswith(_NAMING) and len(word) > 1 and word not in _VAGUE]
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
    return word.lower() in _VAGUE or word.lower() in _stop_words("en") or word in _stop_words("zh")


def _content_words(text: str, *, chinese: bool) -> Iterator[str]:
    for match in re.finditer(rf"[{HAN}]+|[A-Za-zÀ-ɏ][\w'’-]+", text):
        if is_han(match[0][0]):
            yield from (word for word, _ in tagged(match[0]) if len(word) > 1 and not is_vague(word))
        elif not is_vague(match[0]) and (chinese or len(match[0]) > 2):
            yield match[0].lower()


def _chinese_for_yake(text: str) -> str:
    """Words with spaces; words that name nothing become a stop word, marks become Latin ones."""

    def words(match: re.Match[str]) -> str:
        kept = (
            word + (_PAD if len(word) < 3 else "") if kind.startswith(_NAMING) and len(word) > 1 and word not in _VAGUE else "的"
            for word, kind in tagged(match[0])
        )
        return " " + " ".join(kept) + " "

    return _HAN_RUN.sub(words, text).translate(_MARKS)


def _as_written(phrase: str, text: str) -> str | None:
    """The phrase as it stands in the text: the words between which there are at most spaces; None where it does not."""
    words = [re.escape(word.strip("ㄅ.,'’\"")) for word in phrase.split()]
    found = re.search(r"[ ]?".join(words), text) if all(words) else None
    return found[0].strip() if found else None


def _names_something(phrase: str) -> bool:
    words = phrase.lower().split()
    if any(word in _VAGUE or word in _stop_words("en") for word in (words[0], words[-1])):
        return False
    return len(phrase) <= 30 and not phrase[0].isdigit() and (is_han(phrase[0]) or len(phrase) > 2)


def _is_term(written: str, text: str, *, chinese: bool) -> bool:
    """Whether a phrase is one of the text's terms: told more than once, a name (Scott Reef), or Latin inside Chinese."""
    words = written.split()
    if chinese and written.isascii():
        return True
    if all(word[:1].isupper() for word in words):
        return len(words) > 1 or written.isupper() or bool(re.search(rf"[a-z,] {re.escape(written)}\b", text))
    return text.lower().count(written.lower()) > 1 and (chinese or len(words) > 1 or _stands_as_noun(written, text))


def _stands_as_noun(word: str, text: str) -> bool:
    """Whether an English word follows an article or the like somewhere: no word classes are known for English."""
    before = r"(?:the|an?|this|that|of|your|our|their|its|his|her|per|each|every|no|any|\d+|two|three|four|five|many|most|more|some|these|those)"
    return bool(re.search(rf"\b{before} (?:[a-z-]+ )?{re.escape(word)}\b(?! (?:the|an?|it|them)\b)", text, re.IGNORECASE))


def _same(one: str, other: str) -> bool:
    """Whether two phrases would be one tag: equal but for case and plural, or a name's part beside the name."""
    a, b = one.lower(), other.lower()
    return a.rstrip("s") == b.rstrip("s") or (not is_han(one[0]) and (a in b.split() or b in a.split()))


@cache
def _stop_words(language: str) -> frozenset[str]:
    folder = files("yake.core") / "StopwordsList"
    if not language.startswith("zh"):
        return frozenset((folder / "stopwords_en.txt").read_text("utf-8").split())
    simple = (folder / "stopwords_zh.txt").read_text("utf-8").split()
    return frozenset(simple) | frozenset(map(opencc.OpenCC("s2t").convert, simple)) | _stop_words("en")


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
