"""The resumable upload against a sandbox that keeps less than it is sent, moves, forgets, and loses answers."""

import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reelqueue.errors import (
    AuthenticationFailed,
    MediaError,
    PermanentError,
    QuotaExhausted,
    RateLimited,
    ReelqueueError,
    ServiceMisconfigured,
    ServiceUnavailable,
)
from reelqueue.providers.protocols import SessionGone
from reelqueue.providers.youtube.publisher import YouTubePublisher
from reelqueue.providers.youtube.upload import CHUNK_BYTES
from reelqueue.providers.youtube.wire import Wire
from reelqueue.sandbox import Sandbox
from tests.contract.publishing import CHUNK, publication_in, publisher_at, sent, uploaded


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    opened = Wire(connect_s=5, answer_s=5, call_s=10)
    yield opened
    await opened.aclose()


@pytest.fixture
def publisher(sandbox: Sandbox, tmp_path: Path, wire: Wire) -> YouTubePublisher:
    return publisher_at(sandbox, tmp_path, wire)


def only_video_is(sandbox: Sandbox, path: str) -> bool:
    [video] = sandbox.youtube.videos.values()
    return video.sha256 == hashlib.sha256(Path(path).read_bytes()).hexdigest()


def firsts(sandbox: Sandbox) -> list[int]:
    """Where each chunk began that the sandbox took."""
    return [entry.detail["first"] for entry in sandbox.journal.calls("youtube", "upload.chunk") if "first" in entry.detail]


async def test_chunks_follow_one_another_to_the_end(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path, size=3 * CHUNK + 5)
    session = await publisher.open(publication)

    shares = await sent(publisher, publication, session)

    assert firsts(sandbox) == [0, CHUNK, 2 * CHUNK, 3 * CHUNK]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert await publisher.query(publication, session) in sandbox.youtube.videos
    assert only_video_is(sandbox, publication.video)


async def test_nothing_exists_before_the_last_byte(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    session = await publisher.open(publication)

    assert await publisher.query(publication, session) is None
    assert sandbox.youtube.videos == {}


@pytest.mark.parametrize(
    "spoilt",
    [
        "https://upload.goo",
        "http",
        "https://[",
        "7",
        "https://upload.example.org/videos?upload_id=1",
        "//",
        "https://googleapis.com.example.org/",
    ],
)
async def test_a_kept_session_that_a_disk_spoilt_is_gone_and_our_token_goes_nowhere_else(publisher, sandbox, tmp_path, spoilt):
    publication = publication_in(tmp_path)
    await publisher.open(publication)
    asked = len(sandbox.journal.calls("youtube"))

    with pytest.raises(SessionGone):
        await publisher.query(publication, spoilt)
    with pytest.raises(SessionGone):
        await sent(publisher, publication, spoilt)

    assert len(sandbox.journal.calls("youtube")) == asked


async def test_fewer_bytes_kept_are_sent_again_from_there(publisher, sandbox, tmp_path):
    publisher._upload.chunk_bytes = 4 * CHUNK
    publication = publication_in(tmp_path, size=6 * CHUNK)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="fewer_bytes", keep=CHUNK)

    await uploaded(publisher, publication)

    assert firsts(sandbox) == [0, CHUNK, 5 * CHUNK]
    assert only_video_is(sandbox, publication.video)


async def test_a_service_that_keeps_nothing_is_left(publisher, sandbox, tmp_path):
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="fewer_bytes", keep=0, times=99)
    publication = publication_in(tmp_path)
    session = await publisher.open(publication)

    with pytest.raises(ServiceUnavailable):
        await sent(publisher, publication, session)

    assert len(sandbox.journal.calls("youtube", "upload.chunk")) == 4


async def test_a_session_that_moves_is_followed(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="move", skip=1)
    session = await publisher.open(publication)

    await sent(publisher, publication, session)

    assert await publisher.query(publication, session) in sandbox.youtube.videos
    assert only_video_is(sandbox, publication.video)


async def test_a_moved_session_is_known_after_a_fault(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="move")
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="503", skip=1)
    session = await publisher.open(publication)
    with pytest.raises(ServiceUnavailable):
        await sent(publisher, publication, session)

    assert await publisher.query(publication, session) is None
    await sent(publisher, publication, session)

    assert only_video_is(sandbox, publication.video)


async def test_a_token_is_not_sent_elsewhere_than_to_the_service(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    elsewhere = {"Location": "http://127.0.0.1:9/upload"}
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="308", headers=elsewhere, body="")
    session = await publisher.open(publication)

    with pytest.raises(ServiceMisconfigured, match=r"127\.0\.0\.1"):
        await sent(publisher, publication, session)


