"""Pieces over a real project folder: made once, made anew where they are spoilt, stood in for only where the maker failed."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from jobs import stages
from jobs.context import Rules
from jobs.stages import HandBack, StageRun
from jobs.video.assets import _enough_images
from jobs.video.images import shown_pieces
from jobs.video.pieces import Tally, kept_or_made
from reelqueue.errors import (
    AuthenticationFailed,
    ContentRefused,
    DiskFull,
    Fenced,
    ProjectCancelled,
    RateLimited,
    ReelqueueError,
    StorageUnavailable,
)
from reelqueue.models.frozen import Frozen
from reelqueue.models.scene import SceneSpec
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.providers.local.free import Free
from reelqueue.providers.protocols import Fixed, MadeImage
from storage import Owner, Paths, ProjectStore


class Note(Frozen):
    """A piece."""

    text: str


class Maker(Free):
    """Draws, but for the segment that it is told to fail in."""

    version = "1"

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name = name
        self.error = error

    def asked(self, _request: Any) -> None:
        pass

    async def make_image(self, request: Any, _folder: Any) -> MadeImage:
        if self.error is not None and request.index == 3:
            raise self.error
        return MadeImage(scene=SceneSpec(text=request.text, language="en", candidates=("statement",), title=""))


class Quiet:
    """Nobody listens."""

    async def tell(self, *_args: Any) -> None:
        pass

    async def retrying(self, *_args: Any) -> None:
        pass


SCRIPT = Script(
    intro=Part(text="Hello.", duration=5),
    segments=tuple(Segment(index=n, text=f"Tide {n}.", duration=5, image_description="sea") for n in range(1, 9)),
    outro=Part(text="Bye.", duration=5),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=50,
    language="en",
)


@pytest.fixture
async def run(tmp_path):
    projects = ProjectStore(Paths(tmp_path), Owner.here(), lease_seconds=5)
    state = await projects.create({"topic": "Tides"})
    async with await projects.take_over(state.project_id) as lease:
        await lease.commit(lambda s: s.with_stage(Stage.ASSETS, status=StageStatus.RUNNING))
        providers: Any = SimpleNamespace(image=Maker("cloud"), stand_in=Maker("local"))
        yield StageRun(
            stage=Stage.ASSETS, attempt=1, language="en", choice=Fixed(providers), tools=None, lease=lease, teller=Quiet(),
            rules=Rules(retry_delays=(0.0, 0.0, 0.0)), timeout_s=600,
        )  # fmt: skip


async def note(run, text):
    async def holds(_piece):
        return True

    async def make():
        return Note(text=text)

    return await kept_or_made(run, Note, "images/note.json", holds=holds, make=make)


async def quietly(_share: float) -> None:
    pass


async def shown(run):
    return await shown_pieces(run, SCRIPT, {}, Tally(1, quietly))


async def test_pieces_that_are_made_side_by_side_are_all_in_hand_and_none_that_is_finished(run):
    """After a crash each of them may be what killed the worker."""
    letting_go, seen = asyncio.Event(), []

    async def make(name, *before):
        for earlier in before:
            await run.hold(earlier)
        await run.hold(name)
        await letting_go.wait()

    works = [asyncio.create_task(make("voice 1", "voice 0")), asyncio.create_task(make("image 1"))]
    await run.hold("picture")
    await asyncio.sleep(0)
    while "image" not in run.lease._record.piece or "voice 1" not in run.lease._record.piece:
        await asyncio.sleep(0.01)
    seen.append(run.lease._record.piece)
    letting_go.set()
    await asyncio.gather(*works)
    await run.hold("join")
    seen.append(run.lease._record.piece)

    assert seen == ["assets: image 1; assets: picture; assets: voice 1", "assets: join"]


class Painter(Maker):
    """Paints what is described; counts what it was asked."""

    def __init__(self) -> None:
        super().__init__("cloud")
        self.asked_for = Counter[str]()

    def asked(self, request: Any) -> str:
        return str(request.image_description)

    async def make_image(self, request: Any, folder: Any) -> MadeImage:
        self.asked_for[request.image_description] += 1
        (folder / f"{request.index}.png.part").write_bytes(request.image_description.encode())
        made = await super().make_image(request, folder)
        return made.replace(scene=made.scene.replace(picture=f"{request.index}.png.part", candidates=("picture-full",)))


async def test_a_picture_is_asked_for_again_only_where_its_description_is_another(run):
    """New words, another title, another order: the same pictures, with the words of their parts."""
    painter = Painter()
    run.choice.providers.image = painter
    described = tuple(one.replace(image_description=f"sea {one.index}") for one in SCRIPT.segments[:3])
    script = SCRIPT.replace(segments=described)
    await shown_pieces(run, script, {}, Tally(1, quietly))
    first = painter.asked_for.copy()
    told = described[1].replace(text="Told anew.")
    edited = script.replace(
        segments=(told, described[0], described[2].replace(image_description="a storm")),
        metadata=SCRIPT.metadata.replace(title="Ebb"),
    )

    pieces, _ = await shown_pieces(run, edited, {}, Tally(1, quietly))

    assert first == {"sea 1": 1, "sea 2": 1, "sea 3": 1}
    assert painter.asked_for - first == {"a storm": 1}
    assert [(piece.scene.text, (await run.blobs.read(piece.picture)).decode()) for piece in pieces[1:4]] == [
        ("Told anew.", "sea 2"), ("Tide 1.", "sea 1"), ("Tide 3.", "a storm"),
    ]  # fmt: skip


async def test_a_kept_piece_is_not_made_again(run):
    await note(run, "first")
    assert (await note(run, "second")).text == "first"


@pytest.mark.parametrize("body", [b"", b'{"te', b'{"words": 1}'], ids=["empty", "torn", "of another version"])
async def test_a_piece_whose_record_is_spoilt_is_made_anew(run, body):
    """It failed its stage as a bug, and every retry after it."""
    await note(run, "first")
    (run.files.images / "note.json").write_bytes(body)

    assert (await note(run, "second")).text == "second"
    assert (await note(run, "third")).text == "second"


async def test_a_maker_that_refuses_one_picture_is_stood_in_for(run):
    run.providers.image.error = ContentRefused("no")

    pieces, errors = await shown(run)

    assert [piece.stand_in for piece in pieces].count(True) == 1
    assert [error["code"] for error in errors] == ["content_refused"]


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (AuthenticationFailed("a wrong key"), AuthenticationFailed),
        (Fenced("x"), Fenced),
        (ProjectCancelled(1), ProjectCancelled),
        (DiskFull("x"), DiskFull),
        (RateLimited("cloud", 60), HandBack),
        (StorageUnavailable("x"), StorageUnavailable),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_nothing_stands_in_where_the_maker_is_not_to_blame(run, error: ReelqueueError, meant):
    """A service that asks for a minute's pause was stood in for at once."""
    run.providers.image.error = error

    with pytest.raises(ExceptionGroup) as caught:
        await shown(run)

    assert caught.group_contains(meant)


