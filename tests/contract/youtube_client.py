"""A plain client of the sandbox's YouTube, for tests of the sandbox itself: it sends once and hides nothing."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from reelqueue.sandbox import Sandbox

VIDEO = {
    "snippet": {"title": "A title", "description": "Words", "tags": ["one", "marker-1"], "categoryId": "27"},
    "status": {"privacyStatus": "private", "selfDeclaredMadeForKids": False, "containsSyntheticMedia": True},
}
GRAIN = 256 * 1024


@dataclass(frozen=True)
class Answer:
    status: int
    headers: CIMultiDictProxy[str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def reason(self) -> str:
        return self.json["error"]["errors"][0]["reason"]

    @property
    def kept(self) -> str | None:
        return self.headers.get("Range")


async def once(data: bytes) -> AsyncIterator[bytes]:
    """A body that aiohttp can't send a second time by itself."""
    yield data


class Client:
    """One channel's client."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession, token: str) -> None:
        self.sandbox = sandbox
        self.session = session
        self.token = token
        self.base = sandbox.settings()["YOUTUBE_API_BASE_URL"]

    async def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        url = path if path.startswith("http") else f"{self.base}{path}"
        headers = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        request = self.session.request(method, url, headers=headers, allow_redirects=False, **more)
        async with request as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def open(self, size: int, body: Any = VIDEO, part: str = "snippet,status") -> Answer:
        path = f"/upload/youtube/v3/videos?uploadType=resumable&part={part}"
        return await self.call("POST", path, json=body, headers={"X-Upload-Content-Length": str(size)})

    async def session_uri(self, size: int, body: Any = VIDEO) -> str:
        return (await self.open(size, body)).headers["Location"]

    async def chunk(self, uri: str, data: bytes, first: int, last: int) -> Answer:
        """Send the bytes `first` to `last` of `data`, both included."""
        piece = data[first : last + 1]
        headers = {"Content-Range": f"bytes {first}-{last}/{len(data)}", "Content-Length": str(len(piece))}
        return await self.call("PUT", uri, data=once(piece), headers=headers)

    async def query(self, uri: str, size: int | str) -> Answer:
        return await self.call("PUT", uri, data=once(b""), headers={"Content-Range": f"bytes */{size}", "Content-Length": "0"})

    async def upload(self, data: bytes = b"film" * 1000, body: Any = VIDEO) -> str:
        """A video's id."""
        uri = await self.session_uri(len(data), body)
        return (await self.chunk(uri, data, 0, len(data) - 1)).json["id"]


async def token_for(sandbox: Sandbox, session: aiohttp.ClientSession, refresh_token: str | None = None) -> str:
    """An access token of a channel."""
    answer = await refresh(sandbox, session, refresh_token)
    return answer.json["access_token"]


async def refresh(sandbox: Sandbox, session: aiohttp.ClientSession, refresh_token: str | None = None, **more: str) -> Answer:
    """The token endpoint's answer to a refresh."""
    settings = sandbox.settings()
    form = {
        "grant_type": "refresh_token",
        "client_id": settings["YOUTUBE_CLIENT_ID"],
        "client_secret": settings["YOUTUBE_CLIENT_SECRET"],
        "refresh_token": refresh_token or settings["YOUTUBE_REFRESH_TOKEN"],
    } | more
    async with session.post(settings["GOOGLE_TOKEN_URL"], data=form) as answer:
        return Answer(answer.status, answer.headers, await answer.text())
