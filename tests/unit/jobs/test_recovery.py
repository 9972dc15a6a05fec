"""What was interrupted goes on, with one hint per project and stage; what may go, goes."""

import asyncio
import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from arq.constants import in_progress_key_prefix, job_key_prefix

from jobs import hooks, transitions
from jobs.claims import OLD_UNNAMED_MS, Claims
from jobs.client import INSTANCE_KEY, open_queue
from jobs.maintenance import renewing
from jobs.maintenance.recover import renew
from jobs.pipeline import BATCH, MAINTENANCE, VIDEO
from jobs.queue import JobQueue
from reelqueue import clock
from reelqueue.errors import DiskFull, InstallationError, PermanentError
from reelqueue.models.stage import ProjectStatus, Stage
from storage import Owner, Paths
from storage.answers import Unavailable
from storage.pauses import Pauses


@pytest.fixture
def _in_small_steps(monkeypatch):
    monkeypatch.setattr(renewing, "AT_ONCE", 2)
    monkeypatch.setattr(renewing, "HINTED_AT_ONCE", 1)


async def recovered(queue, crew):
    job = await queue.enqueue_job("recover_interrupted")
    await crew.burst(MAINTENANCE, renewing=False)
    return await job.result(timeout=1)


async def test_lost_hints_are_renewed_once_and_only_for_who_is_on_the_way(queue, crew, redis, redis_admin):
    for _ in range(5):
        await queue.create_project({"topic": "How tides work"})
    for number in (2, 3, 4):
        await queue.start(number)
    await queue.cancel(4)
    await redis_admin.flushall()

    first, second = await recovered(queue, crew), await recovered(queue, crew)

    assert first["projects"] == [2, 3]
    assert second["projects"] == []
    assert await redis.zcard("video_generation") == 2


@pytest.mark.usefixtures("_in_small_steps")
async def test_two_that_recover_at_once_put_each_hint_back_once_and_whoever_comes_after_them_none(
    queue, crew, redis, redis_admin
):
    """In steps of one hint, so that each meets the other everywhere; a batch and a parked project are among them."""
    batch = await queue.create_batch([{"topic": "How tides work"}] * 2)
    await queue.start_batch(batch.batch_id)
    numbers = [(await queue.create_project({"topic": "How tides work"})).project_id for _ in range(20)]
    for number in numbers:
        await queue.start(number)
    later = datetime.now(UTC) + timedelta(hours=5)
    await queue._projects.change(numbers[-1], lambda state: state.replace(status=ProjectStatus.WAITING_QUOTA, resume_at=later))
    async with open_queue(crew.settings) as other, crew.service(redis) as one, crew.service(other.redis) as two:
        for _ in range(20):  # on a busy machine one may be through before the other begins
            await redis_admin.flushall()
            first, second = await asyncio.gather(renew(one, one.queue.redis), renew(two, two.queue.redis))
            third = await renew(one, one.queue.redis)

            assert sorted(first[0] + second[0]) == numbers
            assert first[1] + second[1] == [batch.batch_id]
            assert third == ([], [], [])
            assert (await redis.zcard(VIDEO), await redis.zcard(BATCH)) == (20, 1)
            if first[0] and second[0]:
                return
    raise AssertionError("they never met")


async def test_hints_never_become_a_flood(queue, crew, redis, project):
    await queue.start(1)
    for _ in range(5):
        await queue.start(1)
        await recovered(queue, crew)

    assert await redis.zcard("video_generation") == 1


@pytest.mark.usefixtures("_in_small_steps")
async def test_a_queue_that_is_built_anew_is_in_order_whatever_was_made_first(queue, crew, redis, redis_admin):
    briefs = [{"topic": "one"}, {"topic": "two"}, {"topic": "three", "priority": 9}]
    batch = await queue.create_batch(briefs)
    await queue.create_project({"topic": "alone"})
    for number in (*batch.project_ids, 4):
        await queue.start(number)
    await redis_admin.flushall()
    answer = await recovered(queue, crew)

    assert answer["projects"] == [1, 2, 3, 4]
    looks = Claims(redis, VIDEO, "somebody", 5.0)
    await looks.take(cpu=1, wait=0)  # whoever looks puts them in their lines
    await looks.close()
    assert [raw.split(b":")[1] for raw in await redis.zrange(VIDEO, 0, -1)] == [b"4", b"3", b"1", b"2"]


