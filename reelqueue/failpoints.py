"""Named places where a process can be told to die, to fail or to hang: what happens there is then seen by tests, and not guessed.

There is one at each commit and at each effect outside, before it or right after it.  `REELQUEUE_FAILPOINT=upload.opened:kill`
arms one for a process, which reads that once, at its start:

    kill     the process kills itself, as the kernel's out-of-memory killer would
    raise    `Failed` is raised: a bug.  The runner fails the stage by it, as by any exception that it does not know, and
             `reelqueue retry` mends it; outside of a stage it is met as a bug is met there
    hang     whoever came there never goes on: a thread is blocked, a coroutine waits until it is cancelled

`name:mode@3` means the third time; several are separated by commas.  Each happens once in the life of a process.  The children of a
process (FFmpeg, Python) inherit none.  Where nothing is armed a point costs one comparison.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Generator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import structlog

Mode = Literal["kill", "raise", "hang"]
MODES: tuple[Mode, ...] = get_args(Mode)

POINTS: Mapping[str, str] = {
    # A project or a batch comes to be, and goes.
    "create.named": "its idempotency key names an id; nobody has that id yet",
    "create.prepared": "its folder lies aside, whole; no marker tells of it yet",
    "create.marked": "the marker open/<id> is there; the folder is not",
    "create.placed": "the folder has its id; who asked has no answer",
    "create.many-named": "the keys of many name their ids; nothing else is there",
    "create.many-marked": "the markers of many are there; no folder is",
    "create.many-begun": "the first of many folders has its id, the next have not",
    "delete.entombed": "the id is taken for ever; the folder is still in its place",
    "delete.moved": "the folder lies in the trash; its marker is still there",
    "delete.unmarked": "nothing is left of it but the folder in the trash",
    # Documents: states, accounts, calendars.
    "document.checked": "the version holds and the marker is there; nothing is written",
    "document.replaced": "the new body is in its place, under the lock",
    "file.written": "a new file is whole, under a temporary name",
    "file.placed": "the file has its name, which is not durable yet",
    "state.committing": "a change was made to a state in memory",
    "state.committed": "the state is on disk; who changed it does not know",
    "state.aside": "a state that can't be read lies aside, too; the one before it is not in its place yet",
    # A project in hand.
    "lease.claimed": "the record of the lease names us; the state's fence is the old one",
    "lease.fenced": "the state bears our fence and our first commit",
    "lease.renewing": "the record is ours; it does not say yet that we live",
    "lease.held": "the record of the lease names the piece that is about to be made",
    "lease.rested": "what is to be told of its rest is kept; its marker is still there",
    "lease.unmarked": "the marker of an ended project is gone; we hold it still",
    "lease.released": "the record of the lease is gone",
    # Files and accounts.
    "blob.allowed": "the project is ours; the file has no name yet",
    "blob.placed": "the file has its name; nobody has its hash",
    "ledger.reserved": "the account counts the call; who makes it does not know",
    "ledger.settled": "the account knows what the call took",
    "calendar.booked": "the calendar has the moment; the project's state has not",
    "history.noted": "the channel's history knows the video",
    "debt.marked": "owed/<id> is there; the state does not say so",
    "debt.cleared": "owed/<id> is gone",
    # A stage.
    "stage.begun": "the state says that the stage runs; nothing of it is made",
    "call.reserved": "the ledger counts a call that costs; it is not sent",
    "call.answered": "a call that costs was answered; the answer is nowhere but in memory, and not settled",
    "piece.made": "a piece is made and paid for; its record is not written",
    "piece.kept": "the record of a piece is written",
    "presenter.begun": "a service works on a clip; its job's id is nowhere but in memory",
    "presenter.kept": "the id of the service's job is kept; nobody asked how far it is",
    "stage.made": "all that the stage makes is there; the state does not say so",
    "stage.done": "the state says that the stage is done; nobody was told, no job for the next one is queued",
    "stage.ended": "the state says what an error means for the project; nobody was told",
    "stage.handed-back": "we are told to end, and the state says that the stage runs no more",
    "hint.due": "the state on disk asks for a job; the queue has none",
    "hint.queued": "the job is queued; who queued it does not know",
    "hint.renewed": "jobs that were lost are queued again",
    # An upload, from U0 to U6.
    "upload.marked": "U0: the state has the marker that the video will bear; nothing is sent",
    "upload.opened": "U1: the service has opened a session; its address is nowhere but in memory",
    "upload.kept": "U1: the session's address is kept; the state does not count the session",
    "upload.counted": "U1: the state counts the session; no byte is sent",
    "upload.chunk": "U2: the service has a chunk more",
    "upload.sent": "U3: the service has the last byte and has named the video; the state does not know it",
    "upload.known": "U3: the state has the video's id",
    "upload.gone": "U4: the session is gone and has made no video; its address is still kept",
    "upload.forgotten": "U4: the address of a session that is gone is forgotten; no other is open",
    "upload.step": "U5, U6: the service has carried out a step; the state does not know it",
    "upload.unseen": "U6: everything is up; the video is not seen yet",
    "upload.seen": "U6: the video is seen; the state does not know it",
    # What a person asks.
    "edit.written": "the new script lies under its own name; the state names the old one",
    "edit.committed": "the state names the new script; its copy for people is the old one",
    "cancel.committed": "the state says cancelled; nobody was told",
    "cancel.told": "it was told that the project is cancelled; its marker is still there",
    "delete.taken-down": "the video is off its channel; its project is still there",
    # A batch.
    "batch.made": "the batch is there; its projects are not",
    "batch.filled": "its projects are there; the batch does not list them",
    "batch.begun": "some of its projects were started; the batch does not know",
    "batch.results": "what its projects came to is written; the batch has not ended",
    "batch.looked": "the batch knows what a look at it found; nobody was told",
    "batch.asked": "the batch knows what a person asked for; nothing of it is done",
    "batch.acted": "it is done to all of its projects; the batch does not know",
    # What is told.
    "progress.telling": "an event is about to be kept and sent",
    "progress.told": "an event is kept and sent",
    "outbox.kept": "an event for a webhook is kept; the marker of its project is still there",
    "webhook.sending": "an event is about to be sent to a webhook",
    "webhook.answered": "a webhook answered; the outbox does not know",
    "outbox.moved": "an event lies where it belongs now, and where it lay before as well",
    "notice.kept": "a notice for people is kept; that its first project waits so is not",
    "notice.told": "people were told; the notice does not know",
    # A worker, and what it does beside.
    "job.taken": "a worker has claimed a job",
    "job.over": "a job came to its end, or has to wait; Redis does not know",
    "job.finished": "the result of a job is in Redis",
    "job.handed-back": "a job is back in the queue",
    "recover.freed": "the jobs of dead workers are free; lost ones are not queued again yet",
    "quota.reconciled": "the ledger was held against the service's own count; nobody who waits was woken",
    "captions.sent": "the service has captions that were owed; the state does not know",
    "captions.known": "the state says that no captions are owed; owed/<id> is still there",
    "cleanup.removed": "one of the files that may go is gone",
}
"""Each point, and what has just happened there, or is about to."""

log = structlog.get_logger(__name__)


class Failed(Exception):
    """A point was armed to raise this."""


@dataclass(slots=True)
class _Armed:
    """What happens at a point, and how often it is still passed before."""

    mode: Mode
    left: int


_armed: dict[str, _Armed] | None = None
_said: str | None = None
_turn = threading.Lock()


def parse(said: str) -> dict[str, tuple[Mode, int]]:
    """Modes, and at which time, by point.

    Raises:
        ValueError: there is no such point or mode, or one point stands there twice.
    """
    found: dict[str, tuple[Mode, int]] = {}
    for one in said.split(","):
        name, _, rest = one.strip().partition(":")
        mode, at, time = rest.partition("@")
        if name not in POINTS or name in found or mode not in MODES or (at and not (time.isdecimal() and int(time))):
            raise ValueError(one)
        found[name] = (mode, int(time or 1))
    return found


def arm(said: str | None) -> None:
    """Arm what `said` names, in this process; the first one that is said stays.

    Raises:
        ValueError: as `parse`.
    """
    global _armed, _said  # noqa: PLW0603 - one process, one set of points
    if said is None or _said is not None:
        return
    _armed = {name: _Armed(mode, time) for name, (mode, time) in parse(said).items()}
    _said = said


def disarm() -> None:
    """As if nothing had been armed; for tests within one process."""
    global _armed, _said  # noqa: PLW0603 - as above
    _armed = _said = None


def hit(name: str) -> None:
    """Pass a point, in a thread.

    Raises:
        Failed: it is armed so.
    """
    if _armed is None:
        return
    if _now(name) == "hang":
        threading.Event().wait()


def reach(name: str) -> Awaitable[None]:
    """Pass a point, in a coroutine: to be awaited at once.

    Raises:
        Failed: it is armed so.
    """
    if _armed is None:
        return _NOTHING
    return _hanging() if _now(name) == "hang" else _NOTHING


class _Nothing:
    """Awaited, it is over: no task is switched, and nothing is made for it."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_NOTHING = _Nothing()


async def _hanging() -> None:
    await asyncio.Event().wait()


def _now(name: str) -> Mode | None:
    """What happens at the point now; of the three only a hang is left to the caller."""
    with _turn:
        one = _armed.get(name) if _armed is not None else None
        if _armed is None or one is None:
            return None
        one.left -= 1
        if one.left:
            return None
        del _armed[name]
    log.warning("failpoint", point=name, mode=one.mode, meaning=POINTS[name])
    if one.mode == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if one.mode == "raise":
        raise Failed(name)
    return one.mode
