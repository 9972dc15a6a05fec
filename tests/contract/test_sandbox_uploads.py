"""The sandbox's resumable upload, as the real servers were seen to behave."""

import asyncio
import hashlib
import io
import os
from datetime import timedelta

import aiohttp
import pytest

from reelqueue.sandbox import open_sandbox
from tests.contract.youtube_client import GRAIN, VIDEO, Client, refresh, token_for

SIZE = 4 * GRAIN + 1000
DATA = os.urandom(SIZE)


async def test_there_is_no_video_until_the_last_byte(sandbox, youtube):
    uri = await youtube.session_uri(SIZE)

    opened = await youtube.query(uri, SIZE)
    half = await youtube.chunk(uri, DATA, 0, 2 * GRAIN - 1)
    asked = await youtube.query(uri, SIZE)
    before = dict(sandbox.youtube.videos)
    last = await youtube.chunk(uri, DATA, 2 * GRAIN, SIZE - 1)

    assert (opened.status, opened.kept) == (308, None)
    assert (half.status, half.kept) == (asked.status, asked.kept) == (308, f"bytes=0-{2 * GRAIN - 1}")
    assert before == {}
    video = sandbox.youtube.videos[last.json["id"]]
    assert (last.status, video.bytes, video.sha256) == (200, SIZE, hashlib.sha256(DATA).hexdigest())
    assert video.path.read_bytes() == DATA
    assert (video.privacy, video.synthetic, video.tags) == ("private", True, ["one", "marker-1"])
    assert "containsSyntheticMedia" not in last.json["status"]


async def test_a_body_without_a_range_is_the_whole(sandbox, youtube):
    uri = await youtube.session_uri(SIZE)

    answer = await youtube.call("PUT", uri, data=io.BytesIO(DATA))

    assert sandbox.youtube.videos[answer.json["id"]].bytes == SIZE


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param(GRAIN - 1, None, id="less than a grain: nothing"),
        pytest.param(2 * GRAIN + 5, f"bytes=0-{2 * GRAIN - 1}", id="no multiple: the grains that are whole"),
        pytest.param(2 * GRAIN, f"bytes=0-{2 * GRAIN - 1}", id="a multiple: all"),
    ],
)
async def test_only_whole_grains_are_kept_of_a_chunk_that_is_not_the_last(youtube, sent, kept):
    uri = await youtube.session_uri(SIZE)

    answer = await youtube.chunk(uri, DATA, 0, sent - 1)

    assert (answer.status, answer.kept) == (308, kept)


async def test_bytes_that_are_there_already_are_skipped(sandbox, youtube):
    uri = await youtube.session_uri(SIZE)
    await youtube.chunk(uri, DATA, 0, 3 * GRAIN - 1)

    last = await youtube.chunk(uri, DATA, GRAIN, SIZE - 1)

    assert sandbox.youtube.videos[last.json["id"]].sha256 == hashlib.sha256(DATA).hexdigest()


async def test_an_offset_beyond_what_is_there_is_refused_for_ever(youtube):
    uri = await youtube.session_uri(SIZE)

    answers = [await youtube.chunk(uri, DATA, 2 * GRAIN, SIZE - 1) for _ in range(3)]

    assert [(answer.status, answer.headers["Content-Type"].split(";")[0]) for answer in answers] == [(503, "text/plain")] * 3
    assert f"upload offset is {2 * GRAIN} byte(s), which exceeds already uploaded size of 0" in answers[0].text


@pytest.mark.parametrize(
    "header", ["bytes 5-1/9", "bytes 0-9/9", "octets 0-1/2", "bytes 0-0/99", f"bytes */{SIZE + 1}", "bytes 0-1"]
)
async def test_a_range_that_makes_no_sense_is_refused(youtube, header):
    uri = await youtube.session_uri(SIZE)

    answer = await youtube.call("PUT", uri, data=b"12", headers={"Content-Range": header})

    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (400, "text/plain")


async def test_fewer_bytes_are_kept_than_were_sent(sandbox, youtube):
    uri = await youtube.session_uri(SIZE)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="fewer_bytes", keep=GRAIN + 7)

    whole = await youtube.chunk(uri, DATA, 0, SIZE - 1)

    assert (whole.status, whole.kept) == (308, f"bytes=0-{GRAIN - 1}")
    assert sandbox.youtube.videos == {}


