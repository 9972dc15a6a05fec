"""The local publisher: a library folder with the video, its thumbnail, captions and metadata; exactly once.

`{library}/{project_id}/{video.mp4,thumbnail.jpg,captions.srt,metadata.json}`.  metadata.json is the channel's record: it
bears the marker from the first step on, says `private` until the last one, and is replaced in one step.  Every file is
written beside its place, fsynced and renamed, so that a reader, and a repetition, find a whole one or none.
"""

import asyncio
import contextlib
import filecmp
import json
import os
import re
import secrets
import shutil
from collections.abc import AsyncGenerator, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiofiles

from reelqueue.errors import DiskFull, MediaError, PermanentError, ServiceUnavailable
from reelqueue.providers.local.free import Free
from reelqueue.providers.protocols import Publication, SessionGone
from reelqueue.wording import Text
from storage import disk
from storage.answers import Missing, Unavailable

CHUNK_BYTES = 8 * 1024 * 1024
VIDEO, THUMBNAIL, CAPTIONS, METADATA = "video.mp4", "thumbnail.jpg", "captions.srt", "metadata.json"
STEPS = ("thumbnail", "captions", "metadata", "publish")
GOING = ".going-"
"""What a folder of the library is named while it is removed begins so."""
_OURS = re.compile(r"local-([1-9][0-9]{0,15})", re.ASCII)


class LocalPublisher(Free):
    """See `Publisher`.  A second run of any step changes nothing; a session is the marker itself."""

    name = "local"
    version = "1"
    listed_within_s = 0.0
    optional: frozenset[str] = frozenset()  # what fails here is the disk's matter, and mended by a retry

    def __init__(self, library: Path) -> None:
        """`library` is the folder of all published videos (`storage.paths.Paths.library_root`)."""
        self._library = library

    def check(self, publication: Publication) -> None:
        """See `Publisher`: a folder takes any title."""

    def steps(self, publication: Publication) -> tuple[str, ...]:
        """See `Publisher`."""
        return tuple(name for name in STEPS if name != "captions" or publication.captions is not None)

    async def open(self, publication: Publication) -> str:
        """See `Publisher`.  Raises PermanentError where another video lies in the project's folder."""
        await asyncio.to_thread(self._open, publication)
        return publication.marker

    async def send(self, publication: Publication, session: str) -> AsyncGenerator[float, None]:
        """See `Publisher`.  A cut copy is begun anew: a local one takes seconds."""
        await asyncio.to_thread(self._check, publication, session)
        source, target = Path(publication.video), self._folder(publication) / VIDEO
        part = target.with_name(f"{VIDEO}.{secrets.token_hex(4)}.part")  # a late writer must not meet its successor's
        try:
            await asyncio.to_thread(_sweep, target)
            total, done = max(1, await asyncio.to_thread(_size_of, source)), 0
            async with aiofiles.open(source, "rb") as reading, aiofiles.open(part, "wb") as writing:
                while chunk := await reading.read(CHUNK_BYTES):
                    await writing.write(chunk)
                    done += len(chunk)
                    yield min(0.99, done / total)
                await writing.flush()
                await asyncio.to_thread(os.fsync, writing.fileno())
            await asyncio.to_thread(_settle, part, target)
        except OSError as error:
            raise _failed(error, source) from error
        finally:
            part.unlink(missing_ok=True)
        yield 1.0

    async def query(self, publication: Publication, session: str) -> str | None:
        """See `Publisher`."""
        await asyncio.to_thread(self._check, publication, session)
        return await asyncio.to_thread(self._find, publication)

    async def find(self, publication: Publication) -> tuple[str, ...]:
        """See `Publisher`.  The folder's video counts where its record bears the marker."""
        found = await asyncio.to_thread(self._find, publication)
        return () if found is None else (found,)

    async def step(self, name: str, publication: Publication, video_id: str) -> Mapping[str, Any]:
        """See `Publisher`."""
        if name not in self.steps(publication) or video_id != _video_id(publication):
            raise ValueError(name, video_id)
        return await asyncio.to_thread(self._step, name, publication)

    async def remove(self, video_id: str) -> bool:
        """See `Publisher`: the folder of the library."""
        return await asyncio.to_thread(self._remove, video_id)

    def _remove(self, video_id: str) -> bool:
        for left in self._library.glob(f"{GOING}*"):  # a killed remover's
            shutil.rmtree(left, ignore_errors=True)
        number = _OURS.fullmatch(video_id)
        folder = self._library / number[1] if number is not None else None
        if folder is None or not folder.is_dir():
            return False
        going = self._library / f"{GOING}{folder.name}-{secrets.token_hex(4)}"
        with _translated(folder):
            folder.replace(going)  # from here on nobody finds it; half of it would look like a video that lost its files
            disk.sync_folder(self._library)
        shutil.rmtree(going, ignore_errors=True)
        return True

    def _folder(self, publication: Publication) -> Path:
        return self._library / str(publication.project_id)

    def _open(self, publication: Publication) -> None:
        folder = self._folder(publication)
        record = self._record(publication)
        is_ours = record is None or record.get("marker") == publication.marker
        if not is_ours and not _is_same(Path(publication.video), folder / VIDEO):
            raise PermanentError(
                Text(f"{folder} 裡已經有另一支影片", f"another video lies in {folder}"),
                Text("請把這個資料夾移到別處，再執行 reelqueue retry", "move that folder elsewhere, then reelqueue retry"),
            )
        if record is None or not is_ours:
            with _translated(folder):
                disk.make_folder(folder)
                _place(folder / METADATA, _as_record(publication, privacy="private"))

    def _check(self, publication: Publication, session: str) -> None:
        record = self._record(publication)
        if session != publication.marker or record is None or record.get("marker") != session:
            raise SessionGone

    def _find(self, publication: Publication) -> str | None:
        record = self._record(publication)
        if record is None or record.get("marker") != publication.marker:
            return None
        video = self._folder(publication) / VIDEO
        return _video_id(publication) if video.is_file() else None

    def _record(self, publication: Publication) -> dict[str, Any] | None:
        """The channel's record; None where there is none, or none that can be read."""
        try:
            record = json.loads(disk.read(self._folder(publication) / METADATA))
        except (Missing, ValueError):
            return None
        except Unavailable as error:
            raise _unavailable(self._folder(publication)) from error
        return record if isinstance(record, dict) else None

    def _step(self, name: str, publication: Publication) -> Mapping[str, Any]:
        folder = self._folder(publication)
        with _translated(folder):
            match name:
                case "thumbnail":
                    _copy(Path(publication.thumbnail), folder / THUMBNAIL)
                case "captions" if publication.captions is not None:
                    _copy(Path(publication.captions), folder / CAPTIONS)
                case "metadata":
                    before = self._record(publication) or {}
                    _place(folder / METADATA, _as_record(publication, privacy=str(before.get("privacy", "private"))))
                case _:
                    _place(folder / METADATA, _as_record(publication, privacy=publication.privacy))
        url = (folder / VIDEO).resolve().as_uri()
        return {"video_url": url, "video_status": publication.privacy} if name == STEPS[-1] else {}


