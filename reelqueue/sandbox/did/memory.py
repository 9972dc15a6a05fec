"""What D-ID remembers: sounds on disk, talks and how far they are, and credits."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from reelqueue.sandbox.did.film import RATE, film, heard


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound that was given: its file, the file's SHA-256, and its length."""

    id: str
    path: Path
    sha256: str
    seconds: float


@dataclass
class Talk:
    """One talk: what was asked for, how often it was looked at, and how it ends: "done", "error" or "rejected"."""

    id: str
    at: datetime
    source_url: str
    sound: Sound
    ends: str = "done"
    polls: int = 0

    @property
    def sha256(self) -> str:
        """Of the sound's file, as it was given."""
        return self.sound.sha256

    @property
    def seconds(self) -> float:
        """The length of its sound."""
        return self.sound.seconds


@dataclass
class Memory:
    """For tests to look at and to set.

    A talk is ready at its `polls`-th look or once it is `takes_s` old, whichever comes first; its address is good for
    `url_lives_s`.  `credits` is what is left; a talk takes one for each 15 s begun.
    """

    created: list[Talk] = field(default_factory=list)
    credits: int = 10_000
    polls: int = 3
    takes_s: float = 60.0
    url_lives_s: float = 86_400.0

    def talk(self, talk_id: str) -> Talk | None:
        """The talk of this id."""
        return next((one for one in self.created if one.id == talk_id), None)


def keep(data: bytes, folder: Path) -> Sound:
    """Keep a sound's file in `folder`.

    Raises:
        ValueError: it is no sound that can be read; nothing was written.
    """
    seconds = len(heard(data)) / RATE
    folder.mkdir(parents=True, exist_ok=True)
    made = Sound(secrets.token_urlsafe(12), folder / f"{secrets.token_hex(8)}.sound", hashlib.sha256(data).hexdigest(), seconds)
    made.path.write_bytes(data)
    return made


def filmed(talk: Talk, folder: Path) -> Path:
    """The film of a talk, made where it is not there yet."""
    target = folder / f"{talk.id}.mp4"
    if not target.exists():
        film(talk.source_url, heard(talk.sound.path.read_bytes()), target)
    return target
