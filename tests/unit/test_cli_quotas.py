"""`reelqueue quotas` and `reelqueue costs`: read from the disk alone, for people and for programs."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from rich.cells import cell_len

from jobs.spending import Caps, Spender, bucket_of
from reelqueue.cli import command
from reelqueue.models.buckets import CLOSED, GEMINI, UNITS, UPLOADS, channel_client, model_bucket, youtube_client
from reelqueue.models.cost import Cost, Need
from reelqueue.models.project import Usage
from storage import Debts, Ledger, Owner, Paths, ProjectStore
from storage.ledger import pacific_day, pacific_midnight_after

CLIENT = "100000000001-a.apps.googleusercontent.com"
KEYS = {
    "YOUTUBE_CLIENT_ID": CLIENT,
    "YOUTUBE_CLIENT_SECRET": "GOCSPX-secret-of-the-test",
    "YOUTUBE_REFRESH_TOKEN": "1//refresh-of-the-test",
    "GEMINI_API_KEY": "AIza-key-of-the-test",
    "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody listens there
}
PICTURE = Usage(service="gemini", model="gemini-3.1-flash-image", unit="image", amount=1, cost_usd=0.0672)
CLIP = Usage(service="did", model="talks", unit="second", amount=45, cost_usd=0.45)


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("REELQUEUE_LANGUAGE", "en")
    monkeypatch.setenv("TIMEZONE", "Asia/Taipei")


@pytest.fixture
def with_keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def ledger():
    return Ledger(Paths("data"))


@pytest.fixture
def spent(ledger):
    """A project that took: two pictures today, a call that nobody knows the outcome of, a clip three days ago."""

    async def spend():
        now = datetime.now(UTC)
        project = await ProjectStore(Paths("data"), Owner.here(), lease_seconds=5).create({"topic": "海豚怎麼睡覺"})
        today = Spender(ledger, project.project_id, Caps(channel="news", channel_daily_usd=Decimal(3)))
        for key in "ab":
            await today.settle(await today.reserve(key, Cost(usd=Decimal("0.1"))), (PICTURE,))
        await today.reserve("c", Cost(usd=Decimal("0.1")))
        before = Spender(ledger, project.project_id, Caps(), now=lambda: now - timedelta(days=3))
        await before.settle(await before.reserve("d", Cost(usd=Decimal("0.5"))), (CLIP,))

    asyncio.run(spend())


@pytest.fixture
def used(ledger):
    """Quota of today: 3 uploads, 9,200 units, 4 calls of a model; another model and the channel are closed."""

    async def use():
        now = datetime.now(UTC)
        client = youtube_client(CLIENT)
        needs = (
            Need(client=client, name=UPLOADS, amount=3),
            Need(client=client, name=UNITS, amount=9_200),
            Need(client=GEMINI, name=model_bucket("gemini-3.1-flash-image"), amount=4),
        )
        await Spender(ledger, 1, Caps()).reserve("a", Cost(needs=needs))
        closed = (
            Need(client=GEMINI, name=model_bucket("gemini-3.8-flash-tts")),
            Need(client=channel_client("default"), name=CLOSED, lasting=True),
        )
        for need in closed:
            await ledger.close(bucket_of(need, now), datetime(2099, 1, 1, 4, 0, tzinfo=UTC))
        await Debts(Paths("data").owed).mark(7)

    asyncio.run(use())


def lines(capsys, *arguments, code=0):
    assert command(arguments) == code
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def told(capsys, *arguments):
    assert command([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


# quotas


def test_without_a_service_there_is_no_quota_to_run_out_of(capsys):
    assert lines(capsys, "quotas") == ["all is made on this machine: there is no quota to run out of"]


def test_what_is_left_of_each_service(capsys, with_keys, used):
    said = lines(capsys, "quotas")

    assert said[:8] == [
        "quota used reserved limit left state",
        "YouTube uploads 3 3 100 97 open",
        "YouTube units 9,200 9,200 10,000 800 nearly used up",
        "YouTube channel default empty until 01-01 12:00",
        "gemini-3.8-flash 0 0 ? ? open",
        "gemini-3.1-flash-image 4 4 ? ? open",
        "gemini-3.8-flash-tts 0 0 ? 0 empty until 01-01 12:00",
        said[7],
    ]
    assert said[7].startswith("counted anew from ") and said[7].endswith(":00 (Asia/Taipei) on")
    assert said[8] == "projects whose captions follow when there is quota left: 1 (7)"


def test_of_several_channels_each_bucket_says_whose_it_is(capsys, with_keys, used, monkeypatch, tmp_path):
    token = tmp_path / "news.json"
    token.write_text(json.dumps({"client_id": CLIENT, "client_secret": "GOCSPX-x", "refresh_token": "1//x"}))
    token.chmod(0o600)
    (tmp_path / "channels.toml").write_text('[news]\ntoken_file = "news.json"\ndaily_uploads = 5\n')
    monkeypatch.setenv("CHANNELS_FILE", str(tmp_path / "channels.toml"))
    monkeypatch.setenv("COLUMNS", "120")

    said = lines(capsys, "quotas")

    assert "YouTube uploads (default, news) 3 3 100 97 open" in said
    assert "YouTube uploads (news) 0 0 5 5 open" in said
    assert "YouTube channel news open" in said


def test_in_chinese_the_columns_stand_under_their_heads(capsys, with_keys, used, monkeypatch):
    monkeypatch.setenv("REELQUEUE_LANGUAGE", "zh-TW")
    assert command(["quotas"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()[:7]

    ends = [cell_len(head[: head.index(word) + len(word)]) for word in ("已用", "上限", "剩餘")]
    uploads = rows[0]
    assert [cell_len(uploads[: uploads.index(number) + len(number)]) for number in (" 3 ", " 100", " 97")][1:] == ends[1:]
    assert {cell_len(row) for row in rows} == {cell_len(head)}


def test_a_program_gets_the_same(capsys, with_keys, used):
    answer = told(capsys, "quotas")

    buckets = {one["bucket"]: one for one in answer["buckets"]}
    assert (buckets["uploads"]["client"], buckets["uploads"]["remaining"]) == (youtube_client(CLIENT), 97)
    assert datetime.fromisoformat(buckets["units"]["resets_at"]) == pacific_midnight_after(datetime.now(UTC))
    assert buckets["closed"]["closed_until"] == "2099-01-01T04:00:00Z"
    assert answer["captions_owed"] == [7]


def test_nothing_secret_is_printed(capsys, with_keys, used):
    command(["quotas"])
    command(["quotas", "--json"])
    command(["costs", "--json"])

    assert not [value for name, value in KEYS.items() if value in capsys.readouterr().out and name != "YOUTUBE_CLIENT_ID"]


# costs


def test_where_nothing_was_spent_that_is_said(capsys):
    said = lines(capsys, "costs")

    assert said[:4] == [
        "US dollars spent reserved cap",
        "today 0.0000 0.0000 5",
        "last 7 days 0.0000 0.0000",
        "last 30 days 0.0000 0.0000",
    ]
    assert said[-1] == "nothing was paid for yet"


def test_what_was_spent_by_day_service_and_model(capsys, spent):
    said = lines(capsys, "costs")

    today = pacific_day(datetime.now(UTC))
    assert said == [
        "US dollars spent reserved cap",
        "today 0.2344 0.1000 5",
        "last 7 days 0.6844 0.1000",
        "last 30 days 0.6844 0.1000",
        "reserved: calls that are under way or whose outcome nobody knows, at their estimate",
        "",
        "day (Pacific time) spent",
        f"{today} 0.2344",
        f"{today - timedelta(days=3)} 0.4500",
        "",
        "service model unit amount US dollars",
        "did talks second 45 0.4500",
        "gemini gemini-3.1-flash-image image 2 0.1344",
    ]


def test_fewer_days_show_less(capsys, spent):
    said = lines(capsys, "costs", "--days", "2")

    assert "last 2 days 0.2344 0.1000" in said
    assert not [line for line in said if line.startswith("did ")]


def test_a_channel_with_a_cap_of_its_own_has_its_line(capsys, spent, monkeypatch, tmp_path):
    (tmp_path / "channels.toml").write_text(
        '[news]\ntoken_file = "t.json"\ndaily_cost_cap_usd = 3\n[kids]\ntoken_file = "t.json"\n'
    )
    monkeypatch.setenv("CHANNELS_FILE", str(tmp_path / "channels.toml"))

    said = lines(capsys, "costs")

    assert [line for line in said if line.startswith("channel")] == ["channel news today 0.2344 0.1000 3"]


def test_what_one_project_took_and_may_take(capsys, spent):
    assert lines(capsys, "costs", "1")[:2] == ["US dollars spent reserved cap", "project 1 0.6844 0.1000 2"]


def test_no_cap_is_said_to_be_none(capsys, spent, monkeypatch):
    monkeypatch.setenv("PROJECT_COST_CAP_USD", "0")

    assert lines(capsys, "costs", "1")[1] == "project 1 0.6844 0.1000 none"


def test_a_program_gets_the_days_with_their_usage(capsys, spent):
    answer = told(capsys, "costs", "--days", "4")

    assert [round(one["used_usd"], 4) for one in answer["days"]] == [0.2344, 0, 0, 0.45]
    assert (answer["today"]["cap_usd"], answer["project_cap_usd"], answer["total"]["days"]) == (5.0, 2.0, 4)
    assert (round(answer["total"]["used_usd"], 4), round(answer["total"]["reserved_usd"], 4)) == (0.6844, 0.1)
    assert {use["service"]: use["amount"] for use in answer["total"]["usage"]} == {"gemini": 2, "did": 45}


def test_a_program_gets_one_projects_costs(capsys, spent):
    answer = told(capsys, "costs", "1")

    assert (answer["project_id"], round(answer["used_usd"], 4), answer["reserved_usd"], answer["cap_usd"]) == (
        1,
        0.6844,
        0.1,
        2.0,
    )


@pytest.mark.parametrize("arguments", [["costs", "7"], ["costs", "x"], ["costs", "--days", "0"], ["costs", "--days", "61"]])
def test_what_is_not_there_is_wrong_usage(capsys, spent, arguments):
    assert command(arguments) == 2


def test_an_account_that_cannot_be_read_is_named(capsys, spent):
    today = pacific_day(datetime.now(UTC))
    (Paths("data").ledger / today.isoformat() / "money.usd.json").write_text("{")

    assert command(["costs"]) == 3
    assert f"ledger/{today}/money.usd.json" in capsys.readouterr().err
