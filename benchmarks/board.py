"""The board: `python -m benchmarks board [--json] [--readers 1000] [--projects 10000] [--seconds 20]`.

The method, and how to read the figures, is in docs/benchmarks.md.
"""

import argparse
import asyncio
import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import structlog

from benchmarks.boards.load import Board, asked, board, readers, set_up, told
from benchmarks.queue import machine
from benchmarks.valkey import Server, served
from benchmarks.venvs import HOME

RATES = (5.0, 20.0)
ASKS = 200


def main(given: list[str] | None = None) -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks board", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the raw figures and the machine, as JSON")
    parser.add_argument("--readers", type=int, default=1_000)
    parser.add_argument("--projects", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long is told at each rate")
    parser.add_argument("--realtime", action="store_true", help="before all else that runs here (root only): for a busy machine")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder with its logs")
    options = parser.parse_args(given)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if options.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))  # what we start inherits it
    HOME.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="board-", dir=HOME))
    try:
        with served(home) as server:
            found = {"machine": machine(server)} | asyncio.run(measure(options, server, home))
    finally:
        if not options.keep:
            shutil.rmtree(home, ignore_errors=True)
    print(json.dumps(found, indent=1) if options.json else shown(found))


async def measure(options: argparse.Namespace, server: Server, home: Path) -> dict[str, Any]:
    """Everything, one after the other."""
    _say(f"{options.projects:,} projects are made")
    running = await set_up(home / "data", options.projects)
    found: dict[str, Any] = {"projects": options.projects, "readers": options.readers, "seconds": options.seconds}
    async with board(home / "data", server.url()) as under_load:
        found["first_list"] = await asked(under_load, ["/api/projects?limit=50"], 1)
        _say("it is asked, and rests")
        found["asked"] = await pages(under_load, running)
        found["rest"] = {"cpu_percent": round(await under_load.cpu_percent(), 2), "memory_mb": round(under_load.memory_mb)}
        found["streams"] = {
            "pages": await streams(under_load, server, f"/live?topics={','.join(map(str, running))}", running, options),
            "one project": await streams(under_load, server, f"/api/projects/{running[0]}/events", running[:1], options),
        }
    return found


async def pages(under_load: Board, running: list[int]) -> dict[str, dict[str, float]]:
    """How long answers take."""
    middle = running[0] // 2
    lists = ["/projects", f"/projects?after={middle}", "/projects?status=completed", "/projects?q=%E6%BD%AE%E6%B1%90+77"]
    api = ["/api/projects?limit=50", f"/api/projects?limit=50&after={middle}", "/api/projects?limit=50&status=completed"]
    return {
        "list": await asked(under_load, lists, ASKS),
        "API's list": await asked(under_load, api, ASKS),
        "overview": await asked(under_load, ["/"], ASKS // 4),
        "project": await asked(under_load, [f"/projects/{number}" for number in running], ASKS // 2),
    }


async def streams(
    under_load: Board, server: Server, path: str, running: list[int], options: argparse.Namespace
) -> dict[str, Any]:
    """How late events reach all readers of a path, and what that costs."""
    async with readers(under_load, path, options.readers) as crowd:
        _say(f"{options.readers:,} readers of {path[:40]} opened in {crowd.open_s:.1f} s")
        found: dict[str, Any] = {"open_s": crowd.open_s, "memory_mb": round(under_load.memory_mb)}
        found["quiet_cpu_percent"] = round(await under_load.cpu_percent(), 2)
        rates = RATES if len(running) > 1 else (2.0,)  # a stage tells twice a second
        for rate in rates:
            await crowd.report()
            telling = asyncio.create_task(told(server.url(), running, rate, options.seconds))
            cpu = await under_load.cpu_percent(options.seconds - 1)
            sent = await telling
            await asyncio.sleep(1.0)  # what was told last may still be on its way: no state says that it came
            report = await crowd.report()
            found[f"{rate:g} a second"] = {"told": sent, "cpu_percent": round(cpu, 1)} | report
        if len(running) > 1:
            telling = asyncio.create_task(told(server.url(), running, rates[0], options.seconds))
            found["list meanwhile"] = await asked(under_load, ["/projects", "/api/projects?limit=50"], ASKS // 2)
            await telling
    return found


def shown(found: dict[str, Any]) -> str:
    """A table."""
    lines = [str(found["machine"]), f"rest: {found['rest']}, the first list: {found['first_list']['p50_ms']} ms", ""]
    lines += ["| answer | p50 ms | p95 ms | p99 ms |", "| --- | --- | --- | --- |"]
    asks = found["asked"] | {
        f"list, {name} told": one["list meanwhile"] for name, one in found["streams"].items() if "list meanwhile" in one
    }
    lines += [f"| {name} | {one['p50_ms']} | {one['p95_ms']} | {one['p99_ms']} |" for name, one in asks.items()]
    lines += ["", "| readers of | told a second | deliveries | of | p50 ms | p95 ms | p99 ms | CPU % |", "| --- " * 8 + "|"]
    for name, one in found["streams"].items():
        for rate, told_ in one.items():
            if isinstance(told_, dict) and "told" in told_:
                due = told_["told"] * found["readers"]
                figures = " | ".join(str(told_.get(key, "–")) for key in ("p50_ms", "p95_ms", "p99_ms", "cpu_percent"))
                lines.append(f"| {name} | {rate.split()[0]} | {told_['deliveries']:,} | {due:,} | {figures} |")
        lines.append(f"| {name}, quiet | 0 | | | | | | {one['quiet_cpu_percent']} |")
    lines += ["", *(f"{name}: opened in {one['open_s']} s, {one['memory_mb']} MB" for name, one in found["streams"].items())]
    return "\n".join(lines)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
