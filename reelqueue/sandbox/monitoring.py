"""Cloud Monitoring's `timeSeries.list` for the quota of YouTube's Data API: what was used, and the limits.

What it says is what this sandbox's YouTube counted, `lag_s` later.  The metric of the units is the documented one; those
of the two newer buckets are not documented, so that a reader has to take whatever it finds (`metrics` renames them).
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from reelqueue.sandbox import google
from reelqueue.sandbox.faults import Order
from reelqueue.sandbox.oauth import accounts_of
from reelqueue.sandbox.world import World
from reelqueue.sandbox.youtube import youtube_of
from reelqueue.sandbox.youtube.quota import SEARCH, UNITS, UPLOADS

SERVICE = "monitoring"
USAGE = "serviceruntime.googleapis.com/quota/rate/net_usage"
LIMIT = "serviceruntime.googleapis.com/quota/limit"
YOUTUBE = "youtube.googleapis.com"
SCOPES = frozenset(f"https://www.googleapis.com/auth/{name}" for name in ("monitoring.read", "monitoring", "cloud-platform"))
MINUTE = timedelta(minutes=1)
_CONDITION = re.compile(r'([\w.]+)\s*=\s*"([^"]*)"')


class Monitoring:
    """How the quota is told.

    `lag_s`: how late.  `metrics` and `limits`: the names of each bucket's quota metric and limit.
    `page_size`: how many series a page has at most.
    """

    def __init__(self) -> None:
        self.lag_s = 0.0
        self.page_size = 1000
        self.metrics = {
            UNITS: f"{YOUTUBE}/default",
            UPLOADS: f"{YOUTUBE}/video_uploads",
            SEARCH: f"{YOUTUBE}/search_queries",
        }
        self.limits = {
            UNITS: "defaultPerDayPerProject",
            UPLOADS: "VideoUploadsPerDayPerProject",
            SEARCH: "SearchQueriesPerDayPerProject",
        }


def monitoring_of(world: World) -> Monitoring:
    """How this sandbox tells the quota."""
    found: Monitoring = world.services[SERVICE]
    return found


def call_name(_request: web.Request) -> str:
    """See `Service.call_name`."""
    return "timeSeries"


def refusal(status: int, order: Order) -> web.Response:
    """See `Service.refusal`."""
    return google.simple_refusal(status, order)


def settings(world: World) -> Mapping[str, str]:
    """See `Service.settings`."""
    return {"GOOGLE_MONITORING_BASE_URL": f"{world.url}/{SERVICE}"}


def state(world: World) -> Mapping[str, Any]:
    """See `Service.state`."""
    found = monitoring_of(world)
    return {"lag_s": found.lag_s, "metrics": found.metrics}


def routes(world: World) -> list[web.RouteDef]:
    """See `Service.routes`."""
    world.services[SERVICE] = Monitoring()

    async def time_series(request: web.Request) -> web.Response:
        return _listed(world, request)

    return [web.get("/monitoring/v3/projects/{project}/timeSeries", time_series)]


def _listed(world: World, request: web.Request) -> web.Response:
    accounts = accounts_of(world)
    access = accounts.access_of(request.headers.get("Authorization", ""))
    if access is None:
        return google.simple(401, "Request had invalid authentication credentials.")
    project = request.match_info["project"]
    known = {client.project for client in accounts.clients.values()}
    if access.grant is not None or not SCOPES & set(access.scopes) or project not in known:
        return google.simple(403, "Permission monitoring.timeSeries.list denied (or the resource may not exist).")
    conditions = dict(_CONDITION.findall(request.query.get("filter", "")))
    try:
        start, end = (datetime.fromisoformat(request.query[f"interval.{name}Time"]) for name in ("start", "end"))
        first = int(request.query.get("pageToken", "0"))
        many = min(int(request.query.get("pageSize", "100000")), monitoring_of(world).page_size)
    except (KeyError, ValueError):
        return google.simple(400, "Request contains an invalid argument: interval.startTime, interval.endTime.")
    made = {USAGE: _usage, LIMIT: _limits}.get(conditions.get("metric.type", ""))
    if made is None:
        return google.simple(404, f"Cannot find metric that matches type = {conditions.get('metric.type')!r}.")
    wanted = conditions.get("resource.labels.service", conditions.get("resource.label.service", YOUTUBE))
    metric = conditions.get("metric.labels.quota_metric", conditions.get("metric.label.quota_metric"))
    series = made(world, project, start.astimezone(UTC), end.astimezone(UTC)) if wanted == YOUTUBE else []
    series = [one for one in series if metric in {None, one["metric"]["labels"]["quota_metric"]}]
    answer: dict[str, Any] = {"timeSeries": series[first : first + many], "unit": "1"} if series else {}
    if first + many < len(series):
        answer["nextPageToken"] = str(first + many)
    return web.json_response(answer)


def _usage(world: World, project: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """One series for each bucket and method; its points are minutes, newest first."""
    youtube, told = youtube_of(world), monitoring_of(world)
    seen_until = min(end, world.clock.now() - timedelta(seconds=told.lag_s))
    sums: dict[tuple[str, str], dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for spent in youtube.quota.spent:
        if spent.project == project and start <= spent.at <= seen_until:
            sums[spent.bucket, spent.call][spent.at.replace(second=0, microsecond=0)] += spent.amount
    return [
        _series(
            project,
            {"type": USAGE, "labels": {"quota_metric": told.metrics[bucket], "method": call}},
            "DELTA",
            [_point(minute, min(minute + MINUTE, end), amount) for minute, amount in sorted(minutes.items(), reverse=True)],
        )
        for (bucket, call), minutes in sums.items()
    ]


def _limits(world: World, project: str, _start: datetime, end: datetime) -> list[dict[str, Any]]:
    """One series for each bucket, with the limit as it is now."""
    told = monitoring_of(world)
    return [
        _series(
            project,
            {"type": LIMIT, "labels": {"limit_name": told.limits[bucket], "quota_metric": told.metrics[bucket]}},
            "GAUGE",
            [_point(end, end, cap)],
        )
        for bucket, cap in youtube_of(world).caps.items()
    ]


def _series(project: str, metric: dict[str, Any], kind: str, points: list[dict[str, Any]]) -> dict[str, Any]:
    labels = {"project_id": project, "service": YOUTUBE, "location": "global"}
    resource = {"type": "consumer_quota", "labels": labels}
    return {"metric": metric, "resource": resource, "metricKind": kind, "valueType": "INT64", "points": points}


def _point(start: datetime, end: datetime, value: int) -> dict[str, Any]:
    interval = {"startTime": start.isoformat(), "endTime": end.isoformat()}
    return {"interval": interval, "value": {"int64Value": str(value)}}
