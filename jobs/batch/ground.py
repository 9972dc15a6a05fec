"""What a forecast stands on, gathered: how long and how dear each project is, who makes it, what there is today.

Of a long list some sixty are looked at closely, evenly spread, and stand for the rest: five thousand are known in a second.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.batch.capacity import purses_of, stocks_of
from jobs.batch.course import Key
from jobs.batch.forecast import Ground, Item, Outlet
from jobs.batch.history import default_pace, learned
from jobs.batch.site import Site
from jobs.spending import USD
from jobs.stages import narration_language
from reelqueue.errors import InvalidBrief, InvalidSettings, NeedsPerson, ProjectNotFound
from reelqueue.models.brief import Brief
from reelqueue.models.buckets import UNITS, channel_client
from reelqueue.models.channel import DEFAULT_CHANNEL, Channel
from reelqueue.models.cost import Need
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.providers.protocols import Publication, Publisher
from storage import Outline

LOOKED_AT = 60
"""Briefs that are looked at closely."""
USUAL_VIDEO_S = 60.0
CAPTIONS = "captions"


@dataclass(frozen=True, slots=True)
class Sized:
    """One brief, looked at: how long its video will be, what its stages may cost, whether a person has to look at it first."""

    video_s: float
    usd: Mapping[Stage, tuple[float, float]] = field(default_factory=dict)
    awaits: bool = False


@dataclass(slots=True)
class Survey:
    """What is known of a list of briefs, and of the channels that they go to; `units` are YouTube's, of each step of a channel."""

    site: Site
    sizes: list[Sized] = field(default_factory=list)
    channels: dict[str, Channel] = field(default_factory=dict)
    outlets: dict[str, Outlet] = field(default_factory=dict)
    units: dict[str, dict[str, int]] = field(default_factory=dict)
    needs: list[Need] = field(default_factory=list)
    names: dict[str | None, str] = field(default_factory=dict)

    async def look_at(self, brief: Brief, approved: Sequence[str] = ()) -> Sized:
        """Look at one closely.

        Raises:
            InvalidBrief, InvalidSettings: what it asks for is not set up.
        """
        from jobs.batch.costs import costs_of, seconds_of  # noqa: PLC0415 - a worker's start loads no pictures

        whole, providers = self.site.choice.filled(brief), self.site.choice.chosen(brief)
        language = narration_language(whole, self.site.language)
        self.meet(brief, providers.publisher)
        video_s = await seconds_of(whole, providers, language)
        usd = await costs_of(whole, providers, language, video_s)
        cap = float(self.site.project_usd)
        too_dear = 0 < cap < sum(least for least, _ in usd.values())
        sized = Sized(video_s, _capped(usd, cap), bool(set(brief.review) - set(approved)) or too_dear)
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
        one = publication_ahead(channel, brief)
        costs = {name: publisher.cost(name, one).needs for name in ("open", *publisher.steps(one))}
        captions = costs.pop(CAPTIONS, ())
        needs = tuple(need for some in costs.values() for need in some)
        self.needs += [*needs, *captions]
        self.units[channel.name] = {
            name: sum(need.amount for need in some if need.name == UNITS) for name, some in (costs | {CAPTIONS: captions}).items()
        }
        return Outlet(needs, captions, Key(channel_client(channel.name), USD) if channel.daily_cost_cap_usd else None)

    def usual(self) -> Sized:
        """What stands for those that were not looked at."""
        if not self.sizes:
            return Sized(USUAL_VIDEO_S)
        usd = {stage: (self._mean_usd(stage, 0), self._mean_usd(stage, 1)) for size in self.sizes for stage in size.usd}
        return Sized(statistics.fmean(size.video_s for size in self.sizes), usd, any(size.awaits for size in self.sizes))

    def _mean_usd(self, stage: Stage, end: int) -> float:
        return statistics.fmean(size.usd.get(stage, (0.0, 0.0))[end] for size in self.sizes)

    async def ground(self, now: datetime) -> Ground:
        """All that the projects share.

        Raises:
            StorageUnavailable, NeedsPerson: the disk does not answer, or the ledger can't be read.
        """
        site, heavy = self.site, self.site.heavy
        local_upload = all(not outlet.needs for outlet in self.outlets.values())
        pace = default_pace(heavy, local_script=site.chosen.get("script", "local") == "local", local_upload=local_upload)
        pace = await learned(site.projects, pace, heavy)
        money = await purses_of(site.ledger, self.channels.values(), site.daily_usd, now)
        stocks = await stocks_of(site.ledger, self.needs, now) | money
        return Ground(site.places.for_batches, pace, heavy, stocks, self.outlets)


