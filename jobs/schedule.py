"""THE CLOCK: every job that runs by itself, and when.  Pure data; times are UTC.

What `recover_interrupted` does is done by every worker at its start, too.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job of the maintenance queue is due.  None is "each"."""

    job: str
    hour: int | None
    minute: int | None
    timeout_s: float


SCHEDULE: tuple[Schedule, ...] = (
    Schedule("sync_quotas", hour=None, minute=0, timeout_s=60),
    Schedule("recover_interrupted", hour=None, minute=None, timeout_s=60),
    Schedule("cleanup", hour=19, minute=30, timeout_s=600),  # 03:30 in Taipei
)
