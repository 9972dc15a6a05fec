"""What a video is known again by: its title, a sketch of its script, a mark of each of its pictures.  About 1 kB."""

from datetime import datetime

from reelqueue.models.frozen import Frozen

LIKENESS_VERSION = 1
"""Raised when sketches or marks are made otherwise: those of another version can't be compared."""


class Likeness(Frozen):
    """One video of a channel.

    `title` is as it was published; `script` the sketch (`jobs/likes.py`) in hex, `pictures` the marks (`media/marks.py`) in hex.
    `content` is the hash of all that it was made from; `video_id` is None until there is a video.
    """

    version: int = LIKENESS_VERSION
    project_id: int
    title: str
    script: str
    pictures: tuple[str, ...] = ()
    content: str
    at: datetime
    video_id: str | None = None
