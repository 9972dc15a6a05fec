"""`doctor` looks at the services: against the sandbox, without a paid call."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reelqueue import clock
from reelqueue.ahead import checks, clock_checks, money_checks, service_checks
from reelqueue.ahead.findings import Finding
from reelqueue.models.buckets import UNITS, youtube_client
from reelqueue.sandbox import open_sandbox
from reelqueue.settings import Settings, read_settings
from storage import Bucket, Ledger, Paths
from storage.ledger import pacific_day


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


@pytest.fixture
def local(tmp_path, monkeypatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return read_settings(data_dir=tmp_path / "data")


@pytest.fixture
def set_up(sandbox, tmp_path, monkeypatch):
    """Settings that point at the sandbox, but for those that are given."""
    monkeypatch.chdir(tmp_path)

    def set_up(**changed: str) -> Settings:
        for name, value in (sandbox.settings() | changed).items():
            monkeypatch.setenv(name, value)
        return read_settings(data_dir=tmp_path / "data")

    return set_up


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


def token_file(folder: Path, sandbox, **more: str) -> Path:
    given = sandbox.settings()
    told = {
        "type": "authorized_user",
        "client_id": given["YOUTUBE_CLIENT_ID"],
        "client_secret": given["YOUTUBE_CLIENT_SECRET"],
        "refresh_token": sandbox.add_channel("news"),
        **more,
    }
    file = folder / "news.token.json"
    file.write_text(json.dumps(told))
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("check", [service_checks.gemini, service_checks.youtube, service_checks.did])
async def test_what_is_not_set_up_is_local_and_needs_no_key(local, check):
    finding = only(await check(local))

    assert (finding.level, finding.saw.en) == ("ok", "local, no key needed")


async def test_without_services_nobody_is_asked_and_money_is_no_matter(local):
    assert only(await service_checks.providers(local)).saw.en == "all local (no key needed)"
    assert await money_checks.prices(local) == await money_checks.money(local) == await clock_checks.clocks(local) == []


async def test_all_services_are_looked_at_and_none_is_paid(set_up, sandbox):
    settings = set_up()
    checks = (
        service_checks.providers,
        service_checks.gemini,
        service_checks.youtube,
        service_checks.did,
        money_checks.money,
        clock_checks.clocks,
    )
    found = [finding for check in checks for finding in await check(settings)]

    assert {finding.level for finding in found} == {"ok"}
    assert "script gemini, pictures gemini, voice gemini, presenter did, publication youtube" in found[0].saw.en
    assert "default" in found[2].what.en
    calls = {(entry.service, entry.call) for entry in sandbox.journal.calls() if entry.call}
    assert {("gemini", "models"), ("did", "credits"), ("youtube", "channels.list"), ("oauth", "token")} <= calls
    assert not {call for _, call in calls} & {"script", "image", "voice", "talks.create", "upload.open"}
    assert sandbox.gemini.paid == []


async def test_a_look_at_a_channel_is_counted_as_one_unit(set_up, sandbox):
    settings = set_up()

    await service_checks.youtube(settings)

    client = youtube_client(settings.youtube_client_id)
    account = await Ledger(Paths(settings.data_dir)).account(Bucket(client, UNITS, pacific_day(datetime.now(UTC))))
    assert (account.used, account.unsettled) == (1, 0)


async def test_a_guard_that_is_off_is_told_of(set_up):
    channel, guard = await service_checks.youtube(set_up(VARIATION_GUARD="false"))

    assert (channel.level, guard.level, "VARIATION_GUARD" in guard.saw.zh) == ("ok", "ok", True)


@pytest.mark.parametrize(
    ("check", "setting", "value"),
    [
        (service_checks.gemini, "GEMINI_API_KEY", "AIzaNOBODYS"),
        (service_checks.did, "DID_API_KEY", "nobody:s"),
        (service_checks.youtube, "YOUTUBE_REFRESH_TOKEN", "1//nobodys"),
        (service_checks.youtube, "YOUTUBE_CLIENT_SECRET", "GOCSPX-nobodys"),
    ],
)
async def test_a_wrong_key_is_a_failure_that_says_what_to_do_and_does_not_show_it(set_up, check, setting, value):
    finding = only(await check(set_up(**{setting: value})))

    assert finding.level == "fail"
    assert finding.do.zh and finding.do.en
    assert value not in repr(finding)


async def test_a_retired_model_names_its_setting_unless_nobody_asks_for_it(set_up, sandbox):
    settings = set_up(GEMINI_IMAGE_MODEL="gemini-0.1-retired")
    used = await service_checks.gemini(settings)
    unused = await service_checks.gemini(settings.model_copy(update={"image_provider": "local"}))

    assert (only(used).level, only(unused).level) == ("fail", "ok")
    assert "GEMINI_IMAGE_MODEL" in only(used).do.en


async def test_a_service_that_is_down_is_a_warning(set_up, sandbox):
    settings = set_up()
    sandbox.faults.order(service="gemini", call="models", kind="503", times=1)

    finding = only(await service_checks.gemini(settings))

    assert (finding.level, "again later" in finding.do.en) == ("warn", True)


async def test_few_credits_are_told(set_up, sandbox):
    settings = set_up()
    sandbox.did.credits = 1

    finding = only(await service_checks.did(settings))

    assert (finding.level, "PRESENTER_PROVIDER" in finding.do.en) == ("warn", True)


async def test_each_channel_of_the_file_is_looked_at_by_its_name(set_up, sandbox, tmp_path):
    token_file(tmp_path, sandbox)
    (tmp_path / "channels.toml").write_text('[news]\ntoken_file = "news.token.json"\ndaily_uploads = 5\n')

    default, news = await service_checks.youtube(set_up(CHANNELS_FILE=str(tmp_path / "channels.toml")))

    assert (default.what.en, news.what.en) == ("YouTube channel default", "YouTube channel news")
    assert (default.level, news.level, "5 uploads" in news.saw.en) == ("ok", "ok", True)
    assert default.saw != news.saw


@pytest.mark.parametrize(("days", "level"), [(-1, "fail"), (0.5, "warn"), (6, "warn")])
async def test_a_token_of_a_consent_screen_in_testing_mode_is_told_of_before_it_ends(set_up, sandbox, tmp_path, days, level):
    ends = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    file = token_file(tmp_path, sandbox, refresh_token_expires_at=ends)
    settings = set_up(YOUTUBE_REFRESH_TOKEN="", YOUTUBE_TOKEN_FILE=str(file))

    _, token = await service_checks.youtube(settings)

    assert (token.level, "auth youtube" in token.do.en) == (level, True)


async def test_a_token_file_that_others_can_read_is_refused_with_the_command_that_mends_it(set_up, sandbox, tmp_path):
    file = token_file(tmp_path, sandbox)
    file.chmod(0o644)

    finding = only(await service_checks.youtube(set_up(YOUTUBE_REFRESH_TOKEN="", YOUTUBE_TOKEN_FILE=str(file))))

    assert (finding.level, f"chmod 600 {file}" in finding.do.en) == ("fail", True)


async def test_a_channels_file_that_is_wrong_is_told_once(set_up, tmp_path):
    (tmp_path / "channels.toml").write_text("[news")
    settings = set_up(CHANNELS_FILE=str(tmp_path / "channels.toml"))

    found = [*await service_checks.providers(settings), *await service_checks.youtube(settings)]

    assert [finding.level for finding in found] == ["fail"]
    assert "CHANNELS_FILE" in found[0].saw.en


async def test_a_tests_clock_that_stayed_is_named(local, tmp_path):
    file = tmp_path / "clock"
    file.write_text("86400")
    clock.follow(file)

    finding = only(await clock_checks.moved(local.model_copy(update={"test_clock_file": file})))
    clock.follow(None)

    assert await clock_checks.moved(local) == []
    assert (finding.level, "24.0 hours" in finding.saw.en, "TEST_CLOCK_FILE" in finding.saw.zh) == ("warn", True, True)


async def test_a_failpoint_that_stayed_is_named(local):
    finding = only(await checks.failpoint(local.model_copy(update={"reelqueue_failpoint": "upload.opened:kill"})))

    assert await checks.failpoint(local) == []
    assert (finding.level, "upload.opened:kill" in finding.saw.en) == ("warn", True)


@pytest.mark.parametrize(("hours", "named"), [(1, "1.0 hours behind"), (-1, "1.0 hours ahead")])
async def test_a_clock_that_is_an_hour_off_is_named(set_up, sandbox, hours, named):
    settings = set_up()
    sandbox.clock.move(timedelta(hours=hours))

    finding = only(await clock_checks.clocks(settings))

    assert (finding.level, named in finding.saw.en, "NTP" in finding.do.en) == ("warn", True, True)


async def test_prices_that_are_not_known_or_end_soon_are_told(set_up, tmp_path):
    unknown = only(await money_checks.prices(set_up(GEMINI_TEXT_MODEL="gemini-99-flash")))
    file = tmp_path / "prices.json"
    today = datetime.now(UTC).date()
    row = {"service": "gemini", "model": "gemini-3.8-flash", "usd": "1", "per": 1000000, "since": "2026-01-01"}
    ends = {"until": (today + timedelta(days=3)).isoformat()}
    file.write_text(json.dumps({"prices": [row | ends | {"unit": unit} for unit in ("input_tokens", "output_tokens")]}))
    soon = only(await money_checks.prices(set_up(GEMINI_TEXT_MODEL="gemini-3.8-flash", PRICES_FILE=str(file))))
    file.write_text("{")
    broken = only(await money_checks.prices(set_up(PRICES_FILE=str(file))))

    assert (unknown.level, "gemini-99-flash" in unknown.saw.en) == ("warn", True)
    assert (soon.level, ends["until"] in soon.saw.en) == ("warn", True)
    assert (broken.level, "PRICES_FILE" in broken.saw.en) == ("fail", True)


@pytest.mark.parametrize(("cap", "level"), [("5", "ok"), ("0", "warn")])
async def test_the_caps_are_told(set_up, cap, level):
    finding = only(await money_checks.money(set_up(DAILY_COST_CAP_USD=cap)))

    assert finding.level == level
