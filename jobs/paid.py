"""What was paid for, read from the ledger on disk: by day, by channel, or by one project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from jobs.spending import Caps, channel_bucket, money_bucket, project_bucket
from reelqueue.models.project import Usage, summed
from storage import Ledger
from storage.ledger import Account

NO_ACCOUNT = Account()


@dataclass(frozen=True, slots=True)
class Paid:
    """What one account of money took, in US dollars: `used` counts what is `reserved`, too.  `cap` 0 is none, None: there can be none."""

    account: Account = NO_ACCOUNT
    cap: Decimal | None = None

    @property
    def used(self) -> Decimal:
        """Spent, and reserved for calls that are under way or whose outcome nobody knows."""
        return self.account.used

    @property
    def reserved(self) -> Decimal:
        """That part of it."""
        return self.account.unsettled

    @property
    def usage(self) -> Sequence[Usage]:
        """What it was paid for."""
        return self.account.usage


@dataclass(frozen=True, slots=True)
class PaidLately:
    """The last days, the newest first (Pacific), and the channels that have a cap of their own, today."""

    days: Mapping[date, Paid]
    channels: Mapping[str, Paid]

    @property
    def today(self) -> Paid:
        """The newest of the days."""
        return next(iter(self.days.values()))

    def total(self, days: int) -> Paid:
        """So many of the last days together."""
        accounts = [paid.account for paid in list(self.days.values())[:days]]
        usage: tuple[Usage, ...] = ()
        for account in accounts:
            usage = summed(usage, account.usage)
        return Paid(
            Account(
                used=sum((account.used for account in accounts), Decimal(0)),
                reservations={str(place): account.unsettled for place, account in enumerate(accounts) if account.unsettled},
                usage=usage,
            )
        )


async def paid_lately(
    ledger: Ledger, today: date, days: int, caps: Caps, channel_caps: Mapping[str, Decimal | None]
) -> PaidLately:
    """The last `days` until `today`; `channel_caps` are those of the channels that have one, in US dollars a day.

    Raises:
        StorageUnavailable, NeedsPerson: an account can't be read.
    """
    last = [today - timedelta(days=back) for back in range(days)]
    found = {day: Paid(await ledger.account(money_bucket(day))) for day in last}
    found[today] = Paid(found[today].account, caps.daily_usd)
    channels = {name: Paid(await ledger.account(channel_bucket(name, today)), cap) for name, cap in channel_caps.items() if cap}
    return PaidLately(found, channels)


async def paid_for(ledger: Ledger, project_id: int, caps: Caps) -> Paid:
    """What one project took, ever.

    Raises:
        StorageUnavailable, NeedsPerson: its account can't be read.
    """
    return Paid(await ledger.account(project_bucket(project_id)), caps.project_usd)
