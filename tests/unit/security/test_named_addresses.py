"""An address that somebody else named leads nowhere but where it may: S5 of the threat model.

Webhooks are named by briefs and batches (tests/contract/test_webhooks.py and tests/unit/test_addresses.py), a presenter's clip by
D-ID's answer.  Nothing else is fetched: an address in a model's answer, a topic or a content is words.
"""

import ast
import asyncio
import contextlib
import gzip
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from reelqueue.errors import PermanentError, ServiceUnavailable
from reelqueue.providers.did import wire
from reelqueue.providers.did.wire import Wire
from reelqueue.wording import speak

ROOT = Path(__file__).parents[3]
REAL, SANDBOX = "https://api.d-id.com", "http://127.0.0.1:9"
INSIDE = [
    "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "x.localhost",
    "10.0.0.1", "172.16.9.9", "192.168.1.1", "100.64.0.1", "169.254.169.254", "[fd00:ec2::254]", "[fe80::1]", "0.0.0.0", "[::]",
    "metadata.google.internal", "printer.local", "１２７.０.０.１", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _in_english_without_a_proxy(monkeypatch):
    speak("en")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def names_that_lead_to(address: str) -> type[AbstractResolver]:
    class Liar(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
            kind = socket.AF_INET6 if ":" in address else socket.AF_INET
            return [{"hostname": host, "host": address, "port": port, "family": kind, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            pass

    return Liar


@contextlib.asynccontextmanager
async def wired(base=SANDBOX, **more):
    async with contextlib.AsyncExitStack() as stack:
        made = Wire(base, "key", **more)
        stack.push_async_callback(made.close)
        yield made


@contextlib.asynccontextmanager
async def serving(answer):
    asked = []

    async def handle(request):
        asked.append(request.headers)
        return await answer(request)

    app = web.Application()
    app.router.add_get("/{rest:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1], asked
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("host", INSIDE)
async def test_a_clip_inside_ones_own_network_is_refused_by_name(tmp_path, host):
    async with wired(REAL) as did:
        with pytest.raises(PermanentError, match="no public https"):
            await did.download(f"https://{host}/clip.mp4", tmp_path / "clip")

    assert not (tmp_path / "clip").exists()


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "64:ff9b::7f00:1"]
)
async def test_and_by_number_as_the_connection_is_made(tmp_path, address):
    """DNS rebinding: the name is a public one, what it leads to is not."""

    async def answer(_request):
        return web.Response(body=b"secret")

    async with serving(answer) as (port, asked), wired(REAL, resolver=names_that_lead_to(address)) as did:
        with pytest.raises(PermanentError, match="no public https"):
            await did.download(f"https://clips.example.org:{port}/clip.mp4", tmp_path / "clip")

    assert asked == []


async def test_a_sandbox_on_this_machine_may_name_itself_and_nobody_else(tmp_path):
    async def answer(_request):
        return web.Response(body=b"a clip")

    async with serving(answer) as (port, asked), wired(f"http://127.0.0.1:{port}") as did:
        await did.download(f"http://127.0.0.1:{port}/clip.mp4", tmp_path / "clip")
        with pytest.raises(PermanentError):
            await did.download("http://10.0.0.1/clip.mp4", tmp_path / "other")

    assert (tmp_path / "clip").read_bytes() == b"a clip"
    assert "Authorization" not in asked[0]


@pytest.mark.parametrize(
    "to", ["http://127.0.0.1:{port}/else", "file:///etc/passwd", "https://127.0.0.1/else", "//127.0.0.1:{port}/else"]
)
async def test_no_redirect_is_followed(tmp_path, to):
    async def answer(request):
        return web.Response(status=302, headers={"Location": to.format(port=request.url.port)})

    async with serving(answer) as (port, asked), wired(f"http://127.0.0.1:{port}") as did:
        with pytest.raises(ServiceUnavailable, match="302"):
            await did.download(f"http://127.0.0.1:{port}/clip.mp4", tmp_path / "clip")

    assert len(asked) == 1


async def test_a_clip_that_grows_as_it_is_unpacked_is_given_up_at_its_cap(tmp_path, monkeypatch):
    monkeypatch.setattr(wire, "MOST_CLIP_BYTES", 1 << 20)
    bomb = gzip.compress(bytes(64 << 20), 6)

    async def answer(_request):
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with serving(answer) as (port, _), wired(f"http://127.0.0.1:{port}") as did:
        with pytest.raises(PermanentError, match="larger than"):
            await did.download(f"http://127.0.0.1:{port}/clip.mp4", tmp_path / "clip")

    assert len(bomb) < 1 << 20
    assert (tmp_path / "clip").stat().st_size <= 1 << 20


async def test_a_clip_that_comes_a_byte_at_a_time_is_given_up_in_its_time(tmp_path, monkeypatch):
    """Each byte comes in time, the whole never would."""
    monkeypatch.setattr(wire, "DOWNLOAD", aiohttp.ClientTimeout(total=0.3, sock_read=10))

    async def answer(request):
        slow = web.StreamResponse()
        await slow.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await slow.write(b".")
                await asyncio.sleep(0.02)
        return slow

    async with serving(answer) as (port, _), wired(f"http://127.0.0.1:{port}") as did:
        with pytest.raises(ServiceUnavailable):
            await did.download(f"http://127.0.0.1:{port}/clip.mp4", tmp_path / "clip")


def test_who_calls_out_is_known_and_asks_no_proxy_of_the_environment_by_itself():
    """Each maker of connections is on this list, with what keeps it where it belongs."""
    found, trusting = {}, []
    for top in ("reelqueue", "jobs", "storage", "progress"):
        for path in (ROOT / top).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if "sandbox" in path.parts or not any(word in text for word in ("ClientSession(", "AsyncClient(", "SMTP", "urlopen")):
                continue
            calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
            made = {ast.unparse(call.func) for call in calls} & {
                "aiohttp.ClientSession", "httpx2.AsyncClient", "smtplib.SMTP", "smtplib.SMTP_SSL", "urllib.request.urlopen", "urlopen"
            }  # fmt: skip
            if made:
                found[path.relative_to(ROOT).as_posix()] = made
            trusting += [
                path for call in calls for word in call.keywords if word.arg == "trust_env" and ast.unparse(word.value) != "False"
            ]

    assert set(found) == {
        "reelqueue/providers/webhooks.py",  # outward.connector: the address is a batch's
        "reelqueue/providers/did/wire.py",  # the operator's address; outward.connector for what D-ID names
        "reelqueue/providers/youtube/wire.py",  # the operator's address; client.allowed for what Google names
        "reelqueue/providers/gemini/client.py",  # the operator's address, no redirects
        "reelqueue/providers/monitoring/client.py",  # Google's own
        "reelqueue/providers/notify/mail.py",  # the operator's SMTP server
        "reelqueue/ahead/clock_checks.py",  # Google's own: what time it is
    }
    assert trusting == []
