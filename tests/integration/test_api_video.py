"""A program that has nothing but HTTP: from a brief to a video that plays, a real worker behind it."""

import asyncio
import json

import aiohttp
import av
import pytest

from progress import ProgressEvent
from tests.api_client import asked
from tests.boards import serving_board
from tests.workers import HUMMING, TINY, worker

BRIEF = {
    "content": (
        "Yeast eats sugar and breathes out gas. The dough holds the gas, because kneading has made it elastic. "
        "Heat makes the bubbles grow, until the crust sets around them. What you hear when a loaf cools is that crust, cracking. "
        "A baker waits for that sound. Bread that is cut too soon is damp inside. Sourdough lives on wild yeast instead. "
        "It is slower, and it tastes of the room that it lived in. Rye has little gluten, so its loaves stay low and dense. "
    )
    * 2,
    "duration_s": 15,
    "language": "en",
    "aspect": "1:1",
    "fps": 24,
    "presenter": False,
    "music": "none",
    "review": ["final"],
}

pytestmark = pytest.mark.slow


async def heard(api, path, until):
    """The events of a project until one has this status."""
    found = []
    async with api.get(f"{path}/events", headers={"Accept": "text/event-stream"}) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        async for line in stream.content:
            if line.startswith(b"data: ") and b'"seq"' in line:
                found.append(json.loads(line[6:]))
                if found[-1]["status"] == until:
                    return found
    return found


async def test_a_video_is_ordered_followed_approved_and_fetched_over_http_alone(settings, tmp_path):
    async with (
        asyncio.timeout(500),
        worker(settings, module=TINY, **HUMMING),
        serving_board(settings) as address,
        aiohttp.ClientSession(address, timeout=aiohttp.ClientTimeout(total=None)) as api,
    ):
        made = await asked(api, "POST", "/api/projects", json=BRIEF, headers={"Idempotency-Key": "one"})
        path = made[2]["Location"]
        started = await asked(api, "POST", f"{path}/start")
        waited = await heard(api, path, "waiting_review")
        approved = await asked(api, "POST", f"{path}/approve")
        ended = await heard(api, path, "completed")
        state = (await asked(api, "GET", path))[1]
        async with api.get(f"{path}/files/output/final_video.mp4", headers={"Range": "bytes=0-"}) as answer:
            video = await answer.read()
        files = [one["path"] for one in (await asked(api, "GET", f"{path}/files"))[1]["items"]]

    assert (started[0], approved[0], answer.status) == (202, 202, 206)
    assert [event["seq"] for event in ended] == list(range(1, len(ended) + 1))  # all of it once more, from the first
    assert ended[: len(waited)] == waited
    assert {ProgressEvent.model_validate(event).stage for event in ended} >= {
        "script_generation",
        "video_rendering",
        "youtube_upload",
    }
    assert (state["status"], ended[-1]["overall"]) == ("completed", 100)
    (tmp_path / "video.mp4").write_bytes(video)
    with av.open(str(tmp_path / "video.mp4")) as played:
        assert (played.streams.video[0].width, played.streams.video[0].height) == (96, 96)
        assert 12 < float(played.duration or 0) / av.time_base < 25
    assert {"output/final_video.mp4", "output/thumbnail.jpg", "output/captions.srt", "script.json"} <= set(files)
