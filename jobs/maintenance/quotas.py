"""What is left of each service."""

import json
from datetime import UTC, datetime
from typing import Any

import structlog
from redis.exceptions import RedisError

from jobs.context import WorkerContext
from reelqueue.models.brief import Brief

QUOTAS_KEY = "reelqueue:quotas"
"""A copy for readers: JSON, the services by name."""
QUOTAS_SECONDS = 7_200

log = structlog.get_logger(__name__)


async def sync_quotas(ctx: WorkerContext) -> dict[str, Any]:
    """Look up what is left of each service, and keep a copy for readers.

    Reads: the providers.  Local ones have no quota: `limit` and `remaining` are null.
    Writes: `reelqueue:quotas` in Redis, for two hours.
    Costs: nothing.
    Repeats: harmless.
    """
    providers = ctx["service"].choice.chosen(Brief(topic="-"))
    kinds = ("script", "image", "voice", "presenter", "publisher")
    services = {kind: _local(getattr(providers, kind).name) for kind in kinds}
    answer = {"status": "success", "checked_at": datetime.now(UTC).isoformat(timespec="seconds"), "services": services}
    try:
        await ctx["redis"].set(QUOTAS_KEY, json.dumps(answer), ex=QUOTAS_SECONDS)
    except (RedisError, OSError) as error:
        log.warning("quotas_not_kept", error=str(error))
    return answer


def _local(name: str) -> dict[str, Any]:
    return {"provider": name, "unit": "calls", "used": None, "limit": None, "remaining": None, "resets_at": None}
