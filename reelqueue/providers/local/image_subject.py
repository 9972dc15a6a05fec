"""Words for the object to be drawn in a scene, best first; pure.

What can be drawn as an object stands before what has a sign only, and a sign counts only where the scene is about it: a word
told in passing gets none.  No matching object is no mistake, an unrelated one is.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from reelqueue.art.icons import find_icon, is_named
from reelqueue.models.language import HAN
from reelqueue.providers.local.script_keywords import content_words, is_vague, tagged

MOST_WORDS = 8
_HAN_RUN = re.compile(f"[{HAN}]+")
_THINGS = ("n", "l", "j", "i", "b")
"""jieba's classes of words for things; its verbal and adjectival nouns (vn, an) are not among them."""
_LONGEST_JOINED = 3
_BEFORE_NOUN = (
    r"(?:the|an?|this|that|these|those|of|your|our|their|its|his|her|my|per|each|every|no|any|many|most|more|some|two|three|four|five|"
    r"six|seven|eight|nine|ten|hundred|thousand|million|billion|\d[\d,.]*|by|on|in|with|from|into|for|at|like|and|or|called|inside|than|equal)"
)


def subject_of(text: str, title: str, heading: str | None, language: str, *, theme: str, theme_first: bool) -> tuple[str, ...]:
    """The things that a part names: those with an object first, of these the ones of its large type and the most told.

    `theme` is what the whole video is about: its things come first, or last, so that not every scene shows the same object.
    """
    told = Counter(_things(text, language))
    large = set(_things(title, language))
    about = large | set(_things(heading or "", language)) | set(_things(theme, language))
    words = list(dict.fromkeys([*_things(title, language), *told, *_things(heading or "", language)]))
    drawn, others = dict[str, float](), list[str]()
    for word in words:
        icon = find_icon([word], language)
        if icon is None:
            others.append(word)
        elif not icon.is_sign or word in about or told[word] > 1:
            drawn[word] = 2.0 * (word in large) + min(told[word], 3) + (0.0 if icon.is_sign else 1.5)
    found = sorted(drawn, key=lambda word: -drawn[word])  # stable: the text's order
    known = "".join(_things(theme, language))
    found.sort(key=lambda word: (word in known) != theme_first)
    return tuple([*found, *others][:MOST_WORDS])


def _things(source: str, language: str) -> list[str]:
    """The words of a text that name things, in their order, repeats included; some of them of two or three words."""
    latin = [word for word in _latin(source, chinese=language.startswith("zh")) if not is_vague(word)]
    return [*_han(source), *latin] if language.startswith("zh") else latin


def _han(source: str) -> Iterator[str]:
    for run in _HAN_RUN.finditer(source):
        words = tagged(run[0])
        at = 0
        while at < len(words):
            size, word = _longest_named(words, at)
            if word:
                yield word
            at += size


def _longest_named(words: list[tuple[str, str]], at: int) -> tuple[int, str]:
    """The thing that begins with this word: several words together where they have an object (手, 搖, 飲), else the word."""
    for size in range(min(_LONGEST_JOINED, len(words) - at), 1, -1):
        joined = "".join(word for word, _ in words[at : at + size])
        if is_named(joined):
            return size, joined
    word, kind = words[at]
    thing = kind.startswith(_THINGS) and not is_vague(word) and (len(word) > 1 or is_named(word))
    return 1, word if thing else ""


def _latin(source: str, *, chinese: bool) -> Iterator[str]:
    words = [word for word in content_words(source, "zh" if chinese else "en") if word.isascii()]
    pairs = {f"{a} {b}" for a, b in pairwise(re.findall(r"[a-z][\w'-]*", source.lower())) if is_named(f"{a} {b}")}
    yield from (pair for pair in sorted(pairs, key=source.lower().find))
    held = {word for pair in pairs for word in pair.split()}
    for word in words:
        if word not in held and (chinese or _names_a_thing(word, source)):
            yield word


def _names_a_thing(word: str, source: str) -> bool:
    """Whether an English word stands as a noun somewhere: behind an article or the like, with a capital, or alone."""
    if re.search(rf"\b{_BEFORE_NOUN} (?:[a-z][\w-]* ){{0,2}}?{re.escape(word)}\b", source, re.IGNORECASE):
        return True
    return bool(re.search(rf"(?:\w,? |^|[:;,.] ){re.escape(word.capitalize())}\b", source)) or source.lower().strip(" .") == word
