"""Batches: `python -m benchmarks batch [--json] [--quick] [--measures …]`.

The method, and how to read the figures, is in docs/benchmarks.md.
"""

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import structlog

from benchmarks.batches.cost import cost, cost_of_singles
from benchmarks.batches.renewal import renewal
from benchmarks.batches.report import shown
from benchmarks.batches.single import single
from benchmarks.batches.throughput import throughput
from benchmarks.queue import machine
from benchmarks.valkey import Server, served
from benchmarks.venvs import HOME

MEASURES = ("throughput", "cost", "single", "renewal")
SIZES = (10, 100, 1_000, 5_000)
QUICK_SIZES = (10, 100, 500)


def main(given: list[str] | None = None) -> None:
    """Measure, and print what was found."""
    asked = _parse(given)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    HOME.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="batch-", dir=HOME))
    try:
        with served(home) as server:
            found = {"machine": machine(server)} | asyncio.run(measure(asked, server, home))
    finally:
        if not asked.keep:
            shutil.rmtree(home, ignore_errors=True)
    print(json.dumps(found, indent=1) if asked.json else shown(found))


def _parse(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks batch", description=__doc__)
    parser.add_argument("--json", action="store_true", help="all raw figures and the machine, as JSON")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter ones: a look, some minutes")
    parser.add_argument("--measures", nargs="+", choices=MEASURES, default=MEASURES)
    parser.add_argument("--projects", type=int, help="videos of the throughput (20; quick: 6)")
    parser.add_argument("--seconds", type=int, help="length of each (60; quick: 20)")
    parser.add_argument("--latency", type=float, default=5.0, help="seconds that a service takes for each answer (5)")
    parser.add_argument("--queued", type=int, nargs="+", help="sizes of the batches whose cost is measured (10 100 1000 5000)")
    parser.add_argument("--waiting", type=int, help="projects that wait while hints are renewed (10,000; quick: 1,000)")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder with its logs")
    return parser.parse_args(given)


async def measure(asked: argparse.Namespace, server: Server, home: Path) -> dict[str, Any]:
    """What was asked for, one after the other."""
    quick, found = asked.quick, {}
    if "throughput" in asked.measures:
        _say("throughput")
        projects, seconds = asked.projects or (6 if quick else 20), asked.seconds or (20 if quick else 60)
        found["throughput"] = await throughput(server, home, projects=projects, seconds=seconds, latency_s=asked.latency)
    if "cost" in asked.measures:
        found["cost"] = []
        for size in asked.queued or (QUICK_SIZES if quick else SIZES):
            _say(f"cost of a project, {size} queued")
            found["cost"].append(await cost(server, home, projects=size))
            found["cost"].append(await cost_of_singles(server, home, projects=size))
    if "single" in asked.measures:
        _say("a single project in the midst of a batch")
        found["single"] = await single(server, home, batch_of=100 if quick else 500, singles=5 if quick else 20, stage_s=0.3)
    if "renewal" in asked.measures:
        _say("renewal")
        found["renewal"] = await renewal(server, home, projects=asked.waiting or (1_000 if quick else 10_000))
    return found


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
