"""Cloud Monitoring's count of YouTube's quota, asked by a service account over real HTTP."""

import json
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from reelqueue.errors import AuthenticationFailed, InvalidSettings, PermanentError, ServiceUnavailable
from reelqueue.providers.monitoring import client, open_monitoring
from storage.ledger import PACIFIC, pacific_day

PROJECT = "100000000001"


@pytest.fixture
def told(sandbox):
    """What is told of a project since midnight in Los Angeles."""
    given = sandbox.settings()

    async def ask(project=PROJECT):
        now = sandbox.clock.now()
        midnight = datetime.combine(pacific_day(now), time(), PACIFIC)
        key_file = Path(given["GOOGLE_SERVICE_ACCOUNT_FILE"])
        async with open_monitoring(key_file, given["GOOGLE_MONITORING_BASE_URL"]) as monitoring:
            return await monitoring.told(project, midnight, now + timedelta(seconds=1))

    return ask


@pytest.fixture
def calls(sandbox):
    return lambda: [(entry.service, entry.call, entry.status) for entry in sandbox.journal.calls()]


async def test_where_nothing_was_used_there_is_no_series_and_that_is_no_error(told, calls):
    answer = await told()

    assert answer.used == {}
    assert answer.limits == {"units": 10_000, "uploads": 100, "search": 100}
    assert calls() == [("oauth", "token", 200), ("monitoring", "timeSeries", 200), ("monitoring", "timeSeries", 200)]


async def test_what_was_used_is_summed_over_methods_and_minutes(told, sandbox):
    for bucket, amount, call in (
        ("units", 50, "thumbnails.set"),
        ("units", 400, "captions.insert"),
        ("uploads", 1, "upload.open"),
    ):
        sandbox.youtube.quota.use(PROJECT, bucket, amount, call)
    sandbox.youtube.quota.use(PROJECT, "uploads", 2)
    sandbox.youtube.quota.use("200000000002", "uploads", 7)

    assert (await told()).used == {"units": 450, "uploads": 3}


async def test_every_page_is_read(told, sandbox, calls):
    sandbox.monitoring.page_size = 1
    for number in range(5):
        sandbox.youtube.quota.use(PROJECT, "units", 10, f"method {number}")

    answer = await told()

    assert (answer.used, len(answer.limits)) == ({"units": 50}, 3)
    assert calls().count(("monitoring", "timeSeries", 200)) == 5 + 3


async def test_pages_without_end_are_left(told, sandbox, monkeypatch):
    monkeypatch.setattr(client, "MOST_PAGES", 3)
    sandbox.monitoring.page_size = 1
    for number in range(5):
        sandbox.youtube.quota.use(PROJECT, "units", 10, f"method {number}")

    with pytest.raises(PermanentError, match="沒完沒了"):
        await told()


async def test_buckets_whose_metrics_have_other_names_are_known_by_what_the_names_hold(told, sandbox):
    sandbox.monitoring.metrics |= {
        "uploads": "youtube.googleapis.com/videos_insert",
        "search": "youtube.googleapis.com/SearchList",
    }
    sandbox.youtube.quota.use(PROJECT, "uploads", 3)
    sandbox.youtube.quota.use(PROJECT, "search", 5)

    assert (await told()).used == {"uploads": 3, "search": 5}


async def test_a_metric_that_is_not_known_is_no_bucket_of_ours(told, sandbox):
    sandbox.monitoring.metrics["uploads"] = "youtube.googleapis.com/something_new"
    sandbox.youtube.quota.use(PROJECT, "uploads", 3)

    answer = await told()

    assert (answer.used, set(answer.limits)) == ({}, {"units", "search"})


async def test_limits_that_are_not_a_days_are_no_limit_of_ours(told, sandbox):
    sandbox.monitoring.limits["units"] = "defaultPerMinutePerUser"

    assert "units" not in (await told()).limits


