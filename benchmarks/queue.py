"""Our queue beside the others, in one run on one machine: `python -m benchmarks queue [--json] [--only …] [--quick]`.

The method, and how to read the figures, is in docs/benchmarks.md.
"""

# Run by its path this file would stand in for the standard library's `queue`: then its folder must not come first.
import sys

if __name__ == "__main__" and not __package__:
    sys.path[0] = sys.path[0].rpartition("/")[0]

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import platform
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.contenders import CONTENDERS, OURS, STOCK, VARIANTS, Contender
from benchmarks.figures import committed, rows
from benchmarks.measures import QUICK, Size, backlog, commits, latency, take_overs
from benchmarks.stage import BenchmarkError, on_stage
from benchmarks.table import sentence, table
from benchmarks.valkey import Server, served
from benchmarks.venvs import HOME, python, versions

MEASURES = ("latency", "backlog", "commits", "take-over")

STAGES = "benchmarks.peers.reelqueue_stages"


def main(given: list[str] | None = None) -> None:
    """Measure, and print what was found."""
    asked = _parse(given)
    size = QUICK if asked.quick else Size()
    if asked.rounds:
        size = dataclasses.replace(size, rounds=asked.rounds)
    chosen = tuple(contender for contender in CONTENDERS if not asked.only or contender.name in asked.only)
    if asked.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))  # what we start inherits it
    HOME.mkdir(exist_ok=True)
    for contender in chosen:
        python(contender)
    with _folder(keep=asked.keep) as home, served(home) as server:
        found = asyncio.run(measure(chosen, asked.variants, asked.measures, server, home, size))
        report = {"trials": found, "size": dataclasses.asdict(size), "machine": machine(server)}
    report["packages"] = {contender.name: versions(contender) for contender in chosen} if asked.json else {}
    shown = rows(found)
    if asked.json:
        report |= {"rows": [dataclasses.asdict(row) for row in shown], "committed": committed(found)}
        print(json.dumps(report, indent=1))
    else:
        print(report["machine"])
        print(table(shown, cap_s=size.take_over_seconds))
        print(sentence(committed(found)))


@contextlib.contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=HOME))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _parse(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks queue", description=__doc__)
    names = [contender.name for contender in CONTENDERS]
    parser.add_argument("--json", action="store_true", help="all raw figures, versions and the machine, as JSON")
    parser.add_argument("--quick", action="store_true", help="fewer of everything: a look, under two minutes")
    parser.add_argument("--only", nargs="+", choices=names, metavar="QUEUE", help=f"of {', '.join(names)}")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    parser.add_argument("--measures", nargs="+", choices=MEASURES, default=MEASURES)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--realtime", action="store_true", help="before all else that runs here (root only): for a busy machine")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder with its logs")
    return parser.parse_args(given)


async def measure(
    chosen: tuple[Contender, ...], variants: tuple[str, ...], measures: tuple[str, ...], server: Server, home: Path, size: Size
) -> list[dict[str, Any]]:
    """All trials: in each round each queue once, in another order."""
    pairs = [(contender, variant) for contender in chosen for variant in variants]
    pairs += [(contender, STOCK) for contender in chosen if contender.name == OURS and "latency" in measures]
    trials: list[dict[str, Any]] = []
    for turn in range(size.rounds):
        random.shuffle(pairs)
        for contender, variant in pairs:
            _say(f"round {turn + 1} of {size.rounds}: {contender.name}, {variant}")
            trial = {"name": contender.name, "variant": variant, "round": turn}
            try:
                async for figures in _trial(contender, variant, turn, measures, server, home, size):
                    trial |= figures
            except BenchmarkError as error:  # the others are measured all the same
                _say(str(error))
                trial["error"] = str(error)
            trials.append(trial)
    if "take-over" in measures:
        server.empty()
        _say("take-over after SIGKILL, all side by side")
        trials += await take_overs(dict.fromkeys(chosen, tuple(variants)), server, home, size)
    names, order = [contender.name for contender in chosen], [*VARIANTS, STOCK]
    trials.sort(key=lambda trial: (names.index(trial["name"]), order.index(trial["variant"])))
    return trials


async def _trial(
    contender: Contender, variant: str, turn: int, measures: Sequence[str], server: Server, home: Path, size: Size
) -> AsyncIterator[dict[str, Any]]:
    if "latency" in measures:
        server.empty()
        async with on_stage(contender, variant, server, home, measure="latency") as stage:
            yield await latency(stage, size, idle=turn == 0)
    if variant == STOCK:
        return
    if "backlog" in measures and turn < size.backlog_rounds:
        server.empty()
        crowd = contender.crowd if variant == "best" else 10
        async with on_stage(contender, variant, server, home, measure="backlog", concurrency=crowd) as stage:
            yield await backlog(stage, size)
    if "commits" in measures and (contender.name, variant) == (OURS, "best"):
        server.empty()
        async with on_stage(contender, variant, server, home, measure="commits", module=STAGES) as stage:
            yield await commits(stage, size)


def machine(server: Server) -> dict[str, Any]:
    """On what it was measured."""
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "system": platform.platform(),
        "cores": psutil.cpu_count(),
        "load": psutil.getloadavg(),
        "realtime": os.sched_getscheduler(0) == os.SCHED_RR,
        "python": platform.python_version(),
        "server": server.version(),
    }


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
