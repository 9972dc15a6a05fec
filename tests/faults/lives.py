"""One process's life, for tests that kill it: all workers of a small installation in one process, or one request of an app.

    python -m tests.faults.lives work
    python -m tests.faults.lives ask '["cancel", [1], {}]'

LIVES_PASSED names a file where each point that is passed is noted.  `work` goes on until SIGTERM, under which it hands its jobs back at once.  Its stages are the real ones, but for the video and its
thumbnail, which nobody looks at: the bytes of a video are those that `video_of` says.  A video stays in the making until LIVES_GO
is there.
"""

# ruff: noqa: PLC0415 - settings are read while some of these modules load

import asyncio
import hashlib
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

MIB = 1024 * 1024
VIDEO_BYTES = 8 * MIB + 300_000
"""Two chunks."""
CAPTIONS = b"1\n00:00:00,000 --> 00:00:01,000\nx\n"


def video_of(number: int) -> bytes:
    """A project's video."""
    return hashlib.sha256(str(number).encode()).digest() * (VIDEO_BYTES // 32)


def _small_stages() -> dict[str, Any]:
    from jobs.pipeline import PIPELINE
    from jobs.runner import StageInputs, StageOutcome, StageRun, StageWork, run_stage
    from reelqueue.models.stage import Stage
    from tests.faults.cloud import jpeg

    go = Path(os.environ["LIVES_GO"])

    async def inputs(given: StageInputs) -> dict[str, Any]:
        return {"script": given.made(Stage.SCRIPT), "assets": given.made(Stage.ASSETS)}

    async def render(run: StageRun) -> StageOutcome:
        while not go.exists():
            await asyncio.sleep(0.01)
        part = run.files.output / f"video.{run.project.fence}.part"
        await run.hold("video")
        part.write_bytes(video_of(run.project.project_id))
        video = await run.blobs.put("output/final_video.mp4", part)
        captions = await run.blobs.write("output/captions.srt", CAPTIONS)
        return StageOutcome({"video_path": str(run.files.video)}, (video, captions))

    async def thumbnail(run: StageRun) -> StageOutcome:
        return StageOutcome({}, (await run.blobs.write("output/thumbnail.jpg", jpeg()),))

    def job(stage: Stage, work: StageWork) -> Any:
        async def run(ctx: Any, project_id: int, chain: bool = True) -> dict[str, Any]:
            return await run_stage(ctx, project_id, stage, work, chain=chain)

        return run

    works = {Stage.RENDER: StageWork(inputs, render), Stage.THUMBNAIL: StageWork(inputs, thumbnail)}
    return {spec.job: job(spec.stage, works[spec.stage]) for spec in PIPELINE if spec.stage in works}


def _workers() -> list[Any]:
    from arq.worker import get_kwargs

    import worker_settings
    from jobs import hooks
    from jobs.hooks import job_function
    from jobs.maintenance import outbox
    from jobs.worker import Worker
    from reelqueue.providers.alignment import aligner

    async def by_pauses(_self: Any, heard: Any, _part: Any, request: Any) -> Any:
        return await asyncio.to_thread(aligner._estimated, heard, request.text)

    hooks.RENEW_SECONDS = outbox.SELDOM_SECONDS = 0.5  # a test need not wait
    aligner.Aligner._timed = by_pauses  # type: ignore[method-assign]  # no child that times words
    small = _small_stages()
    found = []
    for name in os.environ["LIVES_WORKERS"].split(","):
        known = get_kwargs(getattr(worker_settings, name))
        functions = [job_function(one.name, small[one.name]) if one.name in small else one for one in known["functions"]]
        found.append(Worker(**(known | {"functions": functions, "handle_signals": False, "drain_seconds": 0.0})))
    return found


async def _work() -> None:
    workers, loop = _workers(), asyncio.get_running_loop()

    def end() -> None:
        for worker in workers:
            worker.handle_sig(signal.SIGTERM)

    loop.add_signal_handler(signal.SIGTERM, end)
    try:
        await asyncio.gather(*(worker.async_run() for worker in workers))
    finally:
        for worker in workers:
            await worker.close()


async def _ask(name: str, args: list[Any], named: dict[str, Any]) -> None:
    from jobs.client import connect
    from reelqueue.settings import read_settings

    async with connect(read_settings()) as queue:
        await getattr(queue, name)(*args, **named)


class _Noted(dict[str, Any]):
    """Nothing is armed; who looks whether something is, is noted."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def get(self, name: str, default: Any = None) -> Any:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
        return default


def main() -> None:
    """Live."""
    from reelqueue import failpoints
    from reelqueue.telemetry import configure

    if passed := os.environ.get("LIVES_PASSED"):
        failpoints._armed = _Noted(Path(passed))
    configure(level="info", log_format="json", stream=sys.stderr)
    with asyncio.Runner(loop_factory=importlib.import_module("uvloop").new_event_loop) as runner:
        match sys.argv[1:]:
            case ["work"]:
                runner.run(_work())
            case ["ask", what]:
                runner.run(_ask(*json.loads(what)))


if __name__ == "__main__":
    main()
