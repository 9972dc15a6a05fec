"""`/api/projects/{project_id}/files`: which there are, and each of them, whole or in parts."""

import asyncio
import os
from collections.abc import AsyncIterator
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import aiofiles
from aiofiles.threadpool.binary import AsyncBufferedReader
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from reelqueue.dashboard.api.operation import Asked, Operation
from reelqueue.dashboard.api.queries import FileQuery
from reelqueue.dashboard.api.shapes import FilePage, ProjectFile
from reelqueue.dashboard.problems import Refused
from reelqueue.dashboard.project.files import CAPTIONS_VTT, as_vtt, listed, type_of, way_to, written_at
from reelqueue.dashboard.ranges import Unsatisfiable, part_of
from reelqueue.wording import Text

CHUNK_BYTES = 256 * 1024
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""A file is somebody's words and pictures: whatever stands in it, it runs nothing here."""


async def list_files(asked: Asked) -> FilePage:
    """All that may be seen."""
    state = await asked.board.projects.load(asked.ids["project_id"])
    found = await listed(asked.board.paths, state)
    return FilePage(
        items=tuple(
            ProjectFile(
                path=name, bytes=status.st_size, content_type=type_of(name), modified_at=written_at(status), sha256=sha256
            )
            for name, status, sha256 in found
        )
    )


async def get_file(asked: Asked) -> Response:
    """One file, or the part of it that `Range` asks for."""
    state = await asked.board.projects.load(asked.ids["project_id"])
    name, files = asked.ids["path"], asked.board.paths.project(state.project_id)
    if name == CAPTIONS_VTT:
        path = await asyncio.to_thread(way_to, files, "output/captions.srt")
        if path is None:
            _nothing(name)
        return await _captions(asked.request, path)
    path = await asyncio.to_thread(way_to, files, name)
    if path is None:
        _nothing(name)
    return await _sent(asked.request, path, name, is_kept=asked.query.download)


def _nothing(name: str) -> NoReturn:
    shown = name if len(name) <= 80 else f"{name[:79]}…"
    raise Refused(
        HTTPStatus.NOT_FOUND,
        Text(f"這個專案沒有檔案 {shown}", f"this project has no file {shown}"),
        Text("GET /api/projects/{project_id}/files 列出有哪些", "GET /api/projects/{project_id}/files lists those it has"),
    )


async def _captions(request: Request, path: Path) -> Response:
    async with aiofiles.open(path, encoding="utf-8") as file:
        body = as_vtt(await file.read())
    headers = SAFE | {"Cache-Control": "private, no-cache", "Accept-Ranges": "none"}
    return Response(body if request.method == "GET" else None, headers=headers, media_type="text/vtt; charset=utf-8")


async def _sent(request: Request, path: Path, name: str, *, is_kept: bool) -> Response:
    try:
        file = await aiofiles.open(path, "rb")
    except OSError:  # it went since it was looked for
        _nothing(name)
    status = await asyncio.to_thread(os.fstat, file.fileno())
    tag, written = f'"{status.st_mtime_ns:x}-{status.st_size:x}"', formatdate(status.st_mtime, usegmt=True)
    kind = "attachment" if is_kept or type_of(name) == "application/octet-stream" else "inline"
    headers = SAFE | {
        "ETag": tag,
        "Last-Modified": written,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(path.name, safe='')}",
    }
    known = request.headers.get("if-none-match")
    if known is not None and _knows(known, tag):
        await file.close()
        return Response(None, status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    condition = request.headers.get("if-range")
    asked = request.headers.get("range") if condition in {None, tag, written} else None
    try:
        part = part_of(asked, status.st_size)
    except Unsatisfiable:
        await file.close()
        raise Refused(416, headers={"Content-Range": f"bytes */{status.st_size}"}) from None
    first, end = part or (0, status.st_size)
    headers["Content-Length"] = str(end - first)
    if part is not None:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{status.st_size}"

    return _Part(
        file,
        (first, end) if request.method == "GET" else (0, 0),
        status_code=HTTPStatus.PARTIAL_CONTENT if part is not None else HTTPStatus.OK,
        headers=headers,
        media_type=type_of(name),
    )


class _Part(StreamingResponse):
    """A part of an open file, which is closed however it ends: a player that seeks hangs up in the middle."""

    def __init__(self, file: AsyncBufferedReader, part: tuple[int, int], **rest: Any) -> None:
        super().__init__(self._pieces(*part), **rest)
        self._file = file

    async def _pieces(self, first: int, end: int) -> AsyncIterator[bytes]:
        await self._file.seek(first)
        left = end - first
        while left > 0 and (piece := await self._file.read(min(CHUNK_BYTES, left))):
            left -= len(piece)
            yield piece

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._file.close()


def _knows(header: str, tag: str) -> bool:
    return header.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in header.split(",")}


ALL = "/projects/{project_id}/files"
OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "GET",
        ALL,
        "list_files",
        Text("專案的檔案", "A project's files"),
        list_files,
        answers=FilePage,
        problems=(404, 409),
    ),
    Operation(
        "GET",
        f"{ALL}/{{path:path}}",
        "get_file",
        Text(
            "一個檔案；支援 Range。output/captions.vtt 由 captions.srt 產生",
            "One file, by ranges where asked; output/captions.vtt is made of captions.srt",
        ),
        get_file,
        media="*/*",
        query=FileQuery,
        also=(206, 304),
        problems=(404, 409, 416, 422),
    ),
)
