"""Documents: create, load, replace (only if the version still holds), remove, names.  The one primitive below the rest.

Here on disk: a key is a path below `DATA_DIR`.  Over an object store the same five would be conditional writes.
Each call is one thread hop with all its fsyncs.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NewType

from reelqueue.errors import DiskFull
from storage import disk, reserve
from storage.answers import Missing
from storage.hop import hop

Version = NewType("Version", str)
"""Which body a document has: opaque, compared only."""
_BESIDE = frozenset({".part", ".prev"})


class Documents:
    """Small documents (states, keys, ledgers), by key: "projects/1/project_state.json"."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def create(self, key: str, body: bytes) -> Version:
        """Write a new document.

        Raises:
            Exists: there is one; DiskFull: there is no space.  Nothing was written.
            Unavailable: it may be there or not.
        """
        return await hop(self._create, key, body)

    async def load(self, key: str) -> tuple[bytes, Version]:
        """The newest body, never a torn one.

        Raises:
            Missing: there is none.
            Unavailable: it can't be read.
        """
        body = await hop(disk.read, self.path(key))
        return body, Version(disk.version_of(body))

    async def replace(
        self, key: str, body: bytes, version: Version, *, fence: int = 0, first: Callable[[], None] | None = None
    ) -> Version:
        """Write a document anew if it still is `version`.  `first` runs under its lock, right before the write.

        Raises:
            Stale: it is another one by now; Missing: there is none; DiskFull: no space (the reserve is free now, for a
                last word of at most 64 KB).  Nothing was written.
            Unavailable: it may be there or not.
        """
        return await hop(self._replace, key, body, version, fence, first)

    async def remove(self, key: str) -> None:
        """Remove a document and the one before it; one that is not there is no matter.

        Raises:
            Unavailable: it can't be removed.
        """
        await hop(self._remove, key)

    async def names(self, prefix: str) -> list[str]:
        """The keys right below the folder `prefix` ("open/"), in no order."""
        return [f"{prefix.rstrip('/')}/{name}" for name in await hop(_listed, self.path(prefix))]

    def path(self, key: str) -> Path:
        """Where a document lies.

        Raises:
            ValueError: the key leads out of the folder.
        """
        if key.startswith("/") or ".." in key.split("/") or "\0" in key:
            raise ValueError(key)
        return self._root / key

    def _create(self, key: str, body: bytes) -> Version:
        path = self.path(key)
        with self._giving_up_the_reserve():
            try:
                return Version(disk.create(path, body))
            except Missing:  # its folder: a ledger's day, for one
                disk.make_folder(path.parent)
                return Version(disk.create(path, body))

    def _replace(self, key: str, body: bytes, version: Version, fence: int, first: Callable[[], None] | None) -> Version:
        with self._giving_up_the_reserve():
            return Version(disk.replace(self.path(key), body, version, fence=fence, first=first))

    def _remove(self, key: str) -> None:
        path = self.path(key)
        try:
            with disk.locked(path.parent):
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name}.prev").unlink(missing_ok=True)
        except Missing:
            return

    @contextlib.contextmanager
    def _giving_up_the_reserve(self) -> Iterator[None]:
        try:
            yield
        except DiskFull:
            reserve.give_up(self._root / ".reserve")
            raise


def _listed(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if not entry.name.startswith(".") and entry.suffix not in _BESIDE]
    except FileNotFoundError:
        return []
