"""Words for the object to be drawn in a scene, best first; pure."""

from collections import Counter

from reelqueue.providers.local.script_keywords import content_words, naming_words

MOST_WORDS = 8


def subject_of(text: str, title: str, heading: str | None, language: str, *, theme: str, theme_first: bool) -> tuple[str, ...]:
    """The things that a part names: those of its large type first, then those told most often, then the heading's.

    `theme` is what the whole video is about: its things come first, or last, so that not every scene shows the same object.
    """
    chinese = language.startswith("zh")

    def things(source: str) -> list[str]:
        latin = [word for word in content_words(source, language) if word.isascii()]
        return [*naming_words(source), *latin] if chinese else latin

    told = things(text)
    often = Counter(told)
    by_count = sorted(dict.fromkeys(told), key=lambda word: (-often[word], told.index(word)))
    found = list(dict.fromkeys([*things(title), *by_count, *things(heading or "")]))
    if not theme_first:
        known = "".join(things(theme))
        found.sort(key=lambda word: word in known)  # stable: each half keeps its order
    return tuple(found[:MOST_WORDS])
