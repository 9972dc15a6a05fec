"""Waiting for an end by the state on disk: it does not notice what Redis loses."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from reelqueue.errors import ProjectCancelled, ProjectFailed, ProjectWaiting
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Blobs, Paths

S = TypeVar("S")
FIRST_LOOK_S, LAST_LOOK_S = 0.05, 0.5
"""Pauses between two looks: short at first, then as long as a person does not notice."""


async def until(load: Callable[[], Awaitable[S]], is_over: Callable[[S], bool], timeout_s: float | None) -> S:
    """The first state for which `is_over`; it may raise instead.

    Raises:
        TimeoutError: there was none within `timeout_s`.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    pause = FIRST_LOOK_S
    while not is_over(state := await load()):
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError(f"not ended after {timeout_s:g} s")
        left = pause if deadline is None else min(pause, max(0.0, deadline - time.monotonic()))
        await asyncio.sleep(left)
        pause = min(LAST_LOOK_S, pause * 1.5)
    return state


def resting(state: ProjectState, *, through_waits: bool) -> bool:
    """Whether the project is completed.

    Raises:
        ProjectFailed, ProjectCancelled, ProjectWaiting: what it met instead.
    """
    if state.status is ProjectStatus.COMPLETED:
        return True
    if state.status is ProjectStatus.CANCELLED:
        raise ProjectCancelled(state.project_id)
    if state.status is ProjectStatus.FAILED:
        stage = failed_stage(state)
        error = state.stages[stage].error
        raise ProjectFailed(state.project_id, str(stage), error.model_dump() if error else {})
    if state.status.is_waiting and not through_waits:
        wait = state.wait
        until_when = wait.until if wait and wait.until else state.resume_at
        do, why = (wait.what_to_do, wait.why) if wait else ("", "")
        raise ProjectWaiting(state.project_id, str(state.status), until_when, do, why)
    return False


def failed_stage(state: ProjectState) -> Stage:
    """The stage that a failed project failed in."""
    return next((stage for stage in Stage if state.stages[stage].status is StageStatus.FAILED), state.next_stage or state.goal)


async def answer_from_disk(state: ProjectState, paths: Paths) -> dict[str, Any]:
    """What the last stage's job returned, as its state and its files say."""
    known = state.stages[state.goal]
    answer = {"status": "success", "project_id": state.project_id} | (known.result or {})
    if state.goal is Stage.SCRIPT and known.artifacts:  # its result is the file, not in the state
        answer["script"] = json.loads(await Blobs(paths.project(state.project_id).root).read(known.artifacts[0]))
    return answer
