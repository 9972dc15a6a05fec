"""FFmpeg opens what it was given and nothing else: as the kind that it must be, by decoders that are known, without a network.

S6 and S8 of the threat model.  A file from outside may claim to be anything; what these hold was seen to work on a bare FFmpeg:
a list of other files under a picture's or a video's name is followed, and their content comes out.
"""

import ast
import asyncio
import inspect
import math
import os
import struct
import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from reelqueue.errors import InvalidBrief, MediaError
from reelqueue.media import graph
from reelqueue.media.audio import prepare_music
from reelqueue.media.clip_child import Refused, convert
from reelqueue.media.ffmpeg import LIMITS, find_ffmpeg, run_ffmpeg
from reelqueue.media.image_child import Refused as PictureRefused
from reelqueue.media.image_child import convert as convert_picture
from reelqueue.media.join import join_now
from reelqueue.media.opening import opened
from reelqueue.media.probe import probe_apart, read_info
from reelqueue.offline import cut_off
from reelqueue.process import ChildFailed, Limits, python_child, run

ROOT = Path(__file__).parents[3]
LISTS = {
    "a script for the concatenation": "ffconcat version 1.0\nfile {secret}\n",
    "a script with a chapter": "ffconcat version 1.0\nfile '{secret}'\nduration 5\n",
    "a playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
    "a playlist by address": "#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n",
    "a session description": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "a manifest": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet><Representation>'
    "<BaseURL>{secret}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "metadata": ";FFMETADATA1\ntitle=x\n",
}
"""What FFmpeg would follow, or read as something else than it is named."""


@pytest.fixture
async def ffmpeg():
    return await find_ffmpeg(None)


def tone(path, seconds=0.3):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        samples = [int(9_000 * math.sin(i / 9)) for i in range(int(24_000 * seconds))]
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


def film(path, codec="libx264", pixels="yuv420p", kind="mp4"):
    """Five pictures, by whichever encoder."""
    with av.open(str(path), "w", format=kind) as out:
        stream = out.add_stream(codec, rate=10)
        stream.width = stream.height = 128
        stream.pix_fmt = pixels
        for i in range(5):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((128, 128, 3), 40 * i, np.uint8), format="rgb24")))
        out.mux(stream.encode(None))
    return path


def flic(path):
    """The header of an FLC animation and one empty frame: FFmpeg's `flic` demuxer takes it for one by these bytes."""
    frame = struct.pack("<IHHHH8x", 16, 0xF1FA, 0, 100, 0)[:16]
    path.write_bytes(struct.pack("<IHHHHHHI", 128 + 16, 0xAF12, 1, 128, 128, 8, 3, 70).ljust(128, b"\0") + frame)
    return path


def vobsub(path):
    path.write_text("# VobSub index file, v7 (do not modify this line!)\nsize: 720x480\nid: en, index: 0\n", encoding="ascii")
    return path


def animated(path):
    Image.new("RGB", (64, 64), "red").save(path, save_all=True, append_images=[Image.new("RGB", (64, 64), "blue")])
    return path


HOSTILE = {
    "FLIC": flic,
    "VobSub": vobsub,
    "MagicYUV": lambda path: film(path, "magicyuv", "gbrp", "mov"),
    "ProRes": lambda path: film(path, "prores_ks", "yuv422p10le", "mov"),
    "Matroska": lambda path: film(path, kind="matroska"),
    "APNG": animated,
}
"""What this project has no use for; a decoder that is never called can't be broken into."""


# --- what every call of the program bears ---

CALLS = {
    "measure": ("track.wav",),
    "seek_gain": ("track.wav", 1.5, -1.6),
    "master": ("track.wav", "part.m4a", 1.5, -1.6),
    "decode_music": ("/music/a b.mp3", "mp3", "out.wav", 60.0),
}


