"""Everything at once, by chance, and what must hold all the same; and that the same harness notices where it does not."""

import os
import random
import time
from collections import Counter
from dataclasses import replace

import pytest

from jobs.client import open_queue
from jobs.pipeline import VIDEO
from reelqueue.sandbox import open_sandbox
from storage import Paths
from tests.faults.nemesis import Nemesis, Plan
from tests.faults.verdict import Verdict, verdict_on
from tests.faults.watcher import Watcher
from tests.faults.world import World, leased, opened

SEED = int(os.environ.get("NEMESIS_SEED") or random.SystemRandom().randrange(10_000))
FOREVER = {b"reelqueue:installation"}
SHORT = Plan(Counter(kill=8, stop=2, end=1, restart=1, double=2), uploads=2, whole=1)
LONG = Plan(
    Counter(kill=520, stop=60, end=20, restart=8, empty=6, hole=8, storm=4, double=40),
    uploads=1, whole=6, workers=4, largest_bytes=20_000_000, steps=(1, 15), patience_s=60.0,
    weather=(("youtube", "*", 0.8, 0.5), ("gemini", "*", 0.8, 0.3)),  # their uploads would be over too soon to be met
)  # fmt: skip
"""Half an hour on two cores.  Some seventy whole projects, each met by ten kills: the next deed waits for work that was done."""
UPLOADS = Plan(Counter(kill=15), uploads=4, whole=0, steps=(1, 12), calm_s=20.0)
CONTROLS = [
    pytest.param(replace(UPLOADS, environment={"FAULTS_WITHOUT": "session"}), id="an upload is begun anew after each crash"),
    pytest.param(
        replace(
            UPLOADS,
            deeds=Counter(stop=12),
            weather=(("youtube", "upload.open", 5.0, 1.0),),
            environment={"FAULTS_WITHOUT": "fence"},
        ),
        id="whoever was taken for dead goes on",
    ),
]
MOST_TRIES = 4
LEASE_SECONDS = 4.0
"""Short, and long enough to be kept on a machine that does much else."""


@pytest.fixture
def world(world):
    return calm(world)


def calm(world: World) -> World:
    return leased(world, LEASE_SECONDS)


async def raged(world: World, plan: Plan, seed: int) -> tuple[Verdict, Nemesis]:
    """Carry a plan out; prints its seed and its figures."""
    print(f"NEMESIS_SEED={seed}")  # noqa: T201 - the same deeds come in the same order
    began = time.monotonic()
    async with open_sandbox(world.settings.data_dir.parent / "sandbox") as sandbox:
        sandbox.faults.chance.seed(seed)
        with Watcher(Paths(world.settings.data_dir)) as watcher:
            nemesis = Nemesis(world, sandbox, watcher, plan, random.Random(seed))
            await nemesis.rage()
        verdict = verdict_on(nemesis, watcher, time.monotonic() - began)
    print(f"nemesis {seed}: {verdict.figures}")  # noqa: T201 - figures
    return verdict, nemesis


@pytest.mark.slow
async def test_whatever_happens_each_project_is_one_video_and_each_piece_is_paid_for_once(world):
    verdict, _ = await raged(world, SHORT, SEED)

    assert verdict.broken == []


@pytest.mark.soak
async def test_five_hundred_kills_lose_nothing_double_nothing_and_leave_nothing_behind(world):
    verdict, nemesis = await raged(world, LONG, SEED)

    assert verdict.broken == []
    assert nemesis.count("kill") >= 500
    assert verdict.figures["kills that met a whole one"] >= 250
    assert verdict.figures["whole"] >= 30
    assert all(verdict.figures["whole ones met"].values())  # in each stage
    assert verdict.figures["fenced"] > 0  # the pauses were long enough to matter
    async with open_queue(world.settings) as client:
        left = [key async for key in client.redis.scan_iter("*") if await client.redis.ttl(key) == -1]
        assert set(left) <= FOREVER
        assert await client.redis.zcard(VIDEO) == 0
        assert [key async for key in client.redis.scan_iter("arq:in-progress:*")] == []


@pytest.mark.soak
@pytest.mark.parametrize("plan", CONTROLS)
async def test_the_same_harm_publishes_twice_where(plan, tmp_path):
    """The negative controls: the verdict notices what is taken out.  Chance decides, so it has a few tries."""
    for attempt in range(MOST_TRIES):
        async with opened(tmp_path / str(attempt)) as world:
            verdict, _ = await raged(calm(world), plan, SEED + attempt)
        doubled = [one for one in verdict.broken if "was published" in one]
        print(doubled)  # noqa: T201 - figures
        if doubled:
            return
    pytest.fail(f"the verdict saw nothing in {MOST_TRIES} tries")
