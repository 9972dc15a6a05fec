"""Files of a project over HTTP: whole, in parts, of the right type, and never from anywhere else."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from storage import Paths, ProjectStore
from tests.boards import serving_board

VIDEO = bytes(range(256)) * 4_000


@dataclass
class Api:
    session: aiohttp.ClientSession
    root: Path
    number: int

    async def get(self, name, method="GET", **headers):
        """Status, body, headers; `name` as it stands in the address."""
        path = f"/api/projects/{self.number}/files/{name}"
        async with self.session.request(method, path, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers


@pytest.fixture
async def api(settings) -> AsyncIterator[Api]:
    paths = Paths(settings.data_dir)
    state = await ProjectStore.reader(paths).create({"topic": "Bread"})
    files = paths.project(state.project_id)
    files.make()
    files.video.write_bytes(VIDEO)
    files.thumbnail.write_bytes(b"\xff\xd8 a picture")
    files.captions.write_text("1\n00:00:00,000 --> 00:00:01,000\n<script>x</script>\n", encoding="utf-8")
    files.script.write_text("{}", encoding="utf-8")
    (files.images / "a picture 圖.png").write_bytes(b"png")
    (files.images / "half.part").write_bytes(b"half")
    (files.images / ".hidden").write_bytes(b"hidden")
    (files.output / "page.html").write_text("<script>alert(1)</script>", encoding="utf-8")
    files.session.write_text("https://upload.example/secret", encoding="utf-8")
    (files.root / "key").write_text("key", encoding="utf-8")
    (files.root / "lease.json").write_text("{}", encoding="utf-8")
    outside = settings.data_dir.parent / "outside.txt"
    outside.write_text("outside", encoding="utf-8")
    (files.images / "link.txt").symlink_to(outside)
    (files.images / "folder").symlink_to(settings.data_dir.parent)
    (files.images / "secret.txt").symlink_to(files.session)
    (files.images / "round.txt").symlink_to(files.images / "round.txt")
    async with serving_board(settings) as address, aiohttp.ClientSession(address) as session:
        yield Api(session, files.root, state.project_id)


async def test_a_file_is_sent_whole_with_its_type(api):
    status, body, headers = await api.get("output/final_video.mp4")

    assert (status, body) == (200, VIDEO)
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [("bytes=0-99", 0, 100), ("bytes=1000-", 1_000, len(VIDEO)), ("bytes=-500", len(VIDEO) - 500, len(VIDEO))],
)
async def test_a_player_that_seeks_gets_the_part_it_asks_for(api, asked, first, end):
    status, body, headers = await api.get("output/final_video.mp4", Range=asked)

    assert status == 206
    assert body == VIDEO[first:end]
    assert headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(VIDEO)}"
    assert headers["Content-Length"] == str(end - first)


async def test_a_part_behind_the_end_is_refused_with_the_length(api):
    status, body, headers = await api.get("output/final_video.mp4", Range=f"bytes={len(VIDEO)}-")

    assert (status, json.loads(body)["code"]) == (416, "range_not_satisfiable")
    assert headers["Content-Range"] == f"bytes */{len(VIDEO)}"


async def test_a_part_of_a_file_that_changed_meanwhile_is_not_sent_as_one(api):
    tag = (await api.get("output/final_video.mp4", method="HEAD"))[2]["ETag"]
    same = await api.get("output/final_video.mp4", Range="bytes=0-9", **{"If-Range": tag})
    other = await api.get("output/final_video.mp4", Range="bytes=0-9", **{"If-Range": '"another"'})

    assert (same[0], other[0]) == (206, 200)


async def test_who_has_the_file_already_is_told_that_nothing_changed(api):
    status, body, headers = await api.get("output/thumbnail.jpg", method="HEAD")
    again = await api.get("output/thumbnail.jpg", **{"If-None-Match": headers["ETag"]})

    assert (status, body, headers["Content-Type"]) == (200, b"", "image/jpeg")
    assert again[:2] == (304, b"")


async def test_captions_come_as_a_browser_takes_them(api):
    status, body, headers = await api.get("output/captions.vtt")

    assert status == 200
    assert body.startswith(b"WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.000")
    assert headers["Content-Type"] == "text/vtt; charset=utf-8"


async def test_what_a_browser_might_run_is_only_to_be_kept(api):
    _, _, headers = await api.get("output/page.html")
    _, _, kept = await api.get("output/final_video.mp4?download=1")

    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")
    assert kept["Content-Disposition"] == "attachment; filename*=UTF-8''final_video.mp4"


@pytest.mark.parametrize(
    "name",
    [
        "session", "key", "lease.json", "project_state.json", "nothing.mp4", "output", "output/", "images/half.part", "images/.hidden",
        "..%2F..%2Finstance.json", "output/..%2F..%2F..%2Foutside.txt", "output%2F..%2Fsession", "images/link.txt", "images/secret.txt",
        "images/folder/outside.txt", "images/round.txt", "%2Fetc%2Fpasswd", "output//final_video.mp4", "output/%00", "output/a%00.mp4",
        "..%5C..%5Cinstance.json", "output/%2e%2e/session", "images/" + "x" * 300, "images/" + "x/" * 3_000, ".%2Fscript.json",
        "output/final_video.mp4%20", "%E2%80%AE",
    ],
)  # fmt: skip
async def test_nothing_else_can_be_seen(api, name):
    status, body, headers = await api.get(name)

    assert (status, json.loads(body)["code"]) == (404, "not_found")
    assert headers["Content-Type"].startswith("application/problem+json")


async def test_the_list_has_what_can_be_seen_the_video_first(api):
    async with api.session.get(f"/api/projects/{api.number}/files") as answer:
        listed = await answer.json()

    paths = [one["path"] for one in listed["items"]]
    assert paths == [
        "output/final_video.mp4", "output/thumbnail.jpg", "output/captions.srt", "script.json",
        "images/a picture 圖.png", "output/page.html",
    ]  # fmt: skip
    assert (listed["items"][0]["bytes"], listed["items"][0]["content_type"]) == (len(VIDEO), "video/mp4")
    assert listed["next"] is None


async def test_a_name_of_any_letters_is_found(api):
    assert (await api.get("images/a%20picture%20圖.png"))[:2] == (200, b"png")


async def test_a_player_that_hangs_up_leaves_no_file_open(api):
    """Many hang up amid a file; the process has no more files open than before."""
    big = api.root / "output" / "big.mp4"
    big.write_bytes(b"x" * 20_000_000)
    for _ in range(20):
        async with api.session.get(f"/api/projects/{api.number}/files/output/big.mp4") as answer:
            await answer.content.readexactly(1_000)
            answer.close()

    await until_closed(big)


async def until_closed(path):
    async with asyncio.timeout(60):
        while any(
            Path(f"/proc/self/fd/{number}").exists() and Path(f"/proc/self/fd/{number}").resolve() == path
            for number in range(3, 400)
        ):
            await asyncio.sleep(0.05)
