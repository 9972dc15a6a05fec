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
    voice, whole = shelf.chosen(brief).voice, shelf.filled(brief)
    voice.check(narration_language(whole, settings.language), whole.voice)
    if brief.publish_at is not None and datetime.fromisoformat(brief.publish_at) <= clock.now():
        raise InvalidBrief("publish_at", Text("還沒到的時間", "a time to come"), brief.publish_at)
    await asyncio.to_thread(_refuse_files, whole)


def _refuse_files(brief: Brief) -> None:
    given_pictures(brief.images, brief.images_dir)
    for field, name in (("music", brief.music), ("logo", brief.logo)):
        if name is not None and (field, name) != ("music", NO_MUSIC) and not Path(name).is_file():
            raise InvalidBrief(field, ALLOWED[field], name)
