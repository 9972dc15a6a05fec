"""`/publishing` over a real server: what comes out when, whose quota is left, where the money goes."""

import contextlib
import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from pydantic import SecretStr

from jobs.client import connect
from jobs.spending import money_bucket
from reelqueue import clock
from reelqueue.models.buckets import UNITS, UPLOADS, youtube_client
from reelqueue.models.project import Upload, Usage
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.settings import Settings
from storage import Bucket, Ledger, Paths, ProjectStore
from storage.ledger import pacific_day
from tests.boards import serving_board

TAIPEI = ZoneInfo("Asia/Taipei")


@pytest.fixture
def published(settings, tmp_path) -> Settings:
    """Two channels of one OAuth client, and one of another."""
    tables = []
    for name, client in (("tea", "1-shared"), ("history", "1-shared"), ("science", "2-own")):
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps({"client_id": client, "client_secret": "none", "refresh_token": "none"}))
        file.chmod(0o600)
        tables.append(f'[{name}]\ntoken_file = "{file}"\n')
    channels = tmp_path / "channels.toml"
    channels.write_text("\n".join(tables))
    return settings.model_copy(update={"channels_file": channels, "daily_cost_cap_usd": Decimal(30)})


@pytest.fixture
def ledger(settings) -> Ledger:
    return Ledger(Paths(settings.data_dir))


@contextlib.asynccontextmanager
async def reading(settings: Settings, language: str = "en") -> AsyncIterator[aiohttp.ClientSession]:
    async with serving_board(settings) as address:
        headers = {"Accept": "text/html", "Accept-Language": language}
        async with aiohttp.ClientSession(address, headers=headers) as session:
            yield session


async def text_of(session: aiohttp.ClientSession, path: str = "/publishing") -> str:
    async with session.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


def row_of(page: str, name: str) -> str:
    """The row of a table that begins with `name`, its markup taken away."""
    (row,) = [row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if re.search(rf'<th scope="row">{name}\b', row)]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", row))).strip()


def a_slot(hours: float) -> datetime:
    return clock.now() + timedelta(hours=hours)


async def test_an_installation_without_anything_says_what_would_be_there(settings):
    async with reading(settings) as session:
        page = await text_of(session)

    assert "Nothing is planned in this week" in page
    assert "no quota to run out of" in page
    assert "Nothing was paid for yet" in page


async def test_each_channel_has_its_row_and_each_moment_its_cell(published):
    """At whatever hour this runs: the day is that of the video's own moment."""
    slot = a_slot(2)
    async with connect(published) as queue:
        made = await queue.create_project({"topic": "Tides", "channel": "tea", "publish_at": slot.isoformat()})

    day = slot.astimezone(TAIPEI).date()
    async with reading(published) as session:
        page = await text_of(session, f"/publishing?day={day}&channel=tea")
        others = await text_of(session, f"/publishing?day={day}")

    assert 'class="cell cr"' in page
    assert f"/projects/{made.project_id}" in page
    assert f"{slot.astimezone(TAIPEI):%H:%M}" in page
    assert all(f'<th scope="row">{name}</th>' in others for name in ("tea", "science", "history"))
    assert '<th scope="row">science</th>' not in page


async def test_a_video_on_its_channel_waits_there_for_its_moment(published):
    slot = a_slot(1)
    async with connect(published) as queue:
        made = await queue.create_project({"topic": "Tides", "channel": "tea", "publish_at": slot.isoformat()})
    await ProjectStore.reader(Paths(published.data_dir)).change(
        made.project_id,
        lambda state: state.with_stage(Stage.UPLOAD, status=StageStatus.DONE, finished_at=clock.now()).replace(
            status=ProjectStatus.COMPLETED, upload=Upload(marker="m", video_id="v1")
        ),
    )

    async with reading(published) as session:
        page = await text_of(session, f"/publishing?day={slot.astimezone(TAIPEI).date()}")

    assert 'class="cell up"' in page[page.index("<tbody>") :]


