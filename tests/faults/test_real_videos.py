"""Real renders through restarts, kills and outages: completed, published once, no piece made twice."""

import asyncio
import contextlib
import json
import signal
from importlib.resources import files
from pathlib import Path

import pytest

from jobs.client import connect
from progress import subscribe_progress
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from tests.workers import worker

TEXT = (
    "一棵樹怎麼記得乾旱？每年春天，樹幹外圈長出一層新的木頭；雨水多的年份長得寬，乾旱的年份長得窄。"
    "把樹橫切開來，一圈就是一年。科學家數過一棵活了四千多年的松樹，從年輪讀出三次大旱。"
)
PLAIN = {"presenter": False, "music": "none", "fps": 24, "aspect": "1:1"}
RESTARTS = 10


def pieces(root: Path) -> dict[str, int]:
    """Every finished piece and when it was made."""
    return {
        str(path.relative_to(root)): path.stat().st_mtime_ns
        for folder in ("audio", "images", "avatars", "segments")
        for path in (root / folder).glob("*")
        if path.suffix != ".part"
    }


def kept(before: dict[str, int], now: dict[str, int]) -> bool:
    """Whether all that was there is still there as it was."""
    return {name: now.get(name) for name in before} == before


async def in_render(queue, fence: int = 0) -> int:
    """Wait until a render runs of whoever took the project over after `fence`; returns his."""
    async with asyncio.timeout(180):
        while True:
            state = await queue.get_project(1)
            if state.fence > fence and state.stages[Stage.RENDER].status is StageStatus.RUNNING:
                return state.fence
            await asyncio.sleep(0.02)


@pytest.mark.soak  # `test_signals` hands small jobs back in every `make test`
async def test_ten_graceful_restarts_and_an_outage_in_mid_render_use_no_attempt_and_make_no_piece_again(server, settings, queue):
    await queue.create_project({"topic": "年輪", "content": TEXT} | PLAIN)
    await queue.start(1)
    root = settings.data_dir / "projects" / "1"
    made: dict[str, int] = {}
    fence = 0
    for _ in range(RESTARTS):
        async with worker(settings, DRAIN_SECONDS="0.2") as running:
            fence = await in_render(queue, fence)
            running.tell(signal.SIGTERM)
            assert await running.ended() == 0, running.said()
        state = await queue.get_project(1)
        now = pieces(root)
        assert (state.stages[Stage.RENDER].attempts, state.crashes) == (0, 0)
        assert kept(made, now)
        made = now
    async with worker(settings) as running:
        await in_render(queue, fence)
        async with server.gone():
            await asyncio.sleep(settings.lease_seconds + 1)  # the outage: longer than the lease
        await queue.wait(1, timeout=120)
        assert running.runs

    assert kept(made, pieces(root))
    await published_once(settings)


@pytest.mark.soak
@pytest.mark.parametrize("empty", [False, True], ids=["the server remembers", "the server forgets"])
async def test_the_demos_text_is_published_once_through_a_kill_in_each_stage_and_a_minute_without_redis(empty, server, settings):
    first, _, rest = files("reelqueue").joinpath("data", "demo", "zh-TW.md").read_text(encoding="utf-8").partition("\n")
    root = settings.data_dir / "projects" / "1"
    made: dict[str, int] = {}
    async with connect(settings) as queue:
        await queue.create_project({"topic": first.lstrip("# "), "content": rest, "language": "zh-TW"})
        await queue.start(1)
        for stage in Stage:
            async with worker(settings) as running, contextlib.aclosing(subscribe_progress(1, settings=settings)) as events:
                await reached(stage, events)
                running.kill()
            assert kept(made, pieces(root)), stage
            made = pieces(root)
            if stage is Stage.RENDER:
                async with worker(settings) as running:
                    await in_render(queue, (await queue.get_project(1)).fence)
                    async with server.forgetful() if empty else server.gone():
                        await asyncio.sleep(60)  # as the contract promises
                    assert running.runs
                    running.kill()
    async with worker(settings), connect(settings) as queue:
        await queue.wait(1, timeout=600)

    await published_once(settings)
    assert kept(made, pieces(root))


async def reached(stage: Stage, events) -> None:
    """Wait until a slow stage is in its middle, or a quick one has begun."""
    async for event in events:
        if event.stage == stage.event_name and event.progress >= (30 if stage in {Stage.ASSETS, Stage.RENDER} else 0):
            return


async def published_once(settings) -> None:
    """The project is completed, at its first attempt in each stage, and is one video in the channel."""
    async with connect(settings) as queue:
        state = await queue.get_project(1)
    library = settings.data_dir / "library"
    assert state.status is ProjectStatus.COMPLETED
    assert {known.attempts for known in state.stages.values()} == {1}
    assert [path.name for path in library.iterdir()] == ["1"]
    assert json.loads((library / "1" / "metadata.json").read_text())["title"]
