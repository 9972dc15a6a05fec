"""The sandbox's ground: the journal, the clock, and faults before and after the side effect."""

import asyncio
from datetime import timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from reelqueue.sandbox.clock import Clock
from tests.contract.youtube_client import Answer, Client

PLAYLIST = {"snippet": {"title": "Shorts"}}
PATH = "/youtube/v3/playlists?part=snippet"


async def insert(youtube: Client) -> Answer:
    return await youtube.call("POST", PATH, json=PLAYLIST)


async def control(youtube: Client, method: str, path: str, **more) -> Answer:
    return await youtube.call(method, f"{youtube.sandbox.url}/_sandbox/{path}", **more)


@pytest.mark.parametrize(
    ("when", "there"), [pytest.param("before", 0, id="nothing was done"), pytest.param("after", 1, id="it was done")]
)
@pytest.mark.parametrize("kind", ["reset", "close"])
async def test_a_connection_is_cut_before_or_after_the_effect(sandbox, youtube, kind, when, there):
    sandbox.faults.order(service="youtube", call="playlists.insert", kind=kind, when=when)

    with pytest.raises(aiohttp.ClientConnectionError):
        await insert(youtube)

    assert len(sandbox.youtube.playlists) == there
    assert [entry.status for entry in sandbox.journal.calls("youtube", "playlists.insert")] == [None]


@pytest.mark.parametrize(("when", "there"), [("before", 0), ("after", 1)])
async def test_an_error_answer_comes_before_or_after_the_effect(sandbox, youtube, when, there):
    sandbox.faults.order(service="youtube", call="playlists.insert", kind="503", when=when, retry_after=7)

    answer = await insert(youtube)

    assert (answer.status, answer.reason, answer.headers["Retry-After"]) == (503, "backendError", "7")
    assert len(sandbox.youtube.playlists) == there


@pytest.mark.parametrize("kind", ["reset_in_body", "truncate"])
async def test_an_answer_breaks_off_in_its_body(sandbox, youtube, kind):
    sandbox.faults.order(service="youtube", call="playlists.insert", kind=kind)

    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
        await insert(youtube)

    assert len(sandbox.youtube.playlists) == 1


async def test_a_broken_answer_is_no_json_and_an_empty_one_is_nothing(sandbox, youtube):
    sandbox.faults.order(service="youtube", call="playlists.insert", kind="broken_json")
    sandbox.faults.order(service="youtube", call="playlists.insert", kind="empty")

    broken, empty = await insert(youtube), await insert(youtube)

    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        _ = broken.json
    assert (broken.status, broken.headers["Content-Type"]) == (200, "application/json")
    assert (empty.status, empty.text) == (200, "")


async def test_a_hanging_answer_ends_with_its_client(sandbox, youtube):
    sandbox.faults.order(service="youtube", call="playlists.insert", kind="hang")

    asking = asyncio.create_task(insert(youtube))
    async with asyncio.timeout(60):
        while not (calls := sandbox.journal.calls("youtube", "playlists.insert")):
            await asyncio.sleep(0.01)
        answered, _ = await asyncio.wait({asking}, timeout=0.3)
        asking.cancel()
        while calls[0].ended_s is None:
            await asyncio.sleep(0.01)

    assert not answered
    assert sandbox.youtube.playlists == {}


async def test_an_answer_that_drips_comes_whole_if_one_waits(sandbox, youtube):
    sandbox.faults.order(service="youtube", call="playlists.insert", kind="drip", interval_s=0.0001)

    assert (await insert(youtube)).json["kind"] == "youtube#playlist"


async def test_a_proxy_answers_html(sandbox, youtube):
    sandbox.faults.order(service="youtube", call="*", kind="502", html=True)

    answer = await insert(youtube)

    assert answer.status == 502
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


async def test_an_order_waits_for_its_request(sandbox, youtube):
    sandbox.faults.order(service="youtube", call="playlists.insert", kind="403", skip=1, times=2, match="Shorts")

    statuses = [(await insert(youtube)).status for _ in range(2)]
    other = (await youtube.call("POST", PATH, json={"snippet": {"title": "Others"}})).status
    statuses += [(await insert(youtube)).status for _ in range(2)]

    assert (statuses, other) == ([200, 403, 403, 200], 200)
    assert sandbox.faults.waiting() == []


async def test_an_order_may_be_for_a_share_of_the_requests_and_leaves_the_others_to_those_behind_it(sandbox, youtube):
    sandbox.faults.chance.seed(7)
    sandbox.faults.order(service="youtube", call="playlists.insert", kind="503", share=0.3, times=1_000)
    sandbox.faults.order(service="youtube", call="playlists.insert", kind="403", times=1_000)

    statuses = [(await insert(youtube)).status for _ in range(40)]

    assert set(statuses) == {503, 403}
    assert 5 <= statuses.count(503) <= 20


