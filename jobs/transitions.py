"""What may become of a project, as pure functions of its state.  Each is safe to run twice; storage commits them.

Functions that take a `stage` are for whoever has the project in hand; the others are a person's acts.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from jobs.pipeline import PIPELINE, PUBLISHED_LOCKS, SPECS
from reelqueue.errors import Parked, ProjectCancelled, ReelqueueError, StageNotReady, WrongState, as_wire
from reelqueue.models.project import Artifact, ProjectState, StageError, StageState, Usage, Wait
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text

Change = Callable[[ProjectState], ProjectState]
FINISHED = frozenset({StageStatus.DONE, StageStatus.SKIPPED})
FINAL_REVIEW = "final"
REVIEW_HINT = Text("請檢查成果，再用 reelqueue approve 核可", "look at what was made, then reelqueue approve")


def missing(state: ProjectState, stage: Stage) -> Stage | None:
    """The stage that has to run first; None where all that `stage` reads is there."""
    return next((need for need in SPECS[stage].needs if state.stages[need].status not in FINISHED), None)


def reviews_before(state: ProjectState, stage: Stage) -> tuple[str, ...]:
    """The reviews that a person has to approve before `stage` may run."""
    due = [str(spec.stage) for spec in PIPELINE if spec.stage is not stage and stage.reaches(spec.stage)]
    if stage is Stage.UPLOAD:
        due.append(FINAL_REVIEW)
    return tuple(name for name in due if name in state.brief.review and name not in state.approved)


def is_locked(state: ProjectState, stage: Stage) -> bool:
    """Whether the project has its one video, and `stage` would cut it anew."""
    return stage in PUBLISHED_LOCKS and state.upload is not None and state.upload.video_id is not None


def refuse_after_publication(state: ProjectState, stage: Stage) -> None:
    """Raise `WrongState` where `stage` is locked."""
    if is_locked(state, stage):
        raise WrongState(
            Text(
                f"專案 {state.project_id} 已經發布，不能再執行 {stage}",
                f"project {state.project_id} is published: {stage} can't be run again",
            ),
            Text("新的剪輯請建立新專案", "make a new project for a new cut"),
        )


def is_chained(state: ProjectState, stage: Stage) -> bool:
    """Whether a hint of `stage` has to lead on: the goal lies behind it, or is the last stage of all."""
    return state.goal is Stage.UPLOAD or state.goal is not stage


# In hand.


def begin(stage: Stage, now: datetime, *, chain: bool) -> Change:
    """An attempt begins; what is later counts as done only once it is looked at again."""

    def change(state: ProjectState) -> ProjectState:
        not_cancelled(state)
        refuse_after_publication(state, stage)
        if (needs := missing(state, stage)) is not None:
            raise StageNotReady(state.project_id, str(stage), str(needs))
        state = _asked_for(state, stage, chain=chain)
        for later in _after(stage):
            if state.stages[later].status in FINISHED:
                state = state.with_stage(later, status=StageStatus.PENDING)
        known = state.stages[stage]
        return state.with_stage(
            stage,
            status=StageStatus.RUNNING,
            attempts=known.attempts + 1,
            started_at=now,
            finished_at=None,
            error=None,
            warnings=(),
        ).replace(
            status=ProjectStatus.RUNNING,
            wait=None,
            resume_at=None,
            approved=tuple(name for name in state.approved if not _is_at_or_after(name, stage)),
        )

    return change


def crashed(stage: Stage, piece: str) -> Change:
    """The owner before died with `piece` in hand: that attempt was no attempt, but is counted as a death."""

    def change(state: ProjectState) -> ProjectState:
        again = state.crashes + 1 if piece == state.crash_piece else 1
        back = _given_back(state, stage).replace(crashes=again, crash_piece=piece)
        return _at(back, ProjectStatus.QUEUED) if back.status is ProjectStatus.RUNNING else back

    return change


def done(
    stage: Stage,
    now: datetime,
    *,
    fingerprint: str,
    result: dict[str, Any],
    artifacts: tuple[Artifact, ...],
    warnings: tuple[str, ...],
    usage: tuple[Usage, ...],
    skipped: bool,
    chain: bool,
) -> Change:
    """The stage is done; the project goes on, waits for a review, or is completed."""

    def change(state: ProjectState) -> ProjectState:
        not_cancelled(state)
        began = state.stages[stage].started_at
        state = state.with_stage(
            stage,
            status=StageStatus.SKIPPED if skipped else StageStatus.DONE,
            attempts=0,
            finished_at=now,
            duration_s=None if began is None else round((now - began).total_seconds(), 3),
            fingerprint=fingerprint,
            artifacts=artifacts,
            warnings=warnings,
            result=result,
            error=None,
        ).replace(crashes=0, crash_piece="", usage=_summed(state.usage, usage))
        return _after_stage(state, stage, chain=chain)

    return change


def unchanged(stage: Stage, *, chain: bool) -> Change:
    """The stage's old result still holds: it is done without being run."""

    def change(state: ProjectState) -> ProjectState:
        not_cancelled(state)
        state = _asked_for(state, stage, chain=chain).with_stage(stage, status=StageStatus.DONE, attempts=0, error=None)
        return _after_stage(state, stage, chain=chain)

    return change


