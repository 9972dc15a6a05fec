"""What time it is: the machine's, or, in a test that crosses midnights, the machine's moved by what a file says.

Days of quota and money, waits and moments of publication go by `now`.  Leases, time-outs and Redis's queues go by the machine's
own clocks: `by_the_machine` takes a moment there.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

_NONE = timedelta(0)


class _Moved:
    """How far the clock is moved; read again whenever the file changes."""

    path: Path | None = None
    changed_ns = -1
    shift = _NONE

    def read(self) -> timedelta:
        """The shift that the file says; none where there is no file, or nothing in it yet."""
        if self.path is None:
            return _NONE
        try:
            changed_ns = self.path.stat().st_mtime_ns
            if changed_ns != self.changed_ns:
                self.shift = timedelta(seconds=float(self.path.read_text(encoding="utf-8").strip() or 0))
                self.changed_ns = changed_ns
        except FileNotFoundError:
            return _NONE
        return self.shift


_moved = _Moved()


def follow(path: Path | None) -> None:
    """From now on the clock of this process is moved by the seconds in this file; None: it is the machine's."""
    _moved.path, _moved.changed_ns, _moved.shift = path, -1, _NONE


def shift() -> timedelta:
    """How far the clock is moved."""
    return _moved.read()


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC) + shift()


def by_the_machine(moment: datetime) -> datetime:
    """When it is `moment`, by the machine's own clock."""
    return moment - shift()
