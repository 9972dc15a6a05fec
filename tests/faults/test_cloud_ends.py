"""What ends amid a paid call or an upload: a worker told to end, a server started anew, a full disk, a project that is cancelled."""

import asyncio
import json
import signal
import time

import pytest

from jobs.client import connect
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.sandbox import open_sandbox
from storage import Paths
from tests import promised
from tests.faults.cloud import MIB, calls, rendered
from tests.faults.tight_disk import CAN_MOUNT, tiny_disk
from tests.integration.bad_services import at_rest, local, own_environment, script_alone
from tests.workers import until, worker

pytestmark = pytest.mark.slow
PAID = {"script": 0, "image": 0, "voice": 1}
"""Calls, and how many of each come through before the one that is slow."""
AT_ONCE = 4
"""Pictures, and sentences, that one project asks for side by side."""
UPLOADING = {"script": "local", "image": "local", "voice": "local", "presenter": "local"}


@pytest.fixture
def settings(settings):
    """A worker that a busy machine holds up loses nothing in hand: it would be paid for again."""
    return settings.model_copy(update={"lease_seconds": 120.0})


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


async def taken(sandbox, order):
    await until(lambda: order not in sandbox.faults.waiting(), f"{order.call} is on its way")


async def test_a_worker_told_to_end_amid_a_paid_call_brings_it_to_its_end(settings, sandbox):
    order = sandbox.faults.order(service="gemini", call="script", kind="slow", seconds=2)
    async with connect(settings) as queue, worker(settings, **own_environment(sandbox)) as one:
        number = await script_alone(queue, "Tides")
        await taken(sandbox, order)
        one.tell(signal.SIGTERM)
        assert await one.ended() == 0
        state = await queue.get_project(number)

    assert (state.status, state.stages[Stage.SCRIPT].attempts) == (ProjectStatus.COMPLETED, 1)
    assert calls(sandbox, "gemini", "script") == 1


async def test_a_worker_with_no_time_left_hands_a_paid_call_back_and_it_is_paid_for_once_more(settings, sandbox):
    order = sandbox.faults.order(service="gemini", call="script", kind="hang", when="after")
    env = own_environment(sandbox, DRAIN_SECONDS="0.5")
    async with connect(settings) as queue:
        async with worker(settings, **env) as one:
            number = await script_alone(queue, "Tides")
            await taken(sandbox, order)
            one.tell(signal.SIGTERM)
            await one.ended()
        state = await queue.get_project(number)
        assert (state.status, state.stages[Stage.SCRIPT].attempts) == (ProjectStatus.QUEUED, 0)
        async with worker(settings, **env):
            state = await at_rest(queue, number)

    assert (state.status, state.stages[Stage.SCRIPT].attempts) == (ProjectStatus.COMPLETED, 1)
    assert calls(sandbox, "gemini", "script") == 2


async def test_a_server_started_anew_amid_an_upload_costs_neither_a_session_nor_a_byte(settings, server, sandbox):
    project, body = await rendered(settings, providers=UPLOADING)
    order = sandbox.faults.order(service="youtube", call="upload.chunk", kind="slow", seconds=3, skip=1)
    async with connect(settings) as queue, worker(settings, **own_environment(sandbox)):
        await queue.start(project.project_id)
        await taken(sandbox, order)
        await server.restart()
        state = await at_rest(queue, project.project_id)

    assert state.status is ProjectStatus.COMPLETED
    [video] = sandbox.youtube.videos.values()
    assert video.bytes == len(body)
    assert calls(sandbox, "youtube", "upload.open") == 1
    assert sum(entry.bytes for entry in sandbox.journal.calls("youtube", "upload.chunk")) == len(body)


@pytest.mark.soak  # half a minute of voices; `test_full_disk.py` fills a disk in every `make test`
@pytest.mark.skipif(not CAN_MOUNT, reason="needs a file system of its own")
async def test_a_disk_that_is_full_amid_the_assets_is_paid_for_at_most_what_was_in_flight(settings, sandbox, tmp_path):
    order = sandbox.faults.order(service="gemini", call="voice", kind="slow", seconds=1, skip=2)
    with tiny_disk(tmp_path / "tiny", megabytes=40) as disk:
        tight = settings.model_copy(update={"data_dir": disk.folder / "data"})
        async with connect(tight) as queue, worker(tight, **own_environment(sandbox) | local("PRESENTER", "PUBLISHER")) as one:
            project = await queue.create_project({"topic": "Tides", "language": "en", "duration_s": 60, "review": ["assets"]})
            await queue.start(project.project_id)
            await taken(sandbox, order)
            disk.fill()
            state = await at_rest(queue, project.project_id)
            assert state.status is ProjectStatus.WAITING_DISK, (state.status, state.stages[Stage.ASSETS].error)
            full = {call: calls(sandbox, "gemini", call) for call in ("script", "image", "voice")}
            disk.free()
            await queue.retry(project.project_id)
            state = await at_rest(queue, project.project_id)
            assert one.runs
        script = json.loads((Paths(tight.data_dir).project(1).root / "script.json").read_text(encoding="utf-8"))

    assert state.status is ProjectStatus.WAITING_REVIEW, state.stages[Stage.ASSETS].error
    once = {"script": 1, "image": len(script["segments"]), "voice": len(script["segments"]) + 2}
    paid = {call: calls(sandbox, "gemini", call) for call in once}
    assert paid["script"] == 1
    for call in ("image", "voice"):
        assert once[call] <= paid[call] <= once[call] + 4, (once, full, paid)


