"""Secrets that lie beside the state, never in it: the address of an upload session.  Files of mode 0600."""

from collections.abc import Callable
from pathlib import Path

from storage import disk
from storage.answers import Missing, Unavailable
from storage.blobs import free_for_all
from storage.hop import hop


async def write_secret(path: Path, text: str, *, guard: Callable[[], None] = free_for_all) -> None:
    """Keep a secret; it is durable when this returns.  `guard` as in `Blobs`.

    Raises:
        whatever `guard` raises: nothing was written.
        DiskFull, Unavailable: the old one, if any, is whole.
    """
    await hop(_write, path, text, guard)


async def read_secret(path: Path) -> str | None:
    """A kept secret; None where there is none, or a disk spoilt it.

    Raises:
        Unavailable: it can't be read.
    """
    try:
        text = (await hop(disk.read, path)).decode()
    except (Missing, UnicodeDecodeError):
        return None
    return text if text.isprintable() and text else None


async def forget_secret(path: Path, *, guard: Callable[[], None] = free_for_all) -> None:
    """Remove a secret; one that is not there is no matter.  `guard` as in `Blobs`.

    Raises:
        whatever `guard` raises: it is still there.
        Unavailable: it can't be removed.
    """
    await hop(_forget, path, guard)


def _write(path: Path, text: str, guard: Callable[[], None]) -> None:
    try:
        with disk.locked(path.parent), disk.translated(path):
            guard()
            disk.place(path, text.encode())
    except Missing as error:
        raise Unavailable(str(path), "the folder is gone") from error


def _forget(path: Path, guard: Callable[[], None]) -> None:
    try:
        with disk.locked(path.parent), disk.translated(path):
            guard()
            path.unlink(missing_ok=True)
    except Missing:
        return
