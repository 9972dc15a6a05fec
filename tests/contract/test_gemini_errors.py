"""Every way in which Gemini fails, met by the real client: the error of ours, what was billed, and that nothing was sent twice."""

import contextlib
import pickle
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from google.genai import types

from reelqueue.errors import (
    AuthenticationFailed,
    ContentRefused,
    PermanentError,
    QuotaExhausted,
    RateLimited,
    ReelqueueError,
    ServiceMisconfigured,
    ServiceUnavailable,
)
from reelqueue.providers.gemini.answer import text_of
from reelqueue.providers.gemini.client import GeminiClient
from reelqueue.providers.gemini.model import Model, image_model, script_model, voice_model
from reelqueue.providers.gemini.tariff import Tariff, paid
from reelqueue.providers.prices import read_prices
from reelqueue.sandbox import Sandbox
from reelqueue.sandbox.clock import PACIFIC
from tests.contract.gemini import NOTHING, PICTURES, SDK_WARNS, TEXT, UNKNOWN, VOICE, client_of

pytestmark = SDK_WARNS

MODEL = script_model(TEXT)


@pytest.fixture
async def client(sandbox: Sandbox):
    async with contextlib.aclosing(client_of(sandbox)) as opened:
        yield opened


async def ask(client: GeminiClient, model: Model = MODEL, timeout_s: float = 20.0) -> str:
    config = types.GenerateContentConfig(response_mime_type="application/json")
    answer = await client.generate(model, "Language: en\nDuration: 20 seconds\n<topic>Rust</topic>", config, timeout_s=timeout_s)
    with paid(Tariff(model, read_prices(None)).billed(answer)):
        return text_of(answer)


async def failed(client: GeminiClient, **asked) -> ReelqueueError:
    with pytest.raises(ReelqueueError) as raised:
        await ask(client, **asked)
    return raised.value


