"""What a stage's work is made of: its inputs, its work, its outcome, and the run that it is handed.

`jobs/video/*` is written against this page; `jobs/runner.py` carries it out.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from jobs.context import Rules, Tools
from jobs.guard import Guard
from jobs.pipeline import SPECS
from jobs.retry import RetryIn, decide
from jobs.spending import Held, Spender
from jobs.telling import Teller
from jobs.transitions import still_wanted, together_in_hand
from reelqueue import failpoints
from reelqueue.errors import ReelqueueError, TransientError
from reelqueue.models.brief import Brief
from reelqueue.models.cost import FREE, Cost
from reelqueue.models.keys import piece_key
from reelqueue.models.language import detect_language
from reelqueue.models.project import Artifact, ProjectState, Usage
from reelqueue.models.stage import Stage
from reelqueue.providers.protocols import Choice, Providers
from reelqueue.wording import Text
from storage import Blobs, Debts, Lease, ProjectFiles

T = TypeVar("T")


async def _nobody_else() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Moment:
    """When a batch's calendar publishes the project; `at` is None where the calendar has no moment left."""

    at: datetime | None


async def _no_calendar() -> Moment | None:
    return None


def _nothing_billed(_made: object) -> tuple[Usage, ...]:
    return ()


LONGEST_PAUSE_INSIDE_S = 30.0
"""A longer pause that a service asks for is waited for outside, as soon as no other call of the stage goes on: the job
goes back to the queue and holds no place."""
IDLE_LOOK_S = 0.5
"""How often a call in a long pause looks whether others go on."""


class HandBack(TransientError):
    """A call has to be tried again after a pause that is too long to hold a place for."""

    def __init__(self, error: TransientError, seconds: float) -> None:
        super().__init__(error.text, error.hint_text)
        self.retry_after = seconds


class Postponed(ReelqueueError):
    """The stage goes on after `seconds`, from where it is, and this was no attempt: a service's list lags behind, say."""

    def __init__(self, message: Text, seconds: float) -> None:
        super().__init__(message, Text("會自動繼續", "it goes on by itself"))
        self.seconds = seconds


class Stopped(ReelqueueError):
    """Something else failed: nothing new is begun."""


