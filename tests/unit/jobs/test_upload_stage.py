"""The upload stage's own work over a real project folder: only the channel is a small stand-in."""

import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from jobs import stages
from jobs.context import Rules
from jobs.spending import Caps, Spender, bucket_of
from jobs.stages import HandBack, Moment, Postponed, StageRun
from jobs.video import upload
from jobs.video.afterwards import OWED, captions_cost
from jobs.video.publication import publication_of, with_upload
from jobs.video.upload import MOST_SESSIONS, publish
from reelqueue import clock
from reelqueue.errors import (
    AuthenticationFailed,
    Fenced,
    InvalidBrief,
    NeedsPerson,
    PermanentError,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
)
from reelqueue.models.cost import FREE, Cost, Need
from reelqueue.models.project import Upload
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.providers.protocols import Fixed, Publication, SessionGone
from storage import Debts, Ledger, Owner, Paths, ProjectStore


class Channel:
    """Sessions and the videos they made; `works` says whether a session that is sent to its end makes one."""

    name, version = "channel", "1"
    optional = frozenset({"thumbnail", "captions"})
    listed_within_s = 0.0

    def __init__(self) -> None:
        self.sessions: dict[str, str] = {}
        self.videos: dict[str, str] = {}
        self.sent: list[str] = []
        self.works = True
        self.failing: list[Exception] = []
        self.closed = 0
        self.wanted: tuple[str, ...] = ("publish",)
        self.costs: dict[str, Cost] = {}
        self.refusing: dict[str, Exception] = {}
        self.stepped: list[str] = []
        self.checks: list[Exception] = []

    def steps(self, publication: Publication) -> tuple[str, ...]:
        return self.wanted

    def check(self, publication: Publication) -> None:
        if self.checks:
            raise self.checks[0]

    def cost(self, what: str, publication: Publication) -> Cost:
        return self.costs.get(what, FREE)

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
        self.stepped.append(name)
        if name in self.refusing:
            raise self.refusing[name]
        return {"video_url": f"file:///{video_id}", "video_status": "private"} if name == "publish" else {}


class Quiet:
    """Nobody listens."""

    async def tell(self, *_args: Any) -> None:
        pass

    async def retrying(self, *_args: Any) -> None:
        pass


LONG_AGO = "2026-01-01T00:00:00+00:00"
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


# What follows once the video is there.

WITH_CAPTIONS = ("thumbnail", "captions", "publish")
UNITS = Need(client="youtube-1", name="units", amount=50, cap=1000)


@pytest.fixture
def metered(run, channel, tmp_path):
    """Attempts that reserve: an upload takes one of ten, a step 50 units of 1,000, captions 400."""
    channel.wanted = WITH_CAPTIONS
    uploads = UNITS.replace(name="uploads", amount=1, cap=10)
    channel.costs = {name: Cost(needs=(UNITS,)) for name in ("thumbnail", "publish")}
    channel.costs |= {"captions": Cost(needs=(UNITS.replace(amount=400),)), "open": Cost(needs=(uploads,))}
    ledger = Ledger(Paths(tmp_path))

    def begun(others: int = 0) -> StageRun:
        attempt: StageRun = run()
        attempt.spender, attempt.debts = Spender(ledger, attempt.project.project_id, Caps()), Debts(tmp_path / "owed")

        async def counted() -> int:
            return others

        attempt.others = counted
        return attempt

    begun.ledger = ledger  # type: ignore[attr-defined]
    return begun


async def used(metered, name="units"):
    account = await metered.ledger.account(bucket_of(UNITS.replace(name=name), datetime.now(UTC)))
    return int(account.used)


async def fill(metered, name, amount, cap):
    await metered.ledger.reserve(
        bucket_of(UNITS.replace(name=name), datetime.now(UTC)), "others", Decimal(amount), cap=Decimal(cap)
    )


async def test_a_step_that_was_carried_out_is_not_carried_out_again(run, channel):
    channel.wanted, channel.refusing = WITH_CAPTIONS, {"publish": ServiceUnavailable("down")}
    with pytest.raises(ServiceUnavailable):
        await publish(run())
    channel.refusing = {}

    await publish(run())

    assert (channel.stepped.count("thumbnail"), channel.stepped.count("captions")) == (1, 1)


