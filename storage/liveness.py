"""Who is alive: an owner is one process's life, its record `lease.json` says which project it has in hand.

A renewal sets the record's time stamp: no bytes, no fsync, no space needed.  The stamp is the boot's own clock, the same
for all processes and containers of a machine, so a watcher of that boot knows a record's age at its first look.  Where
that can't be (another machine, a file system of whole seconds, a record of 0.1.0, which holds times of day) it goes by how
long it has seen the record unchanged.  Times of day judge nothing; a process that is gone from this very machine is dead
at once.
"""

import contextlib
import ctypes
import ctypes.util
import functools
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil
from pydantic import ValidationError

from reelqueue import failpoints
from reelqueue.errors import DiskFull
from reelqueue.models.frozen import Frozen
from storage import disk
from storage.answers import Missing
from storage.paths import BATCH_STATE, STATE

_DEAD_STATES = frozenset({"Z", "X", "x"})
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE, _TIME_NAMESPACE = Path("/proc/self/ns/pid"), Path("/proc/self/ns/time")
_FIRST_TIME_NAMESPACE = "time:[4026531834]"
"""The kernel's own number of the one that a machine starts with."""
_SECOND_NS = 1_000_000_000
_STAMP_ZERO_NS = 631_152_000 * _SECOND_NS
"""What a stamp shows for the start of the boot's clock: 1990, later than FAT's first day (1980), long before any time of
day that an owner of 0.1.0 wrote, and none that a machine without a battery starts in (1970, 2000)."""


T = TypeVar("T")


class Owner(Frozen):
    """One process's life.  `name` is what states hold: the host and a random id; opaque to everybody else."""

    name: str
    host: str
    boot: str
    pid_namespace: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> "Owner":
        """This process; the same each time it is asked."""
        return _owner_of(os.getpid())

    def is_gone(self) -> bool:
        """Whether the process surely lives no more: seen from the same host, boot and pid namespace only."""
        me = Owner.here()
        if not self.boot or (self.host, self.boot, self.pid_namespace) != (me.host, me.boot, me.pid_namespace):
            return False
        started = started_at(self.pid)
        return started is None or started not in {"", self.started}


class LeaseRecord(Frozen):
    """Who has a project in hand, and the piece that is being made ("" for none yet).

    `token` tells two take-overs of one process apart.
    """

    owner: Owner
    fence: int
    lease_seconds: float
    piece: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as it was found.  `record` is None where it can't be read: then only time decides."""

    record: LeaseRecord | None
    signature: tuple[bytes, int, int]

    def age(self, now: float) -> float | None:
        """Seconds since the last renewal by the boot's clock, which shows `now`; None where the stamp can't tell."""
        stamp_ns = self.signature[1]
        boot = Owner.here().boot
        if self.record is None or not boot or self.record.owner.boot != boot or stamp_ns % _SECOND_NS == 0:
            return None
        since = (stamp_ns - _STAMP_ZERO_NS) / _SECOND_NS
        return now - since if 0 <= since <= now else None


