"""The whole upload stage on YouTube's sandbox: one video, whatever happens on the way, and what it takes of a day's quota."""

import hashlib
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.context import Rules
from jobs.spending import Caps, Spender, bucket_of
from jobs.stages import Postponed, StageRun
from jobs.video.publication import upload_of
from jobs.video.upload import publish
from reelqueue.errors import AuthenticationFailed, NeedsPerson, QuotaExhausted, ServiceUnavailable
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.providers.registry import Shelf, open_shelf
from reelqueue.sandbox import Sandbox, open_sandbox
from reelqueue.settings import Settings
from storage import Debts, Ledger, Owner, Paths, ProjectStore

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
CHUNK_BYTES = 1 << 20
VIDEO = random.Random(7).randbytes(2_500_000)
"""Three chunks."""
SCRIPT = Script(
    intro=Part(text="Hello.", duration=5),
    segments=(Segment(index=1, text="Tides.", duration=5, image_description="sea"),),
    outro=Part(text="Bye.", duration=5),
    metadata=Metadata(title="Tides", description="How they work", tags=("sea",)),
    total_duration=15,
    language="en",
)


class Quiet:
    """Nobody listens."""

    async def tell(self, *_args: Any) -> None:
        pass

    async def retrying(self, *_args: Any) -> None:
        pass


class Upload:
    """A project that is ready to be published, and attempts at it."""

    def __init__(self, sandbox: Sandbox, shelf: Shelf, lease: Any, folder: Path) -> None:
        self.sandbox, self.shelf, self.lease, self.folder = sandbox, shelf, lease, folder
        self.attempts: list[StageRun] = []

    def attempt(self) -> StageRun:
        """A new one; its calls have keys of their own, as under a new fence."""
        spender = Spender(Ledger(Paths(self.folder)), self.lease.state.project_id, Caps())
        run = StageRun(
            stage=Stage.UPLOAD, attempt=1, language="en", choice=self.shelf, tools=None, lease=self.lease, teller=Quiet(),
            rules=Rules(retry_delays=(0.0, 0.0, 0.0)), timeout_s=3600, spender=spender, debts=Debts(Paths(self.folder).owed),
            sent=100 * len(self.attempts),
        )  # fmt: skip
        self.attempts.append(run)
        return run

    async def publish(self) -> dict[str, Any]:
        return (await publish(self.attempt())).result

    @property
    def only_video(self) -> Any:
        [video] = self.sandbox.youtube.videos.values()
        assert video.sha256 == hashlib.sha256(VIDEO).hexdigest()
        return video

    def calls(self, name: str) -> int:
        return len(self.sandbox.journal.calls("youtube", name))


@pytest.fixture
async def sandbox(tmp_path) -> AsyncIterator[Sandbox]:
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


@pytest.fixture
async def upload(sandbox, tmp_path) -> AsyncIterator[Upload]:
    folder = tmp_path / "data"
    values = {name.lower(): value for name, value in sandbox.settings().items() if name.lower() in Settings.model_fields}
    settings = Settings(_env_file=None, data_dir=folder, youtube_reconcile_seconds=0, youtube_daily_uploads=5, **values)
    shelf = open_shelf(settings, Paths(folder))
    projects = ProjectStore(Paths(folder), Owner.here(), lease_seconds=30)
    playlist = sandbox.youtube.add_playlist("Sea").playlist_id
    brief = {"topic": "Tides", "privacy": "public", "playlist": playlist, "localizations": {"zh-TW": {"title": "潮汐"}}}
    state = await projects.create(
        brief | {"providers": {"script": "local", "image": "local", "voice": "local", "presenter": "local"}}
    )
    shelf._publisher("youtube", shelf.channel_of(state.brief))._upload.chunk_bytes = CHUNK_BYTES
    async with await projects.take_over(state.project_id) as held:
        made = {
            Stage.SCRIPT: (await held.blobs.write("script.json", SCRIPT.model_dump_json().encode()),),
            Stage.THUMBNAIL: (await held.blobs.write("output/thumbnail.jpg", JPEG),),
            Stage.RENDER: (
                await held.blobs.write("output/final_video.mp4", VIDEO),
                await held.blobs.write("output/captions.srt", b"1\n00:00:00,000 --> 00:00:01,000\nTides.\n"),
            ),
        }
        for stage, artifacts in made.items():
            await held.commit(lambda s, stage=stage, made=artifacts: s.with_stage(stage, status=StageStatus.DONE, artifacts=made))
        await held.commit(lambda s: s.with_stage(Stage.UPLOAD, status=StageStatus.RUNNING))
        yield Upload(sandbox, shelf, held, folder)
    await shelf.aclose()


