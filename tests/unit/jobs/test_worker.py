"""Our worker in this process, with small functions, against a real server."""

import asyncio
import contextlib
import inspect
import json
import os
import signal
import time

import arq.worker
import pytest
from arq.jobs import Job
from arq.worker import Retry, func

from jobs.claims import Claims
from jobs.client import redis_settings
from jobs.hooks import job_function
from jobs.keeper import AGAIN_SECONDS, HEARTBEAT_PREFIX, Keeper
from jobs.pipeline import VIDEO
from jobs.pools import open_thread_client
from jobs.wire import deserialize, serialize
from jobs.worker import WORKERS_PREFIX, Worker
from reelqueue.errors import ProjectCancelled, ReelqueueError
from storage import Owner

QUEUE = "maintenance"


@pytest.fixture
def small(settings):
    """Starts a worker of these functions beside the test; leaving drains it."""

    @contextlib.asynccontextmanager
    async def started(*functions, **options):
        worker = Worker(
            functions=functions,
            queue_name=QUEUE,
            redis_settings=redis_settings(settings.redis_url.get_secret_value()),
            job_serializer=serialize,
            job_deserializer=deserialize,
            handle_signals=False,
            **{"lease_seconds": 3.0, "drain_seconds": 0.0} | options,
        )
        working = asyncio.create_task(worker.async_run())
        try:
            yield worker
        finally:
            worker.handle_sig(signal.SIGTERM)
            await working
            await worker.close()

    return started


async def test_a_job_is_started_by_the_queue_itself_not_by_a_look(small, redis, monkeypatch):
    monkeypatch.setattr("jobs.worker.LOOK_SECONDS", 3_600.0)

    async def echo(_ctx, word):
        return word

    async with small(func(echo, name="echo")):
        for word in ("one", "two"):
            job = await redis.enqueue_job("echo", word, _queue_name=QUEUE)
            assert await job.result(timeout=60, poll_delay=0.01) == word


async def test_a_freed_place_is_filled_at_once(small, redis, monkeypatch):
    monkeypatch.setattr("jobs.worker.LOOK_SECONDS", 3_600.0)

    async def nothing(_ctx):
        pass

    async with small(func(nothing, name="nothing"), max_jobs=1):
        jobs = [await redis.enqueue_job("nothing", _queue_name=QUEUE) for _ in range(20)]
        for job in jobs:
            await job.result(timeout=60, poll_delay=0.01)


async def test_a_client_whose_clock_is_an_hour_ahead_waits_no_hour(small, redis, queue, monkeypatch):
    """Nor does a project that it starts."""

    async def echo(_ctx, word):
        return word

    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3_600)
    await queue.create_project({"topic": "How tides work"})
    started = await queue.start(1)
    async with small(func(echo, name="echo")):
        job = await redis.enqueue_job("echo", "x", _queue_name=QUEUE)
        assert await job.result(timeout=60, poll_delay=0.01) == "x"
    assert await redis.zscore(VIDEO, started.job_id) < (now() + 60) * 1000


async def test_a_job_that_waits_keeps_its_id_and_comes_when_it_asked_to(small, redis):
    tries = []

    async def waits(ctx):
        tries.append(ctx["job_try"])
        if len(tries) < 3:
            raise Retry(defer=0.03)
        return "done"

    async with small(func(waits, name="waits", max_tries=9)):
        job = await redis.enqueue_job("waits", _queue_name=QUEUE, _job_id="mine")
        assert await job.result(timeout=60, poll_delay=0.01) == "done"
    assert tries == [1, 2, 3]
    assert job.job_id == "mine"


async def test_no_job_and_no_hook_ends_the_worker(small, redis):
    async def raises(_ctx):
        raise SystemExit(3)

    async def sound(_ctx):
        return "still here"

    async def hook(_ctx):
        raise OSError("no space left")

    hooks = {"on_job_start": hook, "on_job_end": hook, "after_job_end": hook}
    async with small(func(raises, name="raises"), func(sound, name="sound"), **hooks):
        bad = await redis.enqueue_job("raises", _queue_name=QUEUE)
        with pytest.raises(ReelqueueError):
            await bad.result(timeout=60, poll_delay=0.01)
        good = await redis.enqueue_job("sound", _queue_name=QUEUE)
        assert await good.result(timeout=60, poll_delay=0.01) == "still here"


