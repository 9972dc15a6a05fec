"""One part's voice as one file lies as the timeline lays it."""

import wave
from pathlib import Path

import numpy as np
import pytest

from reelqueue.errors import MediaError
from reelqueue.media.part_sound import RATE_HZ, part_sound, spoken_s
from reelqueue.media.timeline import SAMPLE_RATE_HZ, lay_out
from reelqueue.models.voice import Speech


def spoken(path: Path, seconds: float, rate: int) -> Speech:
    """A piece that is a click at its beginning and silence after it."""
    samples = np.zeros(round(seconds * rate), np.int16)
    samples[: rate // 200] = 20_000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return Speech(text="啊", samples=len(samples), sample_rate=rate, words=(), visemes=())


def read(path: Path) -> np.ndarray:
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


async def test_each_piece_begins_where_the_timeline_lays_it(tmp_path):
    paths = [tmp_path / f"{number}.wav" for number in range(3)]
    speeches = [spoken(path, 0.7, rate) for path, rate in zip(paths, (24_000, 48_000, 22_050), strict=True)]
    placed = lay_out([speeches], fps=30).of_part(0)

    length_s = await part_sound(paths, speeches, tmp_path / "part.wav")

    heard = read(tmp_path / "part.wav")
    loud = np.flatnonzero(np.abs(heard.astype(int)) > 8_000) / RATE_HZ
    starts = [loud[0], *loud[1:][np.diff(loud) > 0.1]]
    assert starts == pytest.approx([piece.after_first_s for piece in placed], abs=0.002)
    assert length_s == pytest.approx(len(heard) / RATE_HZ) == pytest.approx(placed[-1].end_s - placed[0].start_s, abs=1e-3)
    assert spoken_s(speeches) == pytest.approx(length_s, abs=1e-3)
    assert SAMPLE_RATE_HZ == 2 * RATE_HZ


async def test_the_same_pieces_give_the_same_bytes_and_no_part_file_is_left(tmp_path):
    speeches = [spoken(tmp_path / "a.wav", 0.5, 24_000)]

    for name in ("one.wav", "two.wav"):
        await part_sound([tmp_path / "a.wav"], speeches, tmp_path / name)

    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()
    assert not list(tmp_path.glob("*.part"))


async def test_a_piece_that_is_no_sound_is_named(tmp_path):
    speech = spoken(tmp_path / "a.wav", 0.5, 24_000)
    (tmp_path / "a.wav").write_bytes(b"no sound at all")

    with pytest.raises(MediaError, match=r"a\.wav"):
        await part_sound([tmp_path / "a.wav"], [speech], tmp_path / "part.wav")
    assert not (tmp_path / "part.wav").exists()


async def test_a_part_without_a_voice_has_no_sound(tmp_path):
    with pytest.raises(ValueError, match="without a voice"):
        await part_sound([], [], tmp_path / "part.wav")
