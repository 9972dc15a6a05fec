"""The script of a project over HTTP: read, priced before it is changed, changed by who saw the newest one."""

import hashlib

import aiohttp
import pytest

from reelqueue.models.project import Artifact
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Paths, ProjectStore
from tests.api_client import asked
from tests.boards import serving_board

TEXT = "Twice a day the sea rises and falls, because the moon pulls at it from afar and turns away again."
SCRIPT = Script(
    intro=Part(text="Hello, and welcome to the sea.", duration=3.0),
    segments=(Segment(index=0, text=TEXT, duration=7.0, image_description="The sea"),),
    outro=Part(text="Goodbye, and watch the tide.", duration=3.0),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=13.0,
    language="en",
)
WORDS = {
    "intro": {"text": SCRIPT.intro.text},
    "segments": [{"text": TEXT, "image_description": "The sea at night"}],
    "outro": {"text": SCRIPT.outro.text},
    "metadata": {"title": "Tides and the moon"},
}


@pytest.fixture
async def store(settings):
    return ProjectStore.reader(Paths(settings.data_dir))


@pytest.fixture
async def path(settings, store):
    """The address of the script of a project that waits for its review."""
    project = await store.create({"topic": "Tides", "language": "en", "review": ["script"]})
    body = SCRIPT.model_dump_json().encode()
    store.paths.project(project.project_id).script.write_bytes(body)
    file = Artifact(path="script.json", sha256=hashlib.sha256(body).hexdigest(), bytes=len(body))

    def written(state):
        state = state.with_stage(Stage.SCRIPT, status=StageStatus.DONE, fingerprint="f", artifacts=(file,), result={})
        return state.replace(status=ProjectStatus.WAITING_REVIEW)

    await store.change(project.project_id, written)
    return f"/api/projects/{project.project_id}/script"


@pytest.fixture
async def api(settings):
    async with serving_board(settings) as address, aiohttp.ClientSession(address) as session:
        yield session


async def test_a_script_is_read_as_it_is_stored(api, path):
    status, body, headers = await asked(api, "GET", path)

    assert (status, Script.model_validate(body)) == (200, SCRIPT)
    assert headers["ETag"] == f'"{hashlib.sha256(SCRIPT.model_dump_json().encode()).hexdigest()}"'


async def test_what_an_edit_takes_is_told_and_nothing_is_changed(api, path):
    same = await asked(api, "POST", f"{path}/price", json=SCRIPT.model_dump(mode="json"))
    other = await asked(api, "POST", f"{path}/price", json=WORDS)

    assert (same[0], same[1]["changes"], other[1]["changes"]) == (200, False, True)
    assert other[1]["pictures"] >= 1
    assert (other[1]["items"], other[1]["usd"]) == ([], 0.0)  # all is made on this machine
    assert (await asked(api, "GET", path))[1]["metadata"]["title"] == "Tides"


async def test_an_edit_takes_the_place_of_what_was_read_and_the_review_is_waited_for_still(api, path):
    tag = (await asked(api, "GET", path))[2]["ETag"]

    status, body, _ = await asked(api, "PUT", path, json=WORDS, headers={"If-Match": tag})

    assert (status, body["status"]) == (200, "waiting_review")
    assert (await asked(api, "GET", path))[1]["metadata"]["title"] == "Tides and the moon"


async def test_an_edit_may_approve(api, path):
    assert (await asked(api, "PUT", f"{path}?approve=true", json=WORDS))[1]["status"] == "queued"


async def test_who_read_an_older_script_changes_nothing(api, path):
    tag = (await asked(api, "GET", path))[2]["ETag"]
    await asked(api, "PUT", path, json=WORDS, headers={"If-Match": tag})

    late = await asked(api, "PUT", path, json=SCRIPT.model_dump(mode="json"), headers={"If-Match": tag})

    assert (late[0], late[1]["code"]) == (412, "conflict")
    assert (await asked(api, "GET", path))[1]["metadata"]["title"] == "Tides and the moon"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param([], "script", id="a list"),
        pytest.param({}, "intro", id="nothing"),
        pytest.param(WORDS | {"segments": []}, "segments", id="no segments"),
        pytest.param(WORDS | {"segments": [{"text": 7}]}, "segments[0].text", id="a number"),
        pytest.param(WORDS | {"segments": [{"text": "short"}]}, "segments[0].text", id="too short"),
        pytest.param(WORDS | {"segments": [{"text": "word " * 2_001}]}, "segments[0].text", id="too long"),
        pytest.param(WORDS | {"metadata": {"title": "<b>"}}, "metadata.title", id="a title that YouTube refuses"),
        pytest.param(WORDS | {"colour": "red"}, "colour", id="a field that there is not"),
        pytest.param(WORDS | {"language": "fr"}, "language", id="another language"),
    ],
)
@pytest.mark.parametrize(("method", "end"), [("PUT", ""), ("POST", "/price")])
async def test_a_script_that_is_wrong_is_refused_by_its_field(api, path, body, field, method, end):
    status, problem, _ = await asked(api, method, f"{path}{end}", json=body)

    assert (status, problem["code"], problem["field"]) == (422, "invalid_brief", field)
    assert (await asked(api, "GET", path))[1]["metadata"]["title"] == "Tides"


async def test_a_project_without_a_script_has_none_to_read_or_to_change(api, store):
    project = await store.create({"topic": "Bread"})
    path = f"/api/projects/{project.project_id}/script"

    told = [await asked(api, "GET", path), await asked(api, "PUT", path, json=WORDS)]

    assert [(status, problem["code"]) for status, problem, _ in told] == [(409, "wrong_state")] * 2
