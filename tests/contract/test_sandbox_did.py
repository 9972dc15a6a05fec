"""The sandbox's D-ID over plain HTTP: sounds given, talks made and polled, films fetched by signed address, and refusals."""

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import av
import numpy as np
import pytest

from reelqueue.sandbox import Sandbox
from reelqueue.sandbox.did import face, film
from reelqueue.sandbox.gemini.voice import as_wav, speak

TEXT = "今天要談的是燈塔。先停一下。"
SIZE = face.SIZE


@pytest.fixture(scope="module")
def sound() -> bytes:
    return as_wav(speak("燈塔", "Kore").samples)


@pytest.fixture(autouse=True)
def _small_films(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests look at no film."""
    for module in (face, film):
        monkeypatch.setattr(module, "SIZE", 128)


@pytest.fixture
async def did(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that shows the key."""
    settings = sandbox.settings()
    headers = {"Authorization": f"Basic {settings['DID_API_KEY']}"}
    async with aiohttp.ClientSession(settings["DID_BASE_URL"] + "/", headers=headers) as session:
        yield session


@pytest.fixture
async def anybody() -> AsyncIterator[aiohttp.ClientSession]:
    """A session without a key, as films are fetched."""
    async with aiohttp.ClientSession() as session:
        yield session


async def given(did: aiohttp.ClientSession, sound: bytes) -> dict[str, Any]:
    form = aiohttp.FormData()
    form.add_field("audio", sound, filename="voice.wav", content_type="audio/wav")
    async with did.post("audios", data=form) as answer:
        assert answer.status == 201
        return await answer.json()


async def asked(did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes, **changes: Any) -> tuple[int, dict[str, Any]]:
    audio = await given(did, sound)
    body = {"source_url": sandbox.settings()["DID_SOURCE_URL"], "script": {"type": "audio", "audio_url": audio["url"]}} | changes
    async with did.post("talks", json=body) as answer:
        return answer.status, await answer.json()


async def looked(did: aiohttp.ClientSession, talk_id: str) -> dict[str, Any]:
    async with did.get(f"talks/{talk_id}") as answer:
        assert answer.status == 200
        return await answer.json()


async def test_a_talk_is_created_started_and_done(did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes) -> None:
    status, made = await asked(did, sandbox, sound)

    seen = [(await looked(did, made["id"]))["status"] for _ in range(3)]

    assert (status, made["status"]) == (201, "created")
    assert seen == ["created", "started", "done"]
    [talk] = sandbox.did.created
    assert (talk.id, talk.sha256) == (made["id"], hashlib.sha256(sound).hexdigest())


async def test_a_talk_is_done_by_the_clock_too(did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes) -> None:
    _, made = await asked(did, sandbox, sound)

    before = await looked(did, made["id"])
    sandbox.clock.move(timedelta(seconds=sandbox.did.takes_s))
    after = await looked(did, made["id"])

    assert (before["status"], after["status"]) == ("created", "done")


async def test_the_film_shows_a_mouth_that_follows_the_sound(
    did: aiohttp.ClientSession, anybody: aiohttp.ClientSession, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (face, film):
        monkeypatch.setattr(module, "SIZE", SIZE)
    sandbox.did.polls = 1
    _, made = await asked(did, sandbox, as_wav(speak(TEXT, "Kore").samples))
    done = await looked(did, made["id"])

    async with anybody.get(done["result_url"]) as answer:
        assert (answer.status, answer.content_type) == (200, "video/mp4")
        (tmp_path / "talk.mp4").write_bytes(await answer.read())

    with av.open(str(tmp_path / "talk.mp4")) as seen:
        picture, voice = seen.streams.video[0], seen.streams.audio[0]
        assert (picture.codec_context.name, picture.pix_fmt, picture.width, picture.height) == ("h264", "yuv420p", 512, 512)
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in seen.decode(picture)]
        assert voice.duration is not None
        assert voice.time_base is not None
        assert float(voice.duration * voice.time_base) == pytest.approx(done["duration"], abs=0.05)
    assert len(frames) / 25 == pytest.approx(speak(TEXT, "Kore").seconds, abs=0.05)
    teeth = np.array([(frame[280:370, 190:330].min(axis=2) > 215).sum() for frame in frames])
    words = speak(TEXT, "Kore").words
    assert teeth[round(words[2].start_s * 25) : round(words[6].end_s * 25)].max() > 100
    assert teeth[-4:].max() == 0


async def test_an_address_expires_and_the_next_look_gives_a_fresh_one(
    did: aiohttp.ClientSession, anybody: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes
) -> None:
    sandbox.did.polls = 1
    _, made = await asked(did, sandbox, sound)
    old = (await looked(did, made["id"]))["result_url"]
    sandbox.clock.move(timedelta(seconds=sandbox.did.url_lives_s + 1))

    async with anybody.get(old) as answer:
        assert (answer.status, answer.content_type) == (403, "application/xml")
    async with anybody.get((await looked(did, made["id"]))["result_url"]) as answer:
        assert answer.status == 200


async def test_an_address_may_be_out_of_date_at_once(
    did: aiohttp.ClientSession, anybody: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes
) -> None:
    sandbox.did.polls = 1
    sandbox.faults.order(service="did", call="talks.get", kind="expired")
    _, made = await asked(did, sandbox, sound)

    async with anybody.get((await looked(did, made["id"]))["result_url"]) as answer:
        assert answer.status == 403


async def test_the_key_has_no_business_at_the_film_s_address(did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes) -> None:
    sandbox.did.polls = 1
    _, made = await asked(did, sandbox, sound)

    async with did.get((await looked(did, made["id"]))["result_url"]) as answer:
        assert answer.status == 400


async def test_an_address_without_its_signature_is_denied(
    did: aiohttp.ClientSession, anybody: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes
) -> None:
    sandbox.did.polls = 1
    _, made = await asked(did, sandbox, sound)

    async with anybody.get((await looked(did, made["id"]))["result_url"].split("&")[0]) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("end", ["error", "rejected"])
async def test_a_talk_may_end_badly_and_says_why(did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes, end: str) -> None:
    sandbox.did.polls = 1
    sandbox.faults.order(service="did", call="talks.create", kind=end)
    status, made = await asked(did, sandbox, sound)

    ended = await looked(did, made["id"])

    assert status == 201
    assert ended["status"] == end
    assert ended["error"]["kind"]
    assert "result_url" not in ended


@pytest.mark.parametrize(("kind", "status"), [("credits", 402), ("moderation", 451), ("400", 400), ("500", 500)])
async def test_a_refused_talk_is_not_made(
    did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes, kind: str, status: int
) -> None:
    sandbox.faults.order(service="did", call="talks.create", kind=kind)

    refused, body = await asked(did, sandbox, sound)

    assert refused == status
    assert body["kind"]
    assert body["description"]
    assert sandbox.did.created == []


async def test_credits_are_taken_for_each_fifteen_seconds_begun(
    did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes
) -> None:
    sandbox.did.credits = 1

    first, _ = await asked(did, sandbox, sound)
    second, body = await asked(did, sandbox, sound)

    assert (first, second) == (201, 402)
    assert body["kind"] == "InsufficientCreditsError"
    async with did.get("credits") as answer:
        assert (await answer.json())["remaining"] == 0


async def test_a_lost_answer_leaves_a_talk_behind(did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes) -> None:
    sandbox.faults.order(service="did", call="talks.create", kind="close", when="after")

    with pytest.raises(aiohttp.ClientError):
        await asked(did, sandbox, sound)

    assert len(sandbox.did.created) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source_url": "presenter"}, "source_url"),
        ({"source_url": None}, "source_url"),
        ({"script": {"type": "audio", "audio_url": "s3://somewhere/else.wav"}}, "script.audio_url"),
        ({"script": {"type": "dance"}}, "script"),
    ],
)
async def test_a_talk_that_makes_no_sense_names_the_field(
    did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes, changes: dict[str, Any], field: str
) -> None:
    status, body = await asked(did, sandbox, sound, **changes)

    assert (status, body["kind"]) == (400, "ValidationError")
    assert list(body["details"]) == [field]


