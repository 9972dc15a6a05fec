"""D-ID's presenter against the sandbox: what is sent, what is kept, and what each refusal means."""

import hashlib
import json
import wave
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import av
import numpy as np
import pytest

from reelqueue.errors import (
    AuthenticationFailed,
    ContentRefused,
    MediaError,
    PermanentError,
    RateLimited,
    ServiceMisconfigured,
    ServiceUnavailable,
    TransientError,
)
from reelqueue.models.prices import Price, PriceTable
from reelqueue.providers.did import wire
from reelqueue.providers.did.presenter import DIdPresenter
from reelqueue.providers.protocols import PresenterRequest
from reelqueue.sandbox.did import face, film

RATE_HZ = 24_000
SIZE = face.SIZE


@pytest.fixture(autouse=True)
def _small_films(monkeypatch) -> None:
    """Most tests look at no film."""
    for module in (face, film):
        monkeypatch.setattr(module, "SIZE", 128)


@pytest.fixture
def films_of_full_size(_small_films, monkeypatch) -> None:
    for module in (face, film):
        monkeypatch.setattr(module, "SIZE", SIZE)


@pytest.fixture
def prices() -> PriceTable:
    """A second costs six cents."""
    six = Price(service="did", model="talks", unit="second", usd=Decimal("0.06"), per=1, since=date(2026, 1, 1))
    return PriceTable(prices=(six,))


@pytest.fixture
async def presenter(sandbox, prices):
    """D-ID as the sandbox's settings say."""
    made = presenter_of(sandbox, prices)
    yield made
    await made.aclose()