def lists_of_arguments():
    found = {
        name: function
        for name, function in inspect.getmembers(graph, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == graph.__name__
    }
    assert found.keys() == CALLS.keys()  # a new one is to be looked at here, too
    yield from ((name, found[name](*arguments)) for name, arguments in CALLS.items())
    yield "measure", graph.measure("track.wav", mixed=True)
    yield from ((ending, graph.decode_music("x", demuxer, "out.wav", 1)) for ending, demuxer in graph.DEMUXERS.items())


def test_every_input_of_ffmpeg_has_a_forced_demuxer_and_lists_of_what_may_be_used():
    for name, arguments in lists_of_arguments():
        assert arguments.count("-i") == 1, name
        before = arguments[: arguments.index("-i")]
        asked = dict(zip(before[::2], before[1::2], strict=True))
        assert asked["-protocol_whitelist"] == "file", name
        assert asked["-f"] == asked["-format_whitelist"], name
        assert asked["-f"] in {"mov", "wav", "mp3", "flac", "ogg", "aac"}, name
        assert asked["-codec_whitelist"], name
        assert arguments[arguments.index("-i") + 1].startswith("file:"), name
        outputs = [one for one in arguments if one.startswith("file:")][1:]
        assert outputs or arguments[-2] == "-" or "null" in arguments, name


def test_the_arguments_are_these():
    assert graph.decode_music("/music/a b.mp3", "mp3", "out.wav", 60) == [
        "-f", "mp3", "-codec_whitelist", "mp3float,mp3", "-format_whitelist", "mp3", "-protocol_whitelist", "file", "-t", "60", "-i",
        "file:/music/a b.mp3", "-map", "0:a", "-f", "wav", "-ac", "2", "-acodec", "pcm_f32le", "-ar", "48000",
        "-fflags", "+bitexact", "-map_metadata", "-1", "file:out.wav", "-y",
    ]  # fmt: skip


async def test_it_is_started_below_limits_without_a_network_and_reads_no_keys(ffmpeg, tmp_path, monkeypatch):
    started = []

    async def seen(argv, **rest):
        started.append((argv, rest))
        return await process_run(argv, **rest)

    from reelqueue.media import ffmpeg as module  # noqa: PLC0415 - its `run` is looked over the shoulder

    process_run = module.run
    monkeypatch.setattr(module, "run", seen)
    monkeypatch.setattr(module, "_known", {})
    await find_ffmpeg(ffmpeg.path)
    await prepare_music(ffmpeg, tone(tmp_path / "a.wav"), tmp_path / "out.wav", longest_s=1)

    assert len(started) == 4
    for argv, rest in started:
        assert "-nostdin" in argv
        assert "stdin" not in rest
        limits = rest["limits"]
        assert limits == LIMITS
        assert limits.offline
        assert None not in {limits.memory_bytes, limits.cpu_seconds, limits.file_bytes}
        assert rest["timeout_s"] < 1_000


def calls_of(*names):
    """Where these are called in our sources: file, name and the call's own text.  Only files that hold the names are parsed."""
    for top in ("reelqueue", "jobs", "storage", "progress"):
        for path in (ROOT / top).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if "sandbox" in path.parts or not any(f"{name}(" in text for name in names):
                continue
            for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
                if isinstance(call.func, ast.Attribute | ast.Name) and (told := ast.unparse(call.func)) in names:
                    yield path.relative_to(ROOT).as_posix(), told, ast.unparse(call)


def test_media_are_read_by_one_door_and_the_program_is_started_by_one():
    found = list(calls_of("av.open", "Image.open", "run", "process.run"))

    assert {file for file, name, text in found if name == "av.open" and ", 'w'" not in text} == {"reelqueue/media/opening.py"}
    assert {file for file, name, text in found if name.endswith("run") and "ffmpeg" in text.lower()} <= {
        "reelqueue/media/ffmpeg.py"
    }
    assert {file for file, name, text in found if name == "Image.open" and "formats=" not in text} == set()


# --- what is refused ---


@pytest.mark.parametrize("script", LISTS.values(), ids=LISTS.keys())
@pytest.mark.parametrize("ending", [".mp3", ".m4a", ".wav"])
async def test_music_that_names_another_file_opens_no_other(ffmpeg, tmp_path, script, ending):
    secret = tone(tmp_path / "secret.wav")
    given = tmp_path / f"song{ending}"
    given.write_text(script.format(secret=secret), encoding="ascii")

    with pytest.raises(InvalidBrief) as refused:
        await prepare_music(ffmpeg, given, tmp_path / "out.wav", longest_s=2)

    assert refused.value.field == "music"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["secret.wav", given.name])


@pytest.mark.parametrize("name", ["concat:secret.wav|secret.wav", "subfile,,start,0,end,9999,,:secret.wav", "data:x.wav", "-y.wav", "%d.wav", "a'b\\c:d,e;f[g].wav"])  # fmt: skip
async def test_a_name_is_a_name_and_no_protocol_or_option(ffmpeg, tmp_path, name):
    tone(tmp_path / "secret.wav", seconds=2)
    folder = tmp_path / "brief"
    folder.mkdir()

    with pytest.raises(InvalidBrief):
        await prepare_music(ffmpeg, Path(folder, name), folder / "out.wav", longest_s=2)
    await prepare_music(ffmpeg, tone(Path(folder, name), seconds=0.3), folder / "out.wav", longest_s=2)

    with wave.open(str(tone(tmp_path / "as_long.wav", seconds=0.3))) as given:
        long = given.getnframes() / given.getframerate()
    assert (folder / "out.wav").stat().st_size == pytest.approx(long * 48_000 * 8, rel=0.02)


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_kind_that_nobody_needs_is_no_music_no_clip_and_no_video(ffmpeg, tmp_path, make):
    given = make(tmp_path / ("given.png" if make is animated else "given.mp4"))

    with pytest.raises(Refused) as refused:
        list(convert(given, tmp_path / "clip.mp4"))
    with pytest.raises(MediaError):
        read_info(given)
    as_music = given.rename(tmp_path / "given.m4a")
    with pytest.raises(InvalidBrief):
        await prepare_music(ffmpeg, as_music, tmp_path / "out.wav", longest_s=2)

    assert refused.value.code == "not_a_clip"


