"""The hub under what befalls a server: frozen, cut off, gone, empty.  It notices, says so, and is back by itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from progress import Publisher, ends
from progress.bundle import Bundle, Told
from progress.connection import open_redis
from progress.events import ProgressEvent, Topic
from progress.following import Following
from progress.hub import Gap, Hub, Link
from tests.faults import tcp_proxy
from tests.faults.redis_server import RedisServer, running

ONE = Topic(project_id=1)


@pytest.fixture
async def server(tmp_path) -> AsyncIterator[RedisServer]:
    async with running(tmp_path / "server") as found:
        yield found


@pytest.fixture(autouse=True)
def _no_event_is_lost(monkeypatch) -> None:
    """Who tells gives up after half a second, which a busy machine may take."""
    monkeypatch.setattr("progress.publisher.PUBLISH_SECONDS", 20.0)


@contextlib.asynccontextmanager
async def listening(url: str) -> AsyncIterator[Hub]:
    hub = Hub(lambda: open_redis(url))
    async with hub.kept():
        assert await hub.listens(60)
        yield hub


async def until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(what) from None


async def tell(server: RedisServer, number: int = 1, **fields) -> None:
    usual = {"stage": "asset_generation", "progress": 0, "message": "…", "status": "running", "run": 1}
    async with Redis.from_url(server.url) as redis:
        assert await Publisher(redis).publish(project_id=number, **usual | fields) is not None


async def test_a_server_that_is_frozen_is_noticed_and_what_it_says_then_is_heard(server):
    async with listening(server.url) as hub:
        with hub.reader(ONE) as box:
            async with server.paused():
                await until(lambda: hub.away_since is not None, "it is noticed")
                assert isinstance((await box.take(60))[0][0], Link)
            assert await hub.listens(60)
            await tell(server)
            await until(lambda: hub.last(ONE) is not None, "it hears again")


async def test_connections_that_a_router_forgot_are_noticed(server):
    async with tcp_proxy.before(server.port) as proxy, listening(server.url_at(proxy.port)) as hub:
        async with proxy.deaf_links():
            await until(lambda: hub.away_since is not None, "it is noticed")
            assert await hub.listens(60)
        await tell(server)
        await until(lambda: hub.last(ONE) is not None, "it hears again")


async def test_a_storm_of_resets_leaves_no_gap_for_who_reads(server):
    async with tcp_proxy.before(server.port) as proxy, listening(server.url_at(proxy.port)) as hub:
        await tell(server, stage="stage 0")
        await until(lambda: hub.last(ONE) is not None, "the first is heard")
        with hub.reader(ONE) as box:
            async with proxy.storm(every_s=0.2):
                for turn in range(1, 100):
                    await tell(server, stage=f"stage {turn}")
            told: list[int] = []
            async with asyncio.timeout(60):
                while not told or told[-1] < 100:
                    items, _ = await box.take(1)
                    told += [one.event.seq for item in items if isinstance(item, Bundle) for one in item.told]

    assert told == list(range(2, 101))


async def test_after_a_gap_no_cursor_of_before_is_taken(server):
    async with listening(server.url) as hub:
        await tell(server)
        await until(lambda: hub.last(ONE) is not None, "it is heard")
        before = hub.cursor
        assert hub.since(before) == []
        with hub.page(None) as box:
            await server.restart()
            await until(lambda: hub.away_since is None and hub.since(before) is None, "it is back")
            items, _ = await box.take(60)

        assert isinstance(items[0], Gap)
        assert hub.since(hub.cursor) == []


async def test_a_page_that_is_made_after_the_events_knows_the_last_of_each(server):
    await tell(server, 1, progress=10)
    await tell(server, 1, progress=20)
    await tell(server, 2, progress=30)
    async with listening(server.url) as hub:
        found = await hub.last_of([1, 2, 3])
        log = await hub.log_of(ONE, most=1)
        async with server.gone():
            kept = await hub.last_of([1])
            none = await hub.log_of(ONE)

    assert {number: event.progress for number, event in found.items()} == {1: 20, 2: 30}
    assert [event.seq for event in log] == [2]
    assert kept == {} or kept[1].progress == 20
    assert list(none) == []


async def test_what_was_heard_last_is_listed_once_for_each_stage(server):
    async with listening(server.url) as hub:
        for percent in (1, 2, 3):
            await tell(server, 1, progress=percent)
        await tell(server, 2, progress=50)
        await tell(server, 1, stage="video_rendering", progress=4)
        due = {(1, 3), (1, 4), (2, 50)}
        await until(
            lambda: {(event.project_id, event.progress) for event in hub.recent()} == due, "each stage's last one is there"
        )

        assert len(hub.recent(most=1)) == 1


async def test_a_stranger_on_the_channels_is_passed_over(server):
    async with listening(server.url) as hub:
        await server.say("PUBLISH", "progress:1", "not ours")
        await server.say("PUBLISH", "progress:x", b"\xff\x00")
        await server.say("PUBLISH", "progress:7", '{"project_id": 8, "stage": "s", "progress": 1, "message": "", "timestamp": "2026-11-30T00:00:00Z", "seq": 1, "epoch": "e", "status": "running"}')  # fmt: skip
        await tell(server)
        await until(lambda: hub.last(ONE) is not None, "ours is heard")

        assert [event.project_id for event in hub.recent()] == [1]


async def test_a_reader_whose_next_event_does_not_follow_reads_the_log(server):
    """The hub never heard of the events between, as after a message that was lost in silence."""
    async with listening(server.url) as hub:
        await tell(server, stage="stage 1")
        await until(lambda: hub.last(ONE) is not None, "the first is heard")
        following = Following(hub, ONE, Runs())
        async with contextlib.aclosing(following.parts()) as parts:
            assert [one.event.seq for one in await anext(parts)] == [1]
            hub._hear = lambda _message: None
            for turn in (2, 3, 4):
                await tell(server, stage=f"stage {turn}")
            last = (await hub.log_of(ONE, most=1))[0]
            hub._hand_out(Bundle(ONE, (Told.saying(last),), after=3, number=99, is_news=False))
            assert [one.event.seq for one in await anext(parts)] == [2, 3, 4]


async def test_ten_kills_among_two_thousand_events_lose_nothing_for_who_is_passed_them_and_who_takes_them(server, monkeypatch):
    """Half of the events find their reader's connection full: those wait for its turn, and none overtakes them."""
    monkeypatch.setattr("progress.known.PAUSE_SECONDS", 0.0)
    async with listening(server.url) as hub, Redis.from_url(server.url) as redis:
        publisher, heard = Publisher(redis), []

        def push(bundle: Bundle) -> bool:
            has_room = bundle.number % 4 > 1
            heard.extend(one.event.seq for one in bundle.told if has_room)
            return has_room

        async def read() -> None:
            async for part in Following(hub, ONE, Runs(), push=push).parts():
                told = part.told if isinstance(part, Bundle) else part if isinstance(part, tuple) else ()
                heard.extend(one.event.seq for one in told)

        reading = asyncio.create_task(read())
        for turn in range(1, 2_001):
            await publisher.publish(project_id=1, stage=f"stage {turn}", progress=0, message="…", status="running", run=1)
            if turn % 200 == 100:
                while not await redis.client_kill_filter(_type="pubsub"):  # it is on its way back from the kill before
                    await asyncio.sleep(0.01)
        await until(lambda: bool(heard) and heard[-1] == 2_000, "the last one is heard")
        reading.cancel()

    assert heard == list(range(1, 2_001))