async def test_a_worker_that_ends_hands_its_job_back_and_uses_no_try(small, redis):
    inside = asyncio.Event()

    async def stays(_ctx):
        inside.set()
        await asyncio.Event().wait()

    for _ in range(3):
        inside.clear()
        async with small(func(stays, name="stays", max_tries=2)):
            if not await redis.zcard(QUEUE):
                await redis.enqueue_job("stays", _queue_name=QUEUE, _job_id="x")
            await asyncio.wait_for(inside.wait(), 60)

    assert await redis.get("arq:retry:x") == b"0"
    assert not await redis.exists("arq:in-progress:x")
    assert await redis.zscore(QUEUE, "x") is not None


async def test_a_drain_lets_a_job_end_and_a_second_signal_hurries(small, redis):
    inside, leave = asyncio.Event(), asyncio.Event()
    stopped = []

    async def stays(_ctx):
        inside.set()
        try:
            await leave.wait()
        except asyncio.CancelledError:
            stopped.append(True)
            raise
        return "ended"

    async with small(func(stays, name="stays"), drain_seconds=3_600.0) as worker:
        job = await redis.enqueue_job("stays", _queue_name=QUEUE)
        await inside.wait()
        worker.handle_sig(signal.SIGTERM)
        late = await redis.enqueue_job("stays", _queue_name=QUEUE)
        leave.set()
        assert await job.result(timeout=60, poll_delay=0.01) == "ended"
    assert await late.status() == "queued"

    inside.clear()
    leave.clear()
    async with small(func(stays, name="stays"), drain_seconds=3_600.0) as worker:
        await inside.wait()
        worker.handle_sig(signal.SIGTERM)  # the second one comes when we leave
    assert stopped == [True]


async def test_the_heartbeat_tells_who_works_on_what_and_what_it_takes(small, redis, until):
    inside, leave = asyncio.Event(), asyncio.Event()

    async def stays(_ctx):
        inside.set()
        await leave.wait()

    async with small(func(stays, name="stays")):
        await redis.enqueue_job("stays", _queue_name=QUEUE, _job_id="x")
        await inside.wait()

        async def beat():
            body = await redis.get(HEARTBEAT_PREFIX + Owner.here().name)
            found = json.loads(body) if body else {}
            return found if found.get("jobs") else None

        found = await until(beat, "no heartbeat tells of the job")
        leave.set()

    assert (found["queue"], found["pid"], found["state"]) == (QUEUE, os.getpid(), "running")
    assert found["jobs"][0]["job_id"] == "x"
    assert found["jobs"][0]["job"] == "stays"
    assert found["memory_bytes"] > 10_000_000
    assert found["cpu_seconds"] > 0
    assert not await redis.exists(HEARTBEAT_PREFIX + Owner.here().name)


async def test_who_looks_at_a_queue_is_known_and_health_goes_with_the_last(small, redis, until):
    async def nothing(_ctx):
        pass

    async with small(func(nothing, name="nothing")):
        await until(lambda: redis.exists(f"{QUEUE}:health-check"), "nobody says that he looks")
        assert await redis.zrange(WORKERS_PREFIX + QUEUE, 0, -1) == [Owner.here().name.encode()]
    assert not await redis.exists(f"{QUEUE}:health-check")


async def test_a_claim_is_renewed_although_the_event_loop_is_busy(small, redis, settings):
    """A thread does it: nobody may take a job away because its worker computes."""
    left, looked = [], asyncio.Event()

    async def busy(ctx):
        time.sleep(3.3)  # it computes, for longer than the lease
        left.append(await ctx["redis"].pttl("arq:in-progress:x"))
        looked.set()

    async with small(func(busy, name="busy"), lease_seconds=3.0):
        await redis.enqueue_job("busy", _queue_name=QUEUE, _job_id="x")
        await looked.wait()  # a question to Redis would stand still with us, and be given up
    assert left[0] > 0


