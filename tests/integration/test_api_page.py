"""Every example of docs/api.md, asked in its order of a board that serves for real."""

import asyncio
import hashlib
import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from jobs.editing.reading import as_edited
from reelqueue.dashboard.api import batches, operation, projects, queries, scripts
from reelqueue.dashboard.problems import CODE_OF_STATUS, STATUS_OF_CODE
from reelqueue.models.project import Artifact
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Paths, ProjectStore
from tests.boards import serving_board
from tests.integration.test_api_scripts import SCRIPT

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
EXAMPLES = re.findall(r"^(curl .+?)  # (\d{3})$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@dataclass
class Curl:
    """A request as the command line has it."""

    url: str = ""
    method: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    is_stream: bool = False

    @classmethod
    def of(cls, line: str, address: str) -> "Curl":
        words, made = iter(shlex.split(line.replace("$API", f"{address}/api"))[1:]), cls()
        for word in words:
            match word:
                case "-X":
                    made.method = next(words)
                case "-H":
                    name, _, value = next(words).partition(": ")
                    made.headers[name] = value
                case "-d":
                    made.body = next(words)
                case "-r":
                    made.headers["Range"] = f"bytes={next(words)}"
                case "-o":
                    next(words)
                case "-s" | "-i":
                    pass
                case "-sN":
                    made.is_stream = True
                case _:
                    made.url = word
        made.method = made.method or ("GET" if made.body is None else "POST")
        return made


async def settle(store: ProjectStore, line: str) -> None:
    """Let project 1 be so far as the page tells of it: what workers do meanwhile in its reader's installation."""
    if line.endswith("/files"):
        files = store.paths.project(1)
        files.make()
        files.video.write_bytes(b"v" * 2_000_000)
        files.captions.write_text("1\n00:00:00,000 --> 00:00:01,000\nBread\n", encoding="utf-8")
    if line.endswith("-i $API/projects/1/script"):
        body = SCRIPT.model_dump_json().encode()
        store.paths.project(1).script.write_bytes(body)
        file = Artifact(path="script.json", sha256=hashlib.sha256(body).hexdigest(), bytes=len(body))
        await store.change(
            1,
            lambda state: state.with_stage(
                Stage.SCRIPT, status=StageStatus.DONE, fingerprint="f", artifacts=(file,), result={}
            ).replace(status=ProjectStatus.WAITING_REVIEW),
        )


async def status_of(session: aiohttp.ClientSession, asked: Curl) -> tuple[int, str]:
    edit = as_edited(SCRIPT)
    edit["metadata"]["title"] = "Bread that crackles"
    body = json.dumps(edit) if asked.body == "@script.json" else asked.body
    async with session.request(asked.method, asked.url, headers=asked.headers, data=body) as answer:
        return answer.status, "" if asked.is_stream else (await answer.read()).decode()


async def test_every_example_answers_as_the_page_says(settings):
    store = ProjectStore.reader(Paths(settings.data_dir))
    told = []
    async with asyncio.timeout(120), serving_board(settings) as address, aiohttp.ClientSession() as session:
        for line, _ in EXAMPLES:
            await settle(store, line)
            told.append(await status_of(session, Curl.of(line, address)))

    assert len(EXAMPLES) > 30
    assert [(line, status) for (line, _), (status, _) in zip(EXAMPLES, told, strict=True)] == [
        (line, int(status)) for line, status in EXAMPLES
    ], [body for (_, expected), (status, body) in zip(EXAMPLES, told, strict=True) if int(expected) != status]


def test_every_code_of_the_pages_table_is_one_of_ours():
    table = PAGE.read_text(encoding="utf-8").partition("| status | `code` | do |")[2].partition("\n\n")[0]

    found = [(row.split("|")[1], re.findall(r"`([a-z_]+)`", row.split("|")[2])) for row in table.strip().splitlines()[1:]]
    wrong = [
        (statuses, code)
        for statuses, codes in found
        for code in codes
        if str(int(STATUS_OF_CODE.get(code, 0))) not in statuses
        and not any(known == code and str(status) in statuses for status, known in CODE_OF_STATUS.items())
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("512 kB", projects.BRIEF_BYTES // 1_000),
        ("1 MB", scripts.SCRIPT_BYTES // 1_000_000),
        ("32 MB", batches.BATCH_BYTES // 1_000_000),
        ("64 kB", operation.ACT_BYTES // 1_000),
        ("200", queries.MOST_LISTED),
        ("60", queries.MOST_DAYS),
        ("50 where none is said", queries.USUALLY_LISTED),
    ],
)
def test_the_pages_limits_are_those_of_the_code(words, number):
    assert words.split()[0] == str(number)
    assert words in PAGE.read_text(encoding="utf-8").partition("## Limits")[2]