async def test_what_arrived_before_the_connection_was_cut_is_kept(sandbox, youtube):
    uri = await youtube.session_uri(SIZE)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="cut", after_bytes=2 * GRAIN + 10)

    with pytest.raises(aiohttp.ClientConnectionError):
        await youtube.chunk(uri, DATA, 0, SIZE - 1)

    assert (await youtube.query(uri, SIZE)).kept == f"bytes=0-{2 * GRAIN - 1}"


async def test_what_arrived_before_the_client_died_is_kept(sandbox, youtube, http):
    uri = await youtube.session_uri(SIZE)

    async def dies():
        yield DATA[: 3 * GRAIN]
        async with asyncio.timeout(60):
            while not any(path.stat().st_size > GRAIN for path in sandbox.youtube.sessions_dir.iterdir()):
                await asyncio.sleep(0.01)
        raise RuntimeError

    headers = {"Content-Range": f"bytes 0-{SIZE - 1}/{SIZE}", "Content-Length": str(SIZE)}
    with pytest.raises((RuntimeError, aiohttp.ClientError)):
        await youtube.call("PUT", uri, data=dies(), headers=headers)
    async with asyncio.timeout(60):
        while sandbox.journal.calls("youtube", "upload.chunk")[0].ended_s is None:
            await asyncio.sleep(0.01)

    kept = (await youtube.query(uri, SIZE)).kept
    assert kept in {f"bytes=0-{many * GRAIN - 1}" for many in (1, 2, 3)}
    assert sandbox.journal.calls("youtube", "upload.chunk")[0].status is None


async def test_the_lost_last_answer_is_given_again(sandbox, youtube):
    """The client doesn't know of the video; the session does."""
    uri = await youtube.session_uri(SIZE)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="lost_answer")

    first = await youtube.chunk(uri, DATA, 0, GRAIN - 1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await youtube.chunk(uri, DATA, GRAIN, SIZE - 1)
    asked = await youtube.query(uri, SIZE)
    unknown_size = await youtube.query(uri, "*")

    assert first.status == 308
    assert asked.status == unknown_size.status == 200
    assert [asked.json["id"]] == [unknown_size.json["id"]] == list(sandbox.youtube.videos)


async def test_a_finished_session_may_be_gone(sandbox, youtube):
    sandbox.youtube.finished_sessions = "gone"
    uri = await youtube.session_uri(SIZE)
    await youtube.chunk(uri, DATA, 0, SIZE - 1)

    assert (await youtube.query(uri, SIZE)).status == 404
    assert len(sandbox.youtube.videos) == 1


@pytest.mark.parametrize("status", [404, 410])
async def test_a_session_ends_by_order_and_its_bytes_with_it(sandbox, youtube, status):
    uri = await youtube.session_uri(SIZE)
    await youtube.chunk(uri, DATA, 0, GRAIN - 1)
    sandbox.faults.order(service="youtube", call="upload.query", kind="session_gone", status=status)

    answers = [(await youtube.query(uri, SIZE)).status, (await youtube.chunk(uri, DATA, 0, SIZE - 1)).status]

    assert answers == [status, 404]
    assert list(sandbox.youtube.sessions_dir.iterdir()) == []


async def test_a_session_ends_after_a_week(sandbox, youtube, http):
    uri = await youtube.session_uri(SIZE)
    sandbox.clock.move(timedelta(days=7, seconds=1))
    youtube.token = await token_for(sandbox, http)

    assert (await youtube.query(uri, SIZE)).status == 404


async def test_the_upload_moves_to_another_address(sandbox, youtube):
    uri = await youtube.session_uri(SIZE)
    await youtube.chunk(uri, DATA, 0, GRAIN - 1)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="move")

    moved = await youtube.chunk(uri, DATA, GRAIN, SIZE - 1)
    old = await youtube.query(uri, SIZE)
    last = await youtube.chunk(moved.headers["Location"], DATA, GRAIN, SIZE - 1)

    assert (moved.status, moved.kept, old.status, last.status) == (308, f"bytes=0-{GRAIN - 1}", 404, 200)
    assert sandbox.youtube.videos[last.json["id"]].sha256 == hashlib.sha256(DATA).hexdigest()


async def test_the_last_answer_may_be_201(sandbox, youtube):
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="created")
    uri = await youtube.session_uri(SIZE)

    assert (await youtube.chunk(uri, DATA, 0, GRAIN - 1)).status == 308
    assert (await youtube.chunk(uri, DATA, GRAIN, SIZE - 1)).status == 201