async def test_moments_of_a_running_batch_that_nobody_has_are_free(published):
    """Every six hours for one video: the rest of next week is free."""
    async with connect(published) as queue:
        batch = await queue.create_batch([{"topic": "Tides", "channel": "tea"}], calendar="6h")
        await queue.start_batch(batch.batch_id)

    following = (clock.now() + timedelta(days=7)).astimezone(TAIPEI).date()
    async with reading(published) as session:
        page = await text_of(session, f"/publishing?week={following}")

    assert "4 free" in row_of(page, "tea")
    assert "free" not in row_of(page, "science")


async def test_quota_is_told_by_the_client_that_owns_it(published, ledger):
    """6,565 used, 1,515 of them held: 3,435 are left, for 34 videos, 6 of them with captions (101 and 501 units)."""
    now = clock.now()
    units = Bucket(youtube_client("1-shared"), UNITS, pacific_day(now))
    await ledger.settle(units, "done", Decimal(5_050))
    await ledger.reserve(units, "under way", Decimal(1_515), cap=Decimal(10_000))
    await ledger.settle(Bucket(youtube_client("1-shared"), UPLOADS, pacific_day(now)), "done", Decimal(13))

    async with reading(published) as session:
        page = await text_of(session)

    quota = page[page.index('id="quota"') :]
    rows = re.findall(r"<tr>(.*?)</tr>", re.sub(r'<span class="sub near">[^<]*</span>', "", quota), re.DOTALL)
    told = [re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", row))).strip() for row in rows]
    assert "YouTube units tea, history 5,050 1,515 3,435 34 videos · 6 captioned" in told
    assert "YouTube units science 0 0 10,000 99 videos · 19 captioned" in told
    assert "YouTube uploads tea, history 13 0 87 87 videos" in told


async def test_a_quota_day_ends_where_it_does_here(published, ledger):
    """15:00 in summer, 16:00 in winter."""
    async with reading(published) as session:
        page = await text_of(session)

    assert re.search(r"A quota day ends at 1[56]:00 here", page)
    assert re.search(r"until 1[56]:00", page)


async def test_money_is_told_by_day_against_its_cap(published, ledger):
    today = pacific_day(clock.now())
    images = Usage(service="gemini", model=published.gemini_image_model, unit="image_tokens", amount=9, cost_usd=7.0)
    voice = Usage(service="gemini", model=published.gemini_tts_model, unit="audio_tokens", amount=9, cost_usd=3.5)
    await ledger.settle(money_bucket(today), "call", Decimal("10.5"), (images, voice))
    await ledger.settle(money_bucket(today - timedelta(days=1)), "call", Decimal(4), ())

    async with reading(published) as session:
        page = await text_of(session)

    assert "cap $30.00" in page
    assert "today $10.50" in page
    assert re.search(rf"{today}</th><td class=\"num\">\$7.00</td><td class=\"num\">\$3.50</td>", page)
    assert "Caps: project $2.00 · day $30.00." in page


async def test_a_channel_that_is_closed_says_until_when(published, ledger):
    until = clock.now() + timedelta(hours=5)
    await ledger.close(Bucket("channel-tea", "closed", None), until)

    async with reading(published) as session:
        page = await text_of(session)

    assert "closed until" in page


@pytest.mark.parametrize(
    "query",
    ["week=x", "week=2026-02-30", "week=0001-01-01", "week=9999-12-31", "day=2026-11-29&channel=%3Cb%3E", "channel=../..", "part=plan", "part=quota", "part=money"],
)  # fmt: skip
async def test_whatever_an_address_asks_a_page_comes(published, query):
    async with reading(published) as session:
        page = await text_of(session, f"/publishing?{query}")

    assert "<b>" not in page.replace("<b>–", "") or "%3Cb" not in query or "Channels: &lt;b&gt;" in page


@pytest.mark.parametrize(("language", "says"), [("en", "Quota today"), ("zh-TW", "今日配額")])
async def test_it_is_told_in_the_readers_language(published, language, says):
    async with reading(published, language) as session:
        assert says in await text_of(session)


async def test_without_redis_it_is_shown_from_disk(published, ledger):
    away = published.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    async with reading(away) as session:
        page = await text_of(session)

    assert "Redis does not answer" in page
    assert "Quota today" in page
