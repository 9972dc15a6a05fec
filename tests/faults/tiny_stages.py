"""For arq's own command: our worker as `worker_settings` makes it, its five stages real and its videos tiny.

What a video costs the machine is cut, nothing of how it is made: frames of 96 px, and words timed by pauses and lengths, as
where no child that times them can be started.  In the environment: FAULTS_WITHOUT, the protections that are taken out
(`fence`, `session`), to see that a test notices.
"""

import asyncio
import os
from typing import Any

import worker_settings
from jobs import stages, transitions
from jobs.video import upload
from reelqueue.models.media import SIZES
from reelqueue.providers.alignment import aligner
from storage import Lease, lease, liveness

PIXELS = 96
SIZES["1:1"] = (PIXELS, PIXELS)
WITHOUT = set(os.environ.get("FAULTS_WITHOUT", "").split(",")) - {""}
VideoWorker = worker_settings.VideoWorker


async def _by_pauses(_self: Any, heard: Any, _part: Any, request: Any) -> Any:
    return await asyncio.to_thread(aligner._estimated, heard, request.text)


aligner.Aligner._timed = _by_pauses


class _NeverSet(asyncio.Event):
    def set(self) -> None:
        """Nobody hears of it."""


def _without_fence() -> None:
    """Who was taken for dead goes on: no commit, look or file of his is refused, and no stage is taken back."""
    made = lease.StateLease.__init__

    def init(self: Any, *arguments: Any) -> None:
        made(self, *arguments)
        self.lost = _NeverSet()

    lease.StateLease.__init__ = init
    lease.StateLease._permit = lambda _self, _state: None
    Lease._guard = lambda _self: None
    hold = liveness.LeaseFile.hold
    liveness.LeaseFile.hold = lambda self, record: hold(self, record) or True
    stages.still_wanted = transitions.still_wanted = lambda state, _stage: state


def _without_session() -> None:
    """As uploads are written where nobody thought of a crash: whoever begins anew sends anew."""

    async def nothing(_run: Any, _publication: Any, _upload: Any) -> None:
        return None

    upload._from_the_session_before = nothing


for name, take_out in {"fence": _without_fence, "session": _without_session}.items():
    if name in WITHOUT:
        take_out()
