"""The sandbox's Gemini, asked by the real client library: what it answers whole, what it refuses, and what goes wrong by order."""

import asyncio
import contextlib
import io
import wave
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import httpx2
import numpy as np
import pytest
from google import genai
from google.genai import errors, types
from PIL import Image
from pydantic import BaseModel

from reelqueue.sandbox import Sandbox
from reelqueue.sandbox.gemini import Cap
from reelqueue.sandbox.gemini.pace import seconds_of

TEXT, PICTURES, VOICE = "gemini-3.8-flash", "gemini-3.1-flash-image", "gemini-3.8-flash-tts"
PROMPT = "Topic: 燈塔\nLanguage: zh-TW\nDuration: 60 seconds"


pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")  # the SDK's own


class Part(BaseModel):
    text: str
    duration: float


class Segment(Part):
    index: int
    image_description: str


class Metadata(BaseModel):
    title: str
    description: str
    tags: list[str]


class Script(BaseModel):
    intro: Part
    segments: list[Segment]
    outro: Part
    metadata: Metadata


class Quiz(BaseModel):
    question: str
    choices: list[str]
    score: int | None
    easy: bool


async def _on_aiohttp(_stack: Any) -> dict[str, Any]:
    return {}


async def _on_httpx(stack: Any) -> dict[str, Any]:
    return {"httpx_async_client": await stack.enter_async_context(httpx2.AsyncClient())}


Connect = Callable[..., genai.Client]


@pytest.fixture
async def connect(sandbox: Sandbox) -> AsyncIterator[Connect]:
    """Makes clients for the sandbox and closes them."""
    opened: list[genai.Client] = []

    def make(key: str = sandbox.settings()["GEMINI_API_KEY"], timeout_ms: int = 60_000, **options: Any) -> genai.Client:
        client = genai.Client(
            api_key=key,
            http_options=types.HttpOptions(
                base_url=sandbox.settings()["GEMINI_BASE_URL"],
                timeout=timeout_ms,
                retry_options=types.HttpRetryOptions(attempts=1),
                **options,
            ),
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aio.aclose()


@pytest.fixture
def client(connect: Connect) -> genai.Client:
    return connect()


def script_config(schema: type[BaseModel] = Script, **more: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=schema, automatic_continuation=False, **more
    )


async def script(client: genai.Client, prompt: str = PROMPT, **more: Any) -> types.GenerateContentResponse:
    return await client.aio.models.generate_content(model=TEXT, contents=prompt, config=script_config(**more))


async def drawn(client: genai.Client, prompt: str, aspect: str = "16:9", size: str = "2K") -> types.GenerateContentResponse:
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"], image_config=types.ImageConfig(aspect_ratio=aspect, image_size=size)
    )
    return await client.aio.models.generate_content(model=PICTURES, contents=prompt, config=config)


async def spoken(
    client: genai.Client, text: str, model: str = VOICE, voice: str = "Kore", **more: Any
) -> types.GenerateContentResponse:
    chosen = types.SpeechConfig(voice_config=types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=voice)))
    config = types.GenerateContentConfig(response_modalities=["AUDIO"], speech_config=chosen, **more)
    return await client.aio.models.generate_content(model=model, contents=text, config=config)


def blobs(answer: types.GenerateContentResponse) -> list[types.Blob]:
    return [part.inline_data for part in answer.parts or [] if part.inline_data]


def samples_of(answer: types.GenerateContentResponse) -> np.ndarray:
    """All parts' samples in a row, from WAV or bare."""
    pieces = []
    for blob in blobs(answer):
        data = blob.data or b""
        if data.startswith(b"RIFF"):
            with wave.open(io.BytesIO(data)) as sound:
                assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 24_000)
                data = sound.readframes(sound.getnframes())
        pieces.append(np.frombuffer(data, "<i2"))
    return np.concatenate(pieces).astype(float) / 32768


# scripts


