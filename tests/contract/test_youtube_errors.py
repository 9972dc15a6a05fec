"""What Google's refusals mean: each row of the table, on the wire and from the answers that were seen of the real service."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from reelqueue.errors import (
    AuthenticationFailed,
    PermanentError,
    QuotaExhausted,
    RateLimited,
    ReelqueueError,
    ServiceMisconfigured,
    ServiceUnavailable,
    as_wire,
)
from reelqueue.providers.youtube.errors import Asked, clock_note, refused
from reelqueue.providers.youtube.publisher import YouTubePublisher
from reelqueue.providers.youtube.token_errors import token_refused
from reelqueue.providers.youtube.wire import Answer, Wire
from reelqueue.sandbox import Sandbox
from reelqueue.wording import speak
from tests.contract.publishing import publication_in, publisher_at, uploaded

NOON = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
"""Pacific time."""
REVISED = {"Content-Type": "application/json; charset=UTF-8"}


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    opened = Wire(connect_s=5, answer_s=5, call_s=10)
    yield opened
    await opened.aclose()


@pytest.fixture
def publisher(sandbox: Sandbox, tmp_path: Path, wire: Wire) -> YouTubePublisher:
    return publisher_at(sandbox, tmp_path, wire)


def answer(status: int, reason: str = "", message: str = "", headers: dict[str, str] | None = None) -> Answer:
    error = {"code": status, "message": message, "errors": [{"domain": "x", "reason": reason, "message": message}]}
    return Answer(status, REVISED | (headers or {}), json.dumps({"error": error}).encode())


def meant(status: int, reason: str = "", message: str = "", call: str = "videos.update", **headers: str) -> ReelqueueError:
    dashed = {name.replace("_", "-"): value for name, value in headers.items()}
    return refused(answer(status, reason, message, dashed), Asked(call, "news", now=NOON))


@pytest.mark.parametrize(
    ("call", "status", "reason", "kind"),
    [
        ("upload.open", 401, "authError", AuthenticationFailed),
        ("upload.open", 401, "youtubeSignupRequired", AuthenticationFailed),
        ("upload.open", 403, "rateLimitExceeded", RateLimited),
        ("upload.open", 403, "userRateLimitExceeded", RateLimited),
        ("upload.open", 403, "quotaExceeded", QuotaExhausted),
        ("upload.open", 403, "dailyLimitExceeded", QuotaExhausted),
        ("upload.open", 429, "rateLimitExceeded", RateLimited),
        ("upload.open", 400, "uploadLimitExceeded", QuotaExhausted),
        ("upload.open", 403, "forbidden", PermanentError),
        ("upload.open", 403, "insufficientPermissions", ServiceMisconfigured),
        ("upload.open", 403, "accessNotConfigured", ServiceMisconfigured),
        ("upload.open", 403, "accountSuspended", PermanentError),
        ("upload.open", 400, "invalidTitle", PermanentError),
        ("upload.open", 400, "invalidDescription", PermanentError),
        ("upload.open", 400, "invalidTags", PermanentError),
        ("upload.open", 400, "invalidCategoryId", PermanentError),
        ("upload.open", 400, "invalidPublishAt", PermanentError),
        ("upload.open", 400, "invalidVideoMetadata", PermanentError),
        ("upload.open", 409, "alreadyExists", ServiceUnavailable),
        ("upload.open", 408, "", ServiceUnavailable),
        ("upload.open", 500, "internalError", ServiceUnavailable),
        ("upload.open", 502, "", ServiceUnavailable),
        ("upload.open", 503, "backendError", ServiceUnavailable),
        ("upload.open", 504, "", ServiceUnavailable),
        ("thumbnails.set", 403, "forbidden", PermanentError),
        ("thumbnails.set", 429, "uploadRateLimitExceeded", RateLimited),
        ("thumbnails.set", 400, "invalidImage", PermanentError),
        ("thumbnails.set", 413, "uploadTooLarge", PermanentError),
        ("captions.insert", 403, "insufficientPermissions", ServiceMisconfigured),
        ("playlistItems.insert", 404, "playlistNotFound", PermanentError),
        ("playlistItems.insert", 403, "playlistItemsNotAccessible", PermanentError),
        ("videos.update", 404, "videoNotFound", PermanentError),
        ("videos.list", 403, "quotaExceeded", QuotaExhausted),
    ],
)
async def test_each_row_of_the_table_on_the_wire(publisher, sandbox, tmp_path, call, status, reason, kind):
    playlist = sandbox.youtube.add_playlist("宇宙").playlist_id
    publication = publication_in(tmp_path, playlist=playlist)
    video_id = await uploaded(publisher, publication)
    sandbox.journal.clear()
    details = {"reason": reason} if reason else {}
    sandbox.faults.order(service="youtube", call=call, kind=str(status), times=2, **details)

    with pytest.raises(ReelqueueError) as met:
        await carry_out(publisher, publication, video_id, call)

    assert type(met.value) is kind
    assert met.value.usage == ()
    assert met.value.hint
    assert len(sandbox.journal.calls("youtube", call)) == (2 if reason == "authError" else 1)


async def carry_out(publisher: YouTubePublisher, publication: Any, video_id: str, call: str) -> None:
    steps = {
        "thumbnails.set": "thumbnail", "captions.insert": "captions", "playlistItems.insert": "playlist",
        "videos.update": "publish", "videos.list": "publish",
    }  # fmt: skip
    if call == "upload.open":
        await publisher.open(publication)
    else:
        await publisher.step(steps[call], publication, video_id)


@pytest.mark.parametrize(
    ("status", "reason", "message", "call", "closes"),
    [
        (403, "quotaExceeded", 'you have exceeded your <a href="/youtube">quota</a>.', "videos.update", "units"),
        (403, "quotaExceeded", "", "upload.open", "uploads"),
        (403, "dailyLimitExceeded", "", "captions.insert", "units"),
        (429, "rateLimitExceeded", "Quota exceeded for limit 'Video Uploads per day' of service", "upload.open", "uploads"),
        (429, "rateLimitExceeded", "Quota exceeded for limit 'Search Queries per day' of service", "search.list", "search"),
        (429, "rateLimitExceeded", "Quota exceeded for limit 'Queries per day' of service", "videos.list", "units"),
        (403, "rateLimitExceeded", "Quota exceeded for limit 'Queries per day' of service", "videos.list", "units"),
    ],
)
def test_a_day_that_is_used_up_ends_at_midnight_pacific(status, reason, message, call, closes):
    error = meant(status, reason, message, call)

    assert isinstance(error, QuotaExhausted)
    assert (error.until, error.closes) == (MIDNIGHT, closes)


def test_a_limit_per_day_told_in_the_details_alone_is_one():
    error = {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}
    error |= {"details": [{"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_limit": "defaultPerDayPerProject"}}]}

    met = refused(Answer(429, REVISED, json.dumps({"error": error}).encode()), Asked("videos.list", now=NOON))

    assert isinstance(met, QuotaExhausted)


def test_a_channel_that_put_up_too_many_waits_24_hours():
    error = meant(400, "uploadLimitExceeded", "The user has exceeded the number of videos they may upload.", "upload.open")

    assert isinstance(error, QuotaExhausted)
    assert (error.until, error.closes) == (NOON + timedelta(hours=24), "channel")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("30", 30), ("0.5", 0.5), ("Sun, 29 Nov 2026 20:01:00 GMT", 60), ("soon", None), ("-3", 0), ("999999", 3600), ("nan", None)],
)
def test_the_services_own_pause_is_taken_as_it_is_given(given, seconds):
    error = meant(403, "rateLimitExceeded", "Rate Limit Exceeded", Retry_After=given)

    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_pause_that_is_given_as_a_date_is_counted_from_the_answers_own_date():
    """Google's clock is an hour ahead of ours: a minute is a minute all the same."""
    told = {"Date": "Sun, 29 Nov 2026 21:00:00 GMT", "Retry-After": "Sun, 29 Nov 2026 21:01:00 GMT"}
    body = b'{"error": {"errors": [{"reason": "rateLimitExceeded"}]}}'

    error = refused(Answer(403, told, body), Asked("videos.list", now=NOON))

    assert error.retry_after == 60


