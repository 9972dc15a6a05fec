"""The Redis that a command works with: the configured one where it answers, else the embedded one."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from pydantic import SecretStr

from reelqueue import embedded
from reelqueue.ahead.answering import DEFAULT_URL, answers
from reelqueue.bootstrap import Settings, redacted
from reelqueue.cli.console import note
from reelqueue.wording import Text, spoken
from storage import Paths, open_installation


@contextlib.asynccontextmanager
async def redis_server(settings: Settings) -> AsyncIterator[Settings]:
    """Settings that name a live server: the configured one, this folder's, one on localhost, or one started now.

    Raises:
        InstallationError: DATA_DIR can't be used, the server refuses us, or none can be started.
    """
    paths = Paths(settings.data_dir)
    await asyncio.to_thread(open_installation, paths, allow_network_fs=settings.allow_network_fs)
    folder = paths.redis_dir
    configured = settings.configured_redis_url
    url = configured or (None if embedded.find(folder) else DEFAULT_URL)
    if url is not None and await answers(url, setting=settings.redis_setting):
        yield with_redis(settings, url)
        return
    if configured is not None:
        note(
            Text(
                f"{redacted(configured)} 沒有回應，改用內建的 Redis",
                f"{redacted(configured)} does not answer: using the embedded Redis",
            )
        )
    async with embedded.server(folder) as own:
        yield with_redis(settings, own)


def with_redis(settings: Settings, url: str) -> Settings:
    """The settings with this server named, and DATA_DIR absolute."""
    return settings.model_copy(update={"redis_url": SecretStr(url), "data_dir": Paths(settings.data_dir).root})


def worker_environment(settings: Settings) -> dict[str, str]:
    """Our environment for a worker below us: the same server, the same folder, the same language."""
    return os.environ | {
        "REELQUEUE_REDIS_URL": settings.configured_redis_url or DEFAULT_URL,
        "REELQUEUE_DATA_DIR": str(settings.data_dir),
        "REELQUEUE_LANGUAGE": spoken(),
    }


def log_file(settings: Settings, name: str) -> Path:
    """A file for the workers' lines, below DATA_DIR; begun anew at 10 MB."""
    folder = settings.data_dir / "logs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{name}.log"
    if file.exists() and file.stat().st_size > 10_000_000:
        file.replace(file.with_suffix(".log.1"))
    file.touch(mode=0o600)
    return file
