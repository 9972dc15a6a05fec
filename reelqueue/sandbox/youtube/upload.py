"""The resumable upload: a session is opened, takes bytes in order, and becomes a video with its last one.

Orders of its own.  For "upload.open": "upload_limit" (the channel takes no video for `hours`, 24).  For "upload.chunk"
and "upload.query": "session_gone" (404, or `status`; the session ends).  For "upload.chunk": "fewer_bytes" (only the
first `keep` are kept), "cut" (the connection ends after `after_bytes`), "move" (308 with another Location; nothing is
kept), "lost_answer" (the last chunk is taken, the video is there, its answer is not), "created" (201 instead of 200).
"""

import asyncio
import hashlib
from typing import Any

import aiohttp
from aiohttp import web

from reelqueue.sandbox.accounts import Accounts
from reelqueue.sandbox.faults import CUT, UNFIT, cut, ordered
from reelqueue.sandbox.middleware import entry_of
from reelqueue.sandbox.youtube import resources, rules
from reelqueue.sandbox.youtube.call import PUT_UP, Caller, caller_of, json_body, parts_of
from reelqueue.sandbox.youtube.media import Media
from reelqueue.sandbox.youtube.model import Session
from reelqueue.sandbox.youtube.ranges import ContentRange, parse
from reelqueue.sandbox.youtube.store import YouTube
from reelqueue.sandbox.youtube.wrong import Refused

GRAIN_BYTES = 256 * 1024
"""What is kept of an upload that is not whole is a multiple of this."""

READ_BYTES = 1 << 18
BROKEN_OFF = (ConnectionError, aiohttp.ClientError, web.RequestPayloadError, asyncio.IncompleteReadError)


