"""Secrets that lie beside the state, never in it: the address of an upload session.  Files of mode 0600."""

from pathlib import Path

from storage import disk
from storage.answers import Missing, Unavailable
from storage.hop import hop


async def write_secret(path: Path, text: str) -> None:
    """Keep a secret; it is durable when this returns.

    Raises:
        DiskFull, Unavailable: the old one, if any, is whole.
    """
    await hop(_write, path, text)


async def read_secret(path: Path) -> str | None:
    """A kept secret; None where there is none.

    Raises:
        Unavailable: it can't be read.
    """
    try:
        return (await hop(disk.read, path)).decode()
    except Missing:
        return None


async def forget_secret(path: Path) -> None:
    """Remove a secret; one that is not there is no matter.

    Raises:
        Unavailable: it can't be removed.
    """
    await hop(_forget, path)


def _write(path: Path, text: str) -> None:
    try:
        with disk.translated(path):
            disk.place(path, text.encode())
    except Missing as error:
        raise Unavailable(str(path), "the folder is gone") from error


def _forget(path: Path) -> None:
    with disk.translated(path):
        path.unlink(missing_ok=True)
