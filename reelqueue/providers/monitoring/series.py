"""What a page of `timeSeries.list` says of YouTube's buckets.

The metric of the units is documented, those of the two newer buckets are not: they are known by what their names hold.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reelqueue.models.buckets import UNITS, UPLOADS

YOUTUBE = "youtube.googleapis.com"
USED = "serviceruntime.googleapis.com/quota/rate/net_usage"
LIMIT = "serviceruntime.googleapis.com/quota/limit"
BY_DAY = re.compile(r"per_?day", re.IGNORECASE)
SEARCH = "search"
"""A bucket of its own, which nothing here draws from."""
_KNOWN = ((re.compile(r"search", re.IGNORECASE), SEARCH), (re.compile(r"upload|insert", re.IGNORECASE), UPLOADS))


def wanted(metric: str) -> str:
    """The filter of one metric of YouTube's."""
    return f'metric.type="{metric}" AND resource.labels.service="{YOUTUBE}"'


def bucket_of(quota_metric: str) -> str | None:
    """The bucket that a quota metric counts; None for one that is not known."""
    name = quota_metric.rpartition("/")[2]
    if name == "default":
        return UNITS
    return next((bucket for pattern, bucket in _KNOWN if pattern.search(name)), None)


def add_used(page: Mapping[str, Any], sums: dict[str, int]) -> None:
    """Add a page of usage: its points are what was used between two moments, whatever the method.

    Raises:
        ValueError: it is no such page.
    """
    for metric, _, values in _series(page):
        bucket = bucket_of(metric)
        if bucket is not None:
            sums[bucket] = sums.get(bucket, 0) + sum(values)


def add_limits(page: Mapping[str, Any], limits: dict[str, int]) -> None:
    """Add a page of limits: the newest point of each that is a day's; -1 is none.

    Raises:
        ValueError: it is no such page.
    """
    for metric, name, values in _series(page):
        bucket = bucket_of(metric)
        if bucket is not None and BY_DAY.search(name) and values and values[0] >= 0:
            limits[bucket] = min(values[0], limits.get(bucket, values[0]))


def _series(page: Mapping[str, Any]) -> Iterator[tuple[str, str, list[int]]]:
    """The quota metric of each series, its limit's name, and its values, newest first."""
    try:
        for one in page.get("timeSeries", ()):
            labels = one["metric"]["labels"]
            values = [int(point["value"].get("int64Value", 0)) for point in one.get("points", ())]
            yield str(labels.get("quota_metric", "")), str(labels.get("limit_name", "")), values
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error