@pytest.mark.parametrize(
    ("kind", "details", "error", "usage", "said"),
    [
        pytest.param("503", {}, ServiceUnavailable, NOTHING, "overloaded", id="503 overloaded"),
        pytest.param("500", {}, ServiceUnavailable, NOTHING, "internal error", id="500 internal"),
        pytest.param("504", {}, ServiceUnavailable, UNKNOWN, "Deadline", id="504: somebody gave up waiting"),
        pytest.param("408", {}, ServiceUnavailable, NOTHING, "timed out", id="408"),
        pytest.param("502", {"html": True}, ServiceUnavailable, UNKNOWN, "proxy", id="502, a page of a proxy"),
        pytest.param(
            "503", {"body": "overloaded", "content_type": "application/json"}, ServiceUnavailable, NOTHING, "503", id="503, no JSON"
        ),
        pytest.param("html", {}, ServiceUnavailable, UNKNOWN, "proxy", id="200, a page of a proxy"),
        pytest.param("broken_json", {}, ServiceUnavailable, UNKNOWN, "cut", id="200, half a JSON text"),
        pytest.param("reset", {}, ServiceUnavailable, UNKNOWN, "broke", id="RST before the answer"),
        pytest.param("close", {}, ServiceUnavailable, UNKNOWN, "broke", id="FIN before the answer"),
        pytest.param("reset_in_body", {}, ServiceUnavailable, UNKNOWN, "broke", id="RST amid the answer"),
        pytest.param("truncate", {}, ServiceUnavailable, UNKNOWN, "broke", id="FIN amid the answer"),
        pytest.param("empty", {}, ServiceUnavailable, UNKNOWN, "nothing at all", id="200 with an empty body"),
        pytest.param("429", {}, RateLimited, NOTHING, "a pause", id="429 without details"),
        pytest.param("quota_plain", {}, RateLimited, NOTHING, "a pause", id="429 as it sometimes comes"),
        pytest.param("quota_minute", {"retry_delay": 17}, RateLimited, NOTHING, "17 s", id="429 per minute"),
        pytest.param("quota_day", {}, QuotaExhausted, NOTHING, TEXT, id="429 per day"),
        pytest.param("quota_minute", {"limit": 0}, ServiceMisconfigured, NOTHING, "no quota", id="429, the plan has none"),
        pytest.param(
            "429", {"message": "Your prepayment credits are depleted."}, QuotaExhausted, NOTHING, "credit", id="429, no credit left"
        ),
        pytest.param(
            "429", {"message": "Your project has exceeded its monthly spending cap."}, QuotaExhausted, NOTHING, "cap", id="429, spent"
        ),
        pytest.param("400", {"reason": "API_KEY_INVALID"}, AuthenticationFailed, NOTHING, "key", id="400, a wrong key"),
        pytest.param("400", {"message": "API key expired."}, AuthenticationFailed, NOTHING, "expired", id="400, an expired key"),
        pytest.param("400", {}, PermanentError, NOTHING, "invalid argument", id="400"),
        pytest.param(
            "400",
            {"status": "FAILED_PRECONDITION", "message": "User location is not supported for the API use."},
            ServiceMisconfigured,
            NOTHING,
            "location",
            id="400, a country that is not served",
        ),
        pytest.param("401", {}, AuthenticationFailed, NOTHING, "401", id="401"),
        pytest.param("403", {}, AuthenticationFailed, NOTHING, "permission", id="403"),
        pytest.param("403", {"reason": "SERVICE_DISABLED"}, ServiceMisconfigured, NOTHING, "switched", id="403, API not on"),
        pytest.param("403", {"html": True}, ServiceMisconfigured, NOTHING, "proxy", id="403, a page of a proxy"),
        pytest.param("404", {}, ServiceMisconfigured, NOTHING, TEXT, id="404"),
        pytest.param("404", {"html": True}, ServiceMisconfigured, NOTHING, "web page", id="404, a page: a wrong base URL"),
        pytest.param("307", {"headers": {"Location": "https://elsewhere.invalid/"}}, ServiceMisconfigured, NOTHING, "307", id="sent elsewhere"),
        pytest.param("413", {"html": True}, ServiceMisconfigured, NOTHING, "proxy", id="413 of a proxy"),
    ],
)  # fmt: skip
async def test_a_failure_is_sent_once_and_named(sandbox, client, kind, details, error, usage, said):
    sandbox.faults.order(service="gemini", call="script", kind=kind, **details)

    met = await failed(client)

    assert type(met) is error
    assert met.usage == usage
    assert said in met.text.en
    assert len(sandbox.journal.calls("gemini")) == 1
    assert sandbox.faults.waiting() == []


@pytest.mark.parametrize("kind", ["reset", "close", "reset_in_body", "truncate", "503", "429", "502"])
async def test_what_fails_three_times_is_sent_three_times_by_three_calls(sandbox, client, kind):
    """No library sends anything again behind our back: each request in the journal is one of ours."""
    sandbox.faults.order(service="gemini", call="script", kind=kind, times=3)

    for _ in range(3):
        await failed(client)
    await ask(client)

    assert [entry.fault for entry in sandbox.journal.calls("gemini")] == [kind] * 3 + [""]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        pytest.param("safety", ContentRefused, id="the prompt is blocked"),
        pytest.param("candidate_safety", ContentRefused, id="the answer is blocked"),
        pytest.param("max_tokens", ServiceUnavailable, id="MAX_TOKENS"),
        pytest.param("continuation", ServiceUnavailable, id="CONTINUATION"),
    ],
)
async def test_a_useless_answer_was_paid_for_as_it_says(sandbox, client, kind, error):
    sandbox.faults.order(service="gemini", call="script", kind=kind)

    met = await failed(client)

    counted = sandbox.gemini.paid[0].usage
    assert type(met) is error
    assert sum(use.amount for use in met.usage) == counted["totalTokenCount"]
    assert len(sandbox.journal.calls("gemini")) == 1


