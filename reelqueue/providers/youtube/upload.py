"""The resumable upload: a session is opened, asked how far it is, and given what is missing, a chunk at a time.

A session makes at most one video, so nothing here can publish twice.  Where the next chunk begins is only ever what the
service says that it has; after any fault the caller asks (`kept`) before anything is sent.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelqueue.errors import MediaError, ServiceMisconfigured
from reelqueue.providers.protocols import SessionGone
from reelqueue.providers.youtube.client import YouTubeClient, token_is_refused
from reelqueue.providers.youtube.errors import nonsense, unreachable
from reelqueue.providers.youtube.wire import Answer
from reelqueue.wording import Text

CHUNK_BYTES = 8 * 1024 * 1024
"""A multiple of 256 KiB, as the protocol wants; 8 MiB as Google recommends at least."""
MOST_STILL = 4
"""Chunks in a row of which the service keeps nothing."""
REMEMBERED = 1_000
MEDIA_TYPE = "video/mp4"
_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_RANGE = re.compile(r"bytes=0-(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Kept:
    """How far a session is: so many bytes from the first on, or the video that it made."""

    bytes: int
    video_id: str | None = None


@dataclass(slots=True)
class ResumableUpload:
    """A channel's uploads.

    What this process knows beyond the session's first address: where it was sent on to, and which video it made, so that a
    finished session that is forgotten at once does no harm.  Both only spare a look at the channel.
    """

    client: YouTubeClient
    chunk_bytes: int = CHUNK_BYTES
    _moved: dict[str, str] = field(default_factory=dict)
    _made: dict[str, str] = field(default_factory=dict)

    async def open(self, metadata: dict[str, Any], size: int) -> str:
        """Open a session for a video of `size` bytes; its address.  No video exists yet, and none does without its last byte.

        Raises:
            the errors of `errors.refused`.
        """
        answer = await self.client.ask(
            "POST",
            "upload/youtube/v3/videos",
            query={"uploadType": "resumable", "part": ",".join(metadata)},
            json=metadata,
            headers={"X-Upload-Content-Length": str(size), "X-Upload-Content-Type": MEDIA_TYPE},
        )
        if answer.status not in {200, 201}:
            raise self.client.refusal(answer, "upload.open")
        if not (address := answer.headers.get("Location")):
            raise nonsense(answer)
        return self.client.allowed(address)

    async def kept(self, session: str, size: int) -> Kept:
        """Ask how far a session is.

        Raises:
            SessionGone: it is not known any more.
            the errors of `errors.refused`.
        """
        if session in self._made:
            return Kept(size, self._made[session])
        answer = await self.client.with_token(lambda token: self._put(session, token, b"", {"Content-Range": f"bytes */{size}"}))
        return self._judged(answer, session, size, "upload.query")

    async def send(self, session: str, video: Path) -> AsyncGenerator[float, None]:
        """Send what the service has not; yields the share that it has, 0-1, after each chunk.

        Raises:
            SessionGone: as `kept`.
            MediaError: the file is missing or changes while it is sent.
            the errors of `errors.refused`: ask before anything is sent again.
        """
        size = await asyncio.to_thread(_size_of, video)
        kept = await self.kept(session, size)
        still = 0
        while kept.video_id is None:
            before = kept.bytes
            kept = await self._chunk(session, video, before, size)
            still = 0 if kept.bytes > before or kept.video_id else still + 1
            if still >= MOST_STILL:
                raise unreachable(Text("沒有保留送出的資料", "keeps nothing of what it is sent"))
            yield 1.0 if kept.video_id else min(0.99, kept.bytes / size)

    async def _chunk(self, session: str, video: Path, first: int, size: int) -> Kept:
        chunk = await asyncio.to_thread(_read, video, first, min(self.chunk_bytes, size - first), size)
        where = (
            {"Content-Range": f"bytes {first}-{first + len(chunk) - 1}/{size}"} if chunk else {"Content-Range": f"bytes */{size}"}
        )
        token = await self.client.access.token()
        answer = await self._put(session, token, chunk, where)
        if token_is_refused(answer):
            await self.client.access.another(token)  # the same session; what it kept of the chunk is asked, not guessed
            return await self.kept(session, size)
        return self._judged(answer, session, size, "upload.chunk")

    async def _put(self, session: str, token: str, body: bytes, headers: dict[str, str]) -> Answer:
        sent = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE} | headers
        answer = await self.client.wire.exchange("PUT", self._address(session), headers=sent, body=body, within_s=None)
        if answer.status == 308 and "Location" in answer.headers:
            self._remember(self._moved, session, self.client.allowed(answer.headers["Location"]))
        return answer

    def _address(self, session: str) -> str:
        """Where a session is by now.

        Raises:
            SessionGone: what was kept of it is no address of the service: a disk spoilt it, and our token goes nowhere else.
        """
        try:
            return self.client.allowed(self._moved.get(session, session))
        except (ServiceMisconfigured, ValueError):
            raise SessionGone from None

    def _judged(self, answer: Answer, session: str, size: int, name: str) -> Kept:
        if answer.status == 308:
            return Kept(_kept_bytes(answer, size))
        if answer.status in {404, 410}:
            self._moved.pop(session, None)
            raise SessionGone
        if answer.status not in {200, 201}:
            raise self.client.refusal(answer, name)
        said = answer.json
        if not isinstance(said, dict) or not isinstance(said.get("id"), str) or not _VIDEO_ID.fullmatch(said["id"]):
            raise nonsense(answer)
        self._remember(self._made, session, said["id"])
        return Kept(size, said["id"])

    def _remember(self, among: dict[str, str], session: str, what: str) -> None:
        among[session] = what
        while len(among) > REMEMBERED:
            among.pop(next(iter(among)))


def _kept_bytes(answer: Answer, size: int) -> int:
    """What a 308 says is there; nothing where it says nothing."""
    told = answer.headers.get("Range")
    if told is None:
        return 0
    found = _RANGE.fullmatch(told.strip())
    if found is None or int(found[1]) >= size:
        raise nonsense(answer)
    return int(found[1]) + 1


def _size_of(video: Path) -> int:
    try:
        return video.stat().st_size
    except OSError as error:
        raise _no_video(video) from error


def _read(video: Path, first: int, count: int, size: int) -> bytes:
    try:
        with video.open("rb") as file:
            file.seek(first)
            chunk = file.read(count)
            whole = file.seek(0, 2)
    except OSError as error:
        raise _no_video(video) from error
    if len(chunk) != count or whole != size:
        raise MediaError(
            Text(f"{video.name} 在上傳途中變了", f"{video.name} changed while it was sent"),
            Text("用 reelqueue retry 再試", "reelqueue retry tries again"),
        )
    return chunk


def _no_video(video: Path) -> MediaError:
    return MediaError(
        Text(f"找不到要發布的檔案 {video.name}", f"{video.name}, which is to be published, is missing"),
        Text("用 reelqueue retry --from render 重新製作", "make it anew with reelqueue retry --from render"),
    )
