"""How things stand, in two sentences and an icon."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from reelqueue.dashboard.overview.causes import causes_of
from reelqueue.dashboard.overview.verdict import Sight, verdict
from reelqueue.dashboard.pages.overview import strong
from reelqueue.models.stage import ProjectStatus
from tests.unit.test_board_causes import failed, reviewed

CALM = Sight(redis=True, workers=2, running=0, waiting=0, parked=0, paused=False, causes=())
SIGNED_OUT = causes_of([failed(1, "authentication"), failed(2, "authentication"), reviewed(3, "script")], ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("sight", "icon", "moves"),
    [
        pytest.param(CALM, "completed", "At rest.", id="nothing to do"),
        pytest.param(replace(CALM, running=3), "running", "Moving.", id="it moves"),
        pytest.param(replace(CALM, parked=4), "waiting_quota", "At rest.", id="a clock is waited for"),
        pytest.param(replace(CALM, paused=True, waiting=3), "paused", "The queue is paused.", id="somebody paused it"),
        pytest.param(replace(CALM, workers=0, waiting=1), "failed", "*No worker is there*: everything stands still.", id="nobody works"),
        pytest.param(replace(CALM, workers=0), "completed", "At rest.", id="nobody works, and nothing is to do"),
        pytest.param(replace(CALM, redis=False, workers=None), "failed", "*Redis does not answer*: nothing new can begin.", id="no Redis"),
    ],
)  # fmt: skip
def test_the_icon_is_that_of_the_worst_state(sight, icon, moves):
    found = verdict(sight)

    assert (found.icon, found.moves.en) == (icon, moves)


def test_what_needs_a_person_is_counted_and_what_stops_uploads_is_said():
    found = verdict(replace(CALM, running=1, causes=SIGNED_OUT))

    assert found.icon == ProjectStatus.FAILED
    assert found.needs.en == "*3 things need a person*, 2 of them stop uploads."
    assert found.needs.zh == "*3 件事需要處理*，其中 2 件卡住上傳。"


@pytest.mark.parametrize("stands", [replace(CALM, redis=False, workers=None), replace(CALM, workers=0, waiting=1)])
def test_where_all_stands_still_nobody_reads_that_nothing_is_to_do(stands):
    assert verdict(stands).needs.en == "Nothing else needs a person."


def test_what_goes_on_by_itself_needs_nobody():
    assert verdict(replace(CALM, parked=1)).needs.en == "Nothing needs a person; 1 project waits and goes on by itself."


def test_only_what_stands_between_asterisks_is_bold_and_all_of_it_is_text():
    assert strong("a *<b>* c") == "a <b>&lt;b&gt;</b> c"