async def test_a_new_thumbnail_is_the_one_step_that_is_carried_out_again(run, channel, lease):
    channel.wanted = WITH_CAPTIONS
    await publish(run())
    other = (await lease.blobs.write("output/thumbnail.jpg", b"another"),)
    await lease.commit(lambda s: s.with_stage(Stage.THUMBNAIL, status=StageStatus.DONE, artifacts=other))

    await publish(run())

    assert channel.stepped == ["thumbnail", "captions", "publish", "thumbnail"]
    assert len(channel.sessions) == 1


@pytest.mark.parametrize("step", ["thumbnail", "captions"])
async def test_a_refused_step_that_is_no_must_warns_and_the_video_is_published(run, channel, step):
    channel.wanted, channel.refusing = WITH_CAPTIONS, {step: PermanentError("this channel may not")}
    attempt = run()

    outcome = await publish(attempt)

    assert outcome.result["video_url"] == "file:///video 1"
    assert len(attempt.warnings) == 1
    assert "this channel may not" in attempt.warnings[0]


async def test_a_pause_is_kept_for_a_thumbnail_too_and_only_at_the_end_is_it_left_out(run, channel, monkeypatch):
    monkeypatch.setattr(stages, "IDLE_LOOK_S", 0.0)
    channel.wanted, channel.refusing = WITH_CAPTIONS, {"thumbnail": RateLimited("YouTube", 60.0)}

    with pytest.raises(HandBack):
        await publish(run())
    last = run()
    last.attempt = 4
    outcome = await publish(last)

    assert (outcome.result["video_url"], len(last.warnings)) == ("file:///video 1", 1)
    assert "thumbnail" in last.warnings[0] or "縮圖" in last.warnings[0]


async def test_a_token_that_is_revoked_at_a_step_that_is_no_must_fails_all_the_same(run, channel):
    channel.wanted, channel.refusing = WITH_CAPTIONS, {"thumbnail": AuthenticationFailed("revoked")}

    with pytest.raises(AuthenticationFailed):
        await publish(run())


async def test_what_the_service_would_refuse_is_refused_before_a_session_is_opened(run, channel):
    channel.checks = [InvalidBrief("title", "1 to 100 characters", "x" * 300)]

    with pytest.raises(InvalidBrief):
        await publish(run())

    assert not channel.sessions


async def test_a_publication_takes_its_quota_once(metered, channel):
    await publish(metered())

    assert (await used(metered), await used(metered, "uploads")) == (500, 1)


async def test_nothing_is_sent_where_publishing_itself_has_no_room(metered, channel):
    """The thumbnail and the last step are reserved before the first byte."""
    await fill(metered, "units", 950, 1000)

    with pytest.raises(QuotaExhausted) as refused:
        await publish(metered())

    assert (refused.value.until is not None, channel.sessions) == (True, {})
    assert (await used(metered), await used(metered, "uploads")) == (950, 0)


async def test_captions_for_which_there_is_no_room_are_owed_and_the_video_is_published(metered, channel, tmp_path):
    await fill(metered, "units", 800, 1000)
    attempt = metered()

    outcome = await publish(attempt)

    assert outcome.result["video_url"] == "file:///video 1"
    assert channel.stepped == ["thumbnail", "publish"]
    assert attempt.project.upload.steps["captions"] == OWED
    assert (await attempt.debts.all(), len(attempt.warnings)) == ([1], 1)
    assert await used(metered) == 900


async def test_captions_leave_the_units_that_other_projects_need_to_be_published(metered, channel):
    """Ten uploads a day are 1,000 units of 1,000: with five others under way there are 400 for captions, with six there are not."""
    await publish(metered(others=5))
    assert "captions" in channel.stepped

    attempt = metered(others=6)
    cost = await captions_cost(attempt, await publication_of(attempt))
    assert cost.needs[0].cap == 400


async def test_owed_captions_are_sent_by_a_later_attempt_and_the_debt_is_gone(metered, channel, tmp_path):
    channel.refusing = {"captions": QuotaExhausted("the day's units are used up")}
    first = metered()
    await publish(first)
    assert await first.debts.all() == [1]
    channel.refusing = {}

    await publish(metered())

    assert (await first.debts.all(), first.project.upload.steps["captions"]["of"] != "") == ([], True)
    assert channel.stepped.count("publish") == 1


