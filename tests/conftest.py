"""Real servers and folders for every test: nothing here is a mock."""

import asyncio
import contextlib
import gc
import hashlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reelqueue import embedded, process
from reelqueue.settings import Settings
from reelqueue.wording import speak
from tests.compiled import compile_tests

DEPLOYED = Path(__file__).parents[1] / "deploy" / "redis"
PASSWORD = "of-the-tests"
START_SECONDS = 20.0
# Rich draws all locals of all frames: for longer than a command to Redis may take, where the machine is busy.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # of tests that load the voice's model in their own process
os.environ["SSL_CERT_FILE"] = str(Path(__file__).with_name("nobody.pem"))  # to read the system's takes 20 ms of each client


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """What all processes of a run need is made once."""
    compile_tests(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """The garbage collector leaves alone what is collected, which lives to the end: of 8 s of CPU it took three, and more at each test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def without_outer_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server, folder or key of the developer's is left in the environment."""
    keys = [name for name in os.environ if name.removeprefix("REELQUEUE_").startswith(("GEMINI_", "GOOGLE_", "DID_", "YOUTUBE_"))]
    for name in ("REDIS_URL", "REDIS_HOST", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "DATA_DIR", "CHANNELS_FILE", *keys):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"REELQUEUE_{name}", raising=False)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does any reach a test."""
    without_outer_settings(monkeypatch)


@pytest.fixture(autouse=True)
def _the_language_is_the_default_again() -> Iterator[None]:
    """What a test made the process speak is not what the next one hears."""
    speak("zh-TW")
    yield
    speak("zh-TW")


@dataclass(frozen=True)
class Server:
    """The session's server, by its two doors: the service's, and one that may do everything, for the tests' own hands."""

    url: str
    admin_url: str


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server for the whole session, under the configuration and the rights that `deploy/redis` ships."""
    folder = tmp_path_factory.mktemp("session-redis")
    users = (DEPLOYED / "users.acl").read_text(encoding="utf-8")
    users = users.replace("PASSWORD_SHA256", hashlib.sha256(PASSWORD.encode()).hexdigest())
    (folder / "users.acl").write_text(f"{users}user admin on >{PASSWORD} ~* &* +@all\n", encoding="utf-8")
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory(prefix="reelqueue-") as near:  # a socket's path is short
        socket = Path(near, "redis.sock")
        files = {"dir": folder, "aclfile": folder / "users.acl", "logfile": folder / "server.log"}
        ours = {"port": "0", "unixsocket": socket, "unixsocketperm": "700"} | files
        argv = [str(part) for name, value in ours.items() for part in (f"--{name}", value)]
        argv = [str(embedded.program()), str(DEPLOYED / "redis.conf"), *argv]
        started = runner.run(process.start(argv, cwd=folder, env=os.environ))
        found = Server(*(f"unix://{user}:{PASSWORD}@{socket}?db=0" for user in ("reelqueue", "admin")))
        runner.run(_answers(found.admin_url, files["logfile"]))
        yield found
        runner.run(process.end(started, grace_s=10))


async def _answers(url: str, log: Path) -> None:
    """Wait for the server's first answer."""
    deadline = time.monotonic() + START_SECONDS
    async with Redis.from_url(url) as redis:
        while True:
            with contextlib.suppress(RedisError, OSError):
                await redis.ping()
                return
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            await asyncio.sleep(0.02)


@pytest.fixture
async def redis_admin(_server: Server) -> AsyncIterator[Redis]:
    """A connection that may do everything: the service's own user may not flush, list keys or kill connections."""
    async with Redis.from_url(_server.admin_url) as redis:
        yield redis


@pytest.fixture
async def redis_server(_server: Server, redis_admin: Redis) -> str:
    """The server's URL as the service's own user, `reelqueue`; emptied before the test."""
    await redis_admin.flushall()
    return _server.url


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
