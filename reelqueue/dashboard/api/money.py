"""`/api/quotas` and `/api/costs`: what is left, what was paid; from the ledger on disk, without Redis."""

import asyncio
from decimal import Decimal
from typing import Any

from jobs.paid import Paid, paid_for, paid_lately
from jobs.spending import Caps
from jobs.standing import standings
from reelqueue import clock
from reelqueue.bootstrap import Settings, read_watched
from reelqueue.dashboard.api.operation import Asked, Operation
from reelqueue.dashboard.api.queries import CostsQuery
from reelqueue.dashboard.api.shapes import Costs, ProjectCosts, Quotas, Spent, SpentDay, SpentTotal
from reelqueue.wording import Text
from storage import Debts
from storage.ledger import pacific_day


async def get_quotas(asked: Asked) -> Quotas:
    """How each bucket stands."""
    board, now = asked.board, clock.now()
    watched = await asyncio.to_thread(read_watched, board.settings)  # it reads the channels' file
    return Quotas(
        items=tuple(await standings(board.ledger, watched.meters, now)),
        checked_at=now,
        captions_owed=tuple(await Debts(board.paths.owed).all()),
    )


async def get_costs(asked: Asked) -> Costs:
    """The last days."""
    board, query = asked.board, asked.query
    assert isinstance(query, CostsQuery)
    caps = {name: channel.daily_cost_cap_usd for name, channel in board.shelf.channels.items()}
    found = await paid_lately(board.ledger, pacific_day(clock.now()), query.days, _caps(board.settings), caps)
    return Costs(
        items=tuple(SpentDay(day=day, **_spent(Paid(paid.account))) for day, paid in found.days.items()),
        today=Spent(**_spent(found.today)),
        total=SpentTotal(days=query.days, **_spent(found.total(query.days))),
        channels={name: Spent(**_spent(paid)) for name, paid in found.channels.items()},
        project_cap_usd=_cap(board.settings.project_cost_cap_usd),
    )


async def get_project_costs(asked: Asked) -> ProjectCosts:
    """One project's."""
    board = asked.board
    state = await board.projects.load(asked.ids["project_id"])
    paid = await paid_for(board.ledger, state.project_id, _caps(board.settings))
    return ProjectCosts(project_id=state.project_id, status=state.status, **_spent(paid))


def _caps(settings: Settings) -> Caps:
    return Caps(daily_usd=settings.daily_cost_cap_usd, project_usd=settings.project_cost_cap_usd)


def _spent(paid: Paid) -> dict[str, Any]:
    return {
        "used_usd": float(paid.used),
        "reserved_usd": float(paid.reserved),
        "cap_usd": _cap(paid.cap),
        "usage": tuple(paid.usage),
    }


def _cap(cap: Decimal | None) -> float | None:
    """None where there is none; 0 is none, too."""
    return float(cap) if cap else None


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "GET",
        "/quotas",
        "get_quotas",
        Text("每個服務今天還剩多少配額", "What is left of each service today"),
        get_quotas,
        answers=Quotas,
    ),
    Operation(
        "GET",
        "/costs",
        "get_costs",
        Text("最近幾天花了多少錢（美元，太平洋時間）", "What was spent over the last days (US dollars, Pacific days)"),
        get_costs,
        answers=Costs,
        query=CostsQuery,
        problems=(422,),
    ),
    Operation(
        "GET",
        "/projects/{project_id}/costs",
        "get_project_costs",
        Text("一個專案花了多少錢", "What one project took"),
        get_project_costs,
        answers=ProjectCosts,
        problems=(404, 409),
    ),
)
