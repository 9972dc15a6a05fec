"""One subtitle on screen."""

from reelqueue.models.frozen import Frozen
from reelqueue.models.voice import Word


class Cue(Frozen):
    """At most two lines, shown from `start_s` to `end_s`.

    `lines` are ranges of characters of `text`; `words` carry offsets into `text` and times on the same clock as
    `start_s`: the whole video's in the timeline, the scene's own where it is drawn.
    """

    text: str
    lines: tuple[tuple[int, int], ...]
    start_s: float
    end_s: float
    words: tuple[Word, ...]
