"""Every project in a few fields, kept current: what lists, counts and searches are answered from."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reelqueue.models.stage import ProjectStatus, Stage
from storage import Outline, ProjectStore

FRESH_SECONDS = 1.0
"""How old what is known may be: ten thousand files are looked at in a few hundredths of a second, but not for each reader."""
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which projects are asked for; what is None or empty excludes none."""

    text: str = ""
    statuses: frozenset[ProjectStatus] = frozenset()
    channel: str | None = None
    stage: Stage | None = None
    batch_id: int | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of projects, newest first.  `counts` are by status, of all that fit but for their status; `after` is what the next page
    begins behind, None where this is the last; `before` likewise for the page before.
    """

    rows: Sequence[Outline]
    total: int
    counts: Counter[ProjectStatus]
    after: int | None = None
    before: int | None = None


class Catalogue:
    """What this process knows of all projects."""

    def __init__(self, projects: ProjectStore) -> None:
        self._projects = projects
        self._known: dict[int, Outline] = {}
        self._looked = float("-inf")

    async def all(self) -> Sequence[Outline]:
        """All of them, newest first.

        Raises:
            StorageUnavailable: the disk does not answer.
        """
        if time.monotonic() - self._looked > FRESH_SECONDS:
            found = await self._projects.outlines(await self._projects.ids())
            self._known = {number: one for number, one in found.items() if one is not None}
            self._looked = time.monotonic()
        return list(self._known.values())

    async def find(self, wanted: Wanted, *, limit: int = 50, after: int | None = None) -> Found:
        """A page of those that fit, behind the project `after`.

        Raises:
            StorageUnavailable: the disk does not answer.
        """
        fit = [one for one in await self.all() if _fits(one, wanted)]
        counts = Counter(one.status for one in fit)
        chosen = [one for one in fit if not wanted.statuses or one.status in wanted.statuses]
        behind = [one for one in chosen if after is None or one.project_id < after]
        rows = behind[: min(limit, MOST_ROWS)]
        last = rows[-1].project_id if len(behind) > len(rows) else None
        return Found(rows, len(chosen), counts, after=last)


def _fits(one: Outline, wanted: Wanted) -> bool:
    said = f"{one.project_id} {one.title} {' '.join(one.tags)} {one.error.message if one.error else ''}".lower()
    return (
        wanted.text.lower() in said
        and wanted.channel in {None, one.channel}
        and wanted.stage in {None, one.running or one.next_stage}
        and wanted.batch_id in {None, one.batch_id}
        and (wanted.since is None or one.updated_at >= wanted.since)
    )
