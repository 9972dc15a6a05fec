"""A batch's way to its end, live: a bar and what is going on at a terminal, a line at each step elsewhere.

What is shown comes from the disk, so it goes on while Redis is away.
"""

import asyncio
import math
import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from jobs.batch.running import share_done
from reelqueue.bootstrap import Settings
from reelqueue.cli.alive import missing_workers
from reelqueue.cli.bars import TITLES
from reelqueue.cli.batch_ahead import expected
from reelqueue.cli.batch_forecast import forecast_in_words
from reelqueue.cli.batch_words import Outlines, counts_in_words, group_in_words, name_of, waits
from reelqueue.cli.console import escape
from reelqueue.cli.projects import STATUS, title
from reelqueue.cli.widths import PIPED_CELLS, fit
from reelqueue.errors import NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.batch import BatchState
from reelqueue.models.forecast import Forecast
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage
from reelqueue.wording import Text
from storage import BatchStore, Outline, ProjectStore

LOOK_SECONDS, LOOKED_AT_A_SECOND = 1.0, 2_500
"""Between two looks; more for so many projects."""
WORKERS_SECONDS = 30.0
"""How often it is looked whether there are workers."""
FORECAST_SECONDS = 300.0
"""How often it is asked anew when the batch will end."""
LINE_STEP, LINE_SECONDS = 5, 600.0
"""Percent, or a time, between two plain lines of a batch."""
GOES_ON = frozenset({ProjectStatus.CREATED, ProjectStatus.QUEUED, ProjectStatus.RUNNING})


class View(Protocol):
    """What shows a batch."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def show(self, state: BatchState, outlines: Outlines, forecast: Forecast | None) -> None:
        """How it stands now, and when it is expected to end."""
        ...

    def tell(self, line: str) -> None:
        """Something that happened."""
        ...


class Bars:
    """A bar, and below it how many are done, run and wait."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=30), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn()
        )
        self._task = self._progress.add_task("", total=100)
        self._live = Live(self._progress, console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def show(self, state: BatchState, outlines: Outlines, forecast: Forecast | None) -> None:
        """See `View`."""
        width = max(20, self._console.width - 2)
        lines = [str(counts_in_words(outlines)), *_below(state, forecast)]
        self._progress.update(self._task, description=str(name_of(state)), completed=share_done(state, outlines))
        self._live.update(Group(self._progress, *(f"[dim]{escape(fit(line, width))}[/dim]" for line in lines)))

    def tell(self, line: str) -> None:
        """See `View`."""
        self._console.print(escape(line))


class Lines:
    """A line at each step: for pipes, files and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: tuple[int, str] | None = None
        self._told_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def show(self, state: BatchState, outlines: Outlines, forecast: Forecast | None) -> None:
        """See `View`."""
        share = share_done(state, outlines)
        step = (int(share // LINE_STEP), str(state.status))
        if step == self._told and time.monotonic() - self._told_at < LINE_SECONDS:
            return
        if self._told is None:
            for line in _below(state, forecast):
                self._console.print(escape(line))
        self._told, self._told_at = step, time.monotonic()
        self._console.print(escape(f"[{share:3.0f}%] {counts_in_words(outlines)}"))

    def tell(self, line: str) -> None:
        """See `View`."""
        self._console.print(escape(line))


def _below(state: BatchState, forecast: Forecast | None) -> list[str]:
    if forecast is None or state.has_ended:
        return []
    return [str(line) for line in forecast_in_words(forecast)]


async def follow_batch(
    settings: Settings, batches: BatchStore, projects: ProjectStore, batch_id: int, console: Console
) -> BatchState:
    """Show how a batch goes on until it has ended, or nothing of it goes on by itself.

    Raises:
        BatchNotFound.
    """
    seen: dict[int, Outline | None] | None = None
    waiting = set[str]()
    looked = forecast_at = -math.inf
    forecast: Forecast | None = None
    missing: Text | None = None
    with Bars(console) if console.is_terminal else Lines(console) as view:
        while True:
            state = await batches.load(batch_id)
            outlines = await projects.outlines(state.project_ids)
            if seen is not None:
                await _tell_ends(view, projects, seen, outlines)
            seen = dict(outlines)
            waiting = _tell_waits(view, outlines, waiting)
            rests = state.has_ended or is_at_rest(state, outlines)
            if not rests and time.monotonic() - looked > WORKERS_SECONDS:
                looked = time.monotonic()
                before, missing = missing, await missing_workers(settings)
                if missing is not None and missing != before:
                    view.tell(f"! {missing}")
            if not rests and time.monotonic() - forecast_at > FORECAST_SECONDS:
                forecast, forecast_at = await expected(state, settings), time.monotonic()
            view.show(state, outlines, forecast)
            if rests:
                return state
            await asyncio.sleep(LOOK_SECONDS + len(outlines) / LOOKED_AT_A_SECOND)


def _tell_waits(view: View, outlines: Outlines, told: set[str]) -> set[str]:
    """Tell what is waited for, and what to do, when the first one waits for it; returns what was told and still holds."""
    groups = waits(outlines)
    for group in groups:
        if group.kind not in told:
            for line in group_in_words(group, "‖"):
                view.tell(line)
    return {group.kind for group in groups}


def is_at_rest(state: BatchState, outlines: Outlines) -> bool:
    """Whether nothing of it goes on by itself: it is paused, or whoever has not ended waits for a person."""
    there = [known for known in outlines.values() if known is not None and not known.status.is_final]
    if state.status is BatchStatus.PAUSED:
        return not any(known.status is ProjectStatus.RUNNING for known in there)
    if state.status is not BatchStatus.RUNNING or state.act is not None or not there:
        return False
    return not any(known.status in GOES_ON or known.resume_at is not None for known in there)


async def _tell_ends(view: View, projects: ProjectStore, before: Outlines, outlines: Outlines) -> None:
    """A line for each project that ended since the last look."""
    for number, known in outlines.items():
        was = before.get(number)
        if (
            known is None
            or not known.status.is_final
            or (was is not None and was.status is known.status and was.run == known.run)
        ):
            continue
        try:
            state = await projects.load(number)
        except (ProjectNotFound, NeedsPerson, StorageUnavailable):
            continue
        view.tell(_end_in_words(state, known))


def _end_in_words(state: ProjectState, known: Outline) -> str:
    match known.status:
        case ProjectStatus.COMPLETED:
            where = (state.stages[Stage.UPLOAD].result or {}).get("video_url") or ""
            where = where if where.startswith("http") else ""
            return f"✓ {state.project_id} {fit(title(state), PIPED_CELLS - 10 - len(where))} {where}".rstrip()
        case ProjectStatus.FAILED:
            stage = f"{TITLES[known.failed]}: " if known.failed is not None else ""
            why = f"{stage}{known.error.message if known.error is not None else ''}"
            return f"✗ {state.project_id} {fit(title(state), 24)}  {why}"
    return f"- {state.project_id} {fit(title(state), PIPED_CELLS - 30)}  {STATUS[known.status]}"