class Upload:
    """The calls of resumable uploads."""

    def __init__(self, youtube: YouTube, accounts: Accounts, media: Media, base_url: Any) -> None:
        self._youtube = youtube
        self._accounts = accounts
        self._media = media
        self._base_url = base_url
        self._finishing = asyncio.Lock()

    async def open_video(self, request: web.Request, caller: Caller) -> web.Response:
        """A session for a video.  Its metadata is checked now; there is no video yet."""
        order = ordered(request, "upload_limit")
        if order is not None:
            self._youtube.close_channel(caller.channel.name, float(order.details.get("hours", 24)))
        if self._youtube.closed(caller.channel.name):
            raise Refused("uploadLimitExceeded")
        self._resumable(request)
        parts, sent = parts_of(request), await json_body(request)
        body = {part: sent[part] for part in parts if part in sent}  # what `part` does not name is not written
        snippet = rules.checked_snippet(body.get("snippet", {}), update=False)
        rules.checked_status(body.get("status", {}))
        rules.checked_localizations(body.get("localizations", {}), snippet)
        return self._opened(request, caller, "video", body, parts)

    async def open_caption(self, request: web.Request, caller: Caller) -> web.Response:
        """A session for a caption track."""
        parts, body = parts_of(request), await json_body(request)
        self._media.check_caption(body, caller)
        return self._opened(request, caller, "caption", body, parts)

    def _resumable(self, request: web.Request) -> None:
        if request.query.get("uploadType") != "resumable":
            raise Refused("badRequest", "The sandbox takes videos by uploadType=resumable only.", location="uploadType")

    def _opened(
        self, request: web.Request, caller: Caller, what: str, body: dict[str, Any], parts: tuple[str, ...]
    ) -> web.Response:
        length = request.headers.get("X-Upload-Content-Length", "")
        session = self._youtube.open_session(
            what=what,
            channel=caller.channel.name,
            client_id=caller.client_id,
            size=int(length) if length.isdecimal() else None,
            metadata=body,
            parts=parts,
            content_type=request.headers.get("X-Upload-Content-Type", ""),
        )
        entry_of(request).detail["session"] = session.name
        headers = {"Location": self._uri(request, session), "X-GUploader-UploadID": session.name}
        return web.Response(headers=headers)

    def _uri(self, request: web.Request, session: Session) -> str:
        query = request.url.update_query(upload_id=session.name).raw_query_string
        return f"{self._base_url()}{request.path}?{query}"

    async def put(self, request: web.Request) -> web.StreamResponse:
        """A chunk, or the question how far the upload has come."""
        session = self._youtube.sessions.get(request.query.get("upload_id", ""))
        if session is None:
            return await self._gone(request, 404)
        if ordered(request, "session_gone") or self._youtube.expired(session):
            self._youtube.end_session(session)
            order = ordered(request, "session_gone")
            return await self._gone(request, int(order.details.get("status", 404)) if order else 404)
        try:
            return await self._put(request, session)
        except Refused as refusal:
            await _read_away(request)
            return refusal.answer

    async def _put(self, request: web.Request, session: Session) -> web.StreamResponse:
        caller = caller_of(request, self._accounts, self._youtube, PUT_UP)
        if caller.channel.name != session.channel:
            raise Refused("forbidden")
        entry_of(request).detail["session"] = session.name
        if session.result is not None:
            return await self._again(request, session)
        wanted = parse(request.headers.get("Content-Range"), request.content_length)
        if wanted is None:
            return await self._text(request, 400, "Failed to parse Content-Range header.")
        if wanted.size is not None and session.size not in {None, wanted.size}:
            return await self._text(request, 400, "Invalid request. The upload's size differs from what was announced.")
        session.size = session.size if wanted.size is None else wanted.size
        if wanted.asks:
            return await self._progress(request, session, caller)
        if ordered(request, "move"):
            await _read_away(request)
            self._youtube.rename_session(session)
            return self._so_far(session, {"Location": self._uri(request, session)})
        return await self._chunk(request, session, wanted, caller)

    async def _again(self, request: web.Request, session: Session) -> web.StreamResponse:
        """What a finished session says: its video again, or nothing any more."""
        if self._youtube.finished_sessions == "gone":
            self._youtube.end_session(session)
            return await self._gone(request, 404)
        await _read_away(request)
        return self._answer(session)

    async def _chunk(self, request: web.Request, session: Session, wanted: ContentRange, caller: Caller) -> web.StreamResponse:
        first = wanted.first or 0
        if first > session.received:
            return await self._text(
                request,
                503,
                f"Invalid request.  According to the Content-Range header, the upload offset is {first} byte(s), "
                f"which exceeds already uploaded size of {session.received} byte(s).",
            )
        before = session.received
        fewer, broken = ordered(request, "fewer_bytes"), ordered(request, "cut")
        most = int(fewer.details.get("keep", 0)) if fewer else None
        until = int(broken.details.get("after_bytes", GRAIN_BYTES)) if broken else None
        arrived, whole = await self._take(request, session, skip=before - first, keep=most, until=until)
        entry = entry_of(request)
        entry.bytes = arrived
        entry.detail |= {"first": first, "last": wanted.last, "kept": session.received - before}
        if until is not None or not whole:
            cut(request, reset=True)
            request[CUT] = True
            return web.Response()
        return await self._progress(request, session, caller)

    async def _take(
        self, request: web.Request, session: Session, *, skip: int, keep: int | None, until: int | None
    ) -> tuple[int, bool]:
        """Write what comes to the session's file; returns how many bytes came, and whether the body was whole.

        A chunk that comes later ends this one: a client that was taken for dead must not write between.

        Args:
            request: whose body it is.
            session: moves on.
            skip: so many bytes of it are there already.
            keep: no more than so many of the new ones are kept.
            until: no more than so many bytes are read.
        """
        arrived, whole = 0, True
        session.turn = turn = session.turn + 1
        before = session.received
        out = await asyncio.to_thread(session.path.open, "r+b", 0)  # no buffer that is written when it is too late
        try:
            out.seek(before)
            async for piece in request.content.iter_chunked(READ_BYTES):
                if not self._may_write(session, turn):
                    return arrived, False
                new = piece[max(0, skip - arrived) :]
                arrived += len(piece)
                out.write(new)
                if until is not None and arrived >= until:
                    break
        except BROKEN_OFF:
            whole = False
        finally:
            if self._may_write(session, turn):
                fresh = max(0, arrived - skip)
                fresh = fresh if keep is None else min(fresh, keep)
                fresh = fresh if until is None else min(fresh, max(0, until - skip))
                session.received = _kept(session, before, fresh)
                out.truncate(session.received)
            out.close()
        return arrived, whole

    def _may_write(self, session: Session, turn: int) -> bool:
        """Whether the session still lives and no later chunk has taken it over."""
        return session.turn == turn and session.result is None and self._youtube.sessions.get(session.name) is session

    async def _progress(self, request: web.Request, session: Session, caller: Caller) -> web.StreamResponse:
        """How far the upload has come; with its last byte it becomes what it was opened for."""
        await _read_away(request)
        lost, created = ordered(request, "lost_answer"), ordered(request, "created")
        if session.size is None or session.received < session.size:
            request[UNFIT] = bool(lost or created)
            return self._so_far(session)
        async with self._finishing:
            answer = self._answer(session) if session.result is not None else await self._finish(session, caller)
        if lost:
            cut(request, reset=True)
            request[CUT] = True
        if created:
            answer.set_status(201)
        return answer

    async def _finish(self, session: Session, caller: Caller) -> web.Response:
        if session.what == "caption":
            text = await asyncio.to_thread(session.path.read_bytes)
            made = self._media.add_caption(session.metadata, text, caller)
            self._youtube.end_session(session)
            return web.json_response(made)
        digest = await asyncio.to_thread(_digest, session)
        snippet = rules.checked_snippet(session.metadata.get("snippet", {}), update=False)
        status = rules.checked_status(session.metadata.get("status", {}))
        self._youtube.add_video(session, digest, snippet, status)
        return self._answer(session)

    def _answer(self, session: Session) -> web.Response:
        """The video of a finished session; a deleted one is told by its id alone."""
        video = self._youtube.videos.get(session.result or "")
        if video is None:
            return web.json_response({"kind": "youtube#video", "id": session.result})
        return web.json_response(resources.video(self._youtube, video, session.parts, mine=True))

    def _so_far(self, session: Session, headers: dict[str, str] | None = None) -> web.Response:
        """308 and the range that is kept; no range where nothing is."""
        kept = {"Range": f"bytes=0-{session.received - 1}"} if session.received else {}
        more = {"X-GUploader-UploadID": session.name, "Content-Length": "0"}
        return web.Response(status=308, reason="Resume Incomplete", headers=kept | more | (headers or {}))

    async def _gone(self, request: web.Request, status: int) -> web.Response:
        return await self._text(request, status, "Not Found" if status == 404 else "Gone")

    async def _text(self, request: web.Request, status: int, text: str) -> web.Response:
        await _read_away(request)
        return web.Response(status=status, text=text, content_type="text/plain")


def _kept(session: Session, before: int, fresh: int) -> int:
    """How many bytes of the session are kept, with `fresh` new ones: whole grains, but for the last of all."""
    received = before + fresh
    if session.size is not None and received >= session.size:
        return session.size
    return max(before, received // GRAIN_BYTES * GRAIN_BYTES)


def _digest(session: Session) -> str:
    with session.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _read_away(request: web.Request) -> None:
    """Take the rest of the body off the wire, so that the answer reaches a client that is still sending."""
    try:
        async for _ in request.content.iter_chunked(READ_BYTES):
            pass
    except BROKEN_OFF:
        return