async def test_a_burst_ends_when_nothing_can_run_now(settings, redis):
    async def nothing(_ctx):
        return 1

    now = await redis.enqueue_job("nothing", _queue_name=QUEUE)
    later = await redis.enqueue_job("nothing", _queue_name=QUEUE, _defer_by=3600)
    foreign = await redis.enqueue_job("nothing", _queue_name=QUEUE)
    await redis.set(f"arq:in-progress:{foreign.job_id}", "theirs")
    worker = Worker(
        functions=[func(nothing, name="nothing")],
        queue_name=QUEUE,
        redis_settings=redis_settings(settings.redis_url.get_secret_value()),
        job_serializer=serialize,
        job_deserializer=deserialize,
        handle_signals=False,
        burst=True,
    )
    try:
        await asyncio.wait_for(worker.async_run(), 60)
    finally:
        await worker.close()

    assert [await job.status() for job in (now, later, foreign)] == ["complete", "deferred", "in_progress"]


@pytest.mark.parametrize(
    "broken",
    [{"k": {"ctx": 1}}, {"a": [float("nan")]}, {"a": [1, 2, 3]}],
    ids=["an argument of the context's name", "a number that is none", "too many arguments"],
)
async def test_arguments_that_no_job_can_take_are_answered(small, redis, broken):
    async def echo(_ctx, word):
        return word

    async with small(job_function("echo", echo), func(echo, name="bare")):
        for name in ("echo", "bare"):
            body = {"t": None, "f": name, "a": [], "k": {}, "et": 1} | broken
            await redis.set(f"arq:job:{name}", json.dumps(body))
            await redis.zadd(QUEUE, {name: 1})
            with pytest.raises(ReelqueueError):
                await Job(name, redis, _queue_name=QUEUE, _deserializer=deserialize).result(timeout=60, poll_delay=0.01)
    assert not await redis.exists("arq:in-progress:echo", "arq:in-progress:bare")


@pytest.mark.parametrize("score", ["-inf", "+inf"])
async def test_a_score_without_end_ends_no_worker(small, redis, score):
    """Somebody who parks a job, or wants it first, may write one."""

    async def echo(_ctx, word):
        return word

    async with small(func(echo, name="echo")):
        await redis.zadd(QUEUE, {"odd": score})
        await redis.zadd("arq:abort", {"odd": score})
        job = await redis.enqueue_job("echo", "sound", _queue_name=QUEUE)
        assert await job.result(timeout=60, poll_delay=0.01) == "sound"


async def test_a_try_that_came_with_the_job_is_counted_on(small, redis):
    tries = []

    async def waits(ctx):
        tries.append(ctx["job_try"])
        if len(tries) < 3:
            raise Retry(defer=0.02)

    async with small(func(waits, name="waits", max_tries=9)):
        job = await redis.enqueue_job("waits", _queue_name=QUEUE, _job_try=3)
        await job.result(timeout=60, poll_delay=0.01)
    assert tries == [3, 4, 5]


async def test_an_abort_of_an_earlier_job_of_that_id_counts_no_try(small, redis):
    """The abort is older than the job: the job runs, as its first try."""
    tries = []

    async def echo(ctx, word):
        tries.append(ctx["job_try"])
        return word

    await redis.zadd("arq:abort", {"mine": 1})
    job = await redis.enqueue_job("echo", "sound", _queue_name=QUEUE, _job_id="mine", _defer_by=0.3)
    async with small(func(echo, name="echo"), allow_abort_jobs=True):
        assert await job.result(timeout=60, poll_delay=0.01) == "sound"
    assert tries == [1]


async def test_after_an_outage_the_first_look_takes_nothing(small, redis, redis_admin, monkeypatch, until):
    """Claims may have run out while nobody could renew them: who works on says so before anybody takes a job."""
    monkeypatch.setattr("jobs.worker.HOLDERS_FIRST_S", 3_600.0)
    monkeypatch.setattr("jobs.worker.HEALTH_SECONDS", 0.0)

    async def echo(_ctx, word):
        return word

    most = (await redis_admin.config_get("maxmemory"))["maxmemory"]
    async with small(func(echo, name="echo"), lease_seconds=0.3) as worker:
        await until(lambda: redis.exists(f"{QUEUE}:health-check"), "it never looked")
        await redis.set("arq:in-progress:x", "theirs")
        job = await redis.enqueue_job("echo", "x", _queue_name=QUEUE, _job_id="x")
        await redis_admin.config_set("maxmemory", 1)
        try:
            await until(lambda: _true(worker._away_for() > 0.2), "it never missed the server")
            await redis.delete("arq:in-progress:x")  # it ran out
        finally:
            await redis_admin.config_set("maxmemory", most)
        await redis.delete(f"{QUEUE}:health-check")
        await until(lambda: redis.exists(f"{QUEUE}:health-check"), "it never came back")
        await until(lambda: _true(worker._away_since is None), "it never came back")

        assert await job.status() == "queued"