def presenter_of(sandbox, prices, **changes) -> DIdPresenter:
    told = sandbox.settings()
    key, url = changes.get("key", told["DID_API_KEY"]), changes.get("url", told["DID_BASE_URL"])
    return DIdPresenter(url, key, source_url=told["DID_SOURCE_URL"], prices=prices)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A quarter of a second: what it becomes costs CPU by its length."""
    return toned(tmp_path / "part.wav", 0.25)


@pytest.fixture
def long_sound(tmp_path: Path) -> Path:
    """Two seconds: half a second of tone, half a second of silence, twice."""
    return toned(tmp_path / "part.wav", 2.0)


def toned(path: Path, seconds: float) -> Path:
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tone = np.where(at % 1 < 0.5, 0.5 * np.sin(2 * np.pi * 220 * at), 0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((tone * 32767).astype(np.int16).tobytes())
    return path


def asked(duration_s: float = 2.0) -> PresenterRequest:
    return PresenterRequest(role="intro", duration_s=duration_s, language="en", seed="seed")


async def ready(presenter: DIdPresenter, sound: Path) -> str:
    """A job that is done."""
    job_id = await presenter.begin(asked(), sound)
    while not await presenter.poll(job_id):
        pass
    return job_id


@pytest.mark.usefixtures("films_of_full_size")
async def test_a_sound_becomes_a_clip_of_its_length(presenter, sandbox, long_sound, tmp_path):
    job_id = await ready(presenter, long_sound)
    made = await presenter.fetch(job_id, tmp_path)

    clip = tmp_path / made["path"]
    assert (made["kind"], made["width"], made["height"]) == ("clip", 512, 512)
    assert made["duration_s"] == pytest.approx(2.0, abs=0.06)
    with av.open(str(clip)) as own:
        assert not own.streams.audio
        assert own.streams.video[0].codec_context.name == "h264"
    assert sorted(path.name for path in tmp_path.glob("*did-*")) == [clip.name]
    calls = [entry.call for entry in sandbox.journal.calls(service="did")]
    assert calls == ["audios", "talks.create", "talks.get", "talks.get", "talks.get", "talks.get", "result"]


async def test_the_sound_is_sent_to_the_bit_and_the_key_only_to_the_service(presenter, sandbox, sound, tmp_path):
    """The storage of the sandbox refuses whoever shows it our key, as the real one does."""
    await presenter.fetch(await ready(presenter, sound), tmp_path)

    assert sandbox.did.created[0].sha256 == hashlib.sha256(sound.read_bytes()).hexdigest()


@pytest.mark.usefixtures("films_of_full_size")
async def test_the_picture_follows_the_sound(presenter, long_sound, tmp_path):
    """The mouth is open while there is a tone, and closed while there is none: the clip begins with the sound."""
    made = await presenter.fetch(await ready(presenter, long_sound), tmp_path)

    with av.open(str(tmp_path / made["path"])) as own:
        mouths = [(frame.time % 1, frame.to_ndarray()[280:360, 215:305].astype(int)) for frame in own.decode(video=0)]
    shut = next(mouth for at, mouth in mouths if at > 0.7)
    opened = [(at, np.abs(mouth - shut).mean() > 6) for at, mouth in mouths]
    assert {is_open for at, is_open in opened if 0.02 < at < 0.46} == {True}
    assert {is_open for at, is_open in opened if 0.58 < at < 0.98} == {False}


REFUSALS = [
    pytest.param("audios", {"kind": "401"}, AuthenticationFailed, (), id="a wrong key"),
    pytest.param("audios", {"kind": "503"}, ServiceUnavailable, (), id="the sound's upload is down"),
    pytest.param("audios", {"kind": "hang"}, ServiceUnavailable, (), id="the sound's upload hangs"),
    pytest.param("audios", {"kind": "broken_json"}, ServiceUnavailable, (), id="half an answer to the sound"),
    pytest.param("talks.create", {"kind": "401"}, AuthenticationFailed, (), id="a revoked key"),
    pytest.param("talks.create", {"kind": "403"}, AuthenticationFailed, (), id="a key without the right"),
    pytest.param("talks.create", {"kind": "credits"}, PermanentError, (), id="no credits"),
    pytest.param("talks.create", {"kind": "moderation"}, ContentRefused, (), id="moderation"),
    pytest.param("talks.create", {"kind": "400"}, PermanentError, (), id="a request that is not valid"),
    pytest.param("talks.create", {"kind": "429", "retry_after": 7}, RateLimited, (), id="too many requests"),
    pytest.param("talks.create", {"kind": "500"}, ServiceUnavailable, (), id="an error inside"),
    pytest.param("talks.create", {"kind": "503"}, ServiceUnavailable, (), id="down"),
    pytest.param("talks.create", {"kind": "504"}, ServiceUnavailable, None, id="the gateway gave up waiting"),
    pytest.param("talks.create", {"kind": "502", "html": True}, ServiceUnavailable, None, id="a page of a proxy"),
    pytest.param("talks.create", {"kind": "200", "html": True}, ServiceUnavailable, None, id="a page of a proxy that says 200"),
    pytest.param("talks.create", {"kind": "hang"}, ServiceUnavailable, None, id="hangs"),
    pytest.param("talks.create", {"kind": "reset"}, ServiceUnavailable, None, id="reset before"),
    pytest.param("talks.create", {"kind": "reset", "when": "after"}, ServiceUnavailable, None, id="the answer is lost"),
    pytest.param("talks.create", {"kind": "close"}, ServiceUnavailable, None, id="closed"),
    pytest.param("talks.create", {"kind": "truncate"}, ServiceUnavailable, None, id="half an answer"),
    pytest.param("talks.create", {"kind": "broken_json"}, ServiceUnavailable, None, id="half a JSON text"),
    pytest.param("talks.create", {"kind": "empty"}, ServiceUnavailable, None, id="an empty answer"),
]


@pytest.mark.parametrize(("call", "fault", "error", "usage"), REFUSALS)
async def test_a_refused_beginning_is_named_and_sent_once(presenter, sandbox, sound, monkeypatch, call, fault, error, usage):
    monkeypatch.setattr(wire, "CALL", wire.aiohttp.ClientTimeout(total=0.5))
    monkeypatch.setattr(wire, "UPLOAD", wire.aiohttp.ClientTimeout(total=0.5))
    sandbox.faults.order(service="did", call=call, **fault)

    with pytest.raises(error) as raised:
        await presenter.begin(asked(), sound)

    assert type(raised.value) is error
    assert raised.value.usage == usage
    assert raised.value.message
    assert raised.value.hint
    assert len(sandbox.journal.calls(service="did", call=call)) == 1


@pytest.mark.parametrize("status", ["200", "403", "404", "502"])
async def test_a_proxys_page_says_nothing_about_a_job_that_is_paid_for(presenter, sandbox, sound, status):
    job = await presenter.begin(asked(), sound)
    sandbox.faults.order(service="did", call="talks.get", kind=status, html=True)

    with pytest.raises((ServiceUnavailable, ServiceMisconfigured), match=r"proxy|代理") as raised:
        await presenter.poll(job)

    assert "DID_BASE_URL" in raised.value.hint
    assert isinstance(await presenter.poll(job), bool)


async def test_the_services_own_pause_is_passed_on(presenter, sandbox, sound):
    sandbox.faults.order(service="did", call="talks.create", kind="429", retry_after=7)

    with pytest.raises(RateLimited) as raised:
        await presenter.begin(asked(), sound)

    assert raised.value.retry_after == 7


async def test_nobody_at_the_address_took_nothing(sandbox, prices, sound):
    presenter = presenter_of(sandbox, prices, url="http://127.0.0.1:1/did")

    with pytest.raises(ServiceUnavailable) as raised:
        await presenter.begin(asked(), sound)

    await presenter.aclose()
    assert raised.value.usage == ()


async def test_a_wrong_path_is_a_matter_of_the_settings(sandbox, prices, sound):
    presenter = presenter_of(sandbox, prices, url=f"{sandbox.url}/did/v2")

    with pytest.raises(ServiceMisconfigured, match="D-ID"):
        await presenter.begin(asked(), sound)
    await presenter.aclose()


async def test_a_part_that_is_too_long_is_refused_before_anything_is_sent(presenter, sandbox, sound):
    with pytest.raises(PermanentError, match="300"):
        await presenter.begin(asked(301), sound)

    assert not sandbox.journal.calls(service="did")


@pytest.mark.parametrize(("ends", "error"), [("error", PermanentError), ("rejected", ContentRefused)])
async def test_a_job_that_ended_badly_says_why_and_is_dead(presenter, sandbox, sound, ends, error):
    sandbox.faults.order(service="did", call="talks.create", kind=ends)

    with pytest.raises(error) as raised:
        await ready(presenter, sound)

    assert type(raised.value) is error
    assert "Error" in raised.value.message
    assert raised.value.usage == ()


async def test_a_job_that_is_not_known_any_more_is_dead(presenter, sandbox, tmp_path):
    for call in (presenter.poll("tlk_gone"), presenter.fetch("tlk_gone", tmp_path), presenter.poll("../credits")):
        with pytest.raises(PermanentError) as raised:
            await call
        assert not isinstance(raised.value, TransientError)


@pytest.mark.parametrize("kind", ["503", "reset", "truncate", "broken_json", "empty", "429"])
async def test_a_look_that_fails_costs_nothing_and_the_job_goes_on(presenter, sandbox, sound, tmp_path, kind):
    job_id = await presenter.begin(asked(), sound)
    sandbox.faults.order(service="did", call="talks.get", kind=kind, times=2 if kind == "reset" else 1)  # aiohttp asks again

    with pytest.raises(TransientError) as raised:
        await presenter.poll(job_id)

    assert raised.value.usage == ()
    while not await presenter.poll(job_id):
        pass
    assert (await presenter.fetch(job_id, tmp_path))["kind"] == "clip"


async def test_an_address_that_expired_is_asked_for_afresh(presenter, sandbox, sound, tmp_path):
    job_id = await ready(presenter, sound)
    sandbox.faults.order(service="did", call="talks.get", kind="expired")

    assert (await presenter.fetch(job_id, tmp_path))["kind"] == "clip"
    assert [entry.status for entry in sandbox.journal.calls(service="did", call="result")] == [403, 200]


async def test_a_clip_is_fetched_with_a_fresh_address_long_after(presenter, sandbox, sound, tmp_path):
    """The worker was dead for two days: the address of the last poll is out of date, the job is not."""
    job_id = await ready(presenter, sound)
    sandbox.clock.move(timedelta(days=2))

    assert (await presenter.fetch(job_id, tmp_path))["kind"] == "clip"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        pytest.param("not_a_film", MediaError, id="no film"),
        pytest.param("truncate", ServiceUnavailable, id="half of it"),
        pytest.param("reset_in_body", ServiceUnavailable, id="reset in the middle"),
        pytest.param("empty", ServiceUnavailable, id="nothing"),
        pytest.param("503", ServiceUnavailable, id="down"),
        pytest.param("302", ServiceUnavailable, id="leads elsewhere"),
    ],
)
async def test_a_clip_that_did_not_come_leaves_nothing_behind(presenter, sandbox, sound, tmp_path, kind, error):
    job_id = await ready(presenter, sound)
    sandbox.faults.order(
        service="did", call="result", kind=kind, times=2, headers={"Location": f"{sandbox.url}/did/presenter.png"}
    )

    with pytest.raises(error) as raised:
        await presenter.fetch(job_id, tmp_path)

    assert raised.value.usage == ()
    assert not list(tmp_path.glob("*did-*"))
    assert not sandbox.journal.calls(service="did", call="presenter")


async def test_a_clip_that_is_too_large_is_given_up(presenter, sandbox, sound, tmp_path, monkeypatch):
    job_id = await ready(presenter, sound)
    monkeypatch.setattr(wire, "MOST_CLIP_BYTES", 1_000)

    with pytest.raises(PermanentError):
        await presenter.fetch(job_id, tmp_path)
    assert not list(tmp_path.glob("*did-*"))


@pytest.mark.parametrize(
    "address",
    [
        "http://example.invalid/clip.mp4",
        "file:///etc/passwd",
        "https://name:secret@example.invalid/clip.mp4",
        "ftp://127.0.0.1/clip.mp4",
        "not an address",
        "http://[::1",
    ],
)
async def test_only_an_address_that_is_safe_is_asked(presenter, sandbox, tmp_path, address):
    body = {"id": "tlk_x", "status": "done", "result_url": address}
    sandbox.faults.order(service="did", call="talks.get", kind="200", body=body)

    with pytest.raises(PermanentError, match="https"):
        await presenter.fetch("tlk_x", tmp_path)


async def test_the_real_service_is_never_asked_without_encryption(prices, tmp_path):
    """http is allowed only where D-ID's own address is such a one on this machine."""
    real = wire.Wire("https://api.d-id.com", "key")

    with pytest.raises(PermanentError, match="https"):
        await real.download("http://127.0.0.1:9/clip.mp4", tmp_path / "clip")


