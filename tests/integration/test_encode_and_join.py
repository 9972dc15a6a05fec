"""Units are encoded, probed and joined: what comes out is what was drawn, frame by frame."""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from jobs.video.units import _made
from reelqueue.art.layers import Camera, DrawnScene, Layer, Move, Sprite, Sway, Window
from reelqueue.errors import MediaError, TransientError
from reelqueue.media.encode import show, write_unit
from reelqueue.media.join import join, join_now
from reelqueue.media.probe import check_video, probe, read_info
from reelqueue.models.media import MediaInfo
from tests.faults.tight_disk import CAN_MOUNT, tiny_disk

W, H, FPS = 320, 180, 24
BODY, JOINT = 30, 10
"""Frames of a scene's body and of a joint."""
GROUNDS = {"#204060": (67, 147, 112), "#d0c0a0": (184, 114, 135)}
"""Y, Cb, Cr of the two grounds by the standard's formula."""


def flat(width: int, height: int, colour: str) -> Sprite:
    body = f'<rect width="{width}" height="{height}" fill="{colour}"/>'
    return Sprite(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{body}</svg>', width, height)


def scene(colour: str, *layers: Layer, size: tuple[int, int] = (W, H), camera: Camera | None = None) -> DrawnScene:
    return DrawnScene(*size, flat(*size, colour), layers, camera=camera, grain=False)


def written(out: Path, scenes, firsts, frames: int, fps: int = FPS) -> Path:
    answers = list(write_unit(scenes, firsts=firsts, frames=frames, fps=fps, out=out))
    assert answers[-1]["info"] == {"frames": frames, "bytes": out.stat().st_size}
    return out


@pytest.fixture(scope="module")
def units(tmp_path_factory) -> list[Path]:
    """A body, a joint and a body: 70 frames."""
    folder = tmp_path_factory.mktemp("units")
    mover = Layer("m", 200, 60, (flat(40, 40, "#ffffff"),), sway=Sway(7, 7, 5.0))
    comer = Layer("c", 20, 20, (flat(80, 40, "#000000"),), enter=Move("wipe-right", 0.5, 0.4))
    first = show(scene("#204060", mover), fps=FPS, frames=BODY + JOINT)
    second = show(scene("#d0c0a0", comer), fps=FPS, frames=JOINT + BODY)
    return [
        written(folder / "1.mp4", [first], [0], BODY),
        written(folder / "2.mp4", [first, second], [BODY, 0], JOINT),
        written(folder / "3.mp4", [second], [JOINT], BODY),
    ]


def silence_with_a_click(out: Path, seconds: float, click_s: float) -> Path:
    """AAC in MP4, 48 kHz stereo: a short tone at `click_s`, else nothing."""
    samples = np.zeros((2, round(seconds * 48_000)), np.float32)
    at = round(click_s * 48_000)
    samples[:, at : at + 480] = 0.8 * np.sin(np.arange(480) * 0.3)
    with av.open(str(out), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000, layout="stereo")
        for start in range(0, samples.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[:, start : start + 1024]), format="fltp", layout="stereo"
            )
            frame.sample_rate, frame.pts = 48_000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out


