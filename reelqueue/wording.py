"""What people read, in both languages, side by side where it is said.

A `Text` holds one sentence in Traditional Chinese and in English.  The process speaks one of
them, chosen once at its start (`REELQUEUE_LANGUAGE`); `str(text)` is the sentence in it.  Where a process answers people of
both languages (`speaking`), each answer has its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple

Language = Literal["zh-TW", "en"]

_spoken: list[Language] = ["zh-TW"]
_here: ContextVar[Language | None] = ContextVar("language", default=None)


class Text(NamedTuple):
    """One sentence, in Traditional Chinese and in English."""

    zh: str
    en: str

    def __str__(self) -> str:
        """The sentence in the language that is spoken here."""
        return self.in_language(spoken())

    def in_language(self, language: str) -> str:
        """The sentence in `language`: any tag that begins with "en" is English, all else Chinese."""
        return self.en if language.lower().startswith("en") else self.zh


def same(sentence: str) -> Text:
    """A sentence that needs no translation: a name, a path, a user's own words."""
    return Text(sentence, sentence)


def speak(language: Language) -> None:
    """Choose the language of this process."""
    _spoken[0] = language


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Within the block, and in the tasks that it starts, another language than the process's."""
    token = _here.set(language)
    try:
        yield
    finally:
        _here.reset(token)


def spoken() -> Language:
    """The language that is spoken here: the block's, else the process's."""
    return _here.get() or _spoken[0]
