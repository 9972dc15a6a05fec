"""When a batch will end and what is published when: asked before it is made, at its start, at each look, at its end."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import structlog

from jobs.batch import slotting
from jobs.batch.expected import expected_moments
from jobs.batch.forecast import Item, forecast
from jobs.batch.ground import Survey, is_left, items_of_briefs, items_of_outlines, others
from jobs.batch.outcome import outcome_of
from jobs.batch.running import Outlines
from jobs.batch.site import Site, site_of_service
from jobs.context import Service
from reelqueue.errors import DiskFull, InvalidBrief, ReelqueueError, StorageUnavailable
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import Brief
from reelqueue.models.forecast import Forecast, Outcome
from reelqueue.wording import Text
from storage import Outline

log = structlog.get_logger(__name__)


# The coordinator's questions.


async def begun(service: Service, state: BatchState, outlines: Outlines, now: datetime) -> Forecast | None:
    """What is expected of a batch that begins, or goes on; None where that can't be told, which is logged: the batch goes on.

    Raises:
        StorageUnavailable, DiskFull: ask again.
    """
    with _stopping_nothing("no_forecast", state):
        return await _expected(await site_of_service(service), state, outlines, now)
    return None


async def slots(
    service: Service, state: BatchState, outlines: Outlines, now: datetime, starting: Sequence[int] = ()
) -> dict[int, datetime]:
    """New or changed moments of publication; see `slotting.slots`.  None of them where they can't be told: the upload asks once more.

    Raises:
        StorageUnavailable, DiskFull: ask again.
    """
    if state.calendar is None:
        return {}
    with _stopping_nothing("no_slots", state):
        return await slotting.slots(service, await site_of_service(service), state, outlines, now, starting)
    return {}


async def ended(service: Service, state: BatchState, outlines: Outlines, now: datetime) -> Outcome:
    """What came of it; see `outcome.outcome_of`.  Moments that nobody needs any more are given back.

    Raises:
        StorageUnavailable, DiskFull: ask again.
    """
    with _stopping_nothing("no_outcome", state):
        site = await site_of_service(service)
        await slotting.released(site, state, outlines, now)
        return await outcome_of(site, state, outlines, now)
    return Outcome(ended_at=now, within=state.forecast is not None and state.forecast.least <= now <= state.forecast.most)


@contextlib.contextmanager
def _stopping_nothing(event: str, state: BatchState) -> Iterator[None]:
    """What keeps a plan from being made, a setting that is wrong or an account that is lost, keeps no video from being made.

    Raises:
        StorageUnavailable, DiskFull: ask again.
    """
    try:
        yield
    except (DiskFull, StorageUnavailable):
        raise
    except ReelqueueError as error:
        log.warning(event, batch_id=state.batch_id, error=error.message)


# A client's, before there is a batch, or beside it.


async def forecast_of_briefs(site: Site, briefs: Sequence[Brief], now: datetime, calendar: str | None = None) -> Forecast:
    """What is expected of these briefs, before anything is made; `calendar` as `calendar_words` gives it.

    Raises:
        InvalidBrief, InvalidSettings: what one asks for is not set up.
    """
    survey = Survey(site)
    items = await items_of_briefs(survey, briefs)
    return await _told(site, survey, items, [_wish(brief) for brief in briefs], frozenset(), calendar, now)


async def forecast_now(site: Site, state: BatchState, now: datetime) -> Forecast:
    """What is expected of a batch that is on its way, as things are by now.

    Raises:
        StorageUnavailable, NeedsPerson: the disk does not answer, or the ledger can't be read.
    """
    return await _expected(site, state, await site.projects.outlines(state.project_ids), now)


async def check_calendar(site: Site, briefs: Sequence[Brief], now: datetime, calendar: str) -> list[datetime | None]:
    """When each brief is expected to be published; its own wish where it has one.

    Refused is a calendar that can't hold the batch: too few moments, or a row's deadline before its own.

    Raises:
        InvalidBrief: field "slots"; says how many it holds, or names the first brief that comes too late.
        InvalidSettings: what one asks for is not set up.
    """
    survey = Survey(site)
    items, ground = await items_of_briefs(survey, briefs), await survey.ground(now)
    wishes = [_wish(brief) for brief in briefs]
    apart = frozenset(wish for wish in wishes if wish is not None)
    mine = [place for place, wish in enumerate(wishes) if wish is None]
    given = await expected_moments([items[place] for place in mine], ground, survey, calendar, now, apart=apart)
    held = sum(moment is not None for moment in given)
    if held < len(mine):
        raise _too_few(calendar, held, len(mine))
    for place, moment in zip(mine, given, strict=True):
        deadline = briefs[place].deadline
        if moment is not None and deadline is not None and moment > datetime.fromisoformat(deadline):
            raise _too_late(calendar, place, moment, deadline)
    expected = dict(zip(mine, given, strict=True))
    return [expected.get(place, wish) for place, wish in enumerate(wishes)]


async def _expected(site: Site, state: BatchState, outlines: Outlines, now: datetime) -> Forecast:
    survey = Survey(site)
    mine = {number: outlines.get(number) for number in state.project_ids}
    items = await items_of_outlines(survey, mine, now)
    left = [one for one in mine.values() if one is not None and is_left(one)]
    given = [one.publish_at for one in left]
    return await _told(site, survey, items, given, frozenset(mine), state.calendar, now)


async def _told(
    site: Site,
    survey: Survey,
    items: Sequence[Item],
    given: Sequence[datetime | None],
    mine: frozenset[int],
    calendar: str | None,
    now: datetime,
) -> Forecast:
    """The forecast of `items`, of which some were `given` a moment of publication; all others that are unfinished go first."""
    there: Mapping[int, Outline | None] = await site.projects.outlines(await site.projects.unfinished())
    waiting = await items_of_outlines(survey, others(there.values(), mine), now, ours=False)
    ground, last = await survey.ground(now), None
    if calendar is not None:
        without = [item for item, moment in zip(items, given, strict=True) if moment is None]
        apart = frozenset(moment for moment in given if moment is not None)
        found = await expected_moments(without, ground, survey, calendar, now, apart=apart)
        last = max((moment for moment in (*found, *given) if moment is not None), default=None)
    return await asyncio.to_thread(forecast, [*waiting, *items], ground, now, published_by=last)


def _wish(brief: Brief) -> datetime | None:
    return datetime.fromisoformat(brief.publish_at) if brief.publish_at is not None else None


def _too_few(calendar: str, held: int, wanted: int) -> InvalidBrief:
    return InvalidBrief(
        "slots",
        Text(
            f"放得下全部 {wanted} 支的時段（最遠兩年內）；這些時段只放得下 {held} 支",
            f"moments for all {wanted} videos, at most two years ahead; these hold {held}",
        ),
        calendar,
        Text("多給一些時段，或把檔案分成幾批", "give more moments, or split the file"),
    )


def _too_late(calendar: str, place: int, moment: datetime, deadline: str) -> InvalidBrief:
    at = moment.astimezone(datetime.fromisoformat(deadline).tzinfo).isoformat(timespec="minutes")
    return InvalidBrief(
        "slots",
        Text(
            f"在期限之前輪得到每一支的時段；第 {place + 1} 筆要到 {at}，期限是 {deadline}",
            f"moments that come to each video before its deadline; brief {place + 1} gets {at}, its deadline is {deadline}",
        ),
        calendar,
        Text("多給一些時段，提高它的 priority，或延後期限", "give more moments, a higher priority, or a later deadline"),
    )
