"""Who works on what, and what lies in the queues: for whoever watches, by a few calls of Redis and never a scan."""

from arq.connections import ArqRedis

from jobs.pipeline import QUEUES
from reelqueue.models.fleet import ClockRun, QueuedJob, QueueStanding, WorkerBeat


class Fleet:
    """Workers and queues of one installation.  Raises RedisError or OSError where Redis does not answer."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def workers(self) -> list[WorkerBeat]:
        """Every worker that lives, by its queue and its name."""
        return []

    async def drain(self, name: str) -> WorkerBeat:
        """Let a worker take nothing more, and end when its jobs have ended.  A second time changes nothing.

        Raises:
            WorkerNotFound: none of this name lives.
        """
        raise NotImplementedError(name)

    async def queues(self) -> list[QueueStanding]:
        """How each queue stands, in the order of the pipeline."""
        return [QueueStanding(name=name) for name in QUEUES]

    async def contents(self, queue: str, *, limit: int = 100, after: int = 0) -> list[QueuedJob]:
        """What is in a queue in the order in which it begins, from the place behind `after` on.

        Raises:
            QueueNotFound: there is none of this name.
        """
        return []

    async def pause(self, queue: str) -> QueueStanding:
        """Let no job of the queue begin; what runs goes on.  A second time changes nothing.

        Raises:
            QueueNotFound: there is none of this name.
        """
        raise NotImplementedError(queue)

    async def resume(self, queue: str) -> QueueStanding:
        """Let a paused queue go on.  A second time changes nothing.

        Raises:
            QueueNotFound: there is none of this name.
        """
        raise NotImplementedError(queue)

    async def clock(self) -> list[ClockRun]:
        """The jobs of the clock: when they ran last, and run next."""
        return []
