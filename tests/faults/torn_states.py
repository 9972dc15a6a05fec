"""Writers that are killed anywhere, and one who reads all the while: `torn_states.py <folder> <ours|naive> <kills> <seed> [<enough>]`.

Prints what was seen as JSON: `kills`; `reads`, and how many of them were `torn` or `older` than what the writer had acknowledged
before; how many states were `broken` after a kill.  With `enough` it ends as soon as that was seen once.
"""

import json
import os
import random
import select
import signal
import struct
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from reelqueue.models.brief import parse_brief
from reelqueue.models.project import ProjectState
from storage import disk
from storage.codec import PROJECT_CODEC
from storage.migrations import Unreadable

TEXT = "城市裡的蜜蜂比鄉下多，因為公園整年都有花。" * 300
LIFE_S, LEAST_READS = 0.03, 2
"""A writer's, at most, but for so many reads: on a busy machine its reader may have no turn before."""


def body_of(revision: int) -> bytes:
    """A state of some 19 kB."""
    at = datetime(2026, 11, 30, tzinfo=UTC)
    brief = parse_brief({"content": TEXT[: 6_000 + revision % 7]})
    state = ProjectState(project_id=1, brief=brief, revision=revision, created_at=at, updated_at=at)
    return PROJECT_CODEC.encode(state)[0]


def revision_of(body: bytes) -> int | None:
    """Which it is; None: it is none."""
    try:
        return PROJECT_CODEC.decode(body).revision
    except Unreadable:
        return None


def write(path: Path, how: str, acknowledged: int) -> None:
    """Write one state after the other, and say each time that it is written."""
    body = path.read_bytes()
    revision = revision_of(body) or 0
    while True:
        revision, new = revision + 1, body_of(revision + 1)
        if how == "naive":
            path.write_bytes(new)
        else:
            disk.replace(path, new, disk.version_of(body))
            body = new
        os.write(acknowledged, struct.pack("q", revision))


def main(folder: Path, how: str, kills: int, seed: int, enough: str = "") -> None:
    """Let writers live and die, and read."""
    path, dice = folder / "project_state.json", random.Random(seed)
    seen = {"kills": kills, "reads": 0, "torn": 0, "older": 0, "broken": 0}
    path.write_bytes(body_of(0))
    for _ in range(kills):
        acknowledgements, acknowledged = os.pipe()
        if (child := os.fork()) == 0:
            os.close(acknowledgements)
            write(path, how, acknowledged)
        os.close(acknowledged)
        ends, least, due = time.monotonic() + dice.uniform(0.002, LIFE_S), -1, seen["reads"] + LEAST_READS
        while time.monotonic() < ends or seen["reads"] < due:
            least = _newest(acknowledgements, least)
            found = revision_of(path.read_bytes())
            seen["reads"] += 1
            seen["torn"] += found is None
            seen["older"] += found is not None and found < least
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        least = _newest(acknowledgements, least)
        os.close(acknowledgements)
        found = revision_of(path.read_bytes())
        seen["broken"] += found is None
        seen["older"] += found is not None and found < least
        if found is None:
            path.write_bytes(body_of(0))
        if enough and seen[enough]:
            break
    sys.stdout.write(json.dumps(seen))


def _newest(acknowledgements: int, least: int) -> int:
    while select.select([acknowledgements], [], [], 0)[0] and (word := os.read(acknowledgements, 8)):
        least = struct.unpack("q", word)[0]
    return least


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
