"""The benchmark of the queues: its own parsing and statistics, and that it measures our worker at all.  No time is asserted."""

import asyncio
import math

import pytest

from benchmarks.contenders import CONTENDERS, OURS, VARIANTS
from benchmarks.drive import Mark, Marks, parse_marks
from benchmarks.figures import committed, quantile, ratio, reference, rows
from benchmarks.measures import Size, latency, rate, working
from benchmarks.stage import family, on_stage
from benchmarks.table import sentence, table
from benchmarks.valkey import served


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        pytest.param(0.5, 2, id="the median of four is one that was measured"),
        pytest.param(0.95, 4, id="with few values a high share is the largest"),
        pytest.param(0.0, 1, id="nothing is below the smallest"),
    ],
)
def test_a_quantile_is_one_of_the_values(share, expected):
    assert quantile([4, 1, 3, 2], share) == expected


def test_nothing_has_no_quantile():
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_rounds_are_taken_together_and_a_job_that_never_came_counts_as_the_longest():
    trials = [
        {"name": "arq", "variant": "best", "pick_up_s": [0.001, 0.003], "jobs_a_second": 10.0},
        {"name": "arq", "variant": "best", "pick_up_s": [0.002, None], "jobs_a_second": 30.0},
    ]

    (row,) = rows(trials)

    assert (row.pick_up_p50, row.pick_up_p99) == (2.0, math.inf)
    assert row.jobs_a_second == 20.0
    assert (row.chain_p50, row.take_over_tried) == (None, False)


def test_a_ratio_compares_with_ours_in_the_same_variant():
    trials = [
        {"name": OURS, "variant": "defaults", "pick_up_s": [0.004]},
        {"name": OURS, "variant": "best", "pick_up_s": [0.002]},
        {"name": "saq", "variant": "best", "pick_up_s": [0.003]},
    ]
    found = rows(trials)

    assert ratio(found[2], reference(found, "best"), "pick_up_p50") == 1.5
    assert ratio(found[2], reference([], "best"), "pick_up_p50") is None


def test_the_table_tells_what_took_too_long_from_what_was_not_tried():
    shown = table(
        rows([{"name": "arq", "variant": "best", "take_over_s": None}, {"name": "rq", "variant": "best", "pick_up_s": [0.02]}]),
        cap_s=60,
    )

    arq, rq = shown.splitlines()[2:]
    assert "| > 60" in arq
    assert "longest time-out + 10 s: 310 s" in arq
    assert "> 60" not in rq
    assert "| 20.0" in rq


def test_jobs_a_second_are_counted_between_the_first_line_and_the_last():
    marks = [Mark("b", 0, 1, 3_000_000_000), Mark("a", 0, 1, 1_000_000_000), Mark("c", 0, 1, 2_000_000_000)]

    assert rate(marks) == 1.0
    assert rate(marks[:1]) == 0.0


def test_a_mark_that_is_half_written_is_read_when_it_is_whole(tmp_path):
    assert parse_marks("a 1 7 90\nb 2") == [Mark("a", 1, 7, 90)]
    path = tmp_path / "marks"
    marks = Marks(path)
    assert marks.new() == []
    path.write_text("a 1 7 90\nb 2", encoding="utf-8")
    assert marks.new() == [Mark("a", 1, 7, 90)]
    path.write_text("a 1 7 90\nb 2 7 91\n", encoding="utf-8")
    assert marks.new() == [Mark("b", 2, 7, 91)]


def test_the_stages_own_work_is_told_from_what_lies_between():
    marks = parse_marks(
        "step-1/begins 0 7 100\nstep-1/ends 0 7 300\nstep-2/begins 0 7 0\nstep-1/begins 1 7 400\nstep-1/ends 1 7 500\nstep-1 5 7 900\n"
    )

    assert working(marks)["step-1"] == pytest.approx(300e-9)


def test_our_committed_chain_is_told_in_a_sentence_or_not_at_all():
    found = committed([{"name": OURS, "committed_chain_s": [0.02, 0.04], "overhead_s": [0.01, 0.03]}, {"name": "rq"}])

    assert found == {"chain_p50": 20.0, "chain_p95": 40.0, "overhead_p50": 10.0, "overhead_p95": 30.0}
    assert "p50 10.0 ms" in sentence(found)
    assert sentence(committed([{"name": "rq"}])) == ""


def test_each_queue_says_how_it_takes_over_in_each_variant():
    assert all(len(contender.take_over) == len(VARIANTS) and contender.crowd for contender in CONTENDERS)
    assert [contender.name for contender in CONTENDERS if not contender.pins] == [OURS]


async def test_our_worker_is_measured_and_nothing_of_it_stays(tmp_path):
    size = Size(jobs=2, chains=1, gap_seconds=(0.0, 0.0))
    with served(tmp_path) as server:
        async with on_stage(CONTENDERS[0], "best", server, tmp_path) as stage:
            found = await latency(stage, size, idle=False)
            pids = [worker.pid for worker in stage.workers]

    assert all(seconds > 0 for seconds in [*found["pick_up_s"], *found["chain_s"]])
    assert (len(found["pick_up_s"]), len(found["chain_s"])) == (2, 1)
    assert await asyncio.to_thread(lambda: [family(pid) for pid in pids]) == [[]]
