"""Workers, queues, quotas and costs over HTTP; and what is answered while Redis is away, or by whom it is asked."""

import asyncio
import re
from decimal import Decimal
from urllib.parse import quote

import aiohttp
import pytest
from pydantic import SecretStr

from jobs.spending import Caps, Spender
from reelqueue.models.cost import Cost
from reelqueue.models.project import Usage
from storage import Ledger, Paths, ProjectStore
from tests.api_client import asked
from tests.boards import serving_board
from tests.workers import worker

TOKEN = "a-token-of-the-tests"
QUEUES = ["video_generation", "batch_processing", "maintenance"]


@pytest.fixture
async def api(settings):
    async with serving_board(settings) as address, aiohttp.ClientSession(address) as session:
        yield session


async def test_queues_are_listed_and_one_is_paused_and_resumed(api):
    listed = (await asked(api, "GET", "/api/queues"))[1]
    paused = await asked(api, "POST", "/api/queues/video_generation/pause")
    again = await asked(api, "POST", "/api/queues/video_generation/pause")
    one = await asked(api, "GET", "/api/queues/video_generation")
    resumed = await asked(api, "POST", "/api/queues/video_generation/resume")

    assert [queue["name"] for queue in listed["items"]] == QUEUES
    assert [(one[0], one[1]["paused"]) for one in (paused, again, one, resumed)] == [
        (200, True),
        (200, True),
        (200, True),
        (200, False),
    ]


async def test_what_is_in_a_queue_comes_in_its_order_and_by_pages(api):
    made = [(await asked(api, "POST", "/api/projects", json={"topic": f"Bread {n}"}))[1]["project_id"] for n in range(3)]
    for number in made:
        await asked(api, "POST", f"/api/projects/{number}/start")

    first = (await asked(api, "GET", "/api/queues/video_generation/jobs?limit=2"))[1]
    last = (await asked(api, "GET", f"/api/queues/video_generation/jobs?limit=2&after={first['next']}"))[1]

    assert [job["project_id"] for job in first["items"] + last["items"]] == made
    assert [job["place"] for job in first["items"] + last["items"]] == [1, 2, 3]
    assert {job["job"] for job in first["items"]} == {"generate_script_task"}
    assert last["next"] is None


async def name_of(api, pid):
    """The worker of this process, as soon as its heart beats."""
    async with asyncio.timeout(20):
        while True:
            listed = (await asked(api, "GET", "/api/workers"))[1]["items"]
            if names := [one["name"] for one in listed if one["pid"] == pid]:
                return names[0]
            await asyncio.sleep(0.05)


async def test_a_worker_that_lives_is_listed_and_drains(api, settings):
    async with worker(settings, "MaintenanceWorker") as running:
        name = await name_of(api, running.pid)

        status, body, _ = await asked(api, "POST", f"/api/workers/{quote(name, safe='')}/drain")

        assert (status, body["state"], body["queue"]) == (202, "draining", "maintenance")
        assert await running.ended(20) == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/workers/nobody"), ("POST", "/workers/nobody/drain"), ("GET", "/queues/none"), ("GET", "/queues/none/jobs"),
     ("POST", "/queues/none/pause"), ("POST", "/queues/none/resume"), ("POST", "/queues/" + "x" * 5_000 + "/pause")],
)  # fmt: skip
async def test_a_worker_or_a_queue_that_there_is_not_is_not_found(api, method, path):
    status, problem, _ = await asked(api, method, f"/api{path}")

    assert (status, problem["code"]) == (404, "not_found")


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "after=-1", "after=x", "before=3"])
async def test_a_wrong_page_of_a_queue_is_refused(api, query):
    assert (await asked(api, "GET", f"/api/queues/maintenance/jobs?{query}"))[0] == 422


async def test_what_was_paid_is_told_by_day_and_by_project(api, settings):
    paths = Paths(settings.data_dir)
    state = await ProjectStore.reader(paths).create({"topic": "Bread"})
    spender = Spender(Ledger(paths), state.project_id, Caps(daily_usd=Decimal(5), project_usd=Decimal(2)))
    held = await spender.reserve("1.image.1", Cost(usd=Decimal("0.10")))
    await spender.settle(held, (Usage(service="gemini", model="m", unit="image", amount=1, cost_usd=0.07),))

    status, body, _ = await asked(api, "GET", "/api/costs?days=3")
    one = (await asked(api, "GET", f"/api/projects/{state.project_id}/costs"))[1]

    assert (status, len(body["items"]), body["total"]["days"]) == (200, 3, 3)
    assert body["today"] == {"used_usd": 0.07, "reserved_usd": 0.0, "cap_usd": 5.0, "usage": body["total"]["usage"]}
    assert (one["used_usd"], one["cap_usd"], one["project_id"]) == (0.07, 2.0, state.project_id)
    assert body["project_cap_usd"] == 2.0


