"""The public door to live progress: `subscribe_progress`.

async for event in subscribe_progress(project_id):
    print(event.stage, event.progress, event.message)
"""

import contextlib
from collections.abc import AsyncIterator

from redis.asyncio import Redis

from progress.connection import open_redis
from progress.ending import StateOnDisk
from progress.events import ProgressEvent, Topic
from progress.publisher import Publisher
from progress.subscriber import Follower, parse_after
from reelqueue import embedded
from reelqueue.models.ids import parse_batch_id, parse_project_id
from reelqueue.settings import Settings, read_settings
from storage import BatchStore, Paths, ProjectStore

__all__ = ["ProgressEvent", "Publisher", "subscribe_progress"]


async def subscribe_progress(
    project_id: int | str | None = None,
    *,
    batch_id: int | str | None = None,
    after: int | str | None = None,
    settings: Settings | None = None,
) -> AsyncIterator[ProgressEvent]:
    """What happened to a project (or a batch), then what happens: each event once and in order.

    Ends after the last event of the latest run; while the project waits it stays open.  `after` is the last `seq` that
    is known already, or "epoch:seq".  Without `settings` the environment is read.

    Raises:
        ProjectNotFound, BatchNotFound: the id is unknown or malformed.
        InvalidSettings: a setting is wrong, or Redis refuses us.
        ValueError: `after` is no such thing, or both or neither of the ids were given.
    """
    project = None if project_id is None else parse_project_id(project_id)
    batch = None if batch_id is None else parse_batch_id(batch_id)
    topic = Topic(project_id=project, batch_id=batch)
    epoch, seq = parse_after(after)
    known = settings or read_settings()
    paths = Paths(known.data_dir)

    @contextlib.asynccontextmanager
    async def connect() -> AsyncIterator[Redis]:
        """Find the server anew each time: an embedded one may have moved."""
        async with open_redis(embedded.locate(known.configured_redis_url, paths.redis_dir)) as redis:
            yield redis

    truth = StateOnDisk(topic, ProjectStore.reader(paths), BatchStore.reader(paths))
    async for event in Follower(topic, connect, truth, epoch, seq).follow():
        yield event
