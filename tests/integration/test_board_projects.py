"""`/projects` and a project's page over a real server: what they show, what their buttons do, what they refuse."""

import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

import aiohttp
import pytest
from PIL import Image
from redis.asyncio import Redis

from progress import Publisher
from reelqueue.models.project import Artifact, ProjectState, StageError, Upload, Wait
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.settings import Settings
from storage import Owner, Paths, ProjectStore
from tests.boards import serving_board

EVIL = '<script>alert("茶")</script>'
SENTENCE = "Tea leaves are picked by hand in the early morning while the mist still lies on the mountain."


@dataclass(frozen=True)
class Said:
    """An answer, read to its end."""

    status: int
    text: str
    location: str = ""
    headers: Mapping[str, str] | None = None

    @property
    def plain(self) -> str:
        """As it is read."""
        return unescape(re.sub(r"<[^>]+>", "", self.text))


class Browser:
    """A reader's browser."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def get(self, path: str, **headers: str) -> Said:
        async with self.session.get(path, headers=headers) as answer:
            return Said(answer.status, (await answer.read()).decode("utf-8", "replace"), headers=answer.headers)

    async def post(self, path: str, fields: Mapping[str, Any] | None = None) -> Said:
        token = re.findall(r'name="csrf" value="([^"]+)"', (await self.get("/account")).text)[0]
        async with self.session.post(path, data={"csrf": token, **(fields or {})}, allow_redirects=False) as answer:
            return Said(answer.status, await answer.text(), answer.headers.get("Location", ""))


@contextlib.asynccontextmanager
async def browsing(settings: Settings, language: str = "en") -> AsyncIterator[Browser]:
    async with serving_board(settings) as address:
        headers = {"Accept": "text/html", "Accept-Language": language, "Origin": address}
        async with aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers) as session:
            yield Browser(session)


@pytest.fixture
def projects(settings) -> ProjectStore:
    paths = Paths(settings.data_dir)
    paths.make()
    return ProjectStore(paths, Owner.here(), lease_seconds=15)


async def with_script(
    projects: ProjectStore, topic: str = "Tea", *, review: tuple[str, ...] = (), **changes: Any
) -> ProjectState:
    """A project whose script lies there."""
    number = (await projects.create({"topic": topic, "language": "en", "review": review})).project_id
    script = Script(
        intro=Part(text="Welcome to the tea gardens.", duration=6), outro=Part(text="See you next time.", duration=5),
        segments=tuple(Segment(index=n, text=f"{SENTENCE} {n}", duration=9, image_description=f"tea {n}") for n in range(3)),
        metadata=Metadata(title="Tea", description="", tags=("tea",)), total_duration=38, language="en",
    )  # fmt: skip
    async with await projects.take_over(number) as lease:
        artifact = await lease.blobs.write("script.json", script.model_dump_json().encode())
    return await projects.change(
        number,
        lambda state: state.with_stage(Stage.SCRIPT, status=StageStatus.DONE, attempts=1, artifacts=(artifact,)).replace(
            run=1, **changes
        ),
    )


async def failed(projects: ProjectStore, topic: str = "Tea", message: str = "the picture is torn") -> ProjectState:
    state = await with_script(projects, topic)
    error = StageError(code="media", message=message, hint="look at the picture")
    return await projects.change(
        state.project_id,
        lambda state: state.with_stage(Stage.ASSETS, status=StageStatus.FAILED, attempts=1, error=error).replace(
            status=ProjectStatus.FAILED
        ),
    )


def script_fields(page: Said) -> dict[str, str]:
    """The form of a script as a browser would send it back."""
    inputs = re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text)
    areas = re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)</textarea>', page.text)
    kept = {"seen", "count", "title", "tags", "priced"}
    fields = {name: unescape(value) for name, value in inputs if name in kept or name.startswith(("heading.", "picture."))}
    return fields | {name: unescape(value) for name, value in areas}


# The list.


async def test_an_installation_without_projects_says_how_to_begin(settings):
    async with browsing(settings) as browser:
        page = await browser.get("/projects")

    assert page.status == 200
    assert "No projects yet" in page.plain


@pytest.mark.parametrize(
    ("language", "words"), [("en", "No project matches “space <tea>”"), ("zh-TW", "找不到符合「space <tea>」的專案")]
)
async def test_what_nobody_matches_is_said_in_the_readers_language(settings, projects, language, words):
    await projects.create({"topic": "Tea"})

    async with browsing(settings, language) as browser:
        page = await browser.get("/projects?q=space+%3Ctea%3E")

    assert words in page.plain
    assert "<tea>" not in page.text


async def test_titles_are_text_whatever_they_say(settings, projects):
    state = await failed(projects, f"{EVIL} and tea", message=EVIL)

    async with browsing(settings) as browser:
        pages = [
            await browser.get(path)
            for path in ("/projects", f"/projects/{state.project_id}", f"/projects/{state.project_id}/brief")
        ]

    assert all(page.status == 200 for page in pages)
    assert all(EVIL in unescape(page.text) and EVIL not in page.text for page in pages)


async def test_status_chips_count_and_lead_to_their_projects(settings, projects):
    await projects.create({"topic": "Fresh tea"})
    await failed(projects, "Old tea")

    async with browsing(settings) as browser:
        page = await browser.get("/projects?status=failed")

    assert "Old tea" in page.text
    assert "Fresh tea" not in page.text
    assert re.search(r'href="/projects\?status=created"[^>]*>.*?<span class="n">1</span>', page.text, re.DOTALL)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=broken", "status"),
        ("stage=cutting", "stage"),
        ("since=yesterday", "since"),
        ("batch=first", "batch"),
        ("after=-1", "after"),
        ("before=1%27%20or%201", "before"),
        ("q=" + "x" * 201, "q"),
    ],
)
async def test_a_wrong_filter_is_named_and_shows_nothing(settings, projects, query, field):
    await projects.create({"topic": "Fresh tea"})

    async with browsing(settings) as browser:
        page = await browser.get(f"/projects?{query}")

    assert page.status == 422
    assert field in page.plain
    assert "Fresh tea" not in page.text


async def test_pages_lead_on_and_back(settings, projects):
    for number in range(45):
        await projects.create({"topic": f"Tea {number + 1}"})

    async with browsing(settings) as browser:
        first = await browser.get("/projects")
        older = re.search(r'rel="next" href="([^"]+)"', first.text)
        second = await browser.get(unescape(older[1]))
        newer = re.search(r'rel="prev" href="([^"]+)"', second.text)
        back = await browser.get(unescape(newer[1]))

    assert "1–40 of 45" in first.plain
    assert "41–45 of 45" in second.plain
    assert "1–40 of 45" in back.plain


async def test_the_page_of_a_full_list_keeps_to_its_budget(settings, projects):
    for number in range(45):
        await failed(projects, f"四百年的茶葉渡海與我們今天還在學的等待，第 {number} 回")

    async with browsing(settings, "zh-TW") as browser:
        page = await browser.get("/projects")

    assert len(page.text.encode()) <= 70_000


async def test_a_command_in_a_sentence_is_written_as_it_is_typed(settings, projects):
    made = await projects.create({"topic": "Tea"})

    async with browsing(settings) as browser:
        await browser.post(f"/projects/{made.project_id}/cancel", {"sure": "yes"})
        refused = await browser.post(f"/projects/{made.project_id}/start")

    assert refused.status == 409
    assert f"reelqueue retry {made.project_id} starts it again." in refused.plain


# Several at once.


async def test_the_price_of_those_chosen_is_said_before_the_click(settings, projects):
    state = await failed(projects)

    async with browsing(settings) as browser:
        told = await browser.get(f"/projects/bulk?ids={state.project_id}")

    assert "Retry only makes what is missing: costs nothing and takes no quota" in told.plain
    assert f'value="{state.project_id}"' in told.text


async def test_a_retry_of_several_asks_first_and_then_retries_those_that_fit(settings, projects):
    one, other = await failed(projects, "One"), await projects.create({"topic": "Other"})
    ids = f"{one.project_id},{other.project_id}"

    async with browsing(settings) as browser:
        asked = await browser.post("/projects/bulk", {"act": "retry", "ids": ids, "back": "/projects?status=failed"})
        before = await projects.load(one.project_id)
        done = await browser.post(
            "/projects/bulk", {"act": "retry", "ids": ids, "back": "/projects?status=failed", "sure": "yes"}
        )
        after = await browser.get(done.location)

    assert "Retry 1 project?" in asked.plain
    assert "1 other stays as it is" in asked.plain
    assert before.status is ProjectStatus.FAILED
    assert (done.status, done.location) == (303, "/projects?status=failed")
    assert "1 project is tried again; 1 did not fit" in after.plain
    assert (await projects.load(one.project_id)).status is ProjectStatus.QUEUED
    assert (await projects.load(other.project_id)).status is ProjectStatus.CREATED


async def test_a_retry_whose_price_was_seen_is_not_asked_again_unless_others_are_chosen(settings, projects):
    one, other = await failed(projects, "One"), await failed(projects, "Other")

    async with browsing(settings) as browser:
        more = await browser.post(
            "/projects/bulk", {"act": "retry", "ids": f"{one.project_id},{other.project_id}", "seen": str(one.project_id)}
        )
        same = await browser.post("/projects/bulk", {"act": "retry", "id": str(one.project_id), "seen": str(one.project_id)})

    assert "Retry 2 projects?" in more.plain
    assert same.status == 303
    assert (await projects.load(other.project_id)).status is ProjectStatus.FAILED


async def test_cancelling_several_is_always_asked(settings, projects):
    made = await projects.create({"topic": "Tea"})

    async with browsing(settings) as browser:
        asked = await browser.post("/projects/bulk", {"act": "cancel", "id": str(made.project_id)})
        await browser.post("/projects/bulk", {"act": "cancel", "ids": str(made.project_id), "sure": "yes"})

    assert "Cancel 1 project?" in asked.plain
    assert (await projects.load(made.project_id)).status is ProjectStatus.CANCELLED


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"act": "explode", "id": "1"}, 422, id="an act that there is not"),
        pytest.param({"act": "retry", "id": "one"}, 422, id="an id that is none"),
        pytest.param({"act": "retry", "ids": ",".join(map(str, range(1, 300)))}, 422, id="more than a page has"),
        pytest.param({"act": "retry"}, 303, id="nobody chosen"),
        pytest.param({"act": "retry", "id": "4711"}, 303, id="somebody unknown"),
    ],
)
async def test_what_can_not_be_done_with_several_changes_nothing(settings, projects, fields, status):
    state = await failed(projects)

    async with browsing(settings) as browser:
        answer = await browser.post("/projects/bulk", fields)

    assert answer.status == status
    assert (await projects.load(state.project_id)).status is ProjectStatus.FAILED


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/projects", "/projects\r\nX: y", "/projectsx", "javascript:x"]
)
async def test_the_way_back_leads_nowhere_else(settings, projects, back):
    state = await failed(projects)

    async with browsing(settings) as browser:
        answer = await browser.post("/projects/bulk", {"act": "retry", "id": str(state.project_id), "sure": "yes", "back": back})

    assert answer.location == "/projects"


# One project.


@pytest.mark.parametrize("tab", ["", "/script", "/files", "/events", "/brief"])
@pytest.mark.parametrize("number", ["4711", "0", "x", "1e3", "99999999999999999999", "..%2f..%2fetc"])
async def test_a_project_that_there_is_not_is_not_found_on_any_tab(settings, projects, number, tab):
    async with browsing(settings) as browser:
        page = await browser.get(f"/projects/{number}{tab}")

    assert page.status == 404


async def test_a_failed_project_says_what_happened_what_to_do_and_what_it_takes(settings, projects):
    state = await failed(projects)

    async with browsing(settings) as browser:
        page = await browser.get(f"/projects/{state.project_id}")

    assert "Assets: a file is not what it should be" in page.plain
    assert "the picture is torn" in page.plain
    assert "look at the picture" in page.plain
    assert "Retry assets" in page.plain
    assert "costs nothing and takes no quota" in page.plain


async def tell_ninety_percents(publisher: Publisher, number: int) -> None:
    for stage, status, percent, message in (
        (Stage.SCRIPT, "running", 0, "begins"),
        (Stage.SCRIPT, "queued", 100, "done"),
        *((Stage.ASSETS, "running", percent, f"picture {percent} of 90") for percent in (0, 0, *range(1, 90))),
    ):
        said = {"stage": stage.event_name, "status": status, "progress": percent, "overall": 0, "message": message, "run": 1}
        assert await publisher.publish(project_id=number, **said) is not None


async def test_what_happened_is_told_by_stage_and_a_line_stands_for_many_percents(settings, projects):
    state = await with_script(projects)
    async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        await tell_ninety_percents(Publisher(redis), state.project_id)
    async with browsing(settings) as browser:
        for tab in ("", "/events"):
            page = await browser.get(f"/projects/{state.project_id}{tab}")
            lines = re.findall(r"<li data-project=.*", page.text.partition("data-events=")[2].partition("</ol>")[0])

            told = [unescape(re.sub(r"<[^>]+>", " ", line)).split()[1:] for line in lines if "datetime" in line]
            assert told == [
                ["Assets", "picture", "89", "of", "90", "93"],
                ["Assets", "picture", "0", "of", "90", "4"],
                ["Assets", "picture", "0", "of", "90", "3"],
                ["Script", "done", "2"],
                ["Script", "begins", "1"],
            ]
            assert "#completed" in lines[-2]


async def test_what_an_upload_takes_of_the_days_quota_is_said_beside_its_button(settings, projects):
    keys = {"youtube_client_id": "1-of-a-test", "youtube_client_secret": "none", "youtube_refresh_token": "none"}
    published = Settings.model_validate(settings.model_dump() | keys)
    state = await with_script(projects)
    error = StageError(code="unavailable", message="no answer", retryable=True)
    await projects.change(
        state.project_id,
        lambda state: (
            state.with_stage(Stage.UPLOAD, status=StageStatus.FAILED, error=error, attempts=3)
            .with_stage(Stage.ASSETS, status=StageStatus.DONE)
            .with_stage(Stage.RENDER, status=StageStatus.DONE)
            .with_stage(Stage.THUMBNAIL, status=StageStatus.DONE)
            .replace(status=ProjectStatus.FAILED)
        ),
    )

    async with browsing(published) as browser:
        page = await browser.get(f"/projects/{state.project_id}")

    assert re.search(r"costs \$0\.00 · 1 upload · \d+ units, 10,000 left", page.plain)
    assert "Try 3" in page.plain


async def test_an_expired_sign_in_names_the_command_that_mends_it(settings, projects):
    state = await with_script(projects)
    error = StageError(code="authentication", message="invalid_grant")
    await projects.change(
        state.project_id,
        lambda state: state.with_stage(Stage.UPLOAD, status=StageStatus.FAILED, error=error).replace(status=ProjectStatus.FAILED),
    )

    async with browsing(settings, "zh-TW") as browser:
        page = await browser.get(f"/projects/{state.project_id}")

    assert "reelqueue auth youtube" in page.plain
    assert "YouTube 不再接受" in page.plain


@pytest.mark.parametrize("status", list(ProjectStatus))
@pytest.mark.parametrize("language", ["en", "zh-TW"])
async def test_each_state_has_a_page(settings, projects, status, language):
    state = await with_script(projects, status=status, wait=Wait(reason="the reason why") if status.is_waiting else None)

    async with browsing(settings, language) as browser:
        page = await browser.get(f"/projects/{state.project_id}")

    assert page.status == 200
    assert not status.is_waiting or "the reason why" in page.plain


async def test_start_retry_approve_and_cancel_do_what_they_say_once(settings, projects):
    fresh = await projects.create({"topic": "Tea"})
    waits = await with_script(projects, status=ProjectStatus.WAITING_REVIEW, wait=Wait(reason="script"))
    broken = await failed(projects)

    async with browsing(settings) as browser:
        started = await browser.post(f"/projects/{fresh.project_id}/start")
        retried = await browser.post(f"/projects/{broken.project_id}/retry")
        told = await browser.get(retried.location)
        again = await browser.post(f"/projects/{broken.project_id}/retry")
        await browser.post(f"/projects/{waits.project_id}/approve")
        asked = await browser.post(f"/projects/{fresh.project_id}/cancel")
        still = await projects.load(fresh.project_id)
        await browser.post(f"/projects/{fresh.project_id}/cancel", {"sure": "yes"})

    assert (started.status, retried.status, again.status) == (303, 303, 409)
    assert "Retry started from assets" in told.plain
    assert "Cancel “Tea”?" in asked.plain
    assert still.status is ProjectStatus.QUEUED
    assert (await projects.load(fresh.project_id)).status is ProjectStatus.CANCELLED
    assert (await projects.load(waits.project_id)).status is ProjectStatus.QUEUED
    assert (await projects.load(broken.project_id)).run == 2


async def test_retry_from_a_stage_says_its_price_before_it_begins(settings, projects):
    broken = await failed(projects)

    async with browsing(settings) as browser:
        asked = await browser.post(f"/projects/{broken.project_id}/retry", {"from": "script"})
        untouched = await projects.load(broken.project_id)
        done = await browser.post(f"/projects/{broken.project_id}/retry", {"from": "script", "sure": "yes"})
        wrong = await browser.post(f"/projects/{broken.project_id}/retry", {"from": "cutting", "sure": "yes"})

    assert "It takes: costs nothing and takes no quota" in asked.plain
    assert untouched.status is ProjectStatus.FAILED
    assert (done.status, wrong.status) == (303, 422)
    assert (await projects.load(broken.project_id)).stages[Stage.SCRIPT].status is StageStatus.PENDING


async def test_a_published_video_is_not_cut_again(settings, projects):
    state = await with_script(projects, status=ProjectStatus.COMPLETED, upload=Upload(marker="m", session_no=1, video_id="abc"))

    async with browsing(settings) as browser:
        page = await browser.get(f"/projects/{state.project_id}/script")
        answer = await browser.post(f"/projects/{state.project_id}/retry", {"from": "render"})

    assert "make a new project for a new cut" in page.plain
    assert answer.status == 409


async def test_deleting_is_asked_and_leads_back_to_the_list(settings, projects):
    made = await projects.create({"topic": "Tea"})

    async with browsing(settings) as browser:
        asked = await browser.post(f"/projects/{made.project_id}/delete")
        done = await browser.post(f"/projects/{made.project_id}/delete", {"sure": "yes"})
        gone = await browser.get(f"/projects/{made.project_id}")

    assert "Delete “Tea”?" in asked.plain
    assert done.location == "/projects"
    assert gone.status == 404


async def test_without_redis_the_page_is_told_from_disk_and_acts_are_off(settings, projects):
    state = await failed(projects)
    away = settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1")})

    async with browsing(away) as browser:
        page = await browser.get(f"/projects/{state.project_id}")
        answer = await browser.post(f"/projects/{state.project_id}/retry")

    assert page.status == 200
    assert 'aria-disabled="true"' in page.text
    assert answer.status == 503
    assert (await projects.load(state.project_id)).status is ProjectStatus.FAILED


# The script.


async def test_a_script_is_shown_to_be_edited_and_kept_as_it_was_sent(settings, projects):
    state = await with_script(projects, review=("script",), status=ProjectStatus.WAITING_REVIEW, wait=Wait(reason="script"))
    path = f"/projects/{state.project_id}/script"

    async with browsing(settings) as browser:
        fields = script_fields(await browser.get(path))
        done = await browser.post(
            path, fields | {"act": "save", "text.1": f"{SENTENCE} And one more thing.", "title": "Other tea"}
        )
        after = script_fields(await browser.get(path))

    assert done.status == 303
    assert after["text.1"] == f"{SENTENCE} And one more thing."
    assert after["title"] == "Other tea"
    assert (await projects.load(state.project_id)).status is ProjectStatus.WAITING_REVIEW


async def test_saving_and_approving_in_one_lets_the_project_go_on(settings, projects):
    state = await with_script(projects, review=("script",), status=ProjectStatus.WAITING_REVIEW, wait=Wait(reason="script"))
    path = f"/projects/{state.project_id}/script"

    async with browsing(settings) as browser:
        fields = script_fields(await browser.get(path))
        await browser.post(path, fields | {"act": "save", "intro": "Welcome to the hills of tea.", "approve": "yes"})

    assert (await projects.load(state.project_id)).status is ProjectStatus.QUEUED


async def test_the_price_of_an_edit_is_said_and_nothing_is_kept(settings, projects):
    state = await with_script(projects, status=ProjectStatus.FAILED)
    path = f"/projects/{state.project_id}/script"

    async with browsing(settings) as browser:
        fields = script_fields(await browser.get(path))
        told = await browser.post(path, fields | {"act": "price", "text.0": f"{SENTENCE} Anew."})

    assert told.status == 200
    assert "Not saved yet" in told.plain
    assert "Nothing of it is paid for." in told.plain
    assert f"{SENTENCE} Anew." in unescape(told.text)
    assert (await projects.load(state.project_id)).revision == state.revision


async def test_a_paid_edit_is_kept_only_once_its_price_was_said(settings, projects):
    paid = settings.model_copy(update={"gemini_api_key": "AIza-of-a-test", "gemini_base_url": "http://127.0.0.1:9"})
    state = await with_script(projects, status=ProjectStatus.CANCELLED)
    path = f"/projects/{state.project_id}/script"

    async with browsing(paid) as browser:
        edit = script_fields(await browser.get(path)) | {"act": "save", "text.0": f"{SENTENCE} Anew."}
        first = await browser.post(path, edit)
        priced = script_fields(first)["priced"]
        other = await browser.post(path, edit | {"priced": priced, "text.1": f"{SENTENCE} More."})
        done = await browser.post(path, edit | {"priced": priced})

    assert re.search(r"At most \$\d", first.plain)
    assert other.status == 200
    assert "Not saved yet" in other.plain
    assert done.status == 303


@pytest.mark.parametrize(
    ("field", "text", "names"),
    [
        pytest.param("text.0", "…", "text.0", id="nothing that can be spoken"),
        pytest.param("text.1", "word " * 500, "text.1", id="far too long"),
        pytest.param("title", "<b>", "title", id="what YouTube takes in no title"),
        pytest.param("tags", "x" * 600, "tags", id="too many tags"),
        pytest.param("intro", "", "intro", id="nothing at all"),
    ],
)
async def test_a_wrong_field_is_told_beside_it_and_what_was_written_stays(settings, projects, field, text, names):
    state = await with_script(projects, status=ProjectStatus.CANCELLED)
    path = f"/projects/{state.project_id}/script"

    async with browsing(settings) as browser:
        fields = script_fields(await browser.get(path))
        told = await browser.post(path, fields | {"act": "save", field: text, "outro": "What I wrote."})

    assert told.status == 422
    assert re.search(rf'name="{re.escape(names)}"[^>]*aria-invalid="true"', told.text)
    assert "What I wrote." in told.text
    assert (await projects.load(state.project_id)).revision == state.revision


async def test_an_edit_of_a_script_that_somebody_else_changed_is_not_kept(settings, projects):
    state = await with_script(projects, status=ProjectStatus.CANCELLED)
    path = f"/projects/{state.project_id}/script"

    async with browsing(settings) as browser:
        mine = script_fields(await browser.get(path))
        await browser.post(path, mine | {"act": "save", "intro": "Theirs came first."})
        told = await browser.post(path, mine | {"act": "save", "intro": "Mine came second."})
        kept = script_fields(await browser.get(path))

    assert told.status == 409
    assert "Mine came second." in told.text
    assert kept["intro"] == "Theirs came first."


async def test_scenes_can_be_added_and_taken_away_without_script(settings, projects):
    state = await with_script(projects, status=ProjectStatus.CANCELLED)
    path = f"/projects/{state.project_id}/script"

    async with browsing(settings) as browser:
        fields = script_fields(await browser.get(path))
        more = script_fields(await browser.post(path, fields | {"act": "add.1"}))
        fewer = script_fields(await browser.post(path, fields | {"act": "drop.1"}))

    assert (more["count"], more["text.1"]) == ("4", "")
    assert (fewer["count"], fewer["text.0"]) == ("2", f"{SENTENCE} 1")


async def test_a_running_project_shows_its_script_and_takes_no_change(settings, projects):
    state = await with_script(projects, status=ProjectStatus.RUNNING)
    path = f"/projects/{state.project_id}/script"

    async with browsing(settings) as browser:
        page = await browser.get(path)
        answer = await browser.post(path, script_fields(page) | {"act": "save", "intro": "Changed."})

    assert "cancel it first" in page.plain
    assert answer.status == 409


# Files and pictures.


async def test_small_pictures_are_small_and_only_of_the_project(settings, projects):
    state = await with_script(projects)
    root = projects.paths.project(state.project_id).root
    Image.new("RGB", (1280, 720), "#c33").save(root / "output" / "thumbnail.jpg")
    (root / "images" / "link.jpg").symlink_to("/etc/hostname")
    (root / "images" / "text.png").write_text("no picture", encoding="ascii")
    base = f"/projects/{state.project_id}/small"

    async with browsing(settings) as browser:
        found = await browser.get(f"{base}/output/thumbnail.jpg")
        same = await browser.get(f"{base}/output/thumbnail.jpg", **{"If-None-Match": found.headers["ETag"]})
        others = [
            (await browser.get(f"{base}/{name}")).status
            for name in (
                "images/link.jpg",
                "images/text.png",
                "images/..%2F..%2Fsession",
                "session",
                "script.json",
                "output/x.jpg",
            )
        ]

    assert found.headers["Content-Type"] == "image/jpeg"
    assert len(found.text) < 10_000
    assert (found.status, same.status) == (200, 304)
    assert set(others) == {404}


async def test_the_files_of_a_project_are_listed_but_not_its_secrets(settings, projects):
    state = await with_script(projects)
    (projects.paths.project(state.project_id).root / "session").write_text("https://secret.example/upload", encoding="ascii")

    async with browsing(settings) as browser:
        page = await browser.get(f"/projects/{state.project_id}/files")

    assert "script.json" in page.text
    assert "session" not in page.plain
    assert "secret" not in page.text


async def test_what_was_asked_for_is_listed_by_its_name(settings, projects):
    made = await projects.create({"topic": "Tea", "tags": ["green", "leaf"], "lexicon": {"茶": "ㄔㄚˊ"}, "presenter": False})

    async with browsing(settings) as browser:
        page = await browser.get(f"/projects/{made.project_id}/brief")

    assert all(word in page.plain for word in ("Topic", "Tea", "green, leaf", "ㄔㄚˊ", "Presenter"))


async def test_the_film_strip_shows_what_is_there_and_what_waits(settings, projects):
    state = await with_script(projects)
    number = state.project_id
    manifest = {
        "language": "en", "title": "Tea", "topic": "Tea", "tags": [],
        "parts": [
            {
                "role": "segment", "index": n, "text": f"{SENTENCE} {n}", "voice": [],
                "shown": {
                    "key": f"k{n}", "picture": {"path": f"images/k{n}.jpg", "sha256": "0", "bytes": 1}, "stand_in": n == 1,
                    "scene": {"text": "", "language": "en", "candidates": ["statement"], "title": f"Picture {n}"},
                },
            }
            for n in range(3)
        ],
    }  # fmt: skip
    async with await projects.take_over(number) as lease:
        listed = await lease.blobs.write("assets/manifest.json", json.dumps(manifest).encode())
        await lease.blobs.write("images/k0.json", b"{}")
    await projects.change(number, lambda state: state.with_stage(Stage.ASSETS, status=StageStatus.DONE, artifacts=(listed,)))

    await projects.change(number, lambda state: state.replace(status=ProjectStatus.WAITING_REVIEW, wait=Wait(reason="assets")))

    async with browsing(settings) as browser:
        page = await browser.get(f"/projects/{number}")
        asked = await browser.post(f"/projects/{number}/retry", {"from": "assets"})

    assert f"/projects/{number}/small/images/k0.jpg" in page.text
    assert "1 of 3 pictures are stand-ins" in page.plain
    assert "Make 1 again" in page.plain
    assert "from assets?" in asked.plain


async def test_a_manifest_that_can_not_be_read_takes_no_page_away(settings, projects):
    state = await with_script(projects)
    (projects.paths.project(state.project_id).root / "assets" / "manifest.json").write_text("{broken", encoding="ascii")
    broken = Artifact(path="assets/manifest.json", sha256="0", bytes=7)
    await projects.change(
        state.project_id, lambda state: state.with_stage(Stage.ASSETS, status=StageStatus.DONE, artifacts=(broken,))
    )

    async with browsing(settings) as browser:
        page = await browser.get(f"/projects/{state.project_id}")

    assert page.status == 200