@dataclass(frozen=True, slots=True)
class StageInputs:
    """What a stage's inputs are found from.  `language` is the narration's BCP 47 tag."""

    project: ProjectState
    files: ProjectFiles
    blobs: Blobs
    choice: Choice
    tools: Tools
    language: str

    @property
    def providers(self) -> Providers:
        """Who makes what.  Raises as `Choice.chosen`."""
        return self.choice.chosen(self.project.brief)

    @property
    def brief(self) -> Brief:
        """What the project is made from, its channel's wishes filled in.  Raises as `Choice.filled`."""
        return self.choice.filled(self.project.brief)

    def made(self, stage: Stage, place: int = 0) -> str | None:
        """The sha256 of what an earlier stage made; None where it was taken over from elsewhere without it."""
        made = self.project.stages[stage].artifacts
        return made[place].sha256 if place < len(made) else None


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What a stage's work made.

    `result` is what the job returns beside `status` and `project_id`; `artifacts` are at most three; `partial` where
    something was stood in for.
    """

    result: dict[str, Any]
    artifacts: tuple[Artifact, ...]
    partial: bool = False
    skipped: bool = False


def imported_fingerprint(project: ProjectState, stage: Stage) -> str:
    """The fingerprint of a result that came finished: no maker of ours made it, so none changes it; what it came with does."""
    came_with = [[artifact.sha256 for artifact in project.stages[need].artifacts] for need in (stage, *SPECS[stage].needs)]
    return piece_key({"imported": came_with})


async def _no_pieces(_given: StageInputs) -> Mapping[Artifact, Stage]:
    return {}


async def _nothing_more(_given: StageInputs) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class StageWork:
    """One stage.

    `inputs` gives all that the result hangs on, as JSON; its hash is the stage's fingerprint.  `work` makes the result.
    `recall` gives the part of a stored result that does not lie in the state.  `pieces` are the files that it works on beside the
    artifacts of earlier stages, each with the stage that made it: they are looked at before it begins.
    """

    inputs: Callable[[StageInputs], Awaitable[Mapping[str, Any]]]
    work: Callable[["StageRun"], Awaitable[StageOutcome]]
    recall: Callable[[StageInputs], Awaitable[dict[str, Any]]] = _nothing_more
    pieces: Callable[[StageInputs], Awaitable[Mapping[Artifact, Stage]]] = _no_pieces


@dataclass(slots=True)
class StageRun:
    """One attempt of one stage, as its work sees it.

    `others` counts the other projects that are not ended; `moment` books its moment of publication, where a calendar says one;
    `guard` looks for near-duplicates, None where nobody wants that; `sent` counts the calls that cost; `stopping` is set when a piece failed.
    """

    stage: Stage
    attempt: int
    language: str
    choice: Choice
    tools: Tools
    lease: Lease
    teller: Teller
    rules: Rules
    timeout_s: float
    warnings: list[str] = field(default_factory=list)
    made_a_piece: bool = False
    given_up: list[BaseException] = field(default_factory=list)
    calls: int = 0
    spender: Spender | None = None
    others: Callable[[], Awaitable[int]] = _nobody_else
    moment: Callable[[], Awaitable[Moment | None]] = _no_calendar
    debts: Debts | None = None
    guard: Guard | None = None
    sent: int = 0
    stopping: bool = False
    in_hand: "dict[asyncio.Task[Any] | None, str]" = field(default_factory=dict)
    deadline: asyncio.Timeout | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def project(self) -> ProjectState:
        """The newest state that is known here."""
        return self.lease.state

    @property
    def providers(self) -> Providers:
        """Who makes what.  Raises as `Choice.chosen`."""
        return self.choice.chosen(self.lease.state.brief)

    @property
    def brief(self) -> Brief:
        """What the project is made from, its channel's wishes filled in.  Raises as `Choice.filled`."""
        return self.choice.filled(self.lease.state.brief)

    @property
    def files(self) -> ProjectFiles:
        """The project's folder."""
        return self.lease.files

    @property
    def blobs(self) -> Blobs:
        """The project's files by key."""
        return self.lease.blobs

    @property
    def is_last(self) -> bool:
        """Whether the stage fails where this attempt does, even if only for a while."""
        return self.attempt > len(self.rules.retry_delays)

    async def commit(self, change: Callable[[ProjectState], ProjectState]) -> ProjectState:
        """Commit `change`, a pure function of the state, if the project is still ours and this attempt still wanted.

        Raises:
            Fenced, ProjectCancelled, DiskFull: nothing was written.
            StorageUnavailable: it may be there or not; no outside effect may follow.
        """
        return await self.lease.commit(lambda state: change(still_wanted(state, self.stage)))

    async def check(self) -> None:
        """Look once more, before a paid call or an outside effect.

        Raises:
            Fenced, ProjectCancelled: it must not happen.
            Stopped: another piece of the stage failed meanwhile.
        """
        if self.stopping:
            raise Stopped("stopped")
        await self.lease.check()
        still_wanted(self.lease.state, self.stage)

    async def hold(self, piece: str) -> None:
        """Name the piece in hand, before it is made; whatever else is being made in other tasks stays named beside it.

        Raises `Fenced` as `check`.
        """
        maker = asyncio.current_task()
        self.in_hand = {task: name for task, name in self.in_hand.items() if task is not maker and not (task and task.done())}
        self.in_hand[maker] = f"{self.stage}: {piece}"
        await self.lease.hold(together_in_hand(self.in_hand.values()))

    async def call(
        self,
        piece: str,
        make: Callable[[], Awaitable[T]],
        *,
        cost: Cost = FREE,
        turn: Callable[[], AbstractAsyncContextManager[object]] = contextlib.nullcontext,
        billed: Callable[[T], tuple[Usage, ...]] = _nothing_billed,
        held: Held | None = None,
    ) -> T:
        """One call of a service or a tool, retried after transient errors while others go on.

        What it may `cost` is reserved before each time that it is sent, and settled after it by what was `billed`; `turn` is
        waited for first, so that a call that is not ours to make any more is not made.  `held` is reserved already, for the
        first time that it is sent.

        Raises:
            whatever `make` raises and a retry does not mend; Fenced, ProjectCancelled, Stopped before it is sent.
            BudgetExhausted, QuotaExhausted: nothing was sent.
        """
        self.calls += 1
        try:
            kept = [held] if held is not None else []
            return await self._tried(piece, lambda: self._sent(make, cost, turn, billed, kept))
        finally:
            self.calls -= 1

    async def _sent(
        self,
        make: Callable[[], Awaitable[T]],
        cost: Cost,
        turn: Callable[[], AbstractAsyncContextManager[object]],
        billed: Callable[[T], tuple[Usage, ...]],
        kept: list[Held],
    ) -> T:
        if cost.is_free or self.spender is None:
            return await make()
        async with turn():
            held = kept.pop() if kept else await self.reserve(cost)
            if not self.spender.is_current(held):
                await self.spender.release(held)
                held = await self.reserve(cost)
            try:
                await self.check()
            except BaseException:  # also where we are told to end: nothing was sent
                await self.spender.release(held)
                raise
            await failpoints.reach("call.reserved")
            try:
                made = await make()
            except ReelqueueError as error:
                await self.spender.failed(held, error)
                raise
            await failpoints.reach("call.answered")
            await self.spender.settle(held, billed(made))
            return made

    async def reserve(self, cost: Cost) -> Held:
        """Reserve what a call may take, ahead of it.

        Raises:
            BudgetExhausted, QuotaExhausted: there is no room for it.
        """
        self.sent += 1
        key = f"{self.project.project_id}.{self.project.fence}.{self.stage}.{self.sent}"
        return Held(key) if self.spender is None else await self.spender.reserve(key, cost)

    async def release(self, held: Held) -> None:
        """A call that was reserved for is not made."""
        if self.spender is not None:
            await self.spender.release(held)

    async def _tried(self, piece: str, make: Callable[[], Awaitable[T]]) -> T:
        attempt = 0
        while True:
            try:
                return await make()
            except TransientError as error:
                attempt += 1
                decision = decide(error, attempt=attempt, delays=self.rules.retry_delays)
                if not isinstance(decision, RetryIn):
                    self.given_up.append(error)
                    raise
                await self.teller.retrying(piece, error, attempt, decision.seconds)
                await self._pause(error, decision.seconds)
                await self.check()

    async def _pause(self, error: TransientError, seconds: float) -> None:
        """Wait here, where the pause is short or other calls go on meanwhile; else outside."""
        ends = time.monotonic() + seconds
        self.calls -= 1
        try:
            while (left := ends - time.monotonic()) > LONGEST_PAUSE_INSIDE_S:
                await asyncio.sleep(IDLE_LOOK_S)
                if self.stopping:
                    raise Stopped("stopped") from error
                if not self.calls:
                    raise HandBack(error, left) from error
        finally:
            self.calls += 1
        await asyncio.sleep(left)

    async def tell(self, percent: float, message: Text) -> None:
        """Say how far the stage is, 0-100.  Never falls, never raises; at most twice a second but for 0 and 100."""
        await self.teller.tell(self.lease.state, percent, message)

    def warn(self, message: Text) -> None:
        """Something that a person should know of, kept with the stage's result."""
        if str(message) not in self.warnings:
            self.warnings.append(str(message))

    def progressed(self) -> None:
        """A new piece was made and kept: a time-out, or a long pause, after it costs no attempt."""
        self.made_a_piece = True

    def allow(self, seconds: float) -> None:
        """Raise this attempt's time-out to at least so many seconds from its start."""
        self.timeout_s = max(self.timeout_s, seconds)
        if self.deadline is not None and self.deadline.when() is not None:
            left = self.timeout_s - (time.monotonic() - self.began)
            self.deadline.reschedule(asyncio.get_running_loop().time() + max(0.0, left))

    async def read_session(self) -> str | None:
        """The upload session's secret; None where there is none."""
        return await self.lease.read_session()

    async def write_session(self, text: str) -> None:
        """Keep the upload session's secret, in a file of mode 0600.  Raises `Fenced`: nothing was written."""
        await self.lease.write_session(text)

    async def forget_session(self) -> None:
        """Remove the upload session's secret.  Raises `Fenced`: it is still there."""
        await self.lease.forget_session()


def narration_language(brief: Brief, default: str) -> str:
    """The BCP 47 tag of what is spoken: the brief's, else found from its text."""
    return brief.language or detect_language("\n".join(filter(None, (brief.topic, brief.content))), default)
