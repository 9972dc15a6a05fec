"""Caps and quotas that many projects reach for at once, through two workers: never passed, nobody lost, every channel its own."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from jobs.client import connect
from jobs.spending import money_bucket
from reelqueue.models.prices import PriceTable
from reelqueue.models.stage import ProjectStatus
from reelqueue.providers.gemini.client import GeminiClient
from reelqueue.providers.gemini.script import GeminiScriptWriter
from reelqueue.providers.prices import read_prices
from reelqueue.providers.protocols import ScriptRequest
from reelqueue.sandbox import open_sandbox
from storage import Ledger, Paths
from storage.ledger import pacific_day, pacific_midnight_after
from tests.faults.cloud import calls, rendered
from tests.integration.bad_services import at_rest, own_environment, script_alone
from tests.integration.test_cloud_bad_input import write_token
from tests.workers import worker

pytestmark = pytest.mark.slow
UPLOADING = {"script": "local", "image": "local", "voice": "local", "presenter": "local"}
MODEL = "gemini-3.8-flash"


@pytest.fixture
def settings(settings):
    """A worker that a busy machine holds up loses nothing in hand: what it reserved would stay counted."""
    return settings.model_copy(update={"lease_seconds": 15.0})


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


async def uploads(queue, settings, count, **brief):
    numbers = []
    for _ in range(count):
        project, _ = await rendered(settings, video_bytes=300_000, providers=UPLOADING, **brief)
        numbers.append(project.project_id)
    await asyncio.gather(*(queue.start(number) for number in numbers))
    return numbers


async def states_of(queue, numbers):
    return await asyncio.gather(*(at_rest(queue, number) for number in numbers))


def estimate() -> Decimal:
    """What a script of 30 s is reserved for."""
    prices: PriceTable = read_prices(None)
    writer = GeminiScriptWriter(GeminiClient("AIza-nobody", None), MODEL, prices)
    return writer.cost(ScriptRequest(topic="Tides 0", content=None, language="en", duration_s=30, tags=())).usd


@pytest.mark.soak  # `test_ledger_processes.py` races processes for one account in every `make test`
async def test_eight_projects_at_once_under_a_cap_for_three_make_three_calls(settings, sandbox):
    cap = estimate() * Decimal("3.5")
    sandbox.faults.order(service="gemini", call="script", kind="slow", times=8, seconds=4)
    env = own_environment(sandbox, GEMINI_TEXT_MODEL=MODEL)
    money = money_bucket(pacific_day(datetime.now(UTC)))
    async with connect(settings) as queue:
        async with (
            worker(settings, **env | {"DAILY_COST_CAP_USD": str(cap)}),
            worker(settings, **env | {"DAILY_COST_CAP_USD": str(cap)}),
        ):
            numbers = [await script_alone(queue, f"Tides {number}") for number in range(8)]
            states = await states_of(queue, numbers)
            assert [state.status for state in states].count(ProjectStatus.WAITING_BUDGET) == 5
            assert [state.status for state in states].count(ProjectStatus.COMPLETED) == 3
            assert calls(sandbox, "gemini", "script") == 3
            account = await Ledger(Paths(settings.data_dir)).account(money)
            assert (account.used <= cap, account.unsettled) == (True, 0)
            for state in states:
                if state.wait is not None:
                    assert state.wait.until == pacific_midnight_after(datetime.now(UTC))
                    assert "DAILY_COST_CAP_USD" in f"{state.wait.reason} {state.wait.what_to_do}"
        async with worker(settings, **env | {"DAILY_COST_CAP_USD": "50"}):
            for state in states:
                if state.status is ProjectStatus.WAITING_BUDGET:
                    await queue.retry(state.project_id)
            assert {state.status for state in await states_of(queue, numbers)} == {ProjectStatus.COMPLETED}
    assert calls(sandbox, "gemini", "script") == 8


async def test_five_projects_under_a_cap_of_two_uploads_publish_two_and_wait_for_the_pacific_midnight(settings, sandbox):
    env = own_environment(sandbox, YOUTUBE_DAILY_UPLOADS="2")
    async with connect(settings) as queue, worker(settings, **env), worker(settings, **env):
        states = await states_of(queue, await uploads(queue, settings, 5))

    waiting = [state for state in states if state.status is ProjectStatus.WAITING_QUOTA]
    assert len(waiting) == 3, [(state.status, state.wait, state.stages["upload"].error) for state in states]
    assert {state.wait.until for state in waiting} == {pacific_midnight_after(datetime.now(UTC))}
    assert all(state.upload.session_no == 0 for state in waiting)
    assert (len(sandbox.youtube.videos), calls(sandbox, "youtube", "upload.open")) == (2, 2)


async def test_what_youtube_itself_has_no_room_for_is_asked_for_by_nobody_once_it_said_so(settings, sandbox):
    """Another program has used up the client's uploads."""
    sandbox.youtube.caps["uploads"] = 2
    env = own_environment(sandbox)
    async with connect(settings) as queue, worker(settings, **env), worker(settings, **env):
        states = await states_of(queue, await uploads(queue, settings, 5))
        asked = calls(sandbox, "youtube", "upload.open")
        [late] = await states_of(queue, await uploads(queue, settings, 1))

    assert [state.status for state in states].count(ProjectStatus.COMPLETED) == len(sandbox.youtube.videos) == 2
    assert late.status is ProjectStatus.WAITING_QUOTA
    assert late.wait.until == pacific_midnight_after(datetime.now(UTC))
    assert asked <= 5  # those that were on their way at once
    assert calls(sandbox, "youtube", "upload.open") == asked


