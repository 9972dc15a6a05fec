"""Speech with the times of its words and mouth shapes."""

from reelqueue.models.frozen import Frozen


class Word(Frozen):
    """When a stretch of the written text is heard.

    `start_char` and `end_char` count characters of the text that was asked for; what no word covers is
    punctuation or white space.  Times are seconds from the start of the sound.
    """

    start_char: int
    end_char: int
    start_s: float
    end_s: float


class Viseme(Frozen):
    """A mouth shape and when it begins, in seconds.  Shapes: rest, mbp, fv, l, ee, ah, oh, oo."""

    shape: str
    start_s: float


class Speech(Frozen):
    """One spoken piece.  The sound is WAV, mono, 16-bit; `sample_rate` in Hz, `samples` its exact length.

    Silence at both ends is trimmed to 30 ms; gaps between pieces are the timeline's matter.
    """

    text: str
    sample_rate: int
    samples: int
    words: tuple[Word, ...]
    visemes: tuple[Viseme, ...]

    @property
    def duration_s(self) -> float:
        """The length in seconds."""
        return self.samples / self.sample_rate
