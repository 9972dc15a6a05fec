"""The supervisor, over real stock arq workers on a real server: restarted when they die, none left behind."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis

from reelqueue import embedded
from reelqueue.errors import InstallationError
from reelqueue.supervisor import Supervisor, workers

SETTINGS = """
import os
from arq.connections import RedisSettings

async def started(ctx):
    await ctx["redis"].rpush("started", os.getpid())

async def nothing(ctx):
    pass

class VideoWorker:
    functions = [nothing]
    queue_name = "video_generation"
    redis_settings = RedisSettings.from_dsn(os.environ["REELQUEUE_REDIS_URL"])
    on_startup = started

class MaintenanceWorker(VideoWorker):
    functions = [nothing]
    queue_name = "maintenance"
    redis_settings = VideoWorker.redis_settings
    on_startup = started
"""
BROKEN = "raise SystemExit('this Redis belongs to another installation')"


@pytest.fixture
async def url(tmp_path) -> AsyncIterator[str]:
    async with embedded.server(tmp_path / "redis") as found:
        yield found


@pytest.fixture
async def redis(url) -> AsyncIterator[Redis]:
    async with Redis.from_url(url, decode_responses=True) as client:
        yield client


def supervisor(tmp_path: Path, url: str, *kinds: str) -> Supervisor:
    env = os.environ | {"REELQUEUE_REDIS_URL": url, "PYTHONPATH": str(tmp_path)}
    return Supervisor(kinds, env, tmp_path, tmp_path / "workers.log", grace_s=3)


async def wait_until(happened: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def next_worker(redis: Redis) -> int:
    return int((await redis.blpop(["started"], timeout=15))[1])


async def test_the_workers_run_beside_the_caller_and_are_gone_after(tmp_path, url, redis):
    (tmp_path / "worker_settings.py").write_text(SETTINGS)
    async with workers(supervisor(tmp_path, url, "video", "maintenance")):
        pids = {await next_worker(redis), await next_worker(redis)}

        assert all(psutil.pid_exists(pid) for pid in pids)
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_a_killed_worker_is_started_again(tmp_path, url, redis):
    (tmp_path / "worker_settings.py").write_text(SETTINGS)
    async with workers(supervisor(tmp_path, url, "video")):
        first = await next_worker(redis)
        os.kill(first, signal.SIGKILL)

        assert await next_worker(redis) != first


async def test_a_worker_that_does_not_start_is_named_with_its_last_words(tmp_path, url, monkeypatch):
    (tmp_path / "worker_settings.py").write_text(BROKEN)
    monkeypatch.setattr("reelqueue.supervisor.RESTART_SECONDS", 0.0)
    async with workers(supervisor(tmp_path, url, "video")) as crew:
        with pytest.raises(InstallationError, match="belongs to another installation"):
            await asyncio.wait_for(crew, 30)


async def test_a_strangers_package_in_the_folder_is_not_loaded(tmp_path, url, redis):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "worker_settings.py").write_text(SETTINGS)
    (tmp_path / "worker_settings.py").write_text(BROKEN)
    env = os.environ | {"REELQUEUE_REDIS_URL": url, "PYTHONPATH": str(tmp_path / "ours")}
    async with workers(Supervisor(("video",), env, tmp_path, tmp_path / "workers.log")):
        assert await next_worker(redis)


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
async def test_a_killed_supervisor_leaves_no_orphan(tmp_path, url, redis):
    (tmp_path / "worker_settings.py").write_text(SETTINGS)
    script = (
        "import asyncio, os; from pathlib import Path; from reelqueue.supervisor import Supervisor;"
        "asyncio.run(Supervisor(('video',), os.environ, Path.cwd()).run())"
    )
    env = os.environ | {"REELQUEUE_REDIS_URL": url, "PYTHONPATH": str(tmp_path)}
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env=env, cwd=tmp_path, stderr=asyncio.subprocess.DEVNULL
    )
    worker = await next_worker(redis)
    parent.kill()
    await parent.wait()

    await wait_until(lambda: not psutil.pid_exists(worker) or psutil.Process(worker).status() == "zombie", "the worker dies too")
