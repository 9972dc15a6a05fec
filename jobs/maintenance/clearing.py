"""Makes room in `DATA_DIR`: looks at all projects and takes what may go, by age, by reference, and by how full the disk is.

A project whose files go is in hand meanwhile, and judged anew once it is.  What is done stays done: who is ended on the way
is followed by the next run, which finds less.  A dry run looks the same way and touches nothing.
"""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from jobs.maintenance.removable import Removable, has_any, is_long_published, is_published, removable
from reelqueue import clock, failpoints
from reelqueue.errors import BatchNotFound, Busy, DiskFull, NeedsPerson, ProjectNotFound, ReelqueueError, StorageUnavailable
from reelqueue.models.batch import BatchState
from reelqueue.models.project import ProjectState
from storage import BatchStore, Lease, Ledger, Paths, ProjectStore
from storage.installation import sweep, sweepings
from storage.ledger import pacific_day

LEDGER_DAYS = 60
"""So long is known what was spent on a day; what a project took in all is kept for good."""
AT_ONCE = 200
"""Projects that are looked at in one step."""
MOST_LISTED = 1_000
"""Projects that the answer names; of all of them it has the sums."""
NOT_NOW = (ProjectNotFound, NeedsPerson, Busy, StorageUnavailable, DiskFull)

log = structlog.get_logger(__name__)


def free_bytes(folder: Path) -> int:
    """What the disk of a folder has left for us."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Ground:
    """Where room is made, and by which rules: pieces stay for `keep_days`, or until less than `low_water_bytes` are free."""

    projects: ProjectStore
    batches: BatchStore
    ledger: Ledger
    keep_days: int
    low_water_bytes: int
    free: Callable[[Path], int] = free_bytes

    @property
    def paths(self) -> Paths:
        """The layout below `DATA_DIR`."""
        return self.projects.paths


@dataclass(slots=True)
class Cleared:
    """What went, or would go.  `left` counts projects that there was no time for; `free_bytes` is what the disk has afterwards."""

    dry_run: bool
    low_water_bytes: int
    free_bytes: int
    files: int = 0
    bytes: int = 0
    projects: list[dict[str, Any]] = field(default_factory=list)
    cleaned: int = 0
    batches: list[int] = field(default_factory=list)
    trash_bytes: int = 0
    ledger_days: list[str] = field(default_factory=list)
    left: int = 0

    @property
    def is_low(self) -> bool:
        """Whether the disk is below its mark."""
        return self.free_bytes < self.low_water_bytes

    def add(self, number: int, gone: Sequence[Removable]) -> None:
        """Count what one project gave."""
        if not gone:
            return
        size, why = sum(one.bytes for one in gone), Counter[str]()
        for one in gone:
            why[str(one.why)] += one.bytes
        self.files, self.bytes, self.cleaned = self.files + len(gone), self.bytes + size, self.cleaned + 1
        if len(self.projects) < MOST_LISTED:
            self.projects.append({"project_id": number, "files": len(gone), "bytes": size, "why": dict(why)})


@dataclass(slots=True)
class Clearing:
    """One run.  `ends` is when it has to be over, by the monotonic clock."""

    ground: Ground
    told: Cleared
    ends: float
    spare: list[tuple[datetime, int]] = field(default_factory=list)

    async def all(self) -> None:
        """Old and stray things first; then, while the disk is low, the pieces of what was published, the oldest first."""
        numbers = list(await self.ground.projects.ids(newest_first=False))
        for place in range(0, len(numbers), AT_ONCE):
            if time.monotonic() > self.ends:
                self.told.left = len(numbers) - place
                break
            for number in await self._worth_a_look(numbers[place : place + AT_ONCE]):
                await self._tried(number, self._usual)
        for _, number in sorted(self.spare):
            if not self.told.is_low or time.monotonic() > self.ends:
                break
            await self._tried(number, lambda state: self._goes(state, pieces_too=True))

    async def _worth_a_look(self, numbers: Sequence[int]) -> Iterable[int]:
        """Those that hold something that may go."""
        outlines, paths = await self.ground.projects.outlines(numbers), self.ground.paths
        ended = {number: known.status.is_final for number, known in outlines.items() if known is not None}

        def look() -> list[int]:
            return [number for number, has_ended in ended.items() if has_any(paths.project(number), ended=has_ended)]

        return await asyncio.to_thread(look)

    def _usual(self, state: ProjectState) -> list[Removable]:
        old = is_long_published(state, self.ground.keep_days, clock.now())
        if is_published(state) and not old:
            self.spare.append((state.updated_at, state.project_id))
        return self._goes(state, pieces_too=old)

    def _goes(self, state: ProjectState, *, pieces_too: bool) -> list[Removable]:
        before = clock.now() - timedelta(days=self.ground.keep_days)
        return removable(state, self.ground.paths.project(state.project_id), pieces_too=pieces_too, unnamed_before=before)

    async def _tried(self, number: int, goes: Callable[[ProjectState], list[Removable]]) -> None:
        """Clean one project; one that can't be now is left for the next run."""
        try:
            gone = await self._cleaned(number, goes)
        except NOT_NOW as error:
            log.debug("not_cleaned", project_id=number, error=error.message)
            return
        self.told.add(number, gone)
        if self.told.dry_run:
            self.told.free_bytes += sum(one.bytes for one in gone)
        elif gone:
            self.told.free_bytes = await asyncio.to_thread(self.ground.free, self.ground.paths.root)

    async def _cleaned(self, number: int, goes: Callable[[ProjectState], list[Removable]]) -> list[Removable]:
        state = await self.ground.projects.load(number)
        found = await asyncio.to_thread(goes, state)
        if not found or self.told.dry_run:
            return found
        async with await self._in_hand(number) as lease:
            await lease.check()
            if lease.state.revision != state.revision:  # retried since: judged anew
                found = await asyncio.to_thread(goes, lease.state)
            return await asyncio.to_thread(_removed, found)

    async def _in_hand(self, number: int) -> Lease:
        """Nobody else writes there now.  Nothing is committed: on a full disk there may be no space to."""
        try:
            return await self.ground.projects.take_over(number, fence_later=True)
        except DiskFull:  # the reserve was given up: it is for this
            return await self.ground.projects.take_over(number, fence_later=True)


