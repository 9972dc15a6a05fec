"""One project's or batch's state that can't be read, on the command line, on the board and over the API: the others are there, and it is."""

import json
import shutil

import aiohttp
import pytest

from reelqueue.cli import command
from reelqueue.settings import Settings
from storage import BatchStore, Owner, Paths, ProjectStore
from tests.api_client import asked
from tests.boards import serving_board
from tests.read_only import CAN_MOUNT, read_only
from tests.spoilt_files import NOT_TO_BE_READ, unreadable

pytestmark = pytest.mark.skipif(not NOT_TO_BE_READ.exists(), reason="needs Linux's /proc")
PAGES = ("/", "/projects", "/batches", "/publishing", "/workers", "/projects/1", "/batches/1")


@pytest.fixture
async def paths(settings: Settings) -> Paths:
    """Three projects and three batches, of which the second ones are broken by the tests; and a copy of project 1 as 7."""
    paths = Paths(settings.data_dir)
    projects, batches = (kind(paths, Owner.here(), lease_seconds=5) for kind in (ProjectStore, BatchStore))
    for number in (1, 2, 3):
        await projects.create({"topic": f"Topic {number}"}, batch_id=1)
        await batches.create([1, 2, 3], content=[number])
    shutil.copytree(paths.project(1).root, paths.project(7).root)
    return paths


async def test_board_and_api_show_it_beside_the_others(settings, paths):
    with unreadable(paths.project(2).state), unreadable(paths.batch(2) / "batch_state.json"):
        async with serving_board(settings) as address, aiohttp.ClientSession(address) as session:
            projects, needing = [
                (await asked(session, "GET", f"/api/projects{query}"))[1] for query in ("", "?status=needs_person")
            ]
            batches, alone = (await asked(session, "GET", "/api/batches"))[1], await asked(session, "GET", "/api/projects/2")
            foreign = await asked(session, "GET", "/api/projects/7")
            pages = {}
            for page in PAGES:
                async with session.get(page, headers={"Accept": "text/html", "Accept-Language": "en"}) as answer:
                    pages[page] = (answer.status, await answer.text())

    assert [one["project_id"] for one in projects["items"]] == [3, 1]
    assert [(one["id"], one["error"]["code"]) for one in projects["unreadable"]] == [
        (7, "needs_person"),
        (2, "storage_unavailable"),
    ]
    assert (needing["items"], needing["unreadable"]) == ([], projects["unreadable"])
    assert ([one["batch_id"] for one in batches["items"]], [one["id"] for one in batches["unreadable"]]) == ([3, 1], [2])
    assert (alone[0], foreign[0]) == (503, 409)
    assert {status for status, _ in pages.values()} == {200}
    assert "/projects/2" in pages["/projects"][1] and "/projects/3" in pages["/projects"][1]
    assert "Batch 2 can" in pages["/batches"][1]
    assert "The states of 2 projects can" in pages["/"][1]


async def test_what_is_done_to_a_copy_befalls_nobody(settings, paths):
    before = paths.project(1).state.read_bytes()
    async with serving_board(settings) as address, aiohttp.ClientSession(address) as session:
        acts = [(await asked(session, "POST", f"/api/projects/7/{act}"))[0] for act in ("start", "cancel", "retry", "approve")]
        deleted = await asked(session, "DELETE", "/api/projects/7")

    assert acts == [409] * 4
    assert (deleted[0], paths.project(7).root.exists(), paths.project(1).state.read_bytes()) == (204, False, before)


def test_the_command_line_lists_the_others_and_names_it(settings, paths, monkeypatch, capsys):
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("REELQUEUE_LANGUAGE", "en")
    with unreadable(paths.project(2).state), unreadable(paths.batch(2) / "batch_state.json"):
        codes = [command(words) for words in (("list", "--json"), ("batches", "--json"))]
    out, err = capsys.readouterr()
    projects, end = json.JSONDecoder().raw_decode(out)
    batches = json.loads(out[end:])

    assert codes == [0, 0]
    assert [one["project_id"] for one in projects] == [3, 1]
    assert [one["batch_id"] for one in batches] == [3, 1]
    assert all(said in err for said in ("project 2: ", "project 7: ", "batch 2: ", "Input/output error", "its folder was copied"))


@pytest.mark.skipif(not CAN_MOUNT, reason="needs a mount of its own")
async def test_a_board_whose_folder_cant_be_written_says_that_it_is_not_ready(settings, paths):
    async with serving_board(settings) as address, aiohttp.ClientSession(address) as session:
        with read_only(paths.root):
            red, pages = await asked(session, "GET", "/readyz"), await asked(session, "GET", "/api/projects")
        green = await asked(session, "GET", "/readyz")

    assert (red[0], red[1]["checks"]["disk"], pages[0]) == (503, "away", 200)
    assert (green[0], green[1]["checks"]["disk"]) == (200, "ok")
