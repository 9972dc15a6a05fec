"""Services that answer what no service should, and projects that meet them in real workers."""

import contextlib
import gzip
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from aiohttp import web

from jobs.app import Queue
from reelqueue.errors import ReelqueueError
from reelqueue.models.project import ProjectState
from reelqueue.sandbox import Sandbox
from tests.workers import HUMMING

PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in to this network</h1></body></html>"
MIB = 1 << 20
LARGE = b'{"candidates": [{"content": {"parts": [{"text": "' + b"x" * (50 * MIB) + b'"}]}, "finishReason": "STOP"}]}'
QUICK = {"RETRY_DELAYS": "0.05,0.05,0.05", "POISON_AFTER": "100"}


def own_environment(sandbox: Sandbox, **more: str) -> dict[str, str]:
    """A worker's: everything in the sandbox, without pauses between retries."""
    return sandbox.settings() | QUICK | HUMMING | more


def local(*kinds: str) -> dict[str, str]:
    """Those makers are the local ones."""
    return {f"REELQUEUE_{kind}_PROVIDER" if kind != "PUBLISHER" else "REELQUEUE_PUBLISHER": "local" for kind in kinds}


async def at_rest(queue: Queue, number: int, *, seconds: float = 240.0) -> ProjectState:
    """The state, once the project has ended or waits."""
    with contextlib.suppress(ReelqueueError):
        await queue.wait(number, timeout=seconds)
    return await queue.get_project(number)


async def script_alone(queue: Queue, topic: str, **brief: object) -> int:
    """A project that is only to be written."""
    project = await queue.create_project({"topic": topic, "language": "en", "duration_s": 30, **brief})
    await queue.enqueue_job("generate_script_task", project_id=project.project_id, chain=False)
    return project.project_id


class Proxy:
    """Stands between us and every service, and answers for them; `asked` are the requests that it got."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.said: dict[str, str] = {}

    def services(self) -> dict[str, str]:
        """The settings that lead through it."""
        return {
            "GEMINI_BASE_URL": f"{self.url}/gemini",
            "YOUTUBE_API_BASE_URL": f"{self.url}/youtube",
            "GOOGLE_TOKEN_URL": f"{self.url}/oauth/token",
            "DID_BASE_URL": f"{self.url}/did",
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """By the last word of the topic, or by the service."""
        text = (await request.read()).decode(errors="replace")
        self.asked.append(f"{request.method} {request.path}")
        kind = next((kind for word, kind in self.said.items() if word in text or word in request.path), "page")
        if kind == "endless":
            return await _endless(request)
        return ANSWERS[kind](f"{self.url}/elsewhere{request.path}")


ANSWERS: dict[str, Callable[[str], web.Response]] = {
    "page": lambda _: web.Response(text=PAGE, content_type="text/html"),
    "502": lambda _: web.Response(status=502, text=PAGE, content_type="text/html"),
    "403": lambda _: web.Response(status=403, text=PAGE, content_type="text/html"),
    "307": lambda elsewhere: web.Response(status=307, headers={"Location": elsewhere}),
    "large": lambda _: web.Response(body=LARGE, content_type="application/json"),
    "bomb": lambda _: web.Response(body=bomb(), headers={"Content-Encoding": "gzip"}, content_type="application/json"),
}


_bombs: list[bytes] = []


def bomb() -> bytes:
    """Some 250 KB that become 256 MB."""
    if not _bombs:
        _bombs.append(gzip.compress(b'{"a": "' + b" " * (256 * MIB) + b'"}', compresslevel=9))
    return _bombs[0]


async def _endless(request: web.Request) -> web.StreamResponse:
    out = web.StreamResponse(headers={"Content-Type": "application/json"})
    with contextlib.suppress(ConnectionError):
        await out.prepare(request)
        for _ in range(4_000):
            await out.write(b" " * MIB)
    return out


@contextlib.asynccontextmanager
async def proxied() -> AsyncIterator[Proxy]:
    """A proxy on a free port."""
    proxy = Proxy()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{rest:.*}", proxy.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield proxy
    finally:
        await runner.cleanup()


def peak_mb(pid: int) -> float:
    """The most memory that a process ever had, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) / 1024
