"""The overview over a real server: what it says of a busy installation, of an empty one, and of one whose Redis is away."""

import gzip
import re

import pytest
from pydantic import SecretStr

from jobs.spending import money_bucket
from progress import Publisher
from progress.connection import open_redis
from reelqueue import clock
from reelqueue.dashboard.pages.overview import PARTS
from reelqueue.models.brief import parse_brief
from reelqueue.models.project import ProjectState, StageError
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.settings import Settings
from storage import Owner, Paths, ProjectStore
from storage.ledger import pacific_day
from tests.integration.test_board_new import browsing
from tests.scene import Scene

MOST_BYTES, MOST_GZIPPED = 70_000, 12_000


@pytest.fixture
def store(settings: Settings) -> ProjectStore:
    return ProjectStore(Paths(settings.data_dir), Owner.here(), lease_seconds=3)


@pytest.fixture
async def busy(settings: Settings) -> Settings:
    """A board's settings for an installation with something in every state."""
    scene = Scene(settings.data_dir)
    await scene.set(batch=60)
    files = {"channels_file": settings.data_dir / "channels.toml", "gemini_api_key": SecretStr("key-of-a-test")}
    return settings.model_copy(update=files)


async def _project(store: ProjectStore, title: str, **changes: object) -> int:
    number = (await store.create(parse_brief({"topic": title, "channel": "tea"}))).project_id

    def change(state: ProjectState) -> ProjectState:
        return state.replace(**changes)  # type: ignore[arg-type]  # names of fields, as the tests write them

    await store.change(number, change)
    return number


async def _failed(store: ProjectStore, title: str) -> int:
    number = await _project(store, title)
    error = StageError(code="authentication", message="invalid_grant", hint="sign in again")
    await store.change(
        number,
        lambda state: state.with_stage(Stage.UPLOAD, status=StageStatus.FAILED, error=error).replace(status=ProjectStatus.FAILED),
    )
    return number


async def test_a_busy_installation_is_told_in_one_small_page(busy):
    async with browsing(busy) as browser, browser.session.get("/") as answer:
        page = await answer.read()

    assert answer.status == 200
    assert len(page) <= MOST_BYTES
    assert len(gzip.compress(page)) <= MOST_GZIPPED
    assert page.count(b"<h1") == 1


async def test_projects_that_one_act_mends_are_one_line_with_one_button(settings, store):
    first, _ = await _failed(store, "first"), await _failed(store, "second")
    async with browsing(settings) as browser:
        page = await browser.text("/", part="needs")

    assert page.count("<li ") == 1
    assert "2 uploads failed." in page
    assert f'href="/projects/{first}"' in page


async def test_a_title_that_is_script_is_text_everywhere(settings, store):
    await _project(store, "<script>alert(1)</script>", status=ProjectStatus.RUNNING)
    async with browsing(settings) as browser, browser.session.get("/") as answer:
        page = await answer.text()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("part", [name for name in PARTS if name != "events"])
async def test_a_piece_is_asked_for_alone(settings, store, part):
    await _failed(store, "one")
    async with browsing(settings) as browser:
        page = await browser.text("/", part=part)

    assert "<html" not in page
    assert page.strip()


@pytest.mark.parametrize(
    ("asked", "chosen"), [("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"), ("9y", "24 h"), ("<script>", "24 h"), ("", "24 h")]
)
async def test_one_can_look_back_over_three_spans_and_no_other(settings, store, asked, chosen):
    await _project(store, "one")
    async with browsing(settings) as browser:
        page = await browser.text("/", span=asked)

    assert re.findall(r'aria-current="true" title="[^"]*">([^<]+)</a>', page) == [chosen]


async def test_what_runs_is_told_as_its_last_event_has_it(settings, store):
    number = await _project(store, "the deep sea", status=ProjectStatus.RUNNING)
    await store.change(number, lambda state: state.with_stage(Stage.RENDER, status=StageStatus.RUNNING))
    async with browsing(settings) as browser, open_redis(settings.redis_url.get_secret_value()) as redis:
        await Publisher(redis).publish(
            project_id=number, stage=Stage.RENDER.event_name, progress=50, overall=66, message="scene 9 of 18", eta_s=220,
            status="running", run=1,
        )  # fmt: skip
        page = await browser.text("/", part="running")

    assert "scene 9 of 18" in page
    assert "3:40" in page
    assert f'data-project="{number}"' in page


async def test_without_redis_the_page_is_told_from_the_disk_and_says_so(settings, store, tmp_path):
    await _project(store, "the deep sea", status=ProjectStatus.RUNNING)
    away = settings.model_copy(update={"redis_url": SecretStr(f"unix://{tmp_path}/none.sock")})
    async with browsing(away) as browser:
        page = await browser.text("/")

    assert "Redis does not answer" in page
    assert "the deep sea" in page
    assert "not known now" in page


async def test_an_account_that_cannot_be_read_costs_its_own_panel_alone(settings, store):
    await _project(store, "the deep sea", status=ProjectStatus.RUNNING)
    account = settings.data_dir / money_bucket(pacific_day(clock.now())).key()
    account.parent.mkdir(parents=True)
    account.write_text("{", encoding="ascii")
    async with browsing(settings) as browser:
        page = await browser.text("/")

    assert "the deep sea" in page
    assert "can't be read" in page


async def test_a_channels_file_that_goes_wrong_is_told_in_its_panel(settings, store, tmp_path):
    await _project(store, "the deep sea", status=ProjectStatus.RUNNING)
    file = tmp_path / "channels.toml"
    file.write_text('[tea]\ntoken_file = "tea.json"\n', encoding="ascii")
    async with browsing(settings.model_copy(update={"channels_file": file})) as browser:
        file.write_text("[tea", encoding="ascii")
        page = await browser.text("/")

    assert "the deep sea" in page
    assert "CHANNELS_FILE" in page


async def test_nothing_to_mend_is_said_and_not_left_blank(settings, store):
    await _project(store, "one", status=ProjectStatus.QUEUED)
    async with browsing(settings) as browser:
        page = await browser.text("/")

    assert "Nothing needs a person" in page


async def test_the_page_speaks_the_readers_language(settings, store):
    await _failed(store, "one")
    async with browsing(settings) as browser:
        browser.session.headers.update({"Accept-Language": "zh-TW"})
        page = await browser.text("/")

    assert "1 件事需要處理" in page.replace("<b>", "").replace("</b>", "")
    assert 'lang="zh-TW"' in page
