"""Word times for a cloud voice, for real: another of our own voices plays the cloud, its own word times are the truth."""

import asyncio
import os
import signal
import threading

import numpy as np
import pytest

from reelqueue import wording
from reelqueue.errors import DiskFull, MediaError, TransientError
from reelqueue.providers.alignment import aligner as aligner_module
from reelqueue.providers.alignment import places
from reelqueue.providers.alignment.aligner import Aligner
from reelqueue.providers.alignment.intake import samples
from reelqueue.providers.alignment.sound import parsed
from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.model import SAMPLE_RATE
from reelqueue.providers.local.voice.voice import LocalVoice
from reelqueue.providers.protocols import SpeechRequest
from tests.workers import HUMMING

CHINESE = "背景工作用 Redis 排隊，最多重試3次。珊瑚白化不等於死亡。"
ENGLISH = "Why does bread rise? Yeast eats sugar and breathes out gas, and a net of gluten holds it. Then the crust sets."
PAUSES_S = (0.9, 0.3)


@pytest.fixture(autouse=True)
def in_english():
    wording.speak("en")
    yield
    wording.speak("zh-TW")


def ask(text, language="en", voice=None):
    return SpeechRequest(text=text, language=language, voice=voice, lexicon={})


async def cloud(text, language, voice, folder):
    """The text by another of our voices, with pauses as a cloud voice makes them, and when each word begins (by its place)."""
    pieces, truth, done, at = [], {}, 0, 0.0
    async with LocalVoice().open() as speaker:
        sentences = LocalVoice().pieces(text, language)
        for sentence, pause in zip(sentences, (*PAUSES_S[: len(sentences) - 1], 0.0), strict=True):
            speech = (await speaker.speak(ask(sentence, language, voice), folder / "sentence.wav")).speech
            done = text.index(sentence, done)
            truth |= {done + word.start_char: at + word.start_s for word in speech.words}
            silence = np.zeros(round(pause * SAMPLE_RATE), dtype=np.float32)
            pieces += [samples(folder / "sentence.wav"), silence]
            at += (speech.samples + len(silence)) / SAMPLE_RATE
    sound = folder / "cloud.wav"
    sound.write_bytes(waves.wav(np.concatenate(pieces)))
    (folder / "sentence.wav").unlink()
    return sound, truth


