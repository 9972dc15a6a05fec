"""For arq's own command: our worker as `worker_settings` makes it, with small jobs whose course a test steers.

`VideoWorker`: the five stages through the real runner, and jobs that are none.  `PlainWorker`: the names of the five stages,
and nothing but `stay` behind each.  In the environment: FAULTS_FOLDER, the course; FAULTS_HOOKS, the hooks that raise;
FAULTS_PIECE_BYTES, what a stage writes; FAULTS_STAGE_SECONDS, how long one takes that is let go; FAULTS_DISK_SECONDS, the pause
before a full disk is looked at again; FAULTS_STAGES, which stages misbehave: `1-assets=kills its worker,2-render=exits`.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import worker_settings
from jobs import attempt, runner
from jobs.hooks import job_function
from jobs.pipeline import PIPELINE, SPECS
from jobs.runner import run_stage
from jobs.stages import StageInputs, StageOutcome, StageRun, StageWork
from reelqueue.models.project import Upload
from reelqueue.models.stage import Stage
from tests.faults.course import Course

course = Course(Path(os.environ["FAULTS_FOLDER"]))
PIECE_BYTES = int(os.environ.get("FAULTS_PIECE_BYTES", "100"))
STAGE_SECONDS = float(os.environ.get("FAULTS_STAGE_SECONDS", "0"))
BAD_STAGES = dict(pair.split("=") for pair in os.environ.get("FAULTS_STAGES", "").split(",") if pair)
attempt.DISK_SECONDS = runner.DISK_SECONDS = float(os.environ.get("FAULTS_DISK_SECONDS", "60"))


async def stay(ctx: Any, name: str) -> dict[str, Any]:
    """Stay until let go."""
    await course.stay(name, ctx["job_try"])
    return {"pid": os.getpid()}


async def block(ctx: Any, name: str, seconds: float) -> dict[str, Any]:
    """Keep the event loop for so long."""
    course.note(name, "began", ctx["job_try"])
    time.sleep(seconds)  # the fault
    course.note(name, "ended", ctx["job_try"])
    return {"pid": os.getpid()}


async def misbehave(_ctx: Any, how: str) -> Any:
    """End as no job should."""
    match how:
        case "exits":
            sys.exit(3)
        case "interrupts":
            raise KeyboardInterrupt
        case "cancels itself":
            raise asyncio.CancelledError
        case "recurses":
            return await misbehave(_ctx, how)
        case "panics":
            raise _Panic
        case "raises what can't be said":
            raise _Unspeakable
        case "kills its worker":
            os.kill(os.getpid(), signal.SIGKILL)
    return {"returns an object": object(), "returns no number": float("nan"), "returns half a letter": "\ud800"}[how]


class _Panic(BaseException):
    """As a Rust library's, which is no `Exception`."""


class _Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def _stage(stage: Stage) -> Callable[..., Any]:
    """A stage that stays until let go, and makes one file."""

    async def inputs(given: StageInputs) -> dict[str, Any]:
        return {"needs": [given.project.stages[need].artifacts[0].sha256 for need in SPECS[stage].needs]}

    async def work(run: StageRun) -> StageOutcome:
        name = f"{run.project.project_id}-{stage}"
        await course.stay(name, run.attempt)
        await asyncio.sleep(STAGE_SECONDS)
        if name in BAD_STAGES:
            await misbehave(None, BAD_STAGES[name])
        artifact = await run.blobs.write(f"output/{stage}.txt", str(stage).encode().ljust(PIECE_BYTES))
        if stage is Stage.UPLOAD:
            upload = Upload(marker="m", video_id=f"local-{run.project.project_id}")
            await run.commit(lambda state: state.replace(upload=upload))
        return StageOutcome({"pid": os.getpid()}, (artifact,))

    async def job(ctx: Any, project_id: int, chain: bool = True) -> dict[str, Any]:
        return await run_stage(ctx, project_id, stage, StageWork(inputs, work), chain=chain)

    return job


def _plain(stage: Stage) -> Callable[..., Any]:
    async def job(ctx: Any, project_id: int) -> dict[str, Any]:
        return await stay(ctx, f"{project_id}-{stage}")

    return job


async def raises(_ctx: Any) -> None:
    """As a hook that writes to a full disk."""
    raise OSError(28, "No space left on device")


def _settings(job: Callable[[Stage], Callable[..., Any]]) -> type:
    known = dict(vars(worker_settings.VideoWorker))
    small = {"stay": stay, "block": block, "misbehave": misbehave} | {spec.job: job(spec.stage) for spec in PIPELINE}
    known["functions"] = [
        *(one for one in known["functions"] if one.name not in small),
        *(job_function(name, function) for name, function in small.items()),
    ]
    hooks = os.environ.get("FAULTS_HOOKS", "").split(",")
    return type("VideoWorker", (), known | {hook: staticmethod(raises) for hook in hooks if hook})


VideoWorker, PlainWorker = _settings(_stage), _settings(_plain)