# Cancelled.


async def until_let_go(queue, number):
    deadline = time.monotonic() + 60
    while await queue._projects.holder(number) is not None:
        assert time.monotonic() < deadline, "the worker keeps the project"
        await asyncio.sleep(0.02)


async def cancelled(queue, sandbox, number):
    """No request begins after a cancel was acknowledged; where the machine is so busy that its worker did not let go within
    the 2 s that it waits, after it has.
    """
    begun = time.monotonic()
    await queue.cancel(number)
    at = time.monotonic()
    assert at - begun < promised.seconds(2.5, busy=20.0)
    if await queue._projects.holder(number) is not None:
        await until_let_go(queue, number)
        at = time.monotonic()
    late = [(entry.call, entry.monotonic_s - at) for entry in sandbox.journal.calls() if entry.monotonic_s > at]
    assert late == []


async def test_a_project_cancelled_amid_each_kind_of_paid_call_makes_no_other_and_pays_again_for_what_was_in_flight_alone(
    settings, sandbox
):
    """One project, cancelled amid its script, a picture and a sentence, and taken up again each time."""
    async with connect(settings) as queue, worker(settings, **own_environment(sandbox) | local("PRESENTER", "PUBLISHER")):
        brief = {"topic": "Tides", "language": "en", "duration_s": 15, "presenter": False, "review": ["assets"]}
        number = (await queue.create_project(brief)).project_id
        in_flight = dict.fromkeys(PAID, 0)
        for call, skip in PAID.items():
            order = sandbox.faults.order(service="gemini", call=call, kind="slow", seconds=1.2, skip=skip)
            await (queue.start(number) if call == "script" else queue.retry(number))
            await taken(sandbox, order)
            await cancelled(queue, sandbox, number)
            assert (await queue.get_project(number)).status is ProjectStatus.CANCELLED
            for other, there in kept(settings, number).items():  # an answer that was sent is in flight until it is kept
                lost = max(0, calls(sandbox, "gemini", other) - there - in_flight[other])
                assert lost <= AT_ONCE, (call, other, lost)
                in_flight[other] += lost

    assert all(calls(sandbox, "gemini", call) > 0 for call in PAID)


def kept(settings, number):
    """How many answers are on disk, by kind of call."""
    files = Paths(settings.data_dir).project(number)
    pictures, sentences = (
        sum(path.suffix not in {".json", ".part"} for path in folder.glob("*")) for folder in (files.images, files.audio)
    )
    return {"script": int(files.script.exists()), "image": pictures, "voice": sentences}


STEPS = [
    ("upload.open", 0),
    ("upload.chunk", 0),
    ("upload.chunk", 1),
    ("upload.chunk", 2),
    ("thumbnails.set", 0),
    ("videos.list", 0),
]


@pytest.mark.parametrize("seconds", [pytest.param(0.2, marks=pytest.mark.soak), 1.5])
async def test_a_project_cancelled_amid_an_upload_sends_nothing_more_and_goes_on_with_its_session(settings, sandbox, seconds):
    """A project for each step of the upload, one after the other."""
    async with connect(settings) as queue, worker(settings, **own_environment(sandbox, VARIATION_GUARD="false")):
        for call, skip in STEPS:
            before, opened = set(sandbox.youtube.videos), calls(sandbox, "youtube", "upload.open")
            order = sandbox.faults.order(service="youtube", call=call, kind="slow", seconds=seconds, skip=skip)
            project, body = await rendered(settings, video_bytes=18 * MIB, providers=UPLOADING, privacy="public")
            await queue.start(project.project_id)
            await taken(sandbox, order)
            await cancelled(queue, sandbox, project.project_id)
            state = await queue.get_project(project.project_id)
            assert state.status is ProjectStatus.CANCELLED
            if (
                call != "videos.list"
            ):  # the last step was on its way then: it may have ended before the answer, as the cancel waits
                assert all(video.privacy == "private" for name, video in sandbox.youtube.videos.items() if name not in before)

            await queue.retry(project.project_id)
            state = await at_rest(queue, project.project_id)

            assert state.status is ProjectStatus.COMPLETED, call
            [made] = set(sandbox.youtube.videos) - before
            video = sandbox.youtube.videos[made]
            assert (video.bytes, video.privacy) == (len(body), "public")
            assert calls(sandbox, "youtube", "upload.open") - opened <= 1 + (call == "upload.open")
