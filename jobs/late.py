"""The stages' jobs, whose modules are loaded beside the worker and not before it: they draw, speak and encode.  So are those
of whoever makes what, and the libraries of the services that they ask.  The batches' job knows of all of them what they cost.

With them a worker's start takes twice as long, and a dead worker's jobs wait for whoever takes them over.
"""

import asyncio
import importlib
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from jobs.context import WorkerContext
from jobs.pipeline import BATCH_JOB, PIPELINE, StageSpec

Job = Callable[..., Awaitable[dict[str, Any]]]

BATCH_MODULE = "jobs.batch.processing"
_loaded: dict[str, Job] = {}
_turn = threading.Lock()
"""One thread at a time: of two that import modules in a circle, one may see the other's half."""


def stage_job(spec: StageSpec) -> Job:
    """The job of a stage, which is `jobs.video.<stage>`'s function of the job's name."""

    async def run(ctx: WorkerContext, project_id: int, chain: bool = True) -> dict[str, Any]:
        return await (await _job(spec.job, _module(spec)))(ctx, project_id, chain)

    return run


async def batch_job(ctx: WorkerContext, batch_id: int) -> dict[str, Any]:
    """The job of a batch, which is `jobs.batch.processing`'s."""
    return await (await _job(BATCH_JOB.job, BATCH_MODULE))(ctx, batch_id)


def load_soon(load_makers: Callable[[], None]) -> None:
    """Load all of them in a thread, the makers first: the first job of each stage need not wait, and holds nobody up."""
    threading.Thread(target=_load_all, args=(load_makers,), name="loading the stages", daemon=True).start()


def load_batch_soon() -> None:
    """Load the batches' job likewise."""
    threading.Thread(target=_load, args=(BATCH_JOB.job, BATCH_MODULE), name="loading the batches", daemon=True).start()


def _load_all(load_makers: Callable[[], None]) -> None:
    with _turn:
        load_makers()
    for spec in PIPELINE:
        _load(spec.job, _module(spec))


async def _job(name: str, module: str) -> Job:
    found = _loaded.get(name)
    return found if found is not None else await asyncio.to_thread(_load, name, module)


def _module(spec: StageSpec) -> str:
    return f"jobs.video.{spec.stage}"


def _load(name: str, module: str) -> Job:
    with _turn:
        found: Job = getattr(importlib.import_module(module), name)
        _loaded[name] = found
        return found
