"""Protections taken out, one at a time: a machine that does not notice says nothing when it is content."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from jobs.spending import Held, Spender
from jobs.stages import StageRun
from jobs.video import images, presenters, script, speech, upload
from reelqueue import clock
from reelqueue.errors import Fenced, ProjectCancelled
from storage import disk, states
from storage.birth import Nursery
from storage.blobs import Blobs
from storage.lease import Lease, StateLease
from storage.projects import ProjectStore
from storage.sessions import write_secret

Mutant = Callable[[pytest.MonkeyPatch], None]


def no_fence(patched: pytest.MonkeyPatch) -> None:
    """A commit asks for no fence and no owner."""
    patched.setattr(StateLease, "_permit", lambda _self, _state: None)


def no_fence_at_first(patched: pytest.MonkeyPatch) -> None:
    """A lease's first commit asks for no fence, and whether it changes what it has seen."""
    real, commit = StateLease._permit, states.States.commit

    def permit(self: Any, state: Any) -> None:
        if self._stamp is None:
            real(self, state)

    async def lax(self: Any, *args: Any, only_known: bool = False, **named: Any) -> Any:
        return await commit(self, *args, **named)

    patched.setattr(StateLease, "_permit", permit)
    patched.setattr(states.States, "commit", lax)


def no_compare(patched: pytest.MonkeyPatch) -> None:
    """A document is written over whatever is there."""
    patched.setattr(disk, "version_of", lambda _body: "same")


def no_guard_of_sessions(patched: pytest.MonkeyPatch) -> None:
    """A session's secret is kept over a successor's."""

    async def write(self: Lease, text: str) -> None:
        await write_secret(self.files.session, text)

    patched.setattr(Lease, "write_session", write)


def no_guard_of_files(patched: pytest.MonkeyPatch) -> None:
    """A late owner's files take the place of its successor's."""
    real = Blobs.__init__

    def unguarded(self: Blobs, root: Any, *, fence: int = 0, guard: Any = None) -> None:
        real(self, root, fence=fence)

    patched.setattr(Blobs, "__init__", unguarded)


def no_marker(patched: pytest.MonkeyPatch) -> None:
    """A project is made before its marker."""
    patched.setattr(Nursery, "mark", lambda _self, _number: None)


def no_marker_again(patched: pytest.MonkeyPatch) -> None:
    """A project that had ended goes on without a new marker."""
    patched.setattr(ProjectStore, "_mark_unfinished", lambda _self, _state: None)


def no_tombstone(patched: pytest.MonkeyPatch) -> None:
    """A deleted id may be anybody's."""

    def bury(self: Nursery, number: int) -> Any:
        aside = self.folders.parent / "trash" / f"{number}.gone"
        (self.folders / str(number)).replace(aside)
        return aside

    patched.setattr(Nursery, "bury", bury)


def no_keeping(patched: pytest.MonkeyPatch) -> None:
    """A reply is used, and not kept first."""

    async def made(_run: Any, _model: Any, _name: str, *, holds: Any, make: Any) -> Any:
        return await make()

    for module in (script, speech, images, presenters):
        patched.setattr(module, "kept_or_made", made)


def no_reservation(patched: pytest.MonkeyPatch) -> None:
    """A call is made, and counted afterwards."""

    async def counted(self: Spender, held: Held, bucket: Any, amount: Any, cap: Any, *, spare: bool = False) -> bool:
        return True

    patched.setattr(Spender, "_counted", counted)


def no_look_for_cancels(patched: pytest.MonkeyPatch) -> None:
    """The look before a call is one for the fence alone."""
    real = StageRun.check

    async def check(self: StageRun) -> None:
        try:
            await real(self)
        except ProjectCancelled:
            pass
        except Fenced:
            if self.lease.lost.is_set():
                raise

    patched.setattr(StageRun, "check", check)


def no_looking_for_the_video(patched: pytest.MonkeyPatch) -> None:
    """Where a session is gone another is opened."""

    async def found(_run: Any, _publication: Any) -> None:
        return None

    patched.setattr(upload, "_found", found)


def no_waiting_for_the_list(patched: pytest.MonkeyPatch) -> None:
    """A channel's list is believed at the first look."""

    async def later(_run: Any, _listed_within_s: float) -> None:
        pass

    patched.setattr(upload, "_look_again_later", later)


def no_clock_of_the_machine(patched: pytest.MonkeyPatch) -> None:
    """How long the list was looked at is told by the wall clock."""

    def looked_for(steps: Any) -> float | None:
        since = steps.get("looking")
        return None if since is None else max(0.0, (clock.now() - datetime.fromisoformat(since)).total_seconds())

    patched.setattr(upload, "_looked_for", looked_for)
