"""When a batch will end and what is published when: asked before it is made, at its start, at each look, at its end."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from jobs.batch import slotting
from jobs.batch.calendar_words import calendar_of
from jobs.batch.capacity import Places, live_places
from jobs.batch.forecast import Ground, Item, forecast, ready_times
from jobs.batch.ground import Site, Survey, is_left, items_of_briefs, items_of_outlines, others
from jobs.batch.running import Outlines
from jobs.batch.slots import MARGIN, Free, Wanting, laid_out
from jobs.context import Service
from reelqueue.errors import InvalidBrief, NeedsPerson, ProjectNotFound
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import Brief
from reelqueue.models.forecast import DayForecast, Forecast, Outcome
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import Stage
from reelqueue.providers.registry import KINDS, Shelf
from reelqueue.settings import Settings
from reelqueue.wording import Text
from storage import Ledger, Outline, ProjectStore
from storage.bookings import Bookings
from storage.ledger import pacific_day

MOST_DAYS_TOLD = 100
_FITS = Text("放得下整批影片的時段", "moments that hold the whole batch")


async def begun(service: Service, state: BatchState, outlines: Outlines, now: datetime) -> Forecast:
    """What is expected of a batch that begins, or goes on.

    Raises:
        StorageUnavailable, NeedsPerson: the disk, or the ledger, does not answer.
    """
    survey = Survey(await _site(service))
    mine = {number: outlines.get(number) for number in state.project_ids}
    items = await items_of_outlines(survey, mine, now)
    unfinished = await service.projects.outlines(await service.projects.unfinished())
    waiting = await items_of_outlines(survey, others(unfinished.values(), frozenset(mine)), now, ours=False)
    ground = await survey.ground(now)
    last = None
    if state.calendar is not None:
        without = [item for item, one in zip(items, _left(mine), strict=True) if one.publish_at is None]
        laid = await _laid_out(without, ground, survey, Bookings(service.paths), state.calendar, now)
        last = max((moment for moment in laid if moment is not None), default=None)
    return await asyncio.to_thread(forecast, [*waiting, *items], ground, now, published_by=last)


async def slots(
    service: Service, state: BatchState, outlines: Outlines, now: datetime, starting: Sequence[int] = ()
) -> dict[int, datetime]:
    """New or changed moments of publication; see `slotting.slots`."""
    if state.calendar is None:
        return {}
    return await slotting.slots(service, await _site(service), state, outlines, now, starting)


async def ended(service: Service, state: BatchState, outlines: Outlines, now: datetime) -> Outcome:
    """What came of it: when it ended, whether that lay in the range that was told, what each day saw.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    uploads: Counter[date] = Counter()
    usd: defaultdict[date, Decimal] = defaultdict(Decimal)
    for number in state.project_ids:
        try:
            project = await service.projects.load(number) if outlines.get(number) is not None else None
        except (ProjectNotFound, NeedsPerson):
            continue
        if project is not None:
            _count(project, uploads, usd)
    days = sorted({*uploads, *usd})[-MOST_DAYS_TOLD:]
    expected = state.forecast
    return Outcome(
        ended_at=now,
        within=expected is not None and expected.least <= now <= expected.most,
        days=tuple(DayForecast(day=day, uploads=uploads[day], usd=usd[day]) for day in days),
        usd=sum(usd.values(), Decimal(0)),
    )


def _count(project: ProjectState, uploads: Counter[date], usd: defaultdict[date, Decimal]) -> None:
    upload = project.stages[Stage.UPLOAD]
    if project.upload is not None and project.upload.video_id is not None and upload.finished_at is not None:
        uploads[pacific_day(upload.finished_at)] += 1
    spent = sum((Decimal(str(use.cost_usd)) for use in project.usage), Decimal(0))
    if spent:
        paid_at = project.stages[Stage.ASSETS].finished_at or project.updated_at
        usd[pacific_day(paid_at)] += spent