def test_a_tokens_address_that_sends_us_elsewhere_is_no_matter_of_the_leave():
    error = token_refused(Answer(307, {"Location": "https://example.com/"}, b""), Asked("token"))

    assert isinstance(error, ServiceMisconfigured)
    assert "GOOGLE_TOKEN_URL" in error.hint


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, ServiceUnavailable), (302, ServiceMisconfigured), (403, ServiceMisconfigured), (407, ServiceMisconfigured),
        (429, ServiceUnavailable), (502, ServiceUnavailable),
    ],
)  # fmt: skip
async def test_a_proxy_that_answers_html_is_named(publisher, sandbox, tmp_path, status, kind):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    sandbox.faults.order(service="youtube", call="videos.list", kind=str(status), html=True)

    with pytest.raises(kind, match="代理伺服器") as met:
        await publisher.step("publish", publication, video_id)

    assert "HTTPS_PROXY" in met.value.hint


@pytest.mark.parametrize("kind", ["reset", "close", "reset_in_body", "truncate", "broken_json", "empty"])
async def test_no_answer_and_one_that_makes_no_sense_are_tried_again(publisher, sandbox, tmp_path, kind):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    sandbox.faults.order(service="youtube", call="thumbnails.set", kind=kind)

    with pytest.raises(ServiceUnavailable) as met:
        await publisher.step("thumbnail", publication, video_id)

    assert met.value.usage == ()
    assert len(sandbox.journal.calls("youtube", "thumbnails.set")) == 1


@pytest.mark.parametrize("kind", ["reset", "close"])
async def test_a_list_whose_connection_breaks_is_asked_once(publisher, sandbox, tmp_path, kind):
    """On a connection that was used before, where the HTTP library would ask again by itself."""
    await publisher.find(publication_in(tmp_path))
    sandbox.journal.clear()
    sandbox.faults.order(service="youtube", call="channels.list", kind=kind)

    with pytest.raises(ServiceUnavailable):
        await publisher.find(publication_in(tmp_path))

    assert len(sandbox.journal.calls("youtube", "channels.list")) == 1