async def test_a_server_that_can_not_be_reminded_is_asked_each_second_and_no_more(small, until):
    """The disk with the pauses refused at once: a worker asked both thousands of times a second."""
    asked = []

    async def in_vain(_ctx):
        asked.append(time.monotonic())

    async def again():
        return len(asked) > 1

    async with small(func(in_vain, name="unused"), on_reconnect=in_vain, known_by="reelqueue:installation:nobody"):
        await until(again, "it is asked again")

    assert asked[1] - asked[0] > 0.9


async def test_a_worker_that_was_closed_works_again(small, redis):
    """As arq's --watch has it after each change of a file."""

    async def echo(_ctx, word):
        return word

    async with small(func(echo, name="echo")) as worker:
        first = await redis.enqueue_job("echo", "one", _queue_name=QUEUE)
        assert await first.result(timeout=60, poll_delay=0.01) == "one"
        worker.handle_sig(signal.SIGUSR1)
        await worker.close()
        again = asyncio.create_task(worker.async_run())
        second = await redis.enqueue_job("echo", "two", _queue_name=QUEUE)
        assert await second.result(timeout=60, poll_delay=0.01) == "two"
    await again


async def test_a_worker_that_waits_for_its_first_server_ends_when_told_to(monkeypatch):
    monkeypatch.setattr("jobs.worker.START_SECONDS", 3_600.0)
    tries = asyncio.Event()

    async def nothing(_ctx):
        pass

    worker = Worker(functions=[func(nothing, name="nothing")], redis_settings=redis_settings("redis://127.0.0.1:1"))
    working = asyncio.create_task(worker.async_run())
    asyncio.get_running_loop().call_later(0.2, tries.set)
    await tries.wait()
    worker.handle_sig(signal.SIGTERM)
    await asyncio.wait_for(working, 60)
    await worker.close()


async def test_a_worker_whose_start_hangs_ends_when_told_to_and_lets_go_of_what_it_opened(small):
    opened, closed = asyncio.Event(), []

    async def startup(_ctx):
        opened.set()
        await asyncio.Event().wait()

    async def shutdown(_ctx):
        closed.append(True)

    async def nothing(_ctx):
        pass

    async with asyncio.timeout(60), small(func(nothing, name="nothing"), on_startup=startup, on_shutdown=shutdown):
        await opened.wait()

    assert closed == [True]


async def test_a_job_that_comes_again_before_its_hand_back_is_answered_is_run(small, redis, monkeypatch):
    """The server hands it back, and out again, while our loop has not read the first answer yet."""
    tries, backs = [], []
    again = asyncio.Event()
    back = Claims.back

    async def slowly(claims, raw_id, **how):
        backs.append(how)
        done = await back(claims, raw_id, **how)
        if len(backs) > 1:
            again.set()
        await again.wait()
        return done

    async def waits(_ctx):
        tries.append("run")
        if len(tries) == 1:
            raise Retry(defer=0.02)

    monkeypatch.setattr(Claims, "back", slowly)
    async with small(func(waits, name="waits", max_tries=99), lease_seconds=3_600.0):
        job = await redis.enqueue_job("waits", _queue_name=QUEUE, _job_id="mine")
        try:
            await job.result(timeout=60, poll_delay=0.01)
        finally:
            again.set()
    assert tries == ["run", "run"]


async def test_no_renewal_holds_a_job_whose_hand_back_is_on_its_way(small, redis, monkeypatch, until):
    """The server has it back, our loop has not read so yet, and the thread renews."""
    renewals, held = [], []
    back = Claims.back

    class Counting(Keeper):
        def _renew(self, renew, release):
            super()._renew(renew, release)
            renewals.append(1)

    async def slowly(claims, raw_id, **how):
        done = await back(claims, raw_id, **how)
        before = len(renewals)
        await until(lambda: _true(len(renewals) > before + 1), "nothing is renewed")
        held.append(await redis.exists("arq:in-progress:mine"))
        return done

    async def waits(_ctx):
        raise Retry(defer=60)

    monkeypatch.setattr("jobs.worker.Keeper", Counting)
    monkeypatch.setattr(Claims, "back", slowly)
    async with small(func(waits, name="waits", max_tries=99), lease_seconds=0.3):
        await redis.enqueue_job("waits", _queue_name=QUEUE, _job_id="mine")
        await until(lambda: _true(held), "it was never handed back")
    assert held == [0]