async def test_a_project_becomes_one_public_video_for_one_upload_and_603_units(upload, sandbox):
    result = await upload.publish()

    video = upload.only_video
    assert result == {
        "video_id": video.video_id, "video_url": f"https://www.youtube.com/watch?v={video.video_id}", "video_status": "public",
    }  # fmt: skip
    assert (video.privacy, len(video.captions), len(sandbox.youtube.playlists_of(video.video_id))) == ("public", 1, 1)
    assert video.thumbnail_sha256 == hashlib.sha256(JPEG).hexdigest()
    assert video.localizations["zh-TW"]["title"] == "潮汐"
    assert sandbox.youtube.quota.used(sandbox.oauth.client.project) == {"uploads": 1, "search": 0, "units": 603}
    assert upload.attempts[0].warnings == []


async def test_a_second_run_sends_nothing(upload, sandbox):
    first = await upload.publish()
    sandbox.journal.clear()

    assert await upload.publish() == first
    assert sandbox.journal.calls("youtube") == []


@pytest.mark.parametrize(
    ("call", "kind", "details"),
    [
        ("upload.open", "503", {}), ("upload.open", "reset", {"when": "after"}), ("upload.chunk", "503", {"skip": 1}),
        ("upload.chunk", "reset", {"skip": 1}), ("upload.chunk", "cut", {"skip": 1}), ("upload.chunk", "lost_answer", {}),
        ("upload.chunk", "move", {"skip": 1}), ("upload.chunk", "fewer_bytes", {"keep": 262_144}), ("upload.chunk", "created", {}),
        ("upload.chunk", "429", {"retry_after": 0}), ("upload.chunk", "401", {"skip": 1}), ("upload.query", "502", {}),
        ("upload.chunk", "session_gone", {"skip": 1}), ("upload.query", "session_gone", {}),
        ("thumbnails.set", "503", {}), ("captions.insert", "reset", {"when": "after"}),
        ("playlistItems.insert", "reset", {"when": "after"}), ("videos.update", "close", {"when": "after"}),
        ("videos.list", "403", {"reason": "userRateLimitExceeded"}),
    ],
)  # fmt: skip
async def test_one_fault_on_the_way_leaves_one_video_with_all_that_belongs_to_it(upload, sandbox, call, kind, details):
    sandbox.faults.order(service="youtube", call=call, kind=kind, **details)

    result = await upload.publish()

    video = upload.only_video
    assert result["video_id"] == video.video_id
    assert (video.privacy, len(video.captions), len(sandbox.youtube.playlists_of(video.video_id))) == ("public", 1, 1)
    assert upload.attempts[0].warnings == []
    assert sandbox.faults.waiting() == []


async def test_a_lost_answer_and_a_session_forgotten_with_it_leave_one_video(upload, sandbox):
    sandbox.youtube.finished_sessions = "gone"
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="lost_answer")

    result = await upload.publish()

    assert result["video_id"] == upload.only_video.video_id
    assert upload.calls("upload.open") == 1


async def test_a_list_that_lags_is_waited_for(upload, sandbox):
    upload.shelf._publisher("youtube", upload.shelf.channel_of(upload.lease.state.brief)).listed_within_s = 600.0
    sandbox.youtube.finished_sessions = "gone"
    sandbox.youtube.lag_s = 60
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="lost_answer")
    with pytest.raises(Postponed):
        await upload.publish()

    sandbox.clock.move(timedelta(seconds=61))
    result = await upload.publish()

    assert result["video_id"] == upload.only_video.video_id
    assert upload.calls("upload.open") == 1


