"""Commands go by the clock of the settings, so a test that crosses midnights can ask them, too."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from reelqueue import clock
from reelqueue.bootstrap import read_settings


@pytest.fixture(autouse=True)
def _the_machines_clock_again() -> Iterator[None]:
    yield
    clock.follow(None)


def test_reading_the_settings_for_a_command_moves_its_clock(tmp_path, monkeypatch):
    file = tmp_path / "clock"
    file.write_text("86400")
    monkeypatch.setenv("REELQUEUE_TEST_CLOCK_FILE", str(file))

    read_settings()

    assert clock.now() - datetime.now(UTC) > timedelta(hours=23)
