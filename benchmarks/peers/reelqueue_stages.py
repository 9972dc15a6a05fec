"""Ours once more: the same five-stage chain with what a project really needs, its commits on the disk and its events.

The stages' own work is a line in a file; everything else is as in production: the runner, `ProjectStore` with its fsyncs
and fences, `Publisher`, hints.  A stage marks where its work begins and ends, so that the rest is known.
"""

# ruff: noqa: E402 - `begin` comes first, as in `worker_settings`
from reelqueue.command import begin, take_over

begin()

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from arq.connections import ArqRedis
from pydantic import SecretStr

from benchmarks import drive
from benchmarks.drive import LAST_STAGE, REDIS, Enqueue, mark
from benchmarks.peers.reelqueue import BenchWorker, noop
from jobs.client import connect, open_queue
from jobs.context import Rules, Service, Tools
from jobs.hooks import ENDLESS_TRIES, LONGEST_JOB_SECONDS, hooks, job_function
from jobs.maintenance.recover import renew
from jobs.pipeline import PIPELINE, SPECS, VIDEO, Load
from jobs.runner import StageInputs, StageOutcome, StageRun, StageWork, run_stage
from jobs.worker import Worker
from reelqueue.media.ffmpeg import Ffmpeg
from reelqueue.models.project import Upload
from reelqueue.models.stage import Stage
from reelqueue.providers.protocols import Fixed
from reelqueue.settings import Settings
from reelqueue.wording import same
from storage import Ledger

PROJECTS = 40
"""As many as a round may start; made before it begins."""
settings = Settings(_env_file=None, redis_url=SecretStr(REDIS), data_dir=Path(os.environ.get("BENCH_FOLDER", "."), "data"))
take_over(Worker, settings, lambda _error: None)


async def inputs(given: StageInputs) -> dict[str, Any]:
    """What a fingerprint hangs on: the topic, and what was made before."""
    return {"topic": given.project.brief.topic, "stages": [str(stage) for stage in given.project.stages]}


def work(stage: Stage) -> StageWork:
    """A stage that writes a line."""

    async def worked(run: StageRun) -> StageOutcome:
        mark(f"{run.brief.topic}/begins", list(Stage).index(stage))
        await run.tell(50, same("half"))
        artifact = await run.blobs.write(f"output/{stage}.txt", f"{stage}\n".encode())
        if stage is Stage.UPLOAD:
            upload = Upload(marker="m", video_id=f"local-{run.project.project_id}")
            await run.commit(lambda state: state.replace(upload=upload))
        mark(f"{run.brief.topic}/ends", list(Stage).index(stage))
        return StageOutcome({"made": str(stage), "video_id": f"local-{run.project.project_id}"}, (artifact,))

    return StageWork(inputs, worked)


def job(stage: Stage) -> Callable[..., Awaitable[dict[str, Any]]]:
    """The stage's job; after the last one everything is committed and told."""
    made = work(stage)

    async def run(ctx: Any, project_id: int, chain: bool = True) -> dict[str, Any]:
        answer = await run_stage(ctx, project_id, stage, made, chain=chain)
        if SPECS[stage] is PIPELINE[-1]:
            state = await ctx["service"].projects.load(project_id)
            mark(str(state.brief.topic), LAST_STAGE)
        return answer

    return run


@asynccontextmanager
async def service(redis: ArqRedis) -> AsyncIterator[Service]:
    """As `reelqueue.bootstrap` opens it, without providers and tools."""
    names = ("script", "image", "voice", "presenter", "publisher", "stand_in", "stand_in_presenter")
    providers: Any = SimpleNamespace(**{name: SimpleNamespace(name="local", version="1") for name in names})
    async with open_queue(settings, redis=redis) as client:
        yield Service(
            queue_name=VIDEO,
            instance=client.instance,
            owner=client.owner,
            paths=client.paths,
            projects=client.projects,
            batches=client.batches,
            queue=client.queue,
            publisher=client.publisher,
            ledger=Ledger(client.paths),
            choice=Fixed(providers),
            tools=Tools(ffmpeg=Ffmpeg(Path("/nowhere"), "0")),
            rules=Rules(language="en"),
        )


_hooks = hooks(service, renew)


class StageWorker:
    """As `worker_settings.VideoWorker`, with stages that write a line each."""

    functions: ClassVar = [noop, *(job_function(spec.job, job(spec.stage)) for spec in PIPELINE)]
    queue_name = VIDEO
    on_startup, on_shutdown = staticmethod(_hooks.startup), staticmethod(_hooks.shutdown)
    max_jobs = settings.video_max_jobs + settings.video_wait_slots
    cpu_jobs: ClassVar = tuple(spec.job for spec in PIPELINE if spec.load is Load.CPU)
    cpu_places = settings.video_max_jobs
    redis_settings = BenchWorker.redis_settings
    job_serializer, job_deserializer = BenchWorker.job_serializer, BenchWorker.job_deserializer
    allow_abort_jobs = True
    job_timeout = LONGEST_JOB_SECONDS
    max_tries = ENDLESS_TRIES
    keep_result = BenchWorker.keep_result
    expires_extra_ms = BenchWorker.expires_extra_ms


def start() -> None:
    """One worker."""
    drive.run("-m", "arq", "benchmarks.peers.reelqueue_stages.StageWorker")


@asynccontextmanager
async def client() -> AsyncIterator[Enqueue]:
    """The door for app code, with projects that wait to be started."""
    async with open_queue(settings) as opened, connect(settings) as queue:
        topics = [f"step-{number}" for number in range(PROJECTS)]
        projects = {topic: (await queue.create_project({"topic": topic})).project_id for topic in topics}

        async def enqueue(function: str, name: str, *_stage: Any) -> None:
            if function == "step":
                await queue.start(projects[name])
            else:
                await opened.redis.enqueue_job(function, name, _queue_name=VIDEO)

        yield enqueue


if __name__ == "__main__":
    drive.main(start, client)
