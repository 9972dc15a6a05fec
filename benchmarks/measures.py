"""The measures, each of one queue in one variant."""

import asyncio
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders import OURS, Contender
from benchmarks.drive import Mark
from benchmarks.stage import BenchmarkError, Stage, cpu_seconds, family, kill, on_stage
from benchmarks.valkey import Server

LOOK_SECONDS = 0.02
SIBLING_SECONDS = 3.0
"""After the first worker is there the second one is, too."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.  `*_seconds` cap a queue that is slow, so that a run has an end."""

    rounds: int = 3
    jobs: int = 30
    jobs_seconds: float = 6.0
    chains: int = 8
    chains_seconds: float = 4.0
    backlog: int = 5_000
    backlog_seconds: float = 6.0
    backlog_rounds: int = 1
    idle_seconds: float = 4.0
    take_over_seconds: float = 60.0
    gap_seconds: tuple[float, float] = (0.03, 0.15)
    """Between two jobs, drawn evenly: the worker is idle again, and no poll keeps step with us."""


QUICK = Size(
    rounds=1,
    jobs=12,
    jobs_seconds=2.0,
    chains=4,
    chains_seconds=2.0,
    backlog=1_000,
    backlog_seconds=2.0,
    idle_seconds=1.0,
    take_over_seconds=25.0,
)


async def latency(stage: Stage, size: Size, *, idle: bool) -> dict[str, Any]:
    """Pick-up and chain of one worker, in seconds, and what it costs while it has nothing to do."""
    worker = await stage.start_worker()
    await stage.ready()
    found: dict[str, Any] = {}
    if idle:
        await asyncio.sleep(0.5)  # what follows the first job is over
        found |= await cost(worker.pid, stage.server, size.idle_seconds)
    found["pick_up_s"] = await stage.order(do="spaced", function="noop", gaps=_gaps(size, size.jobs), seconds=size.jobs_seconds)
    found["chain_s"] = await stage.order(do="spaced", function="step", gaps=_gaps(size, size.chains), seconds=size.chains_seconds)
    return found


async def commits(stage: Stage, size: Size) -> dict[str, Any]:
    """The chain of a real project, in seconds: all of it, and what is left without the stages' own work."""
    await stage.start_worker()
    await stage.ready()
    await stage.order(do="spaced", function="step", gaps=_gaps(size, 1), seconds=size.chains_seconds)  # what is loaded once
    marks = stage.marks
    total = await stage.order(do="spaced", function="step", gaps=_gaps(size, size.chains), seconds=size.chains_seconds, first=1)
    worked = working(marks.new())
    return {
        "committed_chain_s": total,
        "overhead_s": [None if whole is None else whole - worked[f"step-{n}"] for n, whole in enumerate(total, start=1)],
    }


def working(marks: Iterable[Mark]) -> dict[str, float]:
    """Seconds of work per project, by its marks `NAME/begins` and `NAME/ends`."""
    seconds: dict[str, float] = {}
    for found in marks:
        name, _, what = found.job.partition("/")
        if what:
            seconds[name] = seconds.get(name, 0.0) + (found.at_ns if what == "ends" else -found.at_ns) / 1e9
    return seconds


def _gaps(size: Size, count: int) -> list[float]:
    return [random.uniform(*size.gap_seconds) for _ in range(count)]


async def cost(pid: int, server: Server, seconds: float) -> dict[str, float]:
    """Percent of one core, and commands a second."""
    commands, cpu, began = server.commands(), cpu_seconds(pid), time.monotonic()
    await asyncio.sleep(seconds)
    lasted = time.monotonic() - began
    used = cpu_seconds(pid) - cpu
    return {
        "idle_cpu_percent": 100 * used / lasted,
        "idle_commands_a_second": max(0, server.commands() - commands - 1) / lasted,
    }


async def backlog(stage: Stage, size: Size) -> dict[str, Any]:
    """Jobs a second from a backlog, by the jobs' own first lines; the worker's start does not count."""
    marks = stage.marks
    enqueued_s = await stage.order(do="backlog", count=size.backlog)
    await stage.start_worker()
    found: list[Mark] = []
    waited = time.monotonic() + 30
    while len(found) < size.backlog and (not found or _since(found[0]) < size.backlog_seconds) and time.monotonic() < waited:
        await asyncio.sleep(LOOK_SECONDS)
        found += marks.new()
    return {"enqueued_a_second": size.backlog / enqueued_s, "jobs": len(found), "jobs_a_second": rate(found)}


def _since(first: Mark) -> float:
    return time.monotonic() - first.at_ns / 1e9


def rate(marks: list[Mark]) -> float:
    """Jobs a second between the first mark and the last."""
    times = sorted(found.at_ns for found in marks)
    return 0.0 if len(times) < 2 else (len(times) - 1) / ((times[-1] - times[0]) / 1e9)


async def take_over(stage: Stage, size: Size) -> dict[str, Any]:
    """Seconds from the SIGKILL of a worker, its children with it, until a sibling runs its job; None: not in time."""
    supervised = stage.contender.name == OURS and stage.variant == "best"
    for _ in range(1 if supervised else 2):
        await stage.start_worker()
    await stage.ready()
    await asyncio.sleep(SIBLING_SECONDS)
    marks = stage.marks
    await stage.order(do="stay")
    first = await marks.until("stay", 0, seconds=20)
    if first is None:
        return {"take_over_s": None, "note": "the long job did not start"}
    families = [family(first.pid)] if supervised else [family(worker.pid) for worker in stage.workers]
    victims = next(members for members in families if first.pid in {one.pid for one in members})
    killed = time.monotonic()
    kill(victims)
    second = await marks.until("stay", 0, seconds=size.take_over_seconds)
    return {"take_over_s": None if second is None else second.at_ns / 1e9 - killed}


async def take_overs(
    contenders: Mapping[Contender, tuple[str, ...]], server: Server, home: Path, size: Size
) -> list[dict[str, Any]]:
    """All at once, each in a database of its own: they wait most of the time, and are told in seconds."""

    async def one(contender: Contender, variant: str, database: int) -> dict[str, Any]:
        trial = {"name": contender.name, "variant": variant}
        try:
            async with on_stage(contender, variant, server, home, database=database, measure="take-over") as stage:
                return trial | await take_over(stage, size)
        except BenchmarkError as error:  # the others are measured all the same
            return trial | {"error": str(error)}

    pairs = [(contender, variant) for contender, variants in contenders.items() for variant in variants]
    return await asyncio.gather(*(one(contender, variant, number + 1) for number, (contender, variant) in enumerate(pairs)))