async def test_a_project_of_a_paused_batch_is_left_alone(queue, crew, redis, redis_admin, store, project):
    await queue.start(1)
    await store.change(1, lambda state: state.replace(held=True))
    await redis_admin.flushall()

    assert (await recovered(queue, crew))["projects"] == []


async def test_a_project_that_went_on_while_it_was_looked_at_gets_no_hint(queue, crew, redis, redis_admin, project, monkeypatch):
    await queue.start(1)
    await redis_admin.flushall()
    lacking = JobQueue.lacking

    async def slowly(self, wanted):
        found = await lacking(self, wanted)
        await queue.cancel(1)
        return found

    monkeypatch.setattr(JobQueue, "lacking", slowly)

    assert (await recovered(queue, crew))["projects"] == []
    assert await redis.zcard(VIDEO) == 0


async def test_a_project_that_the_disk_does_not_give_keeps_no_other_waiting(queue, crew, redis_admin, store):
    for _ in range(3):
        await queue.start((await queue.create_project({"topic": "How tides work"})).project_id)
    store.paths.project(2).state.unlink()
    store.paths.project(2).state.mkdir()
    await redis_admin.flushall()

    assert (await recovered(queue, crew))["projects"] == [1, 3]


async def test_a_project_in_hand_is_left_to_who_has_it(queue, crew, redis_admin, store, project):
    await queue.start(1)
    await redis_admin.flushall()
    async with await store.take_over(1):
        meanwhile = await recovered(queue, crew)
    afterwards = await recovered(queue, crew)

    assert (meanwhile["projects"], afterwards["projects"]) == ([], [1])


async def test_a_raw_job_that_waits_stands_for_the_hint(queue, crew, redis, project, stages):
    stages.fail(Stage.SCRIPT, PermanentError("no"))
    await queue.enqueue_job("generate_script_task", project_id=1)
    await crew.burst()
    await queue.retry(1)
    before = await redis.zrange("video_generation", 0, -1)
    await recovered(queue, crew)

    assert await redis.zrange("video_generation", 0, -1) == before


async def test_every_worker_renews_lost_hints_at_its_start(queue, crew, redis, project):
    await queue.start(1)
    await redis.delete("video_generation")
    await crew.burst()

    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED


async def test_a_parked_project_is_hinted_for_its_time(queue, crew, redis, store, project):
    at = datetime.now(UTC) + timedelta(hours=5)
    await store.change(1, lambda state: state.replace(status=ProjectStatus.WAITING_QUOTA, resume_at=at))
    await recovered(queue, crew)

    [(_, score)] = await redis.zrange("video_generation", 0, -1, withscores=True)
    assert score == pytest.approx(at.timestamp() * 1000, abs=2)


async def test_a_dead_workers_claim_is_freed_and_a_living_ones_is_not(queue, crew, redis, project):
    job = await queue.start(1)
    other = await queue.enqueue_job("debug_task")
    dead = Owner.here().replace(name="host/dead", pid=2**22 - 1)
    await redis.set(f"arq:in-progress:{job.job_id}", dead.model_dump_json(), ex=900)
    await redis.set(f"arq:in-progress:{other.job_id}", Owner.here().model_dump_json(), ex=900)
    await redis.set(f"reelqueue:alive:{Owner.here().name}", 1, ex=60)
    answer = await recovered(queue, crew)

    assert answer["freed_jobs"] == [job.job_id]
    assert await redis.exists(f"arq:in-progress:{other.job_id}")


