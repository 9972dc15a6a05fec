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
_LATER = Text(
    "檢查網路、代理伺服器與這個服務的位址設定，稍後再執行一次",
    "check the network, the proxy and the settings of this service's address, and run it again later",
)
"""For what jobs try again by themselves, and the doctor does not."""


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
    passes = isinstance(error, TransientError | Parked)
    do = _LATER if isinstance(error, TransientError) and "自動重試" in error.hint_text.zh else error.hint_text
    return Finding("warn" if passes else "fail", what, error.text, do)


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
