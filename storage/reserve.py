"""Space kept for the last commits on a full disk: given up at the first "no space", so that parked states can be written."""

import contextlib
import os
from pathlib import Path

from storage.disk import FILE_MODE

RESERVE_BYTES = 64 * 1024
"""One state of the largest size allowed; parked states are 4 to 20 KB and each frees the one before its own `.prev`."""


def keep(path: Path) -> None:
    """Make the reserve if it is not there.  Without space there is none: nothing is raised."""
    with contextlib.suppress(OSError):
        if path.exists():
            return
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
        try:
            written = os.write(fd, os.urandom(RESERVE_BYTES))  # real blocks, on a file system that compresses too
            os.fsync(fd)
        except OSError:
            written = 0
        finally:
            os.close(fd)
        if written < RESERVE_BYTES:
            path.unlink()  # the last blocks are for states


def give_up(path: Path) -> None:
    """Free the reserve's space."""
    with contextlib.suppress(OSError):
        path.unlink()
