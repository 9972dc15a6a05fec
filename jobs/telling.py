"""What the world hears of a project: where its stages stand, and how it ended.  Telling never fails the work."""

import time
from dataclasses import dataclass, field

import structlog

from jobs.pipeline import overall
from progress import Publisher
from progress.ending import DONE, completion
from reelqueue.errors import TransientError
from reelqueue.models.project import ProjectState, StageError
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import Text

MOST_PER_SECOND = 2
QUIET_AFTER_LOSS_S = 5.0
"""A lost event took up to half a second of the work's time; so often at most while nobody hears us."""
ETA_FROM_S, ETA_FROM_PERCENT = 2.0, 3.0
"""Before so much time and progress an estimate would be a guess."""
CANCELLED = Text("已取消", "cancelled")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Teller:
    """Tells of one stage's run."""

    publisher: Publisher
    stage: Stage
    percent: float = 0.0
    began: float = field(default_factory=time.monotonic)
    told_at: float = float("-inf")

    async def tell(self, state: ProjectState, percent: float, message: Text) -> None:
        """The stage stands at `percent`; never falls within this run."""
        self.percent = max(self.percent, min(100.0, percent))
        now = time.monotonic()
        if 0 < percent < 100 and now - self.told_at < 1 / MOST_PER_SECOND:
            return
        if state.status.is_final:
            return  # an end is told by `ended`
        sent = await self._publish(state, self.percent, message)
        self.told_at = time.monotonic() + (0.0 if sent else QUIET_AFTER_LOSS_S)

    async def retrying(self, piece: str, error: TransientError, attempt: int, seconds: float) -> None:
        """A call is tried again."""
        log.info("retrying", piece=piece, attempt=attempt, seconds=seconds, error=error.message)

    async def done(self, state: ProjectState) -> None:
        """The stage is done, and with it perhaps the project."""
        self.percent = 100.0
        await self._publish(state, 100.0, completion(state.goal) if state.status is ProjectStatus.COMPLETED else DONE)

    async def waiting(self, state: ProjectState, message: str) -> None:
        """The project waits."""
        await self._publish(state, self.percent, message)

    async def failed(self, state: ProjectState, error: StageError) -> None:
        """The stage failed, and the project with it."""
        await tell_error(self.publisher, state, self.stage, error)

    async def _publish(self, state: ProjectState, percent: float, message: Text | str) -> bool:
        whole = overall(self.stage, percent)
        seq = await self.publisher.publish(
            project_id=state.project_id,
            stage=self.stage.event_name,
            progress=percent,
            message=message,
            overall=whole,
            eta_s=eta_seconds(state, self.stage, whole, time.monotonic() - self.began),
            status=str(state.status),
            run=state.run,
        )
        return seq is not None


async def tell_error(publisher: Publisher, state: ProjectState, stage: Stage, error: StageError) -> None:
    """A stage failed."""
    await publisher.publish(
        project_id=state.project_id,
        stage="error",
        progress=0,
        message=error.message,
        overall=0,
        status=str(state.status),
        error=error.model_dump() | {"stage": str(stage)},
        run=state.run,
    )


async def tell_cancelled(publisher: Publisher, state: ProjectState) -> None:
    """The project was cancelled; however many know of it, whoever listens hears it once."""
    stage = state.next_stage or state.goal
    await publisher.publish(
        project_id=state.project_id,
        stage=stage.event_name,
        progress=0,
        message=CANCELLED,
        overall=overall(stage, 0),
        status=str(state.status),
        run=state.run,
        once=True,
    )


def eta_seconds(state: ProjectState, stage: Stage, whole: float, running_s: float) -> float | None:
    """Seconds to the end, by what the part that is done took; None while that says too little."""
    if whole >= 100 or state.status.is_final:
        return 0.0
    spent = running_s + sum(
        known.duration_s or 0.0 for done, known in state.stages.items() if done is not stage and stage.reaches(done)
    )
    if spent < ETA_FROM_S or whole < ETA_FROM_PERCENT:
        return None
    return spent * (100.0 - whole) / whole
