"""The benchmark of batches: that it measures our workers at all, and says what it found.  No time is asserted."""

import asyncio

import pytest
import structlog

from benchmarks.batches.cost import cost, cost_of_singles
from benchmarks.batches.cpu import Cpu
from benchmarks.batches.renewal import renewal
from benchmarks.batches.report import grid, number, shown, throughput_sentence
from benchmarks.batches.single import single
from benchmarks.batches.site import opened
from benchmarks.stage import BenchmarkError
from benchmarks.valkey import served

FIVE = 5


@pytest.fixture
def server(tmp_path):
    with served(tmp_path) as found:
        yield found


@pytest.mark.slow
async def test_what_a_project_costs_is_measured_through_all_its_stages(server, tmp_path):
    found = await cost(server, tmp_path, projects=FIVE)

    assert found["state_writes"] >= 10
    assert found["commands"] > 50
    assert found["batch_bytes"] > 500
    assert "| batch | 5 " in shown({"machine": {}, "cost": [found]})
    assert min(found[name] for name in ("create_ms", "wall_ms", "video_cpu_ms", "coordinator_cpu_ms", "video_mb")) > 0


@pytest.mark.soak
async def test_what_single_projects_cost_is_measured_without_a_coordinator(server, tmp_path):
    found = await cost_of_singles(server, tmp_path, projects=FIVE)

    assert found["state_writes"] >= 10
    assert "coordinator_mb" not in found
    assert "| singles | 5 " in shown({"machine": {}, "cost": [found]})


@pytest.mark.soak
async def test_a_single_project_in_the_midst_of_a_batch_is_measured(server, tmp_path):
    found = await single(server, tmp_path, batch_of=30, singles=1, stage_s=0.05)

    assert len(found["first_stage_s"]) == len(found["passed_by"]) == 1
    assert "a batch of 30 (1 of them" in shown({"machine": {}, "single": found})


async def test_looking_after_waiting_projects_is_measured_and_a_second_pass_adds_none(server, tmp_path):
    with structlog.testing.capture_logs():
        found = await renewal(server, tmp_path, projects=FIVE)

    put_back = [one["put_back"] for one in found["passes"].values()]
    assert (put_back, found["queued"]) == ([FIVE, 0, 0, FIVE], FIVE)
    assert "rebuilt, warm" in shown({"machine": {}, "renewal": found})


async def test_a_worker_that_ends_ends_the_measurement(server, tmp_path):
    async with opened(server, tmp_path, "broken", {"VIDEO_MAX_JOBS": "many"}) as site:
        site.start("VideoWorker")
        with pytest.raises(BenchmarkError, match="a worker ended"):
            await site.while_they_live(asyncio.Event().wait())


def test_wall_time_stands_beside_what_the_videos_needed():
    found = {
        "projects": 20,
        "seconds": 60,
        "latency_s": 5.0,
        "wall_s": 300.0,
        "cores": 2,
        "cpu_s": {"render": 400.0, "worker": 20.5},
    }

    said = throughput_sentence(found | {"others_s": 9.0, "wall_by_work": 1.08, "wall_by_ours": 1.05, "wall_by_render": 1.5})

    assert "wall 300 s" in said
    assert "render 400, worker 20; others', the services among them, 9." in said
    assert said.endswith("workers not counted: 1.08; by all of ours: 1.05; by the encoding alone: 1.50.")


def test_a_process_that_is_gone_keeps_what_it_was_seen_to_use():
    cpu = Cpu()
    cpu.look([Seen(["python", "-m", "reelqueue.media.encode"], 3.0), Seen(["python", "-m", "arq"], 1.0)])
    cpu.look([])

    assert cpu.by_kind() == {"render": 3.0, "worker": 1.0}


class Seen:
    """A process as psutil shows it."""

    def __init__(self, command, seconds):
        self.pid, self.command, self.seconds = id(self), command, seconds

    def create_time(self):
        return 1.0

    def cpu_times(self):
        return Times(self.seconds)

    def cmdline(self):
        return self.command


class Times:
    def __init__(self, user):
        self.user, self.system = user, 0.0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(12_345, "12,345", id="a count is whole"),
        pytest.param(1234.5, "1,234", id="of large ones no decimals"),
        pytest.param(12.34, "12.3", id="one decimal"),
        pytest.param(0.123, "0.12", id="two decimals"),
    ],
)
def test_a_figure_has_as_many_digits_as_say_something(value, said):
    assert number(value) == said


def test_a_table_is_as_wide_as_its_widest_cells():
    assert grid([["a", "long"], ["wider", "b"]]) == "| a     | long |\n|-------|------|\n| wider | b    |"
