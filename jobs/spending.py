"""What a project may spend: every call that costs is reserved in the ledger before it, and settled after it.

Money is counted for the project, its channel and the day; quota by whoever owns it.  A call whose outcome nobody knows stays
counted at its estimate.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

import structlog

from jobs import tally
from reelqueue import clock
from reelqueue.errors import BudgetExhausted, DiskFull, NeedsPerson, QuotaExhausted, ReelqueueError, StorageUnavailable
from reelqueue.models.buckets import CHANNEL, CLOSED, channel_client, in_words
from reelqueue.models.cost import Cost, Need
from reelqueue.models.project import Usage
from reelqueue.wording import Text
from storage import Bucket, Ledger
from storage.ledger import pacific_day, pacific_midnight_after

MONEY, USD = "money", "usd"
NOBODY = "nobody"
"""Who pays for what belongs to no project."""

MOST_PATIENCE_S = 180.0
"""How long a call waits for money that others of its project hold: longer than one of them takes."""

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return clock.now()


@dataclass(frozen=True, slots=True)
class Caps:
    """What may be spent, in US dollars; 0 is no limit.  `channel` is the one that the project is for."""

    daily_usd: Decimal = Decimal(0)
    project_usd: Decimal = Decimal(0)
    channel: str | None = None
    channel_daily_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Purse:
    """An account that money is counted in, its cap, and when it has room again by itself (None: when a person raises it)."""

    bucket: Bucket
    cap: Decimal
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """What is reserved for one call: the buckets, each with its amount, and which of them are money."""

    key: str
    money: tuple[Bucket, ...] = ()
    quota: tuple[tuple[Bucket, Need], ...] = ()

    @property
    def provider(self) -> str:
        """Whose call it is: "gemini", "youtube"; "other" where it takes no quota that would say so."""
        owners = (need.client.partition("-")[0] for _, need in self.quota)
        return next((owner for owner in owners if owner != CHANNEL), "other")


async def _heard(news: asyncio.Event, seconds: float) -> bool:
    """Whether there is news within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return False
    return True


def project_bucket(project_id: int | None) -> Bucket:
    """The account of all money that a project took, ever."""
    return Bucket(f"project-{project_id}" if project_id is not None else NOBODY, USD, None)


def channel_bucket(name: str, day: date) -> Bucket:
    """The account of the money that one channel's projects took on a day; kept only where it has a cap of its own."""
    return Bucket(channel_client(name), USD, day)


def money_bucket(day: date) -> Bucket:
    """The account of all money of a day."""
    return Bucket(MONEY, USD, day)


def bucket_of(need: Need, now: datetime) -> Bucket:
    """The account that a need is counted in."""
    return Bucket(need.client, need.name, None if need.lasting else pacific_day(now))


