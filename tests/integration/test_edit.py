"""An edit pays for what it touches and encodes what it touches: by the sandbox's journal, and the files of the project."""

import json

import pytest

from jobs.client import connect
from reelqueue.errors import ProjectWaiting
from reelqueue.models.stage import ProjectStatus
from reelqueue.sandbox import open_sandbox
from storage import Paths
from tests.faults.cloud import calls
from tests.workers import worker

BRIEF = {
    "content": (
        "Yeast eats sugar and breathes out gas. The dough holds the gas, because kneading has made it elastic. "
        "Heat makes the bubbles grow, until the crust sets around them. What you hear when a loaf cools is that crust, cracking. "
        "A baker waits for that sound. Bread that is cut too soon is damp inside. Sourdough lives on wild yeast instead. "
        "It is slower, and it tastes of the room that it lived in. Rye has little gluten, so its loaves stay low and dense."
    )
    * 2,
    "duration_s": 60,
    "language": "en",
    "aspect": "1:1",
    "fps": 24,
    "presenter": False,
    "music": "none",
    "review": ["final"],
}
NEW_WORDS = (
    "Salt slows the yeast down and makes the gluten strong. A loaf without it rises fast and tastes of nothing much at all."
)
SHOW_IT = [0, 1, 2, 3, 4, 8]
"""Of opening, joint, segment, joint, ...: the opening and the close show the title; the segment, its joints, and the scene after
it, in whose first frames its last subtitle still stands."""

pytestmark = pytest.mark.slow


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


async def to_its_review(queue, number):
    with pytest.raises(ProjectWaiting):
        await queue.wait(number, timeout=150)
    state = await queue.get_project(number)
    assert state.status is ProjectStatus.WAITING_REVIEW
    return state


def paid(sandbox):
    return {call: calls(sandbox, "gemini", call, status=200) for call in ("script", "image", "voice")}


def units(settings, number):
    """The encoded pieces of the video that is there now, in their order, and when each was made."""
    root = Paths(settings.data_dir).project(number).root
    listed = json.loads((root / "render/manifest.json").read_text(encoding="utf-8"))["units"]
    return [(unit["key"], (root / unit["file"]["path"]).stat().st_mtime_ns) for unit in listed]


async def test_an_edit_of_one_segment_pays_for_one_picture_and_one_voice_and_encodes_what_shows_it(settings, sandbox):
    """Another title comes with it: no picture is paid for again because of that, only the scenes that show it are drawn anew."""
    env = {"REELQUEUE_PRESENTER_PROVIDER": "local", "REELQUEUE_PUBLISHER": "local", "RETRY_DELAYS": "0.1,0.2,0.3"}
    async with connect(settings) as queue, worker(settings, **sandbox.settings(), **env):
        project = await queue.create_project(BRIEF)
        number = project.project_id
        await queue.start(number)
        await to_its_review(queue, number)
        before, made, shown = paid(sandbox), units(settings, number), await queue.get_script(number)

        script = shown.model_dump(mode="json")
        script["segments"][0] |= {"text": NEW_WORDS, "image_description": "Coarse salt in a wooden bowl beside a loaf"}
        script["metadata"]["title"] = "Why a loaf sings"
        state = await queue.edit_script(number, script)
        assert state.status is ProjectStatus.QUEUED
        await to_its_review(queue, number)
        after, anew = paid(sandbox), units(settings, number)

    assert {call: after[call] - before[call] for call in after} == {"script": 0, "image": 1, "voice": 1}
    kept = [unit for unit in anew if unit in made]
    assert (len(anew), [place for place, unit in enumerate(anew) if unit not in kept]) == (9, SHOW_IT)