async def test_a_project_that_kills_its_worker_three_times_in_one_piece_needs_a_person(
    queue, crew, stages, store, project, until
):
    dead = Owner.here().replace(name="host/dead", pid=2**22 - 1)
    for _ in range(3):
        await _die_in(store, dead, Stage.SCRIPT)
    async with crew.working():  # renews the hint by itself
        state = await until(lambda: _needs_person(queue), "it is tried for ever")

    assert state.crashes == 3
    assert "script: the piece" in state.wait.reason
    assert not stages.ran

    await queue.retry(1)
    await crew.burst()
    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED


async def _die_in(store, dead, stage, piece="script: the piece"):
    """What is on the disk after a `kill -9` in the middle of a piece."""
    lease = await store.take_over(1)
    died_in = lease.previous.piece if lease.previous else ""
    if lease.state.stages[stage].status == "running":
        await lease.commit(transitions.crashed(stage, died_in))
    await lease.commit(transitions.begin(stage, datetime.now(UTC), chain=True))
    await lease.hold(piece)
    lease._renewing.cancel()
    record = store.paths.project(1).lease
    record.write_text(lease._record.replace(owner=dead).model_dump_json())


async def test_a_project_whose_workers_die_in_one_piece_after_the_other_goes_on_by_itself(queue, crew, stages, store, project):
    dead = Owner.here().replace(name="host/dead", pid=2**22 - 1)
    for piece in range(2 * crew.rules.poison_after):
        await _die_in(store, dead, Stage.SCRIPT, f"script: the {piece}. piece")
    await crew.burst()

    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED
    assert stages.ran[Stage.SCRIPT] == 1


async def _needs_person(queue):
    state = await queue.get_project(1)
    return state if state.status is ProjectStatus.NEEDS_PERSON else None


async def test_a_killed_workers_stage_goes_on_without_using_an_attempt(queue, crew, stages, store, project):
    await _die_in(store, Owner.here().replace(name="host/dead", pid=2**22 - 1), Stage.SCRIPT)
    attempts = []

    async def act(run):
        attempts.append(run.attempt)

    stages.acts[Stage.SCRIPT] = act
    await crew.burst()  # renews the hint by itself

    assert attempts == [1]
    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED


async def test_cleanup_takes_pieces_of_published_projects_and_stray_files_only(queue, crew, store, project):
    await queue.create_project({"topic": "Another"})
    await queue.start(1)
    await crew.burst()
    files, other = store.paths.project(1), store.paths.project(2)
    for place in (files, other):
        place.make()
        (place.audio / "piece.wav").write_text("sound")
        (place.output / "old.1.part").write_text("left")
        (place.output / "new.1.part").write_text("being written")
        os.utime(place.output / "old.1.part", (time.time() - 7_200,) * 2)
    job = await queue.enqueue_job("cleanup")
    await crew.burst(MAINTENANCE)

    answer = await job.result(timeout=1)
    assert (answer["files"], [one["project_id"] for one in answer["projects"]]) == (3, [1, 2])
    assert not (files.audio / "piece.wav").exists()
    assert (other.audio / "piece.wav").exists()
    assert (files.output / "new.1.part").exists()
    assert (files.output / "upload.txt").exists()


@pytest.mark.parametrize(("due_in_s", "brought_forward"), [(10, False), (600, True)], ids=["soon", "late"])
async def test_a_renewal_brings_forward_only_what_would_look_late(queue, crew, redis, project, due_in_s, brought_forward):
    """A batch of hundreds renews its hints every few seconds: it woke all that waited for a place each time."""
    job = await queue.start(project.project_id)
    due = int((time.time() + due_in_s) * 1000)
    await redis.zadd(VIDEO, {job.job_id: due})

    await recovered(queue, crew)

    assert (await redis.zscore(VIDEO, job.job_id) < due) is brought_forward


async def test_a_claim_that_bears_no_name_is_freed_without_a_maintenance_worker(queue, crew, redis, project, stages, monkeypatch):
    """Its worker was killed between arq's mark and our name on it; others were running, none ever looked again."""
    monkeypatch.setattr(hooks, "RENEW_SECONDS", 0.05)
    job = await queue.start(project.project_id)
    await redis.set(in_progress_key_prefix + job.job_id, b"1", px=OLD_UNNAMED_MS - 1)
    async with crew.working():
        answer = await queue.wait(project.project_id, timeout=60)

    assert answer["made"] == "upload"


