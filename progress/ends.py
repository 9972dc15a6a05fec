"""Ends that nobody told of: an event may be lost while Redis is away, the state on disk is not.

The states of all topics that somebody reads are looked at together, and only a state that changed is read.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Protocol

import structlog

from progress.ending import GRACE, Batches, Projects, batch_end, project_end
from progress.events import Topic
from progress.hub import Hub
from reelqueue import clock
from reelqueue.errors import BatchNotFound, NeedsPerson, ProjectNotFound, TransientError
from storage import Outline

LOOK_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Looked(Projects, Protocol):
    """The part of `storage.ProjectStore` that is needed here."""

    async def outlines(self, project_ids: Iterable[int]) -> Mapping[int, Outline | None]:
        """See `ProjectStore`."""
        ...


async def watch_ends(hub: Hub, projects: Looked, batches: Batches) -> None:
    """Tell the hub's readers of ends that they did not hear of, without end."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await look(hub, projects, batches)
        except (TransientError, NeedsPerson) as error:  # the disk does not answer, or one can't be read: the next look tells
            log.warning("ends_are_not_seen", error=error.message)
        except Exception as error:  # a bug; were this to end, readers would wait for ends that they missed
            log.exception("bug", exc_info=error)


async def look(hub: Hub, projects: Looked, batches: Batches) -> None:
    """Once.

    Raises:
        TransientError, NeedsPerson: the disk does not answer, or a state can't be read.
    """
    topics = hub.topics()
    outlines = await projects.outlines([topic.project_id for topic in topics if topic.project_id is not None])
    for topic in topics:
        outline = outlines[topic.project_id] if topic.project_id is not None else None
        if topic.project_id is not None and outline is None:
            hub.tell_gone(topic)
        elif outline is None or (outline.status.is_final and hub.awaits_end(topic, outline.status)):
            await _tell_end(hub, topic, projects, batches)


async def _tell_end(hub: Hub, topic: Topic, projects: Projects, batches: Batches) -> None:
    try:
        if topic.project_id is not None:
            project = await projects.load(topic.project_id)
            end, at = project_end(project), project.updated_at
        else:
            batch = await batches.load(topic.batch_id or 0)
            end, at = batch_end(batch), batch.updated_at
    except (ProjectNotFound, BatchNotFound):
        hub.tell_gone(topic)
        return
    is_old = not timedelta(0) <= clock.now() - at <= GRACE  # "in the future": the clock was set back since
    if end is not None and is_old and hub.awaits_end(topic, end.status):
        hub.tell_end(topic, end)