def decoded(path: Path) -> list[np.ndarray]:
    """All frames as planes stacked in one array of yuv420p, after their times were found even."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    step = frames[0].time_base.denominator // FPS
    assert [frame.pts for frame in frames] == [number * step for number in range(len(frames))]
    return [frame.to_ndarray() for frame in frames]


def test_a_flat_colour_comes_back_within_two_levels_in_each_plane(units):
    both = decoded(units[0])[0], decoded(units[2])[0]

    for frame, (y, u, v) in zip(both, GROUNDS.values(), strict=True):
        assert abs(int(frame[150, 100]) - y) <= 2
        chroma = frame[H:].reshape(2, H // 2, W // 2)[:, 75, 50].astype(int)
        assert abs(chroma[0] - u) <= 2 and abs(chroma[1] - v) <= 2


def test_a_unit_is_high_profile_bt709_and_of_its_length(units):
    info = read_info(units[0], decode=True)

    check_video(info, size=(W, H), fps=FPS, duration_s=BODY / FPS, audio=False)
    assert (info.video_profile, info.color, info.pixel_format) == ("High", "bt709/limited", "yuv420p")


def test_a_unit_begins_with_an_idr_frame_and_leaves_no_part_file(units):
    with av.open(str(units[1])) as container:
        packets = [packet for packet in container.demux(video=0) if packet.dts is not None]

    assert packets[0].is_keyframe and packets[0].pts == 0
    assert not list(units[0].parent.glob("*.part"))


def test_a_joint_goes_evenly_from_one_scene_to_the_next(units):
    levels = [float(frame[150, 100]) for frame in decoded(units[1])]

    expected = [67 + (184 - 67) * (number + 1) / (JOINT + 1) for number in range(JOINT)]
    assert np.abs(np.array(levels) - expected).max() <= 2.5


def test_a_wipe_is_seen_at_its_frames(units):
    """It begins 0.5 s and ends 0.9 s into the scene, whose body begins with its frame 10."""
    left, right = ([int(frame[40, column]) for frame in decoded(units[2])] for column in (24, 95))

    assert left.index(min(left)) >= 12 - JOINT and left[1] > 170 and left[6] < 60
    assert right[2] > 170 and right[22 - JOINT] < 60


async def test_joined_units_decode_whole_and_sound_starts_at_zero(units, tmp_path):
    length = (2 * BODY + JOINT) / FPS
    sound = silence_with_a_click(tmp_path / "sound.m4a", length, click_s=0.5)

    frames = await join(units, sound, tmp_path / "video.mp4")

    info = await probe(tmp_path / "video.mp4", decode=True)
    check_video(info, size=(W, H), fps=FPS, duration_s=length, audio=True)
    assert info.faststart
    assert frames == len(decoded(tmp_path / "video.mp4")) == 2 * BODY + JOINT
    with av.open(str(tmp_path / "video.mp4")) as container:
        heard = [(frame.pts, frame.to_ndarray()[0]) for frame in container.decode(audio=0)]
    loudest = max(((float(np.abs(data).max()), pts + int(np.abs(data).argmax())) for pts, data in heard))
    assert abs(loudest[1] - 24_000) < 480
    assert not list(tmp_path.glob("*.part"))


def test_joined_sound_is_the_same_to_the_sample(units, tmp_path):
    """AAC's priming samples lie before 0 and are hidden by the file's edit list, in both files alike."""
    sound = silence_with_a_click(tmp_path / "sound.m4a", 2.9, click_s=0.01)
    join_now(units, sound, tmp_path / "video.mp4")

    heard = []
    for path in (sound, tmp_path / "video.mp4"):
        with av.open(str(path)) as container:
            heard.append([(frame.pts, frame.to_ndarray()) for frame in container.decode(audio=0)])

    assert heard[0][0][0] == heard[1][0][0] == 0
    assert len(heard[0]) == len(heard[1])
    assert all(a == b and np.array_equal(x, y) for (a, x), (b, y) in zip(*heard, strict=True))


def test_joining_copies_every_packet(units, tmp_path):
    join_now(units, None, tmp_path / "video.mp4")

    alone = [frame for unit in units for frame in decoded(unit)]
    for frame, should in zip(decoded(tmp_path / "video.mp4"), alone, strict=True):
        assert np.array_equal(frame, should)


def test_the_same_request_gives_the_same_bytes(tmp_path):
    mover = Layer("m", 200, 60, (flat(40, 40, "#ffffff"),), sway=Sway(7, 7, 5.0))
    outs = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for out in outs:
        written(out, [show(scene("#204060", mover), fps=FPS, frames=FPS)], [0], FPS)

    assert outs[0].read_bytes() == outs[1].read_bytes()


@pytest.mark.parametrize("size", [(180, 320), (180, 180), (161, 91)], ids=["9:16", "1:1", "odd"])
@pytest.mark.parametrize("fps", [25, 60])
def test_other_shapes_and_rates_are_encoded(tmp_path, size, fps):
    unit = written(tmp_path / "u.mp4", [show(scene("#204060", size=size), fps=fps, frames=8)], [0], 8, fps)

    padded = size[0] + size[0] % 2, size[1] + size[1] % 2
    check_video(read_info(unit, decode=True), size=padded, fps=fps, duration_s=8 / fps, audio=False)


def test_a_camera_scene_joins_with_a_typographic_one(units, tmp_path):
    """They are encoded with other numbers of B-frames: SPS and PPS must be equal all the same."""
    picture = tmp_path / "picture.png"
    with av.open(str(units[0])) as container:
        next(container.decode(video=0)).to_image().save(picture)
    camera = Camera(picture, Window(0.5, 0.5, 1.0), Window(0.5, 0.5, 0.8))
    moving = written(tmp_path / "c.mp4", [show(scene("#000", camera=camera), fps=FPS, frames=12)], [0], 12)

    assert join_now([units[0], moving, units[2]], None, tmp_path / "video.mp4") == 2 * BODY + 12
    assert len(decoded(tmp_path / "video.mp4")) == 2 * BODY + 12


def test_a_unit_of_another_size_is_refused(units, tmp_path):
    other = written(tmp_path / "o.mp4", [show(scene("#204060", size=(180, 180)), fps=FPS, frames=4)], [0], 4)

    with pytest.raises(MediaError, match=r"o\.mp4"):
        join_now([units[0], other], None, tmp_path / "video.mp4")
    assert not list(tmp_path.glob("video*"))


async def test_a_truncated_unit_is_refused_by_name_in_a_child_too(units, tmp_path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(units[0].read_bytes()[:-900])

    with pytest.raises(MediaError, match=r"cut\.mp4"):
        await join([units[1], cut], None, tmp_path / "video.mp4")


def cut_at(path: Path, target: Path, share: float) -> Path:
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_truncated_video_is_refused(units, tmp_path, share):
    join_now(units, None, tmp_path / "video.mp4")

    with pytest.raises(MediaError):
        read_info(cut_at(tmp_path / "video.mp4", tmp_path / "cut.mp4", share), decode=True)


def test_damage_in_the_middle_is_found_by_decoding(units, tmp_path):
    data = bytearray(units[0].read_bytes())
    middle = data.index(b"mdat") + 900
    data[middle : middle + 150] = bytes(range(150))
    (tmp_path / "damaged.mp4").write_bytes(data)

    read_info(tmp_path / "damaged.mp4")
    with pytest.raises(MediaError, match=r"damaged\.mp4"):
        read_info(tmp_path / "damaged.mp4", decode=True)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no video at all" * 99, id="text"),
        pytest.param(b"\x00\x00\x00\x18ftypisom" + bytes(400), id="a header alone"),
    ],
)
def test_garbage_is_refused(tmp_path, content):
    path = tmp_path / "garbage.mp4"
    path.write_bytes(content)

    with pytest.raises(MediaError, match=r"garbage\.mp4"):
        read_info(path)


GOOD = MediaInfo(
    container="mov", bytes=1, duration_s=2, width=W, height=H, fps=30, video_codec="h264", video_profile="High",
    pixel_format="yuv420p", color="bt709/limited", video_duration_s=2, audio_codec="aac", sample_rate=48_000, channels=2,
    audio_duration_s=2.02, faststart=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"width": 640}, "size", id="size"),
        pytest.param({"fps": 29.97}, "frame rate", id="rate"),
        pytest.param({"video_profile": "Main"}, "profile", id="profile"),
        pytest.param({"video_duration_s": 1.9}, "picture's length", id="picture too short"),
        pytest.param({"audio_duration_s": 1.9}, "sound's length", id="sound too short"),
        pytest.param({"audio_codec": ""}, "sound", id="no sound"),
        pytest.param({"color": "2/2/2/0"}, "colour", id="no colour tags"),
        pytest.param({"video_codec": ""}, "codec", id="no picture"),
    ],
)
def test_a_video_that_is_not_what_was_asked_for_is_refused_by_what_differs(changes, said):
    check_video(GOOD, size=(W, H), fps=30, duration_s=2, audio=True)

    with pytest.raises(MediaError) as caught:
        check_video(GOOD.replace(**changes), size=(W, H), fps=30, duration_s=2, audio=True)

    assert said in caught.value.text.en


@pytest.mark.skipif(not CAN_MOUNT, reason="needs a file system of its own")
@pytest.mark.parametrize("missing_pages", [1, 2, None], ids=["a page too little", "two pages too little", "nothing"])
def test_on_a_full_disk_a_film_is_whole_or_not_there(units, tmp_path, missing_pages):
    """Also where only the very end, with the table of contents, finds no room."""
    page = 4096
    join_now(units, None, tmp_path / "whole.mp4")
    pages = -(-(tmp_path / "whole.mp4").stat().st_size // page)
    with tiny_disk(tmp_path / "tiny", megabytes=1) as disk:
        disk.fill(leaving=page * (pages - missing_pages if missing_pages else 0))
        with pytest.raises(OSError, match="No space left on device"):
            join_now(units, None, disk.folder / "video.mp4")
        left = sorted(path.name for path in disk.folder.iterdir())
        disk.free()
        frames = join_now(units, None, disk.folder / "video.mp4")

    assert (left, frames) == (["filler"], 2 * BODY + JOINT)


@pytest.mark.parametrize(("asked", "taken"), [(BODY, True), (BODY + 1, False), (BODY - 1, False)], ids=["right", "short", "long"])
async def test_a_unit_that_is_not_of_its_length_is_not_kept(units, tmp_path, asked, taken):
    """It would be found by its name at each retry, and each film made of it refused."""
    request = SimpleNamespace(out=tmp_path / "unit.1.part", width=W, height=H, fps=FPS, frames=asked)

    class Hasty:
        async def make(self, request, _hear):
            request.out.write_bytes(units[0].read_bytes())

    refused = contextlib.nullcontext() if taken else pytest.raises(TransientError)
    with refused as met:
        await _made(Hasty(), request, print)

    assert request.out.exists() is taken
    assert taken or met.value.most_retries == 1
