"""`/api/projects` as a program meets it: status codes, addresses, keys, pages, and what it is refused by."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from jobs import connect
from reelqueue.dashboard.api import reading
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus
from storage import Paths, ProjectStore
from tests.api_client import asked
from tests.boards import serving_board

BRIEF = {"topic": "Why bread crackles when it cools"}
UNTIL = "9999999999999999"


@pytest.fixture
async def api(settings) -> AsyncIterator[aiohttp.ClientSession]:
    async with serving_board(settings) as address, aiohttp.ClientSession(address) as session:
        yield session


async def made(api, brief=None, **headers) -> dict:
    async with api.post("/api/projects", json=brief or BRIEF, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        return await answer.json()


def store_of(settings) -> ProjectStore:
    return ProjectStore.reader(Paths(settings.data_dir))


async def test_a_project_that_is_made_has_an_address_and_lies_on_disk_and_is_not_started(api, settings):
    status, body, headers = await asked(api, "POST", "/api/projects", json=BRIEF)

    assert status == 201
    assert headers["Location"] == f"/api/projects/{body['project_id']}"
    state = await store_of(settings).load(body["project_id"])
    assert ProjectState.model_validate(body) == state
    assert state.status is ProjectStatus.CREATED
    assert (await asked(api, "GET", headers["Location"]))[1] == body


async def test_the_same_key_gives_the_same_project_back_and_another_brief_under_it_is_a_conflict(api, settings):
    first = await asked(api, "POST", "/api/projects", json=BRIEF, headers={"Idempotency-Key": "order-7"})
    again = await asked(api, "POST", "/api/projects", json=BRIEF, headers={"Idempotency-Key": '"order-7"'})
    other = await asked(api, "POST", "/api/projects", json={"topic": "Rye"}, headers={"Idempotency-Key": "order-7"})

    assert (first[0], again[0], other[0]) == (201, 201, 409)
    assert again[1] == first[1]
    assert again[2]["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first[2]
    assert other[1]["code"] == "conflict"
    assert await store_of(settings).ids() == [first[1]["project_id"]]


async def test_a_double_click_under_one_key_makes_one_project(api, settings):
    answers = await asyncio.gather(
        *(asked(api, "POST", "/api/projects", json=BRIEF, headers={"Idempotency-Key": "twice"}) for _ in range(8))
    )

    assert {status for status, _, _ in answers} == {201}
    assert len({body["project_id"] for _, body, _ in answers}) == 1


async def test_a_project_may_bear_an_id_of_the_callers_own_once(api):
    status, body, _ = await asked(api, "POST", "/api/projects?project_id=4711", json=BRIEF)
    again = await asked(api, "POST", "/api/projects?project_id=4711", json=BRIEF)

    assert (status, body["project_id"]) == (201, 4711)
    assert (again[0], again[1]["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("brief", "field"),
    [
        pytest.param({}, "topic", id="nothing to tell"),
        pytest.param([], "brief", id="a list"),
        pytest.param("topic", "brief", id="a text"),
        pytest.param(None, "brief", id="null"),
        pytest.param({"topic": 7}, "topic", id="a number for a text"),
        pytest.param({"topic": "x" * 201}, "topic", id="a topic that is too long"),
        pytest.param({"topic": "a\u0007b"}, "topic", id="a control character"),
        pytest.param({"content": "x" * 10_001, "topic": "x"}, "content", id="a content that is too long"),
        pytest.param({"topic": "x", "duration_s": "60"}, "duration_s", id="a text for a number"),
        pytest.param({"topic": "x", "fps": 1e99}, "fps", id="a number beyond all"),
        pytest.param({"topic": "x", "colour": "red"}, "colour", id="a field that there is not"),
        pytest.param({"topic": "x", "publish_at": "2020-01-01T00:00:00+00:00"}, "publish_at", id="a moment that has passed"),
        pytest.param({"topic": "x", "channel": "nobody"}, "channel", id="a channel that there is not"),
        pytest.param({"topic": "x", "images_dir": "/etc"}, "images_dir", id="a folder of this machine"),
        pytest.param({"topic": "x", "logo": "../../etc/passwd"}, "logo", id="a file of this machine"),
        pytest.param({"topic": "x", "music": "/dev/zero"}, "music", id="a device"),
        pytest.param({"topic": "x", "images": ["a\u0000b"]}, "images", id="a name that can't be one"),
        pytest.param({"topic": "x", "lexicon": {"a" * 60_000: "b"}}, "lexicon", id="lists beyond a state"),
    ],
)
async def test_a_brief_that_is_wrong_is_refused_by_its_field_and_nothing_is_made(api, settings, brief, field):
    status, body, headers = await asked(
        api, "POST", "/api/projects", data=json.dumps(brief), headers={"Content-Type": "application/json"}
    )

    assert status == 422
    assert headers["Content-Type"].startswith("application/problem+json")
    assert (body["code"], body["field"], body["status"]) == ("invalid_brief", field, 422)
    assert body["detail"] and body["hint"] and body["allowed"]
    assert await store_of(settings).ids() == []


async def test_all_fields_that_are_wrong_are_told_at_once(api):
    _, body, _ = await asked(api, "POST", "/api/projects", json={"topic": "", "fps": 7, "aspect": "4:3"})

    assert [error["field"] for error in body["errors"]] == ["topic", "aspect", "fps"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        pytest.param(b"", "application/json", 400, "bad_request", id="nothing"),
        pytest.param(b'{"topic": "x"', "application/json", 400, "bad_request", id="half of it"),
        pytest.param(b'{"topic": NaN}', "application/json", 400, "bad_request", id="no number"),
        pytest.param(b'{"topic": "a", "topic": "b"}', "application/json", 400, "bad_request", id="a name twice"),
        pytest.param(b"[" * 100_000, "application/json", 400, "bad_request", id="a hundred thousand brackets"),
        pytest.param(
            b'{"fps": ' + b"9" * 10_000 + b"}", "application/json", 400, "bad_request", id="a number of ten thousand digits"
        ),
        pytest.param(b'{"topic": "\xff\xfe"}', "application/json", 400, "bad_request", id="no UTF-8"),
        pytest.param(b'{"topic": "x", "voice": "\\ud800"}', "application/json", 400, "bad_request", id="half a character"),
        pytest.param(b'{"topic": "x"}', "text/plain", 415, "unsupported_media_type", id="another type"),
        pytest.param(b"topic=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type", id="a form"),
        pytest.param(b'{"topic": "x"}', "application/json; charset=utf-16", 415, "unsupported_media_type", id="another charset"),
        pytest.param(b" " * 600_000, "application/json", 413, "too_large", id="too large"),
    ],
)
async def test_a_body_that_is_no_json_of_a_sensible_size_is_refused_and_nothing_is_made(api, settings, body, kind, status, code):
    answer = await asked(api, "POST", "/api/projects", data=body, headers={"Content-Type": kind})

    assert (answer[0], answer[1]["code"]) == (status, code)
    assert await store_of(settings).ids() == []


async def test_a_body_of_100_mb_is_answered_and_the_next_request_too(api, settings):
    async def without_a_length():
        for _ in range(100):
            yield b" " * 1_000_000

    told = await asked(
        api, "POST", "/api/projects", data=io.BytesIO(b" " * 100_000_000), headers={"Content-Type": "application/json"}
    )
    streamed = await asked(api, "POST", "/api/projects", data=without_a_length(), headers={"Content-Type": "application/json"})
    act = await asked(api, "POST", "/api/projects/1/start", data=io.BytesIO(b" " * 100_000_000))

    assert [answer[1]["code"] for answer in (told, streamed, act)] == ["too_large"] * 3
    assert await made(api)


async def test_a_body_that_does_not_come_is_not_waited_for_for_ever(api, settings, monkeypatch):
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.2)
    over = asyncio.Event()

    async def never_whole():
        yield b'{"topic": '
        await over.wait()

    answer = await asked(api, "POST", "/api/projects", data=never_whole(), headers={"Content-Type": "application/json"})
    over.set()

    assert (answer[0], answer[1]["code"]) == (408, "timed_out")
    assert await store_of(settings).ids() == []


@pytest.mark.parametrize("key", ["", "  ", "x" * 256, "\u00e9"])
async def test_a_key_that_is_none_is_refused(api, settings, key):
    status, body, _ = await asked(api, "POST", "/api/projects", json=BRIEF, headers={"Idempotency-Key": key})

    assert (status, body["field"]) == (422, "Idempotency-Key")
    assert await store_of(settings).ids() == []


@pytest.mark.parametrize("number", ["0", "-1", "01", "1.0", "%31%20", "9" * 17, "9" * 5_000, "１", "..%2F1", "null"])
async def test_what_is_no_id_is_not_found(api, number):
    status, body, headers = await asked(api, "GET", f"/api/projects/{number}")

    assert (status, body["code"]) == (404, "not_found")
    assert headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize("number", ["abc", "1"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/retry"), ("POST", "/cancel"), ("POST", "/approve"),
     ("GET", "/files"), ("GET", "/script"), ("GET", "/costs"), ("GET", "/files/output/final_video.mp4")],
)  # fmt: skip
async def test_nothing_can_be_asked_of_a_project_that_there_is_not(api, number, method, path):
    status, body, _ = await asked(api, method, f"/api/projects/{number}{path}")

    assert (status, body["code"]) == (404, "not_found")


async def test_pages_follow_each_other_without_gap_and_without_repeat_while_others_are_made(api):
    numbers = [(await made(api, {"topic": f"Topic {n}"}))["project_id"] for n in range(7)]

    first = (await asked(api, "GET", "/api/projects?limit=3"))[1]
    await made(api, {"topic": "made meanwhile"})
    second = (await asked(api, "GET", f"/api/projects?limit=3&after={first['next']}"))[1]
    last = (await asked(api, "GET", f"/api/projects?limit=3&after={second['next']}"))[1]

    assert [one["project_id"] for page in (first, second, last) for one in page["items"]] == numbers[::-1]
    assert last["next"] is None
    assert (await asked(api, "GET", f"/api/projects?after={numbers[0]}"))[1] == {"items": [], "next": None}


async def test_a_list_is_what_was_asked_for_and_knows_what_happened_just_now(api, settings):
    one, other = await made(api), await made(api, {"topic": "Rye and its loaves"})
    await asked(api, "GET", "/api/projects?status=created")
    await asked(api, "POST", f"/api/projects/{one['project_id']}/cancel")
    async with connect(settings) as queue:  # another process
        third = await queue.create_project({"topic": "made elsewhere"})

    async def found(query):
        return [item["project_id"] for item in (await asked(api, "GET", f"/api/projects?{query}"))[1]["items"]]

    assert await found("status=cancelled") == [one["project_id"]]
    assert await found("status=created") == [third.project_id, other["project_id"]]
    assert await found("status=cancelled&status=created") == [third.project_id, other["project_id"], one["project_id"]]
    assert await found("q=rye") == [other["project_id"]]
    assert await found("stage=script&q=elsewhere") == [third.project_id]
    assert await found("batch_id=1") == []


async def test_a_list_by_status_knows_what_another_process_did_just_now(api, settings):
    number = (await made(api))["project_id"]
    before = (await asked(api, "GET", "/api/projects?status=cancelled"))[1]
    async with connect(settings) as queue:
        await queue.cancel(number)

    after = (await asked(api, "GET", "/api/projects?status=cancelled"))[1]

    assert [one["project_id"] for one in before["items"]] == []
    assert [one["project_id"] for one in after["items"]] == [number]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=broken", "status"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=1&limit=2", "limit"),
        ("after=abc", "after"),
        ("after=-1", "after"),
        ("after=" + "9" * 400, "after"),
        ("after=", "after"),
        ("batch_id=x", "batch_id"),
        ("stage=cutting", "stage"),
        ("q=" + "x" * 201, "q"),
        ("stauts=failed", "stauts"),
    ],
)
async def test_a_query_that_is_wrong_is_refused_by_its_name(api, query, field):
    status, body, _ = await asked(api, "GET", f"/api/projects?{query}")

    assert (status, body["code"], body["field"]) == (422, "invalid_brief", field)
    assert body["allowed"]


async def test_what_is_asked_of_a_project_is_done_and_what_does_not_fit_its_state_is_a_conflict(api, settings):
    number = (await made(api))["project_id"]
    path = f"/api/projects/{number}"

    started = await asked(api, "POST", f"{path}/start")
    twice = await asked(api, "POST", f"{path}/start")
    approved = await asked(api, "POST", f"{path}/approve")
    cancelled = await asked(api, "POST", f"{path}/cancel", json={})
    again = await asked(api, "POST", f"{path}/cancel")
    retried = await asked(api, "POST", f"{path}/retry", json={"from_stage": "script"})
    too_late = await asked(api, "POST", f"{path}/retry")

    assert [(one[0], one[1]["status"]) for one in (started, twice)] == [(202, "queued"), (202, "queued")]
    assert (approved[0], approved[1]["code"]) == (409, "wrong_state")
    assert [(one[0], one[1]["status"]) for one in (cancelled, again)] == [(200, "cancelled"), (200, "cancelled")]
    assert (retried[0], retried[1]["status"], retried[1]["run"]) == (202, "queued", 2)
    assert (too_late[0], too_late[1]["code"]) == (409, "wrong_state")


async def test_a_retry_under_one_key_is_one_retry(api):
    path = f"/api/projects/{(await made(api))['project_id']}"
    await asked(api, "POST", f"{path}/cancel")

    first = await asked(api, "POST", f"{path}/retry", headers={"Idempotency-Key": "r"})
    again = await asked(api, "POST", f"{path}/retry", headers={"Idempotency-Key": "r"})
    other = await asked(api, "POST", f"{path}/cancel", headers={"Idempotency-Key": "r"})

    assert (first[0], again[0]) == (202, 202)
    assert (first[1]["run"], again[1]["run"]) == (1, 1)
    assert again[2]["Idempotency-Replayed"] == "true"
    assert (other[0], other[1]["code"]) == (409, "conflict")


async def test_a_key_of_an_act_that_failed_may_be_used_again(api):
    path = f"/api/projects/{(await made(api))['project_id']}"
    failed = await asked(api, "POST", f"{path}/retry", headers={"Idempotency-Key": "r"})
    await asked(api, "POST", f"{path}/cancel")

    assert failed[0] == 409
    assert (await asked(api, "POST", f"{path}/retry", headers={"Idempotency-Key": "r"}))[0] == 202


@pytest.mark.parametrize("body", [{"from_stage": "cutting"}, {"from": "render"}, [], {"from_stage": 3}])
async def test_a_retry_from_nowhere_is_refused(api, body):
    path = f"/api/projects/{(await made(api))['project_id']}"
    await asked(api, "POST", f"{path}/cancel")

    status, problem, _ = await asked(api, "POST", f"{path}/retry", json=body)

    assert (status, problem["code"]) == (422, "invalid_brief")


async def test_a_project_that_is_deleted_is_gone_and_its_key_stays_taken(api):
    number = (await made(api, **{"Idempotency-Key": "gone"}))["project_id"]

    deleted = await asked(api, "DELETE", f"/api/projects/{number}")

    assert deleted[:2] == (204, None)
    assert (await asked(api, "DELETE", f"/api/projects/{number}"))[0] == 404
    assert (await asked(api, "GET", f"/api/projects/{number}"))[0] == 404
    assert (await asked(api, "POST", "/api/projects", json=BRIEF, headers={"Idempotency-Key": "gone"}))[0] == 409


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("PATCH", "/api/projects", 405, {"GET", "HEAD", "POST"}),
        ("PUT", "/api/projects/1", 405, {"GET", "HEAD", "DELETE"}),
        ("GET", "/api/projects/1/start", 405, {"POST"}),
        ("GET", "/api/nothing", 404, None),
        ("GET", "/api/projects/1/2/3", 404, None),
    ],
)
async def test_another_method_or_address_is_a_problem_too(api, method, path, status, allowed):
    answer = await asked(api, method, path)

    assert answer[0] == answer[1]["status"] == status
    assert answer[2]["Content-Type"].startswith("application/problem+json")
    assert allowed is None or set(answer[2]["Allow"].replace(" ", "").split(",")) == allowed


async def test_a_script_of_markup_comes_back_as_text(api):
    body = await made(api, {"topic": '<script>alert("x")</script>'})

    async with api.get(f"/api/projects/{body['project_id']}") as answer:
        assert answer.headers["Content-Type"] == "application/json"
        assert (await answer.json())["brief"]["topic"] == '<script>alert("x")</script>'


async def test_times_are_utc_and_whole(api):
    body = await made(api)

    assert datetime.fromisoformat(body["created_at"]).utcoffset() == datetime.now(UTC).utcoffset()
