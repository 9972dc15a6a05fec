"""`sync_quotas` as a worker has it, on the sandbox of Google: captions follow, and both count the same."""

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.client import open_queue
from jobs.context import Service
from jobs.maintenance.quotas import sync_quotas
from jobs.pipeline import MAINTENANCE
from jobs.stages import StageRun
from jobs.transitions import done, parked
from jobs.video.upload import publish
from reelqueue.bootstrap import open_service
from reelqueue.errors import QuotaExhausted
from reelqueue.models.buckets import UNITS, UPLOADS, youtube_client
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.sandbox import Sandbox, open_sandbox
from reelqueue.settings import Settings
from storage import Bucket, Debts
from storage.ledger import pacific_day

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
SCRIPT = Script(
    intro=Part(text="Hello.", duration=5),
    segments=(Segment(index=1, text="Tides.", duration=5, image_description="sea"),),
    outro=Part(text="Bye.", duration=5),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=15,
    language="en",
)


class Quiet:
    """Nobody listens."""

    async def tell(self, *_args: Any) -> None:
        pass

    async def retrying(self, *_args: Any) -> None:
        pass


@pytest.fixture
async def sandbox(tmp_path) -> AsyncIterator[Sandbox]:
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


@pytest.fixture
def world(sandbox, settings):
    """A worker's service under changed settings, and its Redis."""
    values = {name.lower(): value for name, value in sandbox.settings().items() if name.lower() in Settings.model_fields}

    @contextlib.asynccontextmanager
    async def opened(**changes) -> AsyncIterator[tuple[Service, Any]]:
        ours = {name: getattr(settings, name) for name in ("redis_url", "data_dir", "reelqueue_language", "retry_delays")}
        given = Settings(_env_file=None, **(ours | values | changes))
        async with open_queue(given) as client, open_service(given, queue=MAINTENANCE, redis=client.redis) as service:
            yield service, client.redis

    return opened


@pytest.fixture
def client(sandbox):
    return youtube_client(sandbox.oauth.client.client_id)


async def ready(service: Service) -> int:
    """A project that has only to be published."""
    local = dict.fromkeys(("script", "image", "voice", "presenter"), "local")
    state = await service.projects.create({"topic": "Tides", "providers": local})
    async with await service.projects.take_over(state.project_id) as held:
        made = {
            Stage.SCRIPT: {"script.json": SCRIPT.model_dump_json().encode()},
            Stage.ASSETS: {},
            Stage.RENDER: {
                "output/final_video.mp4": bytes(300_000),
                "output/captions.srt": b"1\n00:00:00,000 --> 00:00:01,000\nTides.\n",
            },
            Stage.THUMBNAIL: {"output/thumbnail.jpg": JPEG},
        }
        for stage, files in made.items():
            artifacts = tuple([await held.blobs.write(name, body) for name, body in files.items()])
            await held.commit(lambda s, n=stage, a=artifacts: s.with_stage(n, status=StageStatus.DONE, artifacts=a))
    return state.project_id


async def published(service: Service, number: int) -> None:
    """The upload stage, carried out and done."""
    async with await service.projects.take_over(number) as held:
        await held.commit(lambda s: s.with_stage(Stage.UPLOAD, status=StageStatus.RUNNING).replace(status=ProjectStatus.RUNNING))
        run = StageRun(
            stage=Stage.UPLOAD, attempt=1, language="en", choice=service.choice, tools=service.tools, lease=held, teller=Quiet(),
            rules=service.rules, timeout_s=3600, spender=service.spender(number, held.state.brief), debts=Debts(service.paths.owed),
        )  # fmt: skip
        outcome = await publish(run)
        change = done(
            Stage.UPLOAD, datetime.now(UTC), fingerprint="f", result=outcome.result, artifacts=(), warnings=tuple(run.warnings),
            skipped=False, chain=True,
        )  # fmt: skip
        await held.commit(change)


async def used(service: Service, client: str) -> dict[str, int]:
    today = pacific_day(datetime.now(UTC))
    return {name: int((await service.ledger.account(Bucket(client, name, today))).used) for name in (UPLOADS, UNITS)}


