"""Word times without a voice: what a service sends, the frames, the warping, and the guess where there is no reference."""

import io
import struct
import wave
from itertools import pairwise

import numpy as np
import pytest

from reelqueue import wording
from reelqueue.errors import MediaError, ServiceUnavailable
from reelqueue.providers.alignment import estimate, intake, reference, times
from reelqueue.providers.alignment.features import cepstra, frames, quiet
from reelqueue.providers.alignment.match import Match, side
from reelqueue.providers.alignment.sound import as_wav, joined, parsed
from reelqueue.providers.alignment.warp import path
from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.model import SAMPLE_RATE, Token
from reelqueue.providers.local.voice.takes import Take
from reelqueue.providers.local.voice.unit import Sound


@pytest.fixture(autouse=True)
def in_english():
    wording.speak("en")
    yield
    wording.speak("zh-TW")


BARE = "audio/L16;codec=pcm;rate=24000"


def wav(samples, rate=24_000, channels=1):
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples, dtype="<i2").tobytes())
    return whole.getvalue()


def hum(seconds, hz, rate=SAMPLE_RATE):
    """A vowel of sorts: a buzz with one strong partial."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.1 * sum(np.sin(2 * np.pi * 130 * k * t) / (1 + abs(130 * k - hz) / 150) for k in range(1, 40))).astype(np.float32)


def silence(seconds):
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)


VOWELS = (500, 1_500, 900, 2_600, 700, 2_000, 1_200, 3_000)


def reading(lengths_s, pauses_s):
    """Eight vowels, each after its pause; the sound and when each begins."""
    pieces, starts, at = [], [], 0.0
    for hz, length, pause in zip(VOWELS, lengths_s, pauses_s, strict=True):
        pieces += [silence(pause), hum(length, hz)]
        starts.append(at + pause)
        at += pause + length
    return np.concatenate(pieces), starts


@pytest.fixture
def unit_rows():
    def rows(count, seed):
        made = np.random.default_rng(seed).standard_normal((count, 6)).astype(np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    return rows


def cheapest(left, right, step):
    """Dynamic time warping as it stands in a textbook: the cost of the best way."""
    cost = 1 - left @ right.T
    total = np.full(cost.shape, np.inf)
    for i, j in np.ndindex(cost.shape):
        before = [0.0] if i == j == 0 else []
        before += [total[i - 1, j - 1]] if i and j else []
        before += [total[i - 1, j] + step] if i else []
        before += [total[i, j - 1] + step] if j else []
        total[i, j] = cost[i, j] + min(before)
    return total[-1, -1]


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 7), (7, 1), (12, 12), (9, 25), (31, 14)])
def test_the_way_is_the_textbooks(unit_rows, n, m):
    left, right = unit_rows(n, 1), unit_rows(m, 2)

    i, j = path(left, right)

    steps = np.diff(i) + np.diff(j)
    cost = float((1 - (left[i] * right[j]).sum(axis=1)).sum()) + 0.1 * int((steps == 1).sum())
    assert (i[0], j[0], i[-1], j[-1]) == (0, 0, n - 1, m - 1)
    assert set(zip(np.diff(i), np.diff(j), strict=True)) <= {(0, 1), (1, 0), (1, 1)}
    assert cost == pytest.approx(cheapest(left, right, 0.1), abs=1e-3)


def test_a_long_row_is_laid_on_one_of_half_its_length(unit_rows):
    left = unit_rows(2_400, 3)

    i, j = path(left, left[::2])

    assert np.abs(i / 2 - j).max() <= 1


def test_a_voices_level_changes_nothing():
    sound = np.concatenate((hum(0.4, 900), silence(0.3), hum(0.4, 2_000)))

    soft, loud = (cepstra(w := frames(s), quiet(w, waves.level(s))) for s in (sound * 0.5, sound))

    assert np.abs(soft - loud).max() < 0.01
    assert len(soft) == len(sound) // 240 + 1


def test_a_slower_reading_with_other_pauses_is_followed():
    known, known_starts = reading([0.2] * 8, [0.05, 0, 0, 0.25, 0, 0, 0.25, 0])
    other, other_starts = reading([0.3, 0.2, 0.35, 0.25, 0.3, 0.2, 0.4, 0.3], [0.05, 0, 0, 1.4, 0, 0.3, 0.02, 0])

    match = Match(side(known), side(other))

    found = [match.start(moment) for moment in known_starts]
    assert np.abs(np.array(found) - other_starts).max() < 0.045
    assert match.distance < 0.3


def test_what_begins_or_ends_in_a_pause_stays_beside_what_is_heard():
    known, _ = reading([0.3] * 8, [0.0, 0, 0, 0.4, 0, 0, 0, 0])
    other, _ = reading([0.3] * 8, [0.0, 0, 0, 2.0, 0, 0, 0, 0])

    match = Match(side(known), side(other))

    assert match.end(1.1) == pytest.approx(0.93, abs=0.03)
    assert match.start(1.1) == pytest.approx(2.87, abs=0.03)


def test_a_symbol_is_moved_and_a_pause_is_what_is_left():
    known, _ = reading([0.3] * 8, [0.0, 0, 0, 0.4, 0, 0, 0, 0])
    other, _ = reading([0.3] * 8, [0.0, 0, 0, 1.4, 0, 0, 0, 0])
    tokens = (Token("m", 0.6, 0.9), Token(",", 0.9, 1.3), Token("a", 1.3, 1.6))
    heard = (Sound(0, 1, "m", "en"), 0.6, 0.9), (Sound(1, 2, ",", "pause"), 0.9, 1.3), (Sound(2, 3, "a", "en"), 1.3, 1.6)

    moved = times.by_reference(Take(known, tokens, heard), other)

    assert [token.symbol for token in moved.tokens] == [" ", "m", " ", "a"]
    assert [start for _, start, _ in moved.heard] == pytest.approx([0.6, 2.3], abs=0.04)
    speech = times.speech("m,a", moved)
    assert [(word.start_char, word.end_char) for word in speech.words] == [(0, 1), (2, 3)]
    assert speech.samples == len(other)


@pytest.mark.parametrize(
    ("sound", "told"),
    [
        pytest.param(hum(0.6, 900), "lasts 2", id="most of the text is missing"),
        pytest.param(np.tile(hum(0.5, 900), 40), "lasts 8", id="it goes on and on"),
    ],
)
def test_a_sound_that_cannot_be_the_text_is_refused(sound, told):
    known, starts = reading([0.3] * 8, [0.0] * 8)
    heard = tuple((Sound(i, i + 1, "a", "en"), start, start + 0.3) for i, start in enumerate(starts))

    with pytest.raises(times.Implausible, match=told):
        times.by_reference(Take(known, (), heard), sound)


def test_a_sound_that_is_unlike_any_reading_is_left_to_the_estimate():
    known, _ = reading([0.3] * 8, [0.0] * 8)
    noise = np.random.default_rng(1).normal(0, 0.1, SAMPLE_RATE * 2).astype(np.float32)

    assert times.by_reference(Take(known, (), ()), noise) is None


def test_without_a_reference_clauses_are_laid_on_what_stands_between_pauses():
    text = "ひとつめ、ふたつめです。"
    sound = np.concatenate((hum(0.9, 900), silence(0.6), hum(1.2, 1_500)))

    timed = times.by_estimate(estimate.plain(text), sound)

    speech = times.speech(text, timed)
    assert [text[word.start_char : word.end_char] for word in speech.words] == list("ひとつめふたつめです")
    assert speech.words[3].end_s == pytest.approx(0.9, abs=0.04)
    assert speech.words[4].start_s == pytest.approx(1.5, abs=0.04)
    assert all(one.end_s <= other.start_s + 0.011 for one, other in pairwise(speech.words))
    assert speech.visemes[0].start_s == 0


def test_a_text_without_a_word_has_no_times():
    assert times.speech("…", times.by_estimate(estimate.plain("…"), hum(1.0, 900))).words == ()


def test_words_are_found_again_in_the_text_that_was_asked_for():
    text = "好。\n\n今天很熱。  It is hot.\nRedis 很快。"

    said = reference.sounds_of(text, "zh-TW", {})

    words = [text[one.start : one.end] for sounds in said for one in sounds if one.language != "pause"]
    assert words == ["好", "今天", "很", "熱", "It", "is", "hot", "Redis", "很快"]


def test_the_last_word_of_a_sentence_does_not_reach_into_the_next():
    sound = np.concatenate((silence(0.4), hum(0.5, 900), silence(0.9)))
    spoken = Take(sound, (Token("a", 0.35, 1.4), Token(".", 1.4, 1.8)), ((Sound(0, 1, "a", "en"), 0.35, 1.4),))

    trimmed = reference.trimmed(spoken)

    assert trimmed.duration_s == pytest.approx(0.56, abs=0.01)
    assert trimmed.heard[0][1:] == (0.0, trimmed.duration_s)
    assert trimmed.tokens[1].end_s == trimmed.duration_s


@pytest.mark.parametrize(
    ("mime", "rate", "channels"),
    [
        (BARE, 24_000, 1),
        ("audio/l16; rate=16000; channels=2", 16_000, 2),
        ("audio/pcm", 24_000, 1),
    ],
)
def test_bare_samples_become_a_wav_file(mime, rate, channels):
    samples = np.arange(-40, 40, dtype="<i2")

    found = parsed(as_wav(samples.tobytes(), mime))

    assert (found.rate, found.channels) == (rate, channels)
    assert found.samples == samples.tobytes()


@pytest.mark.parametrize("mime", ["audio/wav", "audio/L16;rate=8000", "application/octet-stream", ""])
def test_a_wav_file_is_known_by_its_bytes_whatever_its_type_says(mime):
    assert as_wav(wav([1, 2, 3]), mime) == wav([1, 2, 3])


def test_the_parts_of_an_answer_are_joined():
    first, second, third = [1, 2], [3], [4, 5]

    whole = joined([(wav(first), "audio/wav"), (np.array(second, "<i2").tobytes(), BARE), (wav(third), "audio/wav")])

    assert whole == wav([1, 2, 3, 4, 5])


def test_parts_that_do_not_fit_together_are_refused():
    with pytest.raises(MediaError, match="differ"):
        joined([(wav([1]), "audio/wav"), (wav([1], rate=16_000), "audio/wav")])
    with pytest.raises(MediaError, match="no sound"):
        joined([])


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_file_of_unknown_length_goes_on_to_its_end(size):
    data = wav([5, 6, 7])
    streamed = data[:40] + struct.pack("<I", size) + data[44:]

    assert parsed(streamed).samples == np.array([5, 6, 7], "<i2").tobytes()


def test_other_chunks_are_passed_over():
    data = wav([5, 6])
    extended = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 24_000, 48_000, 2, 16, 22, 16, 4) + struct.pack("<H", 1) + bytes(14)
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"fmt " + struct.pack("<I", 40) + extended + data[36:]

    assert parsed(data[:12] + chunks).samples == np.array([5, 6], "<i2").tobytes()


@pytest.mark.parametrize(
    ("data", "mime", "told"),
    [
        pytest.param(b"<html>502 Bad Gateway</html>", BARE, "text", id="a proxy's page"),
        pytest.param(b"OggS" + bytes(60), "audio/wav", "Ogg", id="another kind of file"),
        pytest.param(bytes(range(100)), "image/png", "image/png", id="another media type"),
        pytest.param(bytes(100), "audio/L16;rate=fast", "rate=fast", id="a rate that is none"),
        pytest.param(wav([1] * 8)[:20] + b"\x03\x00" + wav([1] * 8)[22:], "audio/wav", "format 3", id="samples in floats"),
        pytest.param(wav([1] * 8)[:22] + b"\x06\x00" + wav([1] * 8)[24:], "audio/wav", "6 ch", id="six channels"),
    ],
)
def test_what_is_no_sound_is_refused_by_name(data, mime, told):
    with pytest.raises(MediaError, match=told):
        as_wav(data, mime)


@pytest.mark.parametrize("kept", [30, 60])
def test_a_wav_file_that_is_cut_off_is_asked_for_again(kept):
    with pytest.raises(ServiceUnavailable):
        as_wav(wav(range(100))[:kept], "audio/wav")


@pytest.fixture
def taken_in(tmp_path):
    def take(samples, rate=SAMPLE_RATE):
        file = tmp_path / "sound.wav"
        samples = np.asarray(samples, dtype=np.float32)
        channels = 1 if samples.ndim == 1 else samples.shape[1]
        file.write_bytes(wav(np.clip(samples, -1, 1).reshape(-1) * 32_767, rate, channels))
        return intake.take_in(file)

    return take


@pytest.mark.parametrize("gain", [0.02, 0.3, 5.0], ids=["very soft", "usual", "clipped"])
def test_a_sound_is_brought_to_the_common_level_and_trimmed(taken_in, gain):
    sound = np.concatenate((silence(0.7), hum(0.8, 900), silence(1.1)))

    found = taken_in(sound / np.abs(sound).max() * gain)

    loud = np.flatnonzero(np.abs(found) > waves.SILENCE)
    assert len(found) / SAMPLE_RATE == pytest.approx(0.86, abs=0.01)
    assert loud[0] <= 0.031 * SAMPLE_RATE
    assert np.abs(found).max() <= waves.PEAK
    assert waves.level(found) == pytest.approx(waves.TARGET_RMS, rel=0.05)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_any_rate_and_two_channels_become_one_at_24_khz(taken_in, rate):
    one = hum(1.0, 900, rate)

    found = taken_in(np.stack((one, one * 0.5), axis=1), rate)

    spectrum = np.abs(np.fft.rfft(found * np.hanning(len(found))))
    assert len(found) / SAMPLE_RATE == pytest.approx(1.0, abs=0.01)
    assert np.fft.rfftfreq(len(found), 1 / SAMPLE_RATE)[spectrum.argmax()] == pytest.approx(910, abs=3)


def test_a_direct_current_is_no_sound(taken_in):
    sound = np.concatenate((silence(0.5), hum(0.8, 900), silence(0.5)))

    assert len(taken_in(sound + 0.05)) / SAMPLE_RATE == pytest.approx(0.86, abs=0.02)


@pytest.mark.parametrize(
    ("sound", "told"),
    [
        pytest.param([], "empty", id="empty"),
        pytest.param(np.zeros(24_000), "silent", id="zeros"),
        pytest.param(np.full(24_000, 0.2), "silent", id="a direct current"),
        pytest.param(np.random.default_rng(1).normal(0, 0.001, 24_000), "silent", id="hiss"),
    ],
)
def test_a_voice_of_silence_is_named(taken_in, sound, told):
    with pytest.raises(MediaError, match=told) as caught:
        taken_in(sound)

    assert "another voice" in caught.value.hint
