"""What a forecast stands on, gathered: how long and how dear each project is, who makes it, what there is today.

Of a long list some sixty are looked at closely, evenly spread, and stand for the rest: five thousand are known in a second.
"""

import asyncio
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from jobs.batch.capacity import Places, purses_of, stocks_of
from jobs.batch.course import Key, Stock
from jobs.batch.forecast import Ground, Item, Outlet
from jobs.batch.history import default_pace, heavy_stages, learned
from jobs.estimate import Estimate, estimate
from jobs.lengths import likely_scripts, likely_seconds
from jobs.spending import USD
from jobs.stages import narration_language
from reelqueue.errors import InvalidBrief, InvalidSettings, NeedsPerson, ProjectNotFound
from reelqueue.media.image import given_pictures
from reelqueue.models.brief import Brief
from reelqueue.models.buckets import channel_client
from reelqueue.models.channel import DEFAULT_CHANNEL, Channel
from reelqueue.models.cost import Need
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.providers.protocols import Choice, Publication, Publisher
from storage import Ledger, Outline, ProjectStore

LOOKED_AT = 60
"""Briefs that are looked at closely."""
CAPTIONS = "captions"
_ENDED = frozenset({ProjectStatus.COMPLETED, ProjectStatus.FAILED, ProjectStatus.CANCELLED})
_PERSON = frozenset({ProjectStatus.WAITING_REVIEW, ProjectStatus.NEEDS_PERSON})


@dataclass(frozen=True, slots=True)
class Site:
    """Where it happens.  `chosen` is who makes each kind where a brief leaves it open; caps in US dollars, 0: none."""

    choice: Choice
    projects: ProjectStore
    ledger: Ledger
    language: str
    places: Places
    chosen: Mapping[str, str]
    daily_usd: Decimal = Decimal(0)
    project_usd: Decimal = Decimal(0)

    @property
    def heavy(self) -> frozenset[Stage]:
        """The stages that load the CPU here."""
        return heavy_stages(local_assets="local" in {self.chosen.get("voice", "local"), self.chosen.get("image", "local")})


@dataclass(frozen=True, slots=True)
class Sized:
    """One brief, looked at: how long its video will be, what its stages may cost, whether a person has to look at it first."""

    video_s: float
    usd: Mapping[Stage, tuple[float, float]] = field(default_factory=dict)
    awaits: bool = False


@dataclass(slots=True)
class Survey:
    """What is known of a list of briefs, and of the channels that they go to."""

    site: Site
    sizes: list[Sized] = field(default_factory=list)
    channels: dict[str, Channel] = field(default_factory=dict)
    outlets: dict[str, Outlet] = field(default_factory=dict)
    needs: list[Need] = field(default_factory=list)

    async def look_at(self, brief: Brief) -> Sized:
        """Look at one closely.

        Raises:
            InvalidBrief, InvalidSettings: what it asks for is not set up.
        """
        site = self.site
        whole, providers = site.choice.filled(brief), site.choice.chosen(brief)
        language = narration_language(whole, site.language)
        self.meet(brief, providers.publisher)
        made_by = {providers.script.name, providers.image.name, providers.voice.name, providers.presenter.name}
        known = Estimate(())
        if made_by != {"local"}:
            pictures = await asyncio.to_thread(given_pictures, whole.images, whole.images_dir)
            scripts = await likely_scripts(whole, providers, language)
            known = estimate(whole, providers, language=language, scripts=scripts, own_pictures=len(pictures))
        usd: dict[Stage, tuple[float, float]] = {}
        for item in known.items:
            stage = Stage.SCRIPT if item.kind == "script" else Stage.ASSETS
            least, most = usd.get(stage, (0.0, 0.0))
            usd[stage] = (least + float(item.usd.least), most + float(item.usd.most))
        too_dear = 0 < site.project_usd < known.usd.least
        sized = Sized(await likely_seconds(whole, providers.script.name, language), usd, bool(brief.review) or too_dear)
        self.sizes.append(sized)
        return sized

    def meet(self, brief: Brief, publisher: Publisher | None = None) -> str:
        """The name of the channel that a brief means, whose quota is known from now on.

        Raises:
            InvalidBrief, InvalidSettings: it is not set up.
        """
        channel = self.site.choice.channel_of(brief)
        if channel.name not in self.outlets:
            publisher = publisher or self.site.choice.chosen(brief).publisher
            self.channels[channel.name] = channel
            self.outlets[channel.name] = self._outlet(channel, brief, publisher)
        return channel.name

    def _outlet(self, channel: Channel, brief: Brief, publisher: Publisher) -> Outlet:
        one = _publication(channel, brief)
        steps = publisher.steps(one)
        needs = [need for name in ("open", *steps) if name != CAPTIONS for need in publisher.cost(name, one).needs]
        captions = list(publisher.cost(CAPTIONS, one).needs) if CAPTIONS in steps else []
        self.needs += [*needs, *captions]
        purse = Key(channel_client(channel.name), USD) if channel.daily_cost_cap_usd else None
        return Outlet(tuple(needs), tuple(captions), purse)

    def usual(self) -> Sized:
        """What stands for those that were not looked at."""
        if not self.sizes:
            return Sized(60.0)
        stages = {stage for size in self.sizes for stage in size.usd}
        ends = {
            stage: tuple(statistics.fmean(size.usd.get(stage, (0.0, 0.0))[end] for size in self.sizes) for end in (0, 1))
            for stage in stages
        }
        usd = {stage: (least, most) for stage, (least, most) in ends.items()}
        return Sized(statistics.fmean(size.video_s for size in self.sizes), usd, any(size.awaits for size in self.sizes))

    async def stocks(self, now: datetime) -> dict[Key, Stock]:
        """How all the buckets stand that were met.

        Raises:
            StorageUnavailable, NeedsPerson: the ledger can't be read.
        """
        site = self.site
        money = await purses_of(site.ledger, self.channels.values(), site.daily_usd, now)
        return await stocks_of(site.ledger, self.needs, now) | money

    async def ground(self, now: datetime) -> Ground:
        """All that the projects share.

        Raises:
            StorageUnavailable, NeedsPerson: the disk does not answer.
        """
        site, heavy = self.site, self.site.heavy
        local_upload = all(not outlet.needs for outlet in self.outlets.values())
        pace = default_pace(heavy, local_script=site.chosen.get("script", "local") == "local", local_upload=local_upload)
        pace = await learned(site.projects, pace, heavy)
        return Ground(site.places.for_batches, pace, heavy, await self.stocks(now), self.outlets)