async def test_the_price_goes_by_begun_credits_of_15_s(presenter):
    assert presenter.cost(asked(2.0)).usd == Decimal("0.90")
    assert presenter.cost(asked(15.1)).usd == Decimal("1.80")
    assert [(need.client, need.name, need.amount) for need in presenter.cost(asked(15.1)).needs] == [("did", "credits", 2)]


async def test_what_is_left_can_be_asked_for_nothing(presenter, sandbox, prices):
    assert await presenter.credits_left() == sandbox.did.credits

    wrong = presenter_of(sandbox, prices, key="wrong")
    with pytest.raises(AuthenticationFailed):
        await wrong.credits_left()
    await wrong.aclose()


async def test_another_photograph_is_another_version_and_its_address_is_not_shown(prices):
    versions = {
        DIdPresenter(None, "k", source_url=source, prices=prices).version
        for source in (None, "https://example.invalid/a.jpg?Signature=SECRET", "https://example.invalid/b.jpg")
    }

    assert len(versions) == 3
    assert "SECRET" not in str(versions)


async def test_the_key_is_in_no_error(presenter, sandbox, sound):
    secret = sandbox.settings()["DID_API_KEY"]
    sandbox.faults.order(service="did", call="talks.create", kind="400", message=f"see https://example.invalid/?key={secret}")

    with pytest.raises(PermanentError) as raised:
        await presenter.begin(asked(), sound)

    shown = json.dumps(
        [raised.value.message, raised.value.hint, repr(raised.value), repr(raised.value.__cause__), repr(presenter)]
    )
    assert secret not in shown
