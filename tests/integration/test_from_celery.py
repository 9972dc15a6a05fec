"""What the old README shows of Celery, done here with real workers: each row of "From Celery to here" has its test.

One command works all queues; five single tasks, a chain and a batch run beside each other as they would in an app.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from arq.constants import result_key_prefix
from pydantic import SecretStr
from redis.asyncio import Redis

from jobs.app import Queue
from jobs.client import connect
from jobs.pipeline import QUEUES
from progress import subscribe_progress
from reelqueue.settings import Settings
from tests import forks
from tests.faults.redis_server import RedisServer
from tests.workers import ROOT, TINY_BELOW, environment, until, worker

REELQUEUE = str(Path(sys.executable).with_name("reelqueue"))
TASKS = ("generate_script_task", "generate_assets_task", "render_video_task", "generate_thumbnail_task", "upload_to_youtube_task")
BRIEF = {
    "topic": "Tides", "content": "The moon pulls the sea.",
    "presenter": False, "music": "none", "aspect": "1:1", "fps": 24,
}  # fmt: skip
WAIT_S = 280


@dataclass
class Seen:
    """What the app saw."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    quotas: dict[str, Any] = field(default_factory=dict)
    single: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    chain: dict[str, Any] = field(default_factory=dict)
    loop: list[tuple[str, float, str]] = field(default_factory=list)
    channel: list[dict[str, Any]] = field(default_factory=list)
    batch: dict[str, Any] = field(default_factory=dict)
    workers: list[dict[str, Any]] = field(default_factory=list)
    kept_ms: int = 0
    state: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    yield asyncio.run(use_it(tmp_path_factory.mktemp("from-celery")))


async def use_it(folder: Path) -> Seen:
    """The old README's usage, one section after the other."""
    server = RedisServer(folder / "redis")
    await server.start()
    settings = Settings(
        _env_file=None, redis_url=SecretStr(server.url), data_dir=folder / "data", reelqueue_language="zh-TW", lease_seconds=30
    )
    named = {
        "REDIS_URL": "",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(server.port),
        "REDIS_DB": "0",
        "REELQUEUE_LANGUAGE": "zh-TW",
    } | TINY_BELOW
    with (folder / "worker.log").open("ab") as log:
        running = forks.Popen(
            [REELQUEUE, "worker"], cwd=ROOT, env=environment(settings) | named, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        async with connect(settings) as queue, Redis.from_url(server.url) as redis:
            return await _used(queue, redis, settings)
    finally:
        running.terminate()
        await asyncio.to_thread(running.wait, 60)
        await server.kill()


async def _used(queue: Queue, redis: Redis, settings: Settings) -> Seen:
    seen = Seen()
    for name in QUEUES:
        job = await queue.enqueue_job("debug_task", _queue_name=name)
        seen.answers[name] = await job.result(timeout=60)
    seen.quotas = await (await queue.enqueue_job("sync_quotas")).result(timeout=60)
    for number in (1, 2):
        await queue.create_project(BRIEF, project_id=number)
    batch = await queue.create_batch([BRIEF])
    await asyncio.gather(_single(queue, seen), _chain(queue, redis, settings, seen), _batch(queue, batch.batch_id, seen))
    seen.workers = [json.loads(await redis.get(key)) async for key in redis.scan_iter("reelqueue:worker:*")]
    job_id = seen.single[TASKS[0]][0]
    seen.kept_ms = await redis.pttl(result_key_prefix + job_id)
    seen.state = json.loads((settings.data_dir / "projects/2/project_state.json").read_text())
    return seen


async def _single(queue: Queue, seen: Seen) -> None:
    """`task = generate_script_task.delay(project_id=1); task.id; task.get(timeout=60)`, for each of the five."""
    for name in TASKS:
        job = await queue.enqueue_job(name, project_id=1, chain=False)
        seen.single[name] = (job.job_id, await job.result(timeout=WAIT_S))


async def _chain(queue: Queue, redis: Redis, settings: Settings, seen: Seen) -> None:
    """`chain(...).apply_async().get(timeout=1800)`, watched by the loop over `subscribe_progress`, and by a bare client."""

    async def bare() -> None:
        async with redis.pubsub() as channel:
            await channel.subscribe("progress:2")
            heard.set()
            async for message in channel.listen():
                if message["type"] == "message":
                    seen.channel.append(json.loads(message["data"]))
                    if seen.channel[-1]["status"] == "completed":
                        return

    async def loop() -> None:
        async for progress in subscribe_progress(2, settings=settings):
            seen.loop.append((progress["stage"], progress["progress"], progress["message"]))

    heard = asyncio.Event()
    listening = asyncio.gather(bare(), loop())
    await heard.wait()
    await queue.start(2)
    seen.chain = await queue.wait(2, timeout=WAIT_S)
    await asyncio.wait_for(listening, 30)


async def _batch(queue: Queue, number: int, seen: Seen) -> None:
    """`batch_processing_task.delay(batch_id=1).get(timeout=5400)`."""
    job = await queue.start_batch(number)
    seen.batch = await job.result(timeout=WAIT_S)


@pytest.mark.slow
def test_one_command_works_all_three_queues(seen):
    assert [(name, answer["pong"], answer["queue"]) for name, answer in seen.answers.items()] == [
        (name, True, name) for name in ("video_generation", "batch_processing", "maintenance")
    ]


@pytest.mark.slow
def test_host_port_and_database_name_the_server(seen):
    """The workers of this file know it by REDIS_HOST, REDIS_PORT and REDIS_DB only."""
    assert len(seen.answers) == 3


@pytest.mark.slow
def test_a_single_task_has_an_id_and_a_result(seen):
    job_id, result = seen.single["generate_script_task"]

    assert job_id
    assert (result["status"], result["project_id"]) == ("success", 1)
    assert result["script"]["metadata"]["title"] == "Tides"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "keys"),
    [
        ("generate_script_task", {"script": {"segments", "intro", "outro", "metadata"}}),
        ("generate_assets_task", {"assets": {"images", "avatars"}}),
        ("render_video_task", {"video_info": {"video_path", "duration", "resolution"}}),
        ("generate_thumbnail_task", {"thumbnail_info": {"thumbnail_path", "resolution"}}),
        ("upload_to_youtube_task", {"video_id": set(), "video_url": set()}),
    ],
)
def test_each_task_answers_by_its_old_name_with_the_old_keys(seen, task, keys):
    _, result = seen.single[task]

    assert {"status", "project_id", *keys} <= result.keys()
    for key, inner in keys.items():
        assert not inner or inner <= result[key].keys()


