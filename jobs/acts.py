"""What a person may do with a project, as pure functions of its state; storage commits them.

Each refuses with `WrongState` what does not fit, and says what would.
"""

from jobs.transitions import (
    FINISHED,
    Change,
    given_back,
    is_about,
    later_than,
    refuse_after_publication,
    review_hint,
    reviews_before,
    settled,
)
from reelqueue.errors import Conflict, WrongState
from reelqueue.models.project import Artifact, ProjectState, StageState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text

EDITED = {"status": "success", "imported": True, "edited": True}
"""The result of a script stage whose script a person changed; `imported`, so that no writer of ours takes its place."""


ALIKE, CONTENT, PASSED = "alike", "content", "passed"
"""Of an upload that waits because its video looks like others: those, what it was made from, and for which content a person let it pass."""


def start(state: ProjectState) -> ProjectState:
    """All stages are wanted.  A project that is on its way, or all done, stays as it is.

    Raises:
        WrongState: it failed, was cancelled, or waits for a person.
    """
    match state.status:
        case ProjectStatus.FAILED | ProjectStatus.CANCELLED | ProjectStatus.NEEDS_PERSON:
            raise _wrong(
                state,
                Text(f"用 reelqueue retry {state.project_id} 重新開始", f"reelqueue retry {state.project_id} starts it again"),
            )
        case ProjectStatus.WAITING_REVIEW:
            raise _wrong(state, review_hint(state.project_id))
        case ProjectStatus.CREATED | ProjectStatus.COMPLETED:
            wanted = state.replace(goal=Stage.UPLOAD)
            return state if wanted.next_stage is None else settled(wanted.replace(run=state.run + 1, held=False))
        case _:
            return state if state.goal is Stage.UPLOAD and not state.held else state.replace(goal=Stage.UPLOAD, held=False)


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
            state = given_back(state, stage)
    return state.replace(status=ProjectStatus.CANCELLED, wait=None, resume_at=None)


def approve(state: ProjectState) -> ProjectState:
    """A person approves what the project waits with.

    Raises:
        WrongState: it does not wait for a review.
    """
    if state.status is not ProjectStatus.WAITING_REVIEW:
        raise _wrong(state, Text("只有等待審核的專案可以核可", "only a project that waits for a review can be approved"))
    reviews = reviews_before(state, state.next_stage or state.goal)
    return settled(state.replace(approved=(*state.approved, *reviews)) if reviews else _let_pass(state))


def _let_pass(state: ProjectState) -> ProjectState:
    """It waits because it looks like others of its channel: for what it is made from now, that is approved."""
    known = state.stages[Stage.UPLOAD].result or {}
    return state.with_stage(Stage.UPLOAD, result=known | {PASSED: known[CONTENT]}) if CONTENT in known else state


def script_of(state: ProjectState) -> Artifact:
    """The file of a project's script.

    Raises:
        WrongState: it has none yet.
    """
    known = state.stages[Stage.SCRIPT]
    if known.status not in FINISHED or not known.artifacts:
        raise _wrong(state, Text("還沒有腳本；先用 reelqueue start 產生", "it has no script yet: reelqueue start writes one"))
    return known.artifacts[0]


def refuse_edit(state: ProjectState) -> None:
    """Raise `WrongState` where the script can't be edited: there is none, it is being worked from, or the video is published."""
    script_of(state)
    refuse_after_publication(state, Stage.SCRIPT)
    if state.status is ProjectStatus.RUNNING:
        raise _wrong(state, Text("請先取消，或等它停下來", "cancel it first, or wait until it rests"))


