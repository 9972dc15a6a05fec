"""The local voice, for real: the model speaks, alone and in its child process."""

import asyncio
import io
import os
import signal
import wave
from itertools import pairwise

import numpy as np
import pytest

from reelqueue.errors import DiskFull, InvalidBrief, PermanentError, TransientError
from reelqueue.models.voice import Speech
from reelqueue.process import ChildFailed
from reelqueue.providers.local.voice import styles, waves
from reelqueue.providers.local.voice.model import SAMPLE_RATE, Model
from reelqueue.providers.local.voice.speech import speak
from reelqueue.providers.local.voice.voice import LocalVoice, _translated
from reelqueue.providers.protocols import SpeechRequest


@pytest.fixture(scope="module")
def model():
    return Model()


def ask(text, language="zh-TW", lexicon=None):
    return SpeechRequest(text=text, language=language, voice=None, lexicon=lexicon or {})


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("我用 Redis 重試3次。", "zh-TW", ["我用", "Redis", "重試", "3", "次"]),
        ("It fails 3.5% of the time.", "en", ["It", "fails", "3.5%", "of", "the", "time"]),
    ],
)
def test_a_sentence_is_spoken_with_the_times_of_its_words(model, text, language, words):
    spoken = speak(model, text, language=language, voice=None, lexicon={})

    speech = spoken.speech
    assert [text[word.start_char : word.end_char] for word in speech.words] == words
    times = [moment for word in speech.words for moment in (word.start_s, word.end_s)]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert times[0] >= 0
    assert times[-1] <= speech.duration_s + 0.001
    assert min(word.end_s - word.start_s for word in speech.words) > 0.02
    assert speech.visemes[0].start_s == 0


def test_the_ends_are_trimmed_and_nothing_clips(model):
    spoken = speak(model, "今天真熱。", language="zh-TW", voice="zf_xiaoxiao", lexicon={})

    loud = np.flatnonzero(np.abs(spoken.sound) > waves.SILENCE)
    assert len(spoken.sound) == spoken.speech.samples
    assert loud[0] <= 0.04 * SAMPLE_RATE
    assert len(spoken.sound) - loud[-1] <= 0.04 * SAMPLE_RATE
    assert np.abs(spoken.sound).max() <= waves.PEAK


def test_the_same_sentence_gives_the_same_bytes(model):
    first, second = (speak(model, "Well done.", language="en", voice=None, lexicon={}) for _ in range(2))

    assert waves.wav(first.sound) == waves.wav(second.sound)
    assert first.speech == second.speech


def test_a_wav_is_mono_16_bit_24_khz():
    with wave.open(io.BytesIO(waves.wav(np.array([0.0, 1.0, -1.0], dtype=np.float32)))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()) == (1, 2, 24_000, 3)


def test_the_voice_files_are_the_ones_that_upstream_publishes():
    tables = [styles.table({name: 1.0}) for name in styles.SHA256]

    assert {table.shape for table in tables} == {(510, 256)}


async def test_a_child_speaks_refuses_and_is_replaced_after_a_crash(tmp_path):
    """A kill -9 in the middle of a sentence is a transient error, and the next sentence finds a new child."""
    target = tmp_path / "one.wav"
    async with LocalVoice().open() as speaker:
        speech = (await speaker.speak(ask("謝謝大家。"), target)).speech
        with pytest.raises(PermanentError, match="……"):
            await speaker.speak(ask("……"), tmp_path / "none.wav")

        place, places = speaker._free._queue[-1], speaker._free.qsize()
        sentence = asyncio.create_task(speaker.speak(ask("這一句說不完。" * 8), tmp_path / "cut.wav"))
        await asyncio.sleep(0)  # the request is on its way
        assert speaker._free.qsize() == places - 1
        os.kill(place._child.process.pid, signal.SIGKILL)
        with pytest.raises(TransientError):
            await sentence

        again = (await speaker.speak(ask("謝謝大家。"), tmp_path / "two.wav")).speech

    assert isinstance(speech, Speech)
    assert again == speech
    assert target.read_bytes() == (tmp_path / "two.wav").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.wav", "two.wav"]


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        pytest.param(ChildFailed("voice", "signal", "SIGKILL"), TransientError, id="killed"),
        pytest.param(ChildFailed("voice", "stall", "180 s"), TransientError, id="hangs"),
        pytest.param(
            ChildFailed(
                "voice", "answer", "", "", {"type": "OSError", "message": "[Errno 28] No space left on device: 'a.part'"}
            ),
            DiskFull,
            id="full disk",
        ),
        pytest.param(ChildFailed("voice", "answer", "", "", {"type": "WeightsDamaged"}), PermanentError, id="damaged weights"),
    ],
)
def test_a_childs_failure_becomes_the_error_that_says_what_to_do(failure, error):
    assert type(_translated(failure)) is error


def test_what_it_cannot_speak_is_refused_by_name():
    voice = LocalVoice()

    voice.check("zh-TW", "yunyang")
    voice.check("en", None)
    with pytest.raises(InvalidBrief, match="language"):
        voice.check("ja", None)
    with pytest.raises(InvalidBrief, match="voice"):
        voice.check("en", "nobody")


def test_the_version_names_the_model_and_stays_the_same():
    assert LocalVoice().version == LocalVoice().version
    assert LocalVoice().version.startswith("kokoro-82m-v1.0-int8/")