@pytest.mark.slow
def test_a_chain_ends_with_the_last_tasks_result(seen):
    assert (seen.chain["status"], seen.chain["project_id"], seen.chain["video_id"]) == ("success", 2, "local-2")
    assert seen.chain["video_url"].startswith("file://")


@pytest.mark.slow
def test_a_batch_answers_for_each_of_its_projects(seen):
    assert (seen.batch["status"], seen.batch["batch_id"]) == ("success", 1)
    assert (seen.batch["total_projects"], seen.batch["completed"], seen.batch["failed"]) == (1, 1, 0)
    (one,) = seen.batch["results"]
    assert (one["project_id"], one["status"], one["video_id"]) == (3, "completed", "local-3")


@pytest.mark.slow
def test_the_loop_over_progress_ends_by_itself_at_the_end(seen):
    stages = list(dict.fromkeys(stage for stage, _, _ in seen.loop))

    assert stages == ["script_generation", "asset_generation", "video_rendering", "thumbnail_generation", "youtube_upload"]
    assert seen.loop[-1][1] == 100
    assert all(message for _, _, message in seen.loop)
    assert {"開始", "合成影片..."} <= {message for _, _, message in seen.loop}


@pytest.mark.slow
def test_the_channel_carries_the_old_json(seen):
    first, last = seen.channel[0], seen.channel[-1]

    assert {"project_id", "stage", "progress", "message", "timestamp"} <= first.keys()
    assert (first["project_id"], first["stage"], first["progress"]) == (2, "script_generation", 0)
    assert datetime.fromisoformat(first["timestamp"]).utcoffset() is not None
    assert (last["stage"], last["progress"], last["status"]) == ("youtube_upload", 100, "completed")


@pytest.mark.slow
def test_the_state_lies_where_it_lay(seen):
    assert (seen.state["project_id"], seen.state["status"]) == (2, "completed")
    assert {stage["status"] for stage in seen.state["stages"].values()} == {"done"}


