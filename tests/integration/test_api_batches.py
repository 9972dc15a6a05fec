"""`/api/batches` as a program meets it."""

import io
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from reelqueue.models.batch import MOST_PROJECTS, BatchState
from reelqueue.models.brief import parse_brief
from reelqueue.models.stage import BatchStatus, ProjectStatus
from storage import BatchStore, Paths, ProjectStore
from tests.api_client import asked
from tests.boards import serving_board

BRIEFS = [{"topic": "Bread"}, {"topic": "Rye"}, {"topic": "Salt"}]


@pytest.fixture
async def api(settings) -> AsyncIterator[aiohttp.ClientSession]:
    async with serving_board(settings) as address, aiohttp.ClientSession(address) as session:
        yield session


@pytest.fixture
def batches(settings) -> BatchStore:
    return BatchStore.reader(Paths(settings.data_dir))


@pytest.fixture
def projects(settings) -> ProjectStore:
    return ProjectStore.reader(Paths(settings.data_dir))


async def made(api, briefs=BRIEFS, **rest):
    status, body, _ = await asked(api, "POST", "/api/batches", json={"briefs": briefs} | rest)
    assert status == 201, body
    return body["batch_id"]


async def test_a_batch_that_is_made_has_an_address_and_its_projects_lie_on_disk(api, batches, projects):
    status, body, headers = await asked(api, "POST", "/api/batches", json={"briefs": BRIEFS, "calendar": "6h"})

    assert (status, headers["Location"]) == (201, f"/api/batches/{body['batch_id']}")
    state = await batches.load(body["batch_id"])
    assert BatchState.model_validate(body) == state
    assert [(await projects.load(number)).brief.topic for number in state.project_ids] == ["Bread", "Rye", "Salt"]
    assert state.status is BatchStatus.CREATED


async def test_the_same_key_gives_the_same_batch_back_and_other_briefs_under_it_are_a_conflict(api, batches):
    key = {"Idempotency-Key": "monday"}
    first = await asked(api, "POST", "/api/batches", json={"briefs": BRIEFS}, headers=key)
    again = await asked(api, "POST", "/api/batches", json={"briefs": BRIEFS}, headers=key)
    other = await asked(api, "POST", "/api/batches", json={"briefs": BRIEFS[:2]}, headers=key)

    assert (first[0], again[0], other[0], other[1]["code"]) == (201, 201, 409, "conflict")
    assert again[1]["batch_id"] == first[1]["batch_id"]
    assert again[2]["Idempotency-Replayed"] == "true"
    assert len(await batches.ids()) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param([], "body", id="a list"),
        pytest.param({}, "briefs", id="nothing"),
        pytest.param({"briefs": []}, "briefs", id="none"),
        pytest.param({"briefs": "Bread"}, "briefs", id="a text"),
        pytest.param({"briefs": {"topic": "Bread"}}, "briefs", id="one alone"),
        pytest.param({"briefs": [{"topic": "x"}] * (MOST_PROJECTS + 1)}, "briefs", id="too many"),
        pytest.param({"briefs": ["Bread"]}, "briefs[0].brief", id="a text for a brief"),
        pytest.param({"briefs": [{"topic": "x"}, {"topic": "x", "fps": 7}]}, "briefs[1].fps", id="one that is wrong"),
        pytest.param({"briefs": [{"topic": "x", "logo": "/etc/passwd"}]}, "briefs[0].logo", id="a file of this machine"),
        pytest.param({"briefs": BRIEFS, "keys": ["a"]}, "keys", id="too few keys"),
        pytest.param({"briefs": BRIEFS, "keys": [1, 2, 3]}, "keys", id="keys that are none"),
        pytest.param({"briefs": BRIEFS, "calendar": "now and then"}, "slots", id="a calendar that is none"),
        pytest.param({"briefs": BRIEFS, "calendar": "Mon," * 100_000 + " 09:00"}, "slots", id="a calendar without end"),
        pytest.param({"briefs": BRIEFS, "calendar": 7}, "slots", id="a number for a calendar"),
        pytest.param({"briefs": BRIEFS, "webhook": "http://169.254.169.254/"}, "webhook", id="an address in house"),
        pytest.param({"briefs": BRIEFS, "start": True}, "start", id="a field that there is not"),
    ],
)
async def test_a_batch_that_is_wrong_is_refused_by_its_field_and_nothing_is_made(api, batches, projects, body, field):
    status, problem, _ = await asked(api, "POST", "/api/batches", json=body)

    assert (status, problem["code"]) == (422, "invalid_brief")
    assert problem["field"] == field or (field == "slots" and problem["field"] == "every")
    assert (await batches.ids(), await projects.ids()) == ([], [])


async def test_all_that_is_wrong_is_told_by_place_and_field(api):
    _, problem, _ = await asked(
        api, "POST", "/api/batches", json={"briefs": [{"topic": ""}, {"topic": "x"}, {"fps": 1, "topic": "y"}]}
    )

    assert [error["field"] for error in problem["errors"]] == ["briefs[0].topic", "briefs[2].fps"]
    assert "3" in problem["errors"][1]["detail"]


async def test_a_batch_of_100_mb_is_too_large(api):
    status, problem, _ = await asked(
        api, "POST", "/api/batches", data=io.BytesIO(b" " * 100_000_000), headers={"Content-Type": "application/json"}
    )

    assert (status, problem["code"]) == (413, "too_large")


