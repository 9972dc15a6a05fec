"""What pages hear beside progress: that the board lives, how Redis is, and that projects or batches were made or deleted.

One look for all pages, and none while no page is open.  A folder's own time says that something was made or deleted in it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from progress.hub import Hub
from reelqueue import clock
from reelqueue.dashboard.link import Link
from reelqueue.dashboard.streams.lines import said
from storage import Paths

LOOK_SECONDS, BEAT_SECONDS = 1.0, 5.0


class Pulse:
    """Of one process; `on_others` is told before the pages that projects were made or deleted."""

    def __init__(self, hub: Hub, link: Link, paths: Paths, on_others: Callable[[], None]) -> None:
        self._hub, self._link, self._on_others = hub, link, on_others
        self._folders = {"projects": paths.projects, "batches": paths.batches}

    def beat(self) -> bytes:
        """That we live, as an event."""
        since = self._link.away_since
        ping_ms = self._link.ping_ms
        return said(
            "beat",
            {
                "now": clock.now().isoformat(timespec="milliseconds"),
                "redis": since.isoformat(timespec="seconds") if since is not None else None,
                "ping_ms": round(ping_ms, 1) if ping_ms is not None else None,
            },
        )

    async def go_on(self) -> None:
        """Without end."""
        times, beat_at, was_there = _times(self._folders), time.monotonic(), self._link.is_there
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._hub.has_pages:
                continue
            now = time.monotonic()
            if self._link.is_there != was_there or now - beat_at > BEAT_SECONDS - LOOK_SECONDS / 2:
                self._hub.tell_pages(self.beat())
                beat_at, was_there = now, self._link.is_there
            seen = await asyncio.to_thread(_times, self._folders)
            if seen["projects"] != times["projects"]:
                self._on_others()
            if what := [name for name, at in seen.items() if at != times[name]]:
                self._hub.tell_pages(said("changed", {"what": what}))
            times = seen


def _times(folders: Mapping[str, Path]) -> dict[str, int]:
    return {name: _time(path) for name, path in folders.items()}


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # nothing was made yet, or the disk does not answer
        return 0
