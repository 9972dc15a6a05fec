"""In place of `worker_settings`, below a supervisor: the real one, and a job that a test steers by files.

`hold(name)` holds an FFmpeg and a Python child until the test lets it go; OURS is the real file, COURSE the folder.
"""

import asyncio
import importlib.util
import os
from pathlib import Path
from typing import Any

from reelqueue import process
from tests.faults.course import Course

_spec = importlib.util.spec_from_file_location("ours", os.environ["OURS"])
assert _spec is not None
assert _spec.loader is not None
ours = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(ours)
course = Course(Path(os.environ["COURSE"]))


async def hold(ctx: Any, name: str) -> dict[str, Any]:
    """Stay until let go, with children that would stay longer."""
    ffmpeg = ctx["service"].tools.ffmpeg.path
    endless = [str(ffmpeg), "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=1", "-f", "null", "-"]
    async with process.python_child("reelqueue.media.soundtrack"):
        running = asyncio.create_task(process.run(endless, cwd=course.folder, timeout_s=600))
        try:
            await course.stay(name, ctx["job_try"])
        finally:
            running.cancel()
            await asyncio.wait({running})
    return {"pid": os.getpid()}


def _with_hold(known: type) -> type:
    fields = dict(vars(known))
    return type(known.__name__, (), fields | {"functions": [*fields["functions"], ours.job_function("hold", hold)]})


VideoWorker, BatchWorker, MaintenanceWorker = map(_with_hold, (ours.VideoWorker, ours.BatchWorker, ours.MaintenanceWorker))