async def test_captions_for_which_there_was_no_quota_follow_once_there_is(world, sandbox, client):
    async with world(youtube_daily_quota=300) as (service, _):
        await published(service, await ready(service))
        starved = await service.projects.load(1)
        owed = await Debts(service.paths.owed).all()
    [video] = sandbox.youtube.videos.values()
    without = list(video.captions)

    async with world() as (service, redis):
        answer = await sync_quotas({"service": service, "redis": redis})
        again = await sync_quotas({"service": service, "redis": redis})
        state, ours = await service.projects.load(1), await used(service, client)
        kept = json.loads(await redis.get("quota:youtube"))

    assert (starved.status, owed, without) == (ProjectStatus.COMPLETED, [1], [])
    assert [said for said in starved.stages[Stage.UPLOAD].warnings if said.startswith("captions follow later")]
    assert (answer["captions"]["sent"], again["captions"], len(video.captions)) == (
        [1],
        {"sent": [], "refused": [], "owed": []},
        1,
    )
    assert (state.stages[Stage.UPLOAD].warnings, answer["reconciled"]) == ((), True)
    assert len(sandbox.journal.calls("youtube", "captions.insert")) == 1
    theirs = sandbox.youtube.quota.used(sandbox.oauth.client.project)
    assert ours == {UPLOADS: theirs["uploads"], UNITS: theirs["units"]}
    assert {one["bucket"]: one["used"] for one in kept["buckets"]} == ours | {"closed": 0}


async def test_what_another_program_used_holds_the_next_upload_back_before_anything_is_sent(world, sandbox, client):
    sandbox.youtube.quota.use(sandbox.oauth.client.project, "uploads", 100)
    async with world() as (service, redis):
        answer = await sync_quotas({"service": service, "redis": redis})
        number = await ready(service)
        with pytest.raises(QuotaExhausted):
            await published(service, number)

    assert answer["services"]["publisher"]["remaining"] == 0
    assert sandbox.journal.calls("youtube") == []


async def test_a_project_that_waits_for_uploads_goes_on_when_the_limit_is_raised(world, sandbox, client):
    async with world(youtube_daily_uploads=1) as (service, redis):
        for _ in range(2):
            await ready(service)
        await published(service, 1)
        with pytest.raises(QuotaExhausted) as full:
            await published(service, 2)
        await service.projects.change(2, parked(Stage.UPLOAD, full.value, chain=True))
        before = await sync_quotas({"service": service, "redis": redis})

    async with world(youtube_daily_uploads=2) as (service, redis):
        raised = await sync_quotas({"service": service, "redis": redis})
        state = await service.projects.load(2)

    assert (before["woken"], raised["woken"], state.status) == ([], [2], ProjectStatus.QUEUED)


async def test_a_bucket_that_youtube_says_is_empty_is_asked_for_once_a_day(world, sandbox, client):
    sandbox.youtube.quota.use(sandbox.oauth.client.project, "uploads", 100)  # by another program, since we last looked
    async with world(google_service_account_file=None) as (service, redis):
        for _ in range(2):
            number = await ready(service)
            with pytest.raises(QuotaExhausted) as full:
                await published(service, number)
            await service.projects.change(number, parked(Stage.UPLOAD, full.value, chain=True))
        answer = await sync_quotas({"service": service, "redis": redis})

    assert (answer["woken"], answer["services"]["publisher"]["remaining"]) == ([], 0)
    assert [entry.status for entry in sandbox.journal.calls("youtube", "upload.open")] == [429]


async def test_no_secret_is_kept_in_redis(world, sandbox, redis_admin):
    async with world() as (service, redis):
        await published(service, await ready(service))
        await sync_quotas({"service": service, "redis": redis})

    secrets = [value for name, value in sandbox.settings().items() if name.endswith(("_SECRET", "_TOKEN", "_KEY"))]
    kept = [await redis_admin.dump(key) async for key in redis_admin.scan_iter()]
    assert secrets and not [secret for secret in secrets for value in kept if secret.encode() in value]
