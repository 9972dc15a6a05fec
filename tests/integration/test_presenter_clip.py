"""A presenter's clip in a unit: in its place, in step with the voice, held where it is short, kept where nothing changed."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import pytest_asyncio

from reelqueue.art.arrange import arrange
from reelqueue.art.draw import draw
from reelqueue.art.style import Style, choose_style
from reelqueue.errors import MediaError
from reelqueue.media.clip import ingest_clip
from reelqueue.media.compose import prepare
from reelqueue.media.footage import clip_at
from reelqueue.media.planes import empty_planes
from reelqueue.media.studio import Studio, open_studio
from reelqueue.media.unit import UnitClip, UnitRequest, UnitScene
from reelqueue.models.scene import SceneSpec
from reelqueue.wording import speak

FPS, START_S, CLIP_FPS, CLIP_FRAMES = 30, 0.5, 25, 30
FRAMES = 72
"""2.4 s: the clip is seen from 0.5 s on and lasts 1.2 s."""
STYLE: Style = choose_style("coral reef sea", "en", "clip")


SHARED = pytest.mark.asyncio(loop_scope="module")
"""Of tests that share `studio`."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio() -> AsyncIterator[Studio]:
    """One child for the module: to start it costs more than a unit, which is the same whatever it made before."""
    async with open_studio() as opened:
        yield opened


def level(number: int) -> int:
    """The luma of the clip's picture `number`: no two within ten of each other are alike."""
    return 40 + number * 67 % 160


