"""A project's way on a terminal and in a pipe."""

import io

from rich.console import Console

from progress import ProgressEvent
from reelqueue.cli.bars import Bars, Lines, view
from reelqueue.cli.console import clock, size


def event(stage: str, progress: int, **more) -> ProgressEvent:
    usual = {"project_id": 1, "message": "畫圖 [1]", "timestamp": "", "seq": 1, "epoch": "e", "status": "running", "overall": 9}
    return ProgressEvent(**usual | {"stage": stage, "progress": progress} | more)


def test_a_pipe_gets_a_line_at_each_step():
    stream = io.StringIO()
    with view(Console(file=stream, width=100)) as shown:
        for percent in range(0, 101, 5):
            shown.show(event("asset_generation", percent, eta_s=95))
        shown.show(event("youtube_upload", 100, status="completed", overall=100))

    lines = stream.getvalue().splitlines()
    assert isinstance(shown, Lines)
    assert len(lines) == 7
    assert lines[0] == "[  9%] 素材   0%  畫圖 [1]（約剩 1:35）"
    assert lines[-1] == "[100%] 發布 100%  畫圖 [1]"


def test_a_failure_in_a_pipe_has_a_word_and_no_percentage():
    stream = io.StringIO()
    Lines(Console(file=stream, width=200)).show(event("error", 0, status="failed", message="拒絕了金鑰"))

    assert stream.getvalue().strip() == "[  9%] 失敗  拒絕了金鑰"


def test_a_terminal_gets_a_bar_for_each_stage():
    stream = io.StringIO()
    with view(Console(file=stream, force_terminal=True, width=100)) as shown:
        shown.show(event("asset_generation", 40))
        shown.show(event("error", 0, status="failed"))
        shown.show(event("youtube_upload", 100, status="completed"))

    assert isinstance(shown, Bars)
    assert [task.percentage for task in shown._progress.tasks] == [100] * 5
    assert "素材" in stream.getvalue()


def test_an_earlier_stage_again_empties_the_bars_after_it():
    with Bars(Console(file=io.StringIO(), force_terminal=True)) as shown:
        shown.show(event("video_rendering", 40))
        shown.show(event("script_generation", 10))
        percents = [task.percentage for task in shown._progress.tasks]

    assert percents == [10, 0, 0, 0, 0]


def test_figures_for_people():
    assert [clock(7), clock(95.4), clock(3725)] == ["0:07", "1:35", "1:02:05"]
    assert [size(999), size(1500), size(12_345_678), size(2_000_000_000)] == ["999 B", "1.5 kB", "12.3 MB", "2.00 GB"]