async def forecast_of_briefs(
    briefs: Sequence[Brief], settings: Settings, shelf: Shelf, now: datetime, calendar: str | None = None
) -> Forecast:
    """What is expected of these briefs, before anything is made; `calendar` as `calendar_words` gives it.

    Raises:
        InvalidBrief, InvalidSettings: what one asks for is not set up.
    """
    survey, items, ground = await _surveyed(briefs, settings, shelf, now)
    last = None
    if calendar is not None:
        without = [item for item, brief in zip(items, briefs, strict=True) if brief.publish_at is None]
        laid = await _laid_out(without, ground, survey, Bookings(shelf.paths), calendar, now)
        last = max((moment for moment in laid if moment is not None), default=None)
    return await asyncio.to_thread(forecast, items, ground, now, published_by=last)


async def check_calendar(briefs: Sequence[Brief], settings: Settings, shelf: Shelf, now: datetime, calendar: str) -> None:
    """Refuse a calendar that can't hold the batch: too few moments, or a row's deadline before its own.

    Raises:
        InvalidBrief: field "slots"; names the first brief that has no place, and why.
    """
    survey, items, ground = await _surveyed(briefs, settings, shelf, now)
    mine = [place for place, brief in enumerate(briefs) if brief.publish_at is None]
    laid = await _laid_out([items[place] for place in mine], ground, survey, Bookings(shelf.paths), calendar, now)
    for place, moment in zip(mine, laid, strict=True):
        deadline = briefs[place].deadline
        if moment is None:
            held = sum(one is not None for one in laid)
            raise InvalidBrief("slots", _FITS, _too_few(calendar, held, len(mine)))
        if deadline is not None and moment > datetime.fromisoformat(deadline):
            raise InvalidBrief("slots", _FITS, _too_late(place, moment, deadline))


async def _surveyed(
    briefs: Sequence[Brief], settings: Settings, shelf: Shelf, now: datetime
) -> tuple[Survey, list[Item], Ground]:
    survey = Survey(
        Site(
            choice=shelf,
            projects=ProjectStore.reader(shelf.paths),
            ledger=Ledger(shelf.paths),
            language=settings.language,
            places=Places(settings.video_max_jobs, settings.video_wait_slots),
            chosen={kind: shelf.name_of(kind, {}) for kind in KINDS},
            daily_usd=settings.daily_cost_cap_usd,
            project_usd=settings.project_cost_cap_usd,
        )
    )
    items = await items_of_briefs(survey, briefs)
    return survey, items, await survey.ground(now)


async def _site(service: Service) -> Site:
    watched = await asyncio.to_thread(service.watched)
    return Site(
        choice=service.choice,
        projects=service.projects,
        ledger=service.ledger,
        language=service.rules.language,
        places=await live_places(service.queue.redis, Places()),
        chosen=watched.chosen,
        daily_usd=service.rules.daily_cost_cap_usd,
        project_usd=service.rules.project_cost_cap_usd,
    )


async def _laid_out(
    items: Sequence[Item], ground: Ground, survey: Survey, bookings: Bookings, calendar: str, now: datetime
) -> list[datetime | None]:
    """A moment for each, as if all went as expected; None where there is none."""
    ready = await asyncio.to_thread(ready_times, items, ground, now)
    found: list[datetime | None] = [None] * len(items)
    for channel in dict.fromkeys(item.channel for item in items):
        known = survey.channels.get(channel)
        booked = await bookings.booked(channel)
        free = Free(calendar_of(calendar), booked, now, per_day=known.daily_uploads if known is not None else None)
        wanting = [
            Wanting(place, moment + MARGIN)
            for place, (item, moment) in enumerate(zip(items, ready, strict=True))
            if item.channel == channel and moment is not None
        ]
        given = await asyncio.to_thread(laid_out, sorted(wanting, key=lambda one: one.ready), free, now)
        for place, slot in given.items():
            found[place] = slot
    return found


def _left(outlines: Outlines) -> list[Outline]:
    return [one for one in outlines.values() if one is not None and is_left(one)]


def _too_few(calendar: str, held: int, wanted: int) -> str:
    return str(Text(f"{calendar}：只放得下 {held} 支，共 {wanted} 支", f"{calendar}: it holds {held} of {wanted} videos"))


def _too_late(place: int, moment: datetime, deadline: str) -> str:
    at = moment.isoformat(timespec="minutes")
    return str(
        Text(
            f"第 {place + 1} 筆要到 {at} 才輪到，期限是 {deadline}",
            f"brief {place + 1} comes at {at}, its deadline is {deadline}",
        )
    )