def edited(artifact: Artifact, fingerprint: str, *, seen: str, approve: bool) -> Change:
    """A person's script takes the place of the one whose sha256 is `seen`; what is made from it is looked at again.

    `fingerprint` is that of a script that came from elsewhere.  A project that waits for its script to be approved waits on, unless
    `approve`; one that was not begun or was cancelled stays so; any other goes on, up to its goal.  Reviews of what may be another
    now are asked for again.

    Raises:
        WrongState: as `refuse_edit`.  Conflict: it is another script by now.
    """

    def change(state: ProjectState) -> ProjectState:
        refuse_edit(state)
        known = script_of(state)
        if known.sha256 == artifact.sha256:
            return state
        if known.sha256 != seen:
            raise Conflict(
                Text(
                    f"專案 {state.project_id} 的腳本已被別人改過",
                    f"somebody else changed the script of project {state.project_id}",
                ),
                Text("請重新打開再改一次", "open it again and repeat the change"),
            )
        status, waited = state.status, reviews_before(state, Stage.ASSETS)
        state = _with_script(state, artifact, fingerprint)
        if status in {ProjectStatus.CREATED, ProjectStatus.CANCELLED}:
            return state
        if status is ProjectStatus.WAITING_REVIEW and waited:
            return settled(state.replace(approved=(*state.approved, *waited))) if approve else state
        return _again(state).replace(held=state.held)

    return change


def _with_script(state: ProjectState, artifact: Artifact, fingerprint: str) -> ProjectState:
    """The script is this one, whoever would write another now; the results of what follows hold where their inputs do."""
    made = {"artifacts": (artifact,), "fingerprint": fingerprint, "warnings": (), "error": None, "result": EDITED}
    state = state.with_stage(Stage.SCRIPT, status=StageStatus.DONE, **made)
    for later in later_than(Stage.SCRIPT):
        state = state.with_stage(later, status=StageStatus.PENDING, attempts=0, error=None)
    return state.replace(approved=tuple(name for name in state.approved if not is_about(name, Stage.ASSETS)))


def retry(from_stage: Stage | None) -> Change:
    """Try again what failed, was cancelled or waits; or everything from `from_stage` on."""

    def change(state: ProjectState) -> ProjectState:
        if from_stage is None:
            return _retried(state)
        if state.status is ProjectStatus.RUNNING:
            raise _wrong(state, Text("請先取消", "cancel it first"))
        refuse_after_publication(state, from_stage)
        return _retried_from(state, _first_to_run(state, from_stage))

    return change


def _first_to_run(state: ProjectState, wanted: Stage) -> Stage:
    """The stage to begin with: a video that was taken over has no voice behind it, so a new cut begins with the assets."""
    taken_over = state.stages[Stage.ASSETS].status is StageStatus.SKIPPED
    return Stage.ASSETS if wanted is Stage.RENDER and taken_over else wanted


def _retried(state: ProjectState) -> ProjectState:
    if state.held and state.status is ProjectStatus.QUEUED:  # its batch is paused: it alone goes on
        return state.replace(held=False)
    hints = {
        ProjectStatus.CREATED: Text("用 reelqueue start 開始", "reelqueue start starts it"),
        ProjectStatus.COMPLETED: Text(
            "已經完成；要重做請指定階段（--from）", "it is completed; name a stage (--from) to make it anew"
        ),
        ProjectStatus.WAITING_REVIEW: review_hint(state.project_id),
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
    for later in later_than(first):  # their results stay: where the inputs turn out the same, they hold
        state = state.with_stage(later, status=StageStatus.PENDING, attempts=0, error=None)
    approved = tuple(name for name in state.approved if not is_about(name, first))
    return _again(state.replace(approved=approved, goal=state.goal if state.goal.reaches(first) else first))


def _again(state: ProjectState) -> ProjectState:
    return settled(state.replace(run=state.run + 1, crashes=0, crash_piece="", wait=None, resume_at=None, held=False))


def _wrong(state: ProjectState, hint: Text) -> WrongState:
    return WrongState(
        Text(
            f"專案 {state.project_id} 目前的狀態是 {state.status}，不能這樣做",
            f"that can't be done: project {state.project_id} is {state.status}",
        ),
        hint,
    )
