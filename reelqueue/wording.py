"""What people read, in both languages, side by side where it is said.

A `Text` holds one sentence in Traditional Chinese and in English.  The process speaks one of
them, chosen once at its start (`REELQUEUE_LANGUAGE`); `str(text)` is the sentence in it.
"""

from typing import Literal, NamedTuple

Language = Literal["zh-TW", "en"]

_spoken: list[Language] = ["zh-TW"]


class Text(NamedTuple):
    """One sentence, in Traditional Chinese and in English."""

    zh: str
    en: str

    def __str__(self) -> str:
        """The sentence in the language that this process speaks."""
        return self.in_language(_spoken[0])

    def in_language(self, language: str) -> str:
        """The sentence in `language`: any tag that begins with "en" is English, all else Chinese."""
        return self.en if language.lower().startswith("en") else self.zh


def same(sentence: str) -> Text:
    """A sentence that needs no translation: a name, a path, a user's own words."""
    return Text(sentence, sentence)


def speak(language: Language) -> None:
    """Choose the language of this process."""
    _spoken[0] = language


def spoken() -> Language:
    """The language of this process."""
    return _spoken[0]