async def test_a_503_of_the_upload_is_text_and_may_come_after_the_bytes_were_kept(sandbox, youtube):
    uri = await youtube.session_uri(SIZE)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="503", when="after")

    answer = await youtube.chunk(uri, DATA, 0, 2 * GRAIN - 1)

    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (503, "text/plain")
    assert (await youtube.query(uri, SIZE)).kept == f"bytes=0-{2 * GRAIN - 1}"


async def test_an_expired_token_is_refused_in_mid_upload_and_a_new_one_goes_on(sandbox, youtube, http):
    uri = await youtube.session_uri(SIZE)
    await youtube.chunk(uri, DATA, 0, GRAIN - 1)
    sandbox.oauth.expire_access()

    refused = await youtube.chunk(uri, DATA, GRAIN, SIZE - 1)
    youtube.token = (await refresh(sandbox, http)).json["access_token"]
    last = await youtube.chunk(uri, DATA, GRAIN, SIZE - 1)

    assert (refused.status, refused.reason) == (401, "authError")
    assert sandbox.youtube.videos[last.json["id"]].bytes == SIZE


async def test_another_channel_can_not_use_the_session(sandbox, youtube, http):
    uri = await youtube.session_uri(SIZE)
    other = Client(sandbox, http, await token_for(sandbox, http, sandbox.add_channel("other")))

    answer = await other.chunk(uri, DATA, 0, SIZE - 1)

    assert (answer.status, answer.reason) == (403, "forbidden")


async def test_what_part_does_not_name_is_not_written(sandbox, youtube):
    """A missing privacy means public, whatever the body said."""
    uri = (await youtube.open(4, VIDEO, part="snippet")).headers["Location"]

    video = sandbox.youtube.videos[(await youtube.call("PUT", uri, data=b"film")).json["id"]]

    assert (video.title, video.privacy) == ("A title", "public")


async def test_a_restarted_sandbox_keeps_videos_and_goes_on_with_uploads(tmp_path, http):
    async with open_sandbox(tmp_path) as sandbox:
        client = Client(sandbox, http, await token_for(sandbox, http))
        done = await client.upload(b"done")
        uri = await client.session_uri(SIZE)
        await client.chunk(uri, DATA, 0, 2 * GRAIN - 1)
        port = int(sandbox.url.rsplit(":", 1)[1])

    async with open_sandbox(tmp_path, port=port) as sandbox:
        client = Client(sandbox, http, await token_for(sandbox, http))
        asked = await client.query(uri, SIZE)
        last = await client.chunk(uri, DATA, 2 * GRAIN, SIZE - 1)

        assert asked.kept == f"bytes=0-{2 * GRAIN - 1}"
        assert sandbox.youtube.videos[done].path.read_bytes() == b"done"
        assert sandbox.youtube.videos[last.json["id"]].sha256 == hashlib.sha256(DATA).hexdigest()
        assert sandbox.youtube.quota.used(sandbox.oauth.client.project)["uploads"] == 2


async def test_a_chunk_that_comes_later_ends_one_that_hangs(sandbox, youtube):
    """A worker that stood still is taken for dead; its successor asks and goes on, and it writes no byte between."""
    uri = await youtube.session_uri(SIZE)
    arrived, goes_on = asyncio.Event(), asyncio.Event()

    async def stands_still():
        yield DATA[: 2 * GRAIN]
        arrived.set()
        await goes_on.wait()
        yield bytes(SIZE - 2 * GRAIN)

    headers = {"Content-Range": f"bytes 0-{SIZE - 1}/{SIZE}", "Content-Length": str(SIZE)}
    first = asyncio.create_task(youtube.call("PUT", uri, data=stands_still(), headers=headers))
    await arrived.wait()

    asked = await youtube.query(uri, SIZE)
    half = await youtube.chunk(uri, DATA, 0, 3 * GRAIN - 1)
    goes_on.set()
    with pytest.raises(aiohttp.ClientConnectionError):
        await first
    last = await youtube.chunk(uri, DATA, 3 * GRAIN, SIZE - 1)

    assert (asked.status, asked.kept, half.kept) == (308, None, f"bytes=0-{3 * GRAIN - 1}")
    assert sandbox.youtube.videos[last.json["id"]].sha256 == hashlib.sha256(DATA).hexdigest()
    assert len(sandbox.youtube.videos) == 1
