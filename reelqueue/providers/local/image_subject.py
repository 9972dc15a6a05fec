"""Words for the object to be drawn in a scene, best first; pure."""

from collections import Counter

from reelqueue.providers.local.script_keywords import content_words, naming_words

MOST_WORDS = 8


def subject_of(text: str, title: str, heading: str | None, language: str) -> tuple[str, ...]:
    """The things that a part names: those of its large type first, then those told most often, then the heading's."""
    chinese = language.startswith("zh")

    def things(source: str) -> list[str]:
        latin = [word for word in content_words(source, language) if word.isascii()]
        return [*naming_words(source), *latin] if chinese else latin

    told = things(text)
    often = Counter(told)
    by_count = sorted(dict.fromkeys(told), key=lambda word: (-often[word], told.index(word)))
    return tuple(dict.fromkeys([*things(title), *by_count, *things(heading or "")]))[:MOST_WORDS]
