"""After a cancel was acknowledged nothing of the project changes: by whom and when ever it comes, and whatever the project waits for."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from jobs.client import connect
from jobs.pipeline import VIDEO
from progress import subscribe_progress
from reelqueue.errors import QuotaExhausted, RateLimited, WrongState
from reelqueue.models.stage import ProjectStatus, Stage

BRIEF = {"topic": "How tides work"}
SEED = random.SystemRandom().randrange(10_000)


async def test_cancels_that_race_with_the_ends_of_stages_hold_or_are_refused(queue, crew, settings, stages, redis, until):
    """Two at once for each project, by two clients, at any moment of its run."""
    print(f"seed {SEED}")  # noqa: T201 - shown where it fails
    chance = random.Random(SEED)

    async def short(_run):
        await asyncio.sleep(chance.uniform(0, 0.01))

    for stage in Stage:
        stages.acts[stage] = short

    async def cancelled(client, number, after):
        await asyncio.sleep(after)
        try:
            return await client.cancel(number)
        except WrongState:
            return None

    async with connect(settings) as other, crew.working():
        acks = []
        for _ in range(24):
            number = (await queue.create_project(BRIEF)).project_id
            await queue.start(number)
            after = chance.uniform(0, 0.4)
            acks += [asyncio.create_task(cancelled(client, number, after)) for client in (queue, other)]
        told = [state for state in await asyncio.gather(*acks) if state is not None]

        async def nothing_is_left():
            return not await redis.zcard(VIDEO)

        await until(nothing_is_left, "the queue is empty")
        states = {number: await queue.get_project(number) for number in range(1, 25)}
        heard = {number: [event.status async for event in subscribe_progress(number, settings=settings)] for number in states}

    assert told
    assert {state.project_id: state for state in told} == {state.project_id: states[state.project_id] for state in told}
    assert {state.status for state in states.values()} <= {ProjectStatus.CANCELLED, ProjectStatus.COMPLETED}
    assert {number: (said.count("cancelled"), said[-1]) for number, said in heard.items()} == {
        number: (int(state.status is ProjectStatus.CANCELLED), str(state.status)) for number, state in states.items()
    }


async def test_two_who_cancel_at_once_are_told_of_once_and_both_are_answered(queue, settings, project):
    await queue.start(1)
    async with connect(settings) as other:
        one, two = await asyncio.gather(queue.cancel(1), other.cancel(1))
    events = [event async for event in subscribe_progress(1, settings=settings)]

    assert one == two
    assert [event.status for event in events if event.status == "cancelled"] == ["cancelled"]


WAITS = {
    "a quota": (lambda: QuotaExhausted("youtube", until=datetime.now(UTC) + timedelta(hours=3)), ProjectStatus.WAITING_QUOTA),
    "a pause before it is tried again": (lambda: RateLimited("youtube", retry_after=120.0), ProjectStatus.QUEUED),
    "a person": (None, ProjectStatus.WAITING_REVIEW),
}


@pytest.mark.parametrize("what", WAITS)
async def test_a_project_is_cancelled_while_it_waits_for(what, queue, crew, stages, redis):
    """Its hint, due in hours, is no more; a retry goes on from what was made."""
    error, status = WAITS[what]
    await queue.create_project(BRIEF | ({} if error else {"review": ["script"]}))
    if error:
        stages.fail(Stage.ASSETS, error())
    await queue.start(1)
    worker = crew.worker(VIDEO, burst=True)
    await worker.async_run()
    await worker.close()
    waiting = await queue.get_project(1)
    cancelled = await queue.cancel(1)
    await crew.burst()

    assert (waiting.status, await redis.zcard(VIDEO)) == (status, 0)
    assert await queue.get_project(1) == cancelled
    stages.acts.clear()
    await queue.retry(1)
    await crew.burst()
    if not error:
        await queue.approve(1)
        await crew.burst()
    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED
    assert stages.ran[Stage.SCRIPT] == 1
