"""What CPU time processes use, by what they are for: looked at ten times a second, since children come and go.

A child that ends between two looks keeps what it used since the last one to itself, so the sums are a little low.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import psutil

LOOK_SECONDS, FIND_SECONDS = 0.1, 0.3
WORK = {
    "reelqueue.media.encode": "render",
    "ffmpeg": "render",
    "reelqueue.providers.alignment": "voice",
    "reelqueue.providers.local.voice": "voice",
    "reelqueue.media": "pictures",
}
"""What a part of a command line says that a process is for; the first that fits."""
WORKER = "worker"


class Cpu:
    """Seconds of user and system time by what they went into; `worker` is the workers' own, all stages together."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, float], tuple[str, float]] = {}

    def look(self, processes: Sequence[psutil.Process]) -> None:
        """Note how much each has used."""
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                key = (process.pid, process.create_time())
                used = process.cpu_times()
                kind = self._seen[key][0] if key in self._seen else _kind(process.cmdline())
                self._seen[key] = (kind, used.user + used.system)

    def by_kind(self) -> dict[str, float]:
        """The sums so far."""
        sums: Counter[str] = Counter()
        for kind, seconds in self._seen.values():
            sums[kind] += seconds
        return dict(sums)


def machine_busy_s() -> float:
    """CPU seconds of the whole machine so far, in which it did something for anybody; what its host took is among them."""
    found = psutil.cpu_times()
    return float(
        sum(found) - found.idle - getattr(found, "iowait", 0.0) - getattr(found, "guest", 0.0) - getattr(found, "guest_nice", 0.0)
    )


def _kind(command: Sequence[str]) -> str:
    line = " ".join(command)
    return next((kind for part, kind in WORK.items() if part in line), WORKER)


@contextlib.asynccontextmanager
async def watched(pids: Sequence[int]) -> AsyncIterator[Cpu]:
    """What these processes and their descendants use while the block runs."""
    cpu = Cpu()
    watching = asyncio.create_task(_watch(cpu, pids))
    try:
        yield cpu
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _watch(cpu: Cpu, pids: Sequence[int]) -> None:
    while True:
        processes = await asyncio.to_thread(_families, pids)
        for _ in range(round(FIND_SECONDS / LOOK_SECONDS)):
            await asyncio.to_thread(cpu.look, processes)
            await asyncio.sleep(LOOK_SECONDS)


def _families(pids: Sequence[int]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            first = psutil.Process(pid)
            found += [first, *first.children(recursive=True)]
    return found
