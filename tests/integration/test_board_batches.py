"""`/batches` over a real server: what its pages show, what their buttons do, and a file that becomes a batch."""

import contextlib
import gzip
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from jobs.client import connect
from reelqueue.models.brief import parse_brief
from reelqueue.models.project import StageError, Wait
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage, StageStatus
from reelqueue.settings import Settings
from storage import Agreements, BatchStore, Paths, ProjectStore
from tests.boards import serving_board

EVIL = '<script>alert("茶")</script>'
ROWS = "topic,key\nWhy the sea is salt,a\nHow tides work,b\n"


@dataclass(frozen=True)
class Said:
    """An answer, read to its end."""

    status: int
    text: str
    location: str = ""

    @property
    def plain(self) -> str:
        """As it is read."""
        return unescape(self.text)


class Browser:
    """A reader's browser; it sends the hidden fields of the page that it looks at."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def get(self, path: str) -> Said:
        async with self.session.get(path) as answer:
            return Said(answer.status, await answer.text())

    async def token(self) -> str:
        return re.findall(r'name="csrf" value="([^"]+)"', (await self.get("/batches/new")).text)[0]

    async def post(self, path: str, fields: Mapping[str, Any] | None = None) -> Said:
        data = {"csrf": await self.token(), **(fields or {})}
        async with self.session.post(path, data=data, allow_redirects=False) as answer:
            return Said(answer.status, await answer.text(), answer.headers.get("Location", ""))

    async def upload(self, body: bytes, name: str = "topics.csv", **fields: str) -> Said:
        form = aiohttp.FormData({"csrf": await self.token(), **fields}, quote_fields=False)
        form.add_field("file", body, filename=name, content_type="text/csv")
        async with self.session.post("/batches/new", data=form, allow_redirects=False) as answer:
            return Said(answer.status, await answer.text(), answer.headers.get("Location", ""))

    def hidden(self, page: Said) -> dict[str, str]:
        """The fields of the form that makes what was looked at."""
        form = page.text[page.text.index('name="held"') - 400 :]
        return dict(
            re.findall(
                r'type="hidden" name="(held|make|agreed|calendar|channel|privacy|priority|deadline)" value="([^"]*)"', form
            )
        )


@contextlib.asynccontextmanager
async def browsing(settings: Settings, language: str = "en") -> AsyncIterator[Browser]:
    async with serving_board(settings) as address:
        headers = {"Accept": "text/html", "Accept-Language": language, "Origin": address}
        async with aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers) as session:
            yield Browser(session)


@pytest.fixture
def projects(settings) -> ProjectStore:
    return ProjectStore.reader(Paths(settings.data_dir))


@pytest.fixture
def batches(settings) -> BatchStore:
    return BatchStore.reader(Paths(settings.data_dir))


@pytest.fixture
async def batch(settings):
    """Three projects that run, as no worker is there."""
    async with connect(settings) as queue:
        made = await queue.create_batch([{"topic": EVIL}, {"topic": "Tides"}, {"topic": "Moon"}])
        await queue.start_batch(made.batch_id)
    return made


async def put(projects: ProjectStore, number: int, status: ProjectStatus, **more: Any) -> None:
    await projects.change(number, lambda state: state.replace(status=status, run=1, **more))


async def failed(projects: ProjectStore, number: int, code: str = "content_refused") -> None:
    error = StageError(code=code, message=f"refused: {EVIL}", hint="reword it")
    await projects.change(
        number,
        lambda state: state.with_stage(Stage.ASSETS, status=StageStatus.FAILED, error=error).replace(
            status=ProjectStatus.FAILED, run=1
        ),
    )


# Looking.


async def test_without_batches_the_page_says_how_to_make_one(settings):
    async with browsing(settings) as browser:
        page = await browser.get("/batches")

    assert page.status == 200
    assert "No batches yet" in page.text


async def test_a_batch_is_shown_at_a_look(settings, batch, projects):
    """A cell for each project, in the order of the file; what failed, by its reason; whom a person keeps waiting."""
    first, second, third = batch.project_ids
    await put(projects, first, ProjectStatus.COMPLETED)
    await failed(projects, second)
    await put(projects, third, ProjectStatus.WAITING_REVIEW, wait=Wait(reason="script", what_to_do="approve it"))

    async with browsing(settings) as browser:
        page = await browser.get(f"/batches/{batch.batch_id}")

    cells = re.findall(r'<a class="(\w+)[^"]*" href="/projects/(\d+)" aria-label="(\d+) ([^"]+)"></a>', page.text)
    assert cells == [
        ("ok", str(first), "1", "Completed"), ("fa", str(second), "2", "Failed"), ("re", str(third), "3", "Needs review"),
    ]  # fmt: skip
    assert "1 failed" in page.text
    assert "1 waits for a person" in page.text
    assert f"/projects?batch={batch.batch_id}&amp;status=failed" in page.text


async def test_titles_and_errors_are_text(settings, batch, projects):
    await failed(projects, batch.project_ids[0])

    async with browsing(settings) as browser:
        pages = [await browser.get(f"/batches/{batch.batch_id}?view={view}") for view in ("grid", "table", "calendar")]

    assert all("<script>alert" not in page.text for page in pages)
    assert all(EVIL in page.plain for page in pages)


@pytest.mark.parametrize(("language", "says"), [("en", "What limits it"), ("zh-TW", "瓶頸")])
async def test_a_batch_is_told_in_the_readers_language(settings, batch, language, says):
    async with browsing(settings, language) as browser:
        assert says in (await browser.get(f"/batches/{batch.batch_id}")).text


async def test_the_line_below_the_grid_tells_of_whichever_was_chosen(settings, batch, projects):
    """Before that, of the one that should be looked at first."""
    await failed(projects, batch.project_ids[2])

    async with browsing(settings) as browser:
        first, chosen = (
            await browser.get(f"/batches/{batch.batch_id}?part=line"),
            await browser.get(f"/batches/{batch.batch_id}?part=line&item=2"),
        )

    assert "Row 3" in first.text
    assert "refused:" in first.text
    assert "Row 2" in chosen.text
    assert "<html" not in chosen.text


@pytest.mark.parametrize("query", ["item=0", "item=99999", "item=x", "item=٣", "from=-1", "from=9999999999", "view=<b>", "view=table&from=2", "view=calendar&week=2026-13-40"])  # fmt: skip
async def test_whatever_an_address_asks_a_page_comes(settings, batch, query):
    async with browsing(settings) as browser:
        page = await browser.get(f"/batches/{batch.batch_id}?{query}")

    assert page.status == 200
    assert "<b>" not in query or 'view=<b>"' not in page.text


@pytest.mark.parametrize("path", ["/batches/99", "/batches/0", "/batches/abc", "/batches/99999999999999999999999"])
async def test_a_batch_that_there_is_not_is_said_so(settings, path):
    async with browsing(settings) as browser:
        assert (await browser.get(path)).status == 404


async def test_five_hundred_cells_are_a_small_page_and_five_thousand_are_ten(settings):
    """70 kB, 12 of them over the wire (spec: dashboard.md)."""
    async with connect(settings) as queue:
        large = await queue.create_batch([{"topic": f"一個不算短的題目，關於第 {n} 種茶葉"} for n in range(1001)])

    async with browsing(settings, "zh-TW") as browser:
        page = await browser.get(f"/batches/{large.batch_id}")
        last = await browser.get(f"/batches/{large.batch_id}?from=1001")

    size, packed = len(page.text.encode()), len(gzip.compress(page.text.encode(), 6))
    assert size <= 70_000
    assert packed <= 12_000
    assert page.text.count('aria-label="500 ') == 1
    assert page.text.count('aria-label="501 ') == 0
    assert last.text.count('aria-label="1001 ') == 1


async def test_a_deleted_project_keeps_its_place(settings, batch):
    async with connect(settings) as queue:
        await queue.cancel(batch.project_ids[1])
        await queue.delete(batch.project_ids[1])

    async with browsing(settings) as browser:
        page = await browser.get(f"/batches/{batch.batch_id}")
        line = await browser.get(f"/batches/{batch.batch_id}?part=line&item=2")

    assert '<a class="go"' in page.text
    assert "was deleted" in line.text


# Acting.


async def test_a_batch_is_paused_and_goes_on(settings, batch, batches):
    async with browsing(settings) as browser:
        paused = await browser.post(f"/batches/{batch.batch_id}/pause")
        between = (await batches.load(batch.batch_id)).status
        told = await browser.get(paused.location)
        resumed = await browser.post(f"/batches/{batch.batch_id}/resume")

    assert (paused.status, resumed.status) == (303, 303)
    assert between is BatchStatus.PAUSED
    assert "The batch is paused" in told.text
    assert (await batches.load(batch.batch_id)).status is BatchStatus.RUNNING


async def test_cancelling_asks_first(settings, batch, batches):
    async with browsing(settings) as browser:
        asked = await browser.post(f"/batches/{batch.batch_id}/cancel")
        before = (await batches.load(batch.batch_id)).status
        done = await browser.post(f"/batches/{batch.batch_id}/cancel", {"sure": "yes"})
        again = await browser.post(f"/batches/{batch.batch_id}/cancel", {"sure": "yes"})

    assert (asked.status, before) == (200, BatchStatus.RUNNING)
    assert "3 projects that have not ended stop" in asked.text
    assert (done.status, again.status) == (303, 303)
    assert (await batches.load(batch.batch_id)).status is BatchStatus.CANCELLED


async def test_the_line_after_an_act_is_the_readers_whatever_script_reads_before(settings, batch):
    async with browsing(settings) as browser:
        done = await browser.post(f"/batches/{batch.batch_id}/cancel", {"sure": "yes"})
        async with browser.session.get(done.location, headers={"Sec-Fetch-Mode": "cors"}) as answer:
            by_script = await answer.text()
        seen = await browser.get(done.location)
        again = await browser.get(done.location)

    assert ["banner said" in text for text in (by_script, seen.text, again.text)] == [False, True, False]


async def test_what_was_cancelled_with_its_batch_is_in_the_list_of_projects_at_once(settings, batch, monkeypatch):
    monkeypatch.setattr("reelqueue.dashboard.catalogue.FRESH_SECONDS", 3_600.0)
    async with browsing(settings) as browser:
        before = await browser.get("/projects?status=cancelled")
        await browser.post(f"/batches/{batch.batch_id}/cancel", {"sure": "yes"})
        after = await browser.get("/projects?status=cancelled")

    assert "Tides" not in before.text
    assert "Tides" in after.text


async def test_reviews_are_approved_together_once_somebody_is_sure(settings, batch, projects):
    first, second, third = batch.project_ids
    for number in (first, second):
        await put(
            projects,
            number,
            ProjectStatus.WAITING_REVIEW,
            wait=Wait(reason="script"),
            brief=parse_brief({"topic": "Tides", "review": ["script"]}),
        )
    await put(projects, third, ProjectStatus.COMPLETED)

    async with browsing(settings) as browser:
        asked = await browser.post(f"/batches/{batch.batch_id}/approve")
        done = await browser.post(f"/batches/{batch.batch_id}/approve", {"sure": "yes"})
        again = await browser.post(f"/batches/{batch.batch_id}/approve", {"sure": "yes"})

    assert "Approve 2 reviews of this batch?" in asked.text
    assert (done.status, again.status) == (303, 409)
    assert [(await projects.load(number)).status for number in (first, second)] == [ProjectStatus.QUEUED] * 2


async def test_a_batch_is_deleted_when_it_is_over_and_its_projects_stay(settings, batch, batches, projects):
    async with browsing(settings) as browser:
        too_early = await browser.post(f"/batches/{batch.batch_id}/delete", {"sure": "yes"})
        await batches.change(batch.batch_id, lambda state: state.replace(status=BatchStatus.COMPLETED))
        asked = await browser.post(f"/batches/{batch.batch_id}/delete")
        done = await browser.post(f"/batches/{batch.batch_id}/delete", {"sure": "yes"})

    assert (too_early.status, asked.status, done.status) == (409, 200, 303)
    assert await batches.list() == []
    assert len(await projects.ids()) == 3


async def test_what_failed_for_one_reason_is_tried_again_alone(settings, batch, projects):
    first, second, third = batch.project_ids
    await failed(projects, first)
    await failed(projects, second, "misconfigured")
    await put(projects, third, ProjectStatus.COMPLETED)

    async with browsing(settings) as browser:
        page = await browser.get(f"/batches/{batch.batch_id}")
        (mine,) = [value for value in re.findall(r'name="projects" value="([\d,]+)"', page.text) if value == str(first)]
        answer = await browser.post(f"/batches/{batch.batch_id}/retry-some", {"projects": f"{mine},{third},99999,x"})

    assert answer.status == 303
    assert [(await projects.load(number)).status for number in batch.project_ids] == [
        ProjectStatus.QUEUED, ProjectStatus.FAILED, ProjectStatus.COMPLETED,
    ]  # fmt: skip


async def test_projects_of_another_batch_are_not_touched(settings, batch, projects):
    async with connect(settings) as queue:
        other = await queue.create_batch([{"topic": "Rain"}])
    await failed(projects, other.project_ids[0])

    async with browsing(settings) as browser:
        await browser.post(f"/batches/{batch.batch_id}/retry-some", {"projects": str(other.project_ids[0])})

    assert (await projects.load(other.project_ids[0])).status is ProjectStatus.FAILED


async def test_a_stale_page_changes_nothing_and_is_told_why(settings, batch, batches):
    """Nothing failed any more when the button was pressed."""
    async with browsing(settings) as browser:
        answer = await browser.post(f"/batches/{batch.batch_id}/retry")

    assert answer.status == 409
    assert "none of its projects failed" in answer.plain.lower()
    assert (await batches.load(batch.batch_id)).run == 1


@pytest.mark.parametrize("act", ["pause", "resume", "start", "retry", "cancel", "retry-some", "approve", "delete"])
async def test_acts_on_a_batch_that_there_is_not_are_refused(settings, act):
    async with browsing(settings) as browser:
        assert (await browser.post(f"/batches/77/{act}", {"sure": "yes"})).status == 404


async def test_without_redis_the_batch_is_shown_and_its_buttons_are_off(settings, batch):
    away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    async with browsing(away) as browser:
        page = await browser.get(f"/batches/{batch.batch_id}")
        answer = await browser.post(f"/batches/{batch.batch_id}/pause")

    assert page.status == 200
    assert "Redis does not answer" in page.text
    assert page.text.count('aria-disabled="true"') >= 1
    assert answer.status == 503


async def test_a_viewer_looks_and_may_not_act(settings, batch, batches):
    """Every button is there, off."""
    guarded = settings.model_copy(
        update={"dashboard_password": SecretStr("operator-pass"), "dashboard_viewer_password": SecretStr("viewer-pass")}
    )
    async with browsing(guarded) as browser:
        page = await browser.get("/sign-in")
        token = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
        async with browser.session.post("/sign-in", data={"csrf": token, "password": "viewer-pass"}):
            pass
        shown = await browser.get(f"/batches/{batch.batch_id}")
        token = re.findall(r'name="csrf" value="([^"]+)"', shown.text)[0]
        async with browser.session.post(f"/batches/{batch.batch_id}/pause", data={"csrf": token}) as answer:
            status = answer.status

    assert "signed in to look only" in shown.text
    assert status == 403
    assert (await batches.load(batch.batch_id)).status is BatchStatus.RUNNING


# A file.


async def test_a_file_is_looked_at_before_anything_is_made(settings, batches):
    async with browsing(settings) as browser:
        plan = await browser.upload(ROWS.encode())

    assert plan.status == 200
    assert "It makes 2 videos" in plan.text
    assert "Why the sea is salt" in plan.text
    assert "no key needed" in plan.plain
    assert await batches.list() == []


async def test_the_word_makes_it_once_however_often_it_is_said(settings, batches, projects):
    async with browsing(settings) as browser:
        plan = await browser.upload(ROWS.encode())
        first = await browser.post("/batches/new", browser.hidden(plan))
        second = await browser.post("/batches/new", browser.hidden(plan))

    (made,) = await batches.list()
    assert (first.status, first.location, second.location) == (303, f"/batches/{made.batch_id}", first.location)
    assert made.status is BatchStatus.RUNNING
    assert [(await projects.load(number)).brief.topic for number in made.project_ids] == ["Why the sea is salt", "How tides work"]


async def test_the_same_file_again_is_the_batch_that_it_is_already(settings, batches):
    async with browsing(settings) as browser:
        await browser.post("/batches/new", browser.hidden(await browser.upload(ROWS.encode())))
        again = await browser.upload(ROWS.encode(), name="copy.csv")

    (made,) = await batches.list()
    assert f"This file is batch {made.batch_id} already" in again.text
    assert 'name="make"' not in again.text


async def test_rows_may_be_pasted(settings):
    async with browsing(settings) as browser:
        plan = await browser.post("/batches/new", {"pasted": '{"topic": "Tides"}\n{"topic": "Moon"}\n'})

    assert "It makes 2 videos" in plan.text


async def test_wishes_hold_for_every_row(settings, batches, projects):
    async with browsing(settings) as browser:
        plan = await browser.upload(ROWS.encode(), calendar="6h", privacy="unlisted", priority="5", deadline="2030-01-01T12:00")
        await browser.post("/batches/new", browser.hidden(plan))

    (made,) = await batches.list()
    brief = (await projects.load(made.project_ids[0])).brief
    assert made.calendar is not None
    assert made.calendar.startswith("every 6h from ")
    assert (brief.privacy, brief.priority, brief.deadline) == ("unlisted", 5, "2030-01-01T12:00:00+08:00")


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        pytest.param(b"topic,nonsense\nTides,1\n", "1", "no such column", id="an unknown column"),
        pytest.param(b"topic,duration_s\nTides,7\n", "2", "15", id="a value that is out of range"),
        pytest.param(b"topic,channel\nTides,nowhere\n", "2", "channel", id="a channel that there is not"),
        pytest.param(b"topic,music\nTides,/etc/passwd\n", "2", "BRIEF_FILES_DIR", id="a file of this machine"),
        pytest.param(b"topic,images_dir\nTides,../../etc\n", "2", "BRIEF_FILES_DIR", id="a folder outside"),
        pytest.param(b'topic\n"Tides\n', "2", "quote", id="a quote that does not close"),
        pytest.param(b"topic\n", "whole file", "no row", id="no row"),
        pytest.param(b"\x00\x01\x02\xff\xfe" * 50, "", "", id="no text at all"),
    ],
)
async def test_all_that_is_wrong_is_told_by_its_line(settings, batches, body, line, says):
    async with browsing(settings) as browser:
        page = await browser.upload(body)

    assert page.status == 422
    assert "nothing was begun" in page.text
    assert f'<td class="num">{line}' in page.text
    assert says in page.plain
    assert await batches.list() == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({}, "file", id="nothing was sent"),
        pytest.param({"held": "0" * 32}, "file", id="a file that is held no more"),
        pytest.param({"pasted": ROWS, "calendar": "every blue moon"}, "calendar", id="no calendar"),
        pytest.param({"pasted": ROWS, "calendar": "5m"}, "calendar", id="a span that is too short"),
        pytest.param({"pasted": ROWS, "priority": "1e9"}, "priority", id="no priority"),
        pytest.param({"pasted": ROWS, "priority": "٣٠٠"}, "priority", id="figures of another script"),
        pytest.param({"pasted": ROWS, "deadline": "2001-01-01T00:00"}, "deadline", id="a deadline that has passed"),
        pytest.param({"pasted": ROWS, "deadline": "soon"}, "deadline", id="no moment"),
        pytest.param({"pasted": ROWS, "privacy": "secret"}, "privacy", id="a privacy that there is not"),
        pytest.param({"pasted": ROWS, "channel": "../x"}, "channel", id="a channel's name that is none"),
        pytest.param({"pasted": ROWS, "review": "lunch"}, "review", id="a review that there is not"),
    ],
)
async def test_a_wish_that_is_wrong_is_said_beside_its_field(settings, batches, fields, field):
    async with browsing(settings) as browser:
        page = await browser.post("/batches/new", {"make": "1", **fields})

    assert page.status == 422
    assert f'id="{field}-error"' in page.text
    assert await batches.list() == []


async def test_a_file_of_5001_rows_is_too_long(settings):
    async with browsing(settings) as browser:
        page = await browser.upload(b"topic\n" + b"".join(b"Tide %d\n" % n for n in range(5001)))

    assert page.status == 422
    assert "5,001 rows" in page.text


async def test_a_name_of_a_file_is_text_and_no_path(settings):
    async with browsing(settings) as browser:
        plan = await browser.upload(ROWS.encode(), name="../../<b>x.csv")

    assert "&lt;b&gt;x.csv" in plan.text
    assert "../../" not in plan.text


@pytest.mark.parametrize("agreed", ["", "pay somebody"])
async def test_nobody_is_paid_before_somebody_agreed(settings, batches, agreed):
    """Whoever says "make" without having seen what it takes is shown it."""
    paid = settings.model_copy(update={"gemini_api_key": SecretStr("AIza" + "x" * 35)})
    async with browsing(paid) as browser:
        page = await browser.post("/batches/new", {"pasted": ROWS, "make": "1", "agreed": agreed})
        nothing_yet = await batches.list()
        done = await browser.post("/batches/new", browser.hidden(page))

    assert "Agree, and make these 2" in page.text
    assert nothing_yet == []
    assert done.status == 303
    assert await Agreements(Paths(settings.data_dir)).terms() == {"pay gemini"}
