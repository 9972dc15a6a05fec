"""Where a batch is made: who makes what, where it is kept, which places and caps there are."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from jobs.batch.capacity import Places, live_places
from jobs.batch.history import heavy_stages
from jobs.context import Service
from jobs.spending import Caps
from reelqueue.models.stage import Stage
from reelqueue.providers.protocols import Choice
from reelqueue.providers.registry import KINDS, Shelf
from storage import Ledger, ProjectStore
from storage.bookings import Bookings


@dataclass(frozen=True, slots=True)
class Site:
    """`chosen` is who makes each kind where a brief leaves it open; caps in US dollars, 0: none."""

    choice: Choice
    projects: ProjectStore
    ledger: Ledger
    bookings: Bookings
    language: str
    places: Places
    chosen: Mapping[str, str]
    daily_usd: Decimal = Decimal(0)
    project_usd: Decimal = Decimal(0)

    @property
    def heavy(self) -> frozenset[Stage]:
        """The stages that load the CPU here."""
        return heavy_stages(local_assets="local" in {self.chosen.get("voice", "local"), self.chosen.get("image", "local")})


async def site_of_service(service: Service) -> Site:
    """As a worker sees it, with the places of all that live.

    Raises:
        InvalidSettings: the channels' file can't be read any more.
    """
    watched = await asyncio.to_thread(service.watched)
    return Site(
        choice=service.choice,
        projects=service.projects,
        ledger=service.ledger,
        bookings=Bookings(service.paths),
        language=service.rules.language,
        places=await live_places(service.queue.redis, Places()),
        chosen=watched.chosen,
        daily_usd=service.rules.daily_cost_cap_usd,
        project_usd=service.rules.project_cost_cap_usd,
    )


def site_of_shelf(shelf: Shelf, caps: Caps, *, language: str, places: Places) -> Site:
    """As a client sees it, who has a worker's settings and no service."""
    return Site(
        choice=shelf,
        projects=ProjectStore.reader(shelf.paths),
        ledger=Ledger(shelf.paths),
        bookings=Bookings(shelf.paths),
        language=language,
        places=places,
        chosen={kind: shelf.name_of(kind, {}) for kind in KINDS},
        daily_usd=caps.daily_usd,
        project_usd=caps.project_usd,
    )
