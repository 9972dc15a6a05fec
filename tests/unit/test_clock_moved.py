"""The clock that tests move over midnights."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reelqueue import clock
from reelqueue.errors import InvalidSettings

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _the_clock_is_the_machines_again() -> Iterator[None]:
    yield
    clock.follow(None)


def test_without_a_file_it_is_the_machines():
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_it_is_moved_by_what_the_file_says_as_soon_as_it_says_so(tmp_path: Path):
    file = tmp_path / "clock"
    clock.follow(file)
    before = clock.shift()
    file.write_text(f"{DAY.total_seconds()}\n")

    assert before == timedelta(0)
    assert clock.shift() == DAY
    assert abs(clock.now() - datetime.now(UTC) - DAY) < timedelta(seconds=5)


def test_a_moment_comes_sooner_by_the_machines_own_clock(tmp_path: Path):
    file = tmp_path / "clock"
    file.write_text("86400")
    clock.follow(file)
    moment = datetime(2030, 1, 2, tzinfo=UTC)

    assert clock.by_the_machine(moment) == moment - DAY


@pytest.mark.parametrize("text", ["tomorrow", "nan", "inf", "-1e12", "86400 s", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_file_that_says_no_seconds_is_refused_at_the_start_and_changes_nothing_later(tmp_path: Path, text: str | bytes):
    wrong, file = tmp_path / "wrong", tmp_path / "clock"
    wrong.write_bytes(text.encode() if isinstance(text, str) else text)
    file.write_text("86400")
    clock.follow(file)
    with pytest.raises(InvalidSettings, match="TEST_CLOCK_FILE"):
        clock.follow(wrong)
    before = clock.shift()
    file.write_bytes(wrong.read_bytes())

    assert (before, clock.shift()) == (DAY, DAY)


def test_a_folder_is_no_file_of_seconds(tmp_path: Path):
    with pytest.raises(InvalidSettings, match="TEST_CLOCK_FILE"):
        clock.follow(tmp_path)
