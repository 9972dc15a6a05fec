"""The script of a video, as it stands in `script.json`."""

from pydantic import Field

from reelqueue.models.frozen import Frozen


class Part(Frozen):
    """The intro or the outro.  `duration` is an estimate in seconds; the real one is the voice's."""

    text: str
    duration: float


class Segment(Frozen):
    """One scene's narration, 5-20 s.  `index` counts from 0.

    `heading` is the heading that the text stood under, where this segment is the first below it.  `picture` is the one that
    it came with, a path relative to the project's folder; None where one is to be made.
    """

    index: int
    text: str
    duration: float
    image_description: str
    heading: str | None = None
    picture: str | None = Field(default=None, exclude_if=lambda path: path is None)  # 0.1 knows it not, and reads our scripts


class Metadata(Frozen):
    """What the video is published with.  `title` keeps to YouTube's rules: 1-100 characters, no `<` or `>`."""

    title: str
    description: str
    tags: tuple[str, ...]


class Script(Frozen):
    """A whole script.  `language` is the narration's BCP 47 tag; `total_duration` the sum of the estimates in seconds.

    Of one that was edited when pieces of it were made already: `first_title` is the title that they were made under, `look` the
    style that its scenes are drawn in (`art.style.Style` as JSON).  Without them a new title, or a word, would make all anew.
    """

    intro: Part
    segments: tuple[Segment, ...]
    outro: Part
    metadata: Metadata
    total_duration: float
    language: str
    first_title: str | None = Field(default=None, exclude_if=lambda title: title is None)
    look: dict[str, str] | None = Field(default=None, exclude_if=lambda look: look is None)

    @property
    def texts(self) -> tuple[str, ...]:
        """What is spoken, part by part: intro, each segment, outro."""
        return (self.intro.text, *(segment.text for segment in self.segments), self.outro.text)

    @property
    def title_of_pieces(self) -> str:
        """The title that pieces are made under."""
        return self.first_title or self.metadata.title
