"""What is left of each service, hourly: counted here, held against Google's own count, kept for readers; who waits is woken."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from redis.exceptions import RedisError

from jobs.context import Service, WorkerContext
from jobs.maintenance.owed import Paid, send_owed_captions
from jobs.maintenance.reconcile import reconcile
from jobs.maintenance.waking import wake_waiting
from jobs.spending import money_bucket
from jobs.standing import LOW_SHARE, standings
from reelqueue import clock, failpoints
from reelqueue.errors import ReelqueueError
from reelqueue.models.meter import Standing, Watched
from reelqueue.providers.registry import KINDS
from storage.ledger import pacific_day, pacific_midnight_after

QUOTAS_KEY = "reelqueue:quotas"
"""A copy of the whole answer for readers."""
QUOTAS_SECONDS = 7_200
QUOTA_PREFIX = "quota:"
"""A copy for each service: `quota:youtube`, JSON."""
QUOTA_SECONDS = 3_600
CAPTIONS_SECONDS = 25.0
"""For all captions that are owed together; Cloud Monitoring may have taken its time before."""

log = structlog.get_logger(__name__)


async def sync_quotas(ctx: WorkerContext) -> dict[str, Any]:
    """Look up what is left of each service; wake who waits for it; send captions that are owed.

    Reads: the ledger; Cloud Monitoring where a service account is set up; the states of unfinished projects.
    Writes: the ledger, where Google saw more than we did; `quota:<service>` in Redis for an hour, `reelqueue:quotas` for two.
    Costs: 400 units of YouTube's quota for each video whose captions are owed, from what is left.
    Repeats: harmless.

    Returns:
        `services`: for each kind of provider who it is, and `used`, `limit`, `remaining`, `resets_at` of its tightest bucket (null
        where there is none, or nobody knows), with all `buckets`.  `money` is the day's, in US dollars (`cap_usd` null: none).
        `reconciled`, `woken`, and `captions` beside it.
    """
    service, now = ctx["service"], clock.now()
    watched = await asyncio.to_thread(service.watched)
    reconciled = await reconcile(service.ledger, watched.meters, service.monitoring, now)
    await failpoints.reach("quota.reconciled")
    woken = await wake_waiting(service, watched, now)
    paid = await _owed(service)
    stand = await standings(service.ledger, watched.meters, now)
    _warn(stand)
    money = await _money(service, now)
    answer = {
        "status": "success",
        "checked_at": now.isoformat(timespec="seconds"),
        "services": _by_kind(watched, stand),
        "money": money,
        "reconciled": reconciled,
        "woken": woken,
        "captions": {"sent": paid.sent, "refused": paid.refused, "owed": paid.left},
    }
    await _kept(ctx, answer, _by_service(stand, answer["checked_at"]))
    return answer


async def _owed(service: Service) -> Paid:
    try:
        return await send_owed_captions(service, seconds=CAPTIONS_SECONDS)
    except ReelqueueError as error:
        log.warning("captions_not_sent", error=error.message)
        return Paid()


def _warn(stand: Sequence[Standing]) -> None:
    for one in stand:
        if one.share_left < LOW_SHARE:
            log.warning(
                "quota_low",
                service=one.service,
                client=one.client,
                bucket=one.bucket,
                remaining=one.remaining,
                limit=one.limit,
                resets_at=_moment(one.resets_at),
                closed=one.closed_until is not None,
            )


async def _money(service: Service, now: datetime) -> dict[str, Any]:
    account, cap = await service.ledger.account(money_bucket(pacific_day(now))), service.rules.daily_cost_cap_usd
    told = {"spent_usd": float(account.used), "reserved_usd": float(account.unsettled), "cap_usd": float(cap) or None}
    if cap and cap - account.used < cap * Decimal(str(LOW_SHARE)):
        log.warning("money_low", **told, resets_at=_moment(pacific_midnight_after(now)))
    return told


def _by_kind(watched: Watched, stand: Sequence[Standing]) -> dict[str, Any]:
    entries = {}
    for kind in KINDS:
        name = watched.chosen.get(kind, "local")
        draws = {(meter.client, meter.name) for meter in watched.meters if kind in meter.kinds and meter.service == name}
        buckets = [one for one in stand if (one.client, one.bucket) in draws]
        entries[kind] = {"provider": name, **_tightest(buckets), "buckets": [one.model_dump(mode="json") for one in buckets]}
    return entries


def _by_service(stand: Sequence[Standing], checked_at: Any) -> dict[str, Any]:
    services: dict[str, list[Standing]] = {}
    for one in stand:
        services.setdefault(one.service, []).append(one)
    return {
        name: {
            "service": name,
            "checked_at": checked_at,
            **_tightest(buckets),
            "low": any(one.share_left < LOW_SHARE for one in buckets),
            "buckets": [one.model_dump(mode="json") for one in buckets],
        }
        for name, buckets in services.items()
    }


def _tightest(buckets: Sequence[Standing]) -> dict[str, Any]:
    """The bucket of which the smallest share is left."""
    first = min(buckets, key=lambda one: one.share_left, default=None)
    if first is None:
        return {"unit": "calls", "used": None, "limit": None, "remaining": None, "resets_at": None}
    return {
        "unit": first.bucket if first.limit else "calls",
        "used": first.used,
        "limit": first.limit,
        "remaining": first.remaining,
        "resets_at": _moment(first.resets_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment is not None else None


async def _kept(ctx: WorkerContext, answer: Mapping[str, Any], services: Mapping[str, Any]) -> None:
    try:
        await ctx["redis"].set(QUOTAS_KEY, json.dumps(answer), ex=QUOTAS_SECONDS)
        for name, entry in services.items():
            await ctx["redis"].set(QUOTA_PREFIX + name, json.dumps(entry), ex=QUOTA_SECONDS)
    except (RedisError, OSError) as error:
        log.warning("quotas_not_kept", error=str(error))
