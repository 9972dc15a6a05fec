"""Days that pass at a word: the clocks of the workers and of the services elsewhere, moved together over Pacific midnights."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from reelqueue import clock
from reelqueue.sandbox import Sandbox
from storage.ledger import PACIFIC, pacific_midnight_after

NOON = time(12)
AFTER_MIDNIGHT = timedelta(minutes=1)


class Days:
    """`file` is what TEST_CLOCK_FILE names."""

    def __init__(self, sandbox: Sandbox, file: Path) -> None:
        self._sandbox, self.file = sandbox, file
        self._shift = timedelta()

    def move(self, by: timedelta) -> None:
        """Go on by so much.  The services first: theirs is never the earlier day."""
        self._shift += by
        self._sandbox.clock.move(by)
        part = self.file.with_suffix(".part")
        part.write_text(str(self._shift.total_seconds()), encoding="ascii")
        part.replace(self.file)  # never half a number: the clock would jump back

    def next(self) -> datetime:
        """Go on to the next day, a minute after its midnight; the new time."""
        self.move(pacific_midnight_after(clock.now()) - clock.now() + AFTER_MIDNIGHT)
        return clock.now()


@contextlib.contextmanager
def passing(sandbox: Sandbox, file: Path) -> Iterator[Days]:
    """Days that begin at a noon in California, and this process goes by them; afterwards by the machine's clock again."""
    days = Days(sandbox, file)
    now = datetime.now(UTC)
    noon = datetime.combine(now.astimezone(PACIFIC).date() + timedelta(days=1), NOON, PACIFIC)
    days.move(noon.astimezone(UTC) - now)
    clock.follow(file)
    try:
        yield days
    finally:
        clock.follow(None)