async def test_a_script_fills_the_schema_and_the_time(client: genai.Client) -> None:
    answer = await script(client)

    assert isinstance(answer.parsed, Script)
    told = [answer.parsed.intro.text, *(segment.text for segment in answer.parsed.segments), answer.parsed.outro.text]
    assert 48 <= sum(map(seconds_of, told)) <= 72
    assert all(5 <= seconds_of(segment.text) <= 20 for segment in answer.parsed.segments)
    assert "燈塔" in answer.parsed.metadata.title


async def test_a_script_fits_a_schema_sent_as_json_schema_too(client: genai.Client) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=Script.model_json_schema(), automatic_continuation=False
    )

    answer = await client.aio.models.generate_content(model=TEXT, contents=PROMPT, config=config)

    assert Script.model_validate(answer.parsed).segments


async def test_a_schema_that_is_no_script_is_filled_as_well(client: genai.Client) -> None:
    answer = await script(client, schema=Quiz)

    assert isinstance(answer.parsed, Quiz)


async def test_two_topics_get_two_scripts_and_one_prompt_always_the_same(client: genai.Client) -> None:
    first, again, other = [await script(client, prompt) for prompt in (PROMPT, PROMPT, PROMPT.replace("燈塔", "火車"))]

    assert first.text == again.text
    assert first.text != other.text


async def test_a_text_is_told_in_its_own_sentences(client: genai.Client) -> None:
    text = "月亮牽動海水。每天有兩次漲潮。漁人看著月亮出門，也看著月亮回家。這是海邊的規矩，一代傳一代，從來沒有人質疑過。"

    answer = await script(client, f"Language: zh-TW\n<content>\n# 潮汐\n\n{text}\n</content>")

    assert isinstance(answer.parsed, Script)
    assert "".join(segment.text for segment in answer.parsed.segments) == text
    assert "潮汐" in answer.parsed.metadata.title


async def test_a_long_script_is_as_long_as_asked_and_in_the_language_asked(client: genai.Client) -> None:
    answer = await script(client, "Write about this.\nTopic: The life of bees\nLanguage: en\nDuration: 20 minutes")

    assert isinstance(answer.parsed, Script)
    told = [answer.parsed.intro.text, *(segment.text for segment in answer.parsed.segments), answer.parsed.outro.text]
    assert 1_000 <= sum(map(seconds_of, told)) <= 1_400
    assert "the life of bees" in answer.parsed.intro.text.lower()


async def test_an_index_is_not_to_be_trusted(client: genai.Client) -> None:
    firsts = set()
    for number in range(8):
        answer = await script(client, f"Topic: story {number}\nLanguage: en\nDuration: 30 seconds")
        assert isinstance(answer.parsed, Script)
        firsts.add(answer.parsed.segments[0].index)

    assert len(firsts) > 1


async def test_usage_tells_what_is_billed(client: genai.Client, sandbox: Sandbox) -> None:
    answer = await script(client)

    usage = answer.usage_metadata
    assert usage is not None
    assert usage.prompt_token_count
    assert usage.candidates_token_count
    assert usage.thoughts_token_count
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count + usage.thoughts_token_count
    [paid] = sandbox.gemini.paid
    assert (paid.call, paid.model, paid.prompt) == ("script", TEXT, PROMPT)
    assert paid.usage["totalTokenCount"] == usage.total_token_count


async def test_an_answer_ends_where_its_tokens_do(client: genai.Client) -> None:
    answer = await script(client, max_output_tokens=1000)

    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    assert answer.parsed is None


# pictures


@pytest.mark.parametrize(
    ("aspect", "size", "pixels"),
    [("16:9", "2K", (2752, 1536)), ("9:16", "2K", (1536, 2752)), ("1:1", "1K", (1024, 1024)), ("4:3", "512", (600, 448))],
)
async def test_a_picture_has_the_size_asked_for(client: genai.Client, aspect: str, size: str, pixels: tuple[int, int]) -> None:
    answer = await drawn(client, "a harbour at dawn", aspect, size)

    [blob] = blobs(answer)
    picture = Image.open(io.BytesIO(blob.data or b""))
    assert picture.size == pixels
    assert blob.mime_type == Image.MIME[picture.format or ""]
    colours = np.unique(np.asarray(picture.convert("RGB").resize((64, 64))).reshape(-1, 3), axis=0)
    assert len(colours) > 200  # not a grey box


