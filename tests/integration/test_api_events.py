"""`/api/…/events` over a real server: complete, in order, nothing twice; through lost connections, a lost memory, a Redis that is away."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from progress import Publisher
from reelqueue import clock
from reelqueue.dashboard import dashboard
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.settings import Settings
from storage import BatchStore, Owner, Paths, ProjectStore
from tests.boards import serving_board
from tests.event_streams import Heard, Stream, open_stream
from tests.faults.redis_server import running

BRIEF = {"topic": "Tides"}


@pytest.fixture
async def redis(redis_server) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_server) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_event_is_lost(monkeypatch) -> None:
    """Who tells gives up after half a second, which a busy machine may take."""
    monkeypatch.setattr("progress.publisher.PUBLISH_SECONDS", 20.0)


@pytest.fixture
def publisher(redis) -> Publisher:
    return Publisher(redis)


@pytest.fixture
def projects(settings) -> ProjectStore:
    return ProjectStore(Paths(settings.data_dir), Owner.here(), lease_seconds=3)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as found:
        yield found


@pytest.fixture
async def number(projects) -> int:
    """A project that runs."""
    made = await projects.create(BRIEF)
    await become(projects, made.project_id, ProjectStatus.RUNNING)
    return made.project_id


async def become(projects: ProjectStore, number: int, status: ProjectStatus) -> None:
    def change(state: Any) -> Any:
        at = clock.now()
        done = {"status": StageStatus.DONE, "started_at": at, "finished_at": at}
        for stage in Stage if status is ProjectStatus.COMPLETED else ():
            state = state.with_stage(stage, **done)
        return state.model_copy(update={"status": status})

    await projects.change(number, change)


async def tell(publisher: Publisher, number: int, **fields: Any) -> None:
    usual = {"stage": "asset_generation", "progress": 0, "message": "…", "status": "running", "run": 1}
    assert await publisher.publish(project_id=number, **usual | fields) is not None


async def end(projects: ProjectStore, publisher: Publisher, number: int) -> None:
    await become(projects, number, ProjectStatus.COMPLETED)
    await tell(publisher, number, stage="youtube_upload", progress=100, overall=100, status="completed")


@contextlib.asynccontextmanager
async def events(settings: Settings, session: aiohttp.ClientSession, number: int, after: str = "") -> AsyncIterator[Stream]:
    async with serving_board(settings) as url, open_stream(session, f"{url}/api/projects/{number}/events", after=after) as stream:
        yield stream


def sequence(heard: list[Heard]) -> list[int]:
    return [one.data["seq"] for one in heard if one.name == "message"]


async def test_a_late_reader_misses_nothing_and_the_stream_ends_with_the_project(settings, session, publisher, projects, number):
    for percent in range(20):
        await tell(publisher, number, progress=percent)
    await end(projects, publisher, number)

    async with events(settings, session, number) as stream:
        heard = await stream.rest()

    assert sequence(heard) == list(range(1, 22))
    assert heard[-1].data["status"] == "completed"
    assert [one.number for one in heard] == [f"{one.data['epoch']}-{one.data['seq']}" for one in heard]


async def test_an_event_has_the_shape_of_the_contract(settings, session, publisher, number):
    async with events(settings, session, number) as stream:
        await tell(publisher, number, progress=50, overall=10, eta_s=95.0, message="調用…")
        heard = await stream.next("message")

    assert set(heard.data) == {
        "project_id", "stage", "progress", "message", "timestamp", "seq", "epoch", "overall", "eta_s", "status",
    }  # fmt: skip
    assert (heard.name, heard.data["message"], heard.data["eta_s"]) == ("message", "調用…", 95)


async def test_who_comes_back_hears_what_it_missed(settings, session, publisher, number):
    for percent in range(5):
        await tell(publisher, number, progress=percent)
    async with serving_board(settings) as url:
        path = f"{url}/api/projects/{number}/events"
        async with open_stream(session, path) as stream:
            third = [await stream.next("message") for _ in range(3)][2]
        async with open_stream(session, path, after=third.number) as stream:
            rest = [await stream.next("message"), await stream.next("message")]
        async with open_stream(session, f"{path}?after={third.number}") as stream:
            again = [await stream.next("message"), await stream.next("message")]

    assert sequence(rest) == sequence(again) == [4, 5]


async def test_who_comes_back_after_the_end_is_told_to_stop(settings, session, publisher, projects, number):
    await end(projects, publisher, number)
    async with events(settings, session, number) as stream:
        last = (await stream.rest())[-1]
    async with serving_board(settings) as url:
        headers = {"Last-Event-ID": last.number}
        async with session.get(f"{url}/api/projects/{number}/events", headers=headers) as answer:
            assert answer.status == 204


async def test_an_end_that_a_later_run_followed_ends_nothing(settings, session, publisher, projects, number):
    await tell(publisher, number, stage="error", status="failed", error={"code": "media"})
    async with events(settings, session, number) as stream:
        assert (await stream.next()).data["status"] == "failed"
        await end(projects, publisher, number)
        assert [one.data["status"] for one in await stream.rest()] == ["completed"]


async def test_killed_connections_leave_no_gap(settings, session, publisher, projects, number, redis_admin):
    """Stages change each time, so that none of them is only a figure that another one overtook."""
    async with events(settings, session, number) as stream:
        for turn in range(60):
            await tell(publisher, number, stage=f"stage {turn}", progress=1)
            if turn % 6 == 5:
                await redis_admin.client_kill_filter(_type="pubsub")
        await end(projects, publisher, number)
        heard = await stream.rest()

    assert sequence(heard) == list(range(1, 62))


async def test_after_redis_lost_its_memory_a_new_epoch_goes_on(settings, session, publisher, projects, number, redis_admin):
    async with events(settings, session, number) as stream:
        await tell(publisher, number, progress=1)
        first = await stream.next("message")
        await redis_admin.flushall()
        await tell(publisher, number, progress=2)
        await end(projects, publisher, number)
        rest = await stream.rest()

    assert [one.data["seq"] for one in [first, *rest]] == [1, 1, 2]
    assert first.data["epoch"] != rest[0].data["epoch"] == rest[1].data["epoch"]


async def test_an_end_whose_event_was_lost_is_told_from_the_disk(settings, session, publisher, projects, number):
    async with events(settings, session, number) as stream:
        await tell(publisher, number, progress=97)
        await stream.next()
        await become(projects, number, ProjectStatus.COMPLETED)
        heard = await stream.rest()

    assert [(one.data["status"], one.data["seq"]) for one in heard] == [("completed", 2)]


async def test_a_project_that_ended_before_redis_lost_its_memory_is_told_from_the_disk(settings, session, projects, number):
    await become(projects, number, ProjectStatus.COMPLETED)
    async with serving_board(settings) as url, open_stream(session, f"{url}/api/projects/{number}/events") as stream:
        heard = await stream.rest()

    assert [(one.data["status"], one.number) for one in heard] == [("completed", "disk-1")]


async def test_a_project_deleted_meanwhile_ends_the_stream(settings, session, publisher, projects, number):
    async with events(settings, session, number) as stream:
        await tell(publisher, number, progress=1)
        await stream.next()
        await projects.delete(number)
        assert await stream.rest() == []


async def test_a_gap_that_is_longer_than_the_log_is_a_snapshot(settings, session, publisher, redis, number):
    await tell(publisher, number, progress=0)
    last = json.loads(await redis.hget(f"reelqueue:progress:{number}:last", "event"))
    for turn in range(1_010):
        await tell(publisher, number, progress=turn // 11)

    async with events(settings, session, number, after=f"{last['epoch']}-{last['seq']}") as stream:
        heard = await stream.next()
        await tell(publisher, number, stage="video_rendering", progress=1)
        then = await stream.next()

    assert (heard.name, heard.data["seq"], then.data["seq"]) == ("snapshot", 1_011, 1_012)


async def test_a_batch_has_events_of_its_own(settings, session, publisher):
    batches = BatchStore(Paths(settings.data_dir), Owner.here(), lease_seconds=3)
    batch = (await batches.create([1, 2])).batch_id
    async with serving_board(settings) as url, open_stream(session, f"{url}/api/batches/{batch}/events") as stream:
        await publisher.publish(batch_id=batch, stage="batch", progress=50, message="1 of 2", status="running")
        heard = await stream.next()

    assert (heard.data["batch_id"], heard.data["progress"], "project_id" in heard.data) == (batch, 50, False)


@pytest.mark.parametrize(
    "place", ["7", "x", "k3f9:7", "-1", "k3f9-", "k3f9--7", "k3f9-7;", "a" * 40 + "-1", "k-" + "9" * 20, "é-1"]
)
async def test_a_malformed_place_gets_400(settings, session, number, place):
    headers = {"Last-Event-ID": place}
    async with serving_board(settings) as url, session.get(f"{url}/api/projects/{number}/events", headers=headers) as answer:
        body = await answer.json(content_type=None)

    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (body["code"], "k3f9-7" in body["detail"]) == ("bad_request", True)


@pytest.mark.parametrize("kind", ["projects", "batches"])
@pytest.mark.parametrize("given", ["99", "x", "0", "1" * 300, "%2e%2e"])
async def test_an_unknown_id_gets_404(settings, session, kind, given):
    async with serving_board(settings) as url, session.get(f"{url}/api/{kind}/{given}/events") as answer:
        assert answer.status == 404


async def test_a_redis_that_is_away_is_said_with_what_is_known_and_what_was_missed_comes_after(tmp_path, settings, session):
    async with running(tmp_path / "redis") as server:
        ours = settings.model_copy(update={"redis_url": SecretStr(server.url)})
        projects = ProjectStore(Paths(ours.data_dir), Owner.here(), lease_seconds=3)
        number = (await projects.create(BRIEF)).project_id
        await become(projects, number, ProjectStatus.RUNNING)
        async with serving_board(ours) as url, open_stream(session, f"{url}/api/projects/{number}/events") as stream:
            async with Redis.from_url(server.url) as redis:
                await tell(Publisher(redis), number, progress=1)
            first = await stream.next()
            async with server.gone():
                away = await stream.next("redis")
                assert away.data["away_since"] is not None
                async with open_stream(session, f"{url}/api/projects/{number}/events") as other:
                    assert (await other.next()).name == "redis"
                    known = await other.next()
            back = await stream.next("redis")
            async with Redis.from_url(server.url) as redis:
                await tell(Publisher(redis), number, progress=2)
            second = await stream.next("message")

    assert back.data == {"away_since": None}
    assert (known.name, known.data["progress"]) == ("snapshot", 1)
    assert (first.data["epoch"], first.data["seq"] + 1) == (second.data["epoch"], second.data["seq"])


async def test_a_board_that_starts_without_redis_says_what_the_disk_knows(tmp_path, settings, session, projects, number):
    nowhere = settings.model_copy(update={"redis_url": SecretStr(f"unix://{tmp_path}/none.sock")})
    async with serving_board(nowhere) as url, open_stream(session, f"{url}/api/projects/{number}/events") as stream:
        assert (await stream.next()).name == "redis"
        known = await stream.next()
        await become(projects, number, ProjectStatus.COMPLETED)
        rest = await stream.rest()

    assert (known.name, known.data["status"], known.data["stage"]) == ("snapshot", "running", "script_generation")
    assert [one.data["status"] for one in rest] == ["completed"]


@pytest.mark.parametrize("is_ours", [True, False], ids=["our server", "a host's server"])
async def test_a_reader_that_takes_nothing_gets_a_snapshot_and_costs_the_others_nothing(
    monkeypatch, settings, session, publisher, number, is_ours
):
    """It reads nothing while 18 MB are told: far more than a socket and a mailbox hold."""
    monkeypatch.setattr("progress.known.PAUSE_SECONDS", 0.0)
    async with serving_board(settings, is_ours=is_ours) as url, slow_reader(url, f"/api/projects/{number}/events") as slow:
        async with open_stream(session, f"{url}/api/projects/{number}/events") as quick:
            for turn in range(1, 201):
                await tell(publisher, number, stage=f"stage {turn}", message="深" * 30_000)
                assert (await quick.next("message")).data["seq"] == turn
        said = await slow.readuntil(b"event: snapshot\ndata: ")
        then = await slow.readuntil(b"\n\n")
        await tell(publisher, number, stage="after")
        after = await slow.readuntil(b'"seq": 201')

    assert b'"stage": "after"' in after
    assert said.count(b'"stage"') < 200
    assert json.loads(then)["seq"] == 200


@contextlib.asynccontextmanager
async def slow_reader(url: str, path: str) -> AsyncIterator["_Resuming"]:
    """A reader whose socket holds little; it takes nothing before it is asked to."""
    host, _, port = url.removeprefix("http://").partition(":")
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    small.setblocking(False)
    await asyncio.get_running_loop().sock_connect(small, (host, int(port)))
    await asyncio.get_running_loop().sock_sendall(small, f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    reader, writer = await asyncio.open_connection(sock=small, limit=50_000_000)
    writer.transport.pause_reading()
    try:
        yield _Resuming(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


class _Resuming:
    """Reads from the first call on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def readuntil(self, mark: bytes) -> bytes:
        with contextlib.suppress(RuntimeError):  # it reads already
            self._writer.transport.resume_reading()
        async with asyncio.timeout(60):
            return await self._reader.readuntil(mark)


async def test_a_stream_ends_with_the_board(settings, session, number):
    app = dashboard(settings)
    async with serving_board(app) as url, open_stream(session, f"{url}/api/projects/{number}/events") as stream:
        app.state.board.hub.end()
        assert await stream.rest() == []


async def test_proxies_are_told_to_keep_nothing_back(settings, session, number):
    async with serving_board(settings) as url, session.get(f"{url}/api/projects/{number}/events") as answer:
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert "no-store" in answer.headers["Cache-Control"]
        assert (await answer.content.readline()).startswith(b"retry: ")


async def test_the_head_of_a_stream_is_answered_and_ends(settings, session, number):
    async with serving_board(settings) as url, session.head(f"{url}/live?topics=1") as answer:
        assert answer.status == 200
