"""What was spent and used, by Pacific day: the quota of YouTube resets at midnight in Los Angeles.

`reserve` before the call, `settle` after it; both are idempotent by the call's key.  A crash between the two leaves
the reservation: it over-counts, which is the safe side.  `close` keeps what a service itself says.  Truth is on disk; Redis
holds copies for readers.
"""

import asyncio
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Self
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError

from reelqueue import clock, failpoints
from reelqueue.errors import NeedsPerson
from reelqueue.models.frozen import Frozen
from reelqueue.models.project import Usage, summed
from reelqueue.wording import Text
from storage import disk
from storage.answers import Exists, Missing, Stale, Unavailable
from storage.documents import Documents, Version
from storage.hop import hop
from storage.paths import Paths

PACIFIC = ZoneInfo("America/Los_Angeles")
LASTING = "lasting"
"""The folder of the accounts that no day ends."""
KEPT_SETTLED = 500
"""A key is settled again only where its first settlement was not known to have landed, seconds before."""
MOST_TRIES = 100
"""Of one change: each lost race means that another process's landed."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


def pacific_day(now: datetime) -> date:
    """The day in Los Angeles at `now` (aware)."""
    return now.astimezone(PACIFIC).date()


def pacific_midnight_after(now: datetime) -> datetime:
    """The next midnight in Los Angeles, in UTC; right on the days of 23 and of 25 hours too."""
    tomorrow = pacific_day(now) + timedelta(days=1)
    return datetime.combine(tomorrow, time(), PACIFIC).astimezone(UTC)


class Account(Frozen):
    """One bucket of one client on one day.

    Amounts are decimals; `used` counts reservations and what is settled; `settled` holds the last `KEPT_SETTLED` keys, so that
    an account stays small; `usage` are sums of what was paid for.  Until `closed_until` the service itself gives no more.
    `refused` is the smallest amount that there was no room for, None where there was for all.
    """

    cap: Decimal = Decimal(0)
    used: Decimal = Decimal(0)
    reservations: dict[str, Decimal] = Field(default_factory=dict)
    settled: dict[str, Decimal] = Field(default_factory=dict)
    usage: tuple[Usage, ...] = ()
    closed_until: datetime | None = None
    refused: Decimal | None = None

    def is_closed(self, now: datetime) -> bool:
        """Whether the service gives no more, by what it said itself."""
        return self.closed_until is not None and self.closed_until > now

    def has_room(self, amount: Decimal, cap: Decimal) -> bool:
        """Whether `amount` more fits under `cap`; 0 is no limit."""
        return cap <= 0 or self.used + amount <= cap

    @property
    def unsettled(self) -> Decimal:
        """What is reserved by calls that are under way, or whose outcome nobody knows."""
        return sum(self.reservations.values(), Decimal(0))

    def with_reservation(self, key: str, amount: Decimal) -> Self:
        """A copy that counts `amount` for `key`."""
        return self.replace(used=self.used + amount, reservations={**self.reservations, key: amount})

    def with_refusal(self, amount: Decimal) -> Self:
        """The account itself, or a copy that knows that `amount` was too much."""
        return self if self.refused is not None and self.refused <= amount else self.replace(refused=amount)

    def with_actual(self, key: str, amount: Decimal, usage: Iterable[Usage] = ()) -> Self:
        """A copy that counts what `key` really took."""
        before = self.reservations.get(key, Decimal(0))
        left = {name: value for name, value in self.reservations.items() if name != key}
        settled = dict(list({**self.settled, key: amount}.items())[-KEPT_SETTLED:])
        return self.replace(used=self.used - before + amount, reservations=left, settled=settled, usage=summed(self.usage, usage))


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted: whose (a client of a service), which limit of his, on which Pacific day; None: for good."""

    client: str
    name: str
    day: date | None

    def key(self) -> str:
        """Its document.

        Raises:
            ValueError: a name is more than letters, digits, `_` and `-`.
        """
        if not (_NAME.fullmatch(self.client) and _NAME.fullmatch(self.name)):
            raise ValueError(f"{self.client}.{self.name}")
        return f"ledger/{self.day.isoformat() if self.day is not None else LASTING}/{self.client}.{self.name}.json"