@pytest.mark.slow
def test_results_are_kept_for_a_day(seen):
    assert 23 * 3_600_000 < seen.kept_ms <= 24 * 3_600_000


@pytest.mark.slow
def test_quotas_are_synced_for_each_service(seen):
    assert seen.quotas["status"] == "success"
    assert set(seen.quotas["services"]) == {"script", "image", "voice", "presenter", "publisher"}


@pytest.mark.slow
def test_each_worker_tells_what_it_does_and_uses(seen):
    assert {worker["queue"] for worker in seen.workers} == set(QUEUES)
    for told in seen.workers:
        assert told["cpu_percent"] >= 0
        assert told["memory_bytes"] > 10_000_000
        assert told["state"] == "running"


@contextlib.asynccontextmanager
async def old_server(tmp_path: Path):
    """A server with a password, as an old `.env` names it."""
    server = RedisServer(tmp_path / "redis", password="s3cret-of-old")
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


@pytest.mark.parametrize(
    ("broker", "backend", "named"),
    [
        pytest.param("{url}", "{url}", "CELERY_BROKER_URL", id="both are one Redis"),
        pytest.param("", "{url}", "CELERY_RESULT_BACKEND", id="the backend alone"),
        pytest.param("amqp://guest:guest@localhost//", "{url}", "CELERY_RESULT_BACKEND", id="a broker that is no Redis"),
    ],
)
async def test_celerys_variables_are_read_and_the_log_says_once_what_to_set_instead(tmp_path, broker, backend, named):
    async with old_server(tmp_path) as server:
        settings = Settings(
            _env_file=None, redis_url=SecretStr(server.url), data_dir=tmp_path / "data", reelqueue_language="en", lease_seconds=3
        )
        old = {"CELERY_BROKER_URL": broker.format(url=server.url), "CELERY_RESULT_BACKEND": backend.format(url=server.url)}
        async with worker(settings, REDIS_URL="", **old) as running, connect(settings) as queue:
            answer = await (await queue.enqueue_job("debug_task")).result(timeout=60)
            await until(lambda: any(named in line["event"] for line in running.lines()), "the warning")
            listed = forks.run(
                [REELQUEUE, "list"], cwd=ROOT, env=environment(settings) | {"REDIS_URL": ""} | old, capture_output=True,
                text=True, check=False,
            )  # fmt: skip

    warnings = [line for line in running.lines() if "CELERY_" in line["event"]]
    assert answer["pong"]
    assert [(line["level"], named in line["event"], "REDIS_URL" in line["event"]) for line in warnings] == [
        ("warning", True, True)
    ]
    assert listed.returncode == 0
    assert listed.stderr.count(named) == 1
    assert "REDIS_URL" in listed.stderr
    assert "s3cret-of-old" not in running.said() + listed.stdout + listed.stderr


@pytest.mark.parametrize(
    ("broker", "scheme"),
    [("amqp://guest:s3cret@localhost//", "amqp"), ("sqs://KEY:s3cret@", "sqs")],
)
async def test_a_broker_that_is_no_redis_is_refused_by_its_name(settings, broker, scheme):
    old = {"REDIS_URL": "", "CELERY_BROKER_URL": broker}
    async with worker(settings, **old) as running:
        code = await running.ended(60)
    started = forks.run(
        [REELQUEUE, "queues"], cwd=ROOT, env=environment(settings) | old, capture_output=True, text=True, check=False
    )

    (refused,) = [line for line in running.lines() if line["event"] == "refused"]
    assert code == 2
    assert "CELERY_BROKER_URL" in refused["error"]
    assert f"{scheme}://" in refused["error"]
    assert "REDIS_URL" in refused["hint"]
    assert "CELERY_BROKER_URL" in started.stdout + started.stderr
    assert "s3cret" not in running.said() + started.stdout + started.stderr


async def test_old_variables_beside_new_ones_are_not_even_read(settings, tmp_path):
    listed = forks.run(
        [REELQUEUE, "list"], cwd=tmp_path, env=environment(settings) | {"CELERY_BROKER_URL": "amqp://h"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert (listed.returncode, listed.stderr) == (0, "")
