"""What a stage job answers without running anything: contract 2b, in its order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs import transitions
from jobs.context import Service
from jobs.stages import StageInputs, StageWork, imported_fingerprint, narration_language
from reelqueue import clock
from reelqueue.errors import StageNotReady, from_wire
from reelqueue.models.keys import piece_key
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import Stage, StageStatus
from storage import Blobs

BUSY_SECONDS = 0.5
"""How soon a job looks again whether a busy project is free."""
PERSON_SECONDS, MOST_SECONDS = 10.0, 300.0
"""How soon a job looks again whether a person has acted, and at most for a moment: the hint is woken at once, but a job
that came beside it is not."""


HELD_SECONDS = 60.0
"""How soon a job of a paused batch looks again by itself: its hint is woken at once when it goes on."""


class Later(Exception):
    """The job stays queued under its id, holds no place, uses no attempt, and is judged anew after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(0.0, seconds)
        super().__init__(f"again in {self.seconds:g} s")

    @classmethod
    def until(cls, moment: datetime | None) -> "Later":
        """At `moment`; where that is None, when a person has acted."""
        if moment is None:
            return cls(PERSON_SECONDS)
        return cls(min(MOST_SECONDS, (moment - clock.now()).total_seconds()))

    @classmethod
    def of(cls, state: ProjectState) -> "Later":
        """When a project that waits may go on."""
        return cls.until(state.resume_at)


@dataclass(frozen=True, slots=True)
class StageJob:
    """A job that asks for one stage of one project."""

    service: Service
    project_id: int
    stage: Stage
    work: StageWork
    chain: bool

    def given(self, state: ProjectState, blobs: Blobs) -> StageInputs:
        """What the stage's inputs are found from."""
        return StageInputs(
            project=state,
            files=self.service.paths.project(self.project_id),
            blobs=blobs,
            choice=self.service.choice,
            tools=self.service.tools,
            language=narration_language(state.brief, self.service.rules.language),
        )

    async def fingerprint(self, given: StageInputs) -> str:
        """The hash of all that the stage's stored result hangs on."""
        if given.project.stages[self.stage].is_imported:
            return imported_fingerprint(given.project, self.stage)
        return await self.fingerprint_now(given)

    async def fingerprint_now(self, given: StageInputs) -> str:
        """The hash of all that the stage would be made from now."""
        return piece_key(await self.work.inputs(given))

    async def judge(self, state: ProjectState) -> dict[str, Any] | None:
        """The stored result of a stage that is done; None where it has to run.

        Raises:
            ProjectCancelled; the stored error; StageNotReady: the job's answer.
            Later: the project waits, or its batch is paused.
        """
        transitions.not_cancelled(state)
        known = state.stages[self.stage]
        ready = transitions.missing(state, self.stage)
        if known.status in transitions.FINISHED and ready is None:
            given = self.given(state, Blobs(self.service.paths.project(self.project_id).root))
            if await self.fingerprint(given) == known.fingerprint and all(
                [await given.blobs.holds(artifact) for artifact in known.artifacts]
            ):
                return await answer_of(self.work, given, self.stage)
        if known.status is StageStatus.FAILED:
            raise from_wire(known.error.model_dump() if known.error else {})
        if ready is not None:
            raise self.not_ready(ready)
        if _waits(state):
            raise Later.of(state)
        if state.held:
            raise Later(HELD_SECONDS)
        return None

    def not_ready(self, needs: Stage) -> StageNotReady:
        """The answer where an earlier stage has to run first."""
        return StageNotReady(self.project_id, str(self.stage), str(needs))


def _waits(state: ProjectState) -> bool:
    """Whether the project waits for a moment that has not come, or for a person.

    Where the clock was set back since, the moment may be days off: the stage is tried now, and says anew until when it waits.
    """
    if state.resume_at is not None:
        return state.resume_at > clock.now() and not clock.was_set_back_since(state.updated_at)
    return state.status.is_waiting


async def answer_of(work: StageWork, given: StageInputs, stage: Stage) -> dict[str, Any]:
    """What the job of a finished stage returns."""
    stored = given.project.stages[stage].result or {}
    status = stored.get("status", "success")
    return {"status": status, "project_id": given.project.project_id} | stored | await work.recall(given)
