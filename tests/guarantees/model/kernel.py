"""The system calls that change a disk, watched: who is dead makes none, a full disk takes none, and each state that lands is seen.

Nothing here is durable: fsync does nothing, since no history cuts the power.
"""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.guarantees.model.lives import LIFE

STEPS = ("open", "write", "fsync", "link", "replace", "rename", "unlink", "mkdir", "rmdir", "utime")
WRITING = os.O_WRONLY | os.O_RDWR
Landing = Callable[[str, str], None]


class Disk:
    """`free` is what is left in bytes, None for plenty; `refused` counts what there was no space for."""

    def __init__(self) -> None:
        self.free: int | None = None
        self.refused = 0

    def take(self, size: int) -> None:
        """Raise ENOSPC where there is no space for so much."""
        if self.free is None:
            return
        if size > self.free:
            self.refused += 1
            raise OSError(errno.ENOSPC, "No space left on device")
        self.free -= size

    def give(self, path: Any, dir_fd: int | None = None) -> None:
        """What is about to lose its last name takes no space any more."""
        if self.free is None:
            return
        try:
            seen = _REAL["stat"](path, dir_fd=dir_fd, follow_symlinks=False)
        except OSError:
            return
        if seen.st_nlink == 1:
            self.free += seen.st_size


_REAL: dict[str, Any] = {name: getattr(os, name) for name in (*STEPS, "stat")}


@contextmanager
def watched(disk: Disk, landing: Landing) -> Iterator[None]:
    """Within it the calls of this thread are those of whose life it is; `landing` hears of each renaming before it is made."""
    acts, ours = _acts(disk, landing), threading.get_ident()

    def guarded(name: str) -> Callable[..., Any]:
        def step(*args: Any, **named: Any) -> Any:
            if threading.get_ident() != ours:
                return _REAL[name](*args, **named)
            life = LIFE.get()
            if life is not None and (name != "open" or args[1] & WRITING):
                life.step()
            return acts.get(name, _REAL[name])(*args, **named)

        return step

    with pytest.MonkeyPatch.context() as patched:
        for name in STEPS:
            patched.setattr(os, name, guarded(name))
        yield


def _acts(disk: Disk, landing: Landing) -> dict[str, Callable[..., Any]]:
    """The calls that are more, or less, than the kernel's."""

    def opened(path: Any, flags: int, *args: Any, **named: Any) -> int:
        if flags & os.O_CREAT and not os.path.lexists(path):
            disk.take(64)
        return int(_REAL["open"](path, flags, *args, **named))

    def written(fd: int, data: Any) -> int:
        disk.take(len(data))
        return int(_REAL["write"](fd, data))

    def replaced(source: Any, target: Any, **named: Any) -> None:
        landing(str(source), str(target))
        disk.give(target)
        _REAL["replace"](source, target, **named)

    def unlinked(path: Any, **named: Any) -> None:
        disk.give(path, named.get("dir_fd"))
        _REAL["unlink"](path, **named)

    return {"open": opened, "write": written, "fsync": lambda _fd: None, "replace": replaced, "unlink": unlinked}
