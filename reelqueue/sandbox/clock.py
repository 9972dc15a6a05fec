"""The sandbox's clock: the machine's, moved forward or back by order, so that a quota day ends when a test says so."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")
"""Where the days of Google's quotas begin and end."""


class Clock:
    """Tells what time it is in the sandbox.  It runs; only its distance from the machine's clock is ours."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.now(UTC) + self._ahead

    def move(self, by: timedelta) -> datetime:
        """Go `by` further (negative: back); returns the new time."""
        self._ahead += by
        return self.now()

    def pacific_day(self) -> str:
        """The quota day that is running, as `YYYY-MM-DD`."""
        return self.now().astimezone(PACIFIC).date().isoformat()

    def next_day(self) -> datetime:
        """When the next quota day begins, in UTC: midnight in California, whatever its summer time does."""
        tomorrow = self.now().astimezone(PACIFIC).date() + timedelta(days=1)
        return datetime.combine(tomorrow, time(), PACIFIC).astimezone(UTC)
