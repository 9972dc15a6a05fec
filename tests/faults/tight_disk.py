"""Disks that are full: a tiny file system where we may mount one, a limit on a process's files elsewhere; and other limits."""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

CAN_MOUNT = sys.platform == "linux" and os.geteuid() == 0
CAN_LIMIT = sys.platform == "linux"


class TinyDisk:
    """A file system of its own on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filler = folder / "filler"

    def fill(self, *, leaving: int = 0) -> None:
        """Take all its space but `leaving` bytes."""
        with self.filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 4096):
                pass
        if leaving:
            os.truncate(self.filler, max(0, self.filler.stat().st_size - leaving))

    def grow(self, *, megabytes: int) -> None:
        """Make it larger while it is in use."""
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(self.folder)], check=True)

    def free(self) -> None:
        """Give the space back."""
        self.filler.unlink(missing_ok=True)


@contextlib.contextmanager
def tiny_disk(folder: Path, *, megabytes: int) -> Iterator[TinyDisk]:
    """Mount a tmpfs of that size; needs root."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder)], check=True)
    try:
        yield TinyDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def no_longer_files(pid: int, most_bytes: int) -> AbstractContextManager[None]:
    """Let no file of a running process grow over so many bytes: a short write, then EFBIG."""
    return _limited(pid, resource.RLIMIT_FSIZE, most_bytes)


def no_more_files(pid: int) -> AbstractContextManager[None]:
    """Let a running process open nothing more: EMFILE.  What it has open stays so."""
    return _limited(pid, resource.RLIMIT_NOFILE, len(list(Path(f"/proc/{pid}/fd").iterdir())) - 2)


@contextlib.contextmanager
def _limited(pid: int, what: int, most: int) -> Iterator[None]:
    soft, hard = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (most, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, what, (soft, hard))
