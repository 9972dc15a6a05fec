"""What `doctor` says of states: that all can be read, or which can't, why, and what to do."""

import pytest

from reelqueue.ahead.state_checks import MOST_NAMED, states
from reelqueue.settings import Settings
from storage import BatchStore, Owner, Paths, ProjectStore


@pytest.fixture
async def paths(settings: Settings) -> Paths:
    """Seven projects and two batches."""
    paths = Paths(settings.data_dir)
    paths.make()
    projects, batches = (kind(paths, Owner.here(), lease_seconds=5) for kind in (ProjectStore, BatchStore))
    for number in range(1, 8):
        await projects.create({"topic": f"Topic {number}"})
    for content in ([1], [2]):
        await batches.create(content, content=content)
    return paths


def spoil(paths: Paths, *numbers: int) -> None:
    for number in numbers:
        for file in paths.project(number).root.glob("project_state.json*"):
            file.write_bytes(b"\0" * 64)


async def test_that_all_can_be_read_is_said_with_their_counts(settings, paths):
    [finding] = await states(settings)

    assert (finding.level, finding.saw.en) == ("ok", "7 projects and 2 batches can be read")


async def test_one_that_is_spoilt_is_named_with_what_to_do(settings, paths):
    spoil(paths, 3)

    [finding] = await states(settings)

    assert (finding.level, finding.what.en) == ("fail", "project 3")
    assert finding.saw.en
    assert finding.do.en


async def test_a_batch_that_is_spoilt_is_named(settings, paths):
    for file in paths.batch(2).glob("batch_state.json*"):
        file.write_bytes(b"{")

    [finding] = await states(settings)

    assert (finding.level, finding.what.zh) == ("fail", "批次 2")


async def test_of_many_a_few_are_named_and_the_rest_is_counted(settings, paths):
    spoil(paths, *range(1, 8))

    found = await states(settings)

    assert [finding.what.en for finding in found[:MOST_NAMED]] == [f"project {number}" for number in (7, 6, 5, 4, 3)]
    assert found[MOST_NAMED].saw.en == "2 more can't be read"


async def test_before_anything_was_made_there_is_nothing_to_read(settings):
    [finding] = await states(settings)

    assert (finding.level, finding.saw.en) == ("ok", "0 projects and 0 batches can be read")
