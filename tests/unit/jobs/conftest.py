"""Five small stages through the real runner, real arq workers and a real server."""

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from arq.connections import ArqRedis

from jobs.app import Queue
from jobs.batch.processing import batch_processing_task
from jobs.client import INSTANCE_KEY, connect, open_queue, redis_settings
from jobs.context import Rules, Service, Tools
from jobs.hooks import ENDLESS_TRIES, LONGEST_JOB_SECONDS, hooks, job_function
from jobs.maintenance.cleanup import cleanup
from jobs.maintenance.debug import debug_task
from jobs.maintenance.quotas import sync_quotas
from jobs.maintenance.recover import recover_interrupted, renew
from jobs.pipeline import BATCH, MAINTENANCE, PIPELINE, SPECS, VIDEO, Load
from jobs.runner import StageInputs, StageOutcome, StageRun, StageWork, run_stage
from jobs.wire import deserialize, serialize
from jobs.worker import Worker
from reelqueue.media.ffmpeg import Ffmpeg
from reelqueue.models.project import PUBLISH, ProjectState, Upload
from reelqueue.models.stage import Stage
from reelqueue.providers.local.publisher import LocalPublisher
from reelqueue.providers.protocols import Fixed
from reelqueue.settings import Settings
from reelqueue.wording import same, speak, spoken
from storage import Ledger, Paths, ProjectStore

BRIEF = {"topic": "How tides work"}
Act = Callable[[StageRun], Awaitable[None]]


class Stages:
    """Five stages that write a line each.

    `acts` says what else a stage does, `knobs` are inputs that a test may turn, `ran` counts the runs, `inside` is set
    while a stage is in `stay`.
    """

    def __init__(self) -> None:
        self.ran: Counter[Stage] = Counter()
        self.acts: dict[Stage, Act] = {}
        self.knobs: dict[Stage, Any] = {}
        self.inside = asyncio.Event()
        self.leave = asyncio.Event()
        self.stopped: list[Stage] = []

    def fail(self, stage: Stage, *errors: BaseException) -> None:
        """Let the next runs of a stage raise these, one each."""
        left = list(errors)

        async def act(_run: StageRun) -> None:
            if left:
                raise left.pop(0)

        self.acts[stage] = act

    async def stay(self, run: StageRun) -> None:
        """Stay in the stage until told to leave."""
        self.inside.set()
        try:
            await self.leave.wait()
        except asyncio.CancelledError:
            self.stopped.append(run.stage)
            raise

    def work(self, stage: Stage) -> StageWork:
        async def inputs(given: StageInputs) -> dict[str, Any]:
            needs = [given.project.stages[need].artifacts[0].sha256 for need in SPECS[stage].needs]
            return {"stage": stage, "needs": needs, "knob": self.knobs.get(stage)}

        async def work(run: StageRun) -> StageOutcome:
            self.ran[stage] += 1
            await run.tell(50, same("half"))
            if stage in self.acts:
                await self.acts[stage](run)
            artifact = await run.blobs.write(f"output/{stage}.txt", f"{stage} {self.knobs.get(stage)} {self.ran[stage]}".encode())
            if stage is Stage.UPLOAD:
                upload = Upload(marker="m", video_id=f"local-{run.project.project_id}", steps={PUBLISH: {}})
                await run.commit(lambda state: state.replace(upload=upload))
            return StageOutcome({"made": str(stage), "video_id": f"local-{run.project.project_id}"}, (artifact,))

        return StageWork(inputs, work)

    def job(self, stage: Stage) -> Callable[..., Any]:
        async def job(ctx: Any, project_id: int, chain: bool = True) -> dict[str, Any]:
            return await run_stage(ctx, project_id, stage, self.work(stage), chain=chain)

        return job