async def test_the_last_answer_lost_is_asked_for(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="lost_answer")
    session = await publisher.open(publication)
    with pytest.raises(ServiceUnavailable):
        await sent(publisher, publication, session)

    video_id = await publisher.query(publication, session)

    assert video_id in sandbox.youtube.videos
    assert only_video_is(sandbox, publication.video)


async def test_a_session_forgotten_after_the_last_answer_was_lost_is_gone(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    sandbox.youtube.finished_sessions = "gone"
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="lost_answer")
    session = await publisher.open(publication)
    with pytest.raises(ServiceUnavailable):
        await sent(publisher, publication, session)

    with pytest.raises(SessionGone):
        await publisher.query(publication, session)

    assert await publisher.find(publication) == tuple(sandbox.youtube.videos)


async def test_a_finished_session_that_is_forgotten_at_once_does_no_harm(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    sandbox.youtube.finished_sessions = "gone"
    session = await publisher.open(publication)
    await sent(publisher, publication, session)

    assert await publisher.query(publication, session) in sandbox.youtube.videos


async def test_another_process_asks_a_finished_session(publisher, sandbox, tmp_path, wire):
    publication = publication_in(tmp_path)
    session = await publisher.open(publication)
    await sent(publisher, publication, session)

    video_id = await publisher_at(sandbox, tmp_path, wire).query(publication, session)

    assert video_id in sandbox.youtube.videos


async def test_a_video_created_is_as_good_as_one_that_is_ok(publisher, sandbox, tmp_path):
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="created")

    assert await uploaded(publisher, publication_in(tmp_path)) in sandbox.youtube.videos


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("call", ["upload.chunk", "upload.query"])
async def test_a_session_that_is_gone_is_told_as_such(publisher, sandbox, tmp_path, call, status):
    publication = publication_in(tmp_path)
    session = await publisher.open(publication)
    sandbox.faults.order(service="youtube", call=call, kind="session_gone", status=status)

    with pytest.raises(SessionGone):
        await sent(publisher, publication, session)

    assert sandbox.youtube.videos == {}


async def test_a_token_that_ends_amid_the_upload_is_renewed_in_the_same_session(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path, size=4 * CHUNK)
    session = await publisher.open(publication)
    sending = publisher.send(publication, session)
    await anext(sending)

    sandbox.oauth.expire_access()
    [share async for share in sending]

    assert only_video_is(sandbox, publication.video)
    assert len(sandbox.youtube.sessions) == 1
    assert len(sandbox.journal.calls("oauth", "token")) == 2
    assert firsts(sandbox) == [0, CHUNK, 2 * CHUNK, 3 * CHUNK]


async def test_a_token_refused_twice_is_a_persons_matter(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    session = await publisher.open(publication)
    sandbox.faults.order(service="youtube", call="*", kind="401", times=99)

    with pytest.raises(AuthenticationFailed, match="authError"):
        await sent(publisher, publication, session)

    assert len(sandbox.journal.calls("oauth", "token")) == 2


@pytest.mark.parametrize("kind", ["500", "502", "503", "reset", "close", "cut", "reset_in_body", "truncate"])
async def test_after_a_fault_it_goes_on_from_what_is_there(publisher, sandbox, tmp_path, kind):
    publication = publication_in(tmp_path, size=4 * CHUNK)
    session = await publisher.open(publication)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind=kind, skip=1)
    with pytest.raises(ServiceUnavailable):
        await sent(publisher, publication, session)
    tries = len(sandbox.journal.calls("youtube", "upload.chunk"))

    assert await publisher.query(publication, session) is None
    await sent(publisher, publication, session)

    assert tries == 2
    assert only_video_is(sandbox, publication.video)


async def test_a_busy_service_names_its_pause(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    session = await publisher.open(publication)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="429", retry_after=17)

    with pytest.raises(RateLimited) as limited:
        await sent(publisher, publication, session)

    assert limited.value.retry_after == 17


@pytest.mark.parametrize("call", ["upload.chunk", "upload.query"])
async def test_a_service_that_does_not_answer_is_left_in_time(sandbox, tmp_path, call):
    wire = Wire(connect_s=20, answer_s=1.5, call_s=1.5)
    publisher = publisher_at(sandbox, tmp_path, wire)
    publication = publication_in(tmp_path)
    session = await publisher.open(publication)
    sandbox.faults.order(service="youtube", call=call, kind="hang")

    with pytest.raises(ServiceUnavailable, match="時間"):
        await sent(publisher, publication, session)

    [entry] = [one for one in sandbox.journal.calls("youtube", call) if one.fault == "hang"]
    assert (entry.ended_s or 0) - entry.monotonic_s < 20  # and not for ever
    await wire.aclose()


