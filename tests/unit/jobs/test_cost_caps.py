"""A cost cap that is reached in the midst of a project's pictures, through real workers: it waits, goes on, pays nothing twice."""

import contextlib
import dataclasses
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.pipeline import MAINTENANCE, VIDEO
from jobs.spending import money_bucket, project_bucket
from jobs.video.images import shown_pieces
from jobs.video.pieces import Tally
from reelqueue.errors import ServiceUnavailable
from reelqueue.models.cost import Cost, Need
from reelqueue.models.project import Usage
from reelqueue.models.scene import SceneSpec
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.providers.local.free import Free
from reelqueue.providers.protocols import Fixed, MadeImage
from storage import Ledger, Paths
from storage.ledger import pacific_day, pacific_midnight_after
from tests.unit.jobs.conftest import Crew

PICTURES = 8
ESTIMATE, PRICE = Decimal("0.10"), 0.04
SCRIPT = Script(
    intro=Part(text="Hello.", duration=5),
    segments=tuple(Segment(index=n, text=f"Tide {n}.", duration=5, image_description="sea") for n in range(PICTURES)),
    outro=Part(text="Bye.", duration=5),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=50,
    language="en",
)


class Drawn(Free):
    """Draws for nothing."""

    name, version = "local", "1"

    def asked(self, _request: Any) -> None:
        pass

    async def make_image(self, request: Any, _folder: Any) -> MadeImage:
        return MadeImage(scene=SceneSpec(text=request.text, language="en", candidates=("statement",), title=""))


class Painter(Drawn):
    """Paints for money, two at once; `failing` are raised by the next calls."""

    name = "painter"

    def __init__(self) -> None:
        self.calls: Counter[int] = Counter()
        self.failing: list[Exception] = []

    def cost(self, *_asked: Any) -> Cost:
        return Cost(usd=ESTIMATE, needs=(Need(client="painter", name="pictures"),))

    @contextlib.asynccontextmanager
    async def turn(self) -> Any:
        yield

    async def make_image(self, request: Any, folder: Any) -> MadeImage:
        self.calls[request.index] += 1
        if self.failing:
            raise self.failing.pop(0)
        made = await super().make_image(request, folder)
        return made.replace(usage=(Usage(service="painter", model="p1", unit="image", amount=1, cost_usd=PRICE),))


class PayingCrew(Crew):
    """Workers whose pictures cost money."""

    painter = Painter()

    @contextlib.asynccontextmanager
    async def service(self, redis, queue_name=VIDEO):
        async with super().service(redis, queue_name) as opened:
            free = SimpleNamespace(name="local", version="1")
            providers: Any = SimpleNamespace(
                script=free, voice=free, presenter=free, publisher=free, image=self.painter, stand_in=Drawn()
            )
            yield dataclasses.replace(opened, choice=Fixed(providers))

    def may_spend(self, *, a_day="0", a_project="0") -> None:
        """The caps of the workers that begin from now on."""
        self.rules = dataclasses.replace(
            self.rules, daily_cost_cap_usd=Decimal(a_day), project_cost_cap_usd=Decimal(a_project), retry_delays=(0.0, 0.0, 0.0)
        )


@pytest.fixture
def painter():
    return Painter()


@pytest.fixture
def crew(settings, stages, painter):
    async def paint(run):
        async def tell(_share):
            pass

        await shown_pieces(run, SCRIPT, {}, Tally(1, tell))

    stages.acts[Stage.ASSETS] = paint
    made = PayingCrew(settings, stages)
    made.painter = painter
    return made


@pytest.fixture
def ledger(settings):
    return Ledger(Paths(settings.data_dir))


async def parked(crew, queue, until):
    """The project, once it waits."""
    async with crew.working():
        await queue.start(1)

        async def waits():
            state = await queue.get_project(1)
            return state if state.status.is_waiting else None

        return await until(waits, "the project waits")


async def went_on(crew, queue):
    """What the project came to after quotas were looked at."""
    async with crew.working(VIDEO, MAINTENANCE):
        synced = await queue.enqueue_job("sync_quotas")
        answer = await synced.result(timeout=60, poll_delay=0.05)
        await queue.wait(1, timeout=60, through_waits=True)
    return answer["woken"], await queue.get_project(1)


