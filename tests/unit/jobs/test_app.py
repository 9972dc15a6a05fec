"""What app code may do: the door `jobs.connect` and its `Queue`."""

import asyncio
import json

import pytest
from arq.connections import RedisSettings, create_pool
from arq.jobs import ResultNotFound, SerializationError
from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

import jobs
from jobs.client import INSTANCE_KEY, connect, redis_settings
from jobs.pipeline import VIDEO
from reelqueue.errors import (
    BatchNotFound,
    Conflict,
    InstallationError,
    InvalidBrief,
    InvalidSettings,
    PermanentError,
    ProjectCancelled,
    ProjectFailed,
    ProjectNotFound,
    ReelqueueError,
    WrongState,
)
from reelqueue.models.brief import parse_brief
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import speak

BRIEF = {"topic": "How tides work"}


def test_the_door_exports_connect_queue_and_the_errors():
    assert set(jobs.__all__) >= {"connect", "Queue", "ReelqueueError", "ProjectWaiting", "DiskFull"}
    assert all(hasattr(jobs, name) for name in jobs.__all__)


async def test_a_project_is_made_of_a_dict_or_a_brief(queue):
    one = await queue.create_project(BRIEF)
    two = await queue.create_project(parse_brief(BRIEF))

    assert (one.project_id, two.project_id, one.status) == (1, 2, ProjectStatus.CREATED)
    with pytest.raises(InvalidBrief, match="'topick'"):
        await queue.create_project({"topick": "x"})


async def test_the_same_key_gives_the_same_project_and_another_brief_is_a_conflict(queue):
    one = await queue.create_project(BRIEF, idempotency_key="order 7")
    again = await queue.create_project(BRIEF, idempotency_key="order 7")

    assert again.project_id == one.project_id
    with pytest.raises(Conflict):
        await queue.create_project({"topic": "Another"}, idempotency_key="order 7")


async def test_an_app_may_bring_its_own_ids(queue):
    assert (await queue.create_project(BRIEF, project_id=4711)).project_id == 4711
    with pytest.raises(Conflict):
        await queue.create_project(BRIEF, project_id=4711)


async def test_start_is_a_job_whose_result_is_the_first_stages(queue, crew, project):
    job = await queue.start(1)
    await crew.burst()

    assert (await job.result(timeout=1))["made"] == "script"


async def test_starting_twice_makes_one_hint(queue, redis, project):
    first, *others = await asyncio.gather(*(queue.start(1) for _ in range(5)))

    assert {job.job_id for job in others} == {first.job_id}
    assert await redis.zcard("video_generation") == 1
    assert (await queue.get_project(1)).run == 1


async def test_starting_what_is_completed_answers_its_last_result(queue, crew, stages, project):
    await queue.start(1)
    await crew.burst()
    job = await queue.start(1)
    await crew.burst()

    assert (await job.result(timeout=1))["video_id"] == "local-1"
    assert stages.ran == dict.fromkeys(Stage, 1)


async def test_a_start_while_one_stage_runs_alone_leads_on_to_the_end(queue, crew, stages, project):
    stages.acts[Stage.SCRIPT] = stages.stay
    async with crew.working():
        await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
        await stages.inside.wait()
        await queue.start(1)
        stages.leave.set()
        result = await queue.wait(1, timeout=60)

    assert result["made"] == "upload"


async def test_what_ended_is_not_started_again(queue, project):
    await queue.cancel(1)

    with pytest.raises(WrongState, match="cancelled"):
        await queue.start(1)


async def test_wait_says_what_it_met(queue, crew, stages, project):
    with pytest.raises(TimeoutError):
        await queue.wait(1, timeout=0.05)
    stages.fail(Stage.SCRIPT, PermanentError("no"))
    await queue.start(1)
    await crew.burst()
    with pytest.raises(ProjectFailed, match="script"):
        await queue.wait(1, timeout=1)
    await queue.retry(1)
    await queue.cancel(1)
    with pytest.raises(ProjectCancelled):
        await queue.wait(1, timeout=1)
    with pytest.raises(ProjectNotFound):
        await queue.wait(99, timeout=1)