def _capped(usd: Mapping[Stage, tuple[float, float]], cap: float) -> Mapping[Stage, tuple[float, float]]:
    """What a project may spend under its own cap: at it, it stops and waits for a person."""
    most = sum(end for _, end in usd.values())
    if not cap or most <= cap:
        return usd
    return {stage: (min(least, end * cap / most), end * cap / most) for stage, (least, end) in usd.items()}


async def items_of_briefs(survey: Survey, briefs: Sequence[Brief]) -> list[Item]:
    """Each of the briefs as a project that is still to be made.

    Raises:
        InvalidBrief, InvalidSettings: what one asks for is not set up.
    """
    looked = {place: await survey.look_at(briefs[place]) for place in evenly(range(len(briefs)))}
    usual = survey.usual()
    return [_item_of_brief(survey, brief, looked.get(place), usual) for place, brief in enumerate(briefs)]


def _item_of_brief(survey: Survey, brief: Brief, looked: Sized | None, usual: Sized) -> Item:
    size = looked or usual
    by_wish = float(brief.duration_s) if looked is None and brief.duration_s is not None else size.video_s
    return Item(
        left=tuple(Stage),
        video_s=by_wish,
        channel=survey.meet(brief),
        usd=size.usd,
        priority=brief.priority,
        awaits=bool(brief.review) or (looked is not None and looked.awaits),
    )


async def items_of_outlines(
    survey: Survey, outlines: Mapping[int, Outline | None], now: datetime, *, ours: bool = True
) -> list[Item]:
    """What is left of the projects that have not ended, in their order."""
    left = [one for one in outlines.values() if one is not None and is_left(one)]
    looked: dict[int, Sized] = {}
    for number in evenly([one.project_id for one in left]) if ours else ():
        try:
            state = await survey.site.projects.load(number)
            looked[number] = await survey.look_at(state.brief, state.approved)
        except (ProjectNotFound, NeedsPerson, InvalidBrief, InvalidSettings):  # it is gone, or what it asks for is: it fails
            continue
    usual = survey.usual()
    return [_item_of_outline(survey, one, looked.get(one.project_id, usual), now, ours=ours) for one in left]


def is_left(one: Outline) -> bool:
    """Whether something of it is still to be made, and how much can be known."""
    return not one.status.is_final and one.next_stage is not None and not one.is_unreadable


def _item_of_outline(survey: Survey, one: Outline, size: Sized, now: datetime, *, ours: bool) -> Item:
    return Item(
        left=tuple(
            stage for stage in Stage if one.next_stage is not None and stage.reaches(one.next_stage) and one.goal.reaches(stage)
        ),
        video_s=size.video_s,
        channel=channel_name(survey, one.channel),
        usd=size.usd,
        priority=one.priority,
        single=one.batch_id is None,
        not_before_s=max(0.0, (one.resume_at - now) / timedelta(seconds=1)) if one.resume_at is not None else 0.0,
        awaits=one.status.waits_for_a_person or size.awaits,
        ours=ours,
    )


def channel_name(survey: Survey, wanted: str | None) -> str:
    """The channel of that name, or the default one; one that is gone has no quota to wait for."""
    if wanted not in survey.names:
        try:
            survey.names[wanted] = survey.meet(Brief(topic="-", channel=wanted))
        except (InvalidBrief, InvalidSettings):
            survey.names[wanted] = wanted or DEFAULT_CHANNEL
    return survey.names[wanted]


def others(outlines: Iterable[Outline | None], mine: frozenset[int]) -> dict[int, Outline | None]:
    """The unfinished projects that are not mine and go on by themselves."""
    return {
        one.project_id: one
        for one in outlines
        if one is not None
        and one.project_id not in mine
        and not one.held
        and not one.status.waits_for_a_person
        and (one.status is not ProjectStatus.CREATED or one.batch_id is not None)
    }


def evenly(things: Sequence[int], most: int = LOOKED_AT) -> list[int]:
    """So many of them, evenly spread."""
    if len(things) <= most:
        return list(things)
    return [things[place * len(things) // most] for place in range(most)]


def publication_ahead(channel: Channel, brief: Brief) -> Publication:
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
