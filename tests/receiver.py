"""A receiver of webhooks on loopback, as another's would be: it checks each signature by the scheme, in words of its own."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Message:
    """One that came: its id, its body, whether its signature and its time are right."""

    message_id: str
    body: dict[str, Any]
    is_signed: bool
    is_timely: bool


@dataclass
class Receiver:
    """What came, in its order; `answers` are statuses (with headers) to give first, then 204."""

    messages: list[Message] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    hangs: asyncio.Event | None = None
    port: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook/s3cret"

    @property
    def settings(self) -> dict[str, str]:
        """What makes a worker tell it."""
        return {"WEBHOOK_URL": self.url, "WEBHOOK_SECRET": SECRET, "WEBHOOK_PRIVATE_HOSTS": "127.0.0.1"}

    def types(self) -> list[str]:
        """What it was told, each message once."""
        return [one.body["type"] for one in {message.message_id: message for message in self.messages}.values()]

    async def take(self, request: web.Request) -> web.Response:
        """Take one."""
        body = await request.read()
        if self.hangs is not None:
            await self.hangs.wait()
        status, headers = self.answers.pop(0) if self.answers else (204, {})
        self.messages.append(
            Message(
                request.headers["webhook-id"],
                json.loads(body),
                is_signed=_is_signed(request, body),
                is_timely=abs(time.time() - int(request.headers["webhook-timestamp"])) < 300,
            )
        )
        return web.Response(status=status, headers=headers)


def _is_signed(request: web.Request, body: bytes) -> bool:
    key = base64.b64decode(SECRET.partition("_")[2])
    content = b".".join((request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), body))
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return wanted in request.headers["webhook-signature"].split(" ")


@contextlib.asynccontextmanager
async def listening(**tls: Any) -> AsyncIterator[Receiver]:
    """A receiver that listens; `ssl_context` makes it speak TLS."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{tail:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, **tls)
    await site.start()
    assert site._server is not None
    receiver.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield receiver
    finally:
        await runner.cleanup()