async def test_retry_refuses_what_has_nothing_to_retry(queue, crew, project):
    with pytest.raises(WrongState):
        await queue.retry(1)
    await queue.start(1)
    await crew.burst()
    with pytest.raises(WrongState):
        await queue.retry(1)
    with pytest.raises(InvalidBrief, match="from_stage"):
        await queue.retry(1, from_stage="publish")


async def test_cancel_can_be_repeated_and_a_retry_takes_it_back(queue, crew, project):
    await queue.start(1)
    await queue.cancel(1)
    assert (await queue.cancel(1)).status is ProjectStatus.CANCELLED
    await queue.retry(1)
    await crew.burst()

    assert (await queue.wait(1, timeout=1))["status"] == "success"
    with pytest.raises(WrongState):
        await queue.cancel(1)


async def test_work_that_was_cancelled_and_retried_at_once_does_not_go_on(queue, crew, stages, project):
    """The retry came before anybody saw the cancel; the old upload went on, and published the cut that was taken back."""
    stages.acts[Stage.RENDER] = stages.stay
    async with crew.working():
        await queue.start(1)
        await stages.inside.wait()
        await queue.cancel(1)
        stages.acts.clear()
        await queue.retry(1, from_stage="script")
        await queue.wait(1, timeout=60)

    assert stages.stopped == [Stage.RENDER]
    assert stages.ran[Stage.SCRIPT] == 2


async def test_a_deleted_project_is_gone_and_its_jobs_answer_so(queue, crew, project):
    job = await queue.start(1)
    await queue.delete(1)
    await crew.burst()

    with pytest.raises(ProjectNotFound):
        await queue.get_project(1)
    with pytest.raises(ProjectNotFound):
        await job.result(timeout=1)
    assert (await queue.create_project(BRIEF)).project_id == 2


async def test_a_project_in_hand_is_neither_deleted_nor_retried(queue, crew, stages, project):
    stages.acts[Stage.SCRIPT] = stages.stay
    async with crew.working():
        await queue.start(1)
        await stages.inside.wait()
        with pytest.raises(WrongState, match="being worked on"):
            await queue.delete(1)
        with pytest.raises(WrongState, match="is running"):
            await queue.retry(1, from_stage="script")
        stages.leave.set()
        await queue.wait(1, timeout=5)


async def test_a_project_can_be_deleted_as_soon_as_it_rests(queue, crew, stages, project):
    stages.acts[Stage.SCRIPT] = stages.stay
    async with crew.working():
        await queue.start(1)
        await stages.inside.wait()
        await queue.cancel(1)
        await queue.delete(1)

    assert await queue.list_projects() == []


async def test_lists_are_newest_first_and_can_be_paged(queue):
    for _ in range(4):
        await queue.create_project(BRIEF)
    await queue.cancel(2)

    page = await queue.list_projects(limit=2)
    rest = await queue.list_projects(limit=2, after=page[-1].project_id)
    cancelled = await queue.list_projects(status="cancelled")

    assert [state.project_id for state in (*page, *rest)] == [4, 3, 2, 1]
    assert [state.project_id for state in cancelled] == [2]
    with pytest.raises(InvalidBrief):
        await queue.list_projects(status="asleep")


async def test_jobs_are_routed_by_name_and_an_unknown_name_is_refused(queue, redis):
    await queue.enqueue_job("sync_quotas")
    await queue.enqueue_job("debug_task")
    await queue.enqueue_job("debug_task", _queue_name="maintenance")

    assert (await redis.zcard("maintenance"), await redis.zcard("video_generation")) == (2, 1)
    with pytest.raises(ValueError, match="no job"):
        await queue.enqueue_job("dance")