@pytest.mark.parametrize("make", [flic, vobsub, film], ids=["FLIC", "VobSub", "MP4"])
def test_and_no_picture(tmp_path, make):
    with pytest.raises(PictureRefused) as refused:
        convert_picture(make(tmp_path / "given.png"), tmp_path / "out")

    assert refused.value.code == "not_a_picture"


@pytest.mark.parametrize("script", LISTS.values(), ids=LISTS.keys())
def test_a_clip_a_unit_or_a_video_that_names_another_opens_no_other(tmp_path, script):
    secret = film(tmp_path / "secret.mp4")
    given = tmp_path / "given.mp4"
    given.write_text(script.format(secret=secret), encoding="ascii")

    with pytest.raises(Refused):
        list(convert(given, tmp_path / "clip.mp4"))
    for read in (opened, read_info, lambda path: join_now([path], None, tmp_path / "out.mp4")):
        with pytest.raises((MediaError, av.FFmpegError)):
            read(given)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["given.mp4", "secret.mp4"]


async def test_somebody_elses_video_is_looked_at_in_a_child(tmp_path):
    """What an import finds was made elsewhere, by whomever."""
    good = film(tmp_path / "good.mp4")
    (tmp_path / "bad.mp4").write_text(LISTS["a playlist"].format(secret=good), encoding="ascii")

    assert (await probe_apart(good)) == read_info(good)
    with pytest.raises(MediaError, match=r"bad\.mp4"):
        await probe_apart(tmp_path / "bad.mp4")


# --- the network ---


async def test_ffmpeg_gets_no_socket(ffmpeg, tmp_path, unused_tcp_port):
    """Whatever an input talks it into: here it is asked outright."""
    came = []
    async with await asyncio.start_server(lambda *pair: came.append(pair), "127.0.0.1", unused_tcp_port):
        with pytest.raises(MediaError, match=r"(?i)permission|denied|error"):
            await run_ffmpeg(
                ffmpeg, ["-i", f"tcp://127.0.0.1:{unused_tcp_port}", "-f", "null", "-"], folder=tmp_path, timeout_s=20
            )

    assert came == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is refused")
async def test_a_child_is_offline_where_it_is_told_to_be_and_online_where_not(tmp_path):
    code = "import socket, ctypes\nfor kind in (1, 2, 10):\n  try: socket.socket(kind).close(); print('open')\n  except OSError as e: print(e.errno)\nctypes.CDLL(None).syscall(425, 8, 0)"
    offline, online = [
        (await run([sys.executable, "-c", code], cwd=tmp_path, timeout_s=20, limits=Limits(offline=one))).stdout.split()
        for one in (True, False)
    ]

    assert offline == [b"13"] * 3
    assert online == [b"open"] * 3


def test_a_32_bit_python_below_a_64_bit_kernel_takes_no_filter_of_other_calls(monkeypatch):
    """As on a Raspberry Pi: `uname` says aarch64, and each call of its children would be refused, exec first."""
    monkeypatch.setattr("sys.maxsize", 2**31 - 1)

    assert cut_off() is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is refused")
async def test_a_python_child_that_decodes_has_no_network_whatever_its_caller_forgot(tmp_path, monkeypatch):
    (tmp_path / "curious.py").write_text(
        "import socket\nfrom reelqueue.process import serve\nserve(lambda _: iter([{'got': str(socket.socket())}]))\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep))

    async with python_child("curious") as child:
        with pytest.raises(ChildFailed, match="Permission denied"):
            await child.ask_one({})


def test_every_child_that_reads_media_has_an_end_of_memory():
    from reelqueue.media import audio, clip, ffmpeg, image, join, marks, probe, still, studio  # noqa: PLC0415 - all that start one

    limits = [
        clip.LIMITS,
        ffmpeg.LIMITS,
        image.LIMITS,
        marks.LIMITS,
        probe.LIMITS,
        studio.LIMITS,
        audio._LIMITS,
        join._LIMITS,
        still._LIMITS,
    ]
    named = {file for file, name, _ in calls_of("python_child") if file.startswith("reelqueue/media/")}

    assert all(one.memory_bytes for one in limits)
    assert named == {
        f"reelqueue/media/{name}.py" for name in ("audio", "clip", "image", "join", "marks", "probe", "still", "studio")
    }
