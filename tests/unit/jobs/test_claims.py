"""Claims in Redis: who has a job, for how long, and what becomes of it; against a real server."""

import json
import time

import pytest
from arq.constants import abort_jobs_ss, in_progress_key_prefix, job_key_prefix, result_key_prefix, retry_key_prefix

from jobs.claims import MAX_PAYLOAD_BYTES, RENEW, SCAN_AT_ONCE, Claims, free_dead
from jobs.pipeline import Load
from jobs.turns import PLAIN_SECONDS
from storage import Owner

QUEUE = "video_generation"
LEASE_S = 5.0


MADE: list[Claims] = []


def claims_of(redis, name="me"):
    MADE.append(Claims(redis, QUEUE, name, LEASE_S, heavy=["render_video_task"]))
    return MADE[-1]


@pytest.fixture(autouse=True)
async def _their_connections_are_closed():
    yield
    while MADE:
        await MADE.pop().close()


async def queued(redis, job_id, function="debug_task", *, due_in_s=-1.0, body=None):
    made = json.dumps({"t": None, "f": function, "a": [], "k": {}, "et": 1}) if body is None else body
    await redis.set(job_key_prefix + job_id, made)
    await redis.zadd(QUEUE, {job_id: int((time.time() + due_in_s) * 1000)})


def names(look):
    return [one.raw_id.decode() for one in look.taken]


async def test_jobs_that_load_the_cpu_and_others_have_places_of_their_own(redis):
    for number in range(5):
        await queued(redis, f"heavy{number}", "render_video_task", due_in_s=-10 + number)
    for number in range(3):
        await queued(redis, f"light{number}")
    look = await claims_of(redis).take(cpu=2, wait=8)

    assert names(look) == ["heavy0", "heavy1", "light0", "light1", "light2"]
    assert [one.load for one in look.taken] == [Load.CPU] * 2 + [Load.WAIT] * 3


async def test_what_others_run_holds_nothing_up_however_much_it_is(redis):
    past_ms = int(time.time() * 1000) - 60_000
    running = {f"foreign{number}": past_ms + number for number in range(SCAN_AT_ONCE + 100)}
    await redis.zadd(QUEUE, running)
    await redis.mset({in_progress_key_prefix + job: "theirs" for job in running})
    await queued(redis, "mine")
    claims = claims_of(redis)
    first = await claims.take(cpu=0, wait=1)
    second = await claims.take(cpu=0, wait=1, offset=first.more)

    assert first.taken == []
    assert names(second) == ["mine"]
    assert second.more is None


BATCH, MORE_WANTED = "~b720000", "~b727200"


async def in_turn(claims, **places):
    """Take one job after the other; their names without their turns."""
    order = []
    while look := names(await claims.take(**places)):
        order += [name.partition("~")[0] for name in look]
    return order


@pytest.mark.parametrize("in_line", [False, True], ids=["all came just now", "all but hers wait in their line"])
async def test_whoever_comes_is_taken_in_turn(redis, in_line):
    """A client's own job, and one that waited for a moment, stood behind all that a batch ever queued."""
    claims = claims_of(redis)
    for number in range(3):
        await queued(redis, f"batch{number}{BATCH}", due_in_s=-3 + number)
    await queued(redis, f"waited{MORE_WANTED}")
    await queued(redis, f"single~s{PLAIN_SECONDS + 600}")
    if in_line:
        await claims.take(cpu=1, wait=0)
    await queued(redis, "hers", due_in_s=-0.5)

    assert await in_turn(claims, cpu=0, wait=1) == ["single", "hers", "waited", "batch0", "batch1", "batch2"]


async def test_who_has_waited_for_longer_than_a_head_start_comes_first(redis):
    """A batch's job of three weeks ago, say: single projects that come and come must not keep it waiting for ever."""
    await queued(redis, f"old{BATCH}", due_in_s=-21 * 86_400)
    await queued(redis, "single")

    assert await in_turn(claims_of(redis), cpu=0, wait=1) == ["old", "single"]


async def test_jobs_that_load_the_cpu_are_taken_in_turn_too(redis):
    claims = claims_of(redis)
    await queued(redis, f"render:1{BATCH}", "render_video_task", due_in_s=-3)
    await queued(redis, f"render:2{BATCH}", "render_video_task", due_in_s=-2)
    await claims.take(cpu=0, wait=1)
    await queued(redis, "render:3", "render_video_task")

    assert await in_turn(claims, cpu=1, wait=0) == ["render:3", "render:1", "render:2"]


