"""A state is always whole, and never older than what its writer had acknowledged, wherever the writer is killed."""

import json
import secrets
import sys
from pathlib import Path

import pytest

from tests import forks

ROOT = Path(__file__).parents[2]


def seen(folder: Path, how: str, kills: int, *enough: str) -> dict[str, int]:
    """What one who reads saw of so many writers that were killed."""
    seed = secrets.randbelow(2**31)
    sys.stdout.write(f"seed {seed}\n")
    argv = [sys.executable, "-m", "tests.faults.torn_states", str(folder), how, str(kills), str(seed), *enough]
    told: dict[str, int] = json.loads(forks.run(argv, cwd=ROOT, check=True, capture_output=True, timeout=600).stdout)
    sys.stdout.write(f"{how}: {told}\n")
    return told


def test_none_is_torn_or_older_than_acknowledged(tmp_path):
    told = seen(tmp_path, "ours", kills=40)

    assert told["reads"] > told["kills"]
    assert (told["torn"], told["older"], told["broken"]) == (0, 0, 0)


def test_one_who_writes_in_place_is_seen_to_tear(tmp_path):
    """The control: the same readers and kills, until one is seen: on one core that is a matter of chance."""
    told = seen(tmp_path, "naive", 2_000, "torn")

    assert told["torn"] > 0


@pytest.mark.soak
def test_none_is_torn_in_a_thousand_deaths(tmp_path):
    told = seen(tmp_path, "ours", kills=1_000)
    control = seen(tmp_path, "naive", kills=1_000)

    assert (told["torn"], told["older"], told["broken"]) == (0, 0, 0)
    assert control["torn"] > 0 and control["broken"] > 0
