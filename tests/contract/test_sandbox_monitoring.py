"""The sandbox's Cloud Monitoring: the quota that its YouTube counted, as time series."""

from datetime import timedelta

import aiohttp
import pytest

from reelqueue.sandbox import Sandbox
from reelqueue.sandbox.monitoring import LIMIT, USAGE
from tests.contract.test_sandbox_oauth import statement
from tests.contract.youtube_client import Answer


@pytest.fixture
async def reader(sandbox, http) -> str:
    return (await statement(sandbox, http)).json["access_token"]


async def series(
    sandbox: Sandbox, http: aiohttp.ClientSession, token: str, metric: str = USAGE, project: str | None = None, **more: str
) -> Answer:
    base = sandbox.settings()["GOOGLE_MONITORING_BASE_URL"]
    now = sandbox.clock.now()
    query = {
        "filter": f'metric.type="{metric}" AND resource.labels.service="youtube.googleapis.com"',
        "interval.startTime": (now - timedelta(hours=24)).isoformat(),
        "interval.endTime": now.isoformat(),
    } | more
    url = f"{base}/v3/projects/{project or sandbox.oauth.client.project}/timeSeries"
    async with http.get(url, params=query, headers={"Authorization": f"Bearer {token}"}) as answer:
        return Answer(answer.status, answer.headers, await answer.text())


def summed(answer: Answer) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in answer.json.get("timeSeries", []):
        name = one["metric"]["labels"]["quota_metric"]
        sums[name] = sums.get(name, 0) + sum(int(point["value"]["int64Value"]) for point in one["points"])
    return sums


async def test_the_usage_is_what_was_counted(sandbox, http, youtube, reader):
    await youtube.upload()
    await youtube.call("GET", "/youtube/v3/channels?part=id&mine=true")
    sandbox.youtube.quota.use(sandbox.oauth.client.project, "units", 2000)

    answer = await series(sandbox, http, reader)

    assert summed(answer) == {"youtube.googleapis.com/video_uploads": 1, "youtube.googleapis.com/default": 2001}
    assert {(one["metricKind"], one["valueType"]) for one in answer.json["timeSeries"]} == {("DELTA", "INT64")}


async def test_no_usage_is_no_series(sandbox, http, reader):
    assert (await series(sandbox, http, reader)).json == {}


async def test_the_usage_is_told_late(sandbox, http, youtube, reader):
    sandbox.monitoring.lag_s = 420
    await youtube.upload()

    before = summed(await series(sandbox, http, reader))
    sandbox.clock.move(timedelta(seconds=421))
    after = summed(await series(sandbox, http, reader))

    assert (before, after) == ({}, {"youtube.googleapis.com/video_uploads": 1})


async def test_the_limits_are_told(sandbox, http, reader):
    sandbox.youtube.caps["units"] = 50_000

    answer = await series(sandbox, http, reader, LIMIT)

    limits = {
        one["metric"]["labels"]["limit_name"]: int(one["points"][0]["value"]["int64Value"]) for one in answer.json["timeSeries"]
    }
    assert limits["defaultPerDayPerProject"] == 50_000
    assert limits["VideoUploadsPerDayPerProject"] == 100


async def test_series_come_in_pages(sandbox, http, reader):
    sandbox.monitoring.page_size = 2

    first = (await series(sandbox, http, reader, LIMIT)).json
    second = (await series(sandbox, http, reader, LIMIT, pageToken=first["nextPageToken"])).json

    assert (len(first["timeSeries"]), len(second["timeSeries"]), "nextPageToken" in second) == (2, 1, False)


async def test_who_may_not_read_it_is_refused(sandbox, http, youtube, reader):
    answers = [
        await series(sandbox, http, "ya29.nobody"),
        await series(sandbox, http, youtube.token),
        await series(sandbox, http, reader, project="999"),
        await series(sandbox, http, reader, metric="storage.googleapis.com/usage"),
        await series(sandbox, http, reader, **{"interval.startTime": "yesterday"}),
    ]

    assert [answer.status for answer in answers] == [401, 403, 403, 404, 400]
    assert answers[0].json["error"]["status"] == "UNAUTHENTICATED"
