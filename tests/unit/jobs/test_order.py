"""What is in a queue, page by page, beside the order in which workers really take it; against a real server."""

import json
import random
import time

import pytest
from arq.constants import in_progress_key_prefix, job_key_prefix

from jobs.claims import Claims
from jobs.order import HEAD_BYTES, Order
from jobs.turns import PLAIN_SECONDS

QUEUE = "video_generation"
HEAVY = frozenset({"render_video_task"})
JOBS = ("render_video_task", "generate_script_task", "debug_task")
SUFFIXES = ("", "~b720000", "~b727200", f"~s{PLAIN_SECONDS + 600}")


@pytest.fixture
async def claims(redis):
    made = Claims(redis, QUEUE, "me", 60.0, heavy=sorted(HEAVY))
    yield made
    await made.close()


@pytest.fixture
def order(redis):
    return Order(redis)


async def queued(redis, job_id, job="debug_task", *, due_in_s=-1.0, body=None, **kwargs):
    made = json.dumps({"t": None, "f": job, "a": [], "k": kwargs, "et": 1}) if body is None else body
    await redis.set(job_key_prefix + job_id, made)
    await redis.zadd(QUEUE, {job_id: int((time.time() + due_in_s) * 1000)})


async def listed(order, *, size=100):
    """All rows, by pages of this size."""
    rows = []
    while page := await order.page(QUEUE, limit=size, after=len(rows), cpu_jobs=HEAVY):
        rows += page
    return rows


async def taken(claims, **places):
    """Ids in the order in which a worker takes them, one at a time."""
    ids = []
    while look := (await claims.take(**places)).taken:
        ids += [one.raw_id.decode() for one in look]
    return ids


@pytest.mark.parametrize("in_line", [0, 60], ids=["all came just now", "half of them wait in their lines"])
async def test_rows_stand_in_the_order_in_which_workers_take_them(redis, claims, order, in_line):
    chosen = random.Random(13)
    names = [f"job{number}{chosen.choice(SUFFIXES)}" for number in range(120)]
    for name in names[:in_line]:
        await queued(redis, name, chosen.choice(JOBS), due_in_s=-chosen.uniform(1, 3_000_000))
    await claims.take(cpu=0, wait=1)  # what finds no place goes into its line
    await claims.take(cpu=1, wait=0)
    for name in names[in_line:]:
        await queued(redis, name, chosen.choice(JOBS), due_in_s=-chosen.uniform(1, 3_000_000))
    rows = [row for row in await listed(order, size=7) if not row.running]

    assert [row.job_id for row in rows if row.line == "cpu"] == await taken(claims, cpu=1, wait=0)
    assert [row.job_id for row in rows if row.line != "cpu"] == await taken(claims, cpu=0, wait=1)


async def test_every_row_is_on_one_page_whatever_their_size(redis, claims, order):
    for number in range(40):
        await queued(redis, f"same{number:02}", due_in_s=-5)
    for number in range(10):
        await queued(redis, f"later{number}", due_in_s=60 + number)
    await redis.zadd(QUEUE, {"aborted": 1})
    await claims.take(cpu=0, wait=1)
    whole = await listed(order, size=1_000)

    assert [row.place for row in whole] == list(range(1, 52))
    assert len({row.job_id for row in whole}) == 51
    for size in (1, 3, 50):
        assert await listed(order, size=size) == whole


async def test_a_row_says_what_the_job_is_and_since_when_it_waits(redis, claims, order):
    await queued(redis, "render:7:x~b720000", "render_video_task", project_id=7, due_in_s=-90)
    await queued(redis, "script:8:x", "generate_script_task", project_id=8, due_in_s=-30)
    await queued(redis, "upload:9:x", "upload_to_youtube_task", project_id=9, due_in_s=3_600)
    await claims.take(cpu=0, wait=1)
    script, render, upload = await listed(order)

    assert (script.project_id, str(script.stage), script.line, script.running) == (8, "script", "single", True)
    assert (render.project_id, str(render.stage), render.line, render.running) == (7, "render", "cpu", False)
    assert time.time() - render.queued_at.timestamp() == pytest.approx(90, abs=30)
    assert (upload.queued_at, str(upload.stage)) == (None, "upload")
    assert upload.due_at.timestamp() - time.time() == pytest.approx(3_600, abs=30)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("no json", id="no JSON"),
        pytest.param("[" * 3_000, id="nested without end"),
        pytest.param("x" * (HEAD_BYTES + 1), id="larger than any of ours"),
        pytest.param(json.dumps({"f": "render_video_task", "a": [], "k": {"project_id": "../../etc"}}), id="no number"),
        pytest.param(json.dumps({"f": ["a"], "a": {}, "k": []}), id="of another shape"),
    ],
)
async def test_what_anybody_queued_is_shown_as_far_as_it_can_be_read(redis, order, body):
    await queued(redis, "foreign", body=body)
    (row,) = await listed(order)

    assert (row.job_id, row.project_id, row.running) == ("foreign", None, False)


async def test_a_job_without_its_payload_and_an_id_that_is_no_text_are_shown_too(redis, order):
    now_ms = int(time.time() * 1000)
    await redis.zadd(QUEUE, {b"\xff\xfe": now_ms - 2_000, "assets:3:x": now_ms - 1_000})
    await redis.zadd(QUEUE, {"never": float("inf"), "always": float("-inf")})
    rows = {row.job_id: row for row in await listed(order)}

    assert set(rows) == {"\\xff\\xfe", "assets:3:x", "never", "always"}
    assert rows["assets:3:x"].job == "generate_assets_task"
    assert (rows["never"].due_at, rows["always"].queued_at) == (None, None)


async def test_a_page_costs_the_same_wherever_it_begins(redis, redis_admin, claims, order):
    """Ten thousand wait in their lines: a page of a hundred reads a hundred."""
    past_ms = int(time.time() * 1000) - 60_000
    for start in range(0, 10_000, 1_000):
        await redis.zadd(QUEUE, {f"job{number}~b720000": past_ms + number for number in range(start, start + 1_000)})
    while (await redis.zrangebyscore(QUEUE, past_ms, "+inf", start=0, num=1)) != []:
        await claims.take(cpu=1, wait=0)

    async def commands(after):
        before = (await redis_admin.info("stats"))["total_commands_processed"]
        rows = await order.page(QUEUE, limit=100, after=after, cpu_jobs=HEAVY)
        spent = (await redis_admin.info("stats"))["total_commands_processed"] - before
        assert [row.place for row in rows] == list(range(after + 1, after + 101))
        return spent

    assert max([await commands(after) for after in (0, 5_000, 9_900)]) < 500


async def test_how_a_queue_stands_counts_what_is_in_hand_out(redis, claims, order):
    for number in range(3):
        await queued(redis, f"script:{number}:x", "generate_script_task", due_in_s=-100 + number)
    await queued(redis, "later", due_in_s=60)
    took = (await claims.take(cpu=0, wait=1)).taken
    stands = await order.standing(QUEUE, [took[0].raw_id.decode(), "ended long ago"])

    assert (stands.waiting, stands.running, stands.parked, stands.single) == (2, 1, 1, 2)
    assert (stands.now_ms - stands.oldest_ms) / 1000 == pytest.approx(99, abs=30)
    assert stands.resumes_ms / 1000 - time.time() == pytest.approx(60, abs=30)


async def test_a_claim_without_an_entry_in_the_queue_is_nothing_that_runs(redis, order):
    await redis.set(in_progress_key_prefix + "gone", "theirs")

    assert (await order.standing(QUEUE, ["gone"])).running == 0
