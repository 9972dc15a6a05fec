"""Lives of processes, all in this one: each callback and each effect belongs to the life whose context it runs in.

A life can be killed, or stopped as by SIGSTOP, wherever it touches the world: before a step, after it, or between two of its
system calls.  A dead life runs its clean-up, and none of that has an effect.
"""

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from storage import Owner

PAUSE, CRASH, HANG, LOSE, REFUSE, FILL = "pause", "crash", "hang", "lose", "refuse", "fill"
"""What may befall a life at a place: it is stopped; it dies; the service's answer does not come; it is lost; the service refuses;
the disk is full from there on."""


class Dead(BaseException):
    """The process is no more: nothing that it does from here on has an effect."""


@dataclass(frozen=True, slots=True)
class Stop:
    """What befalls the next job of a life: `how`, at the `nth` passage of `place`.

    `when` is "before", "after", or how many system calls of the step are made yet (a crash, or a full disk, in mid-step).
    """

    place: str
    how: str
    when: str | int = "before"
    nth: int = 1
    stage: str = ""
    """Of which stage the job has to be; "" for any."""


@dataclass(frozen=True, slots=True)
class Host:
    """A machine: its boot, how far its monotonic clock and its wall clock are from the first one's, in seconds."""

    name: str
    clock_s: float
    skew_s: float


HOSTS = (Host("near", 0.0, 0.0), Host("far", 5_000.0, 90.0))


@dataclass(eq=False, slots=True)
class Life:
    """One process, from its start to its death."""

    number: int
    host: Host
    owner: Owner = field(init=False)
    dead: bool = False
    paused: bool = False
    stop: Stop | None = None
    passed: int = 0
    steps_left: int | None = None
    stash: list[Callable[[], None]] = field(default_factory=list)
    tasks: set["asyncio.Task[Any]"] = field(default_factory=set)
    hanging: "asyncio.Future[None] | None" = None
    outcome: str = ""
    stopped_at: str = ""
    job: Any = None

    def __post_init__(self) -> None:
        name = self.host.name
        self.owner = Owner(
            name=f"{name}/{self.number}", host=name, boot=f"boot of {name}", pid_namespace="pids", pid=self.number, started="1"
        )

    @property
    def runs(self) -> bool:
        """Whether it would run if somebody gave it work."""
        return not (self.dead or self.paused)

    def due(self, place: str) -> Stop | None:
        """What befalls it here and now."""
        if self.stop is None or self.stop.place != place:
            return None
        if self.stop.stage and (self.job is None or self.job.stage != self.stop.stage):
            return None
        self.passed += 1
        if self.passed < self.stop.nth:
            return None
        stop, self.stop = self.stop, None
        self.stopped_at = place
        return stop

    def step(self) -> None:
        """One system call that changes something.  Raises `Dead`: it is not made."""
        if self.dead:
            raise Dead
        if self.steps_left is not None:
            if self.steps_left <= 0:
                self.dead = True
                raise Dead
            self.steps_left -= 1


LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)