async def test_an_order_for_after_waits_for_a_success(sandbox, youtube):
    sandbox.faults.order(service="youtube", call="playlists.insert", kind="500", when="after")

    refused = await youtube.call("POST", PATH, json={})
    lost = await insert(youtube)

    assert (refused.status, lost.status) == (400, 500)
    assert len(sandbox.youtube.playlists) == 1


async def test_the_clock_moves_by_order_and_answers_bear_its_date(sandbox, youtube):
    before = sandbox.clock.now()

    moved = await control(youtube, "POST", "clock", json={"move_s": 86_400})
    answer = await control(youtube, "GET", "clock")

    assert moved.status == 200
    assert timedelta(days=1) <= sandbox.clock.now() - before < timedelta(days=1, minutes=1)
    assert abs(parsedate_to_datetime(answer.headers["Date"]) - sandbox.clock.now()) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        pytest.param("2026-03-07T20:00:00+00:00", "2026-03-08T08:00:00+00:00", id="the night before summer time"),
        pytest.param("2026-03-08T20:00:00+00:00", "2026-03-09T07:00:00+00:00", id="the day of 23 hours"),
        pytest.param("2026-11-01T08:30:00+00:00", "2026-11-02T08:00:00+00:00", id="the day of 25 hours"),
    ],
)
async def test_a_quota_day_ends_at_midnight_in_california(sandbox, youtube, at, ends):
    await control(youtube, "POST", "clock", json={"to": at})

    assert sandbox.clock.next_day().isoformat() == ends


def test_a_clock_that_is_not_moved_is_the_machines():
    assert Clock().move(timedelta()) - Clock().now() < timedelta(seconds=1)


async def test_faults_are_ordered_and_the_journal_read_over_http(sandbox, youtube):
    order = {"service": "youtube", "call": "playlists.insert", "kind": "429", "reason": "rateLimitExceeded"}

    ordered = await control(youtube, "POST", "faults", json=order)
    refused = await insert(youtube)
    journal = (await control(youtube, "GET", "journal?service=youtube")).json

    assert ordered.json["left"] == 1
    assert (refused.status, refused.reason) == (429, "rateLimitExceeded")
    assert [(entry["call"], entry["status"], entry["fault"]) for entry in journal] == [("playlists.insert", 429, "429")]
    assert (await control(youtube, "GET", "faults")).json == []


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        pytest.param("faults", {"service": "nobody", "call": "x", "kind": "503"}, "service is one of", id="unknown service"),
        pytest.param("faults", {"service": "youtube", "kind": "503"}, "call", id="no call"),
        pytest.param("faults", {"service": "youtube", "call": "x", "kind": "503", "times": 0}, "times", id="no times"),
        pytest.param("faults", {"service": "youtube", "call": "x", "kind": "503", "share": 0}, "share", id="no share"),
        pytest.param("clock", {"to": "tomorrow"}, "next_day", id="no time"),
        pytest.param("youtube", {"caps": {"likes": 1}}, "caps", id="unknown bucket"),
        pytest.param("oauth", {"consent": "maybe"}, "consent", id="unknown consent"),
        pytest.param("youtube", {"lag": 1}, "lag_s", id="unknown knob"),
        pytest.param("channels", {"name": ""}, "name", id="no name"),
    ],
)
async def test_an_order_that_makes_no_sense_is_named(youtube, path, body, says):
    answer = await control(youtube, "POST", path, json=body)

    assert answer.status == 400
    assert says in answer.text


async def test_what_happened_is_told_over_http_without_a_secret(sandbox, youtube):
    await youtube.upload()

    state = await control(youtube, "GET", "state")

    (video,) = state.json["youtube"]["videos"]
    assert (video["snippet"]["title"], video["visible"], video["bytes"]) == ("A title", "private", 4000)
    secrets = [value for name, value in sandbox.settings().items() if "SECRET" in name or ("TOKEN" in name and "URL" not in name)]
    assert [secret for secret in secrets if secret in state.text] == []


async def test_knobs_are_turned_over_http(sandbox, youtube):
    wanted = {"lag_s": 60, "caps": {"uploads": 2}, "use": {"units": 7}, "close_channel": "default", "add_playlist": "Mine"}

    turned = (await control(youtube, "POST", "youtube", json=wanted)).json
    added = (await control(youtube, "POST", "channels", json={"name": "second"})).json
    await control(youtube, "POST", "oauth", json={"testing": True, "consent": "allow", "expire_access": True})
    await control(youtube, "POST", "monitoring", json={"lag_s": 420})

    assert turned["caps"] == {"uploads": 2, "search": 100, "units": 10_000}
    assert turned["used"]["units"] == 7
    assert sandbox.youtube.playlists[turned["playlist"]].title == "Mine"
    assert sandbox.youtube.lag_s == 60
    assert sandbox.youtube.closed("default")
    assert added["refresh_token"] == sandbox.add_channel("second")
    assert (sandbox.oauth.testing, sandbox.oauth.consent, sandbox.oauth.access) == (True, "allow", {})
    assert sandbox.monitoring.lag_s == 420
