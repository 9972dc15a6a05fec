"""What was counted, read: by the minute from Redis for a week, and from its copy on disk where Redis lost its memory."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from arq.connections import ArqRedis

from reelqueue.models.numbers import Duration, HeatCell, Point, QueuePoint, RunRecord, StageNumbers
from reelqueue.models.stage import Stage


class Numbers:
    """The history of one installation; `redis` None reads the disk alone.  Never raises for a Redis that is away: it reads the disk.

    A span ends now.  Steps begin at whole multiples of their length.
    """

    def __init__(self, folder: Path, redis: ArqRedis | None = None) -> None:
        self._folder, self._redis = folder, redis

    async def stages(self, span: timedelta, step: timedelta) -> list[StageNumbers]:
        """Each stage over the span, its trend by `step`."""
        return [StageNumbers(stage=stage) for stage in Stage]

    async def published(self, span: timedelta, step: timedelta) -> list[Point]:
        """Videos that were finished and uploaded, by step."""
        return []

    async def to_publish(self, span: timedelta, step: timedelta) -> Duration:
        """From the start of a project to its publication."""
        return Duration()

    async def queue(self, name: str, span: timedelta, step: timedelta) -> list[QueuePoint]:
        """How a queue stood, by step."""
        return []

    async def heat(self, span: timedelta) -> list[HeatCell]:
        """Work by stage and hour."""
        return []

    async def recent(self, limit: int = 100) -> list[RunRecord]:
        """The attempts that ended last, the newest first."""
        return []

    async def totals(self) -> Mapping[str, float]:
        """Counters since ever, by their names and labels as `jobs.tally` writes them; they only grow."""
        return {}

    async def since(self) -> datetime | None:
        """When the first number was counted; None where there is none."""
        return None
