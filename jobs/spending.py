"""What a project may spend: every call that costs is reserved in the ledger before it, and settled after it.

Money is counted for the project, its channel and the day; quota by whoever owns it.  A call whose outcome nobody knows stays
counted at its estimate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import structlog

from reelqueue.errors import BudgetExhausted, DiskFull, NeedsPerson, QuotaExhausted, ReelqueueError, StorageUnavailable
from reelqueue.models.cost import Cost, Need
from reelqueue.models.project import Usage
from reelqueue.wording import Text
from storage import Bucket, Ledger
from storage.ledger import pacific_day, pacific_midnight_after

MONEY, USD = "money", "usd"
"""The account of all money of a day."""
NOBODY = "nobody"
"""Who pays for what belongs to no project."""

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Caps:
    """What may be spent, in US dollars; 0 is no limit.  `channel` is the one that the project is for."""

    daily_usd: Decimal = Decimal(0)
    project_usd: Decimal = Decimal(0)
    channel: str | None = None
    channel_daily_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Held:
    """What is reserved for one call: the buckets, each with its amount, and which of them are money."""

    key: str
    money: tuple[Bucket, ...] = ()
    quota: tuple[tuple[Bucket, Need], ...] = ()


def project_bucket(project_id: int | None) -> Bucket:
    """The account of all money that a project took, ever."""
    return Bucket(f"project-{project_id}" if project_id is not None else NOBODY, USD, None)


def bucket_of(need: Need, now: datetime) -> Bucket:
    """The account that a need is counted in."""
    return Bucket(need.client, need.name, None if need.lasting else pacific_day(now))


@dataclass(slots=True)
class Spender:
    """One project's hand on the ledger."""

    ledger: Ledger
    project_id: int | None
    caps: Caps
    now: Callable[[], datetime] = _now

    async def reserve(self, key: str, cost: Cost) -> Held:
        """Reserve what one call may take; all of it, or nothing.

        Raises:
            BudgetExhausted: it would pass a cost cap.  QuotaExhausted: a bucket has no room, or is closed.
            StorageUnavailable, DiskFull: make no call.
        """
        held = Held(key)
        for bucket, cap, until in self._purses(cost.usd):
            if not await self._counted(held, bucket, cost.usd, cap):
                raise await self._too_dear(bucket, cost.usd, cap, until)
            held = Held(key, (*held.money, bucket), held.quota)
        for need in cost.needs:
            bucket = bucket_of(need, self.now())
            if not await self._counted(held, bucket, Decimal(need.amount), Decimal(need.cap)):
                raise await self._used_up(bucket, need)
            held = Held(key, held.money, (*held.quota, (bucket, need)))
        return held

    async def _counted(self, held: Held, bucket: Bucket, amount: Decimal, cap: Decimal) -> bool:
        """Reserve in one bucket; where that can't be, what is held already is free again."""
        try:
            counted = await self.ledger.reserve(bucket, held.key, amount, cap=cap, now=self.now())
        except ReelqueueError:
            await self.release(held)
            raise
        if not counted:
            await self.release(held)
        return counted

    async def settle(self, held: Held, usage: tuple[Usage, ...] | None) -> None:
        """Count what the call really took; None: nobody knows, what was reserved stays counted.

        What can't be written stays reserved, which is the safe side: the call is made, and its result must not be lost for it.
        """
        try:
            for bucket, need in held.quota:
                if need.amount:
                    await self.ledger.settle(bucket, held.key, Decimal(need.amount))
            if usage is None:
                return
            spent = sum((Decimal(str(use.cost_usd)) for use in usage), Decimal(0))
            for bucket in held.money:
                await self.ledger.settle(bucket, held.key, spent, usage)
        except (StorageUnavailable, DiskFull, NeedsPerson) as error:
            log.warning("not_settled", error=error.message)

    async def release(self, held: Held) -> None:
        """No call was made: what was reserved is free again."""
        try:
            for bucket in (*held.money, *(bucket for bucket, need in held.quota if need.amount)):
                await self.ledger.settle(bucket, held.key, Decimal(0))
        except (StorageUnavailable, DiskFull, NeedsPerson) as error:
            log.warning("not_released", error=error.message)

    async def close(self, held: Held, error: QuotaExhausted) -> None:
        """Keep what the service said: nobody asks it again before the quota is there again."""
        for bucket, need in held.quota:
            named = error.closes == need.name or (error.closes == "channel" and need.lasting)
            if error.closes is not None and named:
                try:
                    await self.ledger.close(bucket, error.until)
                except (StorageUnavailable, DiskFull, NeedsPerson) as met:
                    log.warning("not_closed", error=met.message)

    async def usage(self) -> tuple[Usage, ...]:
        """All that the project was billed for, as far as it is known.  Raises StorageUnavailable, NeedsPerson."""
        return (await self.ledger.account(project_bucket(self.project_id))).usage

    def _purses(self, usd: Decimal) -> list[tuple[Bucket, Decimal, datetime | None]]:
        """The accounts that the money is counted in, each with its cap and when it has room again by itself."""
        if not usd:
            return []
        day, midnight = pacific_day(self.now()), pacific_midnight_after(self.now())
        purses: list[tuple[Bucket, Decimal, datetime | None]] = [
            (project_bucket(self.project_id), self.caps.project_usd if self.project_id is not None else Decimal(0), None)
        ]
        if self.caps.channel is not None and self.caps.channel_daily_usd:
            purses.append((Bucket(f"channel-{self.caps.channel}", USD, day), self.caps.channel_daily_usd, midnight))
        return [*purses, (Bucket(MONEY, USD, day), self.caps.daily_usd, midnight)]

    async def _too_dear(self, bucket: Bucket, usd: Decimal, cap: Decimal, until: datetime | None) -> BudgetExhausted:
        used = (await self.ledger.account(bucket)).used
        if bucket.client == MONEY:
            setting, whose = "DAILY_COST_CAP_USD", Text("今天", "today")
        elif until is None:
            setting, whose = "PROJECT_COST_CAP_USD", Text("這個專案", "this project")
        else:
            setting, whose = "daily_cost_cap_usd", Text(f"頻道 {self.caps.channel} 今天", f"channel {self.caps.channel} today")
        raised = Text(f"調高 {setting} 再執行 reelqueue retry", f"raise {setting}, then reelqueue retry")
        by_itself = Text(
            f"太平洋時間午夜後會自動繼續；或{raised.zh}", f"it goes on by itself after midnight Pacific time; or {raised.en}"
        )
        return BudgetExhausted(
            Text(
                f"下一次呼叫最多 {usd:.4f} 美元，會超過上限：{whose.zh}已用 {used:.4f}，上限 {cap}（{setting}）",
                f"the next call may cost {usd:.4f} US dollars, which would pass the cap: {whose.en} took {used:.4f} of {cap} ({setting})",
            ),
            raised if until is None else by_itself,
            until=until,
        )

    async def _used_up(self, bucket: Bucket, need: Need) -> QuotaExhausted:
        account = await self.ledger.account(bucket)
        until = account.closed_until if account.is_closed(self.now()) else pacific_midnight_after(self.now())
        return QuotaExhausted(
            Text(
                f"{need.client} 的 {need.name} 配額已用完（{account.used} / {need.cap or '?'}）",
                f"the quota {need.name} of {need.client} is used up ({account.used} of {need.cap or '?'})",
            ),
            Text("重置後會自動繼續；用 reelqueue quotas 查看", "it goes on by itself after the reset; reelqueue quotas shows it"),
            until=until,
        )
