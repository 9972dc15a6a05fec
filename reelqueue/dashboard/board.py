"""What pages and the API read from: opened once for all requests of a process."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from arq.connections import ArqRedis

from jobs.counting import counted
from jobs.numbers import Numbers
from progress.hub import Hub
from reelqueue.bootstrap import Settings, open_shelf
from reelqueue.dashboard.batch.forecasts import Forecasts
from reelqueue.dashboard.batch.sheets import Sheets
from reelqueue.dashboard.catalogue import Catalogue
from reelqueue.dashboard.kept import Kept
from reelqueue.dashboard.link import Link
from reelqueue.dashboard.overview.readiness import Readiness
from reelqueue.dashboard.project.miniatures import Miniatures
from reelqueue.dashboard.streams.hearing import heard
from reelqueue.dashboard.streams.pulse import Pulse
from reelqueue.providers.registry import Shelf
from storage import BatchStore, Ledger, Owner, Paths, ProjectStore
from storage.chronicle import Chronicle

if TYPE_CHECKING:
    from reelqueue.dashboard.project.prices import Price

PRICED_SECONDS, MOST_PRICED = 20.0, 500
"""How long what going on with a project takes is told again, and of how many."""


@dataclass(frozen=True, slots=True)
class Board:
    """One installation, to look at and to act on.

    What is on disk is always there; what goes through Redis comes by `link`, which raises where it is away.
    """

    settings: Settings
    paths: Paths
    zone: ZoneInfo
    projects: ProjectStore
    batches: BatchStore
    ledger: Ledger
    link: Link
    catalogue: Catalogue
    shelf: Shelf
    hub: Hub
    pulse: Pulse
    forecasts: Forecasts
    miniatures: Miniatures
    priced: "Kept[Price]"
    numbers: Numbers
    readiness: Readiness
    sheets: Sheets


@contextlib.asynccontextmanager
async def open_board(settings: Settings) -> AsyncIterator[Board]:
    """Open it; Redis need not be there.

    Raises:
        InvalidSettings, InstallationError: what is wrong with the machine or its settings, and what to do.
    """
    paths = Paths(settings.data_dir)
    projects, batches = ProjectStore.reader(paths), BatchStore.reader(paths)
    link = Link(settings)
    async with contextlib.AsyncExitStack() as stack:
        shelf = await stack.enter_async_context(contextlib.aclosing(open_shelf(settings, paths)))
        await stack.enter_async_context(link.kept())
        catalogue = await stack.enter_async_context(contextlib.aclosing(Catalogue(projects)))
        hub, pulse = await stack.enter_async_context(heard(link, projects, batches, catalogue))
        forecasts = await stack.enter_async_context(contextlib.aclosing(Forecasts(settings, shelf, link)))
        sheets = await stack.enter_async_context(contextlib.aclosing(Sheets()))
        redis = partial(_redis_of, link)
        await stack.enter_async_context(counted(redis, Chronicle(paths.metrics), Owner.here().name))
        catalogue.begin()
        yield Board(
            settings=settings,
            paths=paths,
            zone=ZoneInfo(settings.timezone),
            projects=projects,
            batches=batches,
            ledger=Ledger(paths),
            link=link,
            hub=hub,
            pulse=pulse,
            catalogue=catalogue,
            shelf=shelf,
            forecasts=forecasts,
            miniatures=Miniatures(),
            priced=Kept(seconds=PRICED_SECONDS, most=MOST_PRICED),
            numbers=Numbers(paths.metrics, redis),
            readiness=Readiness(settings, link),
            sheets=sheets,
        )


def _redis_of(link: Link) -> ArqRedis | None:
    return link.client.redis if link.is_there else None
