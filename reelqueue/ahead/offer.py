"""What a video would cost and where it would be published: found out before there is a project, and told."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from jobs.estimate import Estimate, Item, Range, estimate
from jobs.lengths import likely_scripts
from jobs.spending import channel_bucket, money_bucket
from jobs.stages import narration_language
from reelqueue import clock
from reelqueue.ahead.moments import moment
from reelqueue.bootstrap import Settings
from reelqueue.media.image import given_pictures
from reelqueue.models.brief import Brief
from reelqueue.models.channel import Channel
from reelqueue.providers.registry import KINDS, Shelf
from reelqueue.wording import Text, same
from storage import Agreements, Bucket, Ledger
from storage.ledger import pacific_day

NAMES = {
    "script": Text("腳本", "script"),
    "image": Text("圖片", "pictures"),
    "voice": Text("語音", "voice"),
    "presenter": Text("主持人", "presenter"),
    "publisher": Text("發布", "publication"),
}
PRIVACY = {
    "private": Text("私人", "private"),
    "unlisted": Text("非公開（知道網址的人才看得到）", "unlisted"),
    "public": Text("公開", "public"),
}


@dataclass(frozen=True, slots=True)
class Room:
    """What the caps leave, in US dollars: today, of the channel today, of a project; None where there is no cap."""

    today: Decimal | None
    channel: Decimal | None
    project: Decimal | None

    @property
    def least(self) -> Decimal | None:
        """The smallest of them."""
        return min((left for left in (self.today, self.channel, self.project) if left is not None), default=None)


@dataclass(frozen=True, slots=True)
class Offer:
    """Who makes what, for how much, and where it is published; `channel` is None for the local library."""

    makers: dict[str, str]
    estimate: Estimate
    channel: Channel | None
    privacy: str
    publish_at: str | None
    room: Room

    @property
    def terms(self) -> tuple[str, ...]:
        """What a person agrees to: to pay a service, to publish on a channel for those who may see it."""
        pays = [f"pay {service}" for service in self.estimate.services]
        seen = "public" if self.publish_at is not None else self.privacy
        return (*pays, *([f"publish {self.channel.name} {seen}"] if self.channel is not None else []))


async def offer_of(brief: Brief, settings: Settings, shelf: Shelf) -> Offer:
    """Look at what a brief asks for; nothing is paid for or sent.

    Raises:
        InvalidBrief, InvalidSettings: what it asks for is not set up, or can't be told in the time there is.
    """
    asked = [kind for kind in KINDS if kind != "presenter" or brief.presenter]
    makers = {kind: shelf.name_of(kind, brief.providers) for kind in asked}
    whole, providers = shelf.filled(brief), shelf.chosen(brief)
    language = narration_language(whole, settings.language)
    known = Estimate(())
    if set(makers.values()) - {"local", "youtube"}:
        pictures = await asyncio.to_thread(given_pictures, whole.images, whole.images_dir)
        scripts = await likely_scripts(whole, providers, language)
        known = estimate(whole, providers, language=language, scripts=scripts, own_pictures=len(pictures))
    channel = shelf.channel_of(brief) if makers["publisher"] == "youtube" else None
    return Offer(
        makers, known, channel, brief.privacy, brief.publish_at, await _room(settings, Ledger(shelf.paths), shelf.channel_of(brief))
    )  # fmt: skip


async def _room(settings: Settings, ledger: Ledger, channel: Channel) -> Room:
    day = pacific_day(clock.now())

    async def left(bucket: Bucket, cap: Decimal | None) -> Decimal | None:
        return max(Decimal(0), cap - (await ledger.account(bucket)).used) if cap else None

    return Room(
        today=await left(money_bucket(day), settings.daily_cost_cap_usd),
        channel=await left(channel_bucket(channel.name, day), channel.daily_cost_cap_usd),
        project=settings.project_cost_cap_usd or None,
    )


async def unagreed(terms: tuple[str, ...], agreements: Agreements) -> tuple[str, ...]:
    """Those of the terms that nobody has agreed to yet.  Raises Unavailable."""
    known = await agreements.terms() if terms else frozenset()
    return tuple(term for term in terms if term not in known)


# In words.


def who_makes_what(makers: dict[str, str]) -> Text:
    """One line: what every `auto` became."""
    if set(makers.values()) == {"local"}:
        return Text("全部在本機製作，不需要金鑰，也不花錢", "all is made on this machine: no key needed, nothing to pay")
    return Text(
        "由誰製作：" + "、".join(f"{NAMES[kind].zh} {name}" for kind, name in makers.items()),
        "made by: " + ", ".join(f"{NAMES[kind].en} {name}" for kind, name in makers.items()),
    )


def in_words(offer: Offer, zone: ZoneInfo | None = None) -> Iterator[Text]:
    """What will be paid and where it is published, line by line; moments are told in `zone` (without one: in `TIMEZONE`)."""
    for item in offer.estimate.items:
        yield item_in_words(item)
    if offer.estimate.items:
        total, room = offer.estimate.usd, offer.room.least
        yield Text(f"預估合計 {usd_in_words(total)} 美元", f"estimated in all: {usd_in_words(total)} US dollars")
        yield _left(offer.room)
        if room is not None and total.most > room:
            yield Text(
                "可能超過上限：到了上限會停下來等，不會超支；可調高 DAILY_COST_CAP_USD、PROJECT_COST_CAP_USD",
                "it may reach a cap: then it stops and waits, and spends no more; raise DAILY_COST_CAP_USD or PROJECT_COST_CAP_USD",
            )
    if offer.channel is not None:
        yield _where(offer, offer.channel, zone)


def item_in_words(item: Item) -> Text:
    """How often one service is called for one kind of work, and for how much."""
    few, many = item.calls
    calls = f"{few}" if few == many else f"{few}-{many}"
    name, noun = NAMES[item.kind], "call" if many == 1 else "calls"
    return Text(
        f"  {item.service} {name.zh}：{calls} 次，{usd_in_words(item.usd)}",
        f"  {item.service}, {name.en}: {calls} {noun}, {usd_in_words(item.usd)}",
    )


def _left(room: Room) -> Text:
    named = (
        (room.today, Text("今天", "today")),
        (room.channel, Text("這個頻道今天", "of the channel today")),
        (room.project, Text("每支影片", "of each video")),
    )
    there = [(left, name) for left, name in named if left is not None]
    if not there:
        return Text("沒有設定花費上限", "there is no cost cap")
    return Text(
        "上限還留有：" + "、".join(f"{name.zh} {left:.2f}" for left, name in there),
        "the caps leave: " + ", ".join(f"{name.en} {left:.2f}" for left, name in there),
    )


def _where(offer: Offer, channel: Channel, zone: ZoneInfo | None) -> Text:
    privacy = PRIVACY.get(offer.privacy, same(offer.privacy))
    later = same("")
    if offer.publish_at is not None:
        at = moment(datetime.fromisoformat(offer.publish_at), zone)
        later = Text(f"，{at} 公開", f", public at {at}")
    return Text(
        f"會發布到 YouTube 頻道 {channel.name}：{privacy.zh}{later.zh}",
        f"it is published on the YouTube channel {channel.name}: {privacy.en}{later.en}",
    )


def usd_in_words(amount: Range) -> str:
    """A range for people, rounded up: what is reserved is not less."""
    least, most = (
        max(Decimal("0.01"), value.quantize(Decimal("0.01"), rounding="ROUND_UP")) for value in (amount.least, amount.most)
    )
    return f"{least}" if least == most else f"{least}-{most}"