async def test_maintenance_jobs_answer(queue, crew):
    pong = await queue.enqueue_job("debug_task")
    quotas = await queue.enqueue_job("sync_quotas")
    await crew.burst()
    await crew.burst("maintenance")

    answer, left = await pong.result(timeout=1), await quotas.result(timeout=1)
    assert (answer["pong"], answer["queue"]) == (True, "video_generation")
    assert answer["versions"]["arq"].startswith("0.28")
    assert set(left["services"]) == {"script", "image", "voice", "presenter", "publisher"}


async def test_every_key_but_the_installations_expires_or_is_a_queue(queue, crew, redis, project):
    await queue.start(1)
    await crew.burst()

    lasting = {key async for key in redis.scan_iter() if await redis.ttl(key) < 0}
    assert lasting == {b"reelqueue:installation"}


# On the wire.


async def test_a_raw_arq_client_with_json_may_enqueue_and_read(redis_server, crew, project):
    pool = await create_pool(
        RedisSettings.from_dsn(redis_server), job_serializer=lambda d: json.dumps(d).encode(), job_deserializer=json.loads
    )
    good = await pool.enqueue_job("generate_script_task", project_id=1, chain=False, _queue_name="video_generation")
    bad = await pool.enqueue_job("generate_script_task", project_id=9, _queue_name="video_generation")
    await crew.burst()

    assert (await good.result(timeout=1))["status"] == "success"
    with pytest.raises(SerializationError) as raw:
        await bad.result(timeout=1)
    assert raw.value.args[0]["code"] == "not_found"
    assert set(raw.value.args[0]) == {"code", "message", "hint", "retryable"}
    await pool.aclose(close_connection_pool=True)


class Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


async def test_a_pickled_job_is_refused_with_the_cure_and_nothing_is_unpickled(redis_server, crew, queue, tmp_path, caplog):
    pool = await create_pool(RedisSettings.from_dsn(redis_server))
    await pool.enqueue_job("generate_script_task", Bomb(tmp_path / "bomb"), _queue_name="video_generation", _job_id="pickled")
    await crew.burst()

    with pytest.raises(PermanentError, match="not JSON") as refused:
        await queue._queue.job("pickled", "video_generation").result(timeout=1)
    assert "json.dumps" in refused.value.hint
    assert not (tmp_path / "bomb").exists()
    await pool.aclose(close_connection_pool=True)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe", id="bytes"),
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b'{"f": "debug_task"}', id="half"),
        pytest.param(b'{"f": "debug_task", "a": [], "k": {}, "t": null, "et": 1e400}', id="no time"),
        pytest.param(b'{"f": "debug_task", "a": 5, "k": {}, "t": null, "et": 1}', id="no arguments"),
        pytest.param(b'{"f": "dance", "a": [], "k": {}, "t": null, "et": 1}', id="unknown"),
        pytest.param(b'{"f": "generate_script_task", "a": [], "k": {"x": 1}, "t": null, "et": 1}', id="wrong arguments"),
    ],
)
async def test_garbage_is_refused_and_the_worker_goes_on(crew, queue, redis, body):
    await redis.set("arq:job:garbage", body)
    await redis.zadd("video_generation", {"garbage": 1})
    pong = await queue.enqueue_job("debug_task")
    await crew.burst()

    with pytest.raises(ReelqueueError) as refused:
        await queue._queue.job("garbage", "video_generation").result(timeout=1)
    assert refused.value.hint
    assert (await pong.result(timeout=1))["pong"]


async def test_job_ids_are_never_used_again(queue, crew, project):
    ids = {(await queue.enqueue_job("generate_script_task", project_id=1, chain=False)).job_id for _ in range(3)}
    await crew.burst()
    ids.add((await queue.enqueue_job("generate_script_task", project_id=1, chain=False)).job_id)

    assert len(ids) == 4


@pytest.mark.parametrize("option", ["_job_id", "_expires", "_job_try"])
async def test_an_id_or_an_expiry_of_the_apps_own_is_refused(queue, redis, option):
    with pytest.raises(ValueError, match=option):
        await queue.enqueue_job("debug_task", **{option: 1})

    assert await redis.zcard("video_generation") == 0


