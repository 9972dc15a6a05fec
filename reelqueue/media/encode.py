"""The child that composes and encodes one unit (a scene's body or a joint) with PyAV.

Composing draws into the encoder's own planes: no pipe, no conversion, no copy.  x264 runs in this process on two
threads of its own, by frames.  Two units of one video join by packet copy: each begins with an IDR frame, is closed,
and has the same SPS and PPS (`stitchable`), whatever its scenes.

The child keeps the two scenes shown last, so that a scene drawn for its body is not drawn again for its joint.
"""

import dataclasses
import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from reelqueue.art.arrange import ArrangedScene
from reelqueue.art.draw import draw
from reelqueue.art.fonts import use_font_dir
from reelqueue.art.layers import DrawnScene
from reelqueue.art.style import Style
from reelqueue.art.subtitles import subtitle_layers
from reelqueue.errors import MediaError
from reelqueue.media.compose import Stage, prepare
from reelqueue.media.footage import clip_at
from reelqueue.media.planes import Planes, mix, padded
from reelqueue.media.refusal import refusal
from reelqueue.media.unit import UnitInfo, UnitRequest, UnitScene, part_of
from reelqueue.process import serve
from reelqueue.wording import Text

CRF = 20
KEYFRAME_EVERY = 180
"""Frames at most between IDR frames (render.md: 8 % smaller than 60)."""
THREADS = 2
B_FRAMES, B_FRAMES_STILL = 2, 5
"""In joints, under a camera and beside a clip; in typographic bodies, where most frames equal the one before."""
X264 = "mbtree=1:rc-lookahead=10:b-adapt=0:scenecut=0:b-pyramid=none:stitchable=1:open-gop=0"
"""Settings S of render.md on `superfast`: 0.60 of veryfast's CPU at the same VMAF."""
TELLS_PER_SECOND = 4
SCENES_KEPT = 2


@dataclass(slots=True)
class Screen:
    """An encoder's frame, and its planes as arrays: what is drawn into them is what is encoded."""

    frame: av.VideoFrame
    planes: Planes

    @classmethod
    def of(cls, size: tuple[int, int]) -> "Screen":
        """A frame of an even size, tagged bt709, limited range."""
        frame = av.VideoFrame(*size, "yuv420p")
        frame.colorspace = Colorspace.ITU709
        frame.color_range = ColorRange.MPEG
        frame.color_primaries = ColorPrimaries.BT709
        frame.color_trc = ColorTrc.BT709
        planes = (
            np.frombuffer(p, np.uint8).reshape(p.height, p.line_size)[:, : p.width]  # type: ignore[call-overload]  # a plane is a buffer; its stubs don't say so
            for p in frame.planes
        )
        return cls(frame, Planes(*planes))


def encode_frames(
    frames: Iterable[av.VideoFrame], out: Path, *, fps: int, size: tuple[int, int], b_frames: int = B_FRAMES
) -> Iterator[int]:
    """Write frames into one MP4 file, yielding how many are in; the file is whole when the iteration has ended."""
    with av.open(str(out), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        _set_up(stream, size, fps, b_frames)
        for count, frame in enumerate(frames):
            frame.pts, frame.time_base = count, Fraction(1, fps)
            container.mux(stream.encode(frame))
            yield count + 1
        container.mux(stream.encode(None))


def _set_up(stream: Any, size: tuple[int, int], fps: int, b_frames: int) -> None:
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, fps)
    context.thread_type = "FRAME"  # PyAV's default cuts each frame into slices: bigger and worse
    context.thread_count = THREADS
    context.gop_size = KEYFRAME_EVERY
    context.max_b_frames = b_frames
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.options = {"preset": "superfast", "crf": str(CRF), "profile": "high", "x264-params": X264}


@dataclass(slots=True)
class Shown:
    """A scene with the frame that it is drawn into."""

    stage: Stage
    screen: Screen


def show(scene: DrawnScene, *, fps: int, frames: int) -> Shown:
    """Set a scene up, `frames` long, on a frame of its own."""
    screen = Screen.of(padded((scene.width, scene.height)))
    return Shown(prepare(scene, fps=fps, frames=frames, canvas=screen.planes), screen)


def body(shown: Shown, *, first: int, frames: int) -> Iterator[av.VideoFrame]:
    """The frames of one scene; where nothing changes the same planes are sent again."""
    for number in range(first, first + frames):
        shown.stage.show(number)
        yield shown.screen.frame