async def test_a_service_that_takes_no_more_is_left_in_time(sandbox, tmp_path):
    """More than all buffers on the way hold: the chunk itself can't leave."""
    wire = Wire(connect_s=20, answer_s=1.5, call_s=20)
    publisher = publisher_at(sandbox, tmp_path, wire)
    publisher._upload.chunk_bytes = 4 * CHUNK_BYTES
    publication = publication_in(tmp_path, size=4 * CHUNK_BYTES)
    session = await publisher.open(publication)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="hang")

    with pytest.raises(ServiceUnavailable, match="時間"):
        await sent(publisher, publication, session)

    assert len(sandbox.journal.calls("youtube", "upload.chunk")) == 1
    await wire.aclose()


async def test_a_day_without_uploads_opens_no_session(publisher, sandbox, tmp_path):
    sandbox.youtube.caps["uploads"] = 0

    with pytest.raises(QuotaExhausted) as exhausted:
        await publisher.open(publication_in(tmp_path))

    assert exhausted.value.closes == "uploads"
    assert sandbox.youtube.sessions == {}
    assert len(sandbox.journal.calls("youtube", "upload.open")) == 1


@pytest.mark.parametrize("kind", ["reset", "close"])
async def test_a_session_whose_answer_was_lost_is_opened_once(publisher, sandbox, tmp_path, kind):
    sandbox.faults.order(service="youtube", call="upload.open", kind=kind, when="after")

    with pytest.raises(ServiceUnavailable):
        await publisher.open(publication_in(tmp_path))

    assert len(sandbox.journal.calls("youtube", "upload.open")) == 1


async def test_an_update_whose_connection_breaks_is_sent_once(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    sandbox.faults.order(service="youtube", call="videos.update", kind="reset", when="after")

    with pytest.raises(ServiceUnavailable):
        await publisher.step("publish", publication, video_id)

    assert len(sandbox.journal.calls("youtube", "videos.update")) == 1


async def test_what_no_server_has_seen_is_told_apart_from_what_was_refused(publisher, sandbox, tmp_path, wire):
    """The first takes nothing of the day's uploads, the second may have."""
    publication = publication_in(tmp_path)
    sandbox.faults.order(service="youtube", call="upload.open", kind="503")
    sandbox.faults.order(service="oauth", call="token", kind="503")
    met: list[ReelqueueError] = []

    for _ in range(2):
        with pytest.raises(ServiceUnavailable) as failed:
            await publisher.open(publication)
        met.append(failed.value)
    publisher._client.base_url = "http://127.0.0.1:9"
    with pytest.raises(ServiceUnavailable) as failed:
        await publisher.open(publication)

    assert [error.sent for error in (*met, failed.value)] == [False, True, False]


async def test_a_list_whose_second_call_reached_nobody_took_its_first(publisher, sandbox, tmp_path, monkeypatch):
    step = publisher._client.call

    async def then_down(name, *rest, **more):
        if name == "playlistItems.insert":
            publisher._client.base_url = "http://127.0.0.1:9"
        return await step(name, *rest, **more)

    monkeypatch.setattr(publisher._client, "call", then_down)
    playlist = sandbox.youtube.add_playlist("News").playlist_id

    with pytest.raises(ServiceUnavailable) as failed:
        await publisher.step("playlist", publication_in(tmp_path).replace(playlist=playlist), "video")

    assert failed.value.sent


async def test_a_session_of_another_size_is_refused(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path, size=CHUNK)
    session = await publisher.open(publication)
    publication_in(tmp_path, size=CHUNK + 1)

    with pytest.raises(PermanentError):
        await sent(publisher, publication, session)


async def test_a_file_that_is_missing_is_named(publisher, tmp_path):
    publication = publication_in(tmp_path)
    session = await publisher.open(publication)
    Path(publication.video).unlink()

    with pytest.raises(MediaError, match=r"video\.mp4"):
        await sent(publisher, publication, session)


async def test_a_file_that_grows_meanwhile_is_named(publisher, tmp_path):
    publication = publication_in(tmp_path)
    session = await publisher.open(publication)
    sending = publisher.send(publication, session)
    await anext(sending)
    with Path(publication.video).open("ab") as file:
        file.write(b"more")

    with pytest.raises(MediaError, match=r"video\.mp4"):
        await anext(sending)


async def test_200_megabytes_go_up_at_constant_memory(publisher, sandbox, tmp_path):
    """Client and sandbox together: a chunk in hand, its pieces on the way."""
    publisher._upload.chunk_bytes = CHUNK_BYTES
    publication = publication_in(tmp_path)
    with Path(publication.video).open("wb") as file:
        file.truncate(200_000_000)
    session = await publisher.open(publication)

    tracemalloc.start()
    shares = await sent(publisher, publication, session)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(shares) == 24
    assert peak < 3 * CHUNK_BYTES
    assert only_video_is(sandbox, publication.video)
