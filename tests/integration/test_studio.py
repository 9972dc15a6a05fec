"""Units are made in a child: real scenes with subtitles, progress, what goes wrong there and how it is told."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest
import pytest_asyncio

from reelqueue.art.arrange import arrange
from reelqueue.art.style import choose_style
from reelqueue.errors import MediaError, TransientError
from reelqueue.media.encode import Scenes, body, joint
from reelqueue.media.join import join
from reelqueue.media.probe import check_video, probe
from reelqueue.media.studio import Studio, open_studio
from reelqueue.media.timeline import lay_out
from reelqueue.media.unit import UnitRequest, UnitScene, part_of
from reelqueue.models.cue import Cue
from reelqueue.models.scene import SceneSpec
from reelqueue.models.voice import Speech, Word

W, H, FPS = 320, 180, 24
TEXTS = ("Hello there.", "Goodbye now.")


SHARED = pytest.mark.asyncio(loop_scope="module")
"""Of tests that share `studio`."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio() -> AsyncIterator[Studio]:
    """One child for the module: to start it costs more than a unit."""
    async with open_studio() as opened:
        yield opened


def spoken(text: str) -> Speech:
    words = (
        Word(start_char=0, end_char=5, start_s=0.05, end_s=0.2),
        Word(start_char=6, end_char=len(text) - 1, start_s=0.2, end_s=0.4),
    )
    return Speech(text=text, sample_rate=24_000, samples=12_000, words=words, visemes=())


TIMELINE = lay_out([[spoken(text)] for text in TEXTS], fps=FPS)
STYLE = choose_style("the sea", "en", "seed")


def requests(folder: Path, **changes) -> list[UnitRequest]:
    """Body, joint, body: a whole video of two scenes."""
    specs = [SceneSpec(text=text, language="en", candidates=("statement",), title=text, **changes) for text in TEXTS]
    arranged = arrange(specs, STYLE)

    def scene(number: int, first: int) -> UnitScene:
        words = TIMELINE.words(number, TEXTS[number])
        cue = Cue(text=TEXTS[number], lines=((0, len(TEXTS[number])),), start_s=0.2, end_s=1.2, words=words)
        shown = arranged[number].model_dump(mode="json")
        return UnitScene(scene=shown, frames=TIMELINE.scenes[number].frames, first=first, words=words, cues=(cue,))

    return [
        UnitRequest(
            scenes=tuple(scene(number, first) for number, first in zip(unit.scenes, unit.firsts, strict=True)),
            style=STYLE.model_dump(mode="json"),
            frames=unit.span.frames,
            fps=FPS,
            width=W,
            height=H,
            project_root=folder,
            out=folder / f"{index}.mp4",
        )
        for index, unit in enumerate(TIMELINE.units)
    ]


@SHARED
async def test_a_video_is_made_unit_by_unit(studio, tmp_path):
    told: list[int] = []
    infos = [await studio.make(request, told.append) for request in requests(tmp_path)]

    frames = await join([request.out for request in requests(tmp_path)], None, tmp_path / "video.mp4")

    assert frames == sum(info.frames for info in infos) == TIMELINE.frames
    assert told[0] == 1 and all(number <= TIMELINE.frames for number in told)
    video = await probe(tmp_path / "video.mp4", decode=True)
    check_video(video, size=(W, H), fps=FPS, duration_s=TIMELINE.duration_s, audio=False)


def decoded(path: Path) -> list[np.ndarray]:
    """The planes of all frames, as whole numbers that can be subtracted."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray().astype(int) for frame in container.decode(video=0)]


async def test_a_unit_is_the_same_whatever_the_child_made_before(tmp_path):
    """A joint after its first body finds one scene kept; alone it draws both: the pictures must be equal.

    Not to the bit: x264's macroblock tree is not repeatable on processors with AVX-512 (it is with `asm=avx2`), and moves
    a few levels about; another scene's layer would move dozens.
    """
    alone, after = tmp_path / "alone", tmp_path / "after"
    alone.mkdir(), after.mkdir()
    async with open_studio() as studio:
        await studio.make(requests(alone)[1])
    async with open_studio() as studio:
        for request in requests(after)[:2]:
            await studio.make(request)

    apart = [np.abs(one - other) for one, other in zip(decoded(alone / "1.mp4"), decoded(after / "1.mp4"), strict=True)]
    assert max(one.mean() for one in apart) < 0.5
    assert max(one.max() for one in apart) < 32


def composed(asked: list[UnitRequest]) -> list[np.ndarray]:
    """What the last of these units hands to the encoder, made after the others by one child's scenes."""
    scenes = Scenes()
    for request in asked:
        shown, firsts = (
            [scenes.get(request, number) for number in range(len(request.scenes))],
            [one.first for one in request.scenes],
        )
        if len(shown) == 1:
            frames = body(shown[0], first=firsts[0], frames=request.frames)
        else:
            frames = joint(shown, firsts=firsts, frames=request.frames)
        made = [frame.to_ndarray() for frame in frames]
    return made


def test_a_unit_is_composed_the_same_to_the_bit_whatever_was_composed_before(tmp_path):
    alone, after = composed(requests(tmp_path)[1:2]), composed(requests(tmp_path)[:2])

    assert len(alone) == len(after) > 0
    assert all(np.array_equal(one, other) for one, other in zip(alone, after, strict=True))


@SHARED
async def test_another_scene_of_the_same_length_is_drawn_anew(studio, tmp_path):
    request = requests(tmp_path)[0]
    scene = request.scenes[0]
    spec = {**scene.scene["spec"], "title": "Farewell, all."}
    other = request.replace(scenes=(scene.replace(scene={**scene.scene, "spec": spec}),), out=tmp_path / "other.mp4")
    for asked in (request, other):
        await studio.make(asked)

    assert request.out.read_bytes() != other.out.read_bytes()


async def test_a_killed_child_is_a_passing_trouble_and_the_next_unit_is_made(tmp_path):
    request = requests(tmp_path)[0]
    part_of(request.out).write_bytes(b"begun")
    async with open_studio() as studio:
        with pytest.raises(TransientError):
            await studio.make(request, lambda _: os.kill(studio._child.process.pid, signal.SIGKILL))
        assert list(tmp_path.iterdir()) == []

        info = await studio.make(request)

    assert info.bytes == request.out.stat().st_size


@SHARED
async def test_a_picture_that_is_missing_is_refused_by_name(studio, tmp_path):
    request = requests(tmp_path, picture="images/gone.jpg", picture_width=800, picture_height=600)[0]
    scene = request.scenes[0].scene
    shown = request.scenes[0].replace(scene={**scene, "layout": "picture-print"})
    with pytest.raises(MediaError, match=r"gone\.jpg"):
        await studio.make(request.replace(scenes=(shown,)))

    assert list(tmp_path.iterdir()) == []


def test_what_decides_the_pixels_does_not_depend_on_where_things_lie(tmp_path):
    here, there = requests(tmp_path / "here"), requests(tmp_path / "there")

    assert [request.pixels for request in here] == [request.pixels for request in there]
    assert here[0].pixels != here[2].pixels


def test_a_unit_cannot_show_more_frames_than_its_scene_has(tmp_path):
    request = requests(tmp_path)[0]

    with pytest.raises(ValueError, match="more frames"):
        UnitRequest.model_validate(request.model_dump() | {"frames": 1000})
