"""One path for every stage: lease, skip or work, commit, tell, pass on."""

from typing import Any

from jobs.context import WorkerContext
from jobs.stages import StageInputs, StageOutcome, StageRun, StageWork
from reelqueue.models.stage import Stage

__all__ = ["StageInputs", "StageOutcome", "StageRun", "StageWork", "run_stage"]


async def run_stage(ctx: WorkerContext, project_id: int, stage: Stage, work: StageWork, *, chain: bool) -> dict[str, Any]:
    """Carry one stage job out, as contract 2b judges it."""
    raise NotImplementedError
