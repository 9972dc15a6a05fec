"""What the API says of itself: the OpenAPI file, the page made of it, and that both are true of what is served."""

import re
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from reelqueue.dashboard import api as served
from reelqueue.dashboard import dashboard
from reelqueue.dashboard.api.openapi import document
from reelqueue.dashboard.api.table import OPERATIONS
from tests.api_client import asked
from tests.boards import serving_board

CONTRACT = Path(__file__).parents[2] / "docs" / "contract.md"


@pytest.fixture
async def api(settings):
    async with serving_board(settings) as address, aiohttp.ClientSession(address) as session:
        yield session


def references(data):
    """Every `$ref` in it."""
    if isinstance(data, dict):
        return {value for name, value in data.items() if name == "$ref"} | {
            ref for one in data.values() for ref in references(one)
        }
    return {ref for one in data for ref in references(one)} if isinstance(data, list) else set()


async def test_the_file_is_openapi_3_1_and_whole(api):
    async with api.get("/api/openapi.json") as answer:
        whole = await answer.json()

    assert answer.status == 200
    assert whole["openapi"] == "3.1.0"
    assert whole["servers"] == [{"url": "/api"}]
    named = {ref.rpartition("/")[2] for ref in references(whole)}
    assert named <= whole["components"]["schemas"].keys()


@pytest.mark.parametrize("language", ["zh-TW", "en"])
def test_every_operation_is_told_in_both_languages(language):
    whole = document(OPERATIONS, language, "")

    told = [one for methods in whole["paths"].values() for one in methods.values()]
    has_chinese = [bool(re.search("[\u4e00-\u9fff]", one["summary"])) for one in told]
    assert len(told) == len(OPERATIONS)
    assert set(has_chinese) == {language == "zh-TW"}
    assert len({one["operationId"] for one in told}) == len(told)


def test_the_paths_of_the_contract_are_served():
    paths = {route.path for route in served.ROUTES}

    one = ("", "/start", "/retry", "/cancel", "/approve", "/events")
    wanted = {f"/projects{{project_id}}{end}".replace("{", "/{", 1) for end in (*one, "/files/{path:path}", "/files", "/script")}
    wanted |= {f"/batches/{{batch_id}}{end}" for end in (*one, "/pause", "/resume", "/results")}
    wanted |= {"/projects", "/batches", "/workers", "/queues", "/queues/{name}/pause", "/queues/{name}/resume"}
    wanted |= {"/quotas", "/costs", "/openapi.json", "/docs", "/workers/{name:path}/drain", "/queues/{name}/jobs"}
    assert wanted <= paths


async def test_the_page_is_ours_alone_and_names_every_operation(api):
    async with api.get("/api/docs") as answer:
        page = await answer.text()

    assert answer.status == 200
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)
    assert not re.findall(r"\sstyle=|<script>|\son[a-z]+=", page)
    assert [one.name for one in OPERATIONS if f'id="{one.name}"' not in page] == []
    assert page.count("<h1") == 1
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


async def test_every_shape_that_the_page_links_to_is_told(api):
    async with api.get("/api/docs") as answer:
        linked = set(re.findall(r'href="/api/docs/shapes#(shape-\w+)"', await answer.text()))
    async with api.get("/api/docs/shapes") as answer:
        told = set(re.findall(r'id="(shape-\w+)"', await answer.text()))

    assert linked
    assert linked <= told


async def test_a_problem_says_where_its_code_is_explained(api):
    async with api.get("/api/projects/7") as answer:
        problem = await answer.json()
    async with api.get("/api/docs") as answer:
        page = await answer.text()

    address, _, anchor = problem["type"].partition("#")
    assert address == "/api/docs"
    assert f'id="{anchor}"' in page


async def test_who_asks_for_the_api_itself_is_shown_what_it_can_do(api):
    async with api.get("/api/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (307, "/api/docs")


@pytest.mark.parametrize(("language", "word"), [("en", "there is no project"), ("zh-TW,zh;q=0.9", "找不到專案")])
async def test_a_problem_speaks_the_callers_language(api, language, word):
    async with api.get("/api/projects/7", headers={"Accept-Language": language}) as answer:
        assert word in (await answer.json())["detail"]


async def test_mounted_in_a_hosts_application_every_address_begins_where_it_is_mounted(settings):
    board = dashboard(settings)
    host = Starlette(routes=[Mount("/videos", board)], lifespan=lambda _host: board.router.lifespan_context(board))
    async with serving_board(host) as address, aiohttp.ClientSession(address) as api:
        made = await asked(api, "POST", "/videos/api/projects", json={"topic": "x"})
        wrong = await asked(api, "GET", "/videos/api/projects/99")
        nowhere = await asked(api, "GET", "/videos/api/nothing")
        whole = await asked(api, "GET", "/videos/api/openapi.json")

    assert made[0] == 201
    assert made[2]["Location"] == f"/videos/api/projects/{made[1]['project_id']}"
    assert (wrong[0], wrong[1]["type"]) == (404, "/videos/api/docs#problem-not_found")
    assert (nowhere[0], nowhere[1]["code"]) == (404, "not_found")
    assert whole[1]["servers"] == [{"url": "/videos/api"}]
