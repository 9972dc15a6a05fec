"""A voice by Gemini, through the real client: whole parts, WAV or bare samples, its words timed here."""

import contextlib
import wave
from pathlib import Path

import pytest
import pytest_asyncio

from reelqueue.errors import ContentRefused, DiskFull, MediaError, PermanentError, ServiceUnavailable, TransientError
from reelqueue.providers.alignment.aligner import Aligner
from reelqueue.providers.gemini.voice import GeminiVoice
from reelqueue.providers.prices import read_prices
from reelqueue.providers.protocols import SpeechRequest
from reelqueue.sandbox import Sandbox, open_sandbox
from reelqueue.sandbox.gemini.tokens import tokens_in
from tests.contract.gemini import SDK_WARNS, UNKNOWN, VOICE, billed_units, client_of

pytestmark = [SDK_WARNS, pytest.mark.asyncio(loop_scope="module")]

CHINESE = "退潮以後，沙灘上有小洞。"
ENGLISH = "The sand is full of holes."
OLD = "gemini-3.1-flash-tts-preview"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _one_child_times_all_words():
    """The last who leaves an event loop's aligners ends their children: a model is loaded once, a second of CPU."""
    async with Aligner():
        yield


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def client(sandbox: Sandbox):
    async with contextlib.aclosing(client_of(sandbox)) as opened:
        yield opened


@pytest.fixture
def voice(client):
    return GeminiVoice(client, VOICE, read_prices(None))


def request(text=CHINESE, language="zh-TW", voice=None, lexicon=None):
    return SpeechRequest(text=text, language=language, voice=voice, lexicon=lexicon or {})


@pytest.mark.parametrize(
    ("model", "kind", "asked"),
    [
        pytest.param(VOICE, "slow", request(), id="Chinese, a whole WAV file"),
        pytest.param(VOICE, "stereo", request(ENGLISH, "en", "puck"), id="English, another voice, in stereo"),
        pytest.param(OLD, "slow", request(), id="bare samples of an older model"),
    ],
)
async def test_a_part_is_spoken_into_the_houses_sound_with_times_and_a_bill(sandbox, client, tmp_path, model, kind, asked):
    voice = GeminiVoice(client, model, read_prices(None))
    target = tmp_path / "piece.part"
    sandbox.faults.order(service="gemini", call="voice", kind=kind, seconds=0)

    async with voice.open() as speaker:
        spoken = await speaker.speak(asked, target)

    speech = spoken.speech
    with wave.open(str(target)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, speech.sample_rate)
        assert sound.getnframes() == speech.samples
    assert speech.text == asked.text
    assert speech.words and speech.visemes
    assert all(0 <= one.start_s < one.end_s <= speech.duration_s for one in speech.words)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["piece.part"]
    assert sandbox.gemini.spoken[0].voice.lower() == (asked.voice or "Kore").lower()
    counted = sandbox.gemini.paid[0].usage
    units = billed_units(spoken.usage)
    assert units == {"input_tokens": counted["promptTokenCount"], "audio_tokens": counted["candidatesTokenCount"]}
    assert sum(use.cost_usd for use in spoken.usage) <= float(voice.cost(asked).usd)


async def test_the_lexicon_is_spoken_and_the_written_text_is_timed(sandbox, voice, tmp_path):
    asked = request("蟹的 DNA 很短。", lexicon={"DNA": "基因"})

    async with voice.open() as speaker:
        spoken = await speaker.speak(asked, tmp_path / "piece.part")

    assert sandbox.gemini.paid[0].prompt == "蟹的 基因 很短。"
    assert spoken.speech.text == asked.text
    assert any(asked.text[word.start_char : word.end_char] == "DNA" for word in spoken.speech.words)


@pytest.mark.parametrize(("model", "styled"), [(VOICE, True), (OLD, False)])
async def test_only_models_that_know_a_style_are_given_one(sandbox, client, tmp_path, model, styled):
    sandbox.faults.order(service="gemini", call="voice", kind="503", match="Taiwanese")
    sandbox.faults.order(service="gemini", call="voice", kind="500")

    async with GeminiVoice(client, model, read_prices(None)).open() as speaker:
        with pytest.raises(ServiceUnavailable):
            await speaker.speak(request(), tmp_path / "piece.part")

    assert [entry.status for entry in sandbox.journal.calls("gemini")] == [503 if styled else 500]


@pytest.mark.parametrize(
    ("kind", "error", "said"),
    [
        pytest.param("short", TransientError, "does not fit its text", id="a voice that stops too early"),
        pytest.param("silence", MediaError, "silent", id="a voice of silence"),
        pytest.param("no_audio", ServiceUnavailable, "no result", id="no sound"),
        pytest.param("candidate_safety", ContentRefused, "SAFETY", id="refused"),
    ],
)
async def test_no_voice_is_named_paid_for_and_leaves_nothing(sandbox, voice, tmp_path, kind, error, said):
    sandbox.faults.order(service="gemini", call="voice", kind=kind)

    async with voice.open() as speaker:
        with pytest.raises(error) as raised:
            await speaker.speak(request(), tmp_path / "piece.part")

    assert said in raised.value.text.en
    assert raised.value.usage
    assert list(tmp_path.glob("*.part")) == []
    assert len(sandbox.journal.calls("gemini")) == 1


async def test_a_lost_answer_may_have_been_paid_for(sandbox, voice, tmp_path):
    sandbox.faults.order(service="gemini", call="voice", kind="close", when="after")

    async with voice.open() as speaker:
        with pytest.raises(ServiceUnavailable) as raised:
            await speaker.speak(request(), tmp_path / "piece.part")

    assert raised.value.usage is UNKNOWN


async def test_a_full_disk_is_not_the_services_fault(voice, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    async with voice.open() as speaker:
        with pytest.raises(DiskFull) as raised:
            await speaker.speak(request(), tmp_path / "piece.part")

    assert billed_units(raised.value.usage)["audio_tokens"] > 0


async def test_a_voice_that_there_is_not_is_refused_unpaid(sandbox, voice, tmp_path):
    async with voice.open() as speaker:
        with pytest.raises(PermanentError, match="xiaoxiao"):
            await speaker.speak(request(voice="xiaoxiao"), tmp_path / "piece.part")

    assert sandbox.journal.calls("gemini") == []


async def test_the_longest_piece_fits_into_one_call(voice):
    """What is sent stays below the cap that the service sets, whatever the text is made of."""
    pieces = voice.pieces("「１２３」；㍿…，" * 2_000 + "潮" * 12_000, "zh-TW")

    assert max(map(tokens_in, pieces)) < 8_192
