"""Progress on a real server: counted, kept, sent; heard once and in order through kills and a loss of memory."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from progress import subscribe_progress
from progress.connection import open_redis
from progress.ending import StateOnDisk, project_end
from progress.events import ProgressEvent, Topic
from progress.publisher import Publisher
from progress.subscriber import Follower, parse_after
from reelqueue import embedded, failpoints
from reelqueue.errors import BatchNotFound, InstallationError, ProjectNotFound
from reelqueue.models.brief import Brief
from reelqueue.models.project import ProjectState, StageError
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.settings import read_settings
from reelqueue.wording import Text
from storage import Paths, ProjectStore

FINAL = {"completed", "failed", "cancelled"}


class Disk:
    """What the disk says of one project; None for an unknown one."""

    def __init__(self, status: str | None = "running") -> None:
        self.status = status
        self.is_old = False

    async def end(self) -> ProgressEvent | None:
        if self.status is None:
            raise ProjectNotFound(1)
        fields = {"stage": "youtube_upload", "progress": 100, "message": "", "timestamp": "", "seq": 0, "epoch": "disk"}
        return ProgressEvent(project_id=1, status=self.status, **fields) if self.status in FINAL else None

    async def unheard_end(self) -> ProgressEvent | None:
        return await self.end() if self.is_old else None


@pytest.fixture(scope="module")
def server_folder(tmp_path_factory):
    """One server for the module, kept by a user in a process-wide lock."""
    folder = tmp_path_factory.mktemp("redis")
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        runner.run(stack.enter_async_context(embedded.server(folder)))
        yield folder
        runner.run(stack.aclose())


@pytest.fixture
async def url(server_folder):
    found = embedded.find(server_folder)
    async with Redis.from_url(found) as redis:
        await redis.flushall()
        yield found
        assert [key async for key in redis.scan_iter() if await redis.ttl(key) < 0] == []


@pytest.fixture
async def redis(url) -> AsyncIterator[Redis]:
    async with Redis.from_url(url) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_event_is_lost(monkeypatch) -> None:
    """Who tells gives up after half a second, which a busy machine may take."""
    monkeypatch.setattr("progress.publisher.PUBLISH_SECONDS", 3.0)


@pytest.fixture
def publisher(redis) -> Publisher:
    return Publisher(redis)


@pytest.fixture
def disk() -> Disk:
    return Disk()


def follower(url: str, disk: Disk, after: int | str | None = None) -> Follower:
    return Follower(Topic(project_id=1), lambda: open_redis(url), disk, *parse_after(after))


async def tell(publisher: Publisher, **fields) -> int | None:
    usual = {"project_id": 1, "stage": "asset_generation", "progress": 0, "message": "…", "status": "running", "run": 1}
    return await publisher.publish(**usual | fields)


async def collect(follower: Follower, seconds: float = 60.0) -> list[ProgressEvent]:
    async with asyncio.timeout(seconds):
        return [event async for event in follower.follow()]


async def kept(redis: Redis) -> list[dict]:
    return [json.loads(fields[b"e"]) for _, fields in await redis.xrange(Topic(project_id=1).log_key)]


async def test_a_plain_subscriber_hears_the_json_of_the_contract(redis, publisher):
    async with redis.pubsub() as channel:
        await channel.subscribe("progress:1")
        await channel.get_message(timeout=60)
        await tell(publisher, stage="script_generation", progress=50, message=Text("調用…", "asking…"), overall=10, eta_s=95.4)
        heard = json.loads((await channel.get_message(timeout=60))["data"])

    assert set(heard) == {
        "project_id", "stage", "progress", "message", "timestamp", "seq", "epoch", "overall", "eta_s", "status",
    }  # fmt: skip
    assert (heard["progress"], heard["overall"], heard["seq"], heard["eta_s"]) == (50, 10, 1, 95)
    assert heard["message"] == "調用…"
    assert datetime.fromisoformat(heard["timestamp"]).tzinfo == UTC


async def test_a_batch_has_a_channel_of_its_own(redis, publisher):
    async with redis.pubsub() as channel:
        await channel.subscribe("progress:batch:4")
        await channel.get_message(timeout=60)
        await publisher.publish(batch_id=4, stage="batch", progress=1, message="m", status="running")
        heard = json.loads((await channel.get_message(timeout=60))["data"])

    assert heard["batch_id"] == 4
    assert "project_id" not in heard


async def test_progress_never_falls_within_a_run(redis, publisher):
    await tell(publisher, progress=40, overall=30)
    await tell(publisher, progress=10, overall=20)
    await tell(publisher, stage="video_rendering", progress=5, overall=25)
    await tell(publisher, stage="error", progress=0, overall=0, status="failed", error={"code": "media"})

    assert [(event["progress"], event["overall"]) for event in await kept(redis)] == [(40, 30), (40, 30), (5, 30), (5, 30)]


async def test_overall_falls_only_when_a_run_begins_at_an_earlier_stage(redis, publisher):
    await tell(publisher, stage="video_rendering", progress=40, overall=60)
    await tell(publisher, stage="video_rendering", progress=0, overall=50, run=2)
    await tell(publisher, stage="asset_generation", progress=0, overall=5, run=3)

    assert [(event["progress"], event["overall"]) for event in await kept(redis)] == [(40, 60), (0, 60), (0, 5)]


async def test_a_thousand_events_are_kept(redis, publisher):
    for number in range(1003):
        await tell(publisher, progress=number // 11)

    entries = await kept(redis)
    assert [entries[0]["seq"], entries[-1]["seq"], len(entries)] == [4, 1003, 1000]


async def test_a_late_subscriber_misses_nothing(url, publisher, disk):
    for percent in range(20):
        await tell(publisher, progress=percent)
    await tell(publisher, stage="youtube_upload", progress=100, overall=100, status="completed")
    disk.status = "completed"

    events = await collect(follower(url, disk))

    assert [event.seq for event in events] == list(range(1, 22))
    assert events[-1]["status"] == "completed"


@pytest.mark.parametrize("with_epoch", [False, True])
async def test_after_says_what_is_known_already(url, redis, publisher, disk, with_epoch):
    for percent in range(5):
        await tell(publisher, progress=percent)
    await tell(publisher, progress=100, status="completed")
    disk.status = "completed"
    epoch = (await kept(redis))[0]["epoch"]

    events = await collect(follower(url, disk, f"{epoch}:4" if with_epoch else 4))

    assert [event.seq for event in events] == [5, 6]


@pytest.mark.parametrize("after", ["gone:900", 900])
async def test_after_from_an_older_epoch_starts_anew(url, publisher, disk, after):
    await tell(publisher, progress=100, status="completed")
    disk.status = "completed"

    assert [event.seq for event in await collect(follower(url, disk, after))] == [1]


async def test_killed_connections_lose_nothing(url, redis, publisher, disk):
    following = asyncio.create_task(collect(follower(url, disk)))
    for percent in range(100):
        await tell(publisher, progress=percent)
        if percent % 10 == 9:
            await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    disk.status = "completed"
    await tell(publisher, progress=100, status="completed")

    assert [event.seq for event in await following] == list(range(1, 102))


async def test_after_redis_lost_its_memory_a_new_epoch_goes_on(url, redis, publisher, disk):
    first = asyncio.Event()

    async def listen() -> list[ProgressEvent]:
        events = []
        async for event in follower(url, disk).follow():
            events.append(event)
            first.set()
        return events

    following = asyncio.create_task(listen())
    await tell(publisher, progress=1)
    await asyncio.wait_for(first.wait(), 60)
    await redis.flushall()
    await tell(publisher, progress=2)
    disk.status = "completed"
    await tell(publisher, progress=100, status="completed")
    events = await asyncio.wait_for(following, 60)

    assert [(event.seq, event.progress) for event in events] == [(1, 1), (1, 2), (2, 100)]
    assert events[0].epoch != events[1].epoch == events[2].epoch


async def test_an_end_that_a_later_run_followed_ends_nothing(url, publisher, disk):
    await tell(publisher, stage="error", status="failed", error={"code": "media"})
    failed = asyncio.Event()

    async def listen() -> list[str]:
        statuses = []
        async for event in follower(url, disk).follow():
            statuses.append(event.status)
            failed.set()
        return statuses

    following = asyncio.create_task(listen())  # the state on disk says "running": somebody retried
    await asyncio.wait_for(failed.wait(), 60)
    disk.status = "completed"
    await tell(publisher, run=2, progress=100, status="completed")

    assert await asyncio.wait_for(following, 60) == ["failed", "completed"]


async def test_a_project_that_ended_while_redis_lost_its_memory_is_told_from_the_disk(url, disk):
    disk.status, disk.is_old = "completed", True

    events = await collect(follower(url, disk))

    assert [(event.status, event.epoch, event.seq) for event in events] == [("completed", "disk", 1)]


async def test_an_end_is_told_from_the_disk_when_no_server_answers(tmp_path, disk):
    disk.status, disk.is_old = "failed", True

    events = await collect(follower(f"unix://{tmp_path}/none.sock", disk))

    assert [event.status for event in events] == ["failed"]


async def test_the_log_gone_one_snapshot_is_left(url, redis, publisher, disk):
    for percent in (1, 2, 3):
        await tell(publisher, progress=percent)
    await tell(publisher, progress=100, status="completed")
    await redis.delete(Topic(project_id=1).log_key)
    disk.status = "completed"

    assert [event.seq for event in await collect(follower(url, disk))] == [4]


async def test_an_unknown_project_raises(url):
    with pytest.raises(ProjectNotFound):
        await collect(follower(url, Disk(None)))


async def test_who_speaks_of_another_project_on_the_channel_is_passed_over(url, redis, publisher, disk):
    await tell(publisher)
    async with asyncio.timeout(60), contextlib.aclosing(follower(url, disk).follow()) as events:
        first = await anext(events)
        foreign = (await kept(redis))[0] | {"project_id": 2, "seq": 2, "message": "of another"}
        await redis.publish(Topic(project_id=1).channel, json.dumps(foreign))
        disk.status = "completed"
        await tell(publisher, stage="youtube_upload", progress=100, status="completed")
        rest = [event async for event in events]

    assert [(event.project_id, event.seq) for event in (first, *rest)] == [(1, 1), (1, 2)]


async def test_a_project_deleted_meanwhile_ends_the_events(url, publisher, disk):
    await tell(publisher, status="cancelled")
    events = []
    async for event in follower(url, disk).follow():
        events.append(event.status)
        disk.status = None

    assert events == ["cancelled"]


async def test_a_stranger_on_the_channel_is_passed_over(url, redis, publisher, disk):
    following = asyncio.create_task(collect(follower(url, disk)))
    await redis.publish("progress:1", "not ours")
    disk.status = "completed"
    await tell(publisher, progress=100, status="completed")

    assert [event.seq for event in await following] == [1]


async def test_telling_never_fails_the_work(tmp_path):
    async with Redis.from_url(f"unix://{tmp_path}/none.sock") as redis:
        publisher = Publisher(redis)
        seq = await tell(publisher)

    assert seq is None
    assert publisher.lost == 1


async def test_half_a_character_fails_no_work(redis, publisher):
    """A name of a file that is no UTF-8 holds such."""
    assert await tell(publisher, message="half \ud83d") == 1
    assert (await kept(redis))[0]["message"] == "half ?"


@pytest.mark.parametrize("point", ["progress.telling:raise", "progress.told:raise", "progress.telling:hang"])
async def test_a_bug_in_telling_fails_no_work(publisher, point):
    failpoints.disarm()
    failpoints.arm(point)
    try:
        assert await tell(publisher) is None
        assert (publisher.lost, await tell(publisher) is None) == (1, False)
    finally:
        failpoints.disarm()


async def test_a_transport_that_uvloop_closed_is_a_lost_connection(url, publisher, disk):
    """uvloop tells of it by a RuntimeError; a RuntimeError of our own is none."""
    await tell(publisher, status="completed")
    disk.status = "completed"
    said = ["unable to perform operation on <TCPTransport closed=True>; the handler is closed"]

    @contextlib.asynccontextmanager
    async def connect() -> AsyncIterator[Redis]:
        if said:
            raise RuntimeError(said.pop())
        async with open_redis(url) as client:
            yield client

    listening = Follower(Topic(project_id=1), connect, disk)
    assert [event.seq for event in await collect(listening)] == [1]
    said.append("a mistake of ours")
    with pytest.raises(RuntimeError, match="mistake of ours"):
        await collect(Follower(Topic(project_id=1), connect, disk))


async def test_a_server_that_wants_a_password_is_named(tmp_path, disk):
    async with embedded.server(tmp_path) as address, Redis.from_url(address) as redis:
        await redis.config_set("requirepass", "secret")
        with pytest.raises(InstallationError, match="密碼"):
            await collect(follower(address, disk))
        await redis.execute_command("AUTH", "secret")
        await redis.config_set("requirepass", "")


def test_after_takes_a_seq_or_an_epoch_and_a_seq():
    assert parse_after(None) == (None, 0)
    assert parse_after(7) == (None, 7)
    assert parse_after("k3f9:7") == ("k3f9", 7)
    with pytest.raises(ValueError, match="after="):
        parse_after("k3f9:")


def test_a_failed_projects_end_names_stage_and_error():
    now = datetime.now(UTC)
    state = ProjectState(project_id=3, brief=Brief(topic="t"), status=ProjectStatus.FAILED, created_at=now, updated_at=now)
    error = StageError(code="media", message="broken", hint="mend it")
    event = project_end(state.with_stage(Stage.RENDER, status=StageStatus.FAILED, error=error))

    assert event is not None
    assert (event.stage, event.status) == ("error", "failed")
    assert event.error == {"code": "media", "message": "broken", "hint": "mend it", "retryable": False, "stage": "render"}


async def test_the_public_door_finds_server_and_state_by_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("REDIS_HOST", raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    paths = Paths(tmp_path)
    project = await ProjectStore.reader(paths).create({"topic": "t"})
    async with embedded.server(paths.redis_dir) as url, Redis.from_url(url) as redis:
        await Publisher(redis).publish(project_id=1, stage="script_generation", progress=0, message="m", status="running")
        heard = subscribe_progress(project.project_id)
        event = await anext(heard)
        await heard.aclose()

    assert (event.project_id, event.stage, event.seq) == (1, "script_generation", 1)


@pytest.mark.parametrize("given", ["../x", "１", 0, 99, "9" * 300])
async def test_ids_that_are_none_raise(tmp_path, given):
    with pytest.raises(ProjectNotFound):
        await anext(subscribe_progress(given, settings=read_settings(data_dir=tmp_path)))


async def test_an_unknown_batch_raises(tmp_path):
    with pytest.raises(BatchNotFound):
        await anext(subscribe_progress(batch_id=3, settings=read_settings(data_dir=tmp_path)))


@pytest.mark.parametrize(
    ("age_s", "told"), [(0.5, False), (5, True), (-3_600, True)], ids=["just now", "long ago", "the clock was set back"]
)
async def test_an_end_whose_event_never_came_is_told_from_the_disk(age_s, told):
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    state = ProjectState(project_id=1, brief=Brief(topic="Tides"), status=ProjectStatus.CANCELLED, created_at=at, updated_at=at)

    class Projects:
        async def load(self, _project_id: int) -> ProjectState:
            return state

    end = await StateOnDisk(Topic(project_id=1), Projects(), None).unheard_end()

    assert (end is not None) is told
