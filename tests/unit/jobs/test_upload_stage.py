"""The upload stage's own work over a real project folder: only the channel is a small stand-in."""

from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.context import Rules
from jobs.stages import StageRun
from jobs.video.upload import MOST_SESSIONS, publish
from reelqueue.errors import Fenced, NeedsPerson, ServiceUnavailable
from reelqueue.models.cost import FREE, Cost
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.providers.protocols import Fixed, Publication, SessionGone
from storage import Owner, Paths, ProjectStore


class Channel:
    """Sessions and the videos they made; `works` says whether a session that is sent to its end makes one."""

    name, version = "channel", "1"
    optional: frozenset[str] = frozenset()
    listed_within_s = 0.0

    def __init__(self) -> None:
        self.sessions: dict[str, str] = {}
        self.videos: dict[str, str] = {}
        self.sent: list[str] = []
        self.works = True
        self.failing: list[Exception] = []
        self.closed = 0

    def steps(self, publication: Publication) -> tuple[str, ...]:
        return ("publish",)

    def check(self, publication: Publication) -> None:
        pass

    def cost(self, what: str, publication: Publication) -> Cost:
        return FREE

    async def open(self, publication: Publication) -> str:
        session = f"session {len(self.sessions) + 1}"
        self.sessions[session] = publication.marker
        return session

    async def send(self, publication: Publication, session: str) -> AsyncGenerator[float, None]:
        self.sent.append(session)
        try:
            yield 0.5
            if self.works:
                self.videos[session] = publication.marker
        finally:
            self.closed += 1

    async def query(self, publication: Publication, session: str) -> str | None:
        if self.failing:
            raise self.failing.pop(0)
        return session.replace("session", "video") if session in self.videos else None

    async def find(self, publication: Publication) -> tuple[str, ...]:
        return tuple(
            session.replace("session", "video") for session, marker in self.videos.items() if marker == publication.marker
        )

    async def step(self, name: str, publication: Publication, video_id: str) -> dict[str, Any]:
        return {"video_url": f"file:///{video_id}", "video_status": "private"}


class Quiet:
    """Nobody listens."""

    async def tell(self, *_args: Any) -> None:
        pass

    async def retrying(self, *_args: Any) -> None:
        pass


SCRIPT = Script(
    intro=Part(text="Hello.", duration=5),
    segments=(Segment(index=1, text="Tides.", duration=5, image_description="sea"),),
    outro=Part(text="Bye.", duration=5),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=15,
    language="en",
)


@pytest.fixture
def projects(tmp_path):
    return ProjectStore(Paths(tmp_path), Owner.here(), lease_seconds=5)


@pytest.fixture
async def lease(projects):
    state = await projects.create({"topic": "Tides"})
    async with await projects.take_over(state.project_id) as held:
        made = {
            Stage.SCRIPT: (await held.blobs.write("script.json", SCRIPT.model_dump_json().encode()),),
            Stage.THUMBNAIL: (await held.blobs.write("output/thumbnail.jpg", b"jpg"),),
        }
        for stage, artifacts in made.items():
            await held.commit(lambda s, stage=stage, made=artifacts: s.with_stage(stage, status=StageStatus.DONE, artifacts=made))
        await held.commit(lambda s: s.with_stage(Stage.UPLOAD, status=StageStatus.RUNNING))
        await cut(held, b"the first cut")
        yield held


async def cut(held, body):
    made = (await held.blobs.write("output/final_video.mp4", body), await held.blobs.write("output/captions.srt", b"1"))
    await held.commit(lambda s: s.with_stage(Stage.RENDER, status=StageStatus.DONE, artifacts=made))


@pytest.fixture
def channel():
    return Channel()


@pytest.fixture
def run(lease, channel):
    """A new attempt each time it is called."""
    providers: Any = SimpleNamespace(publisher=channel)

    def begun() -> StageRun:
        return StageRun(
            stage=Stage.UPLOAD, attempt=1, language="en", choice=Fixed(providers), tools=None, lease=lease, teller=Quiet(),
            rules=Rules(retry_delays=(0.0, 0.0, 0.0)), timeout_s=3600,
        )  # fmt: skip

    return begun


async def test_a_session_is_on_disk_before_its_first_byte_and_makes_one_video(run, channel, lease):
    outcome = await publish(run())

    assert outcome.result["video_id"] == "video 1"
    assert (channel.sent, lease.state.upload.session_no) == (["session 1"], 1)
    assert await lease.read_session() == "session 1"
    again = await publish(run())
    assert (again.result["video_id"], channel.sent) == ("video 1", ["session 1"])


async def test_a_fenced_worker_can_not_put_its_session_over_its_successors(run, lease):
    late = run()
    lease.files.lease.unlink()  # as a successor that has come and gone

    with pytest.raises(Fenced):
        await late.write_session("late")
    with pytest.raises(Fenced):
        await late.forget_session()

    assert await late.read_session() is None


async def test_a_lost_session_is_looked_for_on_the_channel_before_another_is_opened(run, channel, lease):
    """The video was whole, the worker died before its id was kept, and the session's file is gone."""
    channel.failing = [ServiceUnavailable("down")] * 4
    with pytest.raises(ServiceUnavailable):
        await publish(run())
    channel.videos["session 1"] = lease.state.upload.marker
    await lease.forget_session()

    outcome = await publish(run())

    assert outcome.result["video_id"] == "video 1"
    assert list(channel.sessions) == ["session 1"]


async def test_a_session_that_was_opened_for_an_earlier_cut_takes_no_other(run, channel, lease):
    channel.failing = [ServiceUnavailable("down")] * 4
    with pytest.raises(ServiceUnavailable):
        await publish(run())
    await cut(lease, b"another cut")

    outcome = await publish(run())

    assert outcome.result["video_id"] == "video 2"
    assert channel.sent == ["session 2"]


async def test_an_earlier_cut_that_is_whole_stays_the_one_video_and_that_is_said(run, channel, lease):
    channel.failing = [ServiceUnavailable("down")] * 4
    with pytest.raises(ServiceUnavailable):
        await publish(run())
    channel.videos["session 1"] = lease.state.upload.marker
    await cut(lease, b"another cut")
    attempt = run()

    outcome = await publish(attempt)

    assert (outcome.result["video_id"], channel.sent) == ("video 1", [])
    assert len(attempt.warnings) == 1


async def test_sessions_that_make_no_video_need_a_person_whose_retry_tries_again(run, channel):
    channel.works = False
    with pytest.raises(NeedsPerson):
        await publish(run())
    assert len(channel.sent) == MOST_SESSIONS
    channel.works = True

    outcome = await publish(run())

    assert outcome.result["video_id"] == f"video {MOST_SESSIONS + 1}"


async def test_a_session_that_is_gone_is_replaced_by_another(run, channel):
    channel.failing = [SessionGone()]

    outcome = await publish(run())

    assert outcome.result["video_id"] == "video 2"


async def test_sending_ends_at_once_where_the_project_is_taken_away(run, channel, lease):
    async def taken(_state: Any, percent: float, _message: Any) -> None:
        if percent > 5:
            lease.lost.set()

    attempt = run()
    attempt.teller.tell = taken

    with pytest.raises(Fenced):
        await publish(attempt)

    assert (channel.sent, channel.videos, channel.closed) == (["session 1"], {}, 1)


async def test_a_large_file_gets_the_time_that_it_needs(run, lease):
    attempt = run()
    attempt.timeout_s = 0.0
    await publish(attempt)
    assert attempt.timeout_s == pytest.approx(13 / 64_000)