async def test_a_sound_that_is_none_is_refused(did: aiohttp.ClientSession) -> None:
    form = aiohttp.FormData()
    form.add_field("audio", b"not a sound at all", filename="voice.wav")

    async with did.post("audios", data=form) as answer:
        assert answer.status == 400
        assert (await answer.json())["kind"] == "ValidationError"


async def test_a_talk_can_speak_a_text_itself(did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes) -> None:
    status, _ = await asked(did, sandbox, sound, script={"type": "text", "input": "Hello there, this is a test."})

    assert status == 201
    assert sandbox.did.created[0].seconds > 1


async def test_a_wrong_key_is_401(anybody: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    for authorization in ("Basic wrong", f"Bearer {sandbox.settings()['DID_API_KEY']}"):
        async with anybody.get(f"{sandbox.url}/did/credits", headers={"Authorization": authorization}) as answer:
            assert answer.status == 401
            assert (await answer.json())["kind"] == "AuthorizationError"


async def test_the_key_may_come_in_base64(anybody: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    encoded = base64.b64encode(sandbox.settings()["DID_API_KEY"].encode()).decode()

    async with anybody.get(f"{sandbox.url}/did/credits", headers={"Authorization": f"Basic {encoded}"}) as answer:
        assert answer.status == 200


async def test_a_picture_can_be_given_as_the_face(
    did: aiohttp.ClientSession, anybody: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes
) -> None:
    async with anybody.get(sandbox.settings()["DID_SOURCE_URL"]) as answer:
        portrait = await answer.read()
    form = aiohttp.FormData()
    form.add_field("image", portrait, filename="face.png", content_type="image/png")

    async with did.post("images", data=form) as answer:
        image = await answer.json()
    status, _ = await asked(did, sandbox, sound, source_url=image["url"])

    assert status == 201


async def test_an_unknown_talk_is_not_found(did: aiohttp.ClientSession) -> None:
    async with did.get("talks/tlk_nobody") as answer:
        assert answer.status == 404


async def test_its_pace_and_credits_can_be_set_over_http(did: aiohttp.ClientSession, sandbox: Sandbox, sound: bytes) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sandbox.url}/_sandbox/did", json={"polls": 1, "credits": 1}) as answer,
    ):
        assert answer.status == 200
    _, made = await asked(did, sandbox, sound)

    assert (await looked(did, made["id"]))["status"] == "done"
    assert (await asked(did, sandbox, sound))[0] == 402
