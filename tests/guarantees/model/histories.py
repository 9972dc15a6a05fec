"""Histories that a protection is there for: with it they end well, without it an invariant is broken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs import acts
from reelqueue.models.stage import Stage
from tests.guarantees.model import lives, mutants
from tests.guarantees.model.lives import Stop
from tests.guarantees.model.machine import Histories
from tests.guarantees.model.mutants import Mutant

Step = Callable[[Histories], object]
LATER = 61.0
"""Seconds after which a lease has lapsed."""


@dataclass(frozen=True, slots=True)
class History:
    """`at` is the stage that the project is about to begin, `lag_s` how late the channel lists new videos."""

    without: Mutant
    steps: Sequence[Step]
    at: Stage = Stage.UPLOAD
    lag_s: float = 0.0

    def play(self, machine: Histories) -> None:
        """Step by step.  Raises AssertionError: an invariant is broken."""
        machine.a_project_is_on_its_way(lag_s=self.lag_s, which=0, at=self.at, focus=None)
        for step in self.steps:
            step(machine)
            machine.all_holds()


def works(first: int, place: str, how: str, when: str | int = "after", *, nth: int = 1, of: Stage = Stage.UPLOAD) -> Step:
    """A worker carries jobs out until this befalls it; the second and the third begin when the lease of the one before has lapsed."""

    def step(machine: Histories) -> None:
        machine.pass_time(LATER if first else 0.0)
        life = machine.free_worker(first)
        assert life is not None
        machine.something_to_do(life)
        machine.works(life, Stop(place, how, when, nth, of))

    return step


def works_on(machine: Histories) -> None:
    """Another one carries jobs out, to their ends."""
    works(1, "", "")(machine)


def first_goes_on(machine: Histories) -> None:
    """The first worker, that was stopped, gets its SIGCONT."""
    machine.world.resume(machine.workers[0])


def asks(act: str) -> Step:
    """A person asks for it."""
    return lambda machine: machine.a_person_asks(act=act, which=0, stage=None, steps=None)


def befalls(what: object) -> Step:
    """It befalls the world."""
    return lambda machine: machine.befalls_now(what)


def cancelled_at_once(machine: Histories) -> None:
    """It is cancelled, and no time passes."""
    machine.asks(lambda door: door._projects.change(1, acts.cancel))


def a_second_project(machine: Histories) -> None:
    """Somebody makes another one."""
    machine.create(key="a", which=0, stop=None)


def seen_off(machine: Histories) -> None:
    """The marker of what has ended is taken away."""
    machine.world.recover(machine.workers[0])


DIES_AT_THE_END = works(0, "send the last", lives.CRASH)
KNOWN = (
    History(mutants.no_fence, (works(0, "commit", lives.PAUSE, "before", nth=3), works(1, "send", lives.CRASH), first_goes_on)),
    History(mutants.no_fence_at_first, (works(0, "commit", lives.PAUSE, "before"), works(1, "send", lives.CRASH), first_goes_on)),
    History(mutants.no_compare, (works(0, "commit", lives.PAUSE, "before", nth=3), asks("cancel"), first_goes_on)),
    History(
        mutants.no_guard_of_sessions,
        (works(0, "open", lives.PAUSE), works(1, "send the last", lives.CRASH), first_goes_on, works(2, "find", lives.PAUSE)),
    ),
    History(
        mutants.no_guard_of_files,
        (
            works(0, "put", lives.PAUSE, "before", of=Stage.RENDER),
            works(1, "put", lives.PAUSE, "before", of=Stage.THUMBNAIL),
            first_goes_on,
        ),
        at=Stage.ASSETS,
    ),
    History(mutants.no_marker, (a_second_project,)),
    History(mutants.no_marker_again, (asks("cancel"), seen_off, asks("retry"))),
    History(mutants.no_tombstone, (asks("cancel"), asks("delete"))),
    History(mutants.no_keeping, (works(0, "speak", lives.CRASH, nth=3, of=Stage.ASSETS), works_on), at=Stage.ASSETS),
    History(mutants.no_reservation, (works(0, "speak", lives.CRASH, of=Stage.ASSETS),), at=Stage.ASSETS),
    History(mutants.no_look_for_cancels, (works(0, "query", lives.PAUSE), cancelled_at_once, first_goes_on)),
    History(mutants.no_looking_for_the_video, (DIES_AT_THE_END, befalls("sessions are gone"), works_on)),
    History(mutants.no_waiting_for_the_list, (DIES_AT_THE_END, befalls("sessions are gone"), works_on), lag_s=590.0),
    History(
        mutants.no_clock_of_the_machine,
        (DIES_AT_THE_END, befalls("sessions are gone"), works_on, befalls("an hour is lost"), works_on),
        lag_s=590.0,
    ),
)
