"""What a check of the doctor's answers."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from reelqueue.bootstrap import Settings, usual_makers
from reelqueue.errors import Parked, ReelqueueError, TransientError
from reelqueue.wording import Text, same

Level = Literal["ok", "warn", "fail"]
NOTHING = same("")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's."""

    level: Level
    what: Text
    saw: Text
    do: Text = NOTHING


Check = Callable[[Settings], Awaitable[list[Finding]]]


def failed(what: Text, error: ReelqueueError) -> Finding:
    """What went wrong: a failure where a person has to act, a warning where it passes by itself."""
    return Finding("warn" if isinstance(error, TransientError | Parked) else "fail", what, error.text, error.hint_text)


def services_of(settings: Settings) -> set[str]:
    """Who makes something where a brief leaves it open: "local", "gemini", ..."""
    with contextlib.suppress(ReelqueueError):  # told by `providers`
        return set(usual_makers(settings).values())
    return set()


def made_by(settings: Settings, service: str, kind: str) -> bool:
    """Whether a service makes a kind where a brief leaves it open."""
    with contextlib.suppress(ReelqueueError):
        return usual_makers(settings)[kind] == service
    return False
