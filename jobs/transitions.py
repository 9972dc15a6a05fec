"""What may become of a project, as pure functions of its state.  Each is safe to run twice; storage commits them.

These are for whoever has the project in hand; what a person may do is in `jobs/acts.py`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from jobs.pipeline import PIPELINE, PUBLISHED_LOCKS, SPECS
from reelqueue.errors import Fenced, Parked, ProjectCancelled, ReelqueueError, StageNotReady, WrongState, as_wire, naming
from reelqueue.models.project import Artifact, ProjectState, StageError, Usage, Wait
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text
from storage.outlines import Outline

Change = Callable[[ProjectState], ProjectState]
FINISHED = frozenset({StageStatus.DONE, StageStatus.SKIPPED})
FINAL_REVIEW = "final"


def missing(state: ProjectState, stage: Stage) -> Stage | None:
    """The stage that has to run first; None where all that `stage` reads is there."""
    return next((need for need in SPECS[stage].needs if state.stages[need].status not in FINISHED), None)


def review_hint(project_id: int) -> Text:
    """What to do with a project that waits for its review."""
    look, edit = f"reelqueue approve {project_id}", f"reelqueue edit {project_id}"
    return Text(
        f"請檢查成果；核可：{look}；修改腳本：{edit}", f"look at what was made; approve it: {look}; change its script: {edit}"
    )


def reviews_before(state: ProjectState, stage: Stage) -> tuple[str, ...]:
    """The reviews that a person has to approve before `stage` may run."""
    due = [str(spec.stage) for spec in PIPELINE if spec.stage is not stage and stage.reaches(spec.stage)]
    if stage is Stage.UPLOAD:
        due.append(FINAL_REVIEW)
    return tuple(name for name in due if name in state.brief.review and name not in state.approved)


def is_locked(state: ProjectState, stage: Stage) -> bool:
    """Whether the project has its one video, and `stage` would cut it anew; or touch one that we did not publish."""
    if state.upload is None or state.upload.video_id is None:
        return False
    return stage in PUBLISHED_LOCKS or state.upload.is_elsewhere


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


def is_chained(state: ProjectState | Outline, stage: Stage) -> bool:
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
        for later in later_than(stage):
            if state.stages[later].status in FINISHED:
                state = state.with_stage(later, status=StageStatus.PENDING, attempts=0)
        known = state.stages[stage]
        return state.with_stage(
            stage,
            status=StageStatus.RUNNING,
            attempts=1 if known.status in FINISHED else known.attempts + 1,
            started_at=now,
            finished_at=None,
            error=None,
            warnings=(),
        ).replace(
            status=ProjectStatus.RUNNING,
            wait=None,
            resume_at=None,
            approved=tuple(name for name in state.approved if not is_about(name, stage)),
        )

    return change


_BETWEEN_PIECES = "; "


def together_in_hand(pieces: Iterable[str]) -> str:
    """The pieces that are being made at once, as a lease names them."""
    return _BETWEEN_PIECES.join(sorted(pieces))


def in_hand_of(state: ProjectState) -> tuple[str, ...]:
    """What was in hand at each death in a row."""
    return tuple(state.crash_piece.split(_BETWEEN_PIECES))


def crashed(stage: Stage, pieces: str) -> Change:
    """The owner before died with `pieces` in hand: that attempt was no attempt, but is counted as a death.

    What was in hand at each death in a row may be what kills; where nothing was, the deaths begin to count anew.
    """

    def change(state: ProjectState) -> ProjectState:
        before, now = in_hand_of(state), pieces.split(_BETWEEN_PIECES)
        each_time = [piece for piece in now if piece in before]
        again = state.crashes + 1 if each_time else 1
        back = given_back(state, stage).replace(crashes=again, crash_piece=together_in_hand(each_time or now))
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
            finished_at=now,
            duration_s=None if began is None else round((now - began).total_seconds(), 3),
            fingerprint=fingerprint,
            artifacts=artifacts,
            warnings=warnings,
            result=result,
            error=None,
        ).replace(crashes=0, crash_piece="")
        return _after_stage(state, stage, chain=chain)

    return change


def unchanged(stage: Stage, fingerprint: str, *, chain: bool) -> Change:
    """The stage's old result still holds: it is done without being run.  One that was forgotten since is left alone."""

    def change(state: ProjectState) -> ProjectState:
        not_cancelled(state)
        if state.stages[stage].fingerprint != fingerprint:
            return state
        state = _asked_for(state, stage, chain=chain).with_stage(stage, status=StageStatus.DONE, error=None)
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
            status=ProjectStatus.WAITING_REVIEW,
            wait=Wait(reason=", ".join(reviews), what_to_do=str(review_hint(state.project_id))),
            resume_at=None,
        )
    return _at(state, ProjectStatus.QUEUED)


def _at(state: ProjectState, status: ProjectStatus) -> ProjectState:
    return state.replace(status=status, wait=None, resume_at=None)


