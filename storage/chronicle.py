"""The copy on disk of what was counted, for when Redis loses its memory: `metrics/totals.json`, and a page for each hour.

    metrics/totals.json            counters since ever, the last attempts, since when
    metrics/2026-11-29/21.json     an hour (UTC): its rollup, and those of its minutes for a week
    metrics/left/<process>.<n>.json  what a worker that ended could not hand over

Statistics, never truth: nothing decides by them.  Each file is replaced whole; one that can't be read is left out, and told.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import structlog
from pydantic import Field, ValidationError

from reelqueue.models.frozen import Frozen
from storage import disk
from storage.answers import Missing, Unavailable
from storage.hop import BULK, hop

HOUR_S = 3_600
MINUTES_KEPT_HOURS, HOURS_KEPT = 7 * 24, 35 * 24
"""How long minutes are kept, and hours: a week of hours can be held against the one before it, and a month looked back on."""
Fields = dict[str, float]
T = TypeVar("T", bound=Frozen)

log = structlog.get_logger(__name__)


class Summary(Frozen):
    """What is not by the hour.  `since_ms`: when the first number was counted, Unix ms.  `copy_no` grows with each copy; `runs` are
    attempts that ended: ms of the end, JSON.
    """

    since_ms: int
    copy_no: int = 0
    totals: Fields = Field(default_factory=dict)
    runs: tuple[tuple[int, str], ...] = ()


class HourPage(Frozen):
    """One hour, by Unix time / 3600: its rollup, and its minutes by Unix time / 60."""

    hour: int
    fields: Fields = Field(default_factory=dict)
    minutes: dict[int, Fields] = Field(default_factory=dict)


class Left(Frozen):
    """A batch of counts that its process could not hand over: see `reelqueue.tally`."""

    process: str
    number: int
    totals: Fields = Field(default_factory=dict)
    minutes: dict[int, Fields] = Field(default_factory=dict)
    runs: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Chronicle:
    """The numbers below one folder, `Paths.metrics`; made with the first copy."""

    folder: Path

    async def summary(self) -> Summary | None:
        """The totals as they were copied last; None where nothing was.  Raises Unavailable."""
        return await hop(self._summary)

    async def pages(self, first: int, last: int) -> dict[int, HourPage]:
        """The hours from `first` to `last` that something is known of.  Raises Unavailable."""
        return await hop(self._pages, first, last, threads=BULK)

    async def keep(self, summary: Summary, pages: Sequence[HourPage]) -> None:
        """Write hours, then the totals, over what is there.

        Raises:
            DiskFull, Unavailable: some may be written.
        """
        await hop(self._keep, summary, pages)

    async def forget(self, now_hour: int) -> None:
        """Thin out what is older than `MINUTES_KEPT_HOURS`, remove what is older than `HOURS_KEPT`.  Raises as `keep`."""
        await hop(self._forget, now_hour, threads=BULK)

    async def leave(self, left: Left) -> None:
        """Keep what could not be handed over.  Raises as `keep`."""
        await hop(self._leave, left)

    async def left(self) -> list[Left]:
        """What was left here, of each process in the order of its batches: an earlier one behind a later one counts as a second time.

        Raises:
            Unavailable: the disk does not answer.
        """
        return await hop(self._left)

    async def taken(self, left: Left) -> None:
        """What was left is handed over.  Raises Unavailable."""
        await hop(self._taken, left)

    def _summary(self) -> Summary | None:
        for name in ("totals.json", "totals.json.prev"):
            if (found := _read(self.folder / name, Summary)) is not None:
                return found
        return None

    def _pages(self, first: int, last: int) -> dict[int, HourPage]:
        days = {_day(hour) for hour in range(first, last + 1)}
        found = {}
        for name in sorted(days & set(_names(self.folder))):
            for hour in range(max(first, _first_of(name)), min(last, _first_of(name) + 23) + 1):
                if (page := _read(self._page(hour), HourPage)) is not None:
                    found[hour] = page
        return found

    def _keep(self, summary: Summary, pages: Sequence[HourPage]) -> None:
        totals = self.folder / "totals.json"
        with disk.translated(self.folder):
            disk.make_folder(self.folder)
            with disk.locked(self.folder):
                disk.sweep_parts(totals)
                for page in pages:
                    path = self._page(page.hour)
                    disk.make_folder(path.parent)
                    disk.sweep_parts(path)
                    disk.place(path, page.model_dump_json().encode())
                disk.place(totals, summary.model_dump_json().encode(), keep_previous=totals.exists())

    def _forget(self, now_hour: int) -> None:
        with disk.translated(self.folder):
            for day in _names(self.folder):
                if not _is_day(day):
                    continue
                first = _first_of(day)
                if first + 23 < now_hour - HOURS_KEPT:
                    _remove_all(self.folder / day)
                elif first < now_hour - MINUTES_KEPT_HOURS:
                    self._thin(range(first, min(first + 24, now_hour - MINUTES_KEPT_HOURS)))

    def _thin(self, hours: Iterable[int]) -> None:
        for hour in hours:
            page = _read(self._page(hour), HourPage)
            if page is not None and page.minutes:
                disk.place(self._page(hour), page.replace(minutes={}).model_dump_json().encode())

    def _leave(self, left: Left) -> None:
        path = self._left_path(left)
        with disk.translated(path):
            disk.make_folder(path.parent)
            disk.place(path, left.model_dump_json().encode())

    def _left(self) -> list[Left]:
        folder = self.folder / "left"
        found = [_read(folder / name, Left) for name in _names(folder) if name.endswith(".json")]
        return sorted((one for one in found if one is not None), key=lambda left: (left.process, left.number))

    def _taken(self, left: Left) -> None:
        path = self._left_path(left)
        with disk.translated(path):
            path.unlink(missing_ok=True)

    def _page(self, hour: int) -> Path:
        return self.folder / _day(hour) / f"{hour % 24:02}.json"

    def _left_path(self, left: Left) -> Path:
        return self.folder / "left" / f"{left.process.replace('/', '_')}.{left.number}.json"


def _day(hour: int) -> str:
    return datetime.fromtimestamp(hour * HOUR_S, UTC).date().isoformat()


def _is_day(name: str) -> bool:
    try:
        return datetime.strptime(name, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat() == name
    except ValueError:
        return False


def _first_of(day: str) -> int:
    """The day's first hour."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) // HOUR_S


def _names(folder: Path) -> list[str]:
    with disk.translated(folder):
        return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def _remove_all(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # another process writes there, or has removed it
        folder.rmdir()


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return kind.model_validate_json(disk.read(path))
    except Missing:
        return None
    except (ValidationError, Unavailable) as error:
        if disk.says_nothing_of_the_file(error.__cause__):
            raise
        log.warning("numbers_unreadable", path=str(path), error=str(error))
        return None
