"""What may go: the pieces of videos that were published long ago, what killed writers left, the accounts of old days."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from jobs.context import Service, WorkerContext
from reelqueue import clock
from reelqueue.errors import Busy, NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus
from storage import ProjectFiles
from storage.ledger import pacific_day

STRAY_SECONDS = 3_600.0
"""A temporary file that nobody wrote to for so long, in a project that nobody has in hand, is a killed writer's."""

LEDGER_DAYS = 60
"""So long is known what was spent on a day; what a project took in all is kept for good."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Removed:
    """What went: files, and their bytes."""

    files: int = 0
    bytes: int = 0

    def add(self, other: "Removed") -> None:
        """Count another's, too."""
        self.files += other.files
        self.bytes += other.bytes


async def cleanup(ctx: WorkerContext) -> dict[str, Any]:
    """Remove intermediate pieces of projects that were published more than KEEP_DAYS ago, stray files, and old days' accounts.

    Reads: all projects.
    Writes: removes files below `audio/`, `images/`, `avatars/`, `segments/`; never the video, its script, its captions; the ledger's
        days of more than 60 days ago.
    Costs: nothing.
    Repeats: harmless.
    """
    service, total, projects = ctx["service"], Removed(), list[dict[str, Any]]()
    for number in await service.projects.ids(newest_first=False):
        try:
            removed = await _clean(service, number)
        except (ProjectNotFound, NeedsPerson, Busy, StorageUnavailable) as skipped:
            log.debug("not_cleaned", project_id=number, error=skipped.message)
            continue
        if removed.files:
            projects.append({"project_id": number, "files": removed.files, "bytes": removed.bytes})
            total.add(removed)
    days = await _forget_old_days(service)
    log.info("cleaned", files=total.files, bytes=total.bytes, days=days)
    return {"status": "success", "files": total.files, "bytes": total.bytes, "projects": projects, "ledger_days": days}


async def _forget_old_days(service: Service) -> list[str]:
    try:
        return await service.ledger.forget_before(pacific_day(clock.now()) - timedelta(days=LEDGER_DAYS))
    except StorageUnavailable as error:
        log.warning("days_not_forgotten", error=error.message)
        return []


async def _clean(service: Service, number: int) -> Removed:
    state = await service.projects.load(number)
    files = service.paths.project(number)
    old = is_long_published(state, service.rules.keep_days, clock.now())
    if not await asyncio.to_thread(lambda: any(_removable(files, pieces_too=old))):
        return Removed()
    async with await service.projects.take_over(number):  # nobody else writes here now
        return await asyncio.to_thread(_remove, files, pieces_too=old)


def is_long_published(state: ProjectState, keep_days: int, now: datetime) -> bool:
    """Whether the project is completed, published, and untouched for `keep_days`."""
    if state.status is not ProjectStatus.COMPLETED or state.upload is None or state.upload.video_id is None:
        return False
    ended = [known.finished_at for known in state.stages.values() if known.finished_at is not None]
    return bool(ended) and max(ended) < now - timedelta(days=keep_days)


def _removable(files: ProjectFiles, *, pieces_too: bool) -> Iterator[Path]:
    oldest = time.time() - STRAY_SECONDS
    pieces = {files.audio, files.images, files.avatars, files.segments} if pieces_too else set()
    for path in files.root.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        stray = path.suffix == ".part" and path.stat().st_mtime < oldest
        if stray or path.parent in pieces:
            yield path


def _remove(files: ProjectFiles, *, pieces_too: bool) -> Removed:
    removed = Removed()
    for path in list(_removable(files, pieces_too=pieces_too)):
        size = path.stat().st_size
        path.unlink(missing_ok=True)
        removed.add(Removed(1, size))
    return removed
