"""How late events reach many readers: `python -m benchmarks fanout [--json] [--readers 1 100 1000] [--seconds 10] [--only inside,http]`.

The method, and how to read the figures, is in docs/benchmarks.md.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import structlog

from benchmarks.boards.load import Board, board, set_up
from benchmarks.queue import machine
from benchmarks.valkey import Server, served
from benchmarks.venvs import HOME

A_SECOND = 20.0
TOPICS = 20
READERS = (1, 100, 1_000)


def main(given: list[str] | None = None) -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fanout", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the raw figures and the machine, as JSON")
    parser.add_argument("--readers", type=int, nargs="+", default=list(READERS))
    parser.add_argument("--seconds", type=float, default=10.0, help="how long is told in each trial")
    parser.add_argument("--only", default="inside,http", help="inside: readers in the hub's process; http: over HTTP; or both")
    parser.add_argument("--realtime", action="store_true", help="before all else that runs here (root only): for a busy machine")
    options = parser.parse_args(given)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if options.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))  # what we start inherits it
    HOME.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="fanout-", dir=HOME))
    try:
        with served(home) as server:
            found = {"machine": machine(server), "trials": asyncio.run(measure(options, server, home))}
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(json.dumps(found, indent=1) if options.json else shown(found))


async def measure(options: argparse.Namespace, server: Server, home: Path) -> list[dict[str, Any]]:
    """Everything, one after the other."""
    found: list[dict[str, Any]] = []
    for count in options.readers if "inside" in options.only else ():
        for form, loop in (("page", "asyncio"), ("page", "uvloop"), ("topic", "uvloop")):
            found.append(await inside(server, form, loop, count, options.seconds))
    if "http" in options.only:
        await set_up(home / "data", TOPICS)
        async with board(home / "data", server.url()) as serving:
            found += [
                await over_http(server, serving, form, count, options.seconds)
                for count in options.readers
                for form in ("page", "topic")
            ]
    return found


async def inside(server: Server, form: str, loop: str, count: int, seconds: float) -> dict[str, Any]:
    """Readers in the process of the hub."""
    _say(f"{count:,} readers, {form}, in the process of the hub, {loop}")
    server.empty()
    async with _asked("benchmarks.fanouts.inside", server.url(), form, loop, str(count), str(TOPICS)) as readers:
        before = await readers.report()
        told = await _told(server, seconds)
        report = await readers.report()
    cpu = 100 * (report.pop("cpu_s") - before["cpu_s"]) / seconds
    return {
        "where": "inside",
        "form": form,
        "loop": loop,
        "readers": count,
        "due": _due(form, told, count),
        "cpu_percent": cpu,
    } | report


async def over_http(server: Server, serving: Board, form: str, count: int, seconds: float) -> dict[str, Any]:
    """Readers of the board's streams."""
    _say(f"{count:,} readers, {form}, over HTTP")
    topics = range(1, TOPICS + 1)
    paths = (
        [f"/live?topics={','.join(map(str, topics))}"] if form == "page" else [f"/api/projects/{one}/events" for one in topics]
    )
    async with _asked("benchmarks.fanouts.sockets", str(serving.port), str(count), *paths) as readers:
        await readers.report()
        telling = asyncio.create_task(_told(server, seconds))
        cpu = await serving.cpu_percent(seconds - 1)
        told = await telling
        report = await readers.report()
    return {"where": "http", "form": form, "readers": count, "due": _due(form, told, count), "cpu_percent": cpu} | report


def _due(form: str, told: int, count: int) -> int:
    """How many deliveries there have to be: a reader of one topic hears a share of all."""
    return told * count if form == "page" else told * count // TOPICS


async def _told(server: Server, seconds: float) -> int:
    command = (sys.executable, "-m", "benchmarks.fanouts.publisher", server.url(), str(TOPICS), str(A_SECOND), str(seconds))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    said, _ = await process.communicate()
    await asyncio.sleep(1.0)  # what was told last may still be on its way: no state says that it came
    return int(said)


class Asked:
    """A process full of readers."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def line(self) -> bytes:
        """What it says next."""
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            return await self._process.stdout.readline()

    async def report(self) -> dict[str, Any]:
        """What came since the last report."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return dict(json.loads(await self.line()))


@contextlib.asynccontextmanager
async def _asked(module: str, *given: str) -> AsyncIterator[Asked]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *given, stdin=PIPE, stdout=PIPE)
    found = Asked(process)
    try:
        if not (await found.line()).startswith(b"open"):
            raise RuntimeError(f"{module} did not open its readers")
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            process.terminate()
        await process.wait()


def shown(found: dict[str, Any]) -> str:
    """Two tables."""
    lines = [
        str(found["machine"]),
        "",
        "| readers, in the hub's process | each hears | loop | deliveries | of | p50 ms | p95 ms | p99 ms | CPU % |",
    ]
    lines.append("| --- " * 9 + "|")
    lines += [_row((one["readers"], one["form"], one["loop"]), one, [one]) for one in found["trials"] if one["where"] == "inside"]
    lines += [
        "",
        "| readers, over HTTP | each hears | deliveries | of | in the socket p50 | p95 | p99 ms | read p50 | p95 | p99 ms | CPU % |",
    ]
    lines.append("| --- " * 11 + "|")
    lines += [
        _row((one["readers"], one["form"]), one, [one["there"], one["read"]]) for one in found["trials"] if one["where"] == "http"
    ]
    return "\n".join(lines)


def _row(head: Sequence[Any], one: dict[str, Any], late: Sequence[dict[str, Any]]) -> str:
    figures = [part.get(key, "–") for part in late for key in ("p50_ms", "p95_ms", "p99_ms")]
    cells = [*head, f"{one['deliveries']:,}", f"{one['due']:,}", *figures, round(one["cpu_percent"])]
    return "| " + " | ".join(map(str, cells)) + " |"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
