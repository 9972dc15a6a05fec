"""What is paid for: each piece once, at most the calls in flight again after a kill, nothing past a cap or a used-up day."""

import contextlib
import itertools
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from jobs.client import connect
from jobs.spending import MONEY, USD, project_bucket
from reelqueue.errors import ProjectFailed, ProjectWaiting
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.sandbox import open_sandbox
from storage import Bucket, Ledger, Paths
from storage.ledger import pacific_day, pacific_midnight_after
from tests.faults.cloud import calls
from tests.faults.nemesis import TINY
from tests.workers import HUMMING, until, worker

BRIEF = {
    "topic": "Why bread rises",
    "content": (
        "Yeast eats sugar and breathes out gas. The dough holds the gas, because kneading has made it elastic. "
        "Heat makes the bubbles grow, until the crust sets around them. A baker listens to that crust."
    ),
    "language": "en",
    "aspect": "1:1",
    "fps": 24,
    "presenter": False,
}
GEMINI = {"REELQUEUE_PRESENTER_PROVIDER": "local", "REELQUEUE_PUBLISHER": "local", "POISON_AFTER": "100"}
LONGER = BRIEF | {
    "content": (
        "Yeast eats sugar and breathes out gas. The dough holds the gas, because kneading has made it elastic. "
        "Heat makes the bubbles grow, until the crust sets around them. What you hear when a loaf cools is that crust, cracking. "
        "A baker waits for that sound. Bread that is cut too soon is damp inside. Sourdough lives on wild yeast instead. "
        "It is slower, and it tastes of the room that it lived in. Rye has little gluten, so its loaves stay low and dense."
    )
}
AT_ONCE = 4
"""Images, and voice pieces, that one project asks for side by side."""
PATIENCE_SECONDS, SLACK_SECONDS = 300.0, 0.05

pytestmark = pytest.mark.slow


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


async def begun(queue, brief):
    """A project that stops after its assets, where nothing more is paid for."""
    project = await queue.create_project(brief | {"review": ["assets"]})
    await queue.start(project.project_id)
    return project.project_id


async def to_its_review(queue, number):
    with pytest.raises(ProjectWaiting):
        await queue.wait(number, timeout=PATIENCE_SECONDS)
    state = await queue.get_project(number)
    assert state.status is ProjectStatus.WAITING_REVIEW
    return state


def environment(sandbox, **more):
    ours = {
        "RETRY_DELAYS": "0.1,0.2,0.3",
        "LEASE_SECONDS": "120",
    }  # a machine under load must not lose a lease: a call more is paid
    return GEMINI | sandbox.settings() | ours | HUMMING | more


def segments_of(settings, number):
    script = json.loads((Paths(settings.data_dir).project(number).root / "script.json").read_text(encoding="utf-8"))
    return len(script["segments"])


def pieces_of(settings, number):
    """What is paid for once: the script, a picture a segment, a voice piece a part."""
    segments = segments_of(settings, number)
    return {"script": 1, "image": segments, "voice": segments + 2}


def paid(sandbox):
    return {call: calls(sandbox, "gemini", call, status=200) for call in ("script", "image", "voice")}


async def spent(settings, bucket):
    return await Ledger(Paths(settings.data_dir)).account(bucket)


async def test_a_video_by_gemini_pays_for_each_piece_once_and_knows_what_it_paid(settings, sandbox):
    async with connect(settings) as queue, worker(settings, module=TINY, **environment(sandbox)):
        number = await begun(queue, BRIEF)
        state = await to_its_review(queue, number)

    assert paid(sandbox) == pieces_of(settings, number)
    cost = sum(Decimal(str(use.cost_usd)) for use in state.usage)
    assert cost > 0
    for bucket in (project_bucket(number), Bucket(MONEY, USD, pacific_day(datetime.now(UTC)))):
        account = await spent(settings, bucket)
        assert (account.used, account.unsettled) == (pytest.approx(cost), 0)
    assert {use.service for use in state.usage} == {"gemini"}


async def test_a_kill_in_mid_assets_repeats_at_most_the_calls_in_flight(settings, sandbox):
    env = environment(sandbox)
    sandbox.faults.order(service="gemini", call="image", kind="hang", when="after", skip=1)
    async with connect(settings) as queue:
        async with worker(settings, module=TINY, **env) as dying:
            number = await begun(queue, LONGER)
            await until(lambda: not sandbox.faults.waiting(), "the second picture was made and its answer is lost")
            dying.kill()
        before = paid(sandbox)
        async with worker(settings, module=TINY, **env):
            await to_its_review(queue, number)

    once, all_of_it = pieces_of(settings, number), paid(sandbox)
    assert all_of_it["script"] == once["script"] == before["script"]
    for call in ("image", "voice"):
        assert once[call] <= all_of_it[call] <= once[call] + AT_ONCE, (call, before)


async def test_a_cap_that_is_reached_in_mid_assets_stops_before_the_call_and_goes_on_where_it_was(settings, sandbox):
    """What was asked for comes in and is kept; with a higher cap only the rest is paid for."""
    async with connect(settings) as queue:
        async with worker(settings, module=TINY, **environment(sandbox, PROJECT_COST_CAP_USD="0.25")):
            number = await begun(queue, LONGER)
            with pytest.raises(ProjectWaiting) as waiting:
                await queue.wait(number, timeout=PATIENCE_SECONDS)
        state = await queue.get_project(number)
        account = await spent(settings, project_bucket(number))
        assert state.status is ProjectStatus.WAITING_BUDGET
        assert "PROJECT_COST_CAP_USD" in waiting.value.what_to_do
        assert account.used <= Decimal("0.25")
        assert 0 < paid(sandbox)["image"] < segments_of(settings, number)
        async with worker(settings, module=TINY, **environment(sandbox, PROJECT_COST_CAP_USD="50")):
            await queue.retry(number)
            await to_its_review(queue, number)

    assert paid(sandbox) == pieces_of(settings, number)