async def test_two_videos_with_the_marker_are_a_persons_matter(upload, sandbox):
    sandbox.youtube.finished_sessions = "gone"
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="lost_answer")
    sandbox.faults.order(service="youtube", call="playlistItems.list", kind="lag", times=2)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="lost_answer")

    with pytest.raises(NeedsPerson, match="2"):
        await upload.publish()

    assert {video.privacy for video in sandbox.youtube.videos.values()} == {"private"}


@pytest.mark.parametrize(
    ("call", "kind", "details", "step"),
    [
        ("thumbnails.set", "403", {}, "thumbnail"),
        ("thumbnails.set", "429", {"retry_after": 0, "times": 4}, "thumbnail"),
        ("captions.insert", "403", {"reason": "insufficientPermissions"}, "captions"),
        ("playlistItems.insert", "404", {"reason": "playlistNotFound"}, "playlist"),
        ("videos.update", "400", {"reason": "localizationValidationError", "match": "localizations"}, "localizations"),
    ],
)
async def test_what_is_refused_beside_the_video_only_warns(upload, sandbox, call, kind, details, step):
    sandbox.faults.order(service="youtube", call=call, kind=kind, **details)

    await upload.publish()

    assert upload.only_video.privacy == "public"
    [warning] = upload.attempts[0].warnings
    assert step in warning


async def test_a_day_without_uploads_left_sends_nothing_and_asks_nobody_twice(upload, sandbox):
    sandbox.youtube.caps["uploads"] = 0
    with pytest.raises(QuotaExhausted) as first:
        await upload.publish()
    with pytest.raises(QuotaExhausted) as second:
        await upload.publish()

    assert upload.calls("upload.open") == 1
    assert first.value.until == second.value.until
    assert sandbox.youtube.videos == {}


async def test_a_channel_that_is_closed_is_not_asked_again_for_24_hours(upload, sandbox):
    sandbox.faults.order(service="youtube", call="upload.open", kind="upload_limit")
    with pytest.raises(QuotaExhausted) as first:
        await upload.publish()
    with pytest.raises(QuotaExhausted) as second:
        await upload.publish()

    assert upload.calls("upload.open") == 1
    assert first.value.until == second.value.until


async def test_a_revoked_leave_amid_the_upload_publishes_nothing_and_goes_on_when_given_anew(upload, sandbox):
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="401", skip=1)
    sandbox.faults.order(service="oauth", call="token", kind="400", skip=1, reason="invalid_grant")
    with pytest.raises(AuthenticationFailed):
        await upload.publish()
    assert sandbox.youtube.videos == {}

    await upload.publish()

    assert upload.only_video.privacy == "public"
    assert upload.calls("upload.open") == 1


async def test_a_service_that_stays_down_keeps_the_session_for_the_next_time(upload, sandbox):
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="503", times=8, skip=1)
    with pytest.raises(ServiceUnavailable):
        await upload.publish()
    assert upload_of(upload.lease.state).video_id is None

    await upload.publish()

    assert upload.only_video.privacy == "public"
    assert upload.calls("upload.open") == 1


async def test_quota_is_counted_as_youtube_counts_it(upload, sandbox):
    await upload.publish()

    ledger, now, used = (
        Ledger(Paths(upload.folder)),
        sandbox.clock.now(),
        sandbox.youtube.quota.used(sandbox.oauth.client.project),
    )
    publisher = upload.shelf._publisher("youtube", upload.shelf.channel_of(upload.lease.state.brief))
    uploads, units = (publisher.cost(what, None).needs[0] for what in ("open", "find"))
    assert (await ledger.account(bucket_of(uploads, now))).used == used["uploads"]
    assert (await ledger.account(bucket_of(units, now))).used == used["units"]
