"""What a batch would take and where it is published: found out before anything is made, and told."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reelqueue.ahead.offer import NAMES, PRIVACY, Offer, Room, offer_of
from reelqueue.bootstrap import Settings
from reelqueue.models.brief import Brief
from reelqueue.models.forecast import Forecast
from reelqueue.providers.registry import KINDS, Shelf
from reelqueue.wording import Text

Seen = tuple[str, str]
"""A channel and who may see the video there."""


@dataclass(frozen=True, slots=True)
class BatchOffer:
    """Who makes what, who is paid, how many videos go where, what the caps leave."""

    makers: dict[str, tuple[str, ...]]
    services: tuple[str, ...]
    published: dict[Seen, int]
    room: Room | None
    usd: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))

    @property
    def terms(self) -> tuple[str, ...]:
        """What a person agrees to, as for a single video."""
        return (
            *(f"pay {service}" for service in self.services),
            *(f"publish {channel} {seen}" for channel, seen in self.published),
        )


async def batch_offer_of(
    briefs: Sequence[Brief], settings: Settings, shelf: Shelf, *, calendar: str | None, forecast: Forecast | None
) -> BatchOffer:
    """Look at what the briefs ask for; nothing is paid for or sent.  Of those of one kind one is looked at closely.

    Raises:
        InvalidBrief, InvalidSettings: what one asks for is not set up.
    """
    kinds: dict[object, Offer] = {}
    published: Counter[Seen] = Counter()
    makers: dict[str, dict[str, None]] = {kind: {} for kind in KINDS}
    for brief in briefs:
        own = (brief.images_dir, len(brief.images))  # who brings all pictures pays nobody for them; the next row may
        kind = (tuple(sorted(brief.providers.items())), brief.presenter, brief.channel, brief.content is None, own)
        offer = kinds[kind] = kinds.get(kind) or await offer_of(brief, settings, shelf)
        for made, name in offer.makers.items():
            makers[made][name] = None
        if offer.channel is not None:
            later = brief.publish_at is not None or calendar is not None
            published[offer.channel.name, "public" if later else brief.privacy] += 1
    paid = {service: None for offer in kinds.values() for service in offer.estimate.services}
    return BatchOffer(
        makers={kind: tuple(names) for kind, names in makers.items() if names},
        services=tuple(paid),
        published=dict(published),
        room=next((offer.room for offer in kinds.values()), None),
        usd=forecast.usd if forecast is not None else (Decimal(0), Decimal(0)),
    )


def makers_in_words(offer: BatchOffer) -> Text:
    """One line: what every `auto` became."""
    if all(names == ("local",) for names in offer.makers.values()):
        return Text("全部在本機製作，不需要金鑰，也不花錢", "all is made on this machine: no key needed, nothing to pay")
    return Text(
        "由誰製作：" + "、".join(f"{NAMES[kind].zh} {'/'.join(names)}" for kind, names in offer.makers.items()),
        "made by: " + ", ".join(f"{NAMES[kind].en} {'/'.join(names)}" for kind, names in offer.makers.items()),
    )


def offer_in_words(offer: BatchOffer) -> Iterator[Text]:
    """What will be paid and where it is published, line by line."""
    if offer.services:
        services, cost = ", ".join(offer.services), usd(offer.usd)
        yield Text(
            f"付費服務：{services}；預估合計 {cost} 美元", f"paid services: {services}; estimated in all: {cost} US dollars"
        )
        yield _caps(offer.room)
    for (channel, seen), count in offer.published.items():
        privacy = PRIVACY[seen]
        yield Text(
            f"會發布到 YouTube 頻道 {channel}：{privacy.zh} {count} 支",
            f"published on the YouTube channel {channel}: {count} {privacy.en}",
        )


def _caps(room: Room | None) -> Text:
    caps = [left for left in (room.today, room.channel) if left is not None] if room is not None else []
    if not caps:
        return Text("沒有設定花費上限", "there is no cost cap")
    return Text(
        f"今天的上限還留有 {min(caps):.2f} 美元：用完就等到隔天，不會超支",
        f"today's caps leave {min(caps):.2f} US dollars: then it waits for the next day",
    )


def usd(amount: tuple[Decimal, Decimal]) -> str:
    """A range of US dollars, rounded up."""
    least, most = (value.quantize(Decimal("0.01"), rounding="ROUND_UP") for value in amount)
    return f"{least:,}" if least == most else f"{least:,}-{most:,}"
