"""What Google itself counts of YouTube's quota, held against our own count: another program may use the same client."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, time
from decimal import Decimal

import structlog

from jobs.standing import meter_bucket
from reelqueue.errors import DiskFull, NeedsPerson, ReelqueueError
from reelqueue.models.meter import Meter, Told
from reelqueue.providers.monitoring import Monitoring
from storage import Ledger
from storage.ledger import PACIFIC, pacific_day

MOST_SECONDS = 20.0
"""For all of Cloud Monitoring's answers together."""

log = structlog.get_logger(__name__)


async def reconcile(
    ledger: Ledger,
    meters: Sequence[Meter],
    opened: Callable[[], AbstractAsyncContextManager[Monitoring]] | None,
    now: datetime,
) -> bool:
    """Raise our count where Google saw more; never lowers it, for Google's count lags by minutes.

    A limit that is lower than our setting is warned about.  Returns whether every project was asked; what goes wrong is a
    warning in the log.
    """
    projects = sorted({meter.project for meter in meters if meter.project is not None})
    if opened is None or not projects:
        return False
    midnight = datetime.combine(pacific_day(now), time(), PACIFIC)
    try:
        async with asyncio.timeout(MOST_SECONDS), opened() as monitoring:
            for project in projects:
                told = await monitoring.told(project, midnight, now)
                for meter in meters:
                    if meter.project == project:
                        await _held_against(ledger, meter, told, now)
    except (DiskFull, NeedsPerson):
        raise
    except (ReelqueueError, TimeoutError) as error:
        hint = error.hint if isinstance(error, ReelqueueError) else ""
        log.warning("not_reconciled", error=str(error) or f"no answer within {MOST_SECONDS:g} s", hint=hint)
        return False
    return True


async def _held_against(ledger: Ledger, meter: Meter, told: Told, now: datetime) -> None:
    bucket, seen, limit = meter_bucket(meter, now), told.used.get(meter.name, 0), told.limits.get(meter.name)
    ours = (await ledger.account(bucket)).used
    if seen > ours:
        log.info("used_elsewhere", client=meter.client, bucket=meter.name, ours=int(ours), seen=seen)
        await ledger.raise_used(bucket, Decimal(seen))
    if limit is not None and meter.cap > limit:
        log.warning("quota_limit_lower", client=meter.client, bucket=meter.name, setting=meter.cap, limit=limit)
