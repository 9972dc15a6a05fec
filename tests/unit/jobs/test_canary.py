"""A key that a service quotes in its refusal goes no further than that: not into a state, a result, an event, a page, a log or a notice."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import structlog
from arq.connections import ArqRedis
from pydantic import SecretStr

from reelqueue import telemetry
from reelqueue.errors import NeedsPerson, PermanentError, as_wire
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.settings import Settings
from reelqueue.wording import same
from storage import Paths
from tests.boards import serving_board

CANARY, PASSWORD = "canary-of-a-key-0815", "canary-of-a-password-4711"
BY_FORM = "ya29.canary-of-an-access-token"
SAID = f"refused: key={CANARY}, Authorization: Bearer {BY_FORM}, redis://u:{PASSWORD}@host/0"
WORDS = (CANARY, PASSWORD, BY_FORM)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    more = {"gemini_api_key": SecretStr(CANARY), "webhook_url": "https://app.example.org/hook", "notify_command": "true"}
    return settings.model_copy(update=more | {"webhook_secret": SecretStr(f"whsec_{CANARY}")})


@pytest.fixture
def log(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What this process says, as `telemetry` has it written."""
    root = logging.getLogger()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    monkeypatch.setattr(telemetry, "_secrets", set())
    written = io.StringIO()
    telemetry.configure(stream=written, secrets=settings.secrets(), level="debug")
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    logging.raiseExceptions = raising
    structlog.reset_defaults()


def leaks(what: dict[str, str | bytes]) -> dict[str, str]:
    """Where one of the words stands, and which."""
    texts = {place: said if isinstance(said, str) else said.decode("utf-8", "replace") for place, said in what.items()}
    return {place: word for place, said in texts.items() for word in WORDS if word in said}


async def everything(settings: Settings, redis: ArqRedis, redis_admin: ArqRedis) -> dict[str, str | bytes]:
    """All that is kept, on disk and in Redis, and what the board shows of it."""
    folder = Paths(settings.data_dir).root
    files = await asyncio.to_thread(lambda: {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    kept = {key.decode(): await redis_admin.dump(key) or b"" for key in await redis_admin.keys("*")}
    shown: dict[str, str | bytes] = {}
    async with serving_board(settings) as url, aiohttp.ClientSession() as session:
        for path in ("/", "/projects", "/projects/1", "/api/projects", "/api/projects/1", "/metrics", "/workers"):
            async with session.get(url + path) as answer:
                shown[path] = await answer.text()
        async with session.get(f"{url}/api/projects/1/events") as answer:
            shown["events"] = await answer.content.readuntil(b"\n\n") + await answer.content.readuntil(b"\n\n")
    return files | kept | shown


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(PermanentError(SAID, SAID), ProjectStatus.FAILED, id="a failure"),
        pytest.param(NeedsPerson(same(SAID), same(SAID)), ProjectStatus.NEEDS_PERSON, id="a wait"),
        pytest.param(RuntimeError(SAID), ProjectStatus.FAILED, id="a mistake of ours"),
    ],
)
async def test_a_key_in_an_error_reaches_no_sink(settings, log, queue, crew, stages, project, redis, redis_admin, error, status):
    stages.fail(Stage.SCRIPT, error)
    job = await queue.start(1)
    async with crew.working(), asyncio.timeout(60):
        while (
            await queue.get_project(1)
        ).status is not status or "refused" not in log.getvalue():  # what is committed is told then
            await asyncio.sleep(0.02)

    found = await everything(settings, redis, redis_admin)
    assert leaks(found | {"log": log.getvalue(), "result": repr(await job.info())}) == {}
    assert any("outbox" in place or "notices" in place for place in found)  # who is to be told would have been told it
    assert "refused" in log.getvalue()


def test_settings_say_no_secret_in_whatever_form(settings, log):
    said = {"repr": repr(settings), "str": str(settings), "json": settings.model_dump_json(), "dump": repr(settings.model_dump())}

    assert leaks(said) == {}
    assert "gemini_api_key" in said["repr"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_trace_says_no_secret_nor_what_stood_in_the_variables(settings, log, log_format):
    telemetry.configure(stream=log, secrets=settings.secrets(), level="debug", log_format=log_format)
    inner = CANARY
    try:
        raise ValueError(SAID, inner)  # noqa: TRY301 - it needs a frame with such a variable
    except ValueError as error:
        structlog.get_logger().error("bug", exc_info=error, given={"deep": [SAID]}, api_key=inner)
        logging.getLogger("a.library").exception("it broke: %s", SAID)

    assert leaks({"log": log.getvalue()}) == {}
    assert log.getvalue().count("ValueError") >= 2


def test_an_error_that_travels_says_no_secret(log):
    wire = as_wire(PermanentError(SAID, SAID))

    assert leaks({"wire": json.dumps(wire)}) == {}
    assert wire["message"].startswith("refused: key=***")


def test_the_settings_of_arq_are_never_written_out():
    """Their `repr` holds the password."""
    root = Path(__file__).resolve().parents[3]
    found = [
        path for path in (*root.glob("jobs/**/*.py"), *root.glob("reelqueue/**/*.py")) if "{redis_settings" in path.read_text()
    ]

    assert found == []
