"""The API against its own OpenAPI file: whatever the file allows, and what it forbids, is answered as the file says.

Few examples of each operation, the same each time; many more were tried by hand (docs/api.md stands on it): `st run` on a served board.
"""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from pydantic import SecretStr
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from reelqueue.dashboard.api.openapi import document
from reelqueue.dashboard.api.table import OPERATIONS
from reelqueue.settings import Settings
from storage import BatchStore, Paths, ProjectStore
from tests.boards import serving_board

PROJECTS, BATCHES = 8, 3
NAMES = {"video_generation", "batch_processing", "maintenance", "nobody"}
FILES = {"output/final_video.mp4", "output/captions.vtt", "nothing.mp4"}
STREAMS = {"project_events", "batch_events"}


def known() -> dict:
    """The file, its ids and names mostly those that are there: else all would be 404."""
    whole = document(OPERATIONS, "en", "")
    paths = {path: dict(methods) for path, methods in whole["paths"].items()}
    for path, methods in paths.items():
        for method, one in methods.items():
            parameters = [shown | {"schema": _there(shown)} if shown["in"] == "path" else shown for shown in one["parameters"]]
            paths[path][method] = one | {"parameters": parameters}
    return whole | {"paths": paths}


def _there(parameter: dict) -> dict:
    match parameter["name"]:
        case "project_id":
            return {"type": "integer", "minimum": 1, "maximum": PROJECTS}
        case "batch_id":
            return {"type": "integer", "minimum": 1, "maximum": BATCHES}
        case "name":
            return {"type": "string", "enum": sorted(NAMES)}
    return {"type": "string", "enum": sorted(FILES)}


async def fill(paths: Paths) -> None:
    """Projects of several kinds, one with files, and batches."""
    projects = ProjectStore.reader(paths)
    for n in range(PROJECTS):
        await projects.create({"topic": f"Topic {n}", "language": "en"}, batch_id=1 if n < BATCHES else None)
    files = paths.project(1)
    files.make()
    files.video.write_bytes(b"v" * 1_000)
    files.captions.write_text("1\n00:00:00,000 --> 00:00:01,000\nBread\n", encoding="utf-8")
    for n in range(BATCHES):
        await BatchStore.reader(paths).create([n + 1])


@pytest.fixture(scope="module")
def board(_server, tmp_path_factory) -> Iterator[str]:
    """A board in a thread of its own: the tests ask it as any program does."""
    found = Settings(
        _env_file=None,
        redis_url=SecretStr(_server.url),
        data_dir=tmp_path_factory.mktemp("api") / "data",
        reelqueue_language="en",
        dashboard_port=0,
    )
    address, over = Future[str](), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        await fill(Paths(found.data_dir))
        async with serving_board(found) as url:
            address.set_result(url)
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield address.result(timeout=60)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        loop.close()


CONFIG = {
    "seed": 13,
    "generation": {"max-examples": 5, "deterministic": True, "database": "none"},
    "phases": {"examples": {"enabled": False}, "coverage": {"enabled": False}, "stateful": {"enabled": False}},
}
schema = schemathesis.openapi.from_dict(known(), config=SchemathesisConfig.from_dict(CONFIG))


@schema.exclude(operation_id=sorted(STREAMS)).parametrize()
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_what_is_answered_is_what_the_file_says(board, case):
    """But for one check: a brief has rules that no schema states (a channel that there is, a moment to come, a file that is there)."""
    case.call_and_validate(base_url=f"{board}/api", excluded_checks=[positive_data_acceptance])