def joint(pair: Sequence[Shown], *, firsts: Sequence[int], frames: int) -> Iterator[av.VideoFrame]:
    """The second scene fades in over the first: the first frame shows a little of it, the last a little of the old one."""
    old, new = pair
    height, width = old.screen.planes.y.shape
    screen = Screen.of((width, height))
    for number in range(frames):
        old.stage.show(firsts[0] + number)
        new.stage.show(firsts[1] + number)
        mix(old.screen.planes, new.screen.planes, (number + 1) / (frames + 1), screen.planes)
        yield screen.frame


def write_unit(scenes: Sequence[Shown], *, firsts: Sequence[int], frames: int, fps: int, out: Path) -> Iterator[dict[str, Any]]:
    """Compose and encode one unit into `out`, whole or not at all: yields how far it is, then its figures.

    Raises:
        OSError: it could not be written (ENOSPC: the disk is full); nothing lies at `out`.
    """
    height, width = scenes[0].screen.planes.y.shape
    alone = len(scenes) == 1
    source = body(scenes[0], first=firsts[0], frames=frames) if alone else joint(scenes, firsts=firsts, frames=frames)
    b_frames = B_FRAMES_STILL if alone and scenes[0].stage.is_still else B_FRAMES
    part = part_of(out)
    told = 0.0
    try:
        for count in encode_frames(source, part, fps=fps, size=(width, height), b_frames=b_frames):
            if time.monotonic() - told >= 1 / TELLS_PER_SECOND:
                told = time.monotonic()
                yield {"frame": count, "of": frames}
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    yield {"info": UnitInfo(frames=frames, bytes=out.stat().st_size).model_dump()}


@dataclass(slots=True)
class Scenes:
    """What the child keeps between requests: the scenes shown last, by all that decides their pixels."""

    kept: OrderedDict[str, Shown] = field(default_factory=OrderedDict)

    def get(self, request: UnitRequest, number: int) -> Shown:
        """A scene of the request, set up now or kept from the last unit."""
        scene = request.scenes[number]
        apart = {"scenes", "frames", "out"}
        key = json.dumps([request.model_dump(mode="json", exclude=apart), scene.model_dump(mode="json", exclude={"first"})])
        if key not in self.kept:
            while len(self.kept) >= SCENES_KEPT:
                self.kept.popitem(last=False)
            try:
                drawn = draw_scene(request, scene)
            except OSError as error:
                raise _unreadable(error) from error
            self.kept[key] = show(drawn, fps=request.fps, frames=scene.frames)
        self.kept.move_to_end(key)
        return self.kept[key]

    def handle(self, data: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Answer one request; what can't be drawn is answered as a refusal."""
        request = UnitRequest.model_validate(data)
        firsts = [scene.first for scene in request.scenes]
        try:
            scenes = [self.get(request, number) for number in range(len(request.scenes))]
            yield from write_unit(scenes, firsts=firsts, frames=request.frames, fps=request.fps, out=request.out)
        except MediaError as error:
            yield refusal(error)


def _unreadable(error: OSError) -> MediaError:
    name = Path(str(error.filename)).name if error.filename else str(error)
    return MediaError(
        Text(f"讀不到圖片 {name}", f"the picture {name} can't be read"),
        Text("換一張圖片後再試", "give another picture and try again"),
    )


def draw_scene(request: UnitRequest, scene: UnitScene) -> DrawnScene:
    """Have art draw a scene, its subtitles above all else.

    Raises:
        MediaError, OSError: a picture or a clip can't be read.
    """
    use_font_dir(request.font_dir)
    size = (request.width, request.height)
    style = Style.model_validate(request.style)
    drawn = draw(
        ArrangedScene.model_validate(scene.scene),
        style,
        size=size,
        duration_s=scene.frames / request.fps,
        words=scene.words,
        visemes=scene.visemes,
        presenter=scene.presenter,
        clip=None if scene.clip is None else clip_at(request.project_root / scene.clip.path, scene.clip.start_s),
        project_root=request.project_root,
        logo=None if request.logo is None else request.project_root / request.logo,
    )
    if request.subtitles == "none":
        return drawn
    layers = subtitle_layers(scene.cues, style, size, request.subtitles)
    return dataclasses.replace(drawn, layers=(*drawn.layers, *layers))


def main() -> None:
    """Serve until stdin closes."""
    cv2.setNumThreads(1)  # the cores are the encoder's
    serve(Scenes().handle)


if __name__ == "__main__":
    main()