def _after_stage(state: ProjectState, stage: Stage, *, chain: bool) -> ProjectState:
    if not chain and state.goal is stage:  # it was asked for alone, whatever is missing before it
        return _at(state, ProjectStatus.COMPLETED)
    return settled(state)


def settled(state: ProjectState) -> ProjectState:
    """Where the project stands now that no stage runs: completed, failed, waiting for a review, or queued."""
    following = state.next_stage
    if following is None:
        return _at(state, ProjectStatus.COMPLETED)
    if state.stages[following].status is StageStatus.FAILED:
        return _at(state, ProjectStatus.FAILED)
    reviews = reviews_before(state, following)
    if reviews:
        return state.replace(
            status=ProjectStatus.WAITING_REVIEW, wait=Wait(reason=", ".join(reviews), what_to_do=str(REVIEW_HINT)), resume_at=None
        )
    return _at(state, ProjectStatus.QUEUED)


def _at(state: ProjectState, status: ProjectStatus) -> ProjectState:
    return state.replace(status=status, wait=None, resume_at=None)


def failed(stage: Stage, now: datetime, error: ReelqueueError) -> Change:
    """The stage failed, and the project with it, until somebody retries."""

    def change(state: ProjectState) -> ProjectState:
        not_cancelled(state)
        began = state.stages[stage].started_at
        return state.with_stage(
            stage,
            status=StageStatus.FAILED,
            finished_at=now,
            duration_s=None if began is None else round((now - began).total_seconds(), 3),
            error=StageError(**as_wire(error)),
        ).replace(status=ProjectStatus.FAILED, wait=None, resume_at=None, crashes=0, crash_piece="")

    return change


def parked(stage: Stage, error: Parked) -> Change:
    """The project waits; the attempt was none."""

    def change(state: ProjectState) -> ProjectState:
        not_cancelled(state)
        wait = Wait(reason=error.message, until=error.until, what_to_do=error.hint)
        return _given_back(state, stage).replace(status=ProjectStatus(error.status), wait=wait, resume_at=error.until)

    return change


def handed_back(stage: Stage, *, counts: bool, resume_at: datetime | None = None) -> Change:
    """The attempt ended without an end: a deploy, a time-out, a pause before a retry.  `counts`: it was an attempt."""

    def change(state: ProjectState) -> ProjectState:
        if state.status.is_final or state.stages[stage].status is not StageStatus.RUNNING:
            return state
        back = state.with_stage(stage, status=StageStatus.PENDING) if counts else _given_back(state, stage)
        return back.replace(status=ProjectStatus.QUEUED, wait=None, resume_at=resume_at)

    return change


def review_due(stage: Stage, *, chain: bool) -> Change:
    """Somebody asks for `stage` before what is before it was approved: the project waits for that."""

    def change(state: ProjectState) -> ProjectState:
        not_cancelled(state)
        reviews = reviews_before(state, stage)
        if not reviews:
            return state
        return _asked_for(state, stage, chain=chain).replace(
            status=ProjectStatus.WAITING_REVIEW, wait=Wait(reason=", ".join(reviews), what_to_do=str(REVIEW_HINT)), resume_at=None
        )

    return change


def lost(stage: Stage) -> Change:
    """What a finished stage made is gone from the disk: it has to run again."""

    def change(state: ProjectState) -> ProjectState:
        not_cancelled(state)
        state = state.with_stage(stage, status=StageStatus.PENDING, fingerprint=None)
        return settled(state) if state.status in {ProjectStatus.QUEUED, ProjectStatus.RUNNING} else state

    return change


# A person's acts.


def start(state: ProjectState) -> ProjectState:
    """All stages are wanted.  A project that is on its way, or all done, stays as it is.

    Raises:
        WrongState: it failed, was cancelled, or waits for a person.
    """
    match state.status:
        case ProjectStatus.FAILED | ProjectStatus.CANCELLED | ProjectStatus.NEEDS_PERSON:
            raise _wrong(state, Text("用 reelqueue retry 重新開始", "reelqueue retry starts it again"))
        case ProjectStatus.WAITING_REVIEW:
            raise _wrong(state, REVIEW_HINT)
        case ProjectStatus.CREATED | ProjectStatus.COMPLETED:
            wanted = state.replace(goal=Stage.UPLOAD)
            return state if wanted.next_stage is None else settled(wanted.replace(run=state.run + 1))
        case _:
            return state if state.goal is Stage.UPLOAD else state.replace(goal=Stage.UPLOAD)


def go_on(state: ProjectState) -> ProjectState:
    """A stage that is done already was asked for with all that follows it."""
    wanted = state.replace(goal=Stage.UPLOAD)
    if state.status in {ProjectStatus.CREATED, ProjectStatus.COMPLETED}:
        return state if wanted.next_stage is None else settled(wanted.replace(run=state.run + 1))
    return state if state.status.is_final or state.goal is Stage.UPLOAD else wanted


