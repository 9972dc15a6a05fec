"""A real server under the test's control: started, stopped, killed, paused, starved.  It keeps its port and its folder."""

import asyncio
import contextlib
import itertools
import os
import random
import shutil
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, RedisError

from reelqueue import process
from reelqueue.embedded import program

START_SECONDS = 60.0
ANSWER_SECONDS = 20.0
RDB = "dump.rdb"
FIRST_PORT, USUAL_FIRST_OF_SYSTEM = 15_000, 32_768
LOADING_KEYS = 3_000
LOADING_DELAY_US = 1_000
"""So many keys, so long each: a start that takes three seconds."""


class RedisServer:
    """One server on a TCP port of loopback.  With `aof` it remembers what it acknowledged, through SIGKILL too."""

    def __init__(self, folder: Path, *, aof: bool = True, password: str = "") -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.aof = aof
        self.password = password
        self.port = _free_port()
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """For REDIS_URL."""
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """The same server, reached by another port: a proxy's."""
        return f"redis://{f':{self.password}@' if self.password else ''}127.0.0.1:{port}/0"

    async def start(self, *, until_ready: bool = True, **config: str) -> None:
        """Start it with what its folder holds; `config` are settings for this start."""
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "logfile": str(self.folder / "server.log"),
            "appendonly": "yes" if self.aof else "no",
            "appendfsync": "everysec",
            "save": "",
            "dbfilename": RDB,
            "maxmemory-policy": "noeviction",
            "requirepass": self.password,
            "enable-debug-command": "local",
        } | {name.replace("_", "-"): value for name, value in config.items()}
        argv = [str(program()), *(part for name, value in settings.items() for part in (f"--{name}", value))]
        self.process = await process.start(argv, cwd=self.folder, env=os.environ)  # it dies with us
        deadline = time.monotonic() + START_SECONDS
        while not await self._answers(loading=not until_ready):
            assert self.process.returncode is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """SIGKILL, and wait for its end.  Nothing happens where it does not run."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
            await process.end(self.process, grace_s=0)

    def pause(self) -> None:
        """SIGSTOP: connections stay, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: what was asked meanwhile is answered."""
        self._signal(signal.SIGCONT)

    async def restart(self, *, empty: bool = False, **config: str) -> None:
        """Kill and start it; `empty`: it remembers nothing."""
        await self.kill()
        if empty:
            self.forget()
        await self.start(**config)

    def forget(self) -> None:
        """Remove what the dead server would remember."""
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)
        (self.folder / RDB).unlink(missing_ok=True)

    async def say(self, *command: Any) -> Any:
        """One command, by a connection of its own.

        Raises:
            RedisError: the server's own answer.
        """
        async with Redis.from_url(self.url, socket_timeout=ANSWER_SECONDS) as redis:
            return await redis.execute_command(*command)

    # What may befall it.

    @contextlib.asynccontextmanager
    async def gone(self) -> AsyncIterator[None]:
        """Killed; started again with what it remembers."""
        await self.kill()
        yield
        await self.start()

    @contextlib.asynccontextmanager
    async def forgetful(self) -> AsyncIterator[None]:
        """Killed; started again with an empty memory."""
        await self.kill()
        self.forget()
        yield
        await self.start()

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """SIGSTOP, SIGCONT."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    @contextlib.asynccontextmanager
    async def read_only(self) -> AsyncIterator[None]:
        """READONLY: it became somebody's replica, as at a failover."""
        await self.say("REPLICAOF", "127.0.0.1", str(_free_port()))
        yield
        await self.say("REPLICAOF", "NO", "ONE")

    @contextlib.asynccontextmanager
    async def out_of_memory(self) -> AsyncIterator[None]:
        """OOM: each write is refused."""
        await self.say("CONFIG", "SET", "maxmemory", "1")
        yield
        await self.say("CONFIG", "SET", "maxmemory", "0")

    @contextlib.asynccontextmanager
    async def unable_to_save(self) -> AsyncIterator[None]:
        """MISCONF: a snapshot failed, so each write is refused.  A folder lies where the snapshot would be."""
        await self.say("CONFIG", "SET", "save", "3600 1000000")
        (self.folder / RDB).unlink(missing_ok=True)
        (self.folder / RDB / "in the way").mkdir(parents=True)
        await self._saved("err")
        yield
        shutil.rmtree(self.folder / RDB)
        await self._saved("ok")
        await self.say("CONFIG", "SET", "save", "")

    @contextlib.asynccontextmanager
    async def flushed(self) -> AsyncIterator[None]:
        """Somebody emptied it, scripts and all; every connection stays."""
        await self.say("FLUSHALL")
        await self.say("SCRIPT", "FLUSH")
        yield

    @contextlib.asynccontextmanager
    async def crowded(self) -> AsyncIterator[None]:
        """Every connection was ended, and it accepts but the first to come back."""
        await self._say_and_hang_up("maxclients", "1")
        yield
        await self.restart()  # nobody gets in to tell it otherwise

    @contextlib.asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Every connection was ended, and it asks for a password that nobody was told."""
        await self._say_and_hang_up("requirepass", "told to nobody")
        self.password = "told to nobody"
        yield
        await self.say("CONFIG", "SET", "requirepass", "")
        self.password = ""

    async def _say_and_hang_up(self, setting: str, value: str) -> None:
        """Change a setting, then end all other connections."""
        async with Redis.from_url(self.url, single_connection_client=True) as redis:
            await redis.config_set(setting, value)
            for kind in ("pubsub", "normal"):
                await redis.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    @contextlib.asynccontextmanager
    async def loading(self) -> AsyncIterator[None]:
        """LOADING: killed and started again, it reads a large file for three seconds."""
        await self.say("DEBUG", "POPULATE", str(LOADING_KEYS), "filler")
        await self.say("BGREWRITEAOF")
        while (await self._info("persistence"))["aof_rewrite_in_progress"] or (await self._info("persistence"))[
            "aof_rewrite_scheduled"
        ]:
            await asyncio.sleep(0.01)
        await self.kill()
        slow = {"key_load_delay": str(LOADING_DELAY_US), "loading_process_events_interval_bytes": "1024"}
        await self.start(until_ready=False, **slow)
        with contextlib.suppress(BusyLoadingError):
            await self.say("GET", "x")
            raise AssertionError("it is not loading")
        yield
        while not await self._answers(loading=False):
            await asyncio.sleep(0.02)

    async def _saved(self, status: str) -> None:
        await self.say("BGSAVE")
        async with asyncio.timeout(ANSWER_SECONDS):
            while (await self._info("persistence"))["rdb_last_bgsave_status"] != status:
                await asyncio.sleep(0.01)

    async def _info(self, section: str) -> dict[str, Any]:
        async with Redis.from_url(self.url, socket_timeout=ANSWER_SECONDS) as redis:
            return await redis.info(section)

    async def _answers(self, *, loading: bool) -> bool:
        try:
            return bool(await self.say("PING"))
        except BusyLoadingError:
            return loading
        except (RedisError, OSError):
            return False

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)


@contextlib.asynccontextmanager
async def running(folder: Path, *, aof: bool = True, password: str = "") -> AsyncIterator[RedisServer]:
    """A server that has started; leaving kills it."""
    server = RedisServer(folder, aof=aof, password=password)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


def _free_port() -> int:
    """A port that the system gives to no connection: who comes back after an outage finds it free, and nobody meets himself there."""
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("there is always a next one")


def _each_port() -> Iterator[int]:
    """Those below the system's own, from anywhere on: another process of tests asks for others."""
    range_of_the_system = Path("/proc/sys/net/ipv4/ip_local_port_range")
    last = int(range_of_the_system.read_text().split()[0]) if range_of_the_system.exists() else USUAL_FIRST_OF_SYSTEM
    few = range(FIRST_PORT, max(last, FIRST_PORT + 1_000))
    start = random.SystemRandom().randrange(len(few))
    return itertools.cycle([*few[start:], *few[:start]])


_ports = _each_port()
