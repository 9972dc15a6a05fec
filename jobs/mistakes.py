"""What an exception at the start of a worker means to the person who started it."""

from redis.exceptions import RedisError

from jobs.client import no_redis
from reelqueue.errors import InstallationError, ReelqueueError
from reelqueue.wording import Text


def mistaken(error: BaseException, url: str, setting: str = "") -> ReelqueueError | None:
    """What a user can mend, said so; None where it is a bug.  `url` is the Redis that the settings name, `setting` which does."""
    if isinstance(error, RedisError | ConnectionError | TimeoutError):
        return no_redis(error, url, setting)
    if isinstance(error, ImportError) and isinstance(
        error.__cause__, AttributeError
    ):  # arq's `import_string` found no such class
        return InstallationError(
            Text(f"沒有這個 worker：{error}", f"there is no such worker: {error}"),
            Text(
                "可用的是 worker_settings.VideoWorker、BatchWorker 與 MaintenanceWorker",
                "there are worker_settings.VideoWorker, BatchWorker and MaintenanceWorker",
            ),
        )
    return None
