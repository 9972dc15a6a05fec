"""`/publishing`: what comes out when, what is left of each quota, where the money goes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reelqueue import clock
from reelqueue.dashboard.asked import board_of, zone_of
from reelqueue.dashboard.batch.openings import openings
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.brief.channels import ChannelNames
from reelqueue.dashboard.figures import usd
from reelqueue.dashboard.numbered import numbered
from reelqueue.dashboard.project.now import moment
from reelqueue.dashboard.publishing import quotas, words
from reelqueue.dashboard.publishing.money import Money, money_of
from reelqueue.dashboard.publishing.week import DAYS, LEGEND, ChannelDay, ChannelWeek, bounds, week_of
from reelqueue.dashboard.publishing.week_asked import WeekAsked, week_asked
from reelqueue.dashboard.rendering import page
from reelqueue.models.forecast import Forecast
from reelqueue.models.stage import BatchStatus
from storage import Debts, Outline

LOOKED_AT = 50
"""So many batches, the newest, are asked what they will take of quota."""


async def show(request: Request) -> Response:
    """The page.

    Raises:
        StorageUnavailable, NeedsPerson: the disk does not answer, or an account can't be read.
        InvalidSettings: CHANNELS_FILE is wrong.
    """
    board, zone, now = board_of(request), zone_of(request), clock.now()
    outlines = await board.catalogue.all()
    asked = week_asked(request, now.astimezone(zone).date())
    names = ChannelNames(board.shelf)
    channels = {one.project_id: names.of(one.channel) for one in outlines}
    weeks = await _weeks(board, outlines, channels, asked, names, now, zone)
    units = await _units(board, asked, await _forecasts(board, outlines, names), zone)
    money = await money_of(board, outlines)
    rows, today = await quotas.rows(board, await board.forecasts.site()), now.astimezone(zone).date()
    return page(
        request,
        "publishing.html",
        says=words.SAYS,
        numbered=numbered(words.SAYS),
        asked=asked,
        near=asked.near,
        days=asked.days,
        today=today,
        week=words.week_in_words(asked.first, DAYS),
        day_words=words.day_in_words,
        day_at_length=words.day_at_length,
        weeks=weeks,
        known_channels=sorted({*board.shelf.channels, *channels.values()}),
        opened=_opened(weeks, asked),
        units=units,
        legend=LEGEND,
        rows=[row for row in rows if row.is_counted],
        uncounted=[row for row in rows if not row.is_counted],
        bucket_title=words.bucket_title,
        resets_in=words.hours_in_words(quotas.resets_in(now)),
        day_ends=quotas.ends_at(quotas.quota_day(today, zone)),
        owed=len(await Debts(board.paths.owed).all()),
        money=money,
        caps=_caps(money),
        moment=lambda at: moment(at, now, zone),
        week_before=asked.first - timedelta(days=DAYS),
        week_after=asked.first + timedelta(days=DAYS),
        two_days=timedelta(days=2),
    )


async def _weeks(
    board: Board,
    outlines: Sequence[Outline],
    channels: Mapping[int, str],
    asked: WeekAsked,
    names: ChannelNames,
    now: datetime,
    zone: ZoneInfo,
) -> list[ChannelWeek]:
    begins, ends = bounds(asked.first, zone)
    free = (
        await openings(board, outlines, channels, max(begins, now), ends, await board.batches.list(limit=LOOKED_AT))
        if ends > now
        else {}
    )
    found = week_of(asked.first, outlines, free, [*board.shelf.channels], names.of, now, zone)
    return [one for one in found if asked.channel in {None, one.name}]


def _opened(weeks: Sequence[ChannelWeek], asked: WeekAsked) -> ChannelDay | None:
    """The day that is shown moment by moment."""
    days = [day for week in weeks for day in week.days if day.day == asked.day] if asked.opened else []
    return days[0] if len(days) == 1 else None


async def _forecasts(board: Board, outlines: Sequence[Outline], names: ChannelNames) -> list[tuple[Forecast, Counter[str]]]:
    """What running batches are expected to take, and how many of their projects are still to be made for each channel."""
    members: dict[int, dict[int, Outline | None]] = {}
    for one in outlines:
        if one.batch_id is not None:
            members.setdefault(one.batch_id, {})[one.project_id] = one
    found = []
    for state in await board.batches.list(limit=LOOKED_AT):
        mine = members.get(state.batch_id, {})
        if state.status is BatchStatus.RUNNING and (forecast := await board.forecasts.of(state, mine)) is not None:
            left = Counter(names.of(one.channel) for one in mine.values() if one is not None and not one.status.is_final)
            found.append((forecast, left))
    return found


async def _units(
    board: Board, asked: WeekAsked, forecasts: Sequence[tuple[Forecast, Counter[str]]], zone: ZoneInfo
) -> list[quotas.ClientUnits]:
    clients = await quotas.clients_of_channels(board)
    shared = [(forecast, _shares(left, clients)) for forecast, left in forecasts]
    found = await quotas.units_by_day(board, asked.days, zone, quotas.planned_units(shared))
    return [one for one in found if asked.channel is None or asked.channel in one.channels]


def _shares(left: Counter[str], clients: Mapping[str, str]) -> dict[str, float]:
    """How much of what is left each client publishes, 0-1."""
    whole, shares = left.total(), Counter[str]()
    for channel, count in left.items():
        if channel in clients:
            shares[clients[channel]] += count
    return {client: count / whole for client, count in shares.items()}


def _caps(money: Money) -> str:
    """What there is of caps, one after the other, in the reader's language; "" where there is none."""
    told = [
        ("cap_project", "", money.project_cap),
        ("cap_day", "", money.cap),
        *(("cap_channel", name, cap) for name, cap in money.channel_caps),
    ]
    return " · ".join(str(words.SAYS[key]).format(name=name, usd=usd(cap)) for key, name, cap in told if cap)


ROUTES: list[BaseRoute] = [Route("/publishing", show)]