async def clear(ground: Ground, *, dry_run: bool = False, seconds: float) -> Cleared:
    """Make room, for about so many seconds at most.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    paths = ground.paths
    told = Cleared(dry_run, ground.low_water_bytes, await asyncio.to_thread(ground.free, paths.root))
    told.trash_bytes = await asyncio.to_thread(sweepings if dry_run else sweep, paths)
    await Clearing(ground, told, time.monotonic() + seconds).all()
    for number in await ground.batches.ids(newest_first=False):
        if await _is_forgotten(ground, number) and (dry_run or await _batch_deleted(ground, number)):
            told.batches.append(number)
    told.ledger_days = await _forget_old_days(ground.ledger, dry_run=dry_run)
    if not dry_run:
        told.free_bytes = await asyncio.to_thread(ground.free, paths.root)
    return told


async def _is_forgotten(ground: Ground, number: int) -> bool:
    """Whether a batch ended long ago, and every project of it was deleted."""
    try:
        state = await ground.batches.load(number)
    except (BatchNotFound, NeedsPerson, StorageUnavailable):
        return False
    if not state.has_ended or _ended_at(state) > clock.now() - timedelta(days=ground.keep_days):
        return False
    return await asyncio.to_thread(lambda: not any(ground.paths.project(one).root.exists() for one in state.project_ids))


def _ended_at(state: BatchState) -> datetime:
    return state.ended_at or state.updated_at


async def _batch_deleted(ground: Ground, number: int) -> bool:
    try:
        await ground.batches.delete(number)
    except ReelqueueError as error:
        log.warning("batch_not_deleted", batch_id=number, error=error.message)
        return False
    return True


async def _forget_old_days(ledger: Ledger, *, dry_run: bool) -> list[str]:
    try:
        return await ledger.forget_before(pacific_day(clock.now()) - timedelta(days=LEDGER_DAYS), dry_run=dry_run)
    except StorageUnavailable as error:
        log.warning("days_not_forgotten", error=error.message)
        return []


def _removed(found: Sequence[Removable]) -> list[Removable]:
    for one in found:
        one.path.unlink(missing_ok=True)
        failpoints.hit("cleanup.removed")
    return list(found)