@pytest.mark.parametrize(
    ("text", "language", "voice"),
    [
        pytest.param(CHINESE, "zh-TW", "xiaoxiao", id="Chinese"),
        pytest.param(ENGLISH, "en", "michael", id="English", marks=pytest.mark.soak),
    ],
)
async def test_nine_of_ten_words_begin_where_the_other_voice_says(tmp_path, text, language, voice):
    """`python -m benchmarks words` states it on more: p90 of 22 to 55 ms, by espeak-ng's own count up to 65."""
    sound, truth = await cloud(text, language, voice, tmp_path)

    async with Aligner() as aligner:
        speech = await aligner.align(sound, ask(text, language), tmp_path / "out.wav")

    found = {word.start_char: word.start_s for word in speech.words}
    errors_ms = sorted(abs(found[place] - moment) * 1_000 for place, moment in truth.items())
    assert found.keys() == truth.keys()
    assert errors_ms[len(errors_ms) * 9 // 10] < 100
    assert errors_ms[len(errors_ms) // 2] < 30
    assert speech.text == text
    written = parsed((tmp_path / "out.wav").read_bytes())
    assert (written.rate, written.channels, len(written.samples) // 2) == (SAMPLE_RATE, 1, speech.samples)
    assert {shape.shape for shape in speech.visemes} > {"rest", "mbp", "ee", "ah"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cloud.wav", "out.wav"]


@pytest.fixture
def humming(monkeypatch):
    """The reference is hummed: for what does not depend on how well it is spoken."""
    for name, value in HUMMING.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def sound(tmp_path):
    """Three seconds of something like a voice."""
    t = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    voice = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20)) * (0.3 + np.sin(2 * np.pi * 2.3 * t) ** 2)
    file = tmp_path / "cloud.wav"
    file.write_bytes(waves.wav((voice * 0.05).astype(np.float32)))
    return file


def running():
    return {place._child.process.pid for place in places.places()._all if place._child is not None}


@pytest.mark.usefixtures("humming")
async def test_eight_stages_share_two_children_which_end_with_the_last(sound, tmp_path):
    async def stage(number):
        async with Aligner() as aligner:
            speech = await aligner.align(sound, ask("Yeast is alive now."), tmp_path / f"{number}.wav")
            return speech, running()

    results = await asyncio.gather(*(stage(number) for number in range(8)))

    seen = set().union(*(pids for _, pids in results))
    assert 1 <= len(seen) <= places.CHILDREN
    assert len({speech for speech, _ in results}) == 1
    assert running() == set()


@pytest.mark.usefixtures("humming")
async def test_a_killed_child_is_replaced_and_the_paid_sound_is_kept(sound, tmp_path):
    async with Aligner() as aligner:
        first = await aligner.align(sound, ask("Yeast is alive now."), tmp_path / "first.wav")
        (pid,) = running()
        work = asyncio.create_task(aligner.align(sound, ask("Yeast is alive now."), tmp_path / "second.wav"))
        while places.places().free.qsize() == len(places.places()._all):  # until the child is asked
            await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)

        second = await work

        assert second == first
        assert running() != {pid}


@pytest.mark.parametrize("module", ["reelqueue.providers.alignment.nowhere", "reelqueue.providers.alignment"])
async def test_where_no_child_can_work_the_times_are_estimated(sound, tmp_path, monkeypatch, module):
    monkeypatch.setattr(places, "_CHILD", module)

    async with Aligner() as aligner:
        speech = await aligner.align(sound, ask("Yeast is alive now."), tmp_path / "out.wav")

    assert [speech.text[word.start_char : word.end_char] for word in speech.words] == ["Yeast", "is", "alive", "now"]
    assert (tmp_path / "out.wav").is_file()


async def test_where_no_child_can_be_started_the_times_are_estimated(sound, tmp_path, monkeypatch):
    def out_of_memory(*_args, **_keywords):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(places, "python_child", out_of_memory)

    async with Aligner() as aligner:
        speech = await aligner.align(sound, ask("Yeast is alive now."), tmp_path / "out.wav")

    assert len(speech.words) == 4


@pytest.mark.parametrize(("text", "language"), [("パンはどうして。", "ja"), ("……", "zh-TW")])
async def test_what_the_local_voice_cannot_speak_is_timed_without_it(sound, tmp_path, text, language):
    async with Aligner() as aligner:
        speech = await aligner.align(sound, ask(text, language), tmp_path / "out.wav")

    assert "".join(text[word.start_char : word.end_char] for word in speech.words) == text.strip("。…")
    assert speech.visemes[0].shape == "rest"


@pytest.mark.usefixtures("humming")
async def test_the_wrong_sound_is_refused_and_nothing_is_written(sound, tmp_path):
    silent = tmp_path / "silent.wav"
    silent.write_bytes(waves.wav(np.zeros(SAMPLE_RATE, dtype=np.float32)))
    async with Aligner() as aligner:
        with pytest.raises(MediaError, match="silent"):
            await aligner.align(silent, ask("Yeast is alive."), tmp_path / "out.wav")
        with pytest.raises(TransientError, match="of what the text takes"):
            await aligner.align(sound, ask("Yeast eats sugar and breathes out gas. " * 6), tmp_path / "out.wav")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["cloud.wav", "silent.wav"]


async def test_a_full_disk_waits_and_leaves_nothing(sound, tmp_path, monkeypatch):
    def full(heard):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(aligner_module.waves, "wav", full)
    async with Aligner() as aligner:
        with pytest.raises(DiskFull):
            await aligner.align(sound, ask("Yeast is alive."), tmp_path / "out.wav")

    assert [path.name for path in tmp_path.iterdir()] == ["cloud.wav"]


async def test_a_piece_cancelled_while_its_sound_is_taken_in_leaves_no_file(sound, tmp_path, monkeypatch):
    """The thread that writes can't be stopped: it would write after the clean-up."""
    begun, go_on, wav = threading.Event(), threading.Event(), waves.wav

    def slow(heard):
        begun.set()
        go_on.wait(10)
        return wav(heard)

    monkeypatch.setattr(aligner_module.waves, "wav", slow)
    async with Aligner() as aligner:
        work = asyncio.create_task(aligner.align(sound, ask("Yeast is alive now."), tmp_path / "cut.wav"))
        await asyncio.to_thread(begun.wait, 10)
        work.cancel()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await work

    assert [path.name for path in tmp_path.iterdir()] == ["cloud.wav"]


@pytest.mark.usefixtures("humming")
async def test_a_cancelled_piece_leaves_no_file_and_the_next_one_finds_a_child(sound, tmp_path):
    async with Aligner() as aligner:
        work = asyncio.create_task(aligner.align(sound, ask("Yeast is alive now."), tmp_path / "cut.wav"))
        while places.places().free.qsize() == len(places.places()._all):
            await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        left = [path.name for path in tmp_path.iterdir()]

        await aligner.align(sound, ask("Yeast is alive now."), tmp_path / "out.wav")

    assert left == ["cloud.wav"]