class Runs:
    """The disk of a project that runs."""

    async def end(self) -> None:
        return None

    unheard_end = end

    async def standing(self) -> ProgressEvent:
        raise AssertionError("Redis is there")


async def test_it_ends_at_once_while_the_server_is_away(server):
    async with listening(server.url) as hub:
        await server.kill()
        await until(lambda: hub.away_since is not None, "it is noticed")
        loop = asyncio.get_running_loop()
        began = loop.time()

    assert loop.time() - began < 5


async def test_a_mistake_of_ours_ends_no_hearing(server, monkeypatch):
    hear, met = Hub._hear, []

    def stumbles(hub, message):
        if not met:
            met.append(message)
            raise ValueError("nobody thought of that")
        hear(hub, message)

    async with listening(server.url) as hub:
        monkeypatch.setattr(Hub, "_hear", stumbles)
        await tell(server)
        await until(lambda: bool(met) and hub.away_since is not None, "it is told that nothing is heard")
        assert await hub.listens(60)
        await tell(server)
        await until(lambda: hub.last(ONE) is not None, "it hears again")


async def test_what_was_asked_of_many_projects_is_not_kept_for_ever(server, monkeypatch):
    for number in range(1, 8):
        await tell(server, number)
    monkeypatch.setattr("progress.hub.MOST_KNOWN", 3)
    async with listening(server.url) as hub:
        for number in range(1, 8):
            assert set(await hub.last_of([number])) == {number}

        assert sum(hub.last(Topic(project_id=number)) is not None for number in range(1, 8)) <= 4


async def test_a_mistake_of_ours_ends_no_look_for_ends(monkeypatch):
    looked = []

    async def stumbles(*_who):
        looked.append(1)
        raise ValueError("nobody thought of that")

    monkeypatch.setattr(ends, "look", stumbles)
    monkeypatch.setattr(ends, "LOOK_SECONDS", 0.0)
    looking = asyncio.create_task(ends.watch_ends(None, None, None))
    await until(lambda: len(looked) > 1, "it looks again")
    looking.cancel()