async def test_pictures_differ_by_their_prompts(client: genai.Client) -> None:
    first, again, other = [blobs(await drawn(client, prompt))[0].data for prompt in ("a hill", "a hill", "a hill, later")]

    assert first == again
    assert first != other


async def test_a_picture_counts_as_image_tokens(client: genai.Client) -> None:
    answer = await drawn(client, "a forest")

    assert answer.usage_metadata is not None
    counted = {detail.modality: detail.token_count for detail in answer.usage_metadata.candidates_tokens_details or []}
    assert counted[types.MediaModality.IMAGE] == 1680


async def test_a_text_part_may_come_before_the_picture(client: genai.Client) -> None:
    answers = [await drawn(client, f"scene {number}", size="512") for number in range(12)]

    assert {bool(answer.parts and answer.parts[0].text) for answer in answers} == {True, False}
    assert all(len(blobs(answer)) == 1 for answer in answers)


# voices


@pytest.mark.parametrize(
    "text",
    [
        "一切要從港邊的一個清晨說起。那時候，大家只有一個模糊的念頭，手邊連一張完整的圖都沒有。",
        "It all began by the harbour, early in the morning. There was only a vague idea.",
    ],
)
async def test_a_voice_lasts_as_long_as_its_text(client: genai.Client, text: str) -> None:
    answer = await spoken(client, text)

    sound = samples_of(answer)
    assert len(sound) / 24_000 == pytest.approx(seconds_of(text), rel=0.1)
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.candidates_token_count == pytest.approx(len(sound) / 24_000 * 25, abs=1)


async def test_a_voice_is_loud_enough_and_never_clips(client: genai.Client) -> None:
    sound = samples_of(await spoken(client, "今天天氣很好，我們去海邊走走。"))

    assert 0.4 < np.abs(sound).max() < 0.95
    assert -26 < 20 * np.log10(np.sqrt((sound**2).mean())) < -16


async def test_a_voice_pauses_at_punctuation_and_its_true_word_times_are_known(client: genai.Client, sandbox: Sandbox) -> None:
    sound = samples_of(await spoken(client, "先停一下。再往前走。"))

    [told] = sandbox.gemini.spoken
    words = told.words
    assert "".join(word.text for word in words) == "先停一下再往前走"
    pause = sound[round(words[3].end_s * 24_000) + 960 : round(words[4].start_s * 24_000) - 480]
    assert len(pause) / 24_000 > 0.25
    assert np.abs(pause).max() < 0.01
    for word in words:
        assert np.abs(sound[round(word.start_s * 24_000) : round(word.end_s * 24_000)]).max() > 0.1


async def test_older_models_send_bare_samples(client: genai.Client) -> None:
    answer = await spoken(client, "你好，世界。", model="gemini-3.1-flash-tts-preview")

    assert {blob.mime_type for blob in blobs(answer)} == {"audio/L16;codec=pcm;rate=24000"}
    assert len(samples_of(answer)) > 24_000


async def test_a_voice_may_come_in_several_parts(client: genai.Client) -> None:
    counts = {len(blobs(await spoken(client, f"第{number}句話說完了。"))) for number in range(9)}

    assert counts == {1, 2}


async def test_another_voice_sounds_otherwise(client: genai.Client) -> None:
    kore, zephyr = [samples_of(await spoken(client, "你好。", voice=voice)) for voice in ("Kore", "Zephyr")]

    assert kore.shape == zephyr.shape
    assert not np.allclose(kore, zephyr)


# refusals


async def refused(asking: Any) -> errors.APIError:
    with pytest.raises(errors.APIError) as caught:
        await asking
    return caught.value


async def test_a_wrong_key_is_400_by_its_reason(connect: Connect, sandbox: Sandbox) -> None:
    error = await refused(script(connect(key="AIzaWRONG")))

    assert (error.code, error.status) == (400, "INVALID_ARGUMENT")
    assert error.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    assert sandbox.gemini.paid == []


async def test_no_key_is_403(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.url}/gemini/v1/models/{TEXT}") as answer:
        assert answer.status == 403
        assert (await answer.json())["error"]["status"] == "PERMISSION_DENIED"


