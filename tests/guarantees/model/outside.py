"""The world outside: services that are paid, and a channel.  They obey our contracts, count what happens, and never lie to themselves.

A channel's session makes at most one video; its list of videos lags behind; what happened there happened, whoever heard of it.
"""

import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from reelqueue.errors import ServiceUnavailable
from reelqueue.models.cost import FREE, Cost, Need
from reelqueue.models.project import Usage
from reelqueue.models.scene import SceneSpec
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.voice import Speech
from reelqueue.providers.protocols import (
    ImageRequest,
    MadeImage,
    PresenterRequest,
    Providers,
    Publication,
    ScriptRequest,
    SessionGone,
    SpeechRequest,
    Spoken,
    WrittenScript,
)
from storage import disk

PRICE = Decimal("0.01")
"""What each paid call takes, and is reserved for it."""
LISTED_WITHIN_S = 600.0
CHUNKS = 2
SCRIPT = Script(
    intro=Part(text="One.", duration=5),
    segments=(
        Segment(index=0, text="Two.", duration=5, image_description="sea"),
        Segment(index=1, text="Three.", duration=5, image_description="land"),
    ),
    outro=Part(text="Four.", duration=5),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=20,
    language="en",
)
BILLED = (Usage(service="model", model="m", unit="call", amount=1, cost_usd=float(PRICE)),)
PAID = Cost(usd=PRICE, needs=(Need(client="model", name="calls", amount=1, cap=10_000),))


class Line(Protocol):
    """The way to a service: whatever may befall a call on it."""

    async def call(self, place: str, effect: Callable[[], Any], *, piece: str = "", changes: bool = True) -> Any:
        """Let the effect happen and bring its answer; `changes`: it is one that a late owner must not make."""
        ...


@dataclass
class Session:
    """An upload session of the channel."""

    project_id: int
    marker: str
    chunks: int = 0
    video_id: str | None = None
    gone: bool = False


@dataclass
class Video:
    """A video of the channel; nobody finds it before `listed_at`."""

    project_id: int
    marker: str
    listed_at: float
    done: Counter[str] = field(default_factory=Counter)


@dataclass
class Outside:
    """All that happened outside; `lag_s` is how late new videos are listed, `now` the channel's own clock."""

    now: Callable[[], float]
    lag_s: float = 0.0
    billed: Counter[int] = field(default_factory=Counter)
    calls: Counter[tuple[int, str]] = field(default_factory=Counter)
    opened: Counter[int] = field(default_factory=Counter)
    sessions: dict[str, Session] = field(default_factory=dict)
    videos: dict[str, Video] = field(default_factory=dict)

    def videos_of(self, number: int) -> list[str]:
        """The videos of a project."""
        return [name for name, video in self.videos.items() if video.project_id == number]

    def pay(self, number: int, piece: str) -> None:
        """A paid call is made: it is billed whoever hears its answer."""
        self.billed[number] += 1
        self.calls[number, piece] += 1

    def send(self, name: str) -> None:
        """A chunk arrives; the last one makes the video."""
        session = self.sessions[name]
        if session.gone:
            raise SessionGone
        if session.video_id is None:
            session.chunks += 1
        if session.chunks >= CHUNKS and session.video_id is None:
            session.video_id = f"video {len(self.videos) + 1}"
            self.videos[session.video_id] = Video(session.project_id, session.marker, self.now() + self.lag_s)

    def lose_sessions(self) -> None:
        """The channel knows no session any more; what they made stays."""
        for session in self.sessions.values():
            session.gone = True


