"""A file and what was typed beside it, looked at from all sides before anything is made."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.batch.calendar_words import parse_every, parse_slots
from jobs.batch.plan import check_calendar, forecast_of_briefs
from jobs.batch.rows import Defaults, Mistake, Sheet
from jobs.batch.site import Site
from jobs.client import site_of
from reelqueue import clock
from reelqueue.addresses import check_webhook
from reelqueue.ahead.batch_file import Check, Mistaken, TopicFile, defaults_of, read_sheet, refuse_here
from reelqueue.ahead.batch_offer import BatchOffer, batch_offer_of
from reelqueue.ahead.batch_past import Past, past_of
from reelqueue.bootstrap import Settings
from reelqueue.errors import InvalidBrief, ReelqueueError
from reelqueue.models.batch import BatchState
from reelqueue.models.forecast import Forecast
from reelqueue.models.stage import BatchStatus
from reelqueue.providers.registry import Shelf
from reelqueue.wording import Text
from storage import BatchStore, ProjectStore


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed beside the file."""

    fields: Mapping[str, Any]
    every: str | None = None
    slots: str | None = None
    webhook: str | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a file is held against: who makes what here, what places there are now, what a brief may not ask where it comes from."""

    settings: Settings
    shelf: Shelf
    site_now: Callable[[], Awaitable[Site]]
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that may become a batch, and what that would mean; `offer` is None where it was begun before.

    `moments` are those at which each row is expected to become public, where that hangs on a calendar.
    `calendar` and `webhook` are those of the batch that the file is already, where it is one.
    """

    sheet: Sheet
    past: Past
    calendar: str | None
    webhook: str | None
    offer: BatchOffer | None
    forecast: Forecast | None
    moments: Sequence[datetime | None] = ()


async def prepared(file: TopicFile, wish: Wish, ground: Ground) -> Prepared:
    """Look at all of it; nothing is made.  What was made of it before is not held against the clock again.

    Raises:
        Mistaken: all that is wrong with its rows.  InvalidBrief: a wish beside it is wrong; names it.
        InvalidSettings: what is chosen can't be used as it is set up.
    """
    settings, shelf = ground.settings, ground.shelf
    defaults = defaults_of(wish.fields, file, settings)
    sheet = await read_sheet(file, defaults)
    if sheet.mistakes:
        raise Mistaken(await _all_mistakes(sheet, defaults, ground))
    past = await past_of(sheet, ProjectStore.reader(shelf.paths), BatchStore.reader(shelf.paths))
    if past.batch is not None:
        if past.mistakes:
            raise Mistaken(sheet.named(past.mistakes))
        return await _gone_on_with(sheet, past, past.batch, ground)
    calendar = _calendar(wish, settings)
    if wish.webhook is not None:
        check_webhook(wish.webhook, settings.webhook_private_hosts, has_secret=settings.webhook_secret is not None)
    mistakes = (*await refuse_here(sheet, defaults, settings, shelf, ground.check), *past.mistakes)
    if mistakes:
        raise Mistaken(sheet.named(mistakes))
    if not past.rows:
        return Prepared(sheet, past, calendar, wish.webhook, None, None)
    moments: Sequence[datetime | None] = ()
    if calendar is not None:
        moments = await check_calendar(site_of(settings, shelf), [row.brief for row in past.rows], clock.now(), calendar)
    forecast = await _forecast(past, calendar, ground)
    offer = await _offer(past, calendar, forecast, ground)
    return Prepared(sheet, past, calendar, wish.webhook, offer, forecast, moments)


async def _all_mistakes(sheet: Sheet, defaults: Defaults, ground: Ground) -> tuple[Mistake, ...]:
    """The file's own, and of the rows that have none what only this machine knows: nobody corrects a file twice."""
    here: tuple[Mistake, ...] = ()
    with contextlib.suppress(ReelqueueError):  # of an option or a setting: said when the rows are right
        here = await refuse_here(sheet, defaults, ground.settings, ground.shelf, ground.check)
    return sheet.named((*sheet.mistakes, *here))


async def _gone_on_with(sheet: Sheet, past: Past, batch: BatchState, ground: Ground) -> Prepared:
    """The very same file again: what it pays and publishes is of interest where it was not begun."""
    if batch.status is not BatchStatus.CREATED and batch.project_ids:
        return Prepared(sheet, past, batch.calendar, batch.webhook, None, None)
    forecast = await _forecast(past, batch.calendar, ground)
    offer = await _offer(past, batch.calendar, forecast, ground)
    return Prepared(sheet, past, batch.calendar, batch.webhook, offer, forecast)


async def _offer(past: Past, calendar: str | None, forecast: Forecast, ground: Ground) -> BatchOffer:
    briefs = [row.brief for row in past.rows]
    return await batch_offer_of(briefs, ground.settings, ground.shelf, calendar=calendar, forecast=forecast)


def _calendar(wish: Wish, settings: Settings) -> str | None:
    if wish.every is not None and wish.slots is not None:
        raise InvalidBrief("slots", Text("--every 與 --slots 擇一", "one of --every and --slots"), wish.slots)
    if wish.every is not None:
        return parse_every(wish.every, settings.timezone, clock.now())
    return parse_slots(wish.slots, settings.timezone, clock.now()) if wish.slots is not None else None


async def _forecast(past: Past, calendar: str | None, ground: Ground) -> Forecast:
    briefs = [row.brief for row in past.rows]
    return await forecast_of_briefs(await ground.site_now(), briefs, clock.now(), calendar)
