"""Every project in a few fields, kept current: what lists, counts and searches are answered from."""

import asyncio
import time
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from progress.bundle import Bundle
from reelqueue.errors import ReelqueueError
from reelqueue.models.brief import TURNS
from reelqueue.models.stage import ProjectStatus, Stage
from storage import Outline, ProjectStore

FRESH_SECONDS, WHOLE_SECONDS = 1.0, 30.0
"""How old what is known may be; how often all projects are looked at, beside the answers.

An answer waits only for a look at what may change by itself: projects that are new, or have not ended.  One that has ended changes by
a person's hand alone, which leads to an open one nearly always; what little else there is, is seen when all are looked at.
What was heard of by its progress, and that projects were made or deleted, is looked at before the next answer: a page that was told of
it asks for the list, and an older list would take back what it shows, or lack what it asked for.
"""
MOST_LOOKING = 0.02
"""Of all time may be spent on looking, where the disk is so slow or the projects so many that a second is too short."""
QUICK_SECONDS = 0.01
"""A look that takes less (a thousand projects, say) may be had by each who asks."""
MOST_ROWS = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which projects are asked for; what is None or empty excludes none.

    `text`: words that all stand in its number, title, tags, channel or error.  `stage`: the one that runs or comes next.  `since`: it
    changed then or later.
    """

    text: str = ""
    statuses: frozenset[ProjectStatus] = frozenset()
    channel: str | None = None
    stage: Stage | None = None
    batch_id: int | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of projects, newest first.

    `first` is the place of its first row among the `total` that fit, from 1; 0 where there is none.  `counts` are by status, of all
    that fit but for their status.  `after` is what the next page begins behind, None where this is the last; `before` likewise for
    the page before.
    """

    rows: Sequence[Outline]
    total: int
    counts: Counter[ProjectStatus]
    first: int = 0
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """All projects as they were at one look, newest first, and what is counted over all of them."""

    all: Sequence[Outline] = ()
    counts: Counter[ProjectStatus] = field(default_factory=Counter)
    channels: tuple[str, ...] = ()


