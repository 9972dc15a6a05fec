"""Real servers and folders for every test: nothing here is a mock."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from reelqueue import embedded
from reelqueue.settings import Settings
from reelqueue.wording import speak


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server or folder of the developer's reaches a test."""
    for name in ("REDIS_URL", "REDIS_HOST", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"REELQUEUE_{name}", raising=False)


@pytest.fixture(autouse=True)
def _the_language_is_the_default_again() -> Iterator[None]:
    """What a test made the process speak is not what the next one hears."""
    speak("zh-TW")
    yield
    speak("zh-TW")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One real server for the whole session, on a unix socket."""
    folder = tmp_path_factory.mktemp("session-redis")
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        url = runner.run(stack.enter_async_context(embedded.server(folder)))
        yield url
        runner.run(stack.aclose())


@pytest.fixture
async def redis_server(redis_url: str) -> AsyncIterator[str]:
    """The server's URL, emptied before the test."""
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    yield redis_url


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A DATA_DIR of the test's own."""
    return tmp_path / "data"


@pytest.fixture
def settings(redis_server: str, data_dir: Path) -> Settings:
    """Settings for the test's server and folder, with a short lease and without pauses between retries."""
    return Settings(
        _env_file=None,
        redis_url=SecretStr(redis_server),
        data_dir=data_dir,
        reelqueue_language="en",
        lease_seconds=3.0,
        retry_delays=(0.01, 0.02, 0.03),
    )
