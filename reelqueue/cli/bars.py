"""A project's way, live: one bar per stage on a terminal, plain lines elsewhere."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from progress import ProgressEvent
from reelqueue.cli.console import clock, escape
from reelqueue.models.stage import Stage
from reelqueue.wording import Text

TITLES = {
    Stage.SCRIPT: Text("腳本", "script"),
    Stage.ASSETS: Text("素材", "assets"),
    Stage.RENDER: Text("影片", "render"),
    Stage.THUMBNAIL: Text("縮圖", "thumbnail"),
    Stage.UPLOAD: Text("發布", "publish"),
}
_BY_EVENT = {stage.event_name: stage for stage in Stage}
_ENDS = {"error": Text("失敗", "failed"), "cancelled": Text("已取消", "cancelled")}
"""Events that are no stage's: they have no percentage of their own."""
LINE_STEP = 20
"""Percent within a stage between two plain lines."""


class View(Protocol):
    """What shows events."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Leave what was shown."""
        ...

    def show(self, event: ProgressEvent) -> None:
        """Show one event."""
        ...


def view(console: Console) -> View:
    """Bars on a terminal, lines elsewhere."""
    return Bars(console) if console.is_terminal else Lines(console)


class Bars:
    """One bar per stage."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30, pulse_style="bar.back"),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[message]}[/dim]"),
            console=console,
        )
        self._tasks: dict[Stage, TaskID] = {}
        self._running: Stage | None = None

    def __enter__(self) -> Self:
        """See `View`."""
        self._progress.start()
        for stage in Stage:
            self._tasks[stage] = self._progress.add_task(str(TITLES[stage]), total=100, start=False, message="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """See `View`."""
        self._progress.stop()

    def show(self, event: ProgressEvent) -> None:
        """See `View`."""
        stage = _BY_EVENT.get(event.stage, self._running)
        if stage is None:
            return
        if stage is not self._running:
            self._begin(stage)
        left = _left(event.eta_s) if event.eta_s is not None and not event.is_end else ""
        self._progress.update(self._tasks[stage], completed=event.progress, message=escape(f"{event.message}{left}"))
        if event.status == "completed":
            self._begin(None)

    def _begin(self, stage: Stage | None) -> None:
        """Fill the bars before `stage`, empty those after it."""
        self._running = stage
        for other, task in self._tasks.items():
            if stage is None or (other is not stage and stage.reaches(other)):
                self._progress.update(task, completed=100, message="")
                self._progress.stop_task(task)
            elif other is stage:
                self._progress.start_task(task)
            else:
                self._progress.update(task, completed=0, message="")


class Lines:
    """A line at each step: for pipes, files and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        """See `View`."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """See `View`."""

    def show(self, event: ProgressEvent) -> None:
        """See `View`."""
        step = (event.stage, event.progress // LINE_STEP)
        if step == self._last and not event.is_end:
            return
        self._last = step
        stage = _BY_EVENT.get(event.stage)
        left = _left(event.eta_s) if event.eta_s is not None and not event.is_end else ""
        what = f"{TITLES[stage]} {event.progress:3d}%" if stage else str(_ENDS.get(event.stage, event.stage))
        self._console.print(escape(f"[{event.overall:3d}%] {what}  {event.message}{left}"))


def _left(seconds: float) -> str:
    return str(Text(f"（約剩 {clock(seconds)}）", f" (about {clock(seconds)} left)"))
