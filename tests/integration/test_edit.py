"""An edit pays for what it touches, and for what was said first: by the sandbox's journal.

Its short sisters: tests/unit/jobs/test_ahead.py, test_pieces.py and test_touched_units.py.
"""

import pytest

from jobs.client import connect
from reelqueue.errors import ProjectWaiting
from reelqueue.models.stage import ProjectStatus
from reelqueue.sandbox import open_sandbox
from reelqueue.settings import Settings
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
    "duration_s": 40,
    "language": "en",
    "aspect": "1:1",
    "fps": 24,
    "presenter": False,
    "music": "none",
    "review": ["assets"],
}
NEW_WORDS = (
    "Salt slows the yeast down and makes the gluten strong. A loaf without it rises fast and tastes of nothing much at all."
)
OTHER_WORDS = "Rye has little gluten, so its loaves stay low and dense, and they keep for a week."
GEMINI = {"gemini_api_key", "gemini_base_url"}
OURS = {"redis_url", "data_dir", "reelqueue_language", "lease_seconds", "retry_delays"}

pytestmark = pytest.mark.soak


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


def environment(sandbox):
    ours = {"REELQUEUE_PRESENTER_PROVIDER": "local", "REELQUEUE_PUBLISHER": "local", "RETRY_DELAYS": "0.1,0.2,0.3"}
    return sandbox.settings() | ours


def as_the_worker(settings, sandbox):
    """A client with the settings that the worker has."""
    theirs = {name.lower().removeprefix("reelqueue_"): value for name, value in environment(sandbox).items()}
    known = {name: value for name, value in theirs.items() if name in GEMINI}
    return connect(Settings(_env_file=None, **(settings.model_dump(include=OURS) | known)))


async def begun(queue):
    """A project that stops after its assets, where all is paid for."""
    project = await queue.create_project(BRIEF)
    await queue.start(project.project_id)
    await to_its_review(queue, project.project_id)
    return project.project_id


async def to_its_review(queue, number):
    with pytest.raises(ProjectWaiting):
        await queue.wait(number, timeout=400)
    state = await queue.get_project(number)
    assert state.status is ProjectStatus.WAITING_REVIEW
    return state


def paid(sandbox):
    return {call: calls(sandbox, "gemini", call, status=200) for call in ("script", "image", "voice")}


def edited(script, place, **words):
    """The script as JSON, with other words in one segment."""
    data = script.model_dump(mode="json")
    data["segments"][place] |= words
    return data


async def test_an_edit_of_one_segment_pays_for_one_picture_and_one_voice_and_what_was_said_first_is_paid(settings, sandbox):
    """One project, edited again and again: a new title, a heading, another order pay for nothing at all."""
    async with connect(settings) as queue, worker(settings, **environment(sandbox)):
        number = await begun(queue)
        shown = await queue.get_script(number)

        async def pays(wanted):
            before = paid(sandbox)
            state = await queue.edit_script(number, wanted)
            assert state.status is ProjectStatus.QUEUED
            await to_its_review(queue, number)
            return {call: count - before[call] for call, count in paid(sandbox).items()}

        wanted = edited(shown, 1, text=NEW_WORDS, image_description="Coarse salt in a wooden bowl beside a loaf")
        wanted["metadata"]["title"] = "Why a loaf sings"
        async with as_the_worker(settings, sandbox) as priced:
            estimate = await priced.price_of_edit(number, wanted)
        assert {(item.kind, item.calls) for item in estimate.items} == {("image", (1, 1)), ("voice", (1, 1))}
        assert await pays(wanted) == {"script": 0, "image": 1, "voice": 1}

        words = edited(await queue.get_script(number), 0, text=OTHER_WORDS, heading="Rye")
        assert await pays(words) == {"script": 0, "image": 0, "voice": 1}

        turned = (await queue.get_script(number)).model_dump(mode="json")
        turned["segments"].reverse()
        assert await pays(turned) == {"script": 0, "image": 0, "voice": 0}
