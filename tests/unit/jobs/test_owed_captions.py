"""Captions that a published video is owed: sent from what no publication needs, once, and not at any price."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.maintenance.owed import send_owed_captions
from jobs.maintenance.quotas import sync_quotas
from jobs.pipeline import MAINTENANCE
from jobs.spending import bucket_of
from jobs.video.afterwards import LATER, OWED
from reelqueue.errors import AuthenticationFailed, Fenced, PermanentError, QuotaExhausted, ServiceUnavailable
from reelqueue.models.cost import Cost, Need
from reelqueue.models.project import Upload
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.providers.protocols import Fixed
from storage import Debts, Lease

UPLOADS = Need(client="youtube-1a2b3c4d", name="uploads", cap=100)
UNITS = Need(client="youtube-1a2b3c4d", name="units", amount=50, cap=10_000)
SCRIPT = Script(
    intro=Part(text="Hello.", duration=5),
    segments=(Segment(index=1, text="Tides.", duration=5, image_description="sea"),),
    outro=Part(text="Bye.", duration=5),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=15,
    language="en",
)


class Channel:
    """Takes captions, or raises what it is told to; `while_sending` happens in the midst."""

    name, version = "channel", "1"
    optional = frozenset({"thumbnail", "captions"})

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.failing: list[Exception] = []
        self.names: tuple[str, ...] = ("thumbnail", "captions", "publish")

    def steps(self, _publication: Any) -> tuple[str, ...]:
        return self.names

    def cost(self, what: str, _publication: Any) -> Cost:
        needs = {"open": UPLOADS, "captions": UNITS.replace(amount=400)}
        return Cost(needs=(needs.get(what, UNITS),))

    async def step(self, name: str, publication: Any, video_id: str) -> dict[str, Any]:
        self.sent.append((name, video_id))
        await self.while_sending(publication)
        if self.failing:
            raise self.failing.pop(0)
        return {"caption_id": f"of {video_id}"}

    async def while_sending(self, _publication: Any) -> None:
        pass


def billing(error, usage=()):
    error.usage = usage
    return error


@pytest.fixture
def channel():
    return Channel()


@pytest.fixture
async def service(crew, redis, channel):
    async with crew.service(redis, MAINTENANCE) as opened:
        yield dataclasses.replace(opened, choice=Fixed(SimpleNamespace(publisher=channel)))


@pytest.fixture
def debts(service):
    return Debts(service.paths.owed)


@pytest.fixture
async def owed(service, debts):
    """Projects that are published, and owed their captions."""

    async def publish(*, captions=OWED):
        state = await service.projects.create({"topic": "Tides"})
        async with await service.projects.take_over(state.project_id) as held:
            made = {
                Stage.SCRIPT: {"script.json": SCRIPT.model_dump_json().encode()},
                Stage.ASSETS: {},
                Stage.RENDER: {"output/final_video.mp4": b"mp4", "output/captions.srt": b"1"},
                Stage.THUMBNAIL: {"output/thumbnail.jpg": b"jpg"},
                Stage.UPLOAD: {},
            }
            for stage, files in made.items():
                artifacts = tuple([await held.blobs.write(name, body) for name, body in files.items()])
                await held.commit(lambda s, n=stage, a=artifacts: s.with_stage(n, status=StageStatus.DONE, artifacts=a))
            number = held.state.project_id
            upload = Upload(marker="m", session_no=1, video_id=f"video {number}", steps={"captions": captions, "publish": {}})
            warnings = ("a thumbnail was refused", f"{LATER.en}: no room")
            await held.commit(
                lambda s: s.replace(upload=upload, status=ProjectStatus.COMPLETED).with_stage(Stage.UPLOAD, warnings=warnings)
            )
        await debts.mark(number)
        return number

    return publish


@pytest.fixture
def units(service):
    async def look():
        return (await service.ledger.account(bucket_of(UNITS, datetime.now(UTC)))).used

    return look


async def use_up(service, left):
    bucket = bucket_of(UNITS, datetime.now(UTC))
    await service.ledger.raise_used(bucket, Decimal(UNITS.cap - left))


def send(service, seconds=10.0):
    return send_owed_captions(service, seconds=seconds)


async def test_what_is_owed_is_sent_and_kept_and_the_debt_is_cleared(service, owed, channel, debts, units):
    await owed()

    paid = await send(service)

    state = await service.projects.load(1)
    assert (paid.sent, channel.sent, await debts.all()) == ([1], [("captions", "video 1")], [])
    assert state.upload.steps["captions"]["caption_id"] == "of video 1"
    assert state.upload.steps["captions"]["of"]  # what it hangs on: a repeated upload stage will keep it
    assert state.stages[Stage.UPLOAD].warnings == ("a thumbnail was refused",)
    assert (state.status, await units()) == (ProjectStatus.COMPLETED, 400)
    assert (await service.ledger.account(bucket_of(UNITS, datetime.now(UTC)))).unsettled == 0
    assert await service.projects.holder(1) is None


async def test_a_second_look_sends_nothing(service, owed, channel):
    await owed()
    await send(service)
    await send(service)

    assert len(channel.sent) == 1


async def test_the_oldest_project_is_first_and_a_client_without_room_is_asked_no_more(service, owed, channel, debts):
    for _ in range(3):
        await owed()
    await use_up(service, 500)

    paid = await send(service)

    assert (paid.sent, paid.left, await debts.all()) == ([1], [2, 3], [2, 3])
    assert (await service.ledger.account(bucket_of(UNITS, datetime.now(UTC)))).refused is None
    assert len(channel.sent) == 1


@pytest.mark.parametrize(
    ("left", "others", "fits"),
    [
        pytest.param(400, 0, True, id="just enough"),
        pytest.param(399, 0, False, id="too little"),
        pytest.param(500, 1, True, id="enough for another's thumbnail and publication, too"),
        pytest.param(499, 1, False, id="another would lack one unit"),
        pytest.param(600, 2, True, id="enough for two others"),
        pytest.param(599, 2, False, id="too little for two others"),
    ],
)
async def test_what_other_projects_need_to_be_published_is_left_to_them(service, owed, queue, left, others, fits):
    await owed()
    for _ in range(others):
        await queue.create_project({"topic": "Another"})
    await use_up(service, left)

    assert bool((await send(service)).sent) == fits


async def test_only_as_many_others_count_as_can_still_be_uploaded_today(service, owed, channel, queue):
    await owed()
    await use_up(service, 500)
    for _ in range(5):
        await queue.create_project({"topic": "Another"})
    await service.ledger.raise_used(bucket_of(UPLOADS, datetime.now(UTC)), Decimal(99))

    assert (await send(service)).sent == [1]


async def test_what_is_refused_for_good_is_a_warning_and_no_debt_any_more(service, owed, channel, debts):
    await owed()
    channel.failing = [billing(PermanentError("the track is not valid"))]

    paid = await send(service)

    state = await service.projects.load(1)
    assert (paid.refused, await debts.all()) == ([1], [])
    assert state.upload.steps["captions"]["refused"] == "the track is not valid"
    assert state.stages[Stage.UPLOAD].warnings == (
        "a thumbnail was refused",
        "the video is published without its captions: the track is not valid",
    )


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ServiceUnavailable("down"), id="down"),
        pytest.param(AuthenticationFailed("revoked"), id="revoked"),
        pytest.param(QuotaExhausted("used up", until=datetime.now(UTC) + timedelta(hours=9), closes="units"), id="quota"),
    ],
)
async def test_what_may_go_better_later_stays_owed(service, owed, channel, debts, error):
    await owed()
    channel.failing = [billing(error)]

    first = await send(service)

    assert (first.left, await debts.all()) == ([1], [1])
    assert (await service.projects.load(1)).upload.steps["captions"] == OWED


async def test_a_revoked_token_is_tried_once_and_not_for_every_debt(service, owed, channel):
    for _ in range(3):
        await owed()
    channel.failing = [billing(AuthenticationFailed("revoked")) for _ in range(3)]

    paid = await send(service)

    assert (len(channel.sent), paid.left) == (1, [1, 2, 3])


async def test_a_quota_that_the_service_says_is_used_up_is_not_asked_for_again(service, owed, channel, debts):
    await owed()
    until = datetime.now(UTC) + timedelta(hours=9)
    channel.failing = [billing(QuotaExhausted("used up", until=until, closes="units"))]

    for _ in range(3):
        await send(service)

    assert len(channel.sent) == 1


async def test_a_call_whose_outcome_nobody_knows_stays_counted_and_is_made_again(service, owed, channel, units):
    await owed()
    channel.failing = [billing(ServiceUnavailable("no answer"), None)]

    first, second = await send(service), await send(service)

    assert (first.left, second.sent, await units()) == ([1], [1], 800)


async def test_what_is_gone_or_was_never_owed_is_no_debt(service, owed, channel, debts):
    await owed(captions={"caption_id": "there"})
    await debts.mark(99)

    paid = await send(service)

    assert (channel.sent, await debts.all(), paid.left) == ([], [], [])


async def test_a_video_that_another_system_published_is_not_ours_to_caption(service, owed, channel, debts):
    await owed()
    await service.projects.change(
        1, lambda state: state.replace(upload=state.upload.replace(steps={**state.upload.steps, "elsewhere": {}}))
    )

    await send(service)

    assert (channel.sent, await debts.all()) == ([], [])


@pytest.mark.parametrize("status", [ProjectStatus.RUNNING, ProjectStatus.QUEUED, ProjectStatus.FAILED, ProjectStatus.CANCELLED])
async def test_a_project_that_is_not_completed_sees_to_it_itself(service, owed, channel, debts, status):
    await owed()
    await service.projects.change(1, lambda state: state.replace(status=status))

    assert ((await send(service)).left, channel.sent, await debts.all()) == ([1], [], [1])


async def test_a_project_in_another_workers_hands_is_left(service, owed, channel, debts):
    await owed()
    async with await service.projects.take_over(1):
        paid = await send(service)

    assert (paid.left, channel.sent) == ([1], [])


async def test_a_project_that_is_taken_over_in_the_last_moment_costs_nothing(service, owed, channel, units, monkeypatch):
    await owed()

    async def taken(_lease):
        raise Fenced("another has it")

    monkeypatch.setattr(Lease, "check", taken)

    assert ((await send(service)).left, channel.sent, await units()) == ([1], [], 0)


async def test_where_captions_are_no_step_any_more_the_debt_ends(service, owed, channel, debts):
    await owed()
    channel.names = ("publish",)

    paid = await send(service)

    assert (paid.refused, channel.sent, await debts.all()) == ([1], [], [])


async def test_a_file_that_is_lost_keeps_no_other_project_waiting(service, owed, channel, debts):
    for _ in range(2):
        await owed()
    (service.paths.project(1).captions).unlink()

    paid = await send(service)

    assert (paid.sent, paid.left) == ([2], [1])


async def test_when_the_time_is_over_the_rest_stays_owed(service, owed, channel, debts):
    for _ in range(2):
        await owed()

    async def endless(_publication):
        await asyncio.Event().wait()

    channel.while_sending = endless
    paid = await send(service, seconds=0.3)

    assert (paid.sent, paid.left, await debts.all()) == ([], [1, 2], [1, 2])
    assert await service.projects.holder(1) is None


async def test_a_project_that_is_deleted_meanwhile_is_no_matter(service, owed, channel, debts):
    await owed()
    await service.projects.delete(1)

    assert (await send(service)).left == []


async def test_sync_quotas_sends_them_and_says_so(service, owed, redis):
    await owed()

    answer = await sync_quotas({"service": service, "redis": redis})

    assert answer["captions"] == {"sent": [1], "refused": [], "owed": []}