@pytest.mark.parametrize("reason", ["RECITATION", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST", "LANGUAGE"])
async def test_a_refusal_names_its_reason(sandbox, client, reason):
    sandbox.faults.order(service="gemini", call="script", kind="candidate_safety", reason=reason)

    met = await failed(client)

    assert type(met) is ContentRefused
    assert reason in met.text.en
    assert met.hint_text.en


async def test_a_hang_ends_within_the_calls_time_and_the_client_is_gone(sandbox, client):
    sandbox.faults.order(service="gemini", call="script", kind="hang")

    met = await failed(client, timeout_s=1.0)

    assert type(met) is ServiceUnavailable
    assert met.usage is UNKNOWN
    assert "within 1 s" in met.text.en


async def test_an_answer_that_drips_ends_within_the_calls_time_too(sandbox, client):
    sandbox.gemini.enforce_min_deadline = False
    sandbox.faults.order(service="gemini", call="script", kind="drip", interval_s=0.05)

    met = await failed(client, timeout_s=1.0)

    assert type(met) is ServiceUnavailable
    assert met.usage is UNKNOWN


async def test_a_service_that_is_not_there_took_nothing(sandbox):
    async with contextlib.aclosing(client_of(sandbox, base_url="http://127.0.0.1:9/gemini")) as client:
        met = await failed(client)

    assert type(met) is ServiceUnavailable
    assert met.usage == NOTHING
    assert "GEMINI_BASE_URL" in met.hint_text.en


@pytest.mark.parametrize(
    ("details", "pause"),
    [
        pytest.param({"retry_delay": 17}, 17.0, id="RetryInfo"),
        pytest.param({"headers": {"Retry-After": "30"}}, 30.0, id="Retry-After"),
        pytest.param({"retry_delay": 4, "headers": {"Retry-After": "9"}}, 9.0, id="the longer of both"),
        pytest.param({"headers": {"Retry-After": "86400"}}, 3600.0, id="an hour at most"),
        pytest.param({"headers": {"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}}, 0.0, id="a date that is over"),
        pytest.param({"headers": {"Retry-After": "soon"}}, None, id="no time"),
    ],
)
@pytest.mark.parametrize("status", ["429", "503"])
async def test_the_service_says_when_it_wants_to_be_asked_again(sandbox, client, status, details, pause):
    sandbox.faults.order(service="gemini", call="script", kind=status, **details)

    met = await failed(client)

    assert met.retry_after == pause


async def test_a_pause_until_a_date_is_counted_from_the_answers_own_date(sandbox, client):
    """Our clock may be an hour off."""
    sandbox.clock.move(timedelta(hours=1))
    later = format_datetime((sandbox.clock.now() + timedelta(seconds=60)).astimezone(UTC), usegmt=True)
    sandbox.faults.order(service="gemini", call="script", kind="503", headers={"Retry-After": later})

    met = await failed(client)

    assert met.retry_after == pytest.approx(60, abs=30)


async def test_an_empty_day_closes_the_models_bucket_until_the_next_pacific_midnight(sandbox, client):
    sandbox.faults.order(service="gemini", call="script", kind="quota_day")

    met = await failed(client)

    assert met.closes == MODEL.need.name == "gemini-3_8-flash"
    assert met.until.astimezone(PACIFIC).strftime("%H:%M") == "00:00"
    assert 0 < (met.until - datetime.now(UTC)).total_seconds() <= 25 * 3600


@pytest.mark.parametrize(
    "model", [script_model("gemini-2.5-flash"), image_model("gemini-2.5-flash-image"), voice_model("no-such")]
)
async def test_a_retired_model_names_the_setting_to_change(sandbox, client, model):
    met = await failed(client, model=model)

    assert type(met) is ServiceMisconfigured
    assert model.setting in met.hint_text.en
    assert model.name in met.text.en


async def test_a_wrong_key_is_named_and_not_shown(sandbox):
    async with contextlib.aclosing(client_of(sandbox, api_key="AIzaSANDBOX-wrong")) as client:
        met = await failed(client)

    assert type(met) is AuthenticationFailed
    assert met.usage == NOTHING
    assert "AIzaSANDBOX-wrong" not in repr((met.text, met.hint_text))
    assert "GEMINI_API_KEY" in met.hint_text.en


@pytest.mark.parametrize("key", ["", "   ", "AIza with spaces", "鑰匙", "AIza\nX-Evil: 1", "auth_tokens/short-lived"])
async def test_a_key_that_can_not_be_sent_is_refused_here(sandbox, key):
    async with contextlib.aclosing(client_of(sandbox, api_key=key)) as client:
        met = await failed(client)

    assert type(met) is AuthenticationFailed
    assert met.usage == NOTHING
    assert sandbox.journal.calls() == []


async def test_no_message_holds_the_key_or_an_address(sandbox, client):
    key = sandbox.settings()["GEMINI_API_KEY"]
    sandbox.faults.order(
        service="gemini", call="script", kind="400", message=f"Bad call of https://a.invalid/?key={key} by {key}"
    )

    met = await failed(client)

    words = repr((met.text, met.hint_text))
    assert key not in words
    assert "a.invalid" not in words


async def test_errors_travel_through_the_queue(sandbox, client):
    sandbox.faults.order(service="gemini", call="script", kind="quota_day")

    met = await failed(client)

    again = pickle.loads(pickle.dumps(met))
    assert (type(again), again.until, again.closes) == (QuotaExhausted, met.until, met.closes)


async def test_keys_and_addresses_of_the_environment_count_for_nothing(sandbox, monkeypatch):
    """Whoever works with Gemini otherwise has them set; our calls go with our key to our address, on the Developer API."""
    for name, value in {
        "GOOGLE_API_KEY": "AIzaSOMEBODY-ELSES",
        "GEMINI_API_KEY": "AIzaANOTHER",
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9/",
        "GOOGLE_GENAI_USE_ENTERPRISE": "true",
        "GOOGLE_GENAI_USE_VERTEXAI": "true",
        "GOOGLE_CLOUD_PROJECT": "their-project",
        "GOOGLE_CLOUD_LOCATION": "us-central1",
        "GOOGLE_GENAI_API_VERSION": "v9",
    }.items():
        monkeypatch.setenv(name, value)

    async with contextlib.aclosing(client_of(sandbox)) as client:
        assert await ask(client)

    assert [(entry.status, entry.path) for entry in sandbox.journal.calls("gemini")] == [
        (200, f"/gemini/v1/models/{TEXT}:generateContent")
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("ALL_PROXY", "socks5://user:secret@127.0.0.1:1080", id="a proxy of a kind that needs another package"),
        pytest.param("HTTPS_PROXY", "ftp://127.0.0.1:1080", id="a proxy that is none"),
        pytest.param("GOOGLE_GENAI_HTTP_CLIENT", "httpx", id="a transport that is not installed"),
        pytest.param("SSL_CERT_FILE", "/nowhere/ca.pem", id="a certificate file that is gone"),
    ],
)
async def test_an_environment_that_allows_no_connection_is_named(sandbox, client, monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    met = await failed(client)

    assert type(met) is ServiceMisconfigured
    assert met.usage == NOTHING
    assert name in met.hint_text.en
    assert "secret" not in met.text.en


async def test_the_certificates_are_read_once(client, monkeypatch):
    """The library's client has three transports, and each would read all of the system's."""
    read, load = [], ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *given, **named: read.append(load(*given, **named)))

    await client.load()

    assert len(read) == 1


async def test_no_log_line_holds_the_key(sandbox, client, caplog):
    key = sandbox.settings()["GEMINI_API_KEY"]
    caplog.set_level("DEBUG")
    sandbox.faults.order(service="gemini", call="script", kind="reset")
    sandbox.faults.order(service="gemini", call="script", kind="400", reason="API_KEY_INVALID")

    await failed(client)
    await failed(client)
    await ask(client)

    assert caplog.records
    assert key not in caplog.text


async def test_a_free_look_finds_key_and_models_in_order(sandbox, client):
    await client.look((script_model(TEXT), image_model(PICTURES), voice_model(VOICE)))

    assert [entry.call for entry in sandbox.journal.calls("gemini")] == ["models"] * 3
    assert sandbox.gemini.paid == []


async def test_a_free_look_names_the_setting_of_a_model_that_is_gone(sandbox, client):
    sandbox.gemini.retired.add(PICTURES)

    with pytest.raises(ServiceMisconfigured) as raised:
        await client.look((script_model(TEXT), image_model(PICTURES)))

    assert "GEMINI_IMAGE_MODEL" in raised.value.hint_text.en


async def test_a_client_that_was_closed_opens_anew(sandbox, client):
    await ask(client)
    await client.aclose()

    assert await ask(client)