class _Paid:
    """What the paid makers have in common."""

    name, version = "model", "1"

    def __init__(self, outside: Outside, line: Line, project: Callable[[], int], run: Callable[[], int]) -> None:
        self.outside, self.line, self._project, self._run = outside, line, project, run

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Everybody may call at any time."""
        yield

    async def pay(self, place: str, piece: str) -> None:
        """One paid call."""
        number = self._project()
        await self.line.call(place, lambda: self.outside.pay(number, piece), piece=piece)


class Writer(_Paid):
    """See `ScriptWriter`."""

    def cost(self, request: ScriptRequest) -> Cost:
        return PAID

    async def write_script(self, request: ScriptRequest) -> WrittenScript:
        await self.pay("write_script", f"script {self._run()}")
        return WrittenScript(script=SCRIPT, usage=BILLED)


class Voice(_Paid):
    """See `Voice` and `Speaker`: one piece at a time, a sentence each."""

    at_once = 1

    def cost(self, request: SpeechRequest) -> Cost:
        return PAID

    def pieces(self, text: str, language: str) -> tuple[str, ...]:
        return tuple(f"{part.strip()}." for part in text.split(".") if part.strip())

    def check(self, language: str, voice: str | None) -> None:
        pass

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Voice"]:
        yield self

    async def speak(self, request: SpeechRequest, target: Path) -> Spoken:
        await self.pay("speak", f"voice {request.text}")
        write(target, b"sound of " + request.text.encode())
        speech = Speech(text=request.text, sample_rate=100, samples=300, words=(), visemes=())
        return Spoken(speech=speech, usage=BILLED)


class Painter(_Paid):
    """See `ImageMaker`."""

    def cost(self, request: ImageRequest) -> Cost:
        return PAID

    def asked(self, request: ImageRequest) -> str | None:
        return request.image_description

    async def make_image(self, request: ImageRequest, folder: Path) -> MadeImage:
        await self.pay("make_image", f"image {request.index}")
        name = f"{request.index}.{id(object()):x}.jpg.part"
        write(folder / name, b"picture")
        scene = _drawn(request).replace(picture=name, picture_width=1_600, picture_height=900)
        return MadeImage(scene=scene, usage=BILLED)


class Drawer(_Paid):
    """The stand-in: it draws, here and for nothing."""

    name = "local"

    def cost(self, request: ImageRequest) -> Cost:
        return FREE

    def asked(self, request: ImageRequest) -> str | None:
        return None

    async def make_image(self, request: ImageRequest, folder: Path) -> MadeImage:
        return MadeImage(scene=_drawn(request))


class Host(_Paid):
    """See `Presenter`: a job elsewhere, paid when it begins."""

    def cost(self, request: PresenterRequest) -> Cost:
        return PAID

    def usage(self, request: PresenterRequest) -> tuple[Usage, ...]:
        return BILLED

    async def begin(self, request: PresenterRequest, sound: Path) -> str:
        await self.pay("begin", f"presenter {request.role}")
        return f"job {request.role}"

    async def poll(self, job_id: str) -> bool:
        await self.line.call("poll", lambda: None, changes=False)
        return True

    async def fetch(self, job_id: str, folder: Path) -> dict[str, Any]:
        await self.line.call("fetch", lambda: None, changes=False)
        return {"kind": "figure", "name": "somebody"}


class Figure(Host):
    """The stand-in: drawn, here and for nothing."""

    name = "local"

    def cost(self, request: PresenterRequest) -> Cost:
        return FREE

    def usage(self, request: PresenterRequest) -> tuple[Usage, ...]:
        return ()

    async def begin(self, request: PresenterRequest, sound: Path) -> str:
        return "drawn"


class Channel:
    """See `Publisher`."""

    name, version = "channel", "1"
    optional = frozenset({"thumbnail"})
    listed_within_s = LISTED_WITHIN_S

    def __init__(self, outside: Outside, line: Line) -> None:
        self.outside, self.line = outside, line

    def cost(self, what: str, publication: Publication | None) -> Cost:
        if what == "open":
            return Cost(needs=(Need(client="youtube-1", name="uploads", amount=1, cap=10_000),))
        return Cost(needs=(Need(client="youtube-1", name="units", amount=50, cap=1_000_000),))

    def check(self, publication: Publication) -> None:
        pass

    def steps(self, publication: Publication) -> tuple[str, ...]:
        return ("thumbnail", "playlist", "publish")

    async def open(self, publication: Publication) -> str:
        def effect() -> str:
            name = f"session {len(self.outside.sessions) + 1}"
            self.outside.sessions[name] = Session(publication.project_id, publication.marker)
            self.outside.opened[publication.project_id] += 1
            return name

        return str(await self.line.call("open", effect))

    async def send(self, publication: Publication, session: str) -> AsyncGenerator[float, None]:
        for number in range(self._known(session).chunks, CHUNKS):
            place = "send the last" if number == CHUNKS - 1 else "send"
            await self.line.call(place, lambda: self.outside.send(session))
            yield (number + 1) / CHUNKS

    async def query(self, publication: Publication, session: str) -> str | None:
        def effect() -> str | None:
            return self._known(session).video_id

        found: str | None = await self.line.call("query", effect, changes=False)
        return found

    async def find(self, publication: Publication) -> tuple[str, ...]:
        def effect() -> tuple[str, ...]:
            videos, now = self.outside.videos, self.outside.now()
            found = [name for name, one in videos.items() if one.marker == publication.marker and one.listed_at <= now]
            return tuple(reversed(found))

        found: tuple[str, ...] = await self.line.call("find", effect, changes=False)
        return found

    async def step(self, name: str, publication: Publication, video_id: str) -> Mapping[str, Any]:
        def effect() -> None:
            self.outside.videos[video_id].done[name] += 1

        await self.line.call(name, effect)
        return {"video_url": video_id, "video_status": "public"} if name == "publish" else {}

    async def remove(self, video_id: str) -> bool:
        raise NotImplementedError  # no history takes a video down

    def _known(self, session: str) -> Session:
        found = self.outside.sessions[session]
        if found.gone:
            raise SessionGone
        return found


def providers(outside: Outside, line: Line, project: Callable[[], int], run: Callable[[], int]) -> Providers:
    """One of each; `project` and `run` say for what they are asked."""
    drawer = Drawer(outside, line, project, run)
    return Providers(
        script=Writer(outside, line, project, run),
        image=Painter(outside, line, project, run),
        voice=Voice(outside, line, project, run),
        presenter=Host(outside, line, project, run),
        publisher=Channel(outside, line),
        stand_in=drawer,
        stand_in_presenter=Figure(outside, line, project, run),
    )


def refused() -> ServiceUnavailable:
    """The service is down, and took nothing for it."""
    error = ServiceUnavailable("down")
    error.usage = ()
    return error


def lost() -> ServiceUnavailable:
    """Its answer did not come: nobody knows what it took."""
    return ServiceUnavailable("no answer")


def write(path: Path, body: bytes) -> None:
    """As a provider writes a file.  Raises DiskFull."""
    path.unlink(missing_ok=True)
    with disk.translated(path):
        disk._write_new(path, body, durable=False)


def _drawn(request: ImageRequest) -> SceneSpec:
    return SceneSpec(text=request.text, language=request.language, candidates=("statement",), title=request.title)