def _video_id(publication: Publication) -> str:
    return f"local-{publication.project_id}"


def _as_record(publication: Publication, *, privacy: str) -> dict[str, Any]:
    told = publication.model_dump(mode="json", exclude={"video", "thumbnail", "captions", "privacy"})
    files = {"video": VIDEO, "thumbnail": THUMBNAIL} | ({} if publication.captions is None else {"captions": CAPTIONS})
    return {"video_id": _video_id(publication), "privacy": privacy, **told, "files": files}


def _place(path: Path, record: Mapping[str, Any]) -> None:
    body = json.dumps(record, ensure_ascii=False, indent=1).encode()
    if not path.exists() or path.read_bytes() != body:
        disk.place(path, body)


def _copy(source: Path, target: Path) -> None:
    """Thumbnails and captions: below 2 MB, read whole."""
    try:
        body = source.read_bytes()
    except FileNotFoundError as error:
        raise MediaError(
            Text(f"找不到要發布的檔案 {source.name}", f"{source.name}, which is to be published, is missing"),
            Text("用 reelqueue retry --from render 重新製作", "make it anew with reelqueue retry --from render"),
        ) from error
    if not target.exists() or target.read_bytes() != body:
        disk.place(target, body)


def _is_same(source: Path, target: Path) -> bool:
    """Whether the library has the very video, or none: a backup holds states that are a moment older than its library."""
    with _translated(source):
        return not target.exists() or filecmp.cmp(source, target, shallow=False)


def _size_of(path: Path) -> int:
    return path.stat().st_size


def _sweep(target: Path) -> None:
    """Remove what killed writers left: a video each."""
    for left in target.parent.glob(f"{target.name}.*part"):
        left.unlink(missing_ok=True)


def _settle(part: Path, target: Path) -> None:
    part.replace(target)
    disk.sync_folder(target.parent)


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Storage's answers about the library in the words of a publisher."""
    try:
        yield
    except (Missing, Unavailable) as error:
        raise _unavailable(folder) from error
    except OSError as error:
        raise _failed(error, folder) from error


def _failed(error: OSError, path: Path) -> DiskFull | PermanentError | ServiceUnavailable:
    if error.errno in disk.NO_SPACE:
        return disk.disk_full(path)
    if isinstance(error, FileNotFoundError):
        return MediaError(
            Text(f"找不到要發布的檔案 {path.name}", f"{path.name}, which is to be published, is missing"),
            Text("用 reelqueue retry --from render 重新製作", "make it anew with reelqueue retry --from render"),
        )
    return _unavailable(path)


def _unavailable(path: Path) -> ServiceUnavailable:
    return ServiceUnavailable(
        Text(f"無法寫入影片庫 {path}", f"the library can't be written: {path}"),
        Text("請檢查資料夾的權限與磁碟", "see to the folder's permissions and the disk"),
    )
