"""An FFmpeg that crashes, hangs, or makes what it should not: nothing of it is kept, nothing of it runs on, one more try is worth it.

The fake is a shell script around the real one, so that what it leaves is what an FFmpeg leaves.
"""

import asyncio
import os
import shutil
import time
import wave
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import psutil
import pytest

from reelqueue.errors import (
    DiskFull,
    InstallationError,
    InvalidBrief,
    MediaError,
    ReelqueueError,
    StorageUnavailable,
    TransientError,
)
from reelqueue.media import audio, ffmpeg
from reelqueue.media.ffmpeg import Ffmpeg, find_ffmpeg
from reelqueue.media.probe import check_video, read_info
from reelqueue.media.soundtrack import write_float
from tests.promised import seconds

SECONDS, RATE = 2, 48_000
GONE_WITHIN_S = seconds(2.0, busy=10.0)
HEAD = """#!/bin/sh
PIDS={pids}
echo $$ >> $PIDS
REAL={real}
for a in "$@"; do
  if [ "$before" != -i ]; then case "$a" in file:*.part) OUT=${{a#file:}};; esac; else IN=$a; fi
  before=$a
done
[ -n "$OUT" ] || exec $REAL "$@"
quiet() {{ $REAL -v error -y "$@" </dev/null; }}
"""
MAKES = {
    "nothing": ":",
    "an empty file": ': > "$OUT"',
    "noise": 'head -c 50000 /dev/urandom > "$OUT"',
    "half of it": '$REAL "$@" && head -c 20000 "$OUT" > "$OUT.half" && mv "$OUT.half" "$OUT"',
    "half of it, as MPEG-TS": 'quiet -i "$IN" -t 1 -c:a aac -f mpegts "$OUT"',
    "half of it, as Matroska": 'quiet -i "$IN" -t 1 -c:a aac -f matroska "$OUT"',
    "all of it, as Matroska": 'quiet -i "$IN" -c:a aac -f matroska "$OUT"',
    "half of it, whole": 'quiet -i "$IN" -t 1 -c:a aac -b:a 192k -f mp4 "$OUT"',
    "half of it, in fragments": 'quiet -i "$IN" -c:a aac -b:a 192k -movflags +frag_keyframe+empty_moov -frag_duration 100000 -f mp4 "$OUT"'
    ' && head -c 20000 "$OUT" > "$OUT.half" && mv "$OUT.half" "$OUT"',
    "too much": 'quiet -i "$IN" -af apad=pad_dur=1 -c:a aac -b:a 192k -f mp4 "$OUT"',
    "one channel": 'quiet -i "$IN" -ac 1 -c:a aac -f mp4 "$OUT"',
    "another rate": 'quiet -i "$IN" -ar 44100 -c:a aac -f mp4 "$OUT"',
    "another codec": 'quiet -i "$IN" -c:a alac -f mp4 "$OUT"',
    "a picture": 'quiet -f lavfi -i color=s=64x64:d=2 -c:v mpeg4 -f mp4 "$OUT"',
    "a picture beside it": 'quiet -i "$IN" -f lavfi -i color=s=64x64:d=2 -c:v mpeg4 -c:a aac -f mp4 "$OUT"',
}
ENDS = {
    "by a code": "echo one >&2; echo why it broke >&2; echo Conversion failed! >&2; exit 187",
    "by a crash": "echo why it broke >&2; kill -SEGV $$",
    "by a crash in the middle": '$REAL "$@"; echo why it broke >&2; kill -ABRT $$',
}
HANGS = {
    "stopped": "kill -STOP $$",
    "silent": "exec sleep 600",
    "saying that it gets no further": "while :; do echo out_time_us=5; echo total_size=48; echo progress=continue; sleep 0.05; done",
    "babbling": "exec yes",
    "babbling without an end of line": "exec head -c 100000000000 /dev/zero",
}


@pytest.fixture(scope="module")
def track(tmp_path_factory) -> Path:
    """A mix that needs no gain: so what is refused of it is not refused for its loudness."""
    path = tmp_path_factory.mktemp("track") / "mix.wav"
    times, tones = np.arange(SECONDS * RATE)[:, None] / RATE, np.geomspace(150, 2_000, 12)
    chord = np.sin(2 * np.pi * tones * times + tones).sum(axis=1)  # what AAC keeps whole
    sound = np.repeat(chord[:, None] / 100, 2, axis=1).astype(np.float32)
    write_float(path, sound)

    async def loudness() -> float:
        return (await audio.loudness(await find_ffmpeg(None), path, SECONDS, mixed=True)).integrated_lufs

    write_float(path, sound, gain=10 ** ((audio.TARGET_LUFS - asyncio.run(loudness())) / 20))
    return path


