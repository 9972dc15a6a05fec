"""Whatever anybody writes to the queue is answered or removed, and logged; the worker goes on."""

import asyncio
import json
import pickle

from jobs.pipeline import VIDEO

NOW_MS = 1_700_000_000_000


class Bomb:
    def __reduce__(self):
        return (print, ("unpickled",))


def _job(**fields) -> bytes:
    return json.dumps({"t": None, "f": "stay", "a": ["x"], "k": {}, "et": NOW_MS} | fields).encode()


PAYLOADS = {
    "an unknown function": (_job(f="no_such_task"), "no_such_task"),
    "a pickled job": (pickle.dumps(Bomb()), "not JSON"),
    "an oversized job": (_job(a=["x" * 10_000_000]), "too large"),
    "a deeply nested job": (b'{"f":"stay","a":[' + b"[" * 5000 + b"]" * 5000 + b'],"k":{},"et":1}', "not JSON"),
    "no text at all": (b"\xff\xfe\x00", "not JSON"),
    "an empty job": (b"", "can't be run"),
    "not of arq's shape": (b"[1]", "not JSON"),
    "a time that is none": (_job(et="yesterday"), "not JSON"),
    "arguments that do not fit": (_job(a=[1, 2, 3]), "don't fit"),
}
"""Bodies, and what their answers say."""


async def test_a_job_that_makes_no_sense_is_answered_and_logged(redis, course, world):
    """All of them are there before the worker is, and a good one behind them."""
    for name, (payload, _) in PAYLOADS.items():
        await redis.set(f"arq:job:{name}", payload)
        await redis.zadd(VIDEO, {name: NOW_MS})
    good = await redis.enqueue_job("stay", "good", _queue_name=VIDEO)
    course.leave("good")
    async with world.worker() as worker:
        assert await good.result(timeout=60, poll_delay=0.02) == {"pid": worker.pid}
        await _emptied(redis)

        answers = {name: json.loads(await redis.get(f"arq:result:{name}")) for name in PAYLOADS}
        left = [key async for key in redis.scan_iter("arq:*") if not key.startswith(b"arq:result:")]
        assert {name for name, answer in answers.items() if answer["s"] is not False or not answer["r"]["hint"]} == set()
        assert {name: said for name, (_, said) in PAYLOADS.items() if said not in answers[name]["r"]["message"]} == {}
        assert {name for name in PAYLOADS if name not in worker.said()} == set(), "not logged"
        assert left == []
        assert "unpickled" not in worker.said()
        assert course.names() == {"good"}


async def _emptied(redis) -> None:
    async with asyncio.timeout(60):
        while await redis.zcard(VIDEO):
            await asyncio.sleep(0.02)


async def test_an_entry_that_is_no_text_or_has_no_name_is_removed_and_logged(redis, course, world):
    await redis.zadd(VIDEO, {b"\xff\xfe bad": 1, "": 2, "n" * 100_000: 3})
    good = await redis.enqueue_job("stay", "good", _queue_name=VIDEO)
    course.leave("good")
    async with world.worker() as worker:
        assert await good.result(timeout=60, poll_delay=0.02) == {"pid": worker.pid}
        await _emptied(redis)

        assert r"\xff\xfe bad" in worker.said().replace("\\\\", "\\")
        assert await redis.keys("arq:in-progress:*") == []


async def test_keys_of_the_wrong_types_hold_nothing_up(redis, course, world):
    """Another program's lists lie where arq has strings, and a string where it has a set."""
    for prefix in ("arq:job:", "arq:in-progress:", "arq:retry:", "arq:result:"):
        await redis.rpush(f"{prefix}{prefix}", "a list")
        await redis.set(f"arq:job:{prefix}", _job(f="debug_task", a=[]), nx=True)
        await redis.zadd(VIDEO, {prefix: NOW_MS})
    await redis.set("arq:abort", "no set")
    good = await redis.enqueue_job("stay", "good", _queue_name=VIDEO)
    course.leave("good")
    async with world.worker() as worker:
        assert await good.result(timeout=60, poll_delay=0.02) == {"pid": worker.pid}

        next_one = await redis.enqueue_job("stay", "next", _queue_name=VIDEO)
        course.leave("next")
        assert await next_one.result(timeout=60, poll_delay=0.02) == {"pid": worker.pid}
        left = await redis.zrange(VIDEO, 0, -1)
        assert left == [b"arq:in-progress:"], "claimed by who knows whom: left alone"


async def test_a_queue_of_the_wrong_type_ends_no_worker(redis, course, world):
    """Somebody wrote over the queue itself; when that is mended the worker goes on."""
    async with world.worker() as worker:
        await redis.set(VIDEO, "no set")
        async with asyncio.timeout(60):
            while "WRONGTYPE" not in worker.said():
                await asyncio.sleep(0.02)
        await redis.delete(VIDEO)
        good = await redis.enqueue_job("stay", "good", _queue_name=VIDEO)
        course.leave("good")

        assert await good.result(timeout=60, poll_delay=0.02) == {"pid": worker.pid}
