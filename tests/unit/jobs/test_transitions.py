"""What may become of a project, as pure functions."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs import acts, transitions
from jobs.pipeline import PIPELINE, overall
from jobs.retry import GiveUp, RetryIn, WaitUntil, decide, decisive
from reelqueue.errors import (
    DiskFull,
    Fenced,
    NeedsPerson,
    PermanentError,
    ProjectCancelled,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
    StageNotReady,
    WrongState,
)
from reelqueue.models.brief import parse_brief
from reelqueue.models.project import ProjectState, Upload, Usage, summed
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DELAYS = (2.0, 5.0, 10.0)


def state_of(**fields) -> ProjectState:
    brief = parse_brief({"topic": "Tides", "review": fields.pop("review", [])})
    return ProjectState(project_id=1, brief=brief, created_at=NOW, updated_at=NOW, **fields)


def with_done(state: ProjectState, *stages: Stage) -> ProjectState:
    for stage in stages:
        state = state.with_stage(stage, status=StageStatus.DONE, fingerprint="f", result={})
    return state


def finish(stage: Stage, *, chain: bool = True) -> transitions.Change:
    return transitions.done(stage, NOW, fingerprint="f", result={}, artifacts=(), warnings=(), skipped=False, chain=chain)


@pytest.mark.parametrize(
    ("error", "attempt", "expected"),
    [
        pytest.param(ServiceUnavailable("down"), 1, RetryIn(2.0), id="first retry"),
        pytest.param(ServiceUnavailable("down"), 3, RetryIn(10.0), id="last retry"),
        pytest.param(ServiceUnavailable("down"), 4, GiveUp(), id="no retry left"),
        pytest.param(RateLimited("Gemini", 30), 1, RetryIn(30), id="the service's pause wins"),
        pytest.param(RateLimited("Gemini", 1), 1, RetryIn(2.0), id="ours wins where it is longer"),
        pytest.param(PermanentError("no"), 1, GiveUp(), id="never retried"),
        pytest.param(QuotaExhausted("used up", until=NOW), 9, WaitUntil(NOW), id="a quota uses no attempt"),
        pytest.param(KeyError("bug"), 1, GiveUp(), id="a bug"),
    ],
)
def test_what_follows_an_error(error, attempt, expected):
    assert decide(error, attempt=attempt, delays=DELAYS) == expected


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([PermanentError("no"), Fenced("lost")], Fenced),
        ([ProjectCancelled(1), PermanentError("no")], ProjectCancelled),
        ([PermanentError("no"), DiskFull("full")], DiskFull),
        ([ServiceUnavailable("down"), KeyError("bug")], KeyError),
        ([ServiceUnavailable("down"), PermanentError("no")], PermanentError),
    ],
)
def test_of_several_errors_one_decides(errors, expected):
    assert isinstance(decisive(ExceptionGroup("many", [ExceptionGroup("inner", errors)])), expected)


def test_the_progress_bar_is_shared_out_whole():
    assert sum(spec.share for spec in PIPELINE) == 100
    assert [overall(stage, 100) for stage in Stage] == sorted(overall(stage, 100) for stage in Stage)
    assert (overall(Stage.SCRIPT, 0), overall(Stage.UPLOAD, 100)) == (0, 100)


def test_an_attempt_counts_from_its_start_and_is_forgotten_when_it_is_done():
    begun = transitions.begin(Stage.SCRIPT, NOW, chain=True)(state_of())
    ended = finish(Stage.SCRIPT)(begun)

    assert (begun.status, begun.stages[Stage.SCRIPT].attempts, begun.goal, begun.run) == ("running", 1, Stage.UPLOAD, 1)
    assert (ended.status, ended.stages[Stage.SCRIPT].attempts, ended.next_stage) == ("queued", 1, Stage.ASSETS)


def test_a_stage_never_begins_without_what_it_reads():
    with pytest.raises(StageNotReady):
        transitions.begin(Stage.ASSETS, NOW, chain=True)(state_of())


def test_what_is_later_is_looked_at_again_when_an_earlier_stage_runs():
    state = with_done(state_of(status=ProjectStatus.COMPLETED), *Stage)
    begun = transitions.begin(Stage.RENDER, NOW, chain=True)(state)

    assert [begun.stages[stage].status for stage in (Stage.THUMBNAIL, Stage.UPLOAD)] == ["pending", "pending"]
    assert begun.stages[Stage.THUMBNAIL].fingerprint == "f"


@pytest.mark.parametrize("counts", [True, False])
def test_handing_back_keeps_the_attempt_only_where_it_counts(counts):
    begun = transitions.begin(Stage.SCRIPT, NOW, chain=True)(state_of())
    back = transitions.handed_back(Stage.SCRIPT, counts=counts, resume_at=NOW)(begun)

    assert (back.status, back.stages[Stage.SCRIPT].attempts, back.resume_at) == ("queued", int(counts), NOW)


def test_handing_back_never_undoes_what_is_done():
    done = finish(Stage.SCRIPT)(transitions.begin(Stage.SCRIPT, NOW, chain=True)(state_of()))

    assert transitions.handed_back(Stage.SCRIPT, counts=False)(done) is done


def test_parking_names_for_what_and_until_when():
    begun = transitions.begin(Stage.SCRIPT, NOW, chain=True)(state_of())
    later = NOW + timedelta(hours=1)
    parked = transitions.parked(Stage.SCRIPT, QuotaExhausted("used up", "wait", until=later), chain=True)(begun)

    assert (parked.status, parked.wait.reason, parked.wait.what_to_do) == ("waiting_quota", "used up", "wait")
    assert (parked.wait.until, parked.resume_at, parked.stages[Stage.SCRIPT].attempts) == (later, later, 0)


def test_what_parks_before_it_begins_keeps_what_was_asked_for():
    """Else a script that was asked for alone, on a full disk, would lead on to a publication."""
    parked = transitions.parked(Stage.SCRIPT, DiskFull("full", until=NOW), chain=False)(state_of())

    assert (parked.status, parked.goal, parked.run, parked.next_stage) == ("waiting_disk", Stage.SCRIPT, 1, Stage.SCRIPT)


def test_what_fails_before_it_begins_keeps_what_was_asked_for():
    """A script that was asked for alone, with a setting that is wrong: a retry makes a script, and publishes nothing."""
    failed = transitions.failed(Stage.SCRIPT, NOW, PermanentError("no"), chain=False)(state_of())
    again = acts.retry(None)(failed)

    assert (failed.goal, failed.run) == (Stage.SCRIPT, 1)
    assert (again.goal, again.next_stage) == (Stage.SCRIPT, Stage.SCRIPT)


def test_a_result_that_was_forgotten_meanwhile_is_not_called_done():
    done = finish(Stage.SCRIPT)(transitions.begin(Stage.SCRIPT, NOW, chain=True)(state_of()))
    forgotten = acts.retry(Stage.SCRIPT)(done)

    assert transitions.unchanged(Stage.SCRIPT, "f", chain=True)(forgotten) is forgotten


def test_nothing_is_committed_after_a_cancel():
    cancelled = acts.cancel(transitions.begin(Stage.SCRIPT, NOW, chain=True)(state_of()))

    for change in (
        finish(Stage.SCRIPT),
        transitions.failed(Stage.SCRIPT, NOW, PermanentError("no"), chain=True),
        transitions.parked(Stage.SCRIPT, QuotaExhausted("x"), chain=True),
        transitions.begin(Stage.SCRIPT, NOW, chain=True),
    ):
        with pytest.raises(ProjectCancelled):
            change(cancelled)
    assert transitions.handed_back(Stage.SCRIPT, counts=True)(cancelled) is cancelled
    assert cancelled.stages[Stage.SCRIPT].status is StageStatus.PENDING


def test_deaths_in_one_piece_are_counted_and_another_piece_begins_anew():
    state = state_of()
    for piece in ("a", "a", "b"):
        state = transitions.crashed(Stage.SCRIPT, piece)(transitions.begin(Stage.SCRIPT, NOW, chain=True)(state))

    assert (state.crashes, state.crash_piece, state.stages[Stage.SCRIPT].attempts) == (1, "b", 0)


def test_of_pieces_that_were_made_at_once_those_count_that_were_in_hand_at_each_death():
    state, counted = state_of(), []
    for in_hand in (["voice 1", "image 1", "image 2"], ["voice 1", "image 3"], ["image 4", "voice 1"], ["image 5"], ["image 6"]):
        pieces = transitions.together_in_hand(in_hand)
        state = transitions.crashed(Stage.SCRIPT, pieces)(transitions.begin(Stage.SCRIPT, NOW, chain=True)(state))
        counted.append((state.crashes, state.crash_piece))

    assert counted == [(1, "image 1; image 2; voice 1"), (2, "voice 1"), (3, "voice 1"), (1, "image 5"), (1, "image 6")]


def test_what_a_state_keeps_of_an_error_can_be_typed_as_it_stands():
    begun = transitions.begin(Stage.SCRIPT, NOW, chain=True)(state_of())

    failed = transitions.failed(Stage.SCRIPT, NOW, PermanentError("no", "reelqueue retry mends it"), chain=True)(begun)
    parked = transitions.parked(Stage.SCRIPT, NeedsPerson("no", "用 reelqueue retry 再試"), chain=True)(begun)

    number = begun.project_id
    assert failed.stages[Stage.SCRIPT].error.hint == f"reelqueue retry {number} mends it"
    assert parked.wait.what_to_do == f"用 reelqueue retry {number} 再試"


def test_usage_is_summed_by_service_model_and_unit():
    use = Usage(service="gemini", model="m", unit="calls", amount=1, cost_usd=0.5)

    assert summed((use,), (use, use.replace(unit="tokens"))) == (use.replace(amount=2, cost_usd=1.0), use.replace(unit="tokens"))


def test_what_the_ledger_knows_of_a_projects_usage_is_kept_with_whatever_becomes_of_it():
    use = Usage(service="gemini", model="m", unit="calls", amount=1, cost_usd=0.5)
    state = transitions.begin(Stage.SCRIPT, NOW, chain=True)(state_of())

    assert transitions.with_usage(finish(Stage.SCRIPT), (use,))(state).usage == (use,)
    assert transitions.with_usage(finish(Stage.SCRIPT), ())(state.replace(usage=(use,))).usage == (use,)


def test_a_stage_alone_in_a_failed_project_leaves_it_failed():
    failed = with_done(state_of(status=ProjectStatus.FAILED), Stage.SCRIPT, Stage.ASSETS).with_stage(
        Stage.RENDER, status=StageStatus.FAILED
    )
    begun = transitions.begin(Stage.THUMBNAIL, NOW, chain=False)(failed)

    assert finish(Stage.THUMBNAIL, chain=False)(begun).status is ProjectStatus.FAILED


@pytest.mark.parametrize("status", ["failed", "cancelled", "needs_person", "waiting_review"])
def test_what_needs_a_decision_is_not_simply_started(status):
    with pytest.raises(WrongState):
        acts.start(state_of(status=ProjectStatus(status)))


@pytest.mark.parametrize("status", ["queued", "running", "waiting_quota", "waiting_disk"])
def test_starting_what_is_on_its_way_changes_nothing(status):
    state = state_of(status=ProjectStatus(status))

    assert acts.start(state) is state


def test_retrying_from_a_stage_forgets_its_result_and_keeps_the_later_ones_for_comparison():
    state = with_done(state_of(status=ProjectStatus.COMPLETED, run=1, approved=("script", "final")), *Stage)
    again = acts.retry(Stage.ASSETS)(state)

    assert (again.status, again.run, again.next_stage, again.approved) == ("queued", 2, Stage.ASSETS, ("script",))
    assert again.stages[Stage.ASSETS].fingerprint is None
    assert again.stages[Stage.RENDER].fingerprint == "f"


def test_a_published_cut_stays():
    state = with_done(state_of(status=ProjectStatus.COMPLETED, upload=Upload(marker="m", video_id="v")), *Stage)

    with pytest.raises(WrongState):
        acts.retry(Stage.RENDER)(state)
    assert acts.retry(Stage.THUMBNAIL)(state).next_stage is Stage.THUMBNAIL


def test_one_approval_covers_all_that_the_project_stops_for():
    done = with_done(state_of(review=["thumbnail", "final"], status=ProjectStatus.RUNNING), *list(Stage)[:4])
    waiting = transitions.settled(done)

    assert (waiting.status, waiting.wait.reason) == ("waiting_review", "thumbnail, final")
    assert acts.approve(waiting).status is ProjectStatus.QUEUED
