"""The files of one project: written in one step, named by the hash of what they are made from, checked when fetched.

A key is a path relative to the project's folder ("audio/<hash>.wav").  A file that is there under its name is whole:
it was fsynced before it got the name.  Only results with fixed names (`script.json`, a manifest, the finished video)
are ever replaced, by a later run.
"""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiofiles

from reelqueue import failpoints
from reelqueue.errors import MediaError
from reelqueue.models.project import Artifact
from reelqueue.wording import Text
from storage import disk
from storage.answers import Missing, Unavailable
from storage.hop import BULK, hop

CHUNK_BYTES = 1 << 20
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Identity:
    """What changes when a file does: it spares hashing a big video at each look."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Blobs:
    """The files below one project's folder.

    `fence` is the lease's, in the names of temporary files.  `guard` runs under the folder's lock, right before a file
    gets its name, and raises `Fenced` where the project is another's by now: a worker that was stopped for a while
    can't put its file in place of its successor's.
    """

    def __init__(self, root: Path, *, fence: int = 0, guard: Callable[[], None] | None = None) -> None:
        self._root = root
        self._fence = fence
        self._guard = guard or free_for_all
        self._hashed: dict[Path, tuple[_Identity, str]] = {}

    async def put(self, key: str, source: Path) -> Artifact:
        """Make the finished file `source` the blob `key`; `source` is gone afterwards.

        Raises:
            MediaError: `source` is not there.
            Fenced: the project is another's; nothing was put.
            DiskFull, Unavailable: `source` may still be there, the blob is not.
        """
        return await hop(self._put, key, source, threads=BULK)

    async def write(self, key: str, data: bytes) -> Artifact:
        """Write a small blob.

        Raises:
            Fenced: the project is another's; nothing was written.
            DiskFull, Unavailable: the old one, if any, is whole.
        """
        return await hop(self._write, key, data)

    async def describe(self, key: str) -> Artifact:
        """The artifact of a file that is there.

        Raises:
            MediaError: it is not.
        """
        return await hop(self._describe, key, threads=BULK)

    async def holds(self, artifact: Artifact) -> bool:
        """Whether the file is there and is what the artifact says: its size and its sha256."""
        return await hop(self._holds, artifact, threads=BULK)

    async def first_lost(self, artifacts: Sequence[Artifact]) -> Artifact | None:
        """The first of these whose file is not there, or not what the artifact says; None where all are."""
        if not artifacts:
            return None
        return await hop(lambda: next((one for one in artifacts if not self._holds(one)), None), threads=BULK)

    async def fetch(self, artifact: Artifact) -> Path:
        """The local path of a blob.

        Raises:
            MediaError: it is missing or not what the artifact says.
            Unavailable: it can't be read.
        """
        if not await self.holds(artifact):
            raise _not_as_said(artifact.path)
        return self._path(artifact.path)

    async def read(self, artifact: Artifact) -> bytes:
        """A small blob's bytes.

        Raises:
            MediaError: it is missing or not what the artifact says.
            Unavailable: it can't be read.
        """
        try:
            body = await hop(disk.read, self._path(artifact.path))
        except Missing:
            raise _not_as_said(artifact.path) from None
        if len(body) != artifact.bytes or hashlib.sha256(body).hexdigest() != artifact.sha256:
            raise _not_as_said(artifact.path)
        return body

    async def peek(self, key: str) -> bytes | None:
        """A small file as it is, unchecked; None where there is none.

        Raises:
            Unavailable: it can't be read.
        """
        try:
            return await hop(disk.read, self._path(key))
        except Missing:
            return None

    async def stream(self, artifact: Artifact, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """A blob's bytes from `start` on, `length` of them (None: to its end), in pieces of at most 1 MiB.

        Raises:
            MediaError: it is missing or not what the artifact says.
            OSError: it can't be read any further.
        """
        left = artifact.bytes - start if length is None else length
        async with aiofiles.open(await self.fetch(artifact), "rb") as file:
            await file.seek(start)
            while left > 0 and (piece := await file.read(min(CHUNK_BYTES, left))):
                left -= len(piece)
                yield piece

    def _put(self, key: str, source: Path) -> Artifact:
        target = self._path(key)
        try:
            with disk.translated(target):
                self._make_folder(target.parent)
                source = _beside(source, target, self._fence)
                _sync_file(source)
                with disk.locked(self._root):
                    self._allowed()
                    source.replace(target)
                disk.sync_folder(target.parent)
                failpoints.hit("blob.placed")
        except Missing:
            raise _not_as_said(str(source)) from None
        return self._describe(key)

    def _write(self, key: str, data: bytes) -> Artifact:
        target = self._path(key)
        with disk.translated(target):
            self._make_folder(target.parent)
            with disk.locked(self._root):
                self._allowed()
                disk.place(target, data, fence=self._fence)
        return Artifact(path=key, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))

    def _allowed(self) -> None:
        self._guard()
        failpoints.hit("blob.allowed")

    def _describe(self, key: str) -> Artifact:
        path = self._path(key)
        try:
            with disk.translated(path):
                size = path.stat().st_size
                return Artifact(path=key, sha256=self._hash(path), bytes=size)
        except Missing:
            raise _not_as_said(key) from None

    def _holds(self, artifact: Artifact) -> bool:
        path = self._path(artifact.path)
        try:
            with disk.translated(path):
                return path.stat().st_size == artifact.bytes and self._hash(path) == artifact.sha256
        except Missing:
            return False

    def _hash(self, path: Path) -> str:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            identity = _Identity(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
            known = self._hashed.get(path)
            if known is not None and known[0] == identity:
                return known[1]
            found = hashlib.file_digest(file, "sha256").hexdigest()
        self._hashed[path] = (identity, found)
        return found

    def _make_folder(self, folder: Path) -> None:
        if not self._root.is_dir():  # deleted: a late writer must not make the folder again
            raise Unavailable(str(self._root), "the folder is gone")
        disk.make_folder(folder)

    def _path(self, key: str) -> Path:
        """Where a blob lies.

        Raises:
            MediaError: the key leads out of the project, by its text or by a link.
        """
        parts = key.split("/")
        if not all(_PART.fullmatch(part) for part in parts):
            raise _not_as_said(key)
        path = self._root.joinpath(*parts)
        if any(step.is_symlink() for step in (path, *path.parents[: len(parts) - 1])):
            raise _not_as_said(key)
        return path


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        disk.sync(fd)
    finally:
        os.close(fd)


def _beside(source: Path, target: Path, fence: int) -> Path:
    """The file on the file system of `target`: itself, or a copy, and then it is gone."""
    if source.stat().st_dev == target.parent.stat().st_dev:
        return source
    part = target.with_name(f"{target.name}.{fence}.{secrets.token_hex(4)}.part")
    try:
        shutil.copyfile(source, part)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    source.unlink(missing_ok=True)
    return part


def free_for_all() -> None:
    """Without a lease there is nobody to guard against: readers."""


def _not_as_said(key: str) -> MediaError:
    return MediaError(
        Text(f"檔案 {key} 不見了，或內容與紀錄不符", f"the file {key} is missing or not what it was recorded as"),
        Text("用 reelqueue retry 重新製作", "reelqueue retry makes it again"),
    )
