"""How each bucket of quota stands, by the ledger on disk."""

from collections.abc import Iterable
from datetime import datetime

from jobs.spending import bucket_of
from reelqueue.models.cost import Need
from reelqueue.models.meter import Meter, Standing
from storage import Bucket, Ledger
from storage.ledger import Account, pacific_midnight_after

LOW_SHARE = 0.1
"""Of what is left of a bucket: below it, the operator is warned."""


def meter_bucket(meter: Meter, now: datetime) -> Bucket:
    """The account that a meter reads."""
    return bucket_of(Need(client=meter.client, name=meter.name, lasting=meter.lasting), now)


def standing(meter: Meter, account: Account, now: datetime) -> Standing:
    """How one bucket stands at `now`, by its account."""
    used, closed = int(account.used), account.closed_until if account.is_closed(now) else None
    left = max(0, meter.cap - used) if meter.cap else None
    return Standing(
        service=meter.service,
        client=meter.client,
        bucket=meter.name,
        channels=meter.channels,
        used=used,
        reserved=int(account.unsettled),
        limit=meter.cap or None,
        remaining=0 if closed else left,
        resets_at=closed if meter.lasting else pacific_midnight_after(now),
        closed_until=closed,
    )


async def standings(ledger: Ledger, meters: Iterable[Meter], now: datetime) -> list[Standing]:
    """How every bucket stands.

    Raises:
        StorageUnavailable, NeedsPerson: an account can't be read.
    """
    return [standing(meter, await ledger.account(meter_bucket(meter, now)), now) for meter in meters]
