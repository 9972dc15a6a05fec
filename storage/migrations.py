"""States written by older versions, made into today's.  Pure: data in, data out; nothing is written before the next commit.

A step takes a state of its version to the next.  Each version has golden files in `tests/golden/state/`.
"""

from collections.abc import Callable, Mapping
from typing import Any

Step = Callable[[dict[str, Any]], dict[str, Any]]

PROJECT_STEPS: Mapping[int, Step] = {}
"""From which version, how.  Version 1 is the first."""
BATCH_STEPS: Mapping[int, Step] = {}
_OLD_FIELDS = frozenset({"stage", "video_info", "thumbnail_info", "upload_result"})
"""What a state of the Celery system has and ours has not."""


class FromTheFuture(Exception):
    """The state was written by a newer version of ours: it is left as it is."""


class FromAnotherSystem(FromTheFuture):
    """The state is one of the Celery system before us: it is left as it is, and `reelqueue import` takes it over."""


class Unreadable(Exception):
    """The bytes are no state: cut, damaged, or something else altogether."""


def migrate(data: dict[str, Any], *, to: int, steps: Mapping[int, Step]) -> dict[str, Any]:
    """The same state in version `to`.

    Raises:
        FromTheFuture: it is of a later version, or of the system before us.
        Unreadable: its version is no version, or one that never was.
    """
    version = data.get("schema_version")
    if version is None and _OLD_FIELDS & data.keys():
        raise FromAnotherSystem("no schema_version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise Unreadable("schema_version")
    if version > to:
        raise FromTheFuture(f"schema_version {version} > {to}")
    while version < to:
        if version not in steps:
            raise Unreadable(f"schema_version {version}")
        data = {**steps[version](data), "schema_version": version + 1}
        version += 1
    return data
