"""THE CLOCK: every job that runs by itself, and when.  Pure data; times are those of the zone in settings.timezone.

One that was missed while nothing ran is made up once; see `clock.py`.  What `recover_interrupted` does is done by every
worker at its start, too.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job of the maintenance queue is due: `cron` is minute, hour, day of month, month, day of week."""

    job: str
    cron: str
    timeout_s: float

    @property
    def minute(self) -> int | None:
        """The minute as arq wants it; None is "each".

        Raises:
            ValueError: `cron` says more than an hour and a minute; arq's own clock can't be told.
        """
        return self._simple()[0]

    @property
    def hour(self) -> int | None:
        """The hour; see `minute`."""
        return self._simple()[1]

    def _simple(self) -> tuple[int | None, int | None]:
        minute, hour, *rest = self.cron.split()
        if rest != ["*", "*", "*"]:
            raise ValueError(f"{self.cron!r} is more than an hour and a minute")
        return None if minute == "*" else int(minute), None if hour == "*" else int(hour)


SCHEDULE: tuple[Schedule, ...] = (
    Schedule("sync_quotas", "0 * * * *", timeout_s=60),
    Schedule("recover_interrupted", "* * * * *", timeout_s=60),
    Schedule("cleanup", "30 3 * * *", timeout_s=600),
)