@pytest.mark.parametrize("days", ["0", "61", "x", "1.5", ""])
async def test_days_that_are_none_are_refused(api, days):
    status, problem, _ = await asked(api, "GET", f"/api/costs?days={days}")

    assert (status, problem["field"]) == (422, "days")


async def test_quotas_are_told_by_bucket(settings):
    own = settings.model_copy(update={"gemini_api_key": SecretStr("AIza-key-of-the-test")})
    async with serving_board(own) as address, aiohttp.ClientSession(address) as api:
        status, body, _ = await asked(api, "GET", "/api/quotas")

    assert status == 200
    assert {one["service"] for one in body["items"]} == {"gemini"}
    assert (body["next"], body["captions_owed"]) == (None, [])


async def test_without_redis_what_is_on_disk_is_told_and_what_needs_it_is_refused_and_nothing_changes(settings):
    away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    async with serving_board(away) as address, aiohttp.ClientSession(address) as api:
        made = await asked(api, "POST", "/api/projects", json={"topic": "Bread"})
        told = [await asked(api, "GET", f"/api{path}") for path in ("/projects", "/projects/1", "/batches", "/costs", "/quotas")]
        refused = [
            await asked(api, method, f"/api{path}")
            for method, path in (
                ("POST", "/projects/1/start"),
                ("GET", "/workers"),
                ("GET", "/queues"),
                ("DELETE", "/projects/1"),
            )
        ]

    assert made[0] == 201
    assert [status for status, _, _ in told] == [200] * 5
    assert [(status, problem["code"]) for status, problem, _ in refused] == [(503, "invalid_settings")] * 4
    assert {headers["Retry-After"] for _, _, headers in refused} == {"5"}
    assert (await ProjectStore.reader(Paths(settings.data_dir)).load(1)).run == 0


@pytest.fixture
async def guarded(settings):
    own = settings.model_copy(
        update={
            "dashboard_password": SecretStr("of the operator"),
            "dashboard_viewer_password": SecretStr("of the viewer"),
            "api_token": SecretStr(TOKEN),
        }
    )
    async with (
        serving_board(own) as address,
        aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        yield session


async def test_with_a_password_the_api_wants_its_token(guarded):
    right, wrong = {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": "Bearer another"}

    told = [await asked(guarded, "GET", "/api/projects", headers=headers) for headers in ({}, wrong, right)]
    made = [await asked(guarded, "POST", "/api/projects", json={"topic": "x"}, headers=headers) for headers in ({}, wrong, right)]

    assert [status for status, _, _ in told] == [401, 401, 200]
    assert [status for status, _, _ in made] == [401, 401, 201]
    assert told[0][1]["code"] == "unauthorized"
    assert told[0][2]["WWW-Authenticate"].startswith("Bearer")


async def test_a_viewer_reads_by_the_api_and_changes_nothing(guarded):
    """In a browser that signed in, as a page's script would ask."""
    async with guarded.get("/sign-in") as page:
        token = re.findall(r'name="csrf" value="([^"]+)"', await page.text())[0]
    origin = {"Origin": str(page.url.origin())}
    form = {"csrf": token, "password": "of the viewer"}
    async with guarded.post("/sign-in", data=form, headers=origin, allow_redirects=False) as entered:
        assert entered.status == 303

    told = await asked(guarded, "GET", "/api/projects")
    changes = [
        await asked(guarded, method, path, headers=origin, json={"topic": "x"})
        for method, path in (("POST", "/api/projects"), ("DELETE", "/api/projects/1"), ("POST", "/api/queues/maintenance/pause"))
    ]

    assert told[0] == 200
    assert [(status, problem["code"]) for status, problem, _ in changes] == [(403, "forbidden")] * 3


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null"])
async def test_a_page_from_elsewhere_changes_nothing(api, settings, origin):
    status, problem, _ = await asked(api, "POST", "/api/projects", json={"topic": "x"}, headers={"Origin": origin})

    assert (status, problem["code"]) == (403, "forbidden")
    assert await ProjectStore.reader(Paths(settings.data_dir)).ids() == []


async def test_another_name_for_this_machine_is_refused(api):
    status, problem, _ = await asked(api, "GET", "/api/projects", headers={"Host": "elsewhere.example"})

    assert (status, problem["code"]) == (421, "unknown_host")
