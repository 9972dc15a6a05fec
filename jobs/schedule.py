"""THE CLOCK: every job that runs by itself, and when.  Pure data; times are UTC.

A run that was missed while nothing ran is made up once: `recover_interrupted` is due each minute anyway, and
`sync_quotas` and `cleanup` are run by a maintenance worker at its start.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job of the maintenance queue is due.  None is "each"."""

    job: str
    hour: int | None
    minute: int | None
    timeout_s: float
    at_start: bool


SCHEDULE: tuple[Schedule, ...] = (
    Schedule("sync_quotas", hour=None, minute=0, timeout_s=60, at_start=True),
    Schedule("recover_interrupted", hour=None, minute=None, timeout_s=60, at_start=True),
    Schedule("cleanup", hour=19, minute=30, timeout_s=600, at_start=True),  # 03:30 in Taipei
)
