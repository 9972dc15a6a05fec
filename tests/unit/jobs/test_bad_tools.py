"""A tool that a stage runs crashes, hangs or outlives its welcome: tried once more, then the stage fails with its last words; none runs on."""

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest

from jobs import attempt
from jobs.pipeline import SPECS
from reelqueue.errors import ProjectFailed
from reelqueue.media import ffmpeg
from reelqueue.media.ffmpeg import Ffmpeg, run_ffmpeg
from reelqueue.models.stage import ProjectStatus, Stage
from tests.processes import runs
from tests.promised import seconds

GONE_WITHIN_S = seconds(2.0, busy=5.0)


class Tool:
    """A program in place of FFmpeg, and the processes that it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pids = folder / "pids"

    def does(self, body: str):
        """The act of a stage: run it once, as a piece of work."""
        path = self.folder / "ffmpeg"
        path.write_text(f"#!/bin/sh\necho $$ >> {self.pids}\n{body}\n")
        path.chmod(0o700)

        async def act(run) -> None:
            await run.call("sound", lambda: run_ffmpeg(Ffmpeg(path, "7"), [], folder=self.folder, timeout_s=60))

        return act

    @property
    def ran(self) -> list[int]:
        """Their ids, in their order."""
        return [int(line) for line in self.pids.read_text().split()] if self.pids.exists() else []

    def runs(self) -> bool:
        """Whether one of them is there still."""
        return any(runs(pid) for pid in self.ran)

    async def is_gone(self) -> bool:
        """Whether none is there, a little later at most."""
        deadline = time.monotonic() + GONE_WITHIN_S
        while self.runs() and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return not self.runs()


@pytest.fixture
def tool(tmp_path) -> Tool:
    return Tool(tmp_path)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("echo the third one was bad >&2; kill -SEGV $$", "the third one was bad", id="crash"),
        pytest.param("echo it stands >&2; kill -STOP $$", "it stands", id="stopped"),
        pytest.param("echo out_time_us=1; exec sleep 60", "2 s", id="hang"),
    ],
)
async def test_one_that_ends_badly_is_run_once_more_and_then_the_stage_fails_with_its_last_words(
    queue, crew, stages, project, tool, monkeypatch, body, said
):
    monkeypatch.setattr(ffmpeg, "STALL_S", 2.0)  # a shell that starts on a busy machine is silent for longer than one would think
    stages.acts[Stage.RENDER] = tool.does(body)
    async with crew.working():
        await queue.start(1)
        with pytest.raises(ProjectFailed, match=said):
            await queue.wait(1, timeout=60)

    state = await queue.get_project(1)
    assert (len(tool.ran), state.stages[Stage.RENDER].attempts) == (2, 1)
    assert state.stages[Stage.RENDER].artifacts == ()
    assert await tool.is_gone()


async def test_one_that_ends_well_the_second_time_is_nobodys_matter(queue, crew, stages, project, tool, tmp_path):
    stages.acts[Stage.RENDER] = tool.does(f"mkdir {tmp_path}/once 2>/dev/null && kill -SEGV $$; exit 0")
    async with crew.working():
        await queue.start(1)
        await queue.wait(1, timeout=60)

    assert len(tool.ran) == 2


async def test_a_cancel_leaves_none_of_it_after_two_seconds(queue, crew, stages, project, tool, until):
    stages.acts[Stage.RENDER] = tool.does("exec sleep 60")
    async with crew.working():
        await queue.start(1)
        await until(lambda: _true(tool.runs()), "it runs")
        asked = time.monotonic()
        await queue.cancel(1)

        assert await tool.is_gone()
        assert time.monotonic() - asked < 2 * GONE_WITHIN_S  # the acknowledgement waits for it, too

    assert (await queue.get_project(1)).status is ProjectStatus.CANCELLED


async def test_a_time_out_leaves_none_of_it(queue, crew, stages, project, tool, monkeypatch):
    monkeypatch.setattr(attempt, "SPECS", {**SPECS, Stage.RENDER: dataclasses.replace(SPECS[Stage.RENDER], timeout_s=1.5)})
    stages.acts[Stage.RENDER] = tool.does("exec sleep 60")
    async with crew.working():
        await queue.start(1)
        with pytest.raises(ProjectFailed):
            await queue.wait(1, timeout=60)
        assert await tool.is_gone()

    assert len(tool.ran) == 1 + len(crew.rules.retry_delays)


async def test_a_worker_that_ends_leaves_none_of_it_and_its_attempt_was_none(queue, crew, stages, project, tool, until):
    stages.acts[Stage.RENDER] = tool.does("exec sleep 60")
    async with crew.working():
        await queue.start(1)
        await until(lambda: _true(tool.runs()), "it runs")

    assert await tool.is_gone()
    state = await queue.get_project(1)
    assert (state.status, state.stages[Stage.RENDER].attempts) == (ProjectStatus.QUEUED, 0)


async def _true(value: bool) -> bool:
    return value