@pytest.mark.parametrize(
    "newer", [{"f": "generate_script_task_of_tomorrow"}, {"k": {"project_id": 1, "mood": "calm"}}, {"a": [[]]}], ids=str
)
async def test_a_hint_that_only_a_newer_version_understands_is_answered_and_the_project_goes_on(
    queue, crew, redis, project, monkeypatch, newer
):
    """As a client writes that was upgraded before its workers; ours takes the place of what it refused."""
    monkeypatch.setattr(hooks, "RENEW_SECONDS", 0.05)
    job = await queue.start(project.project_id)
    payload = json.loads(await redis.get(job_key_prefix + job.job_id))
    await redis.set(job_key_prefix + job.job_id, json.dumps(payload | newer))
    async with crew.working():
        answer = await queue.wait(project.project_id, timeout=60)
        with pytest.raises(Exception, match=r"not found|don't fit"):
            await job.result(timeout=1)

    assert answer["made"] == "upload"


async def test_a_disk_in_trouble_when_redis_is_back_ends_no_worker(crew, redis, settings, redis_admin, monkeypatch):
    """Only a Redis of another installation does.  One that forgot stays nobody's until it can be told which queues are paused."""

    async def refuses(_pauses):
        raise Unavailable("paused", "EIO")

    async def renewed(_service, _redis):
        pass

    ours, ctx = hooks.hooks(lambda pool: crew.service(pool, VIDEO), renewed), {"redis": redis}
    await ours.startup(ctx)
    Paths(settings.data_dir).instance_file.write_bytes(b"")
    await ours.reconnect(ctx)
    with monkeypatch.context() as broken:
        broken.setattr(Pauses, "all", refuses)
        await redis_admin.flushall()
        await ours.reconnect(ctx)
        unclaimed = await redis.get(INSTANCE_KEY)
    await ours.reconnect(ctx)
    assert (unclaimed, await redis.get(INSTANCE_KEY)) == (None, ctx["service"].instance.encode())
    await redis_admin.set(INSTANCE_KEY, "another's")

    with pytest.raises(InstallationError, match="another installation"):
        await ours.reconnect(ctx)
    await ours.shutdown(ctx)


@pytest.mark.parametrize("place", [1, 2], ids=["at the start", "later"])
async def test_a_bug_in_a_renewal_ends_no_renewing(crew, redis, monkeypatch, place):
    monkeypatch.setattr("jobs.hooks.RENEW_SECONDS", 0.01)
    renewals, again = [], asyncio.Event()

    async def breaks(_service, _redis):
        renewals.append(1)
        if len(renewals) == place:
            raise ZeroDivisionError
        if len(renewals) == 3:
            again.set()

    ours, ctx = hooks.hooks(lambda pool: crew.service(pool, VIDEO), breaks), {"redis": redis}
    await ours.startup(ctx)
    await asyncio.wait_for(again.wait(), 60)
    await ours.shutdown(ctx)


async def test_a_clock_that_is_set_back_a_day_makes_no_wait_of_a_minute_a_day_long(
    queue, crew, project, stages, store, until, tmp_path
):
    """The moment up to which it waits was reckoned by a clock that was a day ahead."""
    stages.fail(Stage.RENDER, DiskFull("no space", "make room"))

    async def is_now(status):
        return (await store.load(project.project_id)).status is status

    ahead = tmp_path / "clock"
    ahead.write_text("86400")
    crew.settings = crew.settings.model_copy(update={"test_clock_file": ahead})
    try:
        async with crew.working():
            await queue.start(project.project_id)
            await until(lambda: is_now(ProjectStatus.WAITING_DISK), "it waits for a minute")
            ahead.write_text("0")
            await until(lambda: is_now(ProjectStatus.COMPLETED), "it goes on")
    finally:
        clock.follow(None)