class LeaseFile:
    """`lease.json` of one folder.  All synchronous; each is one step of a thread hop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def see(self) -> Seen | None:
        """The record as it is now; None where nobody has the project.

        Raises:
            Unavailable: it can't be read.
        """
        try:
            with disk.translated(self._path), self._path.open("rb") as file:
                stat = os.fstat(file.fileno())
                body = file.read()
        except Missing:
            return None
        return Seen(_record(body), (body, stat.st_mtime_ns, stat.st_ino))

    def is_ours(self, record: LeaseRecord) -> bool:
        """Whether the record there is that of this take-over.

        Raises:
            Unavailable: that can't be known.
        """
        found = self.see()
        return found is not None and found.record is not None and _same(found.record, record)

    def claim(self, record: LeaseRecord, *, instead_of: Seen | None) -> bool:
        """Write our record if what is there is still `instead_of`; False where somebody was faster.

        Raises:
            Missing, DiskFull, Unavailable: see `disk`.
        """
        with disk.locked(self._path.parent):
            now = self.see()
            if (now and now.signature) != (instead_of and instead_of.signature):
                return False
            for state in (STATE, BATCH_STATE):
                disk.sweep_parts(self._path.with_name(state))
            self._write(record)
        return True

    def renew(self, record: LeaseRecord) -> bool:
        """Say that we are alive; False where the record is another's or gone.

        Raises:
            OSError: it could not be said.
        """
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False  # a successor has come and gone
        try:
            found = _record(os.read(fd, 65_536))
            if found is None or not _same(found, record):
                return False
            failpoints.hit("lease.renewing")
            _stamp(fd, time.monotonic_ns())
        finally:
            os.close(fd)
        return True

    def hold(self, record: LeaseRecord) -> bool:
        """Write our record again, with another piece in hand; False where it is another's or gone.

        Raises:
            Missing, DiskFull, Unavailable: see `disk`.
        """
        with disk.locked(self._path.parent):
            if not self.is_ours(record):
                return False
            self._write(record)
        return True

    def let_go(self, record: LeaseRecord, look: Callable[[], T | None], *, leaving: LeaseRecord | None = None) -> T | None:
        """Take our record away after a last `look` under the lock; where that gives something, give it back and keep the record.

        `leaving`: see `release`.

        Raises:
            Missing, Unavailable: it could not be taken away; time will free the project.
        """
        with disk.locked(self._path.parent):
            found = look()
            if found is None:
                self._take_away(record, leaving)
        return found

    def release(self, record: LeaseRecord, *, leaving: LeaseRecord | None = None) -> None:
        """Take our record away; another's stays.  `leaving` is a dead owner's that lay there before us.

        Raises:
            Unavailable: it could not be taken away; time will free the project.
        """
        try:
            with disk.locked(self._path.parent):
                self._take_away(record, leaving)
        except Missing:
            return

    def _take_away(self, record: LeaseRecord, leaving: LeaseRecord | None) -> None:
        if self.is_ours(record) and not (leaving is not None and self._written(leaving)):
            self._path.unlink(missing_ok=True)
            failpoints.hit("lease.released")

    def _written(self, dead: LeaseRecord) -> bool:
        try:
            self._write(dead, renewed_ns=1)  # it was dead when we came: nobody shall wait for it again
        except DiskFull:
            return False
        return True

    def _write(self, record: LeaseRecord, *, renewed_ns: int | None = None) -> None:
        disk.sweep_parts(self._path)
        with disk.translated(self._path):
            disk.place(self._path, record.model_dump_json().encode(), fence=record.fence, durable=False)
        with contextlib.suppress(OSError):  # a time of day until the next renewal
            _stamp(self._path, time.monotonic_ns() if renewed_ns is None else renewed_ns)


class Watch:
    """Judges records by their age; where that can't be known, by how long this process has seen them unchanged."""

    def __init__(self, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is the boot's own, in seconds."""
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._since: dict[Path, tuple[tuple[bytes, int, int], float]] = {}

    def is_alive(self, path: Path, seen: Seen) -> bool:
        """Whether the owner of the record at `path` may still be alive."""
        if seen.record is not None and seen.record.owner.is_gone():
            self.forget(path)
            return False
        now = self._clock()
        promised = max(self._lease_seconds, seen.record.lease_seconds if seen.record is not None else 0.0)
        age = seen.age(now)
        if age is not None:
            self.forget(path)
            return age < promised
        signature, since = self._since.get(path, (None, now))
        if signature != seen.signature:
            self._since[path] = (seen.signature, now)
            return True
        return now - since < promised

    def forget(self, path: Path) -> None:
        """Drop what is known of a record that is no more."""
        self._since.pop(path, None)


def started_at(pid: int) -> str | None:
    """When a process of this machine started, as an opaque text; None where it is gone, "" where that can't be known.

    A dead process whose parent has not asked for it yet (a zombie) is gone.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # it is there, and another user's
    return _started_on_linux(pid) if sys.platform == "linux" else _started_elsewhere(pid)


def _started_on_linux(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "" if _hidden(pid) else None
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()  # a program's name may hold blanks and brackets
    return None if fields[0] in _DEAD_STATES else fields[19]  # proc(5): 3 is the state, 22 the start in ticks since boot


def _hidden(pid: int) -> bool:
    """Whether the process is there although /proc does not show it (mounted with hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started_elsewhere(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.6f}"
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return ""


@functools.lru_cache(maxsize=4)
def _owner_of(pid: int) -> Owner:
    """The owner of this process; a forked child gets one of its own."""
    host = socket.gethostname() or "localhost"
    return Owner(
        name=f"{host}/{secrets.token_hex(8)}",
        host=host,
        boot=_boot_id(),
        pid_namespace=_namespace(_PID_NAMESPACE),
        pid=pid,
        started=started_at(pid) or "",
    )


def _stamp(file: int | Path, renewed_ns: int) -> None:
    stamp = _STAMP_ZERO_NS + renewed_ns
    stamp += stamp % _SECOND_NS == 0  # whole seconds mean a file system that knows no others
    os.utime(file, ns=(stamp, stamp))


def _boot_id() -> str:
    """What changes with each start of the machine, and with each clock on it; "" where it can't be known."""
    if sys.platform == "darwin":
        return _sysctl("kern.bootsessionuuid")
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
    clock = _namespace(_TIME_NAMESPACE)  # a container may have its own: start times and stamps differ there
    return boot if clock in {"", _FIRST_TIME_NAMESPACE} else f"{boot}/{clock}"


def _sysctl(name: str) -> str:
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    buffer = ctypes.create_string_buffer(64)
    size = ctypes.c_size_t(len(buffer))
    return buffer.value.decode() if library.sysctlbyname(name.encode(), buffer, ctypes.byref(size), None, 0) == 0 else ""


def _namespace(link: Path) -> str:
    """Two containers share a boot id, not their pids; "" where there is but one namespace."""
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _record(body: bytes) -> LeaseRecord | None:
    try:
        return LeaseRecord.model_validate_json(body)
    except ValidationError:
        return None


def _same(found: LeaseRecord, ours: LeaseRecord) -> bool:
    return (found.owner.name, found.fence, found.token) == (ours.owner.name, ours.fence, ours.token)