async def test_a_job_that_notices_its_abort_by_itself_is_aborted_all_the_same(small, redis):
    """Its project is cancelled before it is told to stop, and it looks just then."""
    inside, cancelled, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stays(_ctx):
        inside.set()
        await cancelled.wait()
        left.set()
        raise ProjectCancelled(1)

    async def on_abort(*_):
        cancelled.set()
        await left.wait()

    async with small(func(stays, name="stays"), allow_abort_jobs=True, on_abort=on_abort):
        job = await redis.enqueue_job("stays", _queue_name=QUEUE)
        await inside.wait()

        assert await job.abort(timeout=60, poll_delay=0.01)


async def test_keys_of_another_type_keep_no_worker_from_its_jobs(small, redis):
    async def echo(_ctx, word):
        return word

    async def reconnected(_ctx):
        outages.append(1)

    outages = []
    await redis.set("arq:abort", "odd")
    async with small(func(echo, name="echo"), allow_abort_jobs=True, on_reconnect=reconnected):
        for word in ("one", "two"):
            job = await redis.enqueue_job("echo", word, _queue_name=QUEUE)
            assert await job.result(timeout=60, poll_delay=0.01) == word
    assert outages == []


async def test_a_bug_in_the_heartbeat_costs_no_claim(small, redis, monkeypatch, until):
    def broken(_self):
        raise ZeroDivisionError

    renewed = []

    class Counting(Keeper):
        def _renew(self, renew, release):
            super()._renew(renew, release)
            renewed.append(1)

    async def nothing(_ctx):
        pass

    monkeypatch.setattr(Keeper, "_heartbeat", broken)
    monkeypatch.setattr("jobs.worker.Keeper", Counting)
    async with small(func(nothing, name="nothing"), lease_seconds=0.3):
        await until(lambda: _true(len(renewed) > 2), "the thread ended")


async def _true(holds):
    return bool(holds)


def test_arqs_own_parameters_are_all_there_and_ours_beside_them():
    ours = set(inspect.signature(Worker).parameters)
    assert set(inspect.signature(arq.worker.Worker).parameters) <= ours
    assert {"lease_seconds", "drain_seconds", "cpu_jobs", "cpu_places", "schedule", "zone"} <= ours


async def test_a_renewal_that_meets_a_hand_back_does_not_hold_the_job(settings, redis, until):
    """Between the thread's list of jobs and its call one of them is handed back: nobody would run it for a whole lease."""
    await redis.zadd(QUEUE, {"x": 1})
    held = [["x"], []]  # when it is asked, and when it is asked again
    keeper = Keeper(
        lambda: open_thread_client(redis_settings(settings.redis_url.get_secret_value())),
        queue=QUEUE,
        name="host/one",
        claim="me",
        lease_seconds=15.0,
        held=lambda: held.pop(0) if held else [],
        on_lost=lambda _job: None,
        describe=dict,
    )

    async def asked_twice():
        return not held

    keeper.start()
    await until(asked_twice, "it never asked what it holds")
    await keeper.stop()

    assert not await redis.exists("arq:in-progress:x")


async def test_news_hurry_nobody_while_redis_is_away(until):
    """A job ends during an outage while another one is held: a thread that went on at once would take a whole core."""
    asked = []
    keeper = Keeper(
        lambda: open_thread_client(redis_settings("redis://127.0.0.1:1")),
        queue=QUEUE,
        name="host/one",
        claim="me",
        lease_seconds=15.0,
        held=lambda: asked.append(time.monotonic()) or ["x"],
        on_lost=lambda _job: None,
        describe=dict,
    )

    keeper.tell()
    keeper.start()
    await until(lambda: _true(len(asked) > 3), "it never tried again")
    await keeper.stop()

    assert asked[3] - asked[0] > 3 * AGAIN_SECONDS / 2