async def test_a_retired_model_says_so(client: genai.Client) -> None:
    error = await refused(client.aio.models.generate_content(model="gemini-2.5-flash", contents="hello"))

    assert error.code == 404
    assert "is no longer available" in (error.message or "")


async def test_an_unknown_model_is_not_found(client: genai.Client) -> None:
    error = await refused(client.aio.models.get(model="gemini-99"))

    assert error.code == 404


async def test_looking_at_a_model_is_free(client: genai.Client, sandbox: Sandbox) -> None:
    model = await client.aio.models.get(model=VOICE)

    assert model.input_token_limit == 8192
    assert sandbox.gemini.paid == []
    assert [entry.call for entry in sandbox.journal.calls("gemini")] == ["models"]


async def test_too_long_a_text_for_a_voice_is_refused(client: genai.Client, sandbox: Sandbox) -> None:
    error = await refused(spoken(client, "很長的故事。" * 1400))

    assert error.code == 400
    assert "8192" in (error.message or "")
    assert sandbox.gemini.paid == []


@pytest.mark.parametrize("option", [{"temperature": 1.0}, {"top_p": 0.9}, {"top_k": 40}])
async def test_a_new_voice_takes_no_sampling_options(client: genai.Client, option: dict[str, float]) -> None:
    error = await refused(spoken(client, "你好。", **option))

    assert error.code == 400


async def test_an_unknown_voice_is_refused(client: genai.Client) -> None:
    error = await refused(spoken(client, "你好。", voice="Nobody"))

    assert error.code == 400


async def test_a_voice_asked_for_text_is_refused(client: genai.Client) -> None:
    error = await refused(client.aio.models.generate_content(model=VOICE, contents="hello"))

    assert "response modalities" in (error.message or "")


async def test_a_deadline_below_ten_seconds_is_refused(connect: Connect, sandbox: Sandbox) -> None:
    error = await refused(script(connect(timeout_ms=5_000)))

    assert error.code == 400
    assert "Minimum allowed deadline is 10s" in (error.message or "")
    sandbox.gemini.enforce_min_deadline = False
    assert (await script(connect(timeout_ms=5_000))).parsed is not None


# quotas


def violated(error: errors.APIError) -> str:
    return next(
        violation["quotaId"]
        for detail in error.details["error"]["details"]
        if detail["@type"].endswith("QuotaFailure")
        for violation in detail["violations"]
    )


def retry_delay(error: errors.APIError) -> str:
    return next(detail["retryDelay"] for detail in error.details["error"]["details"] if detail["@type"].endswith("RetryInfo"))


@pytest.mark.parametrize(("kind", "named"), [("quota_day", "PerDay"), ("quota_minute", "PerMinute")])
async def test_an_exhausted_quota_names_itself(client: genai.Client, sandbox: Sandbox, kind: str, named: str) -> None:
    sandbox.faults.order(service="gemini", call="script", kind=kind)

    error = await refused(script(client))

    assert (error.code, error.status) == (429, "RESOURCE_EXHAUSTED")
    assert named in violated(error)
    assert retry_delay(error) == "17s"
    assert sandbox.gemini.paid == []


async def test_an_exhausted_quota_may_say_nothing_at_all(client: genai.Client, sandbox: Sandbox) -> None:
    sandbox.faults.order(service="gemini", call="script", kind="quota_plain")

    error = await refused(script(client))

    assert error.code == 429
    assert "details" not in error.details["error"]


async def test_a_day_s_cap_holds_until_midnight_in_california(client: genai.Client, sandbox: Sandbox) -> None:
    sandbox.gemini.caps[TEXT] = Cap(per_day=1)
    sandbox.clock.move(sandbox.clock.next_day() - sandbox.clock.now() + timedelta(hours=1))
    await script(client)

    error = await refused(script(client))
    sandbox.clock.move(sandbox.clock.next_day() - sandbox.clock.now() - timedelta(minutes=1))
    still = await refused(script(client))
    sandbox.clock.move(timedelta(minutes=2))

    assert "PerDay" in violated(error)
    assert "PerDay" in violated(still)
    assert (await script(client)).parsed is not None
    assert len(sandbox.gemini.paid) == 2