async def looked_at(crew, queue):
    """Who is woken when quotas are looked at with the caps as they were."""
    async with crew.working(MAINTENANCE):
        synced = await queue.enqueue_job("sync_quotas")
        return (await synced.result(timeout=60, poll_delay=0.05))["woken"]


def cost(state):
    return round(sum(use.cost_usd for use in state.usage), 6)


async def test_what_a_project_was_billed_for_stands_in_its_state(crew, queue, project, painter, ledger):
    async with crew.working():
        await queue.start(1)
        await queue.wait(1, timeout=60)

    state = await queue.get_project(1)
    known = await ledger.account(project_bucket(1))
    assert [(use.service, use.model, use.unit, use.amount) for use in state.usage] == [("painter", "p1", "image", PICTURES)]
    assert (cost(state), known.used, known.unsettled) == (round(PICTURES * PRICE, 6), Decimal("0.32"), 0)
    assert painter.calls == Counter(dict.fromkeys(range(1, PICTURES + 1), 1))


async def test_a_day_s_cap_reached_in_the_midst_waits_and_goes_on_once_it_is_raised(crew, queue, project, painter, ledger, until):
    crew.may_spend(a_day="0.25")
    waiting = await parked(crew, queue, until)
    made, spent = painter.calls.copy(), cost(waiting)

    crew.may_spend(a_day="5")
    woken, state = await went_on(crew, queue)

    assert waiting.status is ProjectStatus.WAITING_BUDGET
    assert waiting.wait.until == waiting.resume_at == pacific_midnight_after(datetime.now(UTC))
    assert "DAILY_COST_CAP_USD" in waiting.wait.reason and "DAILY_COST_CAP_USD" in waiting.wait.what_to_do
    assert (made.total(), spent) == (4, 0.16)  # a fifth might have cost 0.10 more
    assert (woken, state.status, cost(state)) == ([1], ProjectStatus.COMPLETED, round(PICTURES * PRICE, 6))
    assert painter.calls == Counter(dict.fromkeys(range(1, PICTURES + 1), 1))
    assert (await ledger.account(money_bucket(pacific_day(datetime.now(UTC))))).used == Decimal("0.32")


async def test_a_projects_cap_waits_for_a_person_and_goes_on_once_it_is_raised(crew, queue, project, painter, until):
    crew.may_spend(a_project="0.25")
    waiting = await parked(crew, queue, until)
    unraised = await looked_at(crew, queue)

    crew.may_spend(a_project="2")
    woken, state = await went_on(crew, queue)

    assert (waiting.status, waiting.wait.until, waiting.resume_at) == (ProjectStatus.WAITING_BUDGET, None, None)
    assert "PROJECT_COST_CAP_USD" in waiting.wait.what_to_do
    assert (unraised, woken, state.status) == ([], [1], ProjectStatus.COMPLETED)
    assert painter.calls.total() == PICTURES
    assert state.stages[Stage.ASSETS].attempts == 1  # to wait is no attempt


async def test_calls_whose_outcome_nobody_knows_count_at_their_estimate_and_are_not_in_the_state(
    crew, queue, project, painter, ledger
):
    painter.failing = [ServiceUnavailable("no answer")]
    async with crew.working():
        await queue.start(1)
        await queue.wait(1, timeout=60)

    known = await ledger.account(project_bucket(1))
    assert (painter.calls.total(), known.used, known.unsettled) == (PICTURES + 1, Decimal("0.42"), ESTIMATE)
    assert cost(await queue.get_project(1)) == round(PICTURES * PRICE, 6)


async def test_two_projects_share_the_days_cap(crew, queue, project, painter, ledger, until):
    await queue.create_project({"topic": "Another"})
    crew.may_spend(a_day="0.45")
    async with crew.working():
        await queue.start(1)
        await queue.start(2)

        async def both():
            states = [await queue.get_project(number) for number in (1, 2)]
            return states if all(state.status.is_waiting or state.status.is_final for state in states) else None

        await until(both, "both wait or are done")

    today = await ledger.account(money_bucket(pacific_day(datetime.now(UTC))))
    assert today.used <= Decimal("0.45")
    assert today.used == Decimal("0.04") * painter.calls.total() and not today.reservations
