"""How to mend what a stage met, for whoever reads it at three in the night."""

import pytest

from reelqueue.dashboard.project.mending import mending_of
from reelqueue.errors import ReelqueueError
from reelqueue.models.project import StageError
from reelqueue.models.stage import Stage


def codes(root: type[ReelqueueError] = ReelqueueError) -> set[str]:
    return {root.code}.union(*(codes(kind) for kind in root.__subclasses__()))


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("code", sorted(codes() | {"of_a_later_version"}))
def test_every_error_has_a_title_and_something_to_do_in_both_languages(code, stage):
    mending = mending_of(StageError(code=code, message="why", hint="what to do"), stage, None)

    assert mending.title.zh != mending.title.en
    assert all(step.words.zh and step.words.en for step in mending.steps)
    assert mending.steps


def test_a_failure_without_a_hint_says_what_to_do_all_the_same():
    (step,) = mending_of(StageError(code="permanent", message="why"), Stage.UPLOAD, None).steps
    assert step.words.en.startswith("Retry once;")

    (step,) = mending_of(StageError(code="media", message="EOFError"), Stage.RENDER, None).steps
    assert "retry from the stage before" in step.words.en


def test_a_dead_sign_in_names_the_channels_own_command():
    error = StageError(code="authentication", message="invalid_grant")

    named = mending_of(error, Stage.UPLOAD, "science")
    unnamed = mending_of(error, Stage.UPLOAD, None)

    assert [step.command for step in named.steps if step.command] == ["reelqueue auth youtube --channel science"]
    assert [step.command for step in unnamed.steps if step.command] == ["reelqueue auth youtube"]


def test_what_only_another_brief_mends_has_no_retry():
    assert not mending_of(StageError(code="invalid_brief", message="why"), Stage.SCRIPT, None).retry_helps
    assert mending_of(StageError(code="content_refused", message="why"), Stage.ASSETS, None).edit_helps
