"""What the look for near-duplicates needs (`jobs/video/variation.py`)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reelqueue.errors import NeedsPerson, ProjectNotFound
from reelqueue.models.likeness import Likeness
from storage import History, ProjectStore

if TYPE_CHECKING:
    from jobs.likes import Alike


@dataclass(frozen=True, slots=True)
class Guard:
    """The channels' histories, and whether the projects in them still want to be published."""

    history: History
    projects: ProjectStore

    async def look(self, channel: str, mine: Likeness, *, anyway: bool) -> "list[Alike]":
        """What of its channel a video looks like; where that is nothing, or `anyway`, it is written down.

        Whom nobody publishes any more is forgotten.

        Raises:
            DiskFull: nothing was written.  StorageUnavailable: it may be there or not.
        """
        from jobs.likes import alike  # noqa: PLC0415 - numbers and distances are loaded by who publishes

        while True:
            found = await self.history.note(channel, mine, lambda others: alike(mine, others), anyway=anyway)
            gone = [one.video for one in found if not await self.counts(one.video)]
            for video in gone:
                await self.history.forget(channel, video.project_id)
            if not gone:
                return list(found)

    async def counts(self, video: Likeness) -> bool:
        """Whether a video is, or may become, one of its channel's: published, being sent, or on its way to it."""
        if video.video_id is not None:
            return True
        try:
            state = await self.projects.load(video.project_id)
        except (ProjectNotFound, NeedsPerson):
            return False
        return state.upload is not None or not state.status.is_final
