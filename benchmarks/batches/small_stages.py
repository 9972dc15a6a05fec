"""For arq's own command: our video worker as it is, but with stages that write two lines each and take as long as they are told.

`7/taken:12` is the job of project 7, taken after 12 ms in the queue; `7` is its stage, that begins to work.

In the environment: BENCH_MARKS, the file of lines; BENCH_STAGE_SECONDS, how long a stage takes (0).
"""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import worker_settings
from benchmarks.drive import mark
from jobs.hooks import job_function
from jobs.pipeline import PIPELINE, SPECS
from jobs.runner import StageInputs, StageOutcome, StageRun, StageWork, run_stage
from reelqueue.models.project import Upload
from reelqueue.models.stage import Stage

STAGE_SECONDS = float(os.environ.get("BENCH_STAGE_SECONDS", "0"))


def job(stage: Stage) -> Callable[..., Any]:
    """A stage's job, by the real runner."""

    async def inputs(given: StageInputs) -> dict[str, Any]:
        return {"needs": [given.project.stages[need].artifacts[0].sha256 for need in SPECS[stage].needs]}

    async def work(run: StageRun) -> StageOutcome:
        number = run.project.project_id
        mark(str(number), list(Stage).index(stage))
        await asyncio.sleep(STAGE_SECONDS)
        artifact = await run.blobs.write(f"output/{stage}.txt", f"{stage}\n".encode())
        if stage is Stage.UPLOAD:
            upload = Upload(marker="m", video_id=f"local-{number}")
            await run.commit(lambda state: state.replace(upload=upload))
        return StageOutcome({"video_id": f"local-{number}"}, (artifact,))

    async def run(ctx: Any, project_id: int, chain: bool = True) -> dict[str, Any]:
        waited_ms = round((datetime.now(UTC) - ctx["enqueue_time"]).total_seconds() * 1000)
        mark(f"{project_id}/taken:{waited_ms}", list(Stage).index(stage))
        return await run_stage(ctx, project_id, stage, StageWork(inputs, work), chain=chain)

    return run


class VideoWorker:
    """`worker_settings.VideoWorker` with small stages."""


for _name, _value in vars(worker_settings.VideoWorker).items():  # arq looks at a class's own attributes only
    if not _name.startswith("__"):
        setattr(VideoWorker, _name, _value)
VideoWorker.functions = [job_function(spec.job, job(spec.stage)) for spec in PIPELINE]  # type: ignore[attr-defined]  # `setattr` above made it
