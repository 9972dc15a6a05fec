"""What stands around every page: how many projects need a person, how many failed, who works."""

import asyncio
import time
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from reelqueue.dashboard.board import Board
from reelqueue.dashboard.catalogue import Standing
from reelqueue.dashboard.overview.causes import count_needing
from reelqueue.errors import ReelqueueError
from reelqueue.models.stage import ProjectStatus

FRESH_SECONDS, ANSWER_SECONDS = 1.0, 0.5
"""How old the number of workers may be, and how long a page waits for what Redis knows of it."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Around:
    """Counts beside the entries of the rail; None is what cannot be known now."""

    needs_person: int | None = None
    failed: int | None = None
    workers: int | None = None


class Surroundings:
    """Counts projects as the lists do, and workers at most once a second, for all pages of this process."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._standing, self._needing = Standing(), 0
        self._workers: int | None = None
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

    async def now(self) -> Around:
        """What is known; never raises: a page is shown with what there is."""
        if time.monotonic() - self._looked > FRESH_SECONDS:
            async with self._looking:
                if time.monotonic() - self._looked > FRESH_SECONDS:  # nobody else looked while we waited
                    self._workers, self._looked = await self._count_workers(), time.monotonic()
        try:
            standing = await self._board.catalogue.standing()
        except ReelqueueError as error:
            log.warning("board_reads_no_projects", error=error.message)
            return Around(workers=self._workers)
        if standing is not self._standing:
            self._standing, self._needing = standing, count_needing(standing.all)
        return Around(self._needing, standing.counts[ProjectStatus.FAILED], self._workers)

    async def _count_workers(self) -> int | None:
        if not self._board.link.is_there:
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return len(await self._board.link.fleet.workers())
        except (RedisError, OSError, TimeoutError, ReelqueueError) as error:
            log.info("board_sees_no_workers", error=str(error))
            return None
