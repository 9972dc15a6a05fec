"""Made once: a worker dies by SIGKILL in each stage, and the next goes on from the last finished piece."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jobs.client import connect
from progress import ProgressEvent, subscribe_progress
from reelqueue.models.stage import Stage
from tests.workers import HUMMING, worker

TEXT = "今天只說一件事：工作者死了，影片還是會做完。每一句話、每一個畫面，都是做好就留下的片段。"


def pieces(root: Path) -> dict[str, int]:
    """Every finished piece and when it was made."""
    return {
        str(path.relative_to(root)): path.stat().st_mtime_ns
        for folder in ("audio", "images", "avatars", "segments")
        for path in (root / folder).glob("*")
        if path.suffix != ".part"
    }


async def reached(stage: Stage, events: AsyncIterator[ProgressEvent]) -> None:
    """Wait until a slow stage is in its middle, or a quick one has begun."""
    async for event in events:
        if event.stage == stage.event_name and event.progress >= (30 if stage in {Stage.ASSETS, Stage.RENDER} else 0):
            return


@pytest.mark.slow
async def test_a_video_is_finished_through_a_kill_in_every_stage_and_no_piece_is_made_twice(settings):
    async with connect(settings) as queue, contextlib.AsyncExitStack() as stack:
        project = await queue.create_project(
            {"topic": "一件事", "content": TEXT, "presenter": False, "music": "none", "aspect": "1:1", "fps": 24}
        )
        number = project.project_id
        root = settings.data_dir / "projects" / str(number)
        await queue.start(number)
        events = await stack.enter_async_context(contextlib.aclosing(subscribe_progress(number, settings=settings)))
        made: dict[str, int] = {}

        for stage in Stage:
            async with worker(settings, **HUMMING) as running:
                async with asyncio.timeout(150):
                    await reached(stage, events)
                running.kill()
            kept = pieces(root)
            assert {name: kept.get(name) for name in made} == made, f"made again before the kill in {stage}"
            made = kept
        async with worker(settings, **HUMMING):
            result = await queue.wait(number, timeout=240)
        state = await queue.get_project(number)

    assert {name: time for name, time in pieces(root).items() if name in made} == made
    assert result["video_id"] == f"local-{number}"
    assert state.status == "completed"
    assert [path.name for path in (settings.data_dir / "library").iterdir()] == [str(number)]
    assert json.loads((settings.data_dir / "library" / str(number) / "metadata.json").read_text())["title"]
    # what a killed writer left carries its older fence in its name: `cleanup` takes it an hour later
    assert all(int(re.search(r"\.(\d+)\.", path.name)[1]) < state.fence for path in root.rglob("*.part"))