async def test_a_call_that_hangs_is_left_in_time(sandbox, tmp_path):
    wire = Wire(connect_s=20, answer_s=1.5, call_s=1.5)
    publisher = publisher_at(sandbox, tmp_path, wire)
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    sandbox.faults.order(service="youtube", call="videos.list", kind="hang")

    with pytest.raises(ServiceUnavailable, match="時間"):
        await publisher.step("publish", publication, video_id)

    await wire.aclose()


async def test_nobody_at_the_address_is_told(sandbox, tmp_path, wire):
    publisher = publisher_at(sandbox, tmp_path, wire, youtube_api_base_url="http://127.0.0.1:9")

    with pytest.raises(ServiceUnavailable, match=r"連不上（127\.0\.0\.1）"):
        await publisher.open(publication_in(tmp_path))


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"error": []}', b'{"error": {"errors": "x", "message": 3}}', b"\xff\xfe"]
)
@pytest.mark.parametrize(("status", "kind"), [(400, PermanentError), (401, AuthenticationFailed), (503, ServiceUnavailable)])
def test_a_refusal_of_any_shape_is_an_error_of_ours(body, status, kind):
    assert isinstance(refused(Answer(status, REVISED, body), Asked("videos.list", now=NOON)), kind)


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        ("invalidTitle", "title"),
        ("invalidDescription", "description"),
        ("invalidTags", "tags"),
        ("invalidPublishAt", "publish_at"),
    ],
)
def test_a_field_that_is_refused_is_named(reason, field):
    assert field in meant(400, reason, "The request metadata is invalid.").message


def test_a_channel_that_may_not_set_thumbnails_is_told_how_it_may():
    assert "youtube.com/verify" in meant(403, "forbidden", "The thumbnail can't be set", "thumbnails.set").hint


def test_googles_words_are_shown_without_their_tags():
    message = meant(403, "forbidden", 'No: <a href="/x">quota</a> ya29.secretsecret').message

    assert "quota" in message
    assert "<a" not in message
    assert "secretsecret" not in message


@pytest.mark.parametrize("skew_s", [3_600.0, -3_600.0])
def test_a_clock_an_hour_off_is_told_where_it_may_be_the_reason(skew_s):
    asked = Asked("upload.open", now=NOON, clock_skew_s=skew_s)

    hints = [
        refused(answer(401, "authError"), asked).hint,
        refused(answer(400, "invalidPublishAt"), asked).hint,
        token_refused(Answer(400, REVISED, b'{"error": "invalid_grant"}'), asked).hint,
    ]

    assert all("60 分鐘" in hint for hint in hints)
    assert clock_note(30.0) is None


def test_every_sentence_is_there_in_both_languages():
    error = meant(400, "uploadLimitExceeded")
    chinese = as_wire(error)
    speak("en")

    assert as_wire(error)["message"] == "channel news has put up too many videos for now"
    assert chinese["message"] == "頻道 news 今天上傳的影片太多了"


async def test_how_far_the_clock_is_off_is_measured_from_any_answer(publisher, sandbox, tmp_path):
    assert publisher.clock_skew_s is None
    sandbox.clock.move(timedelta(hours=-1))

    await publisher.find(publication_in(tmp_path))

    assert publisher.clock_skew_s == pytest.approx(3_600, abs=60)


async def test_a_pause_of_a_service_that_is_down_is_taken_too(publisher, sandbox, tmp_path):
    sandbox.faults.order(service="youtube", call="upload.open", kind="503", retry_after=21)

    with pytest.raises(ServiceUnavailable) as met:
        await publisher.open(publication_in(tmp_path))

    assert met.value.retry_after == 21


@pytest.mark.parametrize(
    ("status", "kind"), [(407, ServiceMisconfigured), (403, ServiceMisconfigured), (502, ServiceUnavailable)]
)
async def test_a_proxy_that_lets_nobody_through_is_named(sandbox, tmp_path, wire, monkeypatch, status, kind):
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nhtml".encode())
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    publisher = publisher_at(sandbox, tmp_path, wire, youtube_api_base_url="https://youtube.invalid")

    with pytest.raises(kind, match="代理伺服器") as met:
        await publisher.open(publication_in(tmp_path))

    assert met.value.usage == ()
    server.close()


async def test_a_certificate_that_is_not_accepted_names_the_clock(sandbox, tmp_path, wire):
    folder = tmp_path / "tls"
    folder.mkdir()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(folder))
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    publisher = publisher_at(sandbox, tmp_path, wire, youtube_api_base_url=f"https://127.0.0.1:{port}")

    with pytest.raises(ServiceUnavailable, match="憑證") as met:
        await publisher.open(publication_in(tmp_path))

    assert "時鐘" in met.value.hint
    server.close()


def self_signed(folder: Path) -> Path:
    """A key and a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    pem = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    file = folder / "cert.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    return file