async def test_a_channel_whose_list_lags_is_looked_at_again_later_and_no_session_is_opened(run, channel, lease):
    """The session is gone, the list does not show the video yet: the stage goes on later, and that is no attempt."""
    channel.listed_within_s = 600.0
    channel.failing = [SessionGone()]

    with pytest.raises(Postponed) as later:
        await publish(run())

    assert (0 < later.value.seconds <= 10, list(channel.sessions)) == (True, ["session 1"])
    channel.videos["session 1"] = lease.state.upload.marker
    channel.failing = [SessionGone()]
    assert (await publish(run())).result["video_id"] == "video 1"


async def test_a_video_that_is_not_listed_in_all_that_time_is_sent_anew(run, channel, lease, monkeypatch):
    channel.listed_within_s = 600.0
    channel.failing = [SessionGone()]
    with pytest.raises(Postponed):
        await publish(run())
    later = time.monotonic() + 601
    monkeypatch.setattr(upload.time, "monotonic", lambda: later)
    await lease.hold("upload: alive all the while")
    channel.failing = [SessionGone()]

    assert (await publish(run())).result["video_id"] == "video 2"
    assert not {"looking", "looking_by"} & lease.state.upload.steps.keys()


async def test_a_clock_that_is_set_forward_ends_no_looking_for_the_video(run, channel, lease, monkeypatch):
    """The list lagged, the wall clock jumped an hour, and a second session made a second video."""
    channel.listed_within_s = 600.0
    channel.failing = [SessionGone()]
    with pytest.raises(Postponed):
        await publish(run())
    in_an_hour = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: in_an_hour)
    channel.failing = [SessionGone()]

    with pytest.raises(Postponed):
        await publish(run())

    assert list(channel.sessions) == ["session 1"]


@pytest.mark.parametrize(
    "known",
    [{}, {"looking_by": {"since": LONG_AGO, "boots": {"another": 1.0}}}, {"looking_by": {"since": "another", "boots": {}}}],
)
async def test_who_knows_not_how_long_the_video_was_looked_for_looks_anew(run, channel, lease, known):
    """A version before, another machine, or this one before a restart began to look: its clocks say nothing here."""
    channel.listed_within_s = 600.0
    channel.failing = [SessionGone()]
    with pytest.raises(Postponed):
        await publish(run())
    rest = {name: step for name, step in lease.state.upload.steps.items() if name != "looking_by"}
    began = {"looking": LONG_AGO, **known}
    await lease.commit(lambda s: with_upload(s, steps={**rest, **began}))
    channel.failing = [SessionGone()]

    with pytest.raises(Postponed):
        await publish(run())

    assert list(channel.sessions) == ["session 1"]


async def test_two_videos_with_one_marker_need_a_person_before_anything_is_seen(run, channel, lease):
    channel.failing = [SessionGone()]
    channel.sessions |= {"session 8": "", "session 9": ""}
    attempt = run()
    marker: list[str] = []

    async def listed(publication: Publication) -> tuple[str, ...]:
        marker.append(publication.marker)
        return ("video 8", "video 9")

    channel.find = listed

    with pytest.raises(NeedsPerson) as stopped:
        await publish(attempt)

    assert "video 8, video 9" in stopped.value.message
    assert channel.stepped == []


async def test_a_large_file_that_gets_on_between_its_faults_is_not_given_up(run, channel):
    """Three retries are for one place; a long upload meets more faults than that."""
    faults = 8
    left = [0.1 * (n + 1) for n in range(faults)]

    async def sending(publication: Publication, session: str) -> AsyncGenerator[float, None]:
        if left:
            yield left.pop(0)
            raise ServiceUnavailable("reset")
        channel.videos[session] = publication.marker
        yield 1.0

    channel.send = sending

    assert (await publish(run())).result["video_id"] == "video 1"


async def test_a_large_file_whose_workers_die_each_a_bit_further_is_not_taken_for_one_that_kills_them(run, channel, lease):
    """What is in hand says how far the service is; after it, which step."""
    named = []

    async def sending(publication: Publication, session: str) -> AsyncGenerator[float, None]:
        for share in (0.25, 0.5, 1.0):
            named.append(lease._record.piece)
            yield share
        channel.videos[session] = publication.marker

    async def stepping(name: str, _publication: Publication, _video_id: str) -> dict[str, Any]:
        named.append(lease._record.piece)
        return {}

    channel.send, channel.step = sending, stepping
    await publish(run())

    steps = [f"upload: {name}" for name in channel.steps(None)]
    assert named == ["upload: video", "upload: video from 25.0000%", "upload: video from 50.0000%", *steps]