def clip_of(path: Path, *, size: tuple[int, int] = (256, 256), first_at: float = 0.0, sound: bool = False) -> Path:
    """A clip as a service might send it: flat pictures, each of its own grey, the sound from 0 on."""
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=CLIP_FPS)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        voice = out.add_stream("aac", rate=48_000, layout="mono") if sound else None
        if voice is not None:
            for start in range(0, 48_000, 1024):
                heard = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                heard.sample_rate, heard.pts = 48_000, start
                out.mux(voice.encode(heard))
            out.mux(voice.encode(None))
        for number in range(CLIP_FRAMES):
            planes = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
            planes[: size[1]] = level(number)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number + round(first_at * CLIP_FPS), Fraction(1, CLIP_FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    asyncio.run(ingest_clip(clip_of(folder / "sent.mp4", sound=True), folder / "clip.mp4"))
    return folder / "clip.mp4"


@pytest.fixture
def _in_english() -> None:
    speak("en")


def scene_of(layout: str) -> UnitScene:
    spec = SceneSpec(text="Hello", language="en", candidates=(layout,), title="How reefs recover")  # type: ignore[arg-type]
    arranged = arrange([spec], STYLE)[0]
    return UnitScene(scene=arranged.model_dump(mode="json"), frames=FRAMES, first=0, presenter=True)


def shown_at(clip: Path, scene: UnitScene, **changes: object) -> UnitScene:
    asked = UnitClip(path=clip.name, sha256=hashlib.sha256(clip.read_bytes()).hexdigest(), start_s=START_S)
    return scene.replace(clip=asked, **changes)


def request_of(
    folder: Path, out: Path, *scenes: UnitScene, frames: int = FRAMES, size: tuple[int, int] = (480, 270)
) -> UnitRequest:
    return UnitRequest(
        scenes=scenes, style=STYLE.model_dump(mode="json"), subtitles="none", frames=frames, fps=FPS, width=size[0], height=size[1],
        project_root=folder, out=out,
    )  # fmt: skip


def levels(path: Path, x: int, y: int) -> list[float]:
    """The luma around a place in each frame."""
    with av.open(str(path)) as video:
        return [float(frame.to_ndarray()[y - 4 : y + 4, x - 4 : x + 4].mean()) for frame in video.decode(video=0)]


def due(number: int) -> int:
    """The clip's picture that belongs into the frame `number`: the one that is seen in its middle."""
    at = (number + 0.5) / FPS - START_S
    return min(CLIP_FRAMES - 1, max(0, int(at * CLIP_FPS)))


@SHARED
@pytest.mark.parametrize(
    ("layout", "size", "place"),
    [
        pytest.param("opening", (480, 270), (372, 118), id="beside the title"),
        pytest.param("outro", (480, 270), (372, 118), id="beside the end screen's place"),
        pytest.param("statement", (480, 270), (441, 232), id="round, in the corner"),
        pytest.param("opening", (270, 480), (125, 243), id="upright, below the title"),
        pytest.param("outro", (270, 270), (202, 146), id="square, beside the end screen's place"),
    ],
)
async def test_a_clip_is_in_step_with_the_voice_and_holds_its_ends(studio, clip, tmp_path, layout, size, place):
    """First picture until the voice begins, each at its frame from there on, the last one to the end."""
    await studio.make(request_of(clip.parent, tmp_path / "u.mp4", shown_at(clip, scene_of(layout)), size=size))

    found = levels(tmp_path / "u.mp4", *place)

    off = [number for number in range(22, FRAMES) if abs(found[number] - level(due(number))) > 4]  # it has come in by then
    assert not off, [(number, round(found[number]), level(due(number))) for number in off]
    assert [abs(value - level(CLIP_FRAMES - 1)) < 4 for value in found[-18:]] == [True] * 18


async def test_a_joint_goes_on_where_the_body_ended(clip, tmp_path):
    """Asked for alone, as after a crash, it shows the very pictures that it shows after the body."""
    body, next_ = shown_at(clip, scene_of("opening")), scene_of("statement").replace(presenter=False)
    joint = request_of(clip.parent, tmp_path / "after.mp4", body.replace(first=40), next_, frames=12)

    async with open_studio() as studio:
        await studio.make(request_of(clip.parent, tmp_path / "body.mp4", body, frames=40))
        await studio.make(joint)
    async with open_studio() as studio:
        await studio.make(joint.replace(out=tmp_path / "alone.mp4"))

    assert (tmp_path / "after.mp4").read_bytes() == (tmp_path / "alone.mp4").read_bytes()
    first = levels(tmp_path / "after.mp4", 372, 118)[0]
    assert abs(first - level(due(40))) < abs(first - level(due(41)))


def test_drawing_only_what_changed_gives_the_same_pixels_in_whatever_order(clip):
    spec = SceneSpec(text="Hello", language="en", candidates=("opening",), title="How reefs recover")
    drawn = draw(arrange([spec], STYLE)[0], STYLE, size=(480, 270), duration_s=2.4, presenter=True, clip=clip_at(clip, START_S))
    changed, anew = (prepare(drawn, fps=FPS, frames=FRAMES, canvas=empty_planes(480, 270)) for _ in range(2))

    for number in [*range(0, FRAMES, 5), 20, 3, 60, 31]:
        changed.show(number)
        anew.show_anew(number)

        for plane, should in zip(changed.canvas, anew.canvas, strict=True):
            assert np.array_equal(plane, should)


@SHARED
@pytest.mark.parametrize("size", [(640, 360), (360, 640), (256, 256)], ids=["wide", "tall", "square"])
async def test_a_clip_of_any_shape_fills_its_frame(studio, tmp_path, size):
    await ingest_clip(clip_of(tmp_path / "sent.mp4", size=size), tmp_path / "clip.mp4")
    shown = shown_at(tmp_path / "clip.mp4", scene_of("opening"))
    await studio.make(request_of(tmp_path, tmp_path / "u.mp4", shown, frames=30))

    with av.open(str(tmp_path / "u.mp4")) as video:
        last = list(video.decode(video=0))[-1].to_ndarray()[:270]
    seen = np.argwhere(np.abs(last[:, 300:].astype(int) - level(due(29))) < 4)
    tall, wide = seen.max(axis=0) - seen.min(axis=0)
    assert tall > 140 and wide > 115


async def test_the_file_that_the_service_sent_decides_nothing_but_the_pictures(tmp_path):
    """Sound from 0 on, the first picture later: the picture keeps its time against the sound."""
    await ingest_clip(clip_of(tmp_path / "sent.mp4", first_at=0.2, sound=True), tmp_path / "clip.mp4")

    with av.open(str(tmp_path / "clip.mp4")) as own:
        assert not own.streams.audio
        times = [frame.time for frame in own.decode(video=0)]
    assert times[:3] == pytest.approx([0.2, 0.24, 0.28], abs=0.002)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda _: b"<html>busy</html>", "no MP4 video", id="a page"),
        pytest.param(lambda _: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "no MP4 video", id="a list of other files"),
        pytest.param(lambda _: b"", "empty", id="nothing"),
        pytest.param(lambda body: body[: len(body) // 2], "no MP4 video|damaged", id="half of it"),
        pytest.param(lambda body: body.replace(body[900:1000], bytes(100)), "damaged|no MP4 video", id="damaged in the middle"),
    ],
)
@pytest.mark.usefixtures("_in_english")
async def test_what_is_no_clip_is_refused_and_leaves_nothing(tmp_path, spoil, said):
    sent = clip_of(tmp_path / "sent.mp4")
    sent.write_bytes(spoil(sent.read_bytes()))

    with pytest.raises(MediaError, match=said):
        await ingest_clip(sent, tmp_path / "clip.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["sent.mp4"]


@pytest.mark.usefixtures("_in_english")
async def test_a_file_that_names_another_opens_no_other(tmp_path):
    """A script for FFmpeg's concatenation under a clip's name would show any video of this machine."""
    clip_of(tmp_path / "secret.mp4")
    (tmp_path / "sent.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")

    with pytest.raises(MediaError, match="no MP4 video"):
        await ingest_clip(tmp_path / "sent.mp4", tmp_path / "clip.mp4")


@pytest.mark.parametrize(
    "spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"gone bad")], ids=["gone", "damaged"]
)
async def test_a_clip_that_was_lost_is_named(clip, tmp_path, spoil):
    lost = tmp_path / "lost.mp4"
    lost.write_bytes(clip.read_bytes())
    scene = shown_at(lost, scene_of("opening"))
    spoil(lost)

    async with open_studio() as studio:
        with pytest.raises(MediaError, match=r"lost\.mp4"):
            await studio.make(request_of(tmp_path, tmp_path / "u.mp4", scene))


def test_a_units_name_hangs_on_its_clip_and_without_one_is_what_it_was(clip, tmp_path):
    plain = scene_of("opening")
    first = shown_at(clip, plain)
    other = plain.replace(clip=UnitClip(path=clip.name, sha256="0" * 64, start_s=START_S))

    names = [str(request_of(tmp_path, tmp_path / "u.mp4", scene).pixels) for scene in (plain, first, other)]

    assert len(set(names)) == 3
    assert "clip" not in plain.model_dump()