def channels_file(tmp_path, sandbox, *names):
    text = ""
    for name in names:
        write_token(tmp_path / f"{name}.json", sandbox, sandbox.add_channel(name))
        text += f'[{name}]\ntoken_file = "{name}.json"\n'
    (tmp_path / "channels.toml").write_text(text, encoding="utf-8")
    return str(tmp_path / "channels.toml")


async def test_eight_uploads_on_three_channels_go_each_to_its_own_with_one_refresh_a_channel(settings, sandbox, tmp_path):
    """And once more for each where the tokens are refused in the midst of them."""
    env = own_environment(sandbox, CHANNELS_FILE=channels_file(tmp_path, sandbox, "news", "kids"))
    wished = ["news"] * 3 + ["kids"] * 3 + ["default"] * 2
    async with connect(settings) as queue, worker(settings, **env):
        numbers = []
        for channel in wished:
            project, _ = await rendered(settings, video_bytes=300_000, providers=UPLOADING, channel=channel)
            numbers.append(project.project_id)
        await asyncio.gather(*(queue.start(number) for number in numbers))
        states = await states_of(queue, numbers)
        assert {state.status for state in states} == {ProjectStatus.COMPLETED}
        assert calls(sandbox, "oauth", "token") == 3
        sandbox.oauth.expire_access()
        more = [
            (await rendered(settings, video_bytes=300_000, providers=UPLOADING, channel="news"))[0].project_id for _ in range(8)
        ]
        await asyncio.gather(*(queue.start(number) for number in more))
        assert {state.status for state in await states_of(queue, more)} == {ProjectStatus.COMPLETED}

    assert calls(sandbox, "oauth", "token") == 4
    found = [sandbox.youtube.videos[state.upload.video_id].channel for state in states]
    assert found == wished
    assert len(sandbox.youtube.videos) == 16


async def test_a_channel_that_takes_no_more_waits_a_day_and_the_others_go_on(settings, sandbox, tmp_path):
    env = own_environment(sandbox, CHANNELS_FILE=channels_file(tmp_path, sandbox, "news", "kids"))
    sandbox.youtube.close_channel("news")
    async with connect(settings) as queue, worker(settings, **env):
        [first] = await states_of(queue, await uploads(queue, settings, 1, channel="news"))
        [second] = await states_of(queue, await uploads(queue, settings, 1, channel="news"))
        [other] = await states_of(queue, await uploads(queue, settings, 1, channel="kids"))

    assert [first.status, second.status] == [ProjectStatus.WAITING_QUOTA] * 2
    for state in (first, second):
        assert abs(state.wait.until - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=2)
    assert other.status is ProjectStatus.COMPLETED
    assert [video.channel for video in sandbox.youtube.videos.values()] == ["kids"]
    assert calls(sandbox, "youtube", "upload.open") == 2