@pytest.fixture
def fake(tmp_path) -> Callable[[str], Ffmpeg]:
    """An FFmpeg that does as the real one where it only measures, and `body` where it makes a file."""

    def fake(body: str) -> Ffmpeg:
        path = tmp_path / "ffmpeg"
        path.write_text(HEAD.format(pids=tmp_path / "pids", real=imageio_ffmpeg.get_ffmpeg_exe()) + body + "\n")
        path.chmod(0o700)
        return Ffmpeg(path, "7.0")

    return fake


@pytest.fixture
def mixed(tmp_path, track, monkeypatch) -> Callable:
    """Masters the track, which is laid already, and says what is left in the folder."""

    async def laid(_pieces, _total, _music, out):
        await asyncio.to_thread(shutil.copyfile, track, out)

    async def gain(_ffmpeg, _track, _total_s):
        return 0.0

    monkeypatch.setattr(audio, "_lay", laid)
    monkeypatch.setattr(audio, "_find_gain", gain)
    folder = tmp_path / "audio"
    folder.mkdir()

    async def mixed(tool: Ffmpeg) -> tuple[ReelqueueError | None, list[str]]:
        met = None
        try:
            await audio.mix([], total_samples=SECONDS * RATE, music=None, out=folder / "sound.m4a.part", ffmpeg=tool)
        except ReelqueueError as error:
            met = error
        return met, sorted(path.name for path in folder.iterdir())

    return mixed


def those_that_run(tmp_path: Path) -> list[str]:
    """What runs a while later of all fakes that were started; empty as soon as nothing does."""
    deadline = time.monotonic() + GONE_WITHIN_S
    while left := [*filter(None, map(_command, (tmp_path / "pids").read_text().split()))]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return left


def _command(pid: str) -> str | None:
    """What a process runs; None where it is gone, or dead and not asked for yet."""
    try:
        process = psutil.Process(int(pid))
        return None if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return None


async def test_an_ffmpeg_that_does_as_it_should_is_taken(fake, mixed, tmp_path):
    """The controls: the same script around the real one, and one that heeds nothing of what it is asked for but the essential."""
    assert await mixed(fake('exec $REAL "$@"')) == (None, ["sound.m4a.part"])
    assert await mixed(fake('quiet -i "$IN" -c:a aac -b:a 192k -f mp4 "$OUT"')) == (None, ["sound.m4a.part"])
    assert those_that_run(tmp_path) == []


@pytest.mark.parametrize("body", MAKES.values(), ids=MAKES)
async def test_what_it_should_not_have_made_is_not_taken(fake, mixed, tmp_path, body):
    met, left = await mixed(fake(body))

    assert isinstance(met, TransientError)
    assert (met.most_retries, left) == (1, [])
    assert those_that_run(tmp_path) == []


@pytest.mark.parametrize("body", ENDS.values(), ids=ENDS)
async def test_an_end_that_is_none_is_told_with_its_last_words(fake, mixed, tmp_path, body):
    met, left = await mixed(fake(body))

    assert isinstance(met, TransientError)
    assert "why it broke" in met.message
    assert (met.most_retries, left) == (1, [])
    assert those_that_run(tmp_path) == []


@pytest.mark.parametrize("body", HANGS.values(), ids=HANGS)
async def test_one_that_gets_no_further_is_killed_within_its_limit(fake, mixed, tmp_path, monkeypatch, body):
    monkeypatch.setattr(ffmpeg, "STALL_S", 1.5)
    async with asyncio.timeout(60):
        met, left = await mixed(fake(body))

    assert isinstance(met, TransientError)
    assert (met.most_retries, left) == (1, [])
    assert those_that_run(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "error"),
    [("No space left on device", DiskFull), ("Read-only file system", StorageUnavailable)],
    ids=["full", "read-only"],
)
async def test_what_it_says_of_the_disk_is_the_disks(fake, mixed, words, error):
    met, left = await mixed(fake(f"echo 'out: {words}' >&2; exit 228"))

    assert (type(met), left) == (error, [])


