"""What there is for a batch today: places of the workers that live, room in each bucket, money under the caps."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arq.connections import ArqRedis
from redis.exceptions import RedisError

from jobs.batch.course import Key, Stock
from jobs.keeper import HEARTBEAT_PREFIX
from jobs.pipeline import VIDEO
from jobs.spending import MONEY, USD, bucket_of, channel_bucket, money_bucket
from jobs.worker import WORKERS_PREFIX
from reelqueue.models.channel import Channel
from reelqueue.models.cost import Need
from storage import Ledger
from storage.ledger import pacific_day

LOOKED_SECONDS = 20.0
"""How old a worker's last look at its queue may be."""
USUAL_HEAVY, USUAL_WAIT = 2, 8


@dataclass(frozen=True, slots=True)
class Places:
    """How many jobs run at once: those that load the CPU, and those that wait for a service."""

    heavy: int = USUAL_HEAVY
    wait: int = USUAL_WAIT

    @property
    def for_batches(self) -> "Places":
        """What a batch gets of them: one place that waits is kept for single projects."""
        return Places(max(1, self.heavy), max(1, self.wait - 1))


async def live_places(redis: ArqRedis, otherwise: Places) -> Places:
    """The places of all video workers that live; `otherwise` where none does, or nobody knows."""
    try:
        since_ms = (time.time() - LOOKED_SECONDS) * 1000
        names = await redis.zrangebyscore(WORKERS_PREFIX + VIDEO, since_ms, "+inf")
        beats = await redis.mget([HEARTBEAT_PREFIX.encode() + name for name in names]) if names else []
    except (RedisError, OSError):
        return otherwise
    each = [_places_of(beat) for beat in beats]
    return Places(sum(one.heavy for one in each), sum(one.wait for one in each)) if each else otherwise


def _places_of(beat: bytes | None) -> Places:
    try:
        said: Any = json.loads(beat or b"")["places"]
        return Places(max(1, int(said["cpu"])), max(1, int(said["wait"])))
    except (ValueError, KeyError, TypeError):
        return Places()  # a worker before 0.4, by its defaults


def key_of(need: Need) -> Key:
    """The bucket that a need is drawn from."""
    return Key(need.client, need.name)


async def stocks_of(ledger: Ledger, needs: Iterable[Need], now: datetime) -> dict[Key, Stock]:
    """How the buckets of these needs stand.

    Raises:
        StorageUnavailable, NeedsPerson: an account can't be read.
    """
    found: dict[Key, Stock] = {}
    for need in needs:
        if key_of(need) in found:
            continue
        account = await ledger.account(bucket_of(need, now))
        closed = (account.closed_until - now) / timedelta(seconds=1) if account.closed_until is not None else 0.0
        found[key_of(need)] = Stock(float(need.cap), float(account.used), max(0.0, closed))
    return found


ALL_MONEY = Key(MONEY, USD)


async def purses_of(ledger: Ledger, channels: Iterable[Channel], daily_usd: Decimal, now: datetime) -> dict[Key, Stock]:
    """The money that the caps leave: the day's, and that of each channel with a cap of its own.

    Raises:
        StorageUnavailable, NeedsPerson: an account can't be read.
    """
    day = pacific_day(now)
    found = {ALL_MONEY: Stock(float(daily_usd), float((await ledger.account(money_bucket(day))).used))}
    for channel in channels:
        if channel.daily_cost_cap_usd:
            bucket = channel_bucket(channel.name, day)
            account = await ledger.account(bucket)
            found[Key(bucket.client, bucket.name)] = Stock(float(channel.daily_cost_cap_usd), float(account.used))
    return found
