"""What people were told: `notices/<kind>/notice.json`, and beside it an empty file for each project that waits so.

The first project of a kind brings the notice; when the last one of them waits so no more, the kind is forgotten, and the next
one is told of again.
"""

import contextlib
from collections.abc import Callable, Collection
from pathlib import Path

import structlog
from pydantic import ValidationError

from reelqueue import failpoints
from reelqueue.errors import ReelqueueError
from reelqueue.models.event import Notice
from storage import disk
from storage.answers import Missing
from storage.hop import hop

NOTICE = "notice.json"

log = structlog.get_logger(__name__)


class Notices:
    """The notices of one installation.  Those that end in `_now` run in the caller's thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unwritten: dict[str, Notice] = {}
        self._unreadable: set[Path] = set()

    def mark_now(self, kind: str, project_id: int, notice: Callable[[], Notice]) -> bool:
        """Note that a project waits so; True where it is the first, and `notice` is kept to be told.

        Raises:
            DiskFull, Unavailable: it is not kept.
        """
        mark = self._folder / kind / str(project_id)
        if mark.exists():
            return False
        with disk.translated(self._folder):
            disk.make_folder(self._folder)
        with disk.locked(self._folder), disk.translated(mark):
            disk.make_folder(mark.parent)
            path = mark.with_name(NOTICE)
            is_first = not path.exists()
            if is_first:  # before the mark: a mark alone would say that it was told
                disk.place(path, _body(notice()))
                failpoints.hit("notice.kept")
            mark.touch(mode=disk.FILE_MODE)
            return is_first

    async def all(self) -> list[Notice]:
        """Every notice of a kind that somebody waits with, oldest first.  Raises Unavailable."""
        return await hop(self._all)

    async def note(self, notice: Notice) -> None:
        """Keep how far the telling is; nothing where the kind was forgotten meanwhile.

        Never raises: what finds no space is remembered here, and written later; a crash before that tells once more.
        """
        await hop(self._note, notice)

    async def waiting(self, kind: str) -> list[int]:
        """The projects that were noted to wait so.  Raises Unavailable."""
        return await hop(self._waiting, kind)

    async def clear(self, kind: str, project_ids: Collection[int]) -> bool:
        """These wait so no more; True where nobody does, and the kind is forgotten.  Raises Unavailable."""
        return await hop(self._clear, kind, project_ids)

    def _all(self) -> list[Notice]:
        with disk.translated(self._folder):
            if not self._folder.is_dir():
                return []
            found = [self._load(path) for path in self._folder.glob(f"*/{NOTICE}")]
        kept = [notice for notice in found if notice is not None]
        newer = {notice.kind: notice for notice in self._unwritten.values()}
        return sorted((self._newest(notice, newer.get(notice.kind)) for notice in kept), key=lambda notice: notice.at)

    def _newest(self, notice: Notice, unwritten: Notice | None) -> Notice:
        if unwritten is None or unwritten.at != notice.at:  # it is another one's: the kind was forgotten meanwhile
            self._unwritten.pop(notice.kind, None)
            return notice
        self._note(unwritten)
        return unwritten

    def _load(self, path: Path) -> Notice | None:
        try:
            return Notice.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (ValidationError, OSError) as error:
            if path not in self._unreadable:  # it is looked at each second
                log.warning("notice_unreadable", path=str(path), error=type(error).__name__)
            self._unreadable.add(path)
            return None

    def _note(self, notice: Notice) -> None:
        path = self._folder / notice.kind / NOTICE
        try:
            with disk.locked(self._folder), disk.translated(path):
                if path.exists():
                    disk.place(path, _body(notice), durable=False)
            self._unwritten.pop(notice.kind, None)
        except (ReelqueueError, Missing) as error:
            if notice.kind not in self._unwritten:
                log.warning("notice_not_noted", kind=notice.kind, error=str(error))
            self._unwritten[notice.kind] = notice

    def _waiting(self, kind: str) -> list[int]:
        with disk.translated(self._folder):
            try:
                return sorted(int(mark.name) for mark in (self._folder / kind).iterdir() if mark.name.isdecimal())
            except FileNotFoundError:
                return []

    def _clear(self, kind: str, project_ids: Collection[int]) -> bool:
        folder = self._folder / kind
        if not folder.is_dir():
            return True
        with disk.locked(self._folder), disk.translated(folder):
            for number in project_ids:
                (folder / str(number)).unlink(missing_ok=True)
            if any(mark.name.isdecimal() for mark in folder.iterdir()):
                return False
            (folder / NOTICE).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # a writer's temporary file: the folder stays, and is empty
                folder.rmdir()
            return True


def _body(notice: Notice) -> bytes:
    return notice.model_dump_json().encode()
