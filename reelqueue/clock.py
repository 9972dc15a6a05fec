"""What time it is: the machine's, or, in a test that crosses midnights, the machine's moved by what a file says.

Days of quota and money, waits and moments of publication go by `now`.  Leases, time-outs and Redis's queues go by the machine's
own clocks: `by_the_machine` takes a moment there.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from reelqueue.errors import InvalidSettings
from reelqueue.wording import Text

_NONE = timedelta(0)
MOST = timedelta(days=10 * 365)
"""Further no test has to go, and a moment is still one."""
APART = timedelta(minutes=1)
"""So far apart the clocks of two machines may be."""


class _Moved:
    """How far the clock is moved; read again whenever the file changes."""

    path: Path | None = None
    changed_ns = -1
    shift = _NONE

    def read(self) -> timedelta:
        """The shift that the file says; none where there is no file, or nothing in it yet.  One that says nonsense changes nothing."""
        if self.path is None:
            return _NONE
        try:
            changed_ns = self.path.stat().st_mtime_ns
            if changed_ns != self.changed_ns:
                self.shift = _shift_in(self.path)
                self.changed_ns = changed_ns
        except FileNotFoundError:
            return _NONE
        except (ValueError, OSError):
            return self.shift
        return self.shift


def _shift_in(path: Path) -> timedelta:
    """What a file says.

    Raises:
        OSError: it can't be read.  ValueError: it says something else than seconds.
    """
    seconds = float(path.read_text(encoding="utf-8").strip() or 0)
    if not abs(seconds) <= MOST.total_seconds():  # NaN, too
        raise ValueError(seconds)
    return timedelta(seconds=seconds)


_moved = _Moved()


def follow(path: Path | None) -> None:
    """From now on the clock of this process is moved by the seconds in this file; None: it is the machine's.

    Raises:
        InvalidSettings: the file says something else than seconds; the clock is as it was.
    """
    try:
        if path is not None:
            _shift_in(path)
    except FileNotFoundError:
        pass  # it may come
    except (ValueError, OSError):
        allowed = Text(
            f"一個檔案，裡面是秒數，最多 {MOST.days} 天；只供測試使用",
            f"a file with a number of seconds in it, {MOST.days} days at most; for tests only",
        )
        raise InvalidSettings("TEST_CLOCK_FILE", allowed, str(path)) from None
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


def was_set_back_since(noted: datetime) -> bool:
    """Whether what was noted as now is still to come: a moment that was reckoned from it then is no time to wait for."""
    return noted > now() + APART