def failed(stage: Stage, now: datetime, error: ReelqueueError, *, chain: bool) -> Change:
    """The stage failed, and the project with it, until somebody retries.  It may not have begun: what was asked for is kept."""

    def change(state: ProjectState) -> ProjectState:
        state = _asked_for(not_cancelled(state), stage, chain=chain)
        began = state.stages[stage].started_at
        return state.with_stage(
            stage,
            status=StageStatus.FAILED,
            finished_at=now,
            duration_s=None if began is None else round((now - began).total_seconds(), 3),
            error=StageError(**_told(error, state.project_id)),
        ).replace(status=ProjectStatus.FAILED, wait=None, resume_at=None, crashes=0, crash_piece="")

    return change


def parked(stage: Stage, error: Parked, *, chain: bool) -> Change:
    """The project waits; the attempt was none.  It may not have begun: what was asked for is kept, too."""

    def change(state: ProjectState) -> ProjectState:
        state = _asked_for(not_cancelled(state), stage, chain=chain)
        if error.until is not None and state.stages[stage].status in FINISHED:  # its inputs changed: it has to be found due
            state = state.with_stage(stage, status=StageStatus.PENDING)
        words = _told(error, state.project_id)
        wait = Wait(reason=words["message"], until=error.until, what_to_do=words["hint"])
        return given_back(state, stage).replace(status=ProjectStatus(error.status), wait=wait, resume_at=error.until)

    return change


def woken(state: ProjectState) -> ProjectState:
    """What it waited for is there again before its time: it goes on now.  Any other project stays as it is."""
    if state.status not in {ProjectStatus.WAITING_QUOTA, ProjectStatus.WAITING_BUDGET, ProjectStatus.WAITING_DISK}:
        return state
    return _at(state, ProjectStatus.QUEUED)


def handed_back(stage: Stage, *, counts: bool, resume_at: datetime | None = None) -> Change:
    """The attempt ended without an end: a deploy, a time-out, a pause before a retry.  `counts`: it was an attempt."""

    def change(state: ProjectState) -> ProjectState:
        if state.status.is_final or state.stages[stage].status is not StageStatus.RUNNING:
            return state
        back = state.with_stage(stage, status=StageStatus.PENDING) if counts else given_back(state, stage)
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
            status=ProjectStatus.WAITING_REVIEW,
            wait=Wait(reason=", ".join(reviews), what_to_do=str(review_hint(state.project_id))),
            resume_at=None,
        )

    return change


def with_usage(change: Change, usage: tuple[Usage, ...]) -> Change:
    """`change`, and what the project was billed for by now, as the ledger has it."""

    def both(state: ProjectState) -> ProjectState:
        return change(state).replace(usage=usage) if usage else change(state)

    return both


def lost(stage: Stage) -> Change:
    """What a finished stage made is gone from the disk: it has to run again."""

    def change(state: ProjectState) -> ProjectState:
        not_cancelled(state)
        state = state.with_stage(stage, status=StageStatus.PENDING, fingerprint=None)
        return settled(state) if state.status in {ProjectStatus.QUEUED, ProjectStatus.RUNNING} else state

    return change


# Shared.


def not_cancelled(state: ProjectState) -> ProjectState:
    """The state itself.

    Raises:
        ProjectCancelled: it is cancelled.
    """
    if state.status is ProjectStatus.CANCELLED:
        raise ProjectCancelled(state.project_id)
    return state


def still_wanted(state: ProjectState, stage: Stage) -> ProjectState:
    """The state itself, while the attempt of `stage` that we carry out runs in it.

    Raises:
        ProjectCancelled: it is cancelled.
        Fenced: it was cancelled, and retried already: what we do belongs to no run any more.
    """
    if not_cancelled(state).stages[stage].status is not StageStatus.RUNNING:
        raise Fenced(
            Text(f"{stage} 階段已被收回", f"stage {stage} was taken back"),
            Text("不需要處理：會重新執行", "nothing to do: it is run anew"),
        )
    return state


def _asked_for(state: ProjectState, stage: Stage, *, chain: bool) -> ProjectState:
    """A job asks for `stage`: the goal, and a new run where the project was at rest."""
    at_rest = state.status in {ProjectStatus.CREATED, ProjectStatus.COMPLETED}
    alone = stage if at_rest or not state.goal.reaches(stage) else state.goal
    again = at_rest or state.status is ProjectStatus.FAILED
    return state.replace(goal=Stage.UPLOAD if chain else alone, run=state.run + again)


def given_back(state: ProjectState, stage: Stage) -> ProjectState:
    """The stage as before its attempt, which does not count."""
    known = state.stages[stage]
    if known.status is not StageStatus.RUNNING:
        return state
    return state.with_stage(stage, status=StageStatus.PENDING, attempts=max(0, known.attempts - 1))


def later_than(stage: Stage) -> tuple[Stage, ...]:
    """The stages after `stage`."""
    return tuple(other for other in Stage if other is not stage and other.reaches(stage))


def is_about(review: str, stage: Stage) -> bool:
    """Whether an approval speaks of what `stage` makes anew."""
    return stage is not Stage.UPLOAD if review == FINAL_REVIEW else Stage(review).reaches(stage)


def _told(error: ReelqueueError, project_id: int) -> dict[str, Any]:
    """An error as the state keeps it; a command that its hint names can be typed as it stands."""
    words = as_wire(error)
    return words | {"hint": naming(words["hint"], project_id)}
