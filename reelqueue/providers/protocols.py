"""The contracts of the services that a video is made with.

The docstrings here are the contract; an adapter says only what differs.  No adapter retries, caches, reads a
setting or touches a project's state: it builds the request, sends it once, checks the answer and translates the error.
An error says by `usage` what the failed call was billed for.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field

from reelqueue.models.brief import Brief
from reelqueue.models.channel import DEFAULT_CHANNEL, Channel
from reelqueue.models.cost import Cost
from reelqueue.models.frozen import Frozen
from reelqueue.models.project import Usage
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
    """A script, and what a person should know of it (as sentences in the process's language); `usage` is what it took."""

    script: Script
    warnings: tuple[str, ...] = ()
    usage: tuple[Usage, ...] = ()


class TakesTurns(Protocol):
    """A service that takes so many calls at once, and so many a minute."""

    def turn(self) -> AbstractAsyncContextManager[object]:
        """The right to send one call; who waits for it has reserved and looked at nothing yet."""
        ...


class ScriptWriter(Named, TakesTurns, Protocol):
    """Writes scripts."""

    def cost(self, request: ScriptRequest) -> Cost:
        """What one call may take at most."""
        ...

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


class Spoken(Frozen):
    """One piece as it was spoken, with the times of its words and mouth shapes; `usage` is what it took."""

    speech: Speech
    usage: tuple[Usage, ...] = ()


class Speaker(Protocol):
    """A voice that is ready to speak; keeps its model loaded."""

    async def speak(self, request: SpeechRequest, target: Path) -> Spoken:
        """Speak one piece into `target` (WAV, mono, 16-bit), written whole or not at all.

        Raises:
            TransientError: the service is down, or a local process died.
            PermanentError: there is nothing to speak, or the voice can't.
        """
        ...


class Voice(Named, TakesTurns, Protocol):
    """Speaks."""

    @property
    def at_once(self) -> int:
        """How many pieces of one project may be asked for side by side."""
        ...

    def cost(self, request: SpeechRequest) -> Cost:
        """What one call may take at most."""
        ...

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
    image_style: str | None = Field(default=None, exclude_if=lambda style: style is None)
    negative_prompt: str | None = Field(default=None, exclude_if=lambda prompt: prompt is None)


class MadeImage(Frozen):
    """What one part shows; `usage` is what it took."""

    scene: SceneSpec
    usage: tuple[Usage, ...] = ()


class ImageMaker(Named, TakesTurns, Protocol):
    """Makes what is seen."""

    def cost(self, request: ImageRequest) -> Cost:
        """What one call may take at most."""
        ...

    def asked(self, request: ImageRequest) -> str | None:
        """All that a picture by a service hangs on of the request, as text; None where the whole of it decides: a drawn scene."""
        ...

    async def make_image(self, request: ImageRequest, folder: Path) -> MadeImage:
        """Make what one part shows.

        A picture, re-encoded by us, is written into `folder` under a name of its own that ends in `.jpg.part` or `.png.part`, and
        named so by the scene's `picture`; a drawn scene writes no file.
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

    def cost(self, request: PresenterRequest) -> Cost:
        """What one job may take at most."""
        ...

    def usage(self, request: PresenterRequest) -> tuple[Usage, ...]:
        """What one job is billed for, once it was begun."""
        ...

    async def begin(self, request: PresenterRequest, sound: Path) -> str:
        """Start the job, once; returns its id.  `sound` is the whole part as it will be heard."""
        ...

    async def poll(self, job_id: str) -> bool:
        """Whether the job is ready to be fetched."""
        ...

    async def fetch(self, job_id: str, folder: Path) -> dict[str, Any]:
        """What the job made: `{"kind": "figure", "name": ...}` for one that is drawn, or `{"kind": "clip", "path": ...}`.

        A clip is written into `folder`, whole or not at all; its path is relative to it.
        """
        ...


class Publication(Frozen):
    """What is published.

    Paths are absolute; `marker` identifies the video among others; `captions` is None where there are none.  `channel` is
    its name in the settings; `playlist` an id; `publish_at` an aware time in ISO 8601, `localizations` maps a BCP 47 tag to
    `{"title", "description"}`.
    """

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
    channel: str = "default"
    playlist: str | None = None
    publish_at: str | None = None
    localizations: dict[str, dict[str, str]] = Field(default_factory=dict)


class Publisher(Named, Protocol):
    """Publishes, in steps between which the caller commits.

    A session is the service's idempotency key: one session makes at most one video.
    """

    @property
    def optional(self) -> frozenset[str]:
        """The steps without which a video is published all the same: that they are refused is a warning."""
        ...

    @property
    def listed_within_s(self) -> float:
        """How long a new video may be missing in `find`, in seconds; 0: never."""
        ...

    def cost(self, what: str, publication: Publication | None) -> Cost:
        """What "open", "find", a step, or "remove" may take; the last is asked without a publication."""
        ...

    def check(self, publication: Publication) -> None:
        """U0: refuse what the service would refuse, before anything is sent.

        Raises:
            InvalidBrief, PermanentError: names the field, what is allowed, what stands there.
        """
        ...

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

    async def find(self, publication: Publication) -> tuple[str, ...]:
        """U4: the ids of the videos that bear the marker, the newest first; a service's list may lag behind."""
        ...

    async def step(self, name: str, publication: Publication, video_id: str) -> Mapping[str, Any]:
        """U5, U6: carry out one step; a second time changes nothing.  The last step's answer has `video_url` and `video_status`."""
        ...

    async def remove(self, video_id: str) -> bool:
        """Take a video off the channel for good, with all that belongs to it; False where it is not there, or not any more."""
        ...


class SessionGone(Exception):
    """The publisher does not know the session any more."""


@dataclass(frozen=True, slots=True)
class Providers:
    """One provider of each kind; `stand_in` draws where `image` failed, `stand_in_presenter` where `presenter` did."""

    script: ScriptWriter
    image: ImageMaker
    voice: Voice
    presenter: Presenter
    publisher: Publisher
    stand_in: ImageMaker
    stand_in_presenter: Presenter


class Choice(Protocol):
    """Who makes what, for a brief and its channel."""

    def chosen(self, brief: Brief) -> Providers:
        """One provider of each kind.

        Raises:
            InvalidBrief, InvalidSettings: what the brief asks for is not set up.
        """
        ...

    def publisher_of(self, brief: Brief) -> Publisher:
        """Who publishes alone: nobody else is set up for it.  Raises as `chosen`."""
        ...

    def channel_of(self, brief: Brief) -> Channel:
        """The channel that a brief means.  Raises `InvalidBrief`: there is no such channel."""
        ...

    def filled(self, brief: Brief) -> Brief:
        """The brief, its channel's wishes where it has none.  Raises as `channel_of`."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same for every brief."""

    providers: Providers

    def chosen(self, brief: Brief) -> Providers:  # noqa: ARG002 - as the class says
        """See `Choice`."""
        return self.providers

    def publisher_of(self, brief: Brief) -> Publisher:  # noqa: ARG002 - as the class says
        """See `Choice`."""
        return self.providers.publisher

    def channel_of(self, brief: Brief) -> Channel:  # noqa: ARG002 - as the class says
        """See `Choice`."""
        return Channel(name=DEFAULT_CHANNEL)

    def filled(self, brief: Brief) -> Brief:
        """See `Choice`: as it is."""
        return brief
