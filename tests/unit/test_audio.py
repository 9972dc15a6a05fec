"""The sound: loud enough on the encoded file, ducked under speech, as long as it was asked for."""

import wave

import av
import numpy as np
import pytest

from reelqueue.errors import InvalidBrief
from reelqueue.media import music
from reelqueue.media.audio import Placed, loudness, mix, prepare_music
from reelqueue.media.ffmpeg import find_ffmpeg
from reelqueue.media.music import SAMPLE_RATE_HZ, compose_loop
from reelqueue.media.soundtrack import IN_GAPS_DB, UNDER_SPEECH_DB, bed_gain, duck, lay_voice, speech_level


def say(path, seconds, level):
    """Something like a voice: a humming tone that comes and goes, with breath in it."""
    t = np.arange(int(seconds * 24_000)) / 24_000
    noise = np.random.default_rng(1).standard_normal(len(t))
    sound = np.sin(2 * np.pi * 140 * t) * (0.5 + 0.5 * np.sin(8 * np.pi * t)) + 0.3 * noise * (np.sin(6 * np.pi * t) > 0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes((sound / np.abs(sound).max() * level * 32767).astype(np.int16).tobytes())


@pytest.fixture
async def ffmpeg():
    return await find_ffmpeg(None)


async def test_the_encoded_sound_meets_loudness_peak_and_length(tmp_path, ffmpeg):
    for i, level in enumerate((0.1, 0.8)):
        say(tmp_path / f"{i}.wav", 2.0, level)
    pieces = [Placed(tmp_path / "0.wav", 9_600), Placed(tmp_path / "1.wav", 120_000)]
    total = 240_000

    found = await mix(pieces, total_samples=total, music=3, out=tmp_path / "sound.m4a", ffmpeg=ffmpeg)

    assert found.integrated_lufs == pytest.approx(-14.0, abs=0.5)
    assert found.true_peak_dbtp <= -1.0
    assert await loudness(ffmpeg, tmp_path / "sound.m4a") == found
    with av.open(str(tmp_path / "sound.m4a")) as container:
        stream = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(stream))
        assert stream.sample_rate == SAMPLE_RATE_HZ
        assert samples == pytest.approx(total, abs=1024)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.wav", "1.wav", "sound.m4a"]


def test_the_bed_lies_low_under_speech_and_rises_only_in_a_long_gap():
    second = SAMPLE_RATE_HZ
    spans = [(2 * second, 4 * second), (4 * second + second // 2, 6 * second), (9 * second, 11 * second)]
    total = 14 * second

    gain = 20 * np.log10(bed_gain(duck(spans, total), 0, total, total) + 1e-9)

    assert gain[int(3.5 * second)] == pytest.approx(UNDER_SPEECH_DB, abs=0.5)
    assert gain[int(4.25 * second)] == pytest.approx(UNDER_SPEECH_DB, abs=0.5)
    assert gain[int(8.5 * second)] == pytest.approx(IN_GAPS_DB, abs=0.5)
    assert gain[-1] < -60


def test_soft_and_loud_pieces_are_brought_together_but_not_made_equal():
    t = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = np.sin(2 * np.pi * 220 * t).astype(np.float32)

    track = lay_voice([(tone * 0.05, 0), (tone * 0.8, 2 * SAMPLE_RATE_HZ)], 3 * SAMPLE_RATE_HZ)

    soft, loud = speech_level(track[:SAMPLE_RATE_HZ]), speech_level(track[2 * SAMPLE_RATE_HZ :])
    assert loud - soft == pytest.approx(24.1 - 12, abs=0.3)


def test_the_loop_is_the_same_for_a_seed_and_its_seam_is_seamless(monkeypatch):
    monkeypatch.setattr(music, "BARS", 4)  # half of it, in half of the time
    monkeypatch.setattr(music, "LOOP_S", music.LOOP_S / 2)
    loop = compose_loop(5)

    assert np.array_equal(loop, compose_loop(5))
    steps = np.abs(np.diff(loop[:, 0]))
    assert abs(loop[0, 0] - loop[-1, 0]) <= steps.max()
    assert np.abs(loop).max() == pytest.approx(0.5)


async def test_music_that_is_not_music_is_refused_by_its_field(tmp_path, ffmpeg):
    fake = tmp_path / "song.mp3"
    fake.write_text("#EXTM3U\n/etc/passwd\n")
    for given in (fake, tmp_path / "missing.mp3", tmp_path / "song.exe"):
        with pytest.raises(InvalidBrief) as caught:
            await prepare_music(ffmpeg, given, tmp_path / "out.wav", longest_s=5)
        assert caught.value.field == "music"
    assert not list(tmp_path.glob("*.part"))


async def test_somebodys_music_becomes_the_bed(tmp_path, ffmpeg):
    say(tmp_path / "song.wav", 1.0, 0.5)
    say(tmp_path / "voice.wav", 2.0, 0.5)

    await prepare_music(ffmpeg, tmp_path / "song.wav", tmp_path / "bed.wav", longest_s=60)
    found = await mix(
        [Placed(tmp_path / "voice.wav", 0)],
        total_samples=96_000,
        music=tmp_path / "bed.wav",
        out=tmp_path / "s.m4a",
        ffmpeg=ffmpeg,
    )

    assert found.integrated_lufs == pytest.approx(-14.0, abs=0.5)
