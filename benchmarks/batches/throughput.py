"""How well a batch of real videos uses the machine: wall time against the CPU time that the videos themselves need.

Scripts, pictures and voices come from a service that takes its time for each answer, and the videos go to one.  The work is
what children do: they read along with the voice for its word times, check pictures, draw and encode.  What the workers
need beside it is no work.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.batches.cpu import WORKER, machine_busy_s, watched
from benchmarks.batches.site import opened
from benchmarks.stage import BenchmarkError
from benchmarks.valkey import Server
from jobs.client import connect
from jobs.pipeline import SPECS
from reelqueue.models.stage import Stage
from reelqueue.sandbox import Sandbox, open_sandbox

ALL = 10_000_000
MOST_SECONDS = 3_600
TOPICS = ("tides", "bread", "tea", "glass", "bees", "salt", "maps", "ink", "silk", "snow")


async def throughput(server: Server, home: Path, *, projects: int, seconds: int, latency_s: float) -> dict[str, Any]:
    """Make so many videos of so many seconds, to their publication.

    Raises:
        BenchmarkError: some were not published.
    """
    async with open_sandbox(home / "sandbox") as sandbox:
        _slow(sandbox, latency_s)
        environment = sandbox.settings() | {
            "REELQUEUE_PRESENTER_PROVIDER": "local",
            "DAILY_COST_CAP_USD": "0",
            "PROJECT_COST_CAP_USD": "0",
        }
        async with opened(server, home, "throughput", environment) as site, connect(site.settings) as queue:
            video, batch = site.start("VideoWorker"), site.start("BatchWorker")
            briefs = [
                {
                    "topic": f"How {TOPICS[n % len(TOPICS)]} changed the world, part {n + 1}",
                    "language": "en",
                    "duration_s": seconds,
                }
                for n in range(projects)
            ]
            made = await queue.create_batch(briefs)
            await asyncio.sleep(3)  # the workers have started
            async with watched([video.pid, batch.pid]) as cpu:
                began, busy_s = time.monotonic(), machine_busy_s()
                await queue.start_batch(made.batch_id)
                result = await site.while_they_live(queue.wait_batch(made.batch_id, timeout=MOST_SECONDS))
                wall_s, busy_s = time.monotonic() - began, machine_busy_s() - busy_s
            states = [await queue.get_project(number) for number in made.project_ids]
    if result["completed"] != projects:
        raise BenchmarkError(f"{projects - result['completed']} of {projects} were not published: see {site.folder}")
    used, cores = cpu.by_kind(), psutil.cpu_count() or 1
    work = sum(seconds for kind, seconds in used.items() if kind != WORKER)
    return {
        "projects": projects,
        "seconds": seconds,
        "latency_s": latency_s,
        "cores": cores,
        "wall_s": wall_s,
        "cpu_s": used,
        "wall_by_render": wall_s * cores / used["render"],
        "others_s": max(0.0, busy_s - sum(used.values())),
        "wall_by_work": wall_s * cores / work,
        "wall_by_ours": wall_s * cores / sum(used.values()),
        "usd": sum(one.cost_usd for state in states for one in state.usage),
        "stages_s": {str(stage): sum(state.stages[stage].duration_s or 0 for state in states) for stage in Stage},
        "loads": {str(stage): str(spec.load) for stage, spec in SPECS.items()},
    }


def _slow(sandbox: Sandbox, latency_s: float) -> None:
    sandbox.youtube.caps.update({"uploads": ALL, "units": ALL})
    for service in ("gemini", "youtube", "oauth"):
        sandbox.faults.order(service=service, call="*", kind="slow", seconds=latency_s, times=ALL)
