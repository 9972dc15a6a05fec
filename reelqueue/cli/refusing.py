"""What a brief names is looked at before anything is started: the stages look again, but minutes later."""

from pathlib import Path

from jobs.stages import narration_language
from jobs.video.sound import NO_MUSIC
from reelqueue.bootstrap import Settings, open_shelf
from reelqueue.errors import InvalidBrief
from reelqueue.media.image import given_pictures
from reelqueue.models.brief import ALLOWED, Brief
from storage import Paths


def refuse_early(brief: Brief, settings: Settings) -> None:
    """Refuse a language or a voice that can't be spoken, and files that are not there.

    Raises:
        InvalidBrief: names the field.
    """
    voice = open_shelf(settings, Paths(settings.data_dir)).chosen(brief).voice
    voice.check(narration_language(brief, settings.language), brief.voice)
    given_pictures(brief.images, brief.images_dir)
    for field, name in (("music", brief.music), ("logo", brief.logo)):
        if name is not None and (field, name) != ("music", NO_MUSIC) and not Path(name).is_file():
            raise InvalidBrief(field, ALLOWED[field], name)
