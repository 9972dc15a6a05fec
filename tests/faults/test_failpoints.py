"""Every failpoint: a process dies, fails or hangs there, and those that come after it mend what it left.

FAILPOINT_SEED is of one run: which mode each point has, and at which time it happens.
"""

import os
import random
import shutil
from collections import Counter
from collections.abc import Collection, Iterable

import pytest
from pydantic import SecretStr

from jobs.client import connect
from jobs.pipeline import MAINTENANCE, QUEUES
from reelqueue.failpoints import MODES, POINTS
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.sandbox import open_sandbox
from reelqueue.settings import Settings
from storage import Debts, Paths
from tests.faults.chain import BRIEF, Chain
from tests.receiver import listening

MOST_TURNS = 3
MOST_ROUNDS = int(os.environ.get("FAILPOINT_TURNS", "80"))
SEED = int(os.environ.get("FAILPOINT_SEED") or random.SystemRandom().randrange(10_000))


@pytest.fixture
def lease_seconds():
    return 3.0


@pytest.fixture
def settings(redis_server, data_dir, lease_seconds):
    return Settings(
        _env_file=None, redis_url=SecretStr(redis_server), data_dir=data_dir, reelqueue_language="en", lease_seconds=lease_seconds
    )


@pytest.fixture
async def chain(settings, redis_admin, tmp_path):
    print(f"FAILPOINT_SEED={SEED}")  # noqa: T201 - of a failure
    async with open_sandbox(tmp_path / "sandbox") as sandbox, listening() as receiver, connect(settings) as queue:
        found = Chain(tmp_path, settings, redis_admin, sandbox, receiver, queue, random.Random(SEED))
        yield found
        found.bury()


async def led_through(chain: Chain, turn: int) -> None:
    """Everything that a small installation does, once; the names of what is made are those of this turn."""
    paths, queue, fired = Paths(chain.settings.data_dir), chain.queue, chain.fired
    before, topic, name = chain.paid(), {"topic": f"Tides {turn}"}, f"turn {turn}"
    chain.go.unlink(missing_ok=True)
    chain.told.unlink(missing_ok=True)
    shutil.rmtree(paths.notices, ignore_errors=True)  # whoever waits is told of once more

    await chain.asked("create_project", topic, idempotency_key=name)
    [alone] = [project.project_id for project in await queue.list_projects()]
    await chain.asked("cancel", alone)
    paths.project(alone).state.write_bytes(b"damaged")
    chain.seen.pop(alone, None)
    await chain.asked("get_project", alone)
    await chain.asked("delete", alone, gone_is_fine=True)

    _, batches = await chain.made()
    await chain.asked("create_batch", [BRIEF], idempotency_key=name, calendar="6h", webhook=chain.receiver.url)
    batch = (await queue.list_batches())[0]
    [number] = batch.project_ids
    assert await chain.made() == ([number], batches + 1)
    await chain.asked("start_batch", batch.batch_id)
    await chain.asked("pause_batch", batch.batch_id)
    await chain.asked("resume_batch", batch.batch_id)

    await chain.worked(
        lambda: waits_for_a_person(chain, number),
        needs=["stage.ended", "webhook.sending", "webhook.answered", "outbox.moved", "notice.kept", "notice.told"],
        faults={"stage.ended": {"service": "gemini", "call": "script", "kind": "400"}},
    )
    script_by, script = len(fired), (await queue.get_script(number)).model_dump(mode="json")
    script["metadata"]["title"] = "Bread rises"
    await chain.asked("edit_script", number, script, approve=True)

    await chain.redis.flushall()  # every job is lost
    await chain.worked(
        lambda: is_in(chain, number, Stage.RENDER), needs=["lease.renewing", "hint.renewed"], ends_with=["stage.handed-back"]
    )
    voice_by = len(fired)
    chain.go.touch()
    gone = {"service": "youtube", "call": "upload.chunk", "kind": "session_gone"}
    no_captions = {"service": "youtube", "call": "captions.insert", "kind": "503", "times": 1_000}
    chain.sandbox.faults.order(**no_captions)  # before whoever sends the video goes on to them
    await chain.worked(lambda: has_video(chain, number), faults={"upload.gone": gone, "upload.forgotten": gone})
    chain.sandbox.faults.clear()
    chain.sandbox.faults.order(**no_captions)
    await chain.worked(lambda: is_over(chain, number, batch.batch_id))
    chain.sandbox.faults.clear()
    await chain.is_whole(number)
    await chain.is_paid_for(number, before, script_by=script_by, voice_by=voice_by)

    await chain.worked(lambda: is_cleaned(chain, number), workers="MaintenanceWorker")
    [video] = chain.sandbox.youtube.videos.values()
    assert len(video.captions) == 1
    await chain.asked("delete", number, video=True, gone_is_fine=True)
    assert not chain.sandbox.youtube.videos
    await chain.worked(lambda: everybody_was_told(chain), workers="MaintenanceWorker,VideoWorker,BatchWorker")
    await chain.nobody_is_left()