def cancel(state: ProjectState) -> ProjectState:
    """Nothing more happens.

    Raises:
        WrongState: it has ended already.
    """
    if state.status is ProjectStatus.CANCELLED:
        return state
    if state.status.is_final:
        raise _wrong(state, Text("已經結束，不需要取消", "it has ended, there is nothing to cancel"))
    for stage in Stage:
        if state.stages[stage].status is StageStatus.RUNNING:
            state = _given_back(state, stage)
    return state.replace(status=ProjectStatus.CANCELLED, wait=None, resume_at=None)


def approve(state: ProjectState) -> ProjectState:
    """A person approves what the project waits with.

    Raises:
        WrongState: it does not wait for a review.
    """
    if state.status is not ProjectStatus.WAITING_REVIEW:
        raise _wrong(state, Text("只有等待審核的專案可以核可", "only a project that waits for a review can be approved"))
    following = state.next_stage or state.goal
    return settled(state.replace(approved=(*state.approved, *reviews_before(state, following))))


def retry(from_stage: Stage | None) -> Change:
    """Try again what failed, was cancelled or waits; or everything from `from_stage` on."""

    def change(state: ProjectState) -> ProjectState:
        if from_stage is None:
            return _retried(state)
        if state.status is ProjectStatus.RUNNING:
            raise _wrong(state, Text("請先取消", "cancel it first"))
        refuse_after_publication(state, from_stage)
        return _retried_from(state, from_stage)

    return change


def _retried(state: ProjectState) -> ProjectState:
    hints = {
        ProjectStatus.CREATED: Text("用 reelqueue start 開始", "reelqueue start starts it"),
        ProjectStatus.COMPLETED: Text(
            "已經完成；要重做請指定階段（--from）", "it is completed; name a stage (--from) to make it anew"
        ),
        ProjectStatus.WAITING_REVIEW: REVIEW_HINT,
        ProjectStatus.QUEUED: Text("已經在佇列中", "it is queued already"),
        ProjectStatus.RUNNING: Text("正在執行", "it is running already"),
    }
    if state.status in hints:
        raise _wrong(state, hints[state.status])
    for stage in Stage:
        if state.stages[stage].status not in FINISHED:
            state = state.with_stage(stage, status=StageStatus.PENDING, attempts=0, error=None)
    return _again(state)


def _retried_from(state: ProjectState, first: Stage) -> ProjectState:
    state = state.replace(stages={**state.stages, first: StageState()})
    for later in _after(first):  # their results stay: where the inputs turn out the same, they hold
        state = state.with_stage(later, status=StageStatus.PENDING, attempts=0, error=None)
    approved = tuple(name for name in state.approved if not _is_at_or_after(name, first))
    return _again(state.replace(approved=approved, goal=state.goal if state.goal.reaches(first) else first))


def _again(state: ProjectState) -> ProjectState:
    return settled(state.replace(run=state.run + 1, crashes=0, crash_piece="", wait=None, resume_at=None))


# Shared.


def not_cancelled(state: ProjectState) -> ProjectState:
    """The state itself.

    Raises:
        ProjectCancelled: it is cancelled.
    """
    if state.status is ProjectStatus.CANCELLED:
        raise ProjectCancelled(state.project_id)
    return state


def _asked_for(state: ProjectState, stage: Stage, *, chain: bool) -> ProjectState:
    """A job asks for `stage`: the goal, and a new run where the project was at rest."""
    at_rest = state.status in {ProjectStatus.CREATED, ProjectStatus.COMPLETED}
    alone = stage if at_rest or not state.goal.reaches(stage) else state.goal
    again = at_rest or state.status is ProjectStatus.FAILED
    return state.replace(goal=Stage.UPLOAD if chain else alone, run=state.run + again)


def _given_back(state: ProjectState, stage: Stage) -> ProjectState:
    """The stage as before its attempt, which does not count."""
    known = state.stages[stage]
    if known.status is not StageStatus.RUNNING:
        return state
    return state.with_stage(stage, status=StageStatus.PENDING, attempts=max(0, known.attempts - 1))


def _after(stage: Stage) -> tuple[Stage, ...]:
    return tuple(other for other in Stage if other is not stage and other.reaches(stage))


def _is_at_or_after(review: str, stage: Stage) -> bool:
    """Whether an approval speaks of what `stage` makes anew."""
    return stage is not Stage.UPLOAD if review == FINAL_REVIEW else Stage(review).reaches(stage)


def _summed(before: tuple[Usage, ...], more: tuple[Usage, ...]) -> tuple[Usage, ...]:
    sums = {(use.service, use.model, use.unit): use for use in before}
    for use in more:
        key = (use.service, use.model, use.unit)
        old = sums.get(key)
        sums[key] = use if old is None else use.replace(amount=old.amount + use.amount, cost_usd=old.cost_usd + use.cost_usd)
    return tuple(sums.values())


def _wrong(state: ProjectState, hint: Text) -> WrongState:
    return WrongState(
        Text(
            f"專案 {state.project_id} 目前的狀態是 {state.status}，不能這樣做",
            f"that can't be done: project {state.project_id} is {state.status}",
        ),
        hint,
    )