@dataclass(slots=True)
class Spender:
    """One project's hand on the ledger.

    `under_way` are the keys of its own calls that hold money, `news` is set when one of them ends; they reserve in `turn`.
    """

    ledger: Ledger
    project_id: int | None
    caps: Caps
    now: Callable[[], datetime] = _now
    under_way: set[str] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reserve(self, key: str, cost: Cost) -> Held:
        """Reserve what one call may take; all of it, or nothing.

        Where money lacks while other calls of ours are under way, their end is waited for: they may take less than was reserved
        for them, and a project that stays below its cap must not be stopped by estimates.

        Raises:
            BudgetExhausted: it would pass a cost cap.  QuotaExhausted: a bucket has no room, or is closed.
            StorageUnavailable, DiskFull: make no call.
        """
        ends = time.monotonic() + MOST_PATIENCE_S
        for number in itertools.count(1):
            news = self.news
            try:
                async with self.turn:  # else one saw what another is about to give back as spent, with nobody to wait for
                    held = await self._reserved(key if number == 1 else f"{key}.{number}", cost)  # a released key is used up
                    if held.money:
                        self.under_way.add(held.key)
            except BudgetExhausted:
                if news is self.news and not (self.under_way and await _heard(news, ends - time.monotonic())):
                    raise
            else:
                return held
        raise AssertionError("there is always a next number")

    def _ended(self, held: Held) -> None:
        if held.key in self.under_way:
            self.under_way.discard(held.key)
            self.news.set()
            self.news = asyncio.Event()

    async def _reserved(self, key: str, cost: Cost) -> Held:
        held = Held(key)
        for purse in self.purses() if cost.usd else ():
            if not await self._counted(held, purse.bucket, cost.usd, purse.cap):
                raise await self._too_dear(purse, cost.usd)
            held = Held(key, (*held.money, purse.bucket), held.quota)
        for need in cost.needs:
            bucket = bucket_of(need, self.now())
            if not await self._counted(held, bucket, Decimal(need.amount), Decimal(need.cap), spare=cost.spare):
                raise await self._used_up(bucket, need)
            held = Held(key, held.money, (*held.quota, (bucket, need)))
        return held

    async def _counted(self, held: Held, bucket: Bucket, amount: Decimal, cap: Decimal, *, spare: bool = False) -> bool:
        """Reserve in one bucket; where that can't be, what is held already is free again."""
        try:
            counted = await self.ledger.reserve(bucket, held.key, amount, cap=cap, now=self.now(), spare=spare)
        except BaseException:  # it may have landed; also where we are told to end
            await self.release(replace(held, money=(*held.money, bucket)))
            raise
        if not counted:
            await self.release(held)
        return counted

    async def settle(self, held: Held, usage: tuple[Usage, ...] | None, outcome: tally.CallOutcome = "ok") -> None:
        """Count what the call really took; None: nobody knows, what was reserved stays counted.

        What can't be written stays reserved, which is the safe side: the call is made, and its result must not be lost for it.
        """
        tally.paid(held.provider, outcome, sum(use.cost_usd for use in usage or ()))
        for bucket, need in held.quota:
            if need.amount:
                await self._settled(bucket, held.key, Decimal(need.amount))
        if usage is not None:
            spent = sum((Decimal(str(use.cost_usd)) for use in usage), Decimal(0))
            for bucket in held.money:
                await self._settled(bucket, held.key, spent, usage)
        self._ended(held)

    async def failed(self, held: Held, error: ReelqueueError) -> None:
        """Count what a failed call took, and keep what the service said of its quota."""
        if not error.sent:
            await self.release(held)
            return
        if isinstance(error, QuotaExhausted):
            await self.close(held, error)
        await self.settle(held, error.usage, "unknown" if error.usage is None else "error")

    def is_current(self, held: Held) -> bool:
        """Whether what is held counts for today: it may have been reserved before midnight Pacific."""
        buckets = (*held.money, *(bucket for bucket, _ in held.quota))
        return all(bucket.day in {None, pacific_day(self.now())} for bucket in buckets)

    async def release(self, held: Held) -> None:
        """No call was made: what was reserved is free again."""
        for bucket in (*held.money, *(bucket for bucket, need in held.quota if need.amount)):
            await self._settled(bucket, held.key, Decimal(0))
        self._ended(held)

    async def _settled(self, bucket: Bucket, key: str, amount: Decimal, usage: tuple[Usage, ...] = ()) -> None:
        """One account; that it can't be written is no matter of the others."""
        try:
            await self.ledger.settle(bucket, key, amount, usage)
        except (StorageUnavailable, DiskFull, NeedsPerson) as error:
            log.warning("not_settled", account=bucket.key(), error=error.message)

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

    def purses(self) -> tuple[Purse, ...]:
        """The accounts that the project's money is counted in now: its own, its channel's where that has a cap, the day's."""
        day, midnight = pacific_day(self.now()), pacific_midnight_after(self.now())
        own = Purse(project_bucket(self.project_id), self.caps.project_usd if self.project_id is not None else Decimal(0), None)
        channel = (
            channel_bucket(self.caps.channel, day) if self.caps.channel is not None and self.caps.channel_daily_usd else None
        )
        channels = () if channel is None else (Purse(channel, self.caps.channel_daily_usd, midnight),)
        return (own, *channels, Purse(money_bucket(day), self.caps.daily_usd, midnight))

    async def _too_dear(self, purse: Purse, usd: Decimal) -> BudgetExhausted:
        used = (await self.ledger.account(purse.bucket)).used
        if purse.bucket.client == MONEY:
            setting, whose = "DAILY_COST_CAP_USD", Text("今天", "today")
        elif purse.until is None:
            setting, whose = "PROJECT_COST_CAP_USD", Text("這個專案", "this project")
        else:
            setting, whose = "daily_cost_cap_usd", Text(f"頻道 {self.caps.channel} 今天", f"channel {self.caps.channel} today")
        raised = Text(
            f"調高 {setting}（worker 啟動時讀取），一小時內會自動繼續，或立即執行 reelqueue retry",
            f"raise {setting} (workers read it when they start): it goes on within the hour, or at once by reelqueue retry",
        )
        by_itself = Text(
            f"太平洋時間午夜後會自動繼續；或{raised.zh}", f"it goes on by itself after midnight Pacific time; or {raised.en}"
        )
        return BudgetExhausted(
            Text(
                f"下一次呼叫最多 {usd:.4f} 美元，會超過上限：{whose.zh}已用 {used:.4f}，上限 {purse.cap}（{setting}）",
                f"the next call may cost {usd:.4f} US dollars, which would pass the cap: {whose.en} took {used:.4f} of {purse.cap} ({setting})",
            ),
            raised if purse.until is None else by_itself,
            until=purse.until,
        )

    async def _used_up(self, bucket: Bucket, need: Need) -> QuotaExhausted:
        account = await self.ledger.account(bucket)
        closed, what = account.is_closed(self.now()), in_words(need.client, need.name)
        until = account.closed_until if closed else pacific_midnight_after(self.now())
        counts = f"{account.used} / {need.cap or '?'}"
        said = Text("服務這樣回報", "so says the service") if closed else Text(counts, counts.replace("/", "of"))
        message = Text(f"今天的配額已用完：{what.zh}（{said.zh}）", f"today's quota is used up: {what.en} ({said.en})")
        if need.name == CLOSED:
            message = Text(f"{what.zh}暫時不收新影片", f"{what.en} takes no more videos for a time")
        return QuotaExhausted(
            message,
            Text("重置後會自動繼續；用 reelqueue quotas 查看", "it goes on by itself after the reset; reelqueue quotas shows it"),
            until=until,
        )
