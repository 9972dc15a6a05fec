"""A project's course to scale: when each stage ran, when each piece was done, what is expected.  Pure.

The scale is time of work.  A wait between two stages (for a person, for quota, for a worker) is cut out and said at the cut: else
a minute of work beside a night of waiting could not be seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal

from reelqueue.dashboard.project.pieces import Made, Pieces
from reelqueue.dashboard.project.scale import Cut, Scale, Tick, Work, laid_out, ticks_of, works_of
from reelqueue.models.project import ProjectState, StageState
from reelqueue.models.stage import Stage, StageStatus

Look = Literal["paid", "free", "reused", "run", "work", "bad", "ahead"]
"""How a bar looks: a piece that was paid for, one made here, one that was there before, work in hand, a stage, a failure, expected."""
LEAST_WIDTH = 0.35
"""Of a bar, in percent: two or three pixels, so that what took no time is seen."""
REUSED_WIDTH, REUSED_GAP = 0.7, 0.3
MOST_BARS = 80
"""Of one row: of more pieces, neighbours are drawn as one."""


@dataclass(frozen=True, slots=True)
class Bar:
    """From `x` on, `width` wide, both in percent of the whole; `count` pieces are in it."""

    x: float
    width: float
    look: Look
    count: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A stage, or one kind of its pieces (`kind` "images", "voice", "scenes"; "" for the stage itself).

    `made` and `reused` count pieces, of `wanted` where that is known.  `seconds` is how long it took by now, `expected_s` how long it
    is expected to take in all where it has not ended.  `usd` is None where nothing is paid for.
    """

    stage: Stage
    kind: str
    status: StageStatus
    bars: tuple[Bar, ...] = ()
    made: int = 0
    reused: int = 0
    wanted: int | None = None
    seconds: float | None = None
    expected_s: float | None = None
    usd: float | None = None
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """All of it; `now` is where the present lies, in percent, None where nothing runs.  `seconds` is the work by now."""

    rows: tuple[Row, ...] = ()
    ticks: tuple[Tick, ...] = ()
    cuts: tuple[Cut, ...] = ()
    now: float | None = None
    seconds: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been begun."""
        return not self.ticks


def course_of(
    state: ProjectState,
    pieces: Pieces,
    now: datetime,
    *,
    eta_s: float | None = None,
    usual: Mapping[Stage, float | None] | None = None,
) -> Course:
    """The course of a project at the moment `now`.

    `eta_s` is what its worker says is left of the whole; `usual` what each stage took lately, in seconds (None: not known).
    """
    works = works_of(state, now)
    ahead = _ahead(state, works, now, eta_s, usual or {})
    starts, cuts, worked_s = laid_out(works)
    whole_s = max(1.0, worked_s + sum(ahead.values()))
    scale = Scale(works, starts, whole_s)
    kept = _kept(state, works)
    rows: list[Row] = []
    at_s = worked_s
    for stage in Stage:
        if not state.goal.reaches(stage) and stage not in {work.stage for work in works}:
            continue
        expected = ahead.get(stage, 0.0)
        rows += _rows(state, stage, pieces, scale, (at_s, expected), is_kept=stage in kept)
        at_s += expected
    running = next((work for work in works if state.stages[work.stage].status is StageStatus.RUNNING), None)
    return Course(
        rows=tuple(rows),
        ticks=ticks_of(whole_s) if works else (),
        cuts=tuple(Cut(scale.percent(place), seconds) for place, seconds in cuts),
        now=scale.percent(worked_s) if running is not None else None,
        seconds=sum((work.end - work.begin).total_seconds() for work in works) if works else None,
    )


def _kept(state: ProjectState, works: Sequence[Work]) -> set[Stage]:
    """Stages whose result is that of an earlier run, or came from elsewhere."""
    ran = {work.stage for work in works}
    finished = {StageStatus.DONE, StageStatus.SKIPPED}
    return {
        stage for stage, known in state.stages.items() if known.status in finished and (stage not in ran or known.is_imported)
    }


def _ahead(
    state: ProjectState, works: Sequence[Work], now: datetime, eta_s: float | None, usual: Mapping[Stage, float | None]
) -> dict[Stage, float]:
    """Seconds that each stage is expected to take from now on; only what somebody knows."""
    running = next((work for work in works if state.stages[work.stage].status is StageStatus.RUNNING), None)
    if running is None:
        return {}
    later = {
        stage: seconds
        for stage in Stage
        if stage is not running.stage
        and stage.reaches(running.stage)
        and state.goal.reaches(stage)
        and (seconds := usual.get(stage)) is not None
    }
    if eta_s is not None:
        return {running.stage: max(0.0, eta_s - sum(later.values()))} | later
    took = (now - running.begin).total_seconds()
    mine = usual.get(running.stage)
    return ({running.stage: max(0.0, mine - took)} if mine is not None else {}) | later


def _rows(
    state: ProjectState, stage: Stage, pieces: Pieces, scale: Scale, ahead: tuple[float, float], *, is_kept: bool
) -> list[Row]:
    known = state.stages[stage]
    work = next((one for one in scale.works if one.stage is stage), None)
    bars: list[Bar] = []
    if work is not None:
        bars.append(_bar(scale, stage, work.begin, work.end, _look(known)))
    elif is_kept:
        bars.append(Bar(_kept_at(stage, scale), REUSED_WIDTH, "reused"))
    if ahead[1]:
        bars.append(Bar(scale.percent(ahead[0]), max(LEAST_WIDTH, scale.percent(ahead[1])), "ahead"))
    running = known.status is StageStatus.RUNNING
    seconds = (work.end - work.begin).total_seconds() if work is not None else None
    below = _below(stage, known, pieces, scale, work)
    paid = sum(row.usd or 0.0 for row in below) + (_presented(known, pieces) if stage is Stage.ASSETS else 0.0)
    whole = Row(
        stage=stage,
        kind="",
        status=known.status,
        bars=tuple(bars),
        made=sum(row.made for row in below),
        reused=sum(row.reused for row in below),
        wanted=_sum(row.wanted for row in below) if below else None,
        seconds=seconds,
        expected_s=(seconds or 0.0) + ahead[1] if ahead[1] and (running or work is None) else None,
        usd=paid or None,
        is_kept=is_kept,
    )
    return [whole, *below]


def _below(stage: Stage, known: StageState, pieces: Pieces, scale: Scale, work: Work | None) -> list[Row]:
    if stage is Stage.ASSETS and pieces.scenes:
        wanted = sum(scene.pieces for scene in pieces.scenes) or None
        kinds = (("images", pieces.images, len(pieces.scenes)), ("voice", pieces.voice, wanted))
        is_over = known.status in {StageStatus.DONE, StageStatus.SKIPPED}
        return [_row_of(stage, kind, known, made, of, scale, work) for kind, made, of in kinds if made or not is_over]
    if stage is Stage.RENDER and pieces.units and known.started_at is not None:
        is_done = known.status is StageStatus.DONE
        units = pieces.units if is_done else [one for one in pieces.units if one.at >= known.started_at]
        return [_row_of(stage, "scenes", known, units, pieces.wanted_units, scale, work)] if units else []
    return []


def _row_of(
    stage: Stage, kind: str, known: StageState, all_: Sequence[Made], wanted: int | None, scale: Scale, work: Work | None
) -> Row:
    began = work.begin if work is not None else known.started_at
    new = sorted((one for one in all_ if began is not None and one.at >= began), key=lambda one: one.at)
    old = len(all_) - len(new)
    bars: list[Bar] = []
    if work is not None:
        first = scale.place(stage, work.begin)
        bars += _reused(first, old)
        bars += _made_bars(stage, new, scale, work)
        if known.status is StageStatus.RUNNING and (wanted is None or len(all_) < wanted):
            bars.append(_bar(scale, stage, new[-1].at if new else work.begin, work.end, "run"))
    took = (new[-1].at - began).total_seconds() if new and began is not None else None
    usd = sum(one.usd for one in new)
    return Row(stage, kind, known.status, tuple(bars), len(new), old, wanted, seconds=took, usd=usd or None)


def _made_bars(stage: Stage, new: Sequence[Made], scale: Scale, work: Work) -> list[Bar]:
    """Each ends where its piece was done and begins where the one before was."""
    each = max(1, -(-len(new) // MOST_BARS))
    groups = [new[start : start + each] for start in range(0, len(new), each)]
    ends = [work.begin, *(group[-1].at for group in groups)]
    return [
        _bar(scale, stage, begin, end, "paid" if any(one.usd for one in group) else "free", len(group))
        for (begin, end), group in zip(pairwise(ends), groups, strict=True)
    ]


def _reused(first: float, count: int) -> list[Bar]:
    shown = min(count, 12)
    return [
        Bar(round(first + number * (REUSED_WIDTH + REUSED_GAP), 3), REUSED_WIDTH, "reused", count if shown < count else 1)
        for number in range(shown)
    ]


def _presented(known: StageState, pieces: Pieces) -> float:
    return sum(one.usd for one in pieces.presenters if known.started_at is not None and one.at >= known.started_at)


def _bar(scale: Scale, stage: Stage, begin: datetime, end: datetime, look: Look, count: int = 1) -> Bar:
    left, right = scale.place(stage, begin), scale.place(stage, end)
    width = max(LEAST_WIDTH, round(right - left, 3))
    return Bar(min(left, 100 - width), width, look, count)


def _look(known: StageState) -> Look:
    match known.status:
        case StageStatus.RUNNING:
            return "run"
        case StageStatus.FAILED:
            return "bad"
    return "work"


def _kept_at(stage: Stage, scale: Scale) -> float:
    """Where the stage before it ended."""
    before = [work for work in scale.works if stage.reaches(work.stage)]
    return min(100 - REUSED_WIDTH, scale.place(before[-1].stage, before[-1].end)) if before else 0.0


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Of all of them; None where one is not known."""
    found = list(numbers)
    known = [one for one in found if one is not None]
    return sum(known) if len(known) == len(found) else None


def saved_usd(state: ProjectState, pieces: Pieces) -> float:
    """What the pieces that were there already had cost before: it was not paid again."""
    assets = state.stages[Stage.ASSETS]
    if assets.started_at is None:
        return 0.0
    return sum(one.usd for one in (*pieces.images, *pieces.voice, *pieces.presenters) if one.at < assets.started_at)