async def test_a_job_that_is_taken_at_once_is_not_written_into_a_line(redis):
    """Each write to the queue wakes all workers."""
    await queued(redis, "x")
    score = await redis.zscore(QUEUE, "x")
    await claims_of(redis).take(cpu=0, wait=1)

    assert await redis.zscore(QUEUE, "x") == score


async def test_a_job_that_is_not_due_keeps_its_moment(redis):
    await queued(redis, f"now{BATCH}")
    await queued(redis, f"later{BATCH}", due_in_s=60)
    score = await redis.zscore(QUEUE, f"later{BATCH}")
    look = await claims_of(redis).take(cpu=1, wait=0)

    assert (look.taken, await redis.zscore(QUEUE, f"later{BATCH}")) == ([], score)


async def test_a_look_costs_the_same_however_many_wait_for_places_that_are_not_free(redis, redis_admin):
    """With 5,000 projects queued each look read the heads of 5,000 jobs: there was always a place for a render."""
    claims = claims_of(redis)

    async def commands_of_a_look():
        before = (await redis_admin.info("stats"))["total_commands_processed"]
        await claims.take(cpu=2, wait=0)
        return (await redis_admin.info("stats"))["total_commands_processed"] - before

    await queued(redis, "script:0")
    await claims.take(cpu=2, wait=0)
    few = await commands_of_a_look()
    for number in range(1, 300):
        await queued(redis, f"script:{number}")
    await claims.take(cpu=2, wait=0)

    assert await commands_of_a_look() == few


async def test_batches_leave_a_place_to_others(redis):
    for number in range(4):
        await queued(redis, f"script:{number}{BATCH}", due_in_s=-5 + number)
    await queued(redis, f"render:9{BATCH}", "render_video_task")
    claims = claims_of(redis)
    batch = names(await claims.take(cpu=1, wait=3, kept=1))
    nothing = names(await claims.take(cpu=0, wait=1, kept=1))
    await queued(redis, "single")

    assert sorted(name.partition("~")[0] for name in batch) == ["render:9", "script:0", "script:1"]
    assert nothing == []
    assert names(await claims.take(cpu=0, wait=1, kept=1)) == ["single"]


async def test_a_job_is_not_taken_before_its_time_and_the_time_is_told(redis):
    await queued(redis, "later", due_in_s=30)
    look = await claims_of(redis).take(cpu=1, wait=1)

    assert look.taken == []
    assert look.due_ms - look.now_ms == pytest.approx(30_000, abs=2_000)


async def test_a_claim_lives_for_the_lease_and_counts_the_try(redis):
    await queued(redis, "x")
    [taken] = (await claims_of(redis).take(cpu=1, wait=1)).taken

    assert 0 < await redis.pttl(in_progress_key_prefix + "x") <= LEASE_S * 1000
    assert taken.job_try == 1
    assert (await claims_of(redis, "other").take(cpu=1, wait=1)).taken == []


@pytest.mark.parametrize(("held", "kept"), [("me", True), (None, True), ("other", False)], ids=["ours", "nobody's", "another's"])
async def test_a_job_is_finished_by_who_has_it_or_where_nobody_does(redis, held, kept):
    await queued(redis, "x")
    claims = claims_of(redis)
    await claims.take(cpu=1, wait=1)
    if held is None:
        await redis.delete(in_progress_key_prefix + "x")
    else:
        await redis.set(in_progress_key_prefix + "x", held)

    assert await claims.finish(b"x", b"{}", 60_000) is kept
    assert bool(await redis.exists(result_key_prefix + "x")) is kept
    assert bool(await redis.exists(job_key_prefix + "x")) is not kept
    assert (await redis.zscore(QUEUE, "x") is None) is kept


@pytest.mark.parametrize(("counts", "tries"), [(True, b"1"), (False, b"0")])
async def test_a_job_that_is_handed_back_is_free_at_once(redis, counts, tries):
    await queued(redis, "x")
    claims = claims_of(redis)
    await claims.take(cpu=1, wait=1)
    await claims.back(b"x", seconds=None, counts=counts, keep_ms=60_000)

    assert await redis.get(retry_key_prefix + "x") == tries
    assert names(await claims_of(redis, "other").take(cpu=1, wait=1)) == ["x"]