class Ledger:
    """The accounts below one `DATA_DIR`."""

    def __init__(self, paths: Paths) -> None:
        self._documents = Documents(paths.root)
        self._folder = paths.ledger
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def reserve(
        self, bucket: Bucket, key: str, amount: Decimal, *, cap: Decimal, now: datetime | None = None, spare: bool = False
    ) -> bool:
        """Count `amount` for the call `key`; False where the bucket is closed or has no room for it (nothing is counted then).

        `cap` 0 is no limit; `amount` 0 only asks.  A key that was reserved or settled before is counted already: True.
        `spare`: the cap is lowered for this call alone, so that a lack of room is not worth remembering.

        Raises:
            Unavailable, DiskFull: make no call.  NeedsPerson: the account can't be read.
        """
        granted = True

        def with_it(account: Account) -> Account:
            nonlocal granted
            granted = True
            if key in account.reservations or key in account.settled:
                return account
            granted = not account.is_closed(now or clock.now()) and account.has_room(amount, cap)
            if granted:
                return account.replace(cap=cap).with_reservation(key, amount) if amount else account
            return account if spare or account.has_room(amount, cap) else account.with_refusal(amount)

        await self._change(bucket, with_it)
        if granted and amount:
            await failpoints.reach("ledger.reserved")
        return granted

    async def settle(self, bucket: Bucket, key: str, amount: Decimal, usage: Iterable[Usage] = ()) -> None:
        """Count what the call `key` really took, 0 for a call that was not made; the first settlement of a key stays.

        `usage` is what was paid for by it.

        Raises:
            Unavailable, DiskFull: the reservation stays.  NeedsPerson: the account can't be read.
        """

        def with_it(account: Account) -> Account:
            return account if key in account.settled else account.with_actual(key, amount, usage)

        await self._change(bucket, with_it)
        await failpoints.reach("ledger.settled")

    async def close(self, bucket: Bucket, until: datetime | None) -> None:
        """Give nothing more from the bucket until `until`, as the service says; None opens it again.

        Raises:
            Unavailable, DiskFull: it is as it was.  NeedsPerson: the account can't be read.
        """
        await self._change(bucket, lambda account: account.replace(closed_until=until))

    async def raise_used(self, bucket: Bucket, used: Decimal) -> None:
        """Count at least `used`: the service has seen more than we did (another program uses the same client).

        Raises:
            Unavailable, DiskFull: it is as it was.  NeedsPerson: the account can't be read.
        """

        def with_it(account: Account) -> Account:
            return account if account.used >= used else account.replace(used=used)

        await self._change(bucket, with_it)

    async def account(self, bucket: Bucket) -> Account:
        """How the bucket stands.

        Raises:
            Unavailable: that can't be known.  NeedsPerson: the account can't be read.
        """
        return (await self._load(bucket))[0]

    async def forget_before(self, day: date, *, dry_run: bool = False) -> list[str]:
        """Remove the accounts of the days before `day`; returns which days went, or would go.  What has no day stays.

        Raises:
            Unavailable: some may still be there.
        """
        return await hop(self._forget_before, day, dry_run)

    def _forget_before(self, day: date, dry_run: bool) -> list[str]:
        with disk.translated(self._folder):
            if not self._folder.is_dir():
                return []
            old = sorted(path for path in self._folder.iterdir() if _DAY.fullmatch(path.name) and path.name < day.isoformat())
            for path in old if not dry_run else ():
                shutil.rmtree(path)
            return [path.name for path in old]

    async def _change(self, bucket: Bucket, change: Callable[[Account], Account]) -> None:
        """Change an account.  Of one process one call at a time tries: else a burst of them would starve each other."""
        turn = self._turns.setdefault(bucket.key(), asyncio.Lock())
        async with turn:
            for _ in range(MOST_TRIES):
                account, version = await self._load(bucket)
                changed = change(account)
                if changed is account or await self._landed(bucket, changed, version):
                    return
        raise Unavailable(bucket.key(), "others were always faster")

    async def _landed(self, bucket: Bucket, account: Account, version: Version | None) -> bool:
        """Write an account that nobody changed since; False where somebody did."""
        body = account.model_dump_json().encode()
        try:
            if version is None:
                await self._documents.create(bucket.key(), body)
            else:
                await self._documents.replace(bucket.key(), body, version)
        except (Exists, Stale, Missing):
            return False
        return True

    async def _load(self, bucket: Bucket) -> tuple[Account, Version | None]:
        try:
            body, version = await self._documents.load(bucket.key())
        except Missing:
            return Account(), None
        try:
            return Account.model_validate_json(body), version
        except ValidationError as error:
            raise _unreadable(bucket) from error


def _unreadable(bucket: Bucket) -> NeedsPerson:
    return NeedsPerson(
        Text(f"帳本 {bucket.key()} 無法讀取", f"the account {bucket.key()} can't be read"),
        Text("請從旁邊的 .prev 或備份還原", "restore it from the .prev beside it, or from a backup"),
    )
