"""What this process and its living descendants (ffmpeg, our Python children) use of the machine.

On Linux each process is one line of /proc, found from its parent: the cost grows with our own tree, not with what else
runs on the machine (`psutil` looks at all of it).
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import psutil

READS = 3
"""A child that ends between two looks is counted twice or never: then we look again."""
_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


class Reading(TypedDict):
    """What is used.  100 percent are one whole core; `children` are all living descendants, `children_bytes` their part of memory."""

    cpu_percent: float
    cpu_seconds: float
    memory_bytes: int
    children_bytes: int
    children: int


@dataclass(frozen=True, slots=True)
class _Use:
    """Of one process.  `reaped_seconds` are those of its children that have ended; memory is resident, shared pages too."""

    cpu_seconds: float
    reaped_seconds: float
    memory_bytes: int


class Vitals:
    """Of the process that made it.  For one thread: `cpu_percent` is since the `read` before, at first since the making."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._cores = os.cpu_count() or 1
        self._at = time.monotonic()
        self._found = self._all().total_seconds
        self._counted = self._found

    def read(self) -> Reading:
        """What is used now.  Takes 0.1 ms without children, where /proc tells them; never raises for one that ended."""
        use, now = self._all(), time.monotonic()
        elapsed = max(now - self._at, 1e-6)
        # a grandchild that lost its parent is gone from our sum, one that was missed for a moment is back in it
        spent = min(max(0.0, use.total_seconds - self._found), elapsed * self._cores)
        self._at, self._found = now, use.total_seconds
        self._counted += spent
        return Reading(
            cpu_percent=round(100 * spent / elapsed, 1),
            cpu_seconds=round(self._counted, 2),
            memory_bytes=use.memory_bytes,
            children_bytes=use.children_bytes,
            children=use.children,
        )

    def _all(self) -> "_Sum":
        for _ in range(READS):
            reaped = _reaped_seconds()
            children = list(_descendants(self._pid))
            if reaped == _reaped_seconds():
                break
        return _sum(_own(self._pid), children)


@dataclass(frozen=True, slots=True)
class _Sum:
    total_seconds: float
    memory_bytes: int
    children_bytes: int
    children: int


def _sum(own: _Use, children: list[_Use]) -> _Sum:
    used = [own, *children]
    return _Sum(
        total_seconds=sum(use.cpu_seconds + use.reaped_seconds for use in used),
        memory_bytes=sum(use.memory_bytes for use in used),
        children_bytes=sum(use.memory_bytes for use in children),
        children=len(children),
    )


def _reaped_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _own(pid: int) -> _Use:
    times = os.times()
    on_linux = _look(pid) if sys.platform == "linux" else None
    memory = on_linux.memory_bytes if on_linux else psutil.Process(pid).memory_info().rss
    return _Use(times.user + times.system, times.children_user + times.children_system, memory)


def _descendants(pid: int) -> Iterator[_Use]:
    if (_PROC / f"{pid}/task/{pid}/children").exists():
        yield from _of_proc(pid)
    else:
        yield from _of_psutil(pid)


def _of_proc(pid: int) -> Iterator[_Use]:
    for child in _children(pid):
        if (use := _look(child)) is not None:
            yield use
            yield from _of_proc(child)


def _children(pid: int) -> list[int]:
    """The children of a process, those of all its threads; none where it has ended.

    Without `Path`: making one costs more than the reading.
    """
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123
                found += [int(child) for child in file.read().split()]
    except OSError:
        pass
    return found


def _look(pid: int) -> _Use | None:
    """One process by its line of /proc; None where it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            fields = file.read().rpartition(b")")[2].split()  # a program's name may hold blanks and brackets
    except OSError:
        return None
    # proc(5), counted from 3: 14 utime, 15 stime, 16 cutime, 17 cstime (ticks), 24 rss (pages)
    user, system, children_user, children_system = (int(field) for field in fields[11:15])
    return _Use((user + system) * _TICK_SECONDS, (children_user + children_system) * _TICK_SECONDS, int(fields[21]) * _PAGE_BYTES)


def _of_psutil(pid: int) -> Iterator[_Use]:
    for child in psutil.Process(pid).children(recursive=True):
        try:
            with child.oneshot():
                times = child.cpu_times()
                reaped = times.children_user + times.children_system
                yield _Use(times.user + times.system, reaped, child.memory_info().rss)
        except psutil.Error:  # ended, or a zombie that tells nothing
            continue