async def test_handing_back_what_the_server_forgot_leaves_nothing_behind(redis, redis_admin):
    await claims_of(redis).back(b"x", seconds=1.0, counts=False, keep_ms=60_000)

    assert await redis_admin.keys("arq:*") == []


async def test_a_job_that_waits_is_due_when_it_asked_to_be(redis):
    await queued(redis, "x")
    claims = claims_of(redis)
    await claims.take(cpu=1, wait=1)
    await claims.back(b"x", seconds=7.5, counts=True, keep_ms=60_000)
    look = await claims.take(cpu=1, wait=1)

    assert look.taken == []
    assert look.due_ms - look.now_ms == pytest.approx(7_500, abs=1_000)


async def test_a_renewal_keeps_ours_takes_back_what_is_gone_and_names_what_is_lost(redis):
    for job in ("kept", "gone", "lost", "unqueued"):
        await queued(redis, job)
    await claims_of(redis).take(cpu=9, wait=9)
    await redis.delete(in_progress_key_prefix + "gone", in_progress_key_prefix + "unqueued")
    await redis.zrem(QUEUE, "unqueued")
    await redis.set(in_progress_key_prefix + "lost", "other")
    renew = redis.register_script(RENEW)
    lost, anew = await renew(keys=[QUEUE], args=[in_progress_key_prefix, "me", 90_000, "kept", "gone", "lost", "unqueued"])

    assert (lost, anew) == ([b"lost"], [b"gone"])
    assert await redis.pttl(in_progress_key_prefix + "kept") > LEASE_S * 1000
    assert await redis.get(in_progress_key_prefix + "gone") == b"me"
    assert not await redis.exists(in_progress_key_prefix + "unqueued")


@pytest.mark.parametrize("key", [job_key_prefix, retry_key_prefix, in_progress_key_prefix])
async def test_keys_of_another_type_hold_nobody_up(redis, key):
    await queued(redis, "odd", due_in_s=-5)
    await queued(redis, "sound")
    await redis.delete(key + "odd")
    await redis.zadd(key + "odd", {"x": 1})
    look = await claims_of(redis).take(cpu=5, wait=5)

    assert "sound" in names(look)


async def test_an_oversized_payload_is_not_even_fetched(redis):
    await queued(redis, "x", body="x" * (MAX_PAYLOAD_BYTES + 1))
    [taken] = (await claims_of(redis).take(cpu=1, wait=1)).taken

    assert taken.body is None
    assert taken.size == MAX_PAYLOAD_BYTES + 1


async def test_aborts_of_ours_and_of_waiting_jobs_are_found_and_stray_ones_removed(redis):
    await queued(redis, "waiting")
    await queued(redis, "theirs")
    await redis.set(in_progress_key_prefix + "theirs", "other")
    now_ms = int(time.time() * 1000)
    await redis.zadd(
        abort_jobs_ss, {"running": now_ms, "waiting": now_ms, "theirs": now_ms, "old": now_ms - 90_000, "new": now_ms}
    )
    found = await claims_of(redis).aborts(["running"])

    assert sorted((one.raw_id, one.body is not None) for one in found) == [(b"running", False), (b"waiting", True)]
    assert await redis.zrange(abort_jobs_ss, 0, -1) == [b"new", b"theirs"]


async def test_only_workers_that_are_surely_gone_lose_their_claims(redis, monkeypatch):
    monkeypatch.setattr("jobs.claims.SCAN_AT_ONCE", 2)
    gone, alive = Owner.here().replace(name="host/gone", pid=2**22 - 1), Owner.here()
    elsewhere = gone.replace(name="other/host", host="other")
    for job, owner in (("gone", gone), ("alive", alive), ("elsewhere", elsewhere)):
        await queued(redis, job)
        await redis.set(in_progress_key_prefix + job, owner.model_dump_json(), ex=15)

    assert await free_dead(redis, QUEUE) == ["gone"]
    assert await redis.exists(in_progress_key_prefix + "alive", in_progress_key_prefix + "elsewhere") == 2