async def test_a_days_quota_that_is_used_up_is_asked_for_no_more_by_any_project_before_the_reset(settings, sandbox):
    sandbox.faults.order(service="gemini", call="script", kind="quota_day", times=100)
    async with connect(settings) as queue, worker(settings, module=TINY, **environment(sandbox)):
        for _ in range(2):
            project = await queue.create_project(BRIEF)
            await queue.start(project.project_id)
            with pytest.raises(ProjectWaiting) as waiting:
                await queue.wait(project.project_id, timeout=PATIENCE_SECONDS)

            assert waiting.value.until == pacific_midnight_after(datetime.now(UTC))
            state = await queue.get_project(project.project_id)
            assert (state.status, state.stages[Stage.SCRIPT].attempts) == (ProjectStatus.WAITING_QUOTA, 0)

    assert calls(sandbox, "gemini", "script") == 1


def gaps(sandbox, service, call):
    times = [entry.monotonic_s for entry in sandbox.journal.calls(service, call)]
    return [after - before for before, after in itertools.pairwise(times)]


@pytest.mark.parametrize(
    ("delays", "asked"), [((0.5, 1.5, 3.0), 2), pytest.param((2.0, 5.0, 10.0), 4, marks=pytest.mark.soak, id="the usual ones")]
)
async def test_a_call_is_tried_again_after_the_delays_that_are_set_or_when_the_service_says(settings, sandbox, delays, asked):
    """Three refusals of one project, a pause that a second one is asked for."""
    env = environment(sandbox, REELQUEUE_IMAGE_PROVIDER="local", REELQUEUE_VOICE_PROVIDER="local")
    env["RETRY_DELAYS"] = ",".join(map(str, delays))
    sandbox.faults.order(service="gemini", call="script", kind="503", times=3)
    async with connect(settings) as queue, worker(settings, module=TINY, **env) as one:
        project = await queue.create_project(BRIEF)
        await queue.enqueue_job("generate_script_task", project_id=project.project_id, chain=False)
        await queue.wait(project.project_id, timeout=PATIENCE_SECONDS)
        assert [line["seconds"] for line in one.lines() if line["event"] == "retrying"] == list(delays)
        assert all(gap > delay - SLACK_SECONDS for gap, delay in zip(gaps(sandbox, "gemini", "script"), delays, strict=True))

        sandbox.faults.order(service="gemini", call="script", kind="quota_minute", retry_delay=asked)
        other = await queue.create_project(BRIEF)
        await queue.enqueue_job("generate_script_task", project_id=other.project_id, chain=False)
        await queue.wait(other.project_id, timeout=PATIENCE_SECONDS)

        assert [line["seconds"] for line in one.lines() if line["event"] == "retrying"] == [*delays, asked]
    assert gaps(sandbox, "gemini", "script")[-1] > asked - SLACK_SECONDS


async def test_a_refusal_that_no_retry_mends_is_sent_once_and_says_what_to_do(settings, sandbox):
    async with connect(settings) as queue, worker(settings, module=TINY, **environment(sandbox)):
        for asked, kind in enumerate(("400", "401", "403"), 1):
            sandbox.faults.order(service="gemini", call="script", kind=kind, times=10)
            project = await queue.create_project(BRIEF)
            await queue.start(project.project_id)
            with pytest.raises(ProjectFailed):
                await queue.wait(project.project_id, timeout=PATIENCE_SECONDS)
            sandbox.faults.clear()
            state = await queue.get_project(project.project_id)

            assert calls(sandbox, "gemini", "script") == asked, kind
            error = state.stages[Stage.SCRIPT].error
            assert error is not None
            assert error.hint
            assert (await spent(settings, project_bucket(project.project_id))).used == 0


@pytest.mark.soak  # `unit/jobs/test_canary.py` looks into each sink in `make test`
async def test_no_key_or_token_reaches_a_sink(settings, sandbox, redis_admin):
    """Canaries in every key: none in Redis, logs, states, events, or a process's arguments, after a video and some refusals."""
    given = sandbox.settings()
    secrets = [value for name, value in given.items() if name.endswith(("_KEY", "_SECRET", "_TOKEN"))]
    assert len(secrets) >= 4
    for call in ("script", "image", "voice"):
        sandbox.faults.order(service="gemini", call=call, kind="503")
    sandbox.faults.order(service="youtube", call="upload.open", kind="503")
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="reset")
    env = (
        GEMINI
        | given
        | HUMMING
        | {"REELQUEUE_PUBLISHER": "youtube", "RETRY_DELAYS": "0.1,0.2,0.3", "LOG_LEVEL": "debug", "LEASE_SECONDS": "120"}
    )
    async with connect(settings) as queue, worker(settings, module=TINY, **env) as one:
        project = await queue.create_project(BRIEF | {"content": "Yeast eats sugar and breathes out gas."})
        await queue.start(project.project_id)
        await queue.wait(project.project_id, timeout=600)
        arguments = b"".join(arguments_of_all())
        said = one.said()
        kept = [await dumped(redis_admin, key) for key in await redis_admin.keys("*")]

    for secret in secrets:
        canary = secret.encode()
        assert canary not in arguments
        assert secret not in said
        assert not any(canary in value for value in kept)
        for path in settings.data_dir.rglob("*"):
            if path.is_file() and path.suffix not in {".mp4", ".wav", ".png", ".jpg"} and path.name != "session":
                assert canary not in path.read_bytes(), path


def arguments_of_all():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            yield path.read_bytes()


async def dumped(redis, key):
    return key + (await redis.dump(key) or b"")