async def test_a_moment_of_publication_that_has_passed_is_published_at_once_and_said(run, lease):
    past = "2020-01-01T00:00:00+00:00"
    await lease.commit(lambda s: s.replace(brief=s.brief.replace(publish_at=past)))
    attempt = run()
    await publish(attempt)

    publication = await publication_of(attempt)

    assert (publication.publish_at, publication.privacy, len(attempt.warnings)) == (None, "public", 1)


SLOT = datetime(2030, 1, 1, 1, 0, tzinfo=UTC)


def booking(attempt, at):
    """The attempt's calendar gives this moment; returns how often it was asked."""
    asked = []

    async def moment():
        asked.append(at)
        return Moment(at)

    attempt.moment = moment
    return asked


async def test_a_calendars_moment_is_booked_before_anything_is_published(run, lease):
    attempt = run()
    booking(attempt, SLOT)

    publication = (await publish(attempt), await publication_of(attempt))[1]

    assert publication.publish_at == "2030-01-01T01:00:00+00:00"
    assert lease.state.slot == SLOT


async def test_whether_a_video_will_be_seen_is_known_before_it_is_compared_with_others(run, lease, monkeypatch):
    attempt, seen = run(), []
    booking(attempt, SLOT)

    async def look(one):
        seen.append(one.project.slot)

    monkeypatch.setattr(upload, "look_for_likes", look)
    await publish(attempt)

    assert seen == [SLOT]


async def test_a_moment_that_comes_while_the_video_is_sent_is_replaced_before_it_is_told(run, lease, channel):
    attempt, later, told = run(), SLOT + timedelta(hours=6), []
    given = [SLOT, SLOT, later, later]

    async def moment():
        return Moment(given.pop(0))

    async def step(name, publication, video_id):
        told.append(publication.publish_at)
        return {"video_url": "", "video_status": "private"}

    attempt.moment, channel.step = moment, step
    await publish(attempt)

    assert told == [later.isoformat()]
    assert lease.state.slot == later


async def test_what_youtube_has_already_keeps_its_moment(run, lease):
    first = run()
    booking(first, SLOT)
    await publish(first)

    again = run()
    asked = booking(again, SLOT + timedelta(days=1))
    await publish(again)

    assert (asked, lease.state.slot) == ([], SLOT)


async def test_a_calendar_without_a_moment_left_shows_the_video_to_nobody_and_says_so(run, lease):
    await lease.commit(lambda s: s.replace(brief=s.brief.replace(privacy="public"), slot=SLOT))
    attempt = run()
    booking(attempt, None)
    await attempt.commit(lambda s: s.replace(upload=Upload(marker="m")))

    publication = await publication_of(attempt)

    assert (publication.publish_at, publication.privacy, lease.state.slot) == (None, "private", None)
    assert len(attempt.warnings) == 1


async def test_a_pause_that_the_service_asks_for_is_kept_though_the_upload_got_on(run, channel, monkeypatch):
    """A long Retry-After after half the file: the job goes back to the queue for it, and that was no attempt."""
    monkeypatch.setattr(stages, "IDLE_LOOK_S", 0.0)

    async def slowed(publication: Publication, session: str) -> AsyncGenerator[float, None]:
        channel.sent.append(session)
        yield 0.5
        raise RateLimited("YouTube", 60.0)

    channel.send = slowed
    attempt = run()

    with pytest.raises(HandBack) as pause:
        await publish(attempt)

    assert (channel.sent, pause.value.retry_after, attempt.made_a_piece) == (["session 1"], pytest.approx(60, abs=1), True)


async def test_a_session_that_was_opened_and_not_counted_still_has_both_videos_found_before_one_is_seen(run, channel, lease):
    """The first session is given up after its time; the worker dies between the second one and its commit."""
    channel.listed_within_s, channel.failing = 600.0, [SessionGone()]
    with pytest.raises(Postponed):
        await publish(run())
    second = await channel.open(await publication_of(run()))
    await lease.write_session(second)
    channel.videos["session 1"] = lease.state.upload.marker  # listed at last

    with pytest.raises(NeedsPerson, match="2 videos"):
        await publish(run())

    assert "publish" not in channel.stepped
