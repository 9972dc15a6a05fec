"""What to do about an error.  Pure: delays, an error and a count go in, a decision comes out.

The only place that decides on a retry.  Adapters never retry, SDK retries are off.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from reelqueue.errors import DiskFull, Fenced, Parked, PermanentError, ProjectCancelled, ReelqueueError, TransientError


@dataclass(frozen=True, slots=True)
class RetryIn:
    """Once more, after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Not now, and no attempt is used.  `until` is None where a person has to act."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It failed."""


Decision = RetryIn | WaitUntil | GiveUp


def decide(error: BaseException, *, attempt: int, delays: Sequence[float]) -> Decision:
    """What follows `error`, met in the `attempt`-th attempt (from 1).

    After a transient error the pause is the next of `delays`, or the service's own where that is longer; their number is the number
    of retries, or `most_retries` of the error where that is less.
    """
    if isinstance(error, Parked):
        return WaitUntil(error.until)
    if isinstance(error, TransientError) and attempt <= _retries(error, delays):
        return RetryIn(max(delays[attempt - 1], error.retry_after or 0.0))
    return GiveUp()


def _retries(error: TransientError, delays: Sequence[float]) -> int:
    return len(delays) if error.most_retries is None else min(len(delays), error.most_retries)


def decisive(error: BaseException) -> BaseException:
    """Of several errors that came together the one that decides; of one, itself.

    Whoever lost the project may say nothing more; a cancel ends all; what parks would go better later, so it wins over
    what fails; a bug must not hide behind a service's error.
    """
    return min(_leaves(error), key=_rank)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _rank(error: BaseException) -> int:
    order: tuple[type[BaseException], ...] = (
        Fenced, ProjectCancelled, DiskFull, Parked, PermanentError, TransientError, ReelqueueError,
    )  # fmt: skip
    bug_rank = 4
    for rank, kind in enumerate(order):
        if isinstance(error, kind):
            return rank if rank < bug_rank else rank + 1
    return bug_rank
