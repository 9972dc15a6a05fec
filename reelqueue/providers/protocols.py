"""The contracts of the services that a video is made with.

The docstrings here are the contract; an adapter says only what differs.  No adapter retries, caches, reads a
setting or touches a project's state: it builds the request, sends it once, checks the answer and translates the error.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reelqueue.models.frozen import Frozen
from reelqueue.models.scene import SceneSpec
from reelqueue.models.script import Script
from reelqueue.models.voice import Speech


class Named(Protocol):
    """What every provider says of itself."""

    @property
    def name(self) -> str:
        """Who it is: "local", "gemini", ... as in the setting that chooses it."""
        ...

    @property
    def version(self) -> str:
        """Model, prompt version, tool versions: part of every piece's key, so that a change makes the piece anew."""
        ...


class ScriptRequest(Frozen):
    """What a script is asked for: at least one of `topic` and `content`."""

    topic: str | None
    content: str | None
    language: str
    duration_s: int | None
    tags: tuple[str, ...] = ()


class WrittenScript(Frozen):
    """A script, and what a person should know of it (as sentences in the process's language)."""

    script: Script
    warnings: tuple[str, ...] = ()


class ScriptWriter(Named, Protocol):
    """Writes scripts."""

    async def write_script(self, request: ScriptRequest) -> WrittenScript:
        """Write one script.

        Costs one billable call, none locally.

        Returns:
            A script whose segments last 5-20 s each by estimate, `index` counting from 0.

        Raises:
            InvalidBrief: the text can't be told in 1,800 s (names the estimate).
            TransientError: the service is down or its answer is not a script.
            QuotaExhausted: the day's quota is gone.
            ContentRefused: the service will not write about this.
        """
        ...


class SpeechRequest(Frozen):
    """One piece to be spoken.  `voice` is a voice's name or None; `lexicon` maps written to spoken."""

    text: str
    language: str
    voice: str | None
    lexicon: dict[str, str]


class Speaker(Protocol):
    """A voice that is ready to speak; keeps its model loaded."""

    async def speak(self, request: SpeechRequest, target: Path) -> Speech:
        """Speak one piece into `target` (WAV, mono, 16-bit), written whole or not at all.

        Returns:
            The piece with the times of its words and mouth shapes.

        Raises:
            TransientError: the service is down, or a local process died.
            PermanentError: there is nothing to speak, or the voice can't.
        """
        ...


class Voice(Named, Protocol):
    """Speaks."""

    def pieces(self, text: str, language: str) -> tuple[str, ...]:
        """Cut one part's text into the pieces in which this voice is asked: sentences, or the whole part.

        The pieces in their order, joined, hold every character of `text` but white space between them.
        """
        ...

    def check(self, language: str, voice: str | None) -> None:
        """Refuse what this voice can't speak, before any work.

        Raises:
            InvalidBrief: the field `language` or `voice`, with what there is.
        """
        ...

    def open(self) -> AbstractAsyncContextManager[Speaker]:
        """A speaker for one stage; leaving ends its process."""
        ...


class ImageRequest(Frozen):
    """One part of the script to be shown.  `role` is "intro", "segment" or "outro"."""

    role: str
    text: str
    image_description: str
    heading: str | None
    title: str
    topic: str
    language: str
    index: int
    aspect: str


class ImageMaker(Named, Protocol):
    """Makes what is seen."""

    async def make_image(self, request: ImageRequest, folder: Path) -> SceneSpec:
        """Make what one part shows.

        A picture is written into `folder` and named by the scene's `picture`; a drawn scene writes no file.
        Costs one billable call, none locally.

        Raises:
            TransientError, QuotaExhausted, ContentRefused: as for a script.
        """
        ...


class PresenterRequest(Frozen):
    """A presenter for one part: what is said, how long, and in which language."""

    role: str
    duration_s: float
    language: str
    seed: str


class Presenter(Named, Protocol):
    """Shows somebody who speaks.  A job with steps, because a remote one runs for minutes: its id is kept before the first poll."""

    async def begin(self, request: PresenterRequest, sound: Path) -> str:
        """Start the job; returns its id."""
        ...

    async def poll(self, job_id: str) -> bool:
        """Whether the job is ready to be fetched."""
        ...

    async def fetch(self, job_id: str, folder: Path) -> dict[str, Any]:
        """What the job made: `{"kind": "figure", "name": ...}` for one that is drawn, or `{"kind": "clip", "path": ...}`."""
        ...


class Publication(Frozen):
    """What is published.  Paths are absolute; `marker` identifies the video among others; `captions` is None where there are none."""

    project_id: int
    marker: str
    title: str
    description: str
    tags: tuple[str, ...]
    language: str
    privacy: str
    category_id: int
    made_for_kids: bool
    synthetic_media: bool
    video: str
    thumbnail: str
    captions: str | None


class Publisher(Named, Protocol):
    """Publishes, in steps between which the caller commits.

    A session is the service's idempotency key: one session makes at most one video.
    """

    def steps(self, publication: Publication) -> tuple[str, ...]:
        """The names of the steps that follow the video itself, in their order; the last one makes it visible."""
        ...

    async def open(self, publication: Publication) -> str:
        """U1: open a session; nothing is visible yet.  Returns the session's secret, for a file of mode 0600."""
        ...

    def send(self, publication: Publication, session: str) -> AsyncGenerator[float, None]:
        """U2: send what the service has not yet, from where it says; yields 0-1.

        Raises:
            SessionGone: the session is not known any more: reconcile by `find`.
        """
        ...

    async def query(self, publication: Publication, session: str) -> str | None:
        """U3: the id of the video that the session made, None where it is not whole yet.  Raises `SessionGone` as `send`."""
        ...

    async def find(self, publication: Publication) -> str | None:
        """U4: the id of the video that bears the marker, None where there is none."""
        ...

    async def step(self, name: str, publication: Publication, video_id: str) -> Mapping[str, Any]:
        """U5, U6: carry out one step; a second time changes nothing.  The last step's answer has `video_url` and `video_status`."""
        ...


class SessionGone(Exception):
    """The publisher does not know the session any more."""


@dataclass(frozen=True, slots=True)
class Providers:
    """One provider of each kind; `stand_in` draws where `image` failed."""

    script: ScriptWriter
    image: ImageMaker
    voice: Voice
    presenter: Presenter
    publisher: Publisher
    stand_in: ImageMaker