async def test_connecting_chooses_the_language_of_errors(settings):
    speak("zh-TW")
    async with connect(settings) as queue:
        with pytest.raises(ProjectNotFound, match="there is no project"):
            await queue.get_project(9)


async def test_after_redis_lost_everything_the_job_is_not_found_but_wait_goes_on(queue, crew, project, redis_admin):
    job = await queue.start(1)
    await redis_admin.flushall()

    with pytest.raises(ResultNotFound):
        await job.result(timeout=1)
    await crew.burst()  # a worker renews what was lost at its start
    assert (await queue.wait(1, timeout=1))["status"] == "success"


# Finding the server.


async def test_a_redis_of_another_installation_is_refused(settings, queue, tmp_path):
    other = settings.model_copy(update={"data_dir": tmp_path / "other"})

    with pytest.raises(InstallationError, match="another installation"):
        async with connect(other):
            pass


async def test_a_redis_that_became_anothers_is_given_no_hint(queue, crew, project, redis):
    """Its workers would take it for their own project of that id, and publish what nobody started."""
    ours = await redis.get(INSTANCE_KEY)
    await redis.set(INSTANCE_KEY, "0" * 32)

    with pytest.raises(RedisError, match="another installation"):
        await queue.start(1)
    assert not await redis.exists(VIDEO)

    await redis.set(INSTANCE_KEY, ours)
    await crew.burst()
    assert (await queue.wait(1, timeout=1))["status"] == "success"


async def test_without_a_redis_it_says_what_to_do(settings, tmp_path):
    nowhere = settings.model_copy(update={"redis_url": SecretStr(f"unix://{tmp_path}/none.sock")})

    with pytest.raises(InstallationError, match="no Redis answers") as refused:
        async with connect(nowhere):
            pass
    assert "reelqueue worker" in refused.value.hint


@pytest.mark.parametrize("given", [pytest.param("", id="none"), pytest.param("reelqueue:wrong@", id="a wrong one")])
async def test_a_redis_that_wants_a_password_says_so(settings, redis_server, given):
    scheme, _, place = redis_server.partition("://")
    url = f"{scheme}://{given}{place.partition('@')[2]}"

    with pytest.raises(InstallationError, match="password"):
        async with connect(settings.model_copy(update={"redis_url": SecretStr(url)})):
            pass


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://user:p%40ss@h:1/2", {"host": "h", "port": 1, "database": 2, "username": "user", "password": "p@ss"}),
        ("rediss://h", {"host": "h", "port": 6379, "ssl": True}),
        ("unix:///tmp/a.sock?db=3", {"unix_socket_path": "/tmp/a.sock", "database": 3}),
        ("redis+sentinel://:pw@a:1,b/main/4", {"host": [("a", 1), ("b", 26379)], "sentinel": True, "sentinel_master": "main", "database": 4, "password": "pw"}),
    ],
)  # fmt: skip
def test_server_addresses_are_understood(url, expected):
    found = redis_settings(url)

    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize("url", ["http://h", "redis://h:port", "redis://h/x", "6379"])
def test_an_address_that_makes_no_sense_is_refused_by_name(url):
    with pytest.raises(InvalidSettings, match="REDIS_URL"):
        redis_settings(url)


async def test_unknown_batches_are_not_found(queue, crew):
    with pytest.raises(BatchNotFound):
        await queue.get_batch(1)
    job = await queue.enqueue_job("batch_processing_task", batch_id=5)
    await crew.burst("batch_processing")
    with pytest.raises(BatchNotFound):
        await job.result(timeout=1)


async def test_a_cancel_is_done_although_redis_went_away(queue, monkeypatch):
    project = await queue.create_project(BRIEF)

    async def gone(_number: int) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(queue._queue, "wake", gone)

    assert (await queue.cancel(project.project_id)).status == "cancelled"
    await queue.delete(project.project_id)