def evenly(things: Sequence[int], most: int = LOOKED_AT) -> list[int]:
    """So many of them, evenly spread."""
    if len(things) <= most:
        return list(things)
    return [things[place * len(things) // most] for place in range(most)]


async def items_of_briefs(survey: Survey, briefs: Sequence[Brief]) -> list[Item]:
    """Each of the briefs as a project that is still to be made.

    Raises:
        InvalidBrief, InvalidSettings: what one asks for is not set up.
    """
    looked = {place: await survey.look_at(briefs[place]) for place in evenly(range(len(briefs)))}
    usual = survey.usual()
    return [
        Item(
            left=tuple(Stage),
            video_s=(size := looked.get(place, usual)).video_s if place in looked else _length(brief, usual),
            channel=survey.meet(brief),
            usd=size.usd,
            priority=brief.priority,
            awaits=bool(brief.review) or size.awaits,
        )
        for place, brief in enumerate(briefs)
    ]


def _length(brief: Brief, usual: Sized) -> float:
    return float(brief.duration_s) if brief.duration_s is not None else usual.video_s


async def items_of_outlines(
    survey: Survey, outlines: Mapping[int, Outline | None], now: datetime, *, ours: bool = True
) -> list[Item]:
    """What is left of the projects that have not ended, in their order."""
    left = [one for one in outlines.values() if one is not None and is_left(one)]
    looked: dict[int, Sized] = {}
    for number in evenly([one.project_id for one in left]) if ours else ():
        try:
            state = await survey.site.projects.load(number)
            looked[number] = await survey.look_at(state.brief)
        except (ProjectNotFound, NeedsPerson, InvalidBrief, InvalidSettings):  # it is gone, or what it asks for is: it fails
            continue
    usual = survey.usual()
    return [_item(survey, one, looked.get(one.project_id, usual), now, ours=ours) for one in left]


def is_left(one: Outline) -> bool:
    """Whether something of it is still to be made."""
    return one.status not in _ENDED and one.next_stage is not None


def _item(survey: Survey, one: Outline, size: Sized, now: datetime, *, ours: bool) -> Item:
    return Item(
        left=_left(one),
        video_s=size.video_s,
        channel=channel_name(survey, one.channel),
        usd=size.usd,
        priority=one.priority,
        single=one.batch_id is None,
        not_before_s=max(0.0, (one.resume_at - now) / timedelta(seconds=1)) if one.resume_at is not None else 0.0,
        awaits=one.status in _PERSON or (size.awaits and one.next_stage is not Stage.UPLOAD),
        ours=ours,
    )


def channel_name(survey: Survey, wanted: str | None) -> str:
    """The channel of that name, or the default one; one that is gone has no quota to wait for."""
    try:
        return survey.meet(Brief(topic="-", channel=wanted))
    except (InvalidBrief, InvalidSettings):
        return wanted or DEFAULT_CHANNEL


def _left(one: Outline) -> tuple[Stage, ...]:
    first = one.next_stage
    return tuple(stage for stage in Stage if first is not None and stage.reaches(first) and one.goal.reaches(stage))


def _publication(channel: Channel, brief: Brief) -> Publication:
    """What tells which steps there are; nothing of it is looked at."""
    return Publication(
        project_id=1,
        marker="",
        title="",
        description="",
        tags=(),
        language="",
        privacy=brief.privacy,
        category_id=1,
        made_for_kids=False,
        synthetic_media=True,
        video="",
        thumbnail="",
        captions="captions.srt",
        channel=channel.name,
        playlist=brief.playlist or channel.playlist,
        publish_at=brief.publish_at,
        localizations=brief.localizations,
    )


def others(outlines: Iterable[Outline | None], mine: frozenset[int]) -> dict[int, Outline | None]:
    """The unfinished projects that are not mine and go on by themselves."""
    return {
        one.project_id: one
        for one in outlines
        if one is not None
        and one.project_id not in mine
        and not one.held
        and one.status not in _PERSON
        and (one.status is not ProjectStatus.CREATED or one.batch_id is not None)
    }