async def test_a_minute_s_cap_says_when_to_come_back(client: genai.Client, sandbox: Sandbox) -> None:
    sandbox.gemini.caps["*"] = Cap(per_minute=2)
    await script(client)
    await script(client)

    error = await refused(script(client))
    pause = float(retry_delay(error).removesuffix("s"))
    sandbox.clock.move(timedelta(seconds=pause + 0.5))

    assert 50 < pause <= 60
    assert (await script(client)).parsed is not None


# what goes wrong by order


async def test_a_blocked_prompt_has_no_candidates(client: genai.Client, sandbox: Sandbox) -> None:
    sandbox.faults.order(service="gemini", call="script", kind="safety", reason="SAFETY")

    answer = await script(client)

    assert not answer.candidates
    assert answer.prompt_feedback is not None
    assert answer.prompt_feedback.block_reason is types.BlockedReason.SAFETY
    assert len(sandbox.gemini.paid) == 1


@pytest.mark.parametrize(
    ("call", "kind", "finish"),
    [
        ("script", "candidate_safety", types.FinishReason.SAFETY),
        ("image", "candidate_safety", types.FinishReason.IMAGE_SAFETY),
        ("image", "no_image", types.FinishReason.NO_IMAGE),
        ("voice", "no_audio", types.FinishReason.OTHER),
    ],
)
async def test_an_answer_may_end_without_content(
    client: genai.Client, sandbox: Sandbox, call: str, kind: str, finish: types.FinishReason
) -> None:
    sandbox.faults.order(service="gemini", call=call, kind=kind)
    ask = {"script": lambda: script(client), "image": lambda: drawn(client, "a hill"), "voice": lambda: spoken(client, "你好。")}

    answer = await ask[call]()

    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason is finish
    assert not answer.parts


@pytest.mark.parametrize(
    ("kind", "finish"),
    [
        ("max_tokens", types.FinishReason.MAX_TOKENS),
        ("continuation", types.FinishReason.CONTINUATION),
        ("wrong_shape", types.FinishReason.STOP),
    ],
)
async def test_a_script_that_is_none_is_silently_not_parsed(
    client: genai.Client, sandbox: Sandbox, kind: str, finish: types.FinishReason
) -> None:
    sandbox.faults.order(service="gemini", call="script", kind=kind)

    answer = await script(client)

    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason is finish
    assert answer.text
    assert answer.parsed is None
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.candidates_token_count


async def test_an_image_may_be_none(client: genai.Client, sandbox: Sandbox) -> None:
    sandbox.faults.order(service="gemini", call="image", kind="not_an_image")

    [blob] = blobs(await drawn(client, "a hill"))

    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(blob.data or b""))


async def test_a_voice_may_be_silent(client: genai.Client, sandbox: Sandbox) -> None:
    sandbox.faults.order(service="gemini", call="voice", kind="silence")

    sound = samples_of(await spoken(client, "你好，世界。"))

    assert len(sound) > 24_000
    assert not sound.any()


async def test_a_picture_may_be_a_text_or_too_small(client: genai.Client, sandbox: Sandbox) -> None:
    sandbox.faults.order(service="gemini", call="image", kind="text_only")
    sandbox.faults.order(service="gemini", call="image", kind="small")

    text, small = await drawn(client, "a hill"), await drawn(client, "a hill")

    assert (text.text, blobs(text)) == ("Here is the picture you asked for.", [])
    assert Image.open(io.BytesIO(blobs(small)[0].data or b"")).size == (688, 384)


async def test_a_voice_may_be_cut_short_or_have_two_channels(client: genai.Client, sandbox: Sandbox) -> None:
    whole = samples_of(await spoken(client, "你好，世界。再見。"))
    sandbox.faults.order(service="gemini", call="voice", kind="short")
    sandbox.faults.order(service="gemini", call="voice", kind="stereo")

    short = samples_of(await spoken(client, "你好，世界。再見。"))
    beside = blobs(await spoken(client, "你好，世界。再見。"))[0].data or b""

    assert len(short) == pytest.approx(len(whole) / 6, rel=0.01)
    with wave.open(io.BytesIO(beside)) as sound:
        assert sound.getnchannels() == 2