class Catalogue:
    """What this process knows of all projects."""

    def __init__(self, projects: ProjectStore) -> None:
        self._projects = projects
        self._known: dict[int, Outline] = {}
        self._standing = Standing()
        self._texts: dict[int, tuple[Outline, str]] = {}
        self._whole_at = self._fresh_until = float("-inf")
        self._took = 0.0
        self._asked_anew = 0
        self._heard: set[int] = set()
        self._are_others = False
        self._looking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look for the first time, beside whatever else begins: ten thousand files are read then, which takes seconds."""
        self._look_beside()

    async def aclose(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def all(self) -> Sequence[Outline]:
        """All of them, newest first.

        Raises:
            StorageUnavailable: the disk does not answer.
        """
        return (await self.standing()).all

    async def standing(self) -> Standing:
        """All of them, counted.

        Raises:
            StorageUnavailable: the disk does not answer.
        """
        if time.monotonic() > self._fresh_until or self._heard or self._are_others:
            async with self._looking:
                if time.monotonic() > self._fresh_until:  # nobody else looked while we waited
                    await self._look(whole=not self._known)
                elif self._heard or self._are_others:  # else the look that we waited for saw it, or began before it was told
                    await self._look_at_heard()
        if time.monotonic() - self._whole_at > WHOLE_SECONDS:
            self._look_beside()
        return self._standing

    def hear(self, bundle: Bundle) -> None:
        """Progress was told: a project that stands elsewhere by now than is known is looked at before the next answer."""
        number, event = bundle.topic.project_id, bundle.last
        if number is None:
            return
        known = self._known.get(number)
        if known is None or known.status != event.status or known.running is None or known.running.event_name != event.stage:
            self._heard.add(number)

    def hear_of_others(self) -> None:
        """Projects were made or deleted: which, is looked at before the next answer."""
        self._are_others = True

    def look_anew_if_quick(self) -> None:
        """Who asks has to hear of what another process did just now: it is looked again, but where that takes its time."""
        if self._took < QUICK_SECONDS:
            self.look_anew()

    def look_anew(self) -> None:
        """Somebody changed something and shall see it: it is looked at before the next answer."""
        self._asked_anew += 1
        self._fresh_until = float("-inf")

    async def find(self, wanted: Wanted, *, limit: int = 50, after: int | None = None, before: int | None = None) -> Found:
        """A page of those that fit: behind the project `after`, or the one right before the project `before`.

        Raises:
            StorageUnavailable: the disk does not answer.
        """
        standing = await self.standing()
        fit = self._fit(standing.all, replace(wanted, statuses=frozenset()))
        counts = standing.counts if fit is standing.all else Counter(one.status for one in fit)
        chosen = [one for one in fit if one.status in wanted.statuses] if wanted.statuses else fit
        limit = max(1, min(limit, MOST_ROWS))
        if before is not None:
            end = _place(chosen, before)
            start = max(0, end - limit)
            end = max(end, start + limit) if start == 0 else end  # a first page is a whole one
        else:
            start = 0 if after is None else _place(chosen, after - 1)
            end = start + limit
        rows = chosen[start:end]
        return Found(
            rows=rows,
            total=len(chosen),
            counts=counts,
            first=start + 1 if rows else 0,
            after=rows[-1].project_id if rows and end < len(chosen) else None,
            before=rows[0].project_id if rows and start else None,
        )

    async def some(self, project_ids: Sequence[int]) -> Mapping[int, Outline]:
        """Those of these ids that are there.

        Raises:
            StorageUnavailable: the disk does not answer.
        """
        wanted = frozenset(project_ids)
        return {one.project_id: one for one in await self.all() if one.project_id in wanted}

    def _look_beside(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_quietly())

    async def _look_quietly(self) -> None:
        try:
            async with self._looking:
                await self._look(whole=True)
        except ReelqueueError as error:  # who asks next waits for a look, and hears it
            log.warning("projects_not_looked_at", error=error.message)

    async def _look(self, *, whole: bool) -> None:
        began, asked_anew = time.monotonic(), self._asked_anew
        self._heard.clear()  # where this look fails the next answer waits for another
        self._are_others = False
        numbers = await self._projects.ids()
        marked = frozenset(await self._projects.unfinished())
        known = self._known
        wanted = [
            number for number in numbers if whole or number in marked or number not in known or not known[number].status.is_final
        ]
        seen = await self._projects.outlines(wanted)
        found = {number: one for number in numbers if (one := seen.get(number, known.get(number))) is not None}
        for number, one in seen.items():
            if one is None:  # deleted meanwhile
                found.pop(number, None)
        self._know(found)
        if len(self._texts) > len(found):
            self._texts = {number: text for number, text in self._texts.items() if number in found}
        now = time.monotonic()
        self._took = now - began
        self._whole_at = now if whole else self._whole_at
        if asked_anew == self._asked_anew:  # else this look may have come too early for what was changed
            self._fresh_until = now + max(FRESH_SECONDS, (now - began) / MOST_LOOKING)

    async def _look_at_heard(self) -> None:
        heard, self._heard = self._heard, set()
        are_others, self._are_others = self._are_others, False
        try:
            if are_others:
                heard |= self._known.keys() ^ set(await self._projects.ids())
            seen = await self._projects.outlines(heard)
        except BaseException:
            self._heard |= heard
            self._are_others |= are_others
            raise
        found = {number: one for number, one in (self._known | seen).items() if one is not None}
        if not seen.keys() <= self._known.keys():
            found = dict(sorted(found.items(), reverse=True))
        self._know(found)

    def _know(self, found: dict[int, Outline]) -> None:
        if found != self._known:
            self._known, self._standing = found, _standing_of(list(found.values()))

    def _fit(self, all_: Sequence[Outline], wanted: Wanted) -> Sequence[Outline]:
        if wanted == Wanted():
            return all_
        words = [word.removeprefix("#") or word for word in _sought(wanted.text).split()]
        return [one for one in all_ if _fits(one, wanted) and (not words or all(word in self._text(one) for word in words))]

    def _text(self, one: Outline) -> str:
        """What is searched in, made once: an outline that is the same object is the same file."""
        kept = self._texts.get(one.project_id)
        if kept is not None and kept[0] is one:
            return kept[1]
        said = (str(one.project_id), one.title, *one.tags, one.channel or "", one.error.message if one.error else "")
        text = _sought("\n".join(said))
        self._texts[one.project_id] = (one, text)
        return text


def _sought(text: str) -> str:
    """Text as it is searched, wherever it was copied from: small letters, accents in one character, no marks of the direction of writing."""
    return unicodedata.normalize("NFC", TURNS.sub("", text)).casefold()


def _standing_of(found: Sequence[Outline]) -> Standing:
    channels = sorted({one.channel for one in found if one.channel is not None})
    return Standing(found, Counter(one.status for one in found), tuple(channels))


def _place(newest_first: Sequence[Outline], project_id: int) -> int:
    """How many of them are newer than this project, which need not be among them."""
    return bisect_left(newest_first, -project_id, key=lambda one: -one.project_id)


def _fits(one: Outline, wanted: Wanted) -> bool:
    return (
        (wanted.channel is None or wanted.channel == one.channel)
        and (wanted.stage is None or wanted.stage is (one.running or one.next_stage))
        and (wanted.batch_id is None or wanted.batch_id == one.batch_id)
        and (wanted.since is None or one.updated_at >= wanted.since)
    )
