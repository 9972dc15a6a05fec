"""How long a single project waits in the midst of a batch: for its first stage, and for its render."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

from benchmarks.batches.site import SMALL, opened
from benchmarks.drive import Mark, Marks
from benchmarks.valkey import Server
from jobs.client import connect
from jobs.pipeline import SPECS, Load
from reelqueue.models.stage import Stage

STAGES = list(Stage)
RENDER = STAGES.index(Stage.RENDER)
CPU = {number for number, stage in enumerate(STAGES) if SPECS[stage].load is Load.CPU}
MOST_SECONDS = 120.0
GAP_SECONDS = (0.5, 2.0)
"""Between two singles, drawn evenly."""


async def single(server: Server, home: Path, *, batch_of: int, singles: int, stage_s: float) -> dict[str, Any]:
    """Start single projects, one after the other, while a batch has all places and each stage takes `stage_s`.

    `passed_by` counts the batch's jobs that got a CPU place after a single's render was queued and before that had one.
    """
    environment = {"BENCH_STAGE_SECONDS": str(stage_s)}
    async with opened(server, home, "single", environment) as site, connect(site.settings) as queue:
        batch = await queue.create_batch([{"topic": f"Project {number}"} for number in range(batch_of)])
        alone = [(await queue.create_project({"topic": f"Alone {number}"})).project_id for number in range(singles)]
        site.start("VideoWorker", SMALL)
        site.start("BatchWorker")
        await queue.start_batch(batch.batch_id)
        reader = Marks(site.marks)
        await _seen(reader, [], lambda seen: len({mark.job for mark in seen if mark.stage == RENDER}) > 1)
        waits: list[float] = []
        before: list[int] = []
        seen: list[Mark] = []
        for number in alone:
            await asyncio.sleep(random.uniform(*GAP_SECONDS))
            began = time.monotonic_ns()
            await queue.start(number)
            await _seen(
                reader,
                seen,
                lambda found, name=str(number): any((one.job, one.stage) == (name, RENDER) for one in found),
            )
            begun = {one.stage: one.at_ns for one in seen if one.job == str(number)}
            waits.append((begun[0] - began) / 1e9)
            before.append(_passed(seen, str(number)))
        return {"batch_of": batch_of, "singles": singles, "stage_s": stage_s, "first_stage_s": waits, "passed_by": before}


def _passed(seen: list[Mark], number: str) -> int:
    """How many jobs of others got a CPU place while this one's render was queued."""
    taken = [(one.job.partition("/taken:"), one.stage, one.at_ns) for one in seen if "/taken:" in one.job and one.stage in CPU]
    at_ns, waited_ms = next(
        (at_ns, int(waited)) for (name, _, waited), stage, at_ns in taken if (name, stage) == (number, RENDER)
    )
    return sum(at_ns - 1_000_000 * waited_ms < other < at_ns for (name, _, _), _, other in taken if name != number)


async def _seen(reader: Marks, seen: list[Mark], enough: Any) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while True:
        seen += reader.new()
        if enough(seen):
            return
        if time.monotonic() > deadline:
            raise TimeoutError("the single project's render did not begin")
        await asyncio.sleep(0.005)
