"""The stages' jobs, whose modules are loaded beside the worker and not before it: they draw, speak and encode.  So are those
of whoever makes what, and the libraries of the services that they ask.

With them a worker's start takes twice as long, and a dead worker's jobs wait for whoever takes them over.
"""

import asyncio
import importlib
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from jobs.context import WorkerContext
from jobs.pipeline import PIPELINE, StageSpec

StageJob = Callable[..., Awaitable[dict[str, Any]]]

_loaded: dict[str, StageJob] = {}
_turn = threading.Lock()
"""One thread at a time: of two that import modules in a circle, one may see the other's half."""


def stage_job(spec: StageSpec) -> StageJob:
    """The job of a stage, which is `jobs.video.<stage>`'s function of the job's name."""

    async def run(ctx: WorkerContext, project_id: int, chain: bool = True) -> dict[str, Any]:
        job = _loaded.get(spec.job)
        if job is None:
            job = await asyncio.to_thread(_load, spec)
        return await job(ctx, project_id, chain)

    return run


def load_soon(load_makers: Callable[[], None]) -> None:
    """Load all of them in a thread, the makers first: the first job of each stage need not wait, and holds nobody up."""
    threading.Thread(target=_load_all, args=(load_makers,), name="loading the stages", daemon=True).start()


def _load_all(load_makers: Callable[[], None]) -> None:
    with _turn:
        load_makers()
    for spec in PIPELINE:
        _load(spec)


def _load(spec: StageSpec) -> StageJob:
    with _turn:
        found: StageJob = getattr(importlib.import_module(f"jobs.video.{spec.stage}"), spec.job)
        _loaded[spec.job] = found
        return found