async def is_now(chain, number, status):
    return (await chain.queue.get_project(number)).status is status


async def is_in(chain, number, stage):
    state = await chain.queue.get_project(number)
    return state.stages[stage].started_at is not None


async def waits_for_a_person(chain, number):
    return await is_now(chain, number, ProjectStatus.WAITING_REVIEW) and chain.told.exists()


async def has_video(chain, number):
    upload = (await chain.queue.get_project(number)).upload
    return upload is not None and upload.video_id is not None


async def is_over(chain, number, batch):
    return await is_now(chain, number, ProjectStatus.COMPLETED) and (await chain.queue.get_batch(batch)).has_ended


async def is_cleaned(chain, number):
    """The clock's jobs are asked for until there is nothing left for them to do."""
    paths = Paths(chain.settings.data_dir)
    if not await chain.redis.zcard(MAINTENANCE):
        if await Debts(paths.owed).all():
            await chain.queue.enqueue_job("sync_quotas")
        elif list((paths.project(number).root / "audio").glob("*.wav")):
            await chain.queue.enqueue_job("cleanup")
        else:
            return True
    return False


async def everybody_was_told(chain):
    pending = (Paths(chain.settings.data_dir).outbox / "pending").glob("*.json")
    return not list(pending) and not any([await chain.redis.zcard(queue) for queue in QUEUES])


async def happened(chain: Chain, modes: dict[str, str]) -> None:
    print(modes)  # noqa: T201 - of a failure
    chain.arm(modes)

    for turn in range(MOST_TURNS):  # what happens at one point may keep others from being reached
        await led_through(chain, turn)
        if not chain.left:
            break

    print(f"{chain.lives} processes, {len(chain.fired)} points, {chain.figures}")  # noqa: T201
    assert chain.left == {}, "these were never reached"


@pytest.mark.slow
async def test_whatever_happens_at_each_failpoint_is_mended_by_those_who_come_after(chain):
    await happened(chain, {name: chain.chance.choice(MODES) for name in POINTS})


@pytest.mark.soak
@pytest.mark.parametrize("turn", range(len(MODES)))
async def test_each_failpoint_kills_raises_and_hangs_and_all_of_it_is_mended(chain, turn):
    await happened(chain, {name: MODES[(place + turn) % len(MODES)] for place, name in enumerate(POINTS)})


class Alone:
    """Lets one thing happen in a leg of the way, of all that is still to happen; the rarest first."""

    def __init__(self, chain: Chain) -> None:
        self.chance, self.passed = chain.chance, chain.passed
        self.left = {(name, mode) for name in POINTS for mode in MODES}
        self.legs = Counter(name for passed in self.passed.values() for name in passed)
        self.missed: set[str] = set()
        self.chosen: set[tuple[str, str]] = set()

    def choose(self, leg: int, named: Collection[str]) -> tuple[str, str, int] | None:
        passed = self.passed.get(leg, Counter())
        found = sorted(one for one in self.left - self.chosen if one[0] in passed or one[0] in named)
        if not found:
            return None
        name, mode = min(found, key=lambda one: (self.legs[one[0]], self.chance.random()))
        self.chosen.add((name, mode))
        return name, mode, 1 if name in self.missed else self.chance.randint(1, min(6, passed[name] or 1))

    def happened(self, fired: Iterable[tuple[str, str]]) -> None:
        self.left -= set(fired)
        self.missed |= {name for name, _ in self.chosen & self.left}
        self.chosen = set()


@pytest.mark.soak
async def test_each_thing_that_happens_alone_is_mended_by_whole_processes(chain):
    """In each leg one process is struck, at one point; FAILPOINT_TURNS rounds of all legs at most (each takes about 20 s)."""
    chain.notes = True
    await led_through(chain, 0)
    chain.notes, alone = False, Alone(chain)
    chain.choose = alone.choose
    for turn in range(1, MOST_ROUNDS + 1):
        chain.leg, before = 0, len(chain.fired)
        await led_through(chain, turn)
        alone.happened(chain.fired[before:])
        print(f"{turn}: {chain.lives} processes, {len(alone.left)} left, {chain.figures}")  # noqa: T201
        if not alone.left:
            break

    assert alone.left == set() or "FAILPOINT_TURNS" in os.environ


@pytest.mark.soak
@pytest.mark.parametrize("mode", MODES)
async def test_one_thing_that_happens_at_all_failpoints_is_mended(chain, mode):
    await happened(chain, dict.fromkeys(POINTS, mode))


@pytest.mark.soak
@pytest.mark.parametrize("lease_seconds", [60.0])  # one that is lost on a busy machine would be something that happens
async def test_where_nothing_happens_each_piece_is_paid_for_once(chain):
    await happened(chain, {})

    assert chain.figures["paid"] == chain.figures["once"]
