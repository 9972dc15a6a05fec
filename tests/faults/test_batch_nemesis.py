"""A batch that takes three days, while all that can go wrong does: nobody looks after it, and all that can be published is, once.

One answer in twenty goes wrong, three projects in a hundred can't be made or published, a worker is killed every few seconds,
Redis is restarted twice (once it remembers nothing), and a day has room for fewer uploads than there are videos.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from jobs.client import connect, open_queue
from jobs.pipeline import BATCH, VIDEO
from progress import ProgressEvent, subscribe_progress
from reelqueue import clock
from reelqueue.models.batch import BatchState
from reelqueue.models.buckets import UPLOADS, youtube_client
from reelqueue.models.script import Metadata
from reelqueue.models.stage import BatchStatus, ProjectStatus
from reelqueue.sandbox import Sandbox, open_sandbox
from reelqueue.settings import Settings
from storage import Debts, Ledger, Paths, ProjectStore
from storage.ledger import Bucket, pacific_day
from storage.paths import BATCH_STATE
from tests.faults.cloud import calls, finished
from tests.faults.crew import Crew
from tests.faults.days import Days, passing
from tests.faults.redis_server import RedisServer
from tests.receiver import Message, Receiver
from tests.receiver import listening as receiving
from tests.workers import until

SEED = int(os.environ.get("NEMESIS_SEED") or random.SystemRandom().randrange(10_000))
FOREVER = {b"reelqueue:installation"}
UPLOADING = {"script": "local", "image": "local", "voice": "local", "presenter": "local"}
MAKING = {"presenter": "local"}
OFTEN = 1_000_000
WEATHER = [
    ("503", {}), ("500", {}), ("reset", {"when": "before"}), ("reset", {"when": "after"}), ("truncate", {}),
]  # fmt: skip
"""What one answer in twenty is instead, each as often."""
SHARE_OF_BAD_ANSWERS = 0.05
REFUSED = {
    "A title that nobody takes": "invalidTitle",
    "A description that nobody takes": "invalidDescription",
}
"""By their topics, what YouTube says of them, each time."""
UNSPEAKABLE = "A topic that nobody writes about"
"""Gemini does not."""


@dataclass(frozen=True)
class Size:
    """`prepared` projects have only to be published, `whole` ones are made from their topics; a day has room for `uploads`, of which
    `used` are used up already when it begins.  A worker is killed after so many videos and seconds more.  Services answer
    `latency_s` later than they could; what takes longer than `seconds` hangs."""

    prepared: int
    whole: int
    uploads: int
    used: int
    kill_videos: int
    kill_seconds: float
    latency_s: float
    seconds: float


SHORT = Size(prepared=32, whole=0, uploads=14, used=4, kill_videos=3, kill_seconds=0, latency_s=0.2, seconds=120)
LONG = Size(prepared=95, whole=4, uploads=60, used=25, kill_videos=0, kill_seconds=20, latency_s=2.0, seconds=900)


class Week:
    """One batch's."""

    def __init__(
        self, settings: Settings, sandbox: Sandbox, days: Days, server: RedisServer, receiver: Receiver, size: Size
    ) -> None:
        self.settings, self.sandbox, self.days, self.server, self.size = settings, sandbox, days, server, size
        self.paths = Paths(settings.data_dir)
        self.projects = ProjectStore.reader(self.paths)
        self.chance = random.Random(SEED)
        self.topics: dict[int, str] = {}
        self.bodies: dict[int, str] = {}
        self.events: list[ProgressEvent] = []
        self.receiver = receiver
        self.notices = settings.data_dir.parent / "notices"
        self.days_lost = 0

    @property
    def environment(self) -> dict[str, str]:
        """The workers'."""
        return self.sandbox.settings() | self.receiver.settings | {
            "NOTIFY_COMMAND": f"tee -a {self.notices}",
            "TEST_CLOCK_FILE": str(self.days.file), "POISON_AFTER": "100", "RETRY_DELAYS": "0.1,0.2,0.4", "DRAIN_SECONDS": "1",
            "YOUTUBE_RECONCILE_SECONDS": "4", "YOUTUBE_DAILY_UPLOADS": str(self.size.uploads), "DAILY_COST_CAP_USD": "500",
        }  # fmt: skip

    async def begin(self, queue: Any) -> int:
        """The batch, made and ready to start; its id."""
        topics = [*REFUSED, *(f"Tides, part {number}" for number in range(self.size.prepared - len(REFUSED)))]
        prepared = [{"topic": topic, "providers": UPLOADING} for topic in topics]
        whole = [UNSPEAKABLE, *(f"Currents, part {number}" for number in range(self.size.whole))]
        made = [{"topic": topic, "language": "en", "duration_s": 15, "providers": MAKING} for topic in whole]
        briefs = prepared + made
        self.chance.shuffle(briefs)
        batch = await queue.create_batch(briefs)
        for number, brief in zip(batch.project_ids, briefs, strict=True):
            self.topics[number] = str(brief["topic"])
            if brief["providers"] is UPLOADING:
                title = Metadata(title=str(brief["topic"]), description="Of many.", tags=("tides",))
                size_bytes = self.chance.randrange(1, 600_000)
                _, body = await finished(self.settings, number, video_bytes=size_bytes, metadata=title)
                self.bodies[number] = hashlib.sha256(body).hexdigest()
        return int(batch.batch_id)

    async def until_a_kill(self) -> None:
        """Until it is time for one: by what was published where a busy machine must not be killed to a standstill."""
        await asyncio.sleep(self.size.kill_seconds)
        wanted = len(self.sandbox.youtube.videos) + self.size.kill_videos
        while len(self.sandbox.youtube.videos) < wanted:
            await asyncio.sleep(0.05)

    async def use_up(self) -> None:
        """Some of the first day's uploads, as both sides know."""
        client = self.sandbox.oauth.client
        self.sandbox.youtube.caps[UPLOADS] = self.size.uploads
        self.sandbox.youtube.quota.use(client.project, UPLOADS, self.size.used)
        bucket = Bucket(youtube_client(client.client_id), UPLOADS, pacific_day(clock.now()))
        await Ledger(self.paths).raise_used(bucket, Decimal(self.size.used))

    def weather(self) -> None:
        """Bad answers by chance, slow ones else; and what can't be mended."""
        faults = self.sandbox.faults
        faults.chance.seed(SEED)
        for topic, reason in REFUSED.items():
            faults.order(service="youtube", call="upload.open", kind="400", reason=reason, match=topic, times=OFTEN)
        faults.order(service="gemini", call="script", kind="safety", match=UNSPEAKABLE, times=OFTEN)
        for service in ("youtube", "gemini", "oauth"):
            for kind, details in WEATHER:
                share = SHARE_OF_BAD_ANSWERS / len(WEATHER)
                faults.order(service=service, call="*", kind=kind, share=share, times=OFTEN, **details)
            faults.order(service=service, call="*", kind="slow", seconds=self.size.latency_s, times=OFTEN)

    async def pass_by(self) -> None:
        """Three days and two restarts."""
        await self._published(self.size.uploads // 4)
        await self.server.restart()
        assert await self._rests(), "all were published in one day"
        self.days.next()
        await self._published(self.size.uploads)
        await self.server.restart(empty=True)
        assert await self._rests(), "all were published in two days"
        self.days.next()

    async def last_days(self) -> None:
        """Whatever is left, to its end.  Who is killed amid the opening of an upload leaves it counted: a day more may be needed."""
        while True:
            await until(self._goes_on(len(self.sandbox.youtube.videos)), "the new day's first video", seconds=self.size.seconds)
            if not await self._rests():
                return
            assert self._lost_uploads() > 0, "a day's uploads are gone, and each of them is a video"
            self.days.next()
            self.days_lost += 1

    def _goes_on(self, videos: int) -> Callable[[], bool]:
        return lambda: len(self.sandbox.youtube.videos) > videos

    def _lost_uploads(self) -> int:
        """Uploads that were counted although no video came of them."""
        return calls(self.sandbox, "youtube", "upload.open") - len(self.sandbox.youtube.videos)

    async def _published(self, count: int) -> None:
        await until(lambda: len(self.sandbox.youtube.videos) >= count, f"{count} videos", seconds=self.size.seconds)

    async def _rests(self) -> bool:
        """Until nothing happens before midnight; whether anything waits for it."""
        deadline = time.monotonic() + self.size.seconds
        while open_ones := {
            number: one for number, one in (await self._open()).items() if one.status is not ProjectStatus.WAITING_QUOTA
        }:
            assert time.monotonic() < deadline, open_ones
            await asyncio.sleep(0.3)
        return bool(await self._open())

    async def _open(self) -> dict[int, Any]:
        outlines = await self.projects.outlines(self.topics)
        return {number: one for number, one in outlines.items() if one is not None and not one.status.is_final}

    @contextlib.asynccontextmanager
    async def listening(self, batch_id: int) -> AsyncIterator[None]:
        """Somebody hears how far it is, to its end."""

        async def hear() -> None:
            async for event in subscribe_progress(batch_id=batch_id, settings=self.settings):
                self.events.append(event)

        hearing = asyncio.create_task(hear())
        yield
        await asyncio.wait_for(hearing, 30)


async def _lived_through(settings: Settings, server: RedisServer, tmp_path: Any, size: Size) -> None:
    print(f"NEMESIS_SEED={SEED}")  # noqa: T201 - of a failure
    async with open_sandbox(tmp_path / "sandbox") as sandbox, receiving() as receiver:
        with passing(sandbox, tmp_path / "clock") as days:
            settings = settings.model_copy(update={"test_clock_file": days.file})
            week = Week(settings, sandbox, days, server, receiver, size)
            async with connect(settings) as queue:
                batch_id = await week.begin(queue)
                await week.use_up()
                week.weather()
                crew = Crew(settings, week.environment)
                began = time.monotonic()
                await queue.start_batch(batch_id)
                async with crew.working(), week.listening(batch_id):
                    killing = asyncio.create_task(crew.killed_after(week.until_a_kill, week.chance))
                    await week.pass_by()
                    await week.last_days()
                    result = await queue.wait_batch(batch_id, timeout=size.seconds)
                    killing.cancel()
                    await _heard(week, batch_id, result)
                    await _nothing_is_left(settings)
                state = await queue.get_batch(batch_id)
            print(f"{dict(crew.killed)}, {time.monotonic() - began:.0f} s, {calls(sandbox, 'youtube')} calls")  # noqa: T201 - figures
            print(f"forecast {state.forecast}\noutcome {state.outcome}")  # noqa: T201 - figures
            assert sum(crew.killed.values()) >= 2
            _published_once(week, result)
            _refused_with_their_reasons(week, result)
            await _captions_are_there_once_or_owed(week, result)
            _told(week)
            _as_forecast(week, state)
            _a_person_was_told_of_the_quota(week, crew)
            assert state.status is BatchStatus.COMPLETED
            assert (week.paths.batch(batch_id) / BATCH_STATE).stat().st_size < 64 * 1024


def _lines(week: Week, result: dict[str, Any], wanted: Callable[[str], bool]) -> dict[int, dict[str, Any]]:
    return {line["project_id"]: line for line in result["results"] if wanted(week.topics[line["project_id"]])}


def _can_be_made(topic: str) -> bool:
    return topic not in {*REFUSED, UNSPEAKABLE}


def _published_once(week: Week, result: dict[str, Any]) -> None:
    lines = _lines(week, result, _can_be_made)
    assert {number: line for number, line in lines.items() if line["status"] != "completed"} == {}
    videos = week.sandbox.youtube.videos
    assert sorted(line["video_id"] for line in lines.values()) == sorted(videos)
    for number, line in lines.items():
        file = week.paths.project(number).root / "output/final_video.mp4"
        expected = week.bodies.get(number) or hashlib.sha256(file.read_bytes()).hexdigest()
        assert videos[line["video_id"]].sha256 == expected, number
    assert (result["total_projects"], result["completed"]) == (len(week.topics), len(lines))


def _refused_with_their_reasons(week: Week, result: dict[str, Any]) -> None:
    lines = _lines(week, result, lambda topic: not _can_be_made(topic))
    assert {line["status"] for line in lines.values()} == {"failed"}
    said = {week.topics[number]: line["error"] for number, line in lines.items()}
    assert {topic: reason in said[topic]["message"] for topic, reason in REFUSED.items()} == dict.fromkeys(REFUSED, True)
    assert said[UNSPEAKABLE]["code"] == "content_refused"
    assert result["failed"] == len(said)


async def _captions_are_there_once_or_owed(week: Week, result: dict[str, Any]) -> None:
    """They may be both: sent, but the answer was lost."""
    owed = set(await Debts(week.paths.owed).all())
    videos = week.sandbox.youtube.videos
    captions = {line["project_id"]: len(videos[line["video_id"]].captions) for line in result["results"] if "video_id" in line}
    assert {number for number, count in captions.items() if count == 0} <= owed
    assert set(captions.values()) <= {0, 1}


def _as_forecast(week: Week, state: BatchState) -> None:
    """It was to end when it did, because of the uploads, and each day saw what was told of it."""
    forecast, outcome = state.forecast, state.outcome
    assert forecast is not None
    assert outcome is not None
    assert (forecast.limit, forecast.projects) == ("uploads", len(week.topics))
    assert outcome.within is (forecast.least <= outcome.ended_at <= forecast.most)
    assert outcome.within or week.days_lost  # what kills use up nobody can foresee
    first, second, third = (day.uploads for day in forecast.days[:3])
    room = week.size.uploads - week.size.used
    assert (first, second) == (room, week.size.uploads)
    assert week.days_lost or third >= len(week.sandbox.youtube.videos) - first - second
    assert sum(day.uploads for day in outcome.days) >= len(week.sandbox.youtube.videos)


async def _heard(week: Week, batch_id: int, result: dict[str, Any]) -> None:
    """Somebody's webhook heard how each project ended, and the batch: under one id each, however often it was sent."""
    ends = {f"p{line['project_id']}-r1-{line['status']}" for line in result["results"]}
    ends |= {f"b{batch_id}-r1-started", f"b{batch_id}-r1-ended"}
    messages = week.receiver.messages
    await until(lambda: ends <= {_event(message) for message in messages}, "all was heard", seconds=60)
    assert [message for message in messages if not (message.is_signed and message.is_timely)] == []
    heard = {
        _event(message) for message in messages if message.body["type"].rpartition(".")[2] in {"completed", "failed", "ended"}
    }
    assert heard == ends - {f"b{batch_id}-r1-started"}


def _event(message: Message) -> str:
    """Its id within the installation."""
    return message.message_id.split("_", 2)[2]


def _a_person_was_told_of_the_quota(week: Week, crew: Crew) -> None:
    """Once for all that wait, at most once a day; again only where whoever told it was killed amid it."""
    told = [json.loads(line) for line in week.notices.read_text(encoding="utf-8").splitlines() if line]
    assert {notice["kind"] for notice in told} == {"quota-upload-default"}, told
    assert 1 <= len(told) <= 2 + sum(crew.killed.values())


def _told(week: Week) -> None:
    """How far it was: from nothing to all, never back."""
    shares = [event.overall for event in week.events]
    assert (shares[0], shares[-1], week.events[-1].status) == (0, 100, "completed")
    assert shares == sorted(shares)


async def _nothing_is_left(settings: Settings) -> None:
    async with open_queue(settings) as client, asyncio.timeout(30):
        while await client.redis.zcard(VIDEO) or await client.redis.zcard(BATCH):
            await asyncio.sleep(0.1)
        left = [key async for key in client.redis.scan_iter("*") if await client.redis.ttl(key) == -1]
        assert set(left) <= FOREVER
        assert [key async for key in client.redis.scan_iter("arq:job:*")] == []


@pytest.mark.slow
async def test_a_batch_of_two_dozen_is_published_over_two_midnights_whatever_happens(settings, server, tmp_path):
    await _lived_through(settings, server, tmp_path, SHORT)


@pytest.mark.soak
async def test_a_batch_of_a_hundred_is_published_over_two_midnights_whatever_happens(settings, server, tmp_path):
    await _lived_through(settings, server, tmp_path, LONG)