async def test_cancelling_leaves_nothing_of_it(fake, mixed, tmp_path):
    running = asyncio.create_task(mixed(fake("sleep 60 & echo $! >> $PIDS; wait")))
    async with asyncio.timeout(60):
        while not (tmp_path / "pids").exists() or (tmp_path / "pids").read_text().count("\n") < 2:
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert those_that_run(tmp_path) == []
    assert list((tmp_path / "audio").iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [
        ":",
        ': > "$OUT"',
        'head -c 9000 /dev/urandom > "$OUT"',
        '$REAL "$@" && head -c 60000 "$OUT" > "$OUT.half" && mv "$OUT.half" "$OUT"',
    ],
    ids=["nothing", "an empty file", "noise", "half of it"],
)
async def test_music_that_it_cut_short_is_not_taken_and_is_nobodys_mistake(fake, tmp_path, track, body):
    (tmp_path / "audio").mkdir()

    with pytest.raises(TransientError) as met:
        await audio.prepare_music(fake(body), track, tmp_path / "audio" / "music.1.part", longest_s=60)

    assert met.value.most_retries == 1
    assert list((tmp_path / "audio").iterdir()) == []


async def test_music_that_it_refuses_is_the_briefs_mistake(fake, tmp_path):
    (tmp_path / "audio").mkdir()
    (tmp_path / "music.wav").write_bytes(b"no music")

    with pytest.raises(InvalidBrief):
        await audio.prepare_music(
            fake('exec $REAL "$@"'), tmp_path / "music.wav", tmp_path / "audio" / "music.1.part", longest_s=60
        )
    assert list((tmp_path / "audio").iterdir()) == []


@pytest.mark.parametrize(
    "body", ["kill -SEGV $$", "exit 1", "", "echo ffmpeg version 7.0"], ids=["crashes", "fails", "mute", "lacks"]
)
async def test_one_that_says_nothing_of_itself_is_not_used(tmp_path, body):
    path = tmp_path / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)

    with pytest.raises(InstallationError):
        await find_ffmpeg(path)


# Whole videos: what is published is looked at once more, whatever made it.

VIDEO = ["-f", "lavfi", "-i", "testsrc=s=128x72:r=24:d=2", "-f", "lavfi", "-i", "sine=d=2:r=48000"]
H264 = [
    *("-vf", "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"),
    *("-c:v", "libx264", "-profile:v", "high", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2"),
]


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("videos")

    def made(name: str, *options: str, kind: str = "mp4") -> Path:
        out = folder / f"{name}.mp4"
        argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *VIDEO, *H264, *options, "-f", kind, str(out)]
        assert os.spawnv(os.P_WAIT, argv[0], argv) == 0
        return out

    return made


def is_taken(path: Path) -> bool:
    try:
        check_video(read_info(path), size=(128, 72), fps=24, duration_s=2.0, audio=True)
    except MediaError:
        return False
    return True


def test_a_video_that_was_cut_short_and_still_opens_is_not_taken(videos):
    whole = videos("whole")
    cut = {kind: videos(kind, "-t", "1.5", kind=kind) for kind in ("matroska", "mpegts")}
    for kind, options in {"fragments": ("-movflags", "+frag_keyframe+empty_moov", "-g", "12"), "ts": ()}.items():
        path = videos(f"half {kind}", *options, kind="mp4" if kind == "fragments" else "mpegts")
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        cut[f"half {kind}"] = path
    cut |= {
        "fewer frames": videos("fewer frames", "-frames:v", "40"),
        "shorter sound": videos("shorter sound", "-af", "atrim=0:1.5"),
        "no sound": videos("no sound", "-an"),
        "no picture": videos("no picture", "-vn"),
        "another size": videos("another size", "-s", "64x36"),
    }

    assert is_taken(whole)
    assert [name for name, path in cut.items() if is_taken(path)] == []


def test_a_wave_file_is_whole_where_its_head_says_what_is_there(tmp_path, track):
    body = track.read_bytes()
    with wave.open(str(tmp_path / "mono.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"\0" * 9_600)
    spoilt = {
        "cut": body[:-8],
        "more": body + b"\0" * 8,
        "head": body[:44],
        "empty": b"",
        "zeros": b"\0" * len(body),
        "mono": (tmp_path / "mono.wav").read_bytes(),
    }
    for name, data in spoilt.items():
        (tmp_path / f"{name}.wav").write_bytes(data)

    assert audio.is_whole_float(track)
    assert [name for name in (*spoilt, "none") if audio.is_whole_float(tmp_path / f"{name}.wav")] == []
