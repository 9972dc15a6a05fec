"""The one stream of an open page, over a real server and a real Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from progress import Publisher
from reelqueue.dashboard import dashboard
from reelqueue.dashboard.streams.direct import Direct
from reelqueue.dashboard.surroundings import Around, Surroundings
from reelqueue.settings import Settings
from storage import Owner, Paths, ProjectStore
from tests.boards import serving_board
from tests.event_streams import Heard, Stream, open_stream

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
    async with aiohttp.ClientSession() as found:
        yield found


@contextlib.asynccontextmanager
async def page(settings: Settings, session: aiohttp.ClientSession, query: str, after: str = "") -> AsyncIterator[Stream]:
    async with serving_board(settings) as url, open_stream(session, f"{url}/live?{query}", after=after) as stream:
        assert (await stream.next()).name == "beat"
        assert (await stream.next()).name == "snapshot"
        yield stream


async def tell(publisher: Publisher, number: int = 1, **fields) -> None:
    usual = {"stage": "asset_generation", "progress": 0, "message": "…", "status": "running", "run": 1}
    assert await publisher.publish(project_id=number, **usual | fields) is not None


def figures(heard: Heard) -> list[tuple[int, int]]:
    return [(event["project_id"], event["progress"]) for event in heard.data]


async def test_a_page_hears_of_what_it_shows(settings, session, publisher):
    async with page(settings, session, "topics=1") as stream:
        await tell(publisher, 1, progress=7)
        heard = await stream.next("progress")

    assert figures(heard) == [(1, 7)]
    assert set(heard.data[0]) >= {"project_id", "stage", "progress", "overall", "message", "timestamp", "seq", "epoch", "status"}


async def test_of_other_projects_a_page_hears_changes_of_status_alone(settings, session, publisher):
    async with page(settings, session, "topics=1") as stream:
        await tell(publisher, 2, progress=1)
        assert figures(await stream.next("progress")) == [(2, 1)]
        await tell(publisher, 2, progress=2)
        await tell(publisher, 2, progress=3, status="waiting_quota")
        assert (await stream.next("progress")).data[-1]["status"] == "waiting_quota"
        await tell(publisher, 2, progress=4, status="waiting_quota")
        for percent in (1, 2, 3):  # each a quarter second after the one before
            await tell(publisher, 1, progress=percent)
            assert figures(await stream.next("progress")) == [(1, percent)]


async def test_an_event_is_written_straight_into_the_connections_of_our_server(monkeypatch, settings, session, publisher):
    written: list[bytes] = []
    write = Direct._write

    def noted(connection: Direct, cycle: Any, body: bytes) -> bool:
        is_written = write(connection, cycle, body)
        written.extend([body] if is_written else [])
        return is_written

    monkeypatch.setattr(Direct, "_write", noted)
    async with page(settings, session, "topics=1") as stream:
        await tell(publisher, progress=10)
        assert figures(await stream.next("progress")) == [(1, 10)]

    assert any(b'"progress": 10' in body for body in written)


async def test_who_speaks_an_older_http_gets_no_chunks(settings, publisher):
    async with serving_board(settings) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /live?topics=1 HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
        async with asyncio.timeout(60):
            await reader.readuntil(b"event: snapshot\n")
            await tell(publisher, progress=10)
            said = await reader.readuntil(b'"progress": 10')
        writer.close()

    assert said.splitlines()[-3].startswith(b"id: ")
    assert said.splitlines()[-2] == b"event: progress"
    assert b"\r\n" not in said


async def test_a_page_may_hear_all(settings, session, publisher):
    async with page(settings, session, "topics=all") as stream:
        await tell(publisher, 1, progress=1)
        await stream.next("progress")
        await tell(publisher, 1, progress=2)
        assert figures(await stream.next("progress")) == [(1, 2)]
        await publisher.publish(batch_id=4, stage="batch", progress=1, message="m", status="running")
        assert (await stream.next("progress")).data[0]["batch_id"] == 4


async def test_a_page_that_comes_back_hears_what_it_missed(settings, session, publisher):
    async with serving_board(settings) as url:
        async with open_stream(session, f"{url}/live?topics=all") as stream:
            await stream.next("snapshot")
            await tell(publisher, 1, progress=1)
            number = (await stream.next("progress")).number
        await tell(publisher, 1, progress=2)
        await tell(publisher, 3, progress=3)
        async with open_stream(session, f"{url}/live?topics=all", after=number) as stream:
            await stream.next("beat")
            missed = [*figures(await stream.next("progress")), *figures(await stream.next("progress"))]

    assert sorted(missed) == [(1, 2), (3, 3)]


async def test_a_page_that_comes_back_hears_nothing_of_what_it_does_not_show(settings, session, publisher):
    async with serving_board(settings) as url:
        async with open_stream(session, f"{url}/live?topics=all") as stream:
            await stream.next("snapshot")
            await tell(publisher, 3, progress=1)
            number = (await stream.next("progress")).number
            await tell(publisher, 3, progress=2)
            await stream.next("progress")
        await tell(publisher, 1, progress=9)
        async with open_stream(session, f"{url}/live?topics=1", after=number) as stream:
            assert figures(await stream.next("progress")) == [(1, 9)]


async def test_a_page_hears_of_what_came_while_it_was_made(monkeypatch, settings, session, publisher):
    """What it shows may have been read before that."""
    app, before = dashboard(settings), []

    async def meanwhile(_surroundings: Surroundings) -> Around:
        hub = app.state.board.hub
        before.append(hub.cursor)
        await tell(publisher, 1, status="waiting_disk")
        async with asyncio.timeout(60):
            while hub.cursor == before[0]:
                await asyncio.sleep(0.01)
        return Around()

    monkeypatch.setattr(Surroundings, "now", meanwhile)
    async with serving_board(app) as url, session.get(f"{url}/projects") as answer:
        assert f'data-cursor="{before[0]}"' in await answer.text()


@pytest.mark.parametrize("cursor", ["0123abcd-7", "0123abcd-999999999999999"])
async def test_a_page_of_another_process_asks_for_its_parts_again(settings, session, cursor):
    async with page(settings, session, "topics=1", after=cursor) as stream:
        assert stream.heard[-1] == Heard("snapshot", {}, stream.heard[-1].number)


async def test_a_page_hears_that_a_project_was_made(settings, session, projects):
    async with page(settings, session, "topics=") as stream:
        await projects.create(BRIEF)
        heard = await stream.next("changed")

    assert heard.data == {"what": ["projects"]}


async def test_a_page_hears_that_the_board_lives(settings, session):
    async with page(settings, session, "topics=") as stream:
        heard = await stream.next("beat")

    assert heard.data["redis"] is None
    assert heard.data["ping_ms"] > 0


async def test_connections_that_are_cut_lose_no_status(settings, session, publisher, redis_admin):
    async with page(settings, session, "topics=1") as stream:
        await tell(publisher, 1, progress=1)
        await stream.next("progress")
        for percent in range(2, 40):
            await redis_admin.client_kill_filter(_type="pubsub")
            await tell(publisher, 1, progress=percent)
        await tell(publisher, 1, progress=100, status="completed")
        await stream.until(lambda heard: heard.name == "progress" and heard.data[-1]["status"] == "completed")


async def test_after_redis_lost_its_memory_a_page_hears_on(settings, session, publisher, redis_admin):
    async with page(settings, session, "topics=1") as stream:
        await tell(publisher, 1, progress=50)
        before = (await stream.next("progress")).data[0]
        await redis_admin.flushall()
        await tell(publisher, 1, progress=3)
        after = (await stream.next("progress")).data[0]

    assert (before["seq"], after["seq"]) == (1, 1)
    assert before["epoch"] != after["epoch"]


@pytest.mark.parametrize(
    "query",
    ["topics=x", "topics=0", "topics=-1", "topics=1,,x", "topics=batch:", "topics=" + "9" * 20, "topics=１", "topics=1&after=nonsense",
     "topics=" + ",".join(map(str, range(1, 203)))],
)  # fmt: skip
async def test_a_page_that_asks_for_nonsense_gets_400(settings, session, query):
    async with serving_board(settings) as url, session.get(f"{url}/live?{query}") as answer:
        assert answer.status == 400


async def test_a_malformed_place_gets_400(settings, session):
    async with serving_board(settings) as url, session.get(f"{url}/live", headers={"Last-Event-ID": "<script>"}) as answer:
        assert answer.status == 400


async def test_whoever_leaves_is_forgotten(settings, session):
    app = dashboard(settings)
    async with serving_board(app) as url:
        hub = app.state.board.hub
        async with open_stream(session, f"{url}/live?topics=1,batch:2") as stream:
            await stream.next("snapshot")
            assert (hub.size, hub.has_pages) == (1, True)
        async with asyncio.timeout(60):
            while hub.size:
                await asyncio.sleep(0.01)

    assert hub.topics() == []
    assert not hub.has_pages
