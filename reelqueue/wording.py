"""What people read, in both languages, side by side where it is said.

A `Text` holds one sentence in Traditional Chinese and in English.  The process speaks one of
them, chosen once at its start (`REELQUEUE_LANGUAGE`); `str(text)` is the sentence in it.  Where a process answers people of
both languages (`speaking`), each answer has its own.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple

Language = Literal["zh-TW", "en"]

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What steers a terminal, ends a line or turns the direction of writing unseen, and half letters: somebody may have put it there."""

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


def visible(text: str) -> str:
    """A text for a terminal: what would steer it is a sign that something stood there."""
    return STEERING.sub("\ufffd", text)


def as_json(text: str) -> str:
    """JSON with what would steer a terminal written by its numbers: to who reads it as JSON it is the same."""
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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
