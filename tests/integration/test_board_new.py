"""`/new`: a video from the page, over a real server; every field is judged as on the command line, and nothing is made by mistake."""

import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from html import unescape

import aiohttp
import pytest
from pydantic import SecretStr

from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus
from reelqueue.settings import Settings
from storage import Agreements, Paths, ProjectStore
from tests.boards import serving_board

TOPIC = {"topic": "深海為什麼會發光？", "language": "zh-TW", "aspect": "16:9", "privacy": "private", "subtitle_style": "box", "presenter": "1"}  # fmt: skip


class Browser:
    """A browser on `/new`: it has the form's hidden fields, as a reader's would."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def text(self, path: str, **query: str) -> str:
        """A page, as text."""
        async with self.session.get(path, params=query) as answer:
            return unescape(await answer.text())

    async def hidden(self, path: str = "/new") -> dict[str, str]:
        """The hidden fields of the form."""
        page = await self.text(path)
        return {name: re.findall(rf'name="{name}" value="([^"]*)"', page)[-1] for name in ("csrf", "key")}

    async def send(self, fields: Mapping[str, str], path: str = "/new") -> tuple[int, str, str]:
        """Its status, where it leads, its text."""
        async with self.session.post(path, data=fields, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", ""), unescape(await answer.text())


@contextlib.asynccontextmanager
async def browsing(settings: Settings) -> AsyncIterator[Browser]:
    """A browser at a board of these settings."""
    async with serving_board(settings) as address:
        headers = {"Accept": "text/html", "Accept-Language": "en", "Origin": address}
        async with aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers) as session:
            yield Browser(session)


async def all_of(settings: Settings) -> list[ProjectState]:
    return list(await ProjectStore.reader(Paths(settings.data_dir)).list(limit=100))


async def test_a_topic_becomes_a_project_that_is_begun(settings):
    async with browsing(settings) as browser:
        status, location, _ = await browser.send({**await browser.hidden(), **TOPIC, "duration_s": "60"})

    (state,) = await all_of(settings)
    assert (status, location) == (303, f"/projects/{state.project_id}")
    assert (state.brief.topic, state.brief.language, state.brief.duration_s) == (TOPIC["topic"], "zh-TW", 60)
    assert state.status is ProjectStatus.QUEUED


async def test_a_double_click_makes_one_project(settings):
    async with browsing(settings) as browser:
        form = {**await browser.hidden(), **TOPIC}
        first, second = await browser.send(form), await browser.send(form)

    assert first[:2] == second[:2]
    assert len(await all_of(settings)) == 1


async def test_two_forms_of_the_same_make_two(settings):
    async with browsing(settings) as browser:
        await browser.send({**await browser.hidden(), **TOPIC})
        await browser.send({**await browser.hidden(), **TOPIC})

    assert len(await all_of(settings)) == 2


async def test_a_form_that_was_gone_back_to_and_changed_makes_another(settings):
    async with browsing(settings) as browser:
        form = {**await browser.hidden(), **TOPIC}
        await browser.send(form)
        status, _, _ = await browser.send({**form, "topic": "水母為什麼不會死？"})

    assert status == 303
    assert len(await all_of(settings)) == 2


async def test_what_is_to_begin_later_waits(settings):
    async with browsing(settings) as browser:
        await browser.send({**await browser.hidden(), **TOPIC, "later": "1"})

    (state,) = await all_of(settings)
    assert state.status is ProjectStatus.CREATED


async def test_all_that_can_be_set_arrives(settings):
    more = {
        "content": "一段夠長的內容。" * 80, "tags": "海洋、生物, science", "privacy": "unlisted", "publish_at": "2030-01-02T18:00", "priority": "-5",
        "subtitle_style": "outline", "image_style": "watercolour", "negative_prompt": "text", "maker_image": "local",
    }  # fmt: skip
    async with browsing(settings) as browser:
        await browser.send(
            [*{**await browser.hidden(), **TOPIC, **more, "presenter": ""}.items(), ("review", "script"), ("review", "final")]
        )  # type: ignore[arg-type]  # pairs, for a name that stands twice

    brief = (await all_of(settings))[0].brief
    assert brief.tags == ("海洋", "生物", "science")
    assert (brief.privacy, brief.priority, brief.subtitle_style, brief.presenter) == ("unlisted", -5, "outline", False)
    assert brief.review == ("script", "final")
    assert brief.providers == {"image": "local"}
    assert datetime.fromisoformat(brief.publish_at or "") == datetime(2030, 1, 2, 18, tzinfo=datetime.fromisoformat(brief.publish_at or "").tzinfo)  # fmt: skip


BAD = [
    pytest.param({"topic": ""}, "topic", id="no topic"),
    pytest.param({"topic": "x" * 201}, "topic", id="a topic that is too long"),
    pytest.param({"topic": "a\x00b"}, "topic", id="a control character"),
    pytest.param({"language": "xx"}, "language", id="a language without a voice"),
    pytest.param({"duration_s": "7"}, "duration_s", id="too short"),
    pytest.param({"duration_s": "1e3"}, "duration_s", id="a number of another kind"),
    pytest.param({"aspect": "4:3"}, "aspect", id="an unknown shape"),
    pytest.param({"privacy": "secret"}, "privacy", id="an unknown privacy"),
    pytest.param({"publish_at": "tomorrow"}, "publish_at", id="no moment"),
    pytest.param({"publish_at": "2001-01-01T00:00"}, "publish_at", id="a moment that has passed"),
    pytest.param({"priority": "101"}, "priority", id="a priority that there is not"),
    pytest.param({"priority": "9" * 5000}, "priority", id="a number of thousands of digits"),
    pytest.param({"tags": "a<b"}, "tags", id="a tag that YouTube refuses"),
    pytest.param({"content": "x" * 10_001}, "content", id="too much text"),
    pytest.param({"channel": "nobody", "maker_publisher": ""}, "channel", id="an unknown channel"),
    pytest.param({"review": "everything"}, "review", id="an unknown review"),
    pytest.param({"playlist": "a/b"}, "playlist", id="no playlist"),
    pytest.param({"music": "/etc/passwd"}, None, id="a file of this machine"),
    pytest.param({"maker_script": "gemini"}, "providers", id="a service without its key"),
]


@pytest.mark.parametrize(("fields", "field"), BAD)
async def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_made(settings, fields, field):
    async with browsing(settings) as browser:
        status, _, page = await browser.send({**await browser.hidden(), **TOPIC, **fields})

    assert status == 422
    assert f'id="{field}-error"' in page if field is not None else 'role="alert"' in page
    assert await all_of(settings) == []


async def test_what_was_typed_is_still_there_after_a_mistake(settings):
    async with browsing(settings) as browser:
        _, _, page = await browser.send(
            {**await browser.hidden(), **TOPIC, "topic": '<script>alert("x")</script>', "duration_s": "7"}
        )

    assert 'value="<script>alert("x")</script>"' in page
    assert 'aria-invalid="true"' in page


async def test_a_title_that_is_script_is_text(settings):
    async with browsing(settings) as browser, browser.session.post("/new", data={**await browser.hidden(), **TOPIC, "topic": "<script>x</script>", "duration_s": "7"}) as answer:  # fmt: skip
        page = await answer.text()

    assert "<script>x" not in page


async def test_a_form_without_its_token_changes_nothing(settings):
    async with browsing(settings) as browser:
        status, _, _ = await browser.send({"key": "0" * 32, **TOPIC})

    assert status == 403
    assert await all_of(settings) == []


async def test_without_redis_the_form_says_so_and_nothing_is_made(settings, tmp_path):
    away = settings.model_copy(update={"redis_url": SecretStr(f"unix://{tmp_path}/none.sock")})
    async with browsing(away) as browser:
        page = await browser.text("/new")
        status, _, answer = await browser.send({**await browser.hidden(), **TOPIC})

    assert 'aria-disabled="true"' in page
    assert status == 503
    assert "Nothing was made" in answer
    assert await all_of(settings) == []


async def test_what_is_paid_for_the_first_time_is_agreed_to_before_anything_is_made(settings):
    paid = settings.model_copy(update={"gemini_api_key": SecretStr("key-of-a-test")})
    async with browsing(paid) as browser:
        form = {**await browser.hidden(), **TOPIC}
        _, _, asked = await browser.send(form)
        before = await all_of(settings)
        status, _, _ = await browser.send({**form, "agreed": re.findall(r'name="agreed" value="([^"]*)"', asked)[0]})

    assert before == []
    assert "US dollars" in asked
    assert status == 303
    assert await Agreements(Paths(settings.data_dir)).terms() == {"pay gemini"}


async def test_an_estimate_makes_nothing(settings):
    paid = settings.model_copy(update={"gemini_api_key": SecretStr("key-of-a-test")})
    async with browsing(paid) as browser:
        status, _, page = await browser.send({**await browser.hidden(), **TOPIC, "look": "1"})

    assert status == 200
    assert "estimated in all" in page
    assert await all_of(settings) == []


async def test_what_is_missing_is_told_with_its_command(settings):
    async with browsing(settings) as browser:
        page = await browser.text("/new")

    assert "Make the first video" in page
    assert "reelqueue worker all" in page
    assert "reelqueue auth youtube" in page


async def test_a_redis_that_is_another_installations_is_told_as_that(settings, tmp_path):
    async with browsing(settings):
        pass
    async with browsing(settings.model_copy(update={"data_dir": tmp_path / "another"})) as browser:
        page = await browser.text("/new", part="ready")
        banner = await browser.text("/projects", part="banner")

    assert "Redis can't be used" in page
    assert "belongs to another installation" in page
    assert "belongs to another installation" in unescape(banner)
    assert "does not answer" not in banner


async def test_a_topic_from_another_page_stands_in_the_form(settings):
    async with browsing(settings) as browser:
        page = await browser.text("/new", topic="太空茶")

    assert 'value="太空茶"' in page


async def test_an_installation_without_anything_is_led_to_the_form(settings):
    async with browsing(settings) as browser, browser.session.get("/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (307, "/new")
