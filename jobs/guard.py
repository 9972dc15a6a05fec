"""What the look for near-duplicates needs (`jobs/video/variation.py`): the channels' histories, and who in them counts."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from reelqueue import clock
from reelqueue.errors import InvalidBrief, MediaError, NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.likeness import Likeness
from reelqueue.models.project import ProjectState
from reelqueue.models.script import Script
from reelqueue.models.stage import Stage
from reelqueue.providers.protocols import Choice
from storage import Blobs, History, ProjectStore

if TYPE_CHECKING:
    from jobs.likes import Alike

OF_THE_LIBRARY = "local-"
"""What the ids of videos in our own library begin with: it is nobody's channel."""
BEFORE = "before"
"""The content of a video that was published before there was a history: any look at it is a new one."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Guard:
    """The channels' histories, and whether the projects in them still want to be published."""

    history: History
    projects: ProjectStore
    choice: Choice

    async def look(self, channel: str, mine: Likeness, *, anyway: bool) -> "list[Alike]":
        """What of its channel a video looks like; where that is nothing, or `anyway`, it is written down.

        Whom nobody publishes any more is forgotten.

        Raises:
            DiskFull: nothing was written.  StorageUnavailable: it may be there or not.
        """
        from jobs.likes import alike  # noqa: PLC0415 - numbers and distances are loaded by who publishes

        if not await self.history.is_begun(channel):
            await self._begin(channel)
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
        except StorageUnavailable:  # nobody knows: as long as its file can't be read, it does
            return True
        return state.upload is not None or not state.status.is_final

    async def _begin(self, channel: str) -> None:
        """Write down what was published on a channel before there was a history, by titles and scripts.

        Once a channel; who dies in it begins anew, and finds what is written down already.
        """
        count = 0
        outlines = await self.projects.outlines(await self.projects.ids(newest_first=False))
        for number in [number for number, one in outlines.items() if one is not None and one.video_id is not None]:
            video = await self._published_before(channel, number)
            if video is not None and await self.history.of(channel, number) is None:
                await self.history.note(channel, video, lambda _: (), anyway=True)
                count += 1
        await self.history.begin(channel)
        log.info("history_begun", channel=channel, videos=count)

    async def _published_before(self, channel: str, number: int) -> Likeness | None:
        try:
            state = await self.projects.load(number)
            if not self._is_of(channel, state):
                return None
            script = await self._script_of(state)
        except (ProjectNotFound, NeedsPerson, InvalidBrief, MediaError, ValueError, IndexError):
            return None  # gone, unreadable, without its script: it can't be known again
        return await asyncio.to_thread(self._known_by, state, script)

    def _is_of(self, channel: str, state: ProjectState) -> bool:
        upload = state.upload
        if upload is None or upload.video_id is None or upload.is_elsewhere or upload.video_id.startswith(OF_THE_LIBRARY):
            return False
        return self.choice.channel_of(state.brief).name == channel

    async def _script_of(self, state: ProjectState) -> Script:
        blobs = Blobs(self.projects.paths.project(state.project_id).root)
        return Script.model_validate_json(await blobs.read(state.stages[Stage.SCRIPT].artifacts[0]))

    @staticmethod
    def _known_by(state: ProjectState, script: Script) -> Likeness:
        from jobs.likes import sketch_of  # noqa: PLC0415 - as above

        return Likeness(
            project_id=state.project_id,
            title=script.metadata.title,
            script=sketch_of(told_in(script)),
            content=BEFORE,
            at=clock.now(),
            video_id=state.upload.video_id if state.upload is not None else None,
        )


def told_in(script: Script) -> list[str]:
    """What a script is known again by: its segments, since an opening and a close may be a channel's own."""
    return [segment.text for segment in script.segments] or list(script.texts)