async def test_a_batch_is_started_paused_resumed_and_cancelled(api, batches):
    path = f"/api/batches/{await made(api)}"

    too_early = await asked(api, "POST", f"{path}/pause")
    told = [await asked(api, "POST", f"{path}/{act}") for act in ("start", "start", "pause", "pause", "resume", "cancel")]
    too_late = await asked(api, "POST", f"{path}/pause")

    assert (too_early[0], too_early[1]["code"]) == (409, "wrong_state")
    assert [one[0] for one in told] == [202, 202, 200, 200, 202, 200]
    assert [one[1]["status"] for one in told] == ["running", "running", "paused", "paused", "running", "cancelled"]
    assert (too_late[0], too_late[1]["code"]) == (409, "wrong_state")


async def test_what_became_of_it_comes_in_its_order_and_by_pages(api, projects):
    number = await made(api)
    ids = (await asked(api, "GET", f"/api/batches/{number}"))[1]["project_ids"]
    await asked(api, "POST", f"/api/projects/{ids[1]}/cancel")

    first = (await asked(api, "GET", f"/api/batches/{number}/results?limit=2"))[1]
    last = (await asked(api, "GET", f"/api/batches/{number}/results?limit=2&after={first['next']}"))[1]

    assert [one["project_id"] for one in first["items"] + last["items"]] == ids
    assert first["items"][0] == {"project_id": ids[0], "status": "created"}
    assert first["items"][1]["error"]["code"] == "cancelled"
    assert last["next"] is None


async def test_a_whole_batch_is_approved_at_once(api, projects):
    number = await made(api, [{"topic": "Bread", "review": ["script"]}, {"topic": "Rye"}])
    ids = (await asked(api, "GET", f"/api/batches/{number}"))[1]["project_ids"]
    nothing = await asked(api, "POST", f"/api/batches/{number}/approve")
    await projects.change(ids[0], lambda state: state.replace(status=ProjectStatus.WAITING_REVIEW))

    status, body, _ = await asked(api, "POST", f"/api/batches/{number}/approve")

    assert (nothing[0], nothing[1]["code"]) == (409, "wrong_state")
    assert (status, body) == (202, {"batch_id": number, "approved": [ids[0]]})
    assert (await projects.load(ids[0])).status is ProjectStatus.QUEUED


async def test_a_batch_is_deleted_once_it_rests_and_its_projects_stay(api, projects):
    number = await made(api)
    await asked(api, "POST", f"/api/batches/{number}/start")
    too_early = await asked(api, "DELETE", f"/api/batches/{number}")
    idle = await made(api, [{"topic": "Butter"}])

    deleted = await asked(api, "DELETE", f"/api/batches/{idle}")

    assert (too_early[0], too_early[1]["code"]) == (409, "wrong_state")
    assert deleted[0] == 204
    assert (await asked(api, "GET", f"/api/batches/{idle}"))[0] == 404
    assert "Butter" in [(await projects.load(one)).brief.topic for one in await projects.ids()]


async def test_batches_come_newest_first_and_by_pages(api):
    numbers = [await made(api, [{"topic": f"Bread {n}"}]) for n in range(3)]

    first = (await asked(api, "GET", "/api/batches?limit=2"))[1]
    last = (await asked(api, "GET", f"/api/batches?limit=2&after={first['next']}"))[1]

    assert [one["batch_id"] for one in first["items"] + last["items"]] == numbers[::-1]
    assert last["next"] is None


@pytest.mark.parametrize("number", ["abc", "0", "1", "9" * 17])
@pytest.mark.parametrize(
    ("method", "end"),
    [("GET", ""), ("DELETE", ""), ("GET", "/results"), ("POST", "/start"), ("POST", "/pause"), ("POST", "/resume"),
     ("POST", "/cancel"), ("POST", "/retry"), ("POST", "/approve"), ("GET", "/events")],
)  # fmt: skip
async def test_nothing_can_be_asked_of_a_batch_that_there_is_not(api, number, method, end):
    status, problem, _ = await asked(api, method, f"/api/batches/{number}{end}")

    assert (status, problem["code"]) == (404, "not_found")


async def test_projects_of_a_batch_are_listed_by_its_id(api):
    number = await made(api)
    await asked(api, "POST", "/api/projects", json={"topic": "alone"})

    listed = (await asked(api, "GET", f"/api/projects?batch_id={number}"))[1]

    assert [one["brief"]["topic"] for one in listed["items"]] == ["Salt", "Rye", "Bread"]


async def test_files_named_by_a_brief_lie_below_the_operators_folder(settings, tmp_path, projects):
    folder = tmp_path / "pictures"
    (folder / "bread").mkdir(parents=True)
    (folder / "bread" / "1.png").write_bytes(b"png")
    (folder / "out").symlink_to("/etc")
    (tmp_path / "other.png").write_bytes(b"png")
    own = settings.model_copy(update={"brief_files_dir": folder})
    async with serving_board(own) as address, aiohttp.ClientSession(address) as api:
        good = await asked(
            api, "POST", "/api/projects", json={"topic": "x", "images_dir": "bread", "logo": f"{folder}/bread/1.png"}
        )
        wrong = [
            await asked(api, "POST", "/api/projects", json={"topic": "x", "logo": name})
            for name in ("../other.png", f"{tmp_path}/other.png", "out/passwd", "bread", "nothing.png", "~/x.png", "/dev/stdin")
        ]

    assert good[0] == 201, good[1]
    state = await projects.load(good[1]["project_id"])
    assert state.brief == parse_brief({"topic": "x", "images_dir": f"{folder}/bread", "logo": f"{folder}/bread/1.png"})
    assert {(status, problem["field"]) for status, problem, _ in wrong} == {(422, "logo")}
    assert len({json.dumps([problem["allowed"], problem["hint"]]) for _, problem, _ in wrong}) == 1
