"""What stands around every page: how many projects need a person, how many failed, who works."""

import asyncio
import time
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from reelqueue.dashboard.board import Board
from reelqueue.dashboard.overview.causes import count_needing
from reelqueue.errors import ReelqueueError
from reelqueue.models.stage import ProjectStatus

FRESH_SECONDS, ANSWER_SECONDS = 1.0, 0.5
"""How old it may be, and how long a page waits for what Redis knows of it."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Around:
    """Counts beside the entries of the rail; None is what cannot be known now."""

    needs_person: int | None = None
    failed: int | None = None
    workers: int | None = None


class Surroundings:
    """Looks at most once a second, for all pages of this process."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._known, self._looked = Around(), float("-inf")
        self._looking = asyncio.Lock()

    async def now(self) -> Around:
        """What is known; never raises: a page is shown with what there is."""
        if time.monotonic() - self._looked > FRESH_SECONDS:
            async with self._looking:
                if time.monotonic() - self._looked > FRESH_SECONDS:  # nobody else looked while we waited
                    self._known, self._looked = await self._look(), time.monotonic()
        return self._known

    async def _look(self) -> Around:
        needing = failed = workers = None
        try:
            standing = await self._board.catalogue.standing()
            needing, failed = count_needing(standing.all), standing.counts[ProjectStatus.FAILED]
        except ReelqueueError as error:
            log.warning("board_reads_no_projects", error=error.message)
        if self._board.link.is_there:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    workers = len(await self._board.link.fleet.workers())
            except (RedisError, OSError, TimeoutError, ReelqueueError) as error:
                log.info("board_sees_no_workers", error=str(error))
        return Around(needing, failed, workers)