@pytest.mark.parametrize(
    ("order", "error"),
    [
        pytest.param({"service": "monitoring", "kind": "403"}, AuthenticationFailed, id="no role"),
        pytest.param({"service": "monitoring", "kind": "401"}, AuthenticationFailed, id="no token"),
        pytest.param({"service": "monitoring", "kind": "404"}, PermanentError, id="no such metric"),
        pytest.param({"service": "monitoring", "kind": "429"}, ServiceUnavailable, id="too often"),
        pytest.param({"service": "monitoring", "kind": "503"}, ServiceUnavailable, id="down"),
        pytest.param({"service": "monitoring", "kind": "502", "html": True}, ServiceUnavailable, id="a proxy's page"),
        pytest.param(
            {"service": "monitoring", "kind": "403", "html": True}, ServiceUnavailable, id="a proxy that lets nobody through"
        ),
        pytest.param({"service": "monitoring", "kind": "200", "html": True}, ServiceUnavailable, id="a proxy's login page"),
        pytest.param({"service": "monitoring", "kind": "broken_json"}, ServiceUnavailable, id="half an answer"),
        pytest.param({"service": "monitoring", "kind": "truncate"}, ServiceUnavailable, id="cut answer"),
        pytest.param({"service": "monitoring", "kind": "reset_in_body"}, ServiceUnavailable, id="reset"),
        pytest.param({"service": "oauth", "kind": "503"}, ServiceUnavailable, id="no tokens now"),
        pytest.param({"service": "oauth", "kind": "400", "reason": "invalid_grant"}, AuthenticationFailed, id="key revoked"),
        pytest.param({"service": "oauth", "kind": "400", "reason": "invalid_scope"}, PermanentError, id="refused otherwise"),
        pytest.param({"service": "oauth", "kind": "empty"}, ServiceUnavailable, id="an empty answer"),
    ],
)
async def test_what_goes_wrong_is_named(told, sandbox, order, error):
    sandbox.faults.order(call="token" if order["service"] == "oauth" else "timeSeries", **order)

    with pytest.raises(error) as met:
        await told()

    assert "ya29" not in met.value.message and "PRIVATE" not in met.value.message


@pytest.mark.parametrize("kind", ["200", "302", "403", "502"])
async def test_a_page_in_place_of_an_answer_is_told_as_a_proxys(told, sandbox, kind):
    sandbox.faults.order(service="monitoring", call="timeSeries", kind=kind, html=True)

    with pytest.raises(ServiceUnavailable) as met:
        await told()

    assert "HTTPS_PROXY" in met.value.hint


async def test_a_project_that_the_account_may_not_read_is_named_as_such(told):
    with pytest.raises(AuthenticationFailed) as met:
        await told("999")

    assert "monitoring.viewer" in met.value.hint


async def test_what_hangs_is_left_by_our_own_time_out(told, sandbox, monkeypatch):
    monkeypatch.setattr(client, "CALL", client.aiohttp.ClientTimeout(total=0.3))
    sandbox.faults.order(service="monitoring", call="timeSeries", kind="hang")

    with pytest.raises(ServiceUnavailable):
        await told()


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"private_key": "no key", "client_email": "a@b"}'])
async def test_a_key_file_that_cannot_be_used_is_named_without_what_stands_in_it(tmp_path, text):
    key_file = tmp_path / "account.json"
    if text is not None:
        key_file.write_text(text)

    with pytest.raises(InvalidSettings) as met:
        async with open_monitoring(key_file, None):
            pass

    assert "GOOGLE_SERVICE_ACCOUNT_FILE" in met.value.message and str(key_file) in met.value.message
    assert "no key" not in met.value.message


async def test_the_statement_names_the_token_endpoint_of_the_key_file(sandbox):
    told = json.loads(Path(sandbox.settings()["GOOGLE_SERVICE_ACCOUNT_FILE"]).read_text())
    told["token_uri"] = f"{sandbox.url}/oauth/nowhere"
    other = sandbox.folder / "other.json"
    other.write_text(json.dumps(told))

    with pytest.raises((PermanentError, ServiceUnavailable)):
        async with open_monitoring(other, None):
            pass
