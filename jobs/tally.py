"""What is counted, and under which names: written at the place where a thing happens, read by `numbers`.

Totals have Prometheus's names (docs/metrics.md).  Beside them stand rollups by the minute, whose fields are:

    r:<stage>:<outcome>    attempts that ended            p           videos published
    h:<stage>:<place>      of those that ended ok, how    t:<place>   of those, how long from the project's start to
                           many took up to BUCKETS_S      ts          publication, by bucket; and the sum in seconds
    s:<stage>  w:<stage>   seconds of those that ended    max:w:<queue>  max:a:<queue>  max:r:<queue>
                           ok, and of all                 most that waited, the longest wait in seconds, most that ran
"""

import json
from bisect import bisect_left
from datetime import datetime
from typing import Literal

from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError, OutOfMemoryError, ReadOnlyError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from reelqueue.models.numbers import BUCKETS_S, Outcome, RunRecord
from reelqueue.models.stage import Stage
from reelqueue.tally import TALLY, labelled

RUNS, DURATION = "reelqueue_stage_runs_total", "reelqueue_stage_duration_seconds"
PUBLISHED, TO_PUBLISH = "reelqueue_published_total", "reelqueue_time_to_publish_seconds"
DUPLICATES, RECONCILED = "reelqueue_duplicate_hints_total", "reelqueue_reconcile_actions_total"
PAID, COST = "reelqueue_paid_calls_total", "reelqueue_cost_usd_total"
REDIS_ERRORS = "reelqueue_redis_errors_total"
LARGEST = "max:reelqueue_largest_video_bytes"
"""A gauge among the totals: the largest video that was ever rendered."""

_KINDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((RedisTimeoutError, TimeoutError), "timeout"),
    ((AuthenticationError, NoPermissionError), "refused"),
    ((BusyLoadingError,), "loading"),
    ((OutOfMemoryError,), "memory"),
    ((ReadOnlyError,), "read_only"),
    ((RedisConnectionError, OSError), "connection"),
)
"""The first that fits: some are kinds of later ones."""

Action = Literal["hint_renewed", "batch_hint_renewed", "job_freed"]
CallOutcome = Literal["ok", "error", "unknown"]
"""A paid call was answered; was refused or failed, which may have cost something; nobody knows what became of it."""


def ok_bucket(stage: Stage, place: int) -> str:
    """The rollup's field of one bucket of a stage's durations; place `len(BUCKETS_S)` is +Inf."""
    return f"h:{stage}:{place}"


def run_field(stage: Stage, outcome: Outcome) -> str:
    """The rollup's field of attempts that ended so."""
    return f"r:{stage}:{outcome}"


def bucket_key(name: str, place: int, **labels: str) -> str:
    """A histogram's bucket among the totals: those that fell into this one alone, not into the ones below it."""
    return labelled(f"{name}_bucket", le="+Inf" if place == len(BUCKETS_S) else f"{BUCKETS_S[place]:g}", **labels)


def sum_key(name: str, **labels: str) -> str:
    """A histogram's sum among the totals."""
    return labelled(f"{name}_sum", **labels)


def stage_ended(
    stage: Stage,
    outcome: Outcome,
    *,
    project_id: int,
    now: datetime,
    seconds: float | None = None,
    worker: str = "",
    code: str = "",
) -> None:
    """An attempt ended; `seconds` None where it never began, or nobody knows how long it took."""
    TALLY.count(RUNS, stage=str(stage), outcome=outcome)
    fields = {run_field(stage, outcome): 1.0}
    if seconds is not None:
        took = round(max(0.0, seconds), 3)
        fields[f"w:{stage}"] = took
        if outcome == "ok":
            place = bisect_left(BUCKETS_S, took)
            fields |= {f"s:{stage}": took, ok_bucket(stage, place): 1.0}
            TALLY.count(bucket_key(DURATION, place, stage=str(stage)))
            TALLY.count(sum_key(DURATION, stage=str(stage)), took)
    TALLY.note(fields, minute=_minute(now))
    run = RunRecord(
        project_id=project_id, stage=stage, outcome=outcome, ended_at=now, duration_s=seconds, worker=worker, code=code
    )
    TALLY.record(int(now.timestamp() * 1000), json.dumps(run.model_dump(mode="json")))
    TALLY.hurry()


def published(now: datetime, seconds: float | None) -> None:
    """A video is published, so long after its project was started; None: nobody knows."""
    TALLY.count(PUBLISHED)
    fields = {"p": 1.0}
    if seconds is not None:
        took = round(max(0.0, seconds), 3)
        place = bisect_left(BUCKETS_S, took)
        fields |= {f"t:{place}": 1.0, "ts": took}
        TALLY.count(bucket_key(TO_PUBLISH, place))
        TALLY.count(sum_key(TO_PUBLISH), took)
    TALLY.note(fields, minute=_minute(now))


def queue_stood(queue: str, now: datetime, *, waiting: int, oldest_s: float | None, running: int) -> None:
    """How a queue stands at a sample."""
    fields = {f"max:w:{queue}": float(waiting), f"max:r:{queue}": float(running), f"max:a:{queue}": round(oldest_s or 0.0, 1)}
    TALLY.note(fields, minute=_minute(now))


def rendered(size_bytes: int) -> None:
    """A video was made."""
    TALLY.count(LARGEST, float(size_bytes))


def found_done() -> None:
    """A hint came for what was done, or in hand, already."""
    TALLY.count(DUPLICATES)


def paid(provider: str, outcome: CallOutcome, usd: float = 0.0) -> None:
    """A call that costs money or quota came to its end."""
    TALLY.count(PAID, provider=provider, outcome=outcome)
    if usd:
        TALLY.count(COST, usd, provider=provider)


def reconciled(action: Action, number: int) -> None:
    """So much was put back that nobody worked on although somebody should."""
    if number:
        TALLY.count(RECONCILED, number, action=action)


def redis_failed(error: BaseException) -> None:
    """A call to Redis failed."""
    TALLY.count(REDIS_ERRORS, kind=kind_of(error))


def kind_of(error: BaseException) -> str:
    """What kind of failure of Redis it was, as a label: of a few values only."""
    if "MISCONF" in str(error):
        return "disk"
    return next((kind for kinds, kind in _KINDS if isinstance(error, kinds)), "other")


def _minute(now: datetime) -> int:
    return int(now.timestamp() // 60)