class Crew:
    """Real arq workers in this process."""

    def __init__(self, settings: Settings, stages: Stages) -> None:
        self.settings = settings
        self.stages = stages
        self.rules = Rules(language="en", retry_delays=settings.retry_delays, poison_after=settings.poison_after, keep_days=0)

    @contextlib.asynccontextmanager
    async def service(self, redis: ArqRedis, queue_name: str = VIDEO) -> AsyncIterator[Service]:
        names = ("script", "image", "voice", "presenter", "stand_in", "stand_in_presenter")
        makers = {name: SimpleNamespace(name="local", version="1") for name in names}
        async with open_queue(self.settings, redis=redis) as client:
            providers: Any = SimpleNamespace(publisher=LocalPublisher(client.paths.library_root), **makers)
            yield Service(
                queue_name=queue_name,
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
                rules=self.rules,
            )

    def worker(self, queue: str, *, burst: bool, renewing: bool = True) -> Worker:
        functions = {
            VIDEO: {spec.job: self.stages.job(spec.stage) for spec in PIPELINE},
            BATCH: {"batch_processing_task": batch_processing_task},
            MAINTENANCE: {"sync_quotas": sync_quotas, "recover_interrupted": recover_interrupted, "cleanup": cleanup},
        }[queue]

        async def nothing(_service: Service, _redis: ArqRedis) -> None:
            pass

        ours = hooks(lambda redis: self.service(redis, queue), renew if renewing else nothing)
        return Worker(
            functions=[job_function(name, job) for name, job in (functions | {"debug_task": debug_task}).items()],
            queue_name=queue,
            redis_settings=redis_settings(self.settings.redis_url.get_secret_value()),
            burst=burst,
            on_startup=ours.startup,
            on_shutdown=ours.shutdown,
            on_reconnect=ours.reconnect,
            known_by=INSTANCE_KEY,
            on_abort=ours.abort,
            allow_abort_jobs=True,
            handle_signals=False,
            max_jobs=10,
            cpu_jobs=[spec.job for spec in PIPELINE if spec.load is Load.CPU and queue == VIDEO],
            cpu_places=2,
            lease_seconds=self.settings.lease_seconds,
            drain_seconds=0.0,
            max_tries=ENDLESS_TRIES,
            job_timeout=LONGEST_JOB_SECONDS,
            keep_result=3600,
            job_serializer=serialize,
            job_deserializer=deserialize,
        )

    async def burst(self, queue: str = VIDEO, **rules: Any) -> None:
        """Work until the queue is empty; a job that waits for its time is none that a burst waits for."""
        async with asyncio.timeout(60), open_queue(self.settings) as client:
            while True:
                worker = self.worker(queue, burst=True, **rules)
                try:
                    await worker.async_run()
                finally:
                    await worker.close()
                if not await client.redis.zcard(queue):
                    return

    @contextlib.asynccontextmanager
    async def working(self, *queues: str) -> AsyncIterator[list[Worker]]:
        """Workers at work beside the test."""
        workers = [self.worker(queue, burst=False) for queue in queues or (VIDEO,)]
        tasks = [asyncio.create_task(worker.async_run()) for worker in workers]
        try:
            yield workers
        finally:
            for worker, task in zip(workers, tasks, strict=True):
                worker.handle_sig(signal.SIGTERM)
                await task
                await worker.close()


Look = Callable[[], Awaitable[Any]]


async def look_until(look: Look, what: str, *, seconds: float = 60.0) -> Any:
    """What `look` gives as soon as it gives something; there is nobody who could tell us."""
    deadline = time.monotonic() + seconds
    while not (seen := await look()):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.01)
    return seen


@pytest.fixture
def until() -> Callable[..., Awaitable[Any]]:
    return look_until


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    before = spoken()
    speak("en")
    yield
    speak(before)


@pytest.fixture
def stages() -> Stages:
    return Stages()


@pytest.fixture
def crew(settings: Settings, stages: Stages) -> Crew:
    return Crew(settings, stages)


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[Queue]:
    async with connect(settings) as opened:
        yield opened


@pytest.fixture
def store(settings: Settings) -> ProjectStore:
    return ProjectStore.reader(Paths(settings.data_dir))


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[ArqRedis]:
    async with open_queue(settings) as client:
        yield client.redis


@pytest.fixture
async def project(queue: Queue) -> ProjectState:
    return await queue.create_project(BRIEF)
