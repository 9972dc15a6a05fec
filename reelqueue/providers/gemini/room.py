"""Room on the disk for what was paid for: none is no failure of the service, and the project waits for it."""

import contextlib
import errno
from collections.abc import Iterator

from reelqueue.errors import DiskFull
from reelqueue.wording import Text


@contextlib.contextmanager
def room_for(what: Text) -> Iterator[None]:
    """Around the writing of a file.  Raises `DiskFull` where there is no space."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise DiskFull(
            Text(f"磁碟已滿，{what.zh}沒有寫入", f"the disk is full: {what.en} was not written"),
            Text("清出空間後會自動繼續", "make room: the project goes on by itself"),
        ) from error
