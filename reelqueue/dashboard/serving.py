"""The board stand-alone, under uvicorn: opened, listening, told where, and ended without waiting for its streams."""

import asyncio
import contextlib
import errno
import gc
import resource
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import structlog
import uvicorn
from starlette.applications import Starlette

from reelqueue.bootstrap import Settings
from reelqueue.dashboard.app import dashboard
from reelqueue.dashboard.streams.direct import Direct
from reelqueue.errors import InstallationError
from reelqueue.wording import Text

CLOSE_SECONDS = 3
"""How long answers that were begun may take to end when we are told to."""
BACKLOG = 2048
FILES = 10_000

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """Signals are the command's, not the server's."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        """Leave them alone."""
        return contextlib.nullcontext()


async def serve(settings: Settings, on_open: Callable[[str], None] = lambda _address: None) -> None:
    """Serve until cancelled; `on_open` is told the address once it answers.

    Raises:
        InvalidSettings: a setting is wrong.
        InstallationError: the port is taken, or the address is none of this machine's.
    """
    let_many_in()
    app = dashboard(settings)
    async with contextlib.AsyncExitStack() as stack:
        sockets = listen(settings.dashboard_host, settings.dashboard_port)
        for one in sockets:
            stack.callback(one.close)
        await stack.enter_async_context(app.router.lifespan_context(app))
        config = uvicorn.Config(
            app,
            http=Direct,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=CLOSE_SECONDS,
        )
        server = _Server(config)
        stack.enter_context(collected_quickly())
        serving = asyncio.create_task(server.serve(sockets=sockets))
        address = address_of(settings.dashboard_host, sockets[0].getsockname()[1])
        log.info("board_serves", address=address)
        on_open(address)
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            await _end(app, server, serving)
            log.info("board_ended")


async def _end(app: Starlette, server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    app.state.board.hub.end()  # an open stream would keep the server for as long as its page is open
    server.should_exit = True
    await serving


@contextlib.contextmanager
def collected_quickly() -> Iterator[None]:
    """Until the block ends the garbage collector leaves alone what is there now: the quarter million objects of a program's modules.

    Measured: of its pauses, which all readers wait for, half went (an overview of 3,000 projects: p95 148 ms, then 84).
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def let_many_in() -> None:
    """Allow this process as many open files as it may have: each reader of a stream is one, and 1,024 are usual."""
    usual, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if usual != resource.RLIM_INFINITY and usual < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets at every address that the name has here, at one port; 0 is any that is free.

    Raises:
        InstallationError: the port is taken, or the address is none of this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise _no_address(host) from None
    sockets: list[socket.socket] = []
    for family, _, _, _, address in sorted(set(found)):
        place = (address[0], sockets[0].getsockname()[1] if sockets else port)
        try:
            sockets.append(at_once(socket.create_server(place, family=family, backlog=BACKLOG)))
        except OSError as error:
            if sockets and error.errno == errno.EADDRNOTAVAIL:
                continue  # `localhost` names ::1 too, on machines without IPv6
            for one in sockets:
                one.close()
            raise _taken(host, port, error) from error
    return sockets


def at_once(listening: socket.socket) -> socket.socket:
    """Let what is accepted here send the rest of an answer without waiting until the reader has confirmed its beginning.

    asyncio does so only where a socket names its protocol, which those that we make ourselves don't: 40 ms for each page.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address_of(host: str, port: int) -> str:
    """What to open in a browser."""
    try:
        number = ip_address(host)
    except ValueError:
        return f"http://{host}:{port}/"
    if number.is_unspecified:
        return f"http://{socket.gethostname()}:{port}/"
    return f"http://[{host}]:{port}/" if number.version == 6 else f"http://{host}:{port}/"


def _no_address(host: str) -> InstallationError:
    return InstallationError(
        Text(f"DASHBOARD_HOST={host} 不是這台機器的位址", f"DASHBOARD_HOST={host} is no address of this machine"),
        Text("例如 127.0.0.1，或 0.0.0.0（要設定密碼）", "for example 127.0.0.1, or 0.0.0.0 (with a password)"),
        "DASHBOARD_HOST",
    )


def _taken(host: str, port: int, error: OSError) -> InstallationError:
    if error.errno == errno.EADDRINUSE:
        return InstallationError(
            Text(f"連接埠 {port} 已被使用", f"port {port} is taken"),
            Text("儀表板可能已經在執行；否則請設定 DASHBOARD_PORT", "the board may be running already; else set DASHBOARD_PORT"),
            "DASHBOARD_PORT",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return InstallationError(
            Text(f"不能使用連接埠 {port}", f"port {port} may not be used"),
            Text("請設定 1024 以上的 DASHBOARD_PORT", "set DASHBOARD_PORT to 1024 or more"),
            "DASHBOARD_PORT",
        )
    return _no_address(host)