@pytest.mark.parametrize(("kind", "seen"), [("fenced", "```json"), ("simplified", "灯塔")])
async def test_a_script_may_come_fenced_or_in_simplified_characters(
    client: genai.Client, sandbox: Sandbox, kind: str, seen: str
) -> None:
    sandbox.faults.order(service="gemini", call="script", kind=kind)

    assert seen in ((await script(client)).text or "")


async def test_usage_may_be_missing(client: genai.Client, sandbox: Sandbox) -> None:
    sandbox.faults.order(service="gemini", call="script", kind="no_usage")

    answer = await script(client)

    assert answer.usage_metadata is None
    assert answer.parsed is not None


@pytest.mark.parametrize("transport", [_on_aiohttp, _on_httpx])
async def test_a_proxy_s_page_instead_of_an_answer_is_no_json(connect: Connect, sandbox: Sandbox, transport: Any) -> None:
    async with contextlib.AsyncExitStack() as stack:
        client = connect(**await transport(stack))
        sandbox.faults.order(service="gemini", call="script", kind="html")
        sandbox.faults.order(service="gemini", call="script", kind="html", when="after")

        with pytest.raises(ValueError, match="Expecting value"):
            await script(client)
        before = len(sandbox.gemini.paid)
        with pytest.raises(ValueError, match="Expecting value"):
            await script(client)

        assert (before, len(sandbox.gemini.paid)) == (0, 1)


@pytest.mark.parametrize("transport", [_on_aiohttp, _on_httpx])
async def test_both_transports_of_the_library_get_all_three(connect: Connect, sandbox: Sandbox, transport: Any) -> None:
    async with contextlib.AsyncExitStack() as stack:
        client = connect(**await transport(stack))

        answers = await asyncio.gather(script(client), drawn(client, "a hill", size="1K"), spoken(client, "你好。"))

        assert answers[0].parsed is not None
        assert blobs(answers[1])
        assert blobs(answers[2])
        assert sorted(paid.call for paid in sandbox.gemini.paid) == ["image", "script", "voice"]


@pytest.mark.parametrize(("when", "paid"), [("before", 0), ("after", 1)])
async def test_an_overload_before_the_work_costs_nothing_and_after_it_the_work(
    client: genai.Client, sandbox: Sandbox, when: Any, paid: int
) -> None:
    sandbox.faults.order(service="gemini", call="script", kind="503", when=when, retry_delay=7)

    error = await refused(script(client))

    assert (error.code, error.status) == (503, "UNAVAILABLE")
    assert retry_delay(error) == "7s"
    assert len(sandbox.gemini.paid) == paid
    assert len(sandbox.journal.calls("gemini", "script")) == 1


async def test_an_order_of_another_family_waits_for_its_own(client: genai.Client, sandbox: Sandbox) -> None:
    sandbox.faults.order(service="gemini", call="*", kind="silence")

    whole = await script(client)
    silent = await spoken(client, "你好。")

    assert whole.parsed is not None
    assert not samples_of(silent).any()


async def test_the_journal_tells_of_models_and_never_of_the_key(client: genai.Client, sandbox: Sandbox) -> None:
    await script(client)

    [entry] = sandbox.journal.calls("gemini", "script")
    assert (entry.status, entry.detail["model"]) == (200, TEXT)
    async with aiohttp.ClientSession() as session:
        told = [await (await session.get(f"{sandbox.url}/_sandbox/{what}")).text() for what in ("journal", "state")]
    assert not any(sandbox.settings()["GEMINI_API_KEY"] in text for text in told)


async def test_caps_and_retirements_can_be_set_over_http(client: genai.Client, sandbox: Sandbox) -> None:
    knobs = {"caps": {TEXT: {"per_day": 0}}, "retired": [VOICE]}

    async with aiohttp.ClientSession() as session, session.post(f"{sandbox.url}/_sandbox/gemini", json=knobs) as answer:
        assert answer.status == 200

    assert (await refused(script(client))).code == 429
    assert (await refused(spoken(client, "你好。"))).code == 404