async def test_a_picture_whose_maker_asks_for_a_pause_in_the_last_attempt_too_is_drawn(run, monkeypatch):
    """The stage failed for it, though one picture of many may."""
    monkeypatch.setattr(stages, "IDLE_LOOK_S", 0.001)
    run.providers.image.error = RateLimited("cloud", 60)
    run.attempt = 1 + len(run.rules.retry_delays)

    pieces, errors = await shown(run)

    assert [piece.stand_in for piece in pieces].count(True) == len(errors) > 0


async def test_a_piece_in_a_long_pause_lets_the_others_be_made_before_the_stage_is_handed_back(run, monkeypatch):
    """Its pause cancelled all that was in flight beside it."""
    monkeypatch.setattr(stages, "IDLE_LOOK_S", 0.001)
    looked, made = asyncio.Event(), list[str]()

    async def refused() -> str:
        asyncio.get_running_loop().call_later(0.05, looked.set)
        raise RateLimited("cloud", 60)

    async def slow() -> str:
        await looked.wait()
        made.append("the other")
        return "the other"

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            group.create_task(run.call("one", refused))
            group.create_task(run.call("other", slow))

    assert made == ["the other"]
    assert caught.group_contains(HandBack)


def test_a_fifth_of_the_images_that_were_asked_for_is_too_many():
    """An opening and a close are drawn, and the user's own pictures are there: neither can fail."""
    one = [{"index": 1, "message": "no", "hint": ""}]

    _enough_images(6, one)
    with pytest.raises(ReelqueueError, match="1 images failed"):
        _enough_images(5, one)
