"""`kill -9` of a worker in the middle of each stage: the next one goes on at once, and no finished stage runs again."""

import time

from reelqueue.models.stage import ProjectStatus, Stage

LONG_LEASE, AT_ONCE_SECONDS = "120", 60.0
"""On the same machine nobody waits for a lease: the process is seen to be gone, at the start of the next worker (0.1 s)."""


async def test_a_killed_workers_project_goes_on_where_it_was_in_each_stage(queue, course, world):
    """Each worker ends the stage that the one before it died in, and dies in the next."""
    await queue.create_project({"topic": "How tides work"})
    await queue.start(1)
    pids, pauses = [], []
    for stage in Stage:
        async with world.worker(LEASE_SECONDS=LONG_LEASE) as worker:
            looks = time.monotonic()
            course.leave(*(f"1-{before}" for before in Stage if stage.reaches(before) and before is not stage))
            await course.seen(f"1-{stage}")
            pauses.append(time.monotonic() - looks)
            pids.append(worker.pid)
            worker.kill()
    course.leave(*(f"1-{stage}" for stage in Stage))
    async with world.worker(LEASE_SECONDS=LONG_LEASE) as last:
        await queue.wait(1, timeout=60)

    state = await queue.get_project(1)
    assert state.status is ProjectStatus.COMPLETED
    assert {known.attempts for known in state.stages.values()} == {1}
    assert [course.pids(f"1-{stage}") for stage in Stage] == [[*pair] for pair in zip(pids, [*pids[1:], last.pid], strict=True)]
    assert [len(course.notes(f"1-{stage}", "ended")) for stage in Stage] == [1] * 5
    assert max(pauses) < AT_ONCE_SECONDS
