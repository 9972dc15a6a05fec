"""A project is deleted with its video on YouTube: the video first, both in the end, whatever happens on the way."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jobs import Queue, connect
from jobs.spending import bucket_of
from reelqueue import clock
from reelqueue.errors import (
    InvalidBrief,
    PermanentError,
    ProjectNotFound,
    QuotaExhausted,
    ServiceUnavailable,
    WrongState,
)
from reelqueue.models.buckets import UNITS, youtube_client
from reelqueue.models.cost import Need
from reelqueue.models.likeness import Likeness
from reelqueue.models.project import Upload
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.providers.youtube.wire import Wire
from reelqueue.sandbox import Sandbox, open_sandbox
from reelqueue.settings import Settings
from reelqueue.wording import speak
from storage import BatchStore, History, Ledger, Owner, Paths, ProjectStore
from storage.ledger import pacific_midnight_after
from tests import forks
from tests.contract.publishing import publication_in, publisher_at, sent, settings_of, uploaded
from tests.workers import until

COMMAND = [sys.executable, "-c", "from reelqueue.cli import main; main()"]
VIDEO_BYTES = 300_000


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path, redis_server: str) -> Settings:
    speak("en")
    changes: dict[str, Any] = {"redis_url": redis_server, "reelqueue_language": "en", "retry_delays": (0.01, 0.02, 0.03)}
    return settings_of(sandbox, tmp_path, lease_seconds=2.0, **changes)


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[Queue]:
    async with connect(settings) as opened:
        yield opened


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    opened = Wire()
    yield opened
    await opened.aclose()


@dataclass
class Channel:
    """The channel at the sandbox, and projects with a video on it."""

    sandbox: Sandbox
    settings: Settings
    folder: Path
    wire: Wire

    @property
    def store(self) -> ProjectStore:
        return ProjectStore(Paths(self.settings.data_dir), Owner.here(), lease_seconds=2)

    @property
    def videos(self) -> list[str]:
        return sorted(self.sandbox.youtube.videos)

    def calls(self, name: str) -> int:
        return len(self.sandbox.journal.calls("youtube", name))

    async def units(self) -> Decimal:
        need = Need(client=youtube_client(self.settings.youtube_client_id or ""), name=UNITS)
        return (await Ledger(Paths(self.settings.data_dir)).account(bucket_of(need, clock.now()))).used

    async def project(self, *, status: ProjectStatus = ProjectStatus.COMPLETED, **upload: Any) -> int:
        """A project; `upload` is what its state knows of the publication."""
        store = self.store
        state = await store.create({"topic": "Tides"})
        async with await store.take_over(state.project_id) as lease:
            await lease.blobs.write("output/final_video.mp4", random.Random(VIDEO_BYTES).randbytes(VIDEO_BYTES))
            await lease.commit(
                lambda s: s.replace(status=status, upload=Upload(**upload) if upload else None).with_stage(
                    Stage.UPLOAD, status=StageStatus.DONE
                )
            )
        return state.project_id

    async def published(self, marker: str = "rq-1-a", **upload: Any) -> int:
        """A project whose video is there."""
        publication = publication_in(self.folder / "files", VIDEO_BYTES, marker=marker)
        video_id = await uploaded(publisher_at(self.sandbox, self.folder, self.wire), publication)
        return await self.project(marker=marker, session_no=1, video_id=video_id, **upload)

    async def sent(self, marker: str) -> str:
        """A video that went up, and of which nobody heard; its session."""
        publisher = publisher_at(self.sandbox, self.folder, self.wire)
        publication = publication_in(self.folder / "files", VIDEO_BYTES, marker=marker)
        session = await publisher.open(publication)
        await sent(publisher, publication, session)
        return session


@pytest.fixture
def channel(sandbox: Sandbox, settings: Settings, tmp_path: Path, wire: Wire) -> Channel:
    return Channel(sandbox, settings, tmp_path, wire)


async def test_both_are_gone_for_50_units(queue, channel, sandbox):
    await channel.published("rq-1-a")
    other = await channel.published("rq-2-b")
    before = sandbox.youtube.quota.used(sandbox.oauth.client.project)["units"]

    await queue.delete(1, video=True)

    kept = (await queue.get_project(other)).upload.video_id
    assert channel.videos == [kept]
    assert sandbox.youtube.quota.used(sandbox.oauth.client.project)["units"] - before == 50
    assert await channel.units() == 50
    with pytest.raises(ProjectNotFound):
        await queue.get_project(1)


async def test_many_go_by_one_token(queue, channel, sandbox):
    ids = [await channel.published(f"rq-{place}-a") for place in range(3)]
    before = len(sandbox.journal.calls("oauth", "token"))

    for number in ids:
        await queue.delete(number, video=True)

    assert (channel.videos, len(sandbox.journal.calls("oauth", "token")) - before) == ([], 1)


async def test_without_video_what_was_published_stays(queue, channel):
    await channel.published()

    await queue.delete(1)

    assert (len(channel.videos), channel.calls("videos.delete")) == (1, 0)


@pytest.mark.parametrize("video", [True, False])
async def test_the_channel_forgets_what_is_not_on_it_any_more(queue, channel, video):
    """The next video may look like it; like one that stays, it may not."""
    await channel.published()
    history = History(channel.store.paths.history)
    mine = Likeness(project_id=1, title="Tides", script="", pictures=(), content="c", at=clock.now(), video_id="v")
    await history.note("default", mine, lambda _: ())

    await queue.delete(1, video=video)

    assert (await history.of("default", 1) is None) is video


async def test_a_video_that_is_gone_already_is_no_error(queue, channel, sandbox):
    await channel.published()
    sandbox.youtube.delete_video(sandbox.youtube.videos[channel.videos[0]])

    await queue.delete(1, video=True)

    assert (await queue.list_projects(), channel.calls("videos.delete")) == ([], 1)


@pytest.mark.parametrize(
    ("kind", "when", "calls"),
    [("503", "before", 2), ("reset", "before", 2), ("reset", "after", 2), ("401", "before", 2)],
)
async def test_what_passes_is_tried_again(queue, channel, sandbox, kind, when, calls):
    await channel.published()
    sandbox.faults.order(service="youtube", call="videos.delete", kind=kind, when=when)

    await queue.delete(1, video=True)

    assert (channel.videos, await queue.list_projects(), channel.calls("videos.delete")) == ([], [], calls)


async def test_a_service_that_stays_away_leaves_the_project_as_it_was(queue, channel, sandbox):
    await channel.published()
    sandbox.faults.order(service="youtube", call="videos.delete", kind="503", times=10)

    with pytest.raises(ServiceUnavailable):
        await queue.delete(1, video=True)

    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED
    assert (len(channel.videos), channel.calls("videos.delete"), await channel.units()) == (1, 4, 4 * 50)


async def test_without_units_it_says_until_when_and_asks_nobody(queue, channel):
    await channel.published()
    need = Need(client=youtube_client(channel.settings.youtube_client_id), name=UNITS)
    await Ledger(channel.store.paths).raise_used(bucket_of(need, clock.now()), Decimal(9_951))

    with pytest.raises(QuotaExhausted, match="is not deleted") as met:
        await queue.delete(1, video=True)

    assert met.value.until == pacific_midnight_after(clock.now())
    assert "run it again after" in met.value.hint
    assert (len(channel.videos), channel.calls("videos.delete")) == (1, 0)
    await queue.delete(1)


async def test_what_youtube_says_of_its_quota_is_kept(queue, channel, sandbox):
    await channel.published()
    sandbox.faults.order(service="youtube", call="videos.delete", kind="403", reason="quotaExceeded")
    with pytest.raises(QuotaExhausted):
        await queue.delete(1, video=True)

    with pytest.raises(QuotaExhausted):
        await queue.delete(1, video=True)

    assert channel.calls("videos.delete") == 1


async def test_a_video_of_another_channel_is_named_and_left(queue, channel, sandbox):
    await channel.published()
    sandbox.youtube.videos[channel.videos[0]].channel = "other"

    with pytest.raises(PermanentError, match="another channel's"):
        await queue.delete(1, video=True)

    assert (len(channel.videos), len(await queue.list_projects())) == (1, 1)


async def test_a_video_that_another_system_published_is_left_alone(queue, channel):
    await channel.published(steps={"elsewhere": {"video_url": "https://youtu.be/x"}})

    with pytest.raises(WrongState, match="another system"):
        await queue.delete(1, video=True)

    assert (len(channel.videos), channel.calls("videos.delete")) == (1, 0)


async def test_a_channel_that_is_not_set_up_any_more_is_named(channel):
    await channel.published()
    without = channel.settings.model_copy(update={"youtube_client_id": None})
    async with connect(without) as queue:
        with pytest.raises(InvalidBrief, match="YOUTUBE_TOKEN_FILE"):
            await queue.delete(1, video=True)

        assert len(await queue.list_projects()) == 1


async def test_a_video_that_nobody_heard_of_is_found_by_its_session(queue, channel):
    """Killed after the last byte: the video is there, the state does not know it."""
    session = await channel.sent("rq-1-a")
    number = await channel.project(status=ProjectStatus.CANCELLED, marker="rq-1-a", session_no=1)
    async with await channel.store.take_over(number) as lease:
        await lease.write_session(session)

    await queue.delete(number, video=True)

    assert (channel.videos, await queue.list_projects()) == ([], [])
    assert channel.calls("playlistItems.list") == 0


async def test_every_video_that_bears_the_marker_goes(queue, channel):
    """Two sessions, two videos: a person was asked which one to keep; none, he says."""
    await channel.sent("rq-1-a")
    await channel.sent("rq-1-a")
    await channel.sent("rq-2-b")
    number = await channel.project(status=ProjectStatus.NEEDS_PERSON, marker="rq-1-a", session_no=2)

    await queue.delete(number, video=True)

    assert len(channel.videos) == 1


async def test_what_the_channels_list_may_not_show_yet_is_not_left_there_for_ever(queue, channel):
    number = await channel.project(status=ProjectStatus.FAILED, marker="rq-1-a", session_no=1)

    with pytest.raises(ServiceUnavailable, match="lags") as met:
        await queue.delete(number, video=True)

    assert "minutes" in met.value.hint
    await channel.store.change(number, lambda s: s)
    clock_later(channel, minutes=11)
    await queue.delete(number, video=True)
    assert await queue.list_projects() == []


def clock_later(channel: Channel, *, minutes: int) -> None:
    """The clock that waits go by shows a later time from now on."""
    file = channel.folder / "clock"
    file.write_text(str(timedelta(minutes=minutes).total_seconds()))
    clock.follow(file)


@pytest.fixture(autouse=True)
def _the_clock_is_right_again() -> Any:
    yield
    clock.follow(None)


async def test_a_project_that_would_go_on_goes_on_no_more_where_its_video_was_removed(queue, channel, sandbox):
    """Killed between the two: a new thumbnail was asked for, and would be put on a video that is gone."""
    await channel.published()
    await channel.store.change(1, lambda s: s.replace(status=ProjectStatus.WAITING_QUOTA))
    sandbox.faults.order(service="youtube", call="videos.delete", kind="503", times=10)
    with pytest.raises(ServiceUnavailable):
        await queue.delete(1, video=True)

    assert (await queue.get_project(1)).status is ProjectStatus.CANCELLED


async def test_a_project_in_hand_keeps_its_video(queue, channel):
    await channel.published()
    await channel.store.change(1, lambda s: s.replace(status=ProjectStatus.RUNNING))
    async with await channel.store.take_over(1):
        with pytest.raises(WrongState, match="being worked on"):
            await queue.delete(1, video=True)

    assert len(channel.videos) == 1


# The command.

Ran = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def begun(channel: Channel, redis_server: str) -> Callable[..., Awaitable[asyncio.subprocess.Process]]:
    """A command of `reelqueue` in a child, without a terminal."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("REELQUEUE_", "YOUTUBE_"))}
    env |= dict(channel.sandbox.settings()) | {"REDIS_URL": redis_server, "DATA_DIR": str(channel.settings.data_dir)}
    env |= {"REELQUEUE_LANGUAGE": "en", "LEASE_SECONDS": "2", "RETRY_DELAYS": "0.01"}

    async def begin(*arguments: str) -> asyncio.subprocess.Process:
        return await forks.create_subprocess_exec(
            *COMMAND, *arguments, cwd=channel.folder, env=env, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    return begin


@pytest.fixture
def ran(begun: Any) -> Ran:
    async def run(*arguments: str) -> tuple[int, str]:
        async with asyncio.timeout(60):
            child = await begun(*arguments)
            said, _ = await child.communicate()
        return child.returncode, said.decode()

    return run


async def test_killed_between_the_two_and_run_again_both_are_gone(begun, ran, channel, sandbox):
    """The video is removed, its answer hangs, the command is killed; the project still knows what it published."""
    await channel.published("rq-1-a")
    await channel.published("rq-2-b")
    sandbox.faults.order(service="youtube", call="videos.delete", kind="hang", when="after", skip=1)
    child = await begun("delete", "1", "2", "--video", "--yes")
    await until(lambda: not channel.videos, "the second video is removed", seconds=60)
    child.kill()
    await child.communicate()
    left = await channel.store.ids()

    code, said = await ran("delete", "1", "2", "--video", "--yes")

    assert (left, await channel.store.ids(), channel.videos, code) == ([2], [], [], 0)
    assert "project 1 was deleted before" in said
    assert "project 2 and its video are deleted" in said


async def test_nobody_is_there_to_be_asked(ran, channel):
    await channel.published()

    code, said = await ran("delete", "1", "--video")

    assert (code, len(channel.videos), await channel.store.ids()) == (2, 1, [1])
    assert ("--yes" in said, "watch?v=" in said or channel.videos[0] in said) == (True, True)


async def test_the_rest_is_named_where_the_units_are_used_up(ran, channel):
    for place in range(3):
        await channel.published(f"rq-{place}-a")
    need = Need(client=youtube_client(channel.settings.youtube_client_id), name=UNITS)
    await Ledger(channel.store.paths).raise_used(bucket_of(need, clock.now()), Decimal(9_920))

    code, said = await ran("delete", "1", "2", "3", "--video", "--yes")

    assert (code, await channel.store.ids(newest_first=False)) == (3, [2, 3])
    assert "2 are not deleted: 2 3" in said


async def test_a_whole_batch_goes_by_its_id(ran, channel):
    ids = [await channel.published(f"rq-{place}-a") for place in range(2)]
    other = await channel.published("rq-2-b")
    await BatchStore(channel.store.paths, Owner.here(), lease_seconds=2).create(ids)

    code, said = await ran("delete", "--batch", "1", "--video", "--yes")

    assert (code, await channel.store.ids(), len(channel.videos)) == (0, [other], 1)
    assert said.count("its video are deleted") == 2
