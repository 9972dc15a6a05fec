"""What a brief names is looked at before anything is started: the stages look again, but minutes later."""

import asyncio
from datetime import datetime
from pathlib import Path

from jobs.stages import narration_language
from jobs.video.sound import NO_MUSIC
from reelqueue import clock
from reelqueue.bootstrap import Settings
from reelqueue.errors import InvalidBrief
from reelqueue.media.image import given_pictures
from reelqueue.models.brief import ALLOWED, Brief
from reelqueue.providers.registry import Shelf
from reelqueue.wording import Text


async def refuse_early(brief: Brief, settings: Settings, shelf: Shelf) -> None:
    """Refuse who can't make it, a channel that is none, a voice that can't speak it, a time that has passed, files not there.

    Raises:
        InvalidBrief: names the field.
        InvalidSettings: what is chosen can't be used as it is set up.
    """
    for refusal in await refusals(brief, settings, shelf):
        raise refusal


async def refusals(brief: Brief, settings: Settings, shelf: Shelf) -> list[InvalidBrief]:
    """All that `refuse_early` would refuse, field by field.

    Raises:
        InvalidSettings: what is chosen can't be used as it is set up.
    """
    whole, found = brief, past_moments(brief)
    try:
        voice, whole = shelf.chosen(brief).voice, shelf.filled(brief)
        voice.check(narration_language(whole, settings.language), whole.voice)
    except InvalidBrief as error:
        found.append(error)
    return found + await asyncio.to_thread(_files_refused, whole)


def past_moments(brief: Brief) -> list[InvalidBrief]:
    """Of a brief's moments those that have passed."""
    now, wanted = clock.now(), (("publish_at", brief.publish_at), ("deadline", brief.deadline))
    return [
        InvalidBrief(field, Text("還沒到的時間", "a time to come"), moment)
        for field, moment in wanted
        if moment is not None and datetime.fromisoformat(moment) <= now
    ]


def _files_refused(brief: Brief) -> list[InvalidBrief]:
    found = list[InvalidBrief]()
    try:
        given_pictures(brief.images, brief.images_dir)
    except InvalidBrief as error:
        found.append(error)
    for field, name in (("music", brief.music), ("logo", brief.logo)):
        if name is not None and (field, name) != ("music", NO_MUSIC) and not Path(name).is_file():
            found.append(InvalidBrief(field, ALLOWED[field], name))
    return found
