"""The one server of a run: the embedded Valkey's program, with our own settings for it, over TCP so that all can reach it."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from reelqueue import embedded

DATABASES = 64


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens on the loopback."""

    port: int

    def url(self, database: int = 0) -> str:
        """One of its databases."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def commands(self) -> int:
        """How many commands it has carried out since its start, those of scripts among them, and of this question not."""
        with Redis.from_url(self.url()) as redis:
            return int(redis.info("stats")["total_commands_processed"])

    def version(self) -> str:
        """Its name and version."""
        with Redis.from_url(self.url()) as redis:
            found = redis.info("server")
        return f"{found.get('server_name', 'redis')} {found.get('valkey_version', found['redis_version'])}"

    def empty(self) -> None:
        """Forget everything, functions among it."""
        with Redis.from_url(self.url()) as redis:
            redis.flushall()
            redis.function_flush()


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Server]:
    """A server with an append-only file, as ours keeps it, until we leave."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"port": port, "bind": "127.0.0.1", "dir": folder, "databases": DATABASES}
    options |= {"appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction"}
    options |= {"logfile": folder / "server.log"}
    argv = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    with subprocess.Popen([embedded.program(), *argv]) as process:
        try:
            _wait(port)
            yield Server(port)
        finally:
            process.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise TimeoutError("the server does not listen")
