"""A channel's tokens: where they come from, how they are renewed and kept, and that nobody else sees them."""

import asyncio
import errno
import io
import json
import logging
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from reelqueue import telemetry
from reelqueue.errors import AuthenticationFailed, InvalidSettings, RateLimited, ReelqueueError, ServiceUnavailable
from reelqueue.models.buckets import youtube_client
from reelqueue.models.channel import Channel
from reelqueue.providers.youtube.credentials import client_id_of, source_of
from reelqueue.providers.youtube.opening import client_of, open_channel
from reelqueue.providers.youtube.tokens import Access
from reelqueue.providers.youtube.wire import Wire
from reelqueue.sandbox import Sandbox
from tests.contract.publishing import publication_in, publisher_at, settings_of

DEFAULT = Channel(name="default")


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    opened = Wire(connect_s=5, answer_s=5, call_s=10)
    yield opened
    await opened.aclose()


@pytest.fixture
def access(sandbox: Sandbox, tmp_path: Path, wire: Wire) -> Access:
    return client_of(settings_of(sandbox, tmp_path), DEFAULT, wire).access


def token_file(sandbox: Sandbox, folder: Path, channel: str = "news", **changes: object) -> Path:
    client = sandbox.oauth.client
    told = {
        "type": "authorized_user", "client_id": client.client_id, "client_secret": client.client_secret,
        "refresh_token": sandbox.add_channel(channel), "scopes": ["https://www.googleapis.com/auth/youtube"],
    }  # fmt: skip
    path = folder / f"{channel}.json"
    path.write_text(json.dumps(told | changes), encoding="utf-8")
    path.chmod(0o600)
    return path


def access_by_file(sandbox: Sandbox, folder: Path, wire: Wire, file: Path) -> Access:
    return client_of(settings_of(sandbox, folder), Channel(name="news", token_file=str(file)), wire).access


async def test_many_at_once_renew_it_once(access, sandbox):
    tokens = await asyncio.gather(*(access.token() for _ in range(20)))

    assert len(set(tokens)) == 1
    assert len(sandbox.journal.calls("oauth", "token")) == 1


async def test_many_whose_token_was_refused_renew_it_once(access, sandbox):
    old = await access.token()

    tokens = await asyncio.gather(*(access.another(old) for _ in range(20)))

    assert len(set(tokens)) == 1
    assert tokens[0] != old
    assert len(sandbox.journal.calls("oauth", "token")) == 2


async def test_a_token_is_renewed_before_it_ends(access, sandbox):
    sandbox.faults.order(service="oauth", call="token", kind="short", seconds=0)

    first, second = await access.token(), await access.token()

    assert first != second


async def test_a_token_that_ended_unseen_is_renewed_once_for_a_call(sandbox, tmp_path, wire):
    publisher = publisher_at(sandbox, tmp_path, wire)
    await publisher.find(publication_in(tmp_path))
    sandbox.oauth.expire_access()

    await publisher.find(publication_in(tmp_path))

    assert len(sandbox.journal.calls("oauth", "token")) == 2
    assert [entry.status for entry in sandbox.journal.calls("youtube", "channels.list")] == [200, 401, 200]


async def test_an_answer_without_scopes_is_a_token_all_the_same(access, sandbox):
    sandbox.faults.order(service="oauth", call="token", kind="no_scope")

    assert (await access.token()).startswith("ya29.")


async def test_a_revoked_leave_names_the_command_and_the_seven_days(sandbox, tmp_path, wire):
    access = access_by_file(sandbox, tmp_path, wire, token_file(sandbox, tmp_path))
    sandbox.oauth.revoke("news")

    with pytest.raises(AuthenticationFailed, match="news") as met:
        await access.token()

    assert "reelqueue auth youtube --channel news" in met.value.hint
    assert "7 天" in met.value.hint
    assert met.value.usage == ()
    assert len(sandbox.journal.calls("oauth", "token")) == 1


async def test_a_token_of_a_screen_in_testing_mode_tells_the_day_that_it_ended(sandbox, tmp_path, wire):
    ended = datetime.now(UTC) - timedelta(days=1)
    file = token_file(sandbox, tmp_path, refresh_token_expires_at=ended.isoformat())
    sandbox.oauth.revoke("news")

    with pytest.raises(AuthenticationFailed) as met:
        await access_by_file(sandbox, tmp_path, wire, file).token()

    assert f"{ended:%Y-%m-%d}" in met.value.hint


@pytest.mark.parametrize("reason", ["invalid_client", "deleted_client", "unauthorized_client"])
async def test_a_client_that_is_gone_is_told_apart(access, sandbox, reason):
    sandbox.faults.order(service="oauth", call="token", kind="401", reason=reason, message="The OAuth client was deleted.")

    with pytest.raises(AuthenticationFailed, match=reason) as met:
        await access.token()

    assert "YOUTUBE_CLIENT_ID" in met.value.hint


async def test_a_wrong_secret_is_a_wrong_client(sandbox, tmp_path, wire):
    settings = settings_of(sandbox, tmp_path, youtube_client_secret="GOCSPX-wrong")

    with pytest.raises(AuthenticationFailed, match="invalid_client"):
        await client_of(settings, DEFAULT, wire).access.token()


@pytest.mark.parametrize(
    ("kind", "more", "error"),
    [
        ("503", {}, ServiceUnavailable), ("500", {}, ServiceUnavailable), ("429", {"retry_after": 7}, RateLimited),
        ("reset", {}, ServiceUnavailable), ("broken_json", {}, ServiceUnavailable), ("empty", {}, ServiceUnavailable),
        ("502", {"html": True}, ServiceUnavailable), ("200", {"html": True}, ServiceUnavailable),
        ("200", {"body": {"access_token": "ya29.x"}}, ServiceUnavailable),
    ],
)  # fmt: skip
async def test_a_token_service_that_is_down_is_asked_again_later(access, sandbox, kind, more, error):
    sandbox.faults.order(service="oauth", call="token", kind=kind, **more)

    with pytest.raises(error):
        await access.token()

    assert len(sandbox.journal.calls("oauth", "token")) == 1
    assert (await access.token()).startswith("ya29.")


async def test_a_new_refresh_token_is_kept_in_the_file(sandbox, tmp_path, wire):
    file = token_file(sandbox, tmp_path, note="of an operator")
    before = json.loads(file.read_text())["refresh_token"]
    sandbox.faults.order(service="oauth", call="token", kind="rotate")

    old = await access_by_file(sandbox, tmp_path, wire, file).token()

    after = json.loads(file.read_text())
    assert after["refresh_token"] != before
    assert after["client_id"] == sandbox.oauth.client.client_id
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await access_by_file(sandbox, tmp_path, wire, file).another(old) != old
    assert list(tmp_path.glob("*.part")) == []


async def test_a_file_that_did_not_know_its_end_learns_it(sandbox, tmp_path, wire):
    file = token_file(sandbox, tmp_path)
    sandbox.faults.order(service="oauth", call="token", kind="testing")

    await access_by_file(sandbox, tmp_path, wire, file).token()

    ends = datetime.fromisoformat(json.loads(file.read_text())["refresh_token_expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=2)


async def test_a_new_refresh_token_is_not_lost_where_its_file_can_not_be_written(sandbox, tmp_path, wire, monkeypatch):
    access = access_by_file(sandbox, tmp_path, wire, token_file(sandbox, tmp_path))
    sandbox.faults.order(service="oauth", call="token", kind="rotate")
    monkeypatch.setattr("reelqueue.providers.youtube.credentials.disk.place", refusing)

    old = await access.token()

    assert await access.another(old) != old


def refusing(*_: object) -> None:
    raise OSError(errno.EROFS, "read-only")


async def test_a_new_refresh_token_of_the_settings_is_kept_in_memory(access, sandbox):
    sandbox.faults.order(service="oauth", call="token", kind="rotate")
    old = await access.token()

    assert await access.another(old) != old


async def test_a_token_that_another_process_exchanged_meanwhile_is_read_again(sandbox, tmp_path, wire):
    """The file is read, the leave is taken back and given anew, and only then the old one is refused."""
    file = token_file(sandbox, tmp_path)
    access = access_by_file(sandbox, tmp_path, wire, file)
    source, read, reads = access._source, access._source.read, []

    def read_the_old_first():
        reads.append(read())
        if len(reads) == 1:
            sandbox.oauth.revoke("news")
            grant = sandbox.oauth.grant(sandbox.oauth.client.client_id, "news", ("https://www.googleapis.com/auth/youtube",))
            token_file(sandbox, tmp_path, refresh_token=grant.refresh_token)
        return reads[-1]

    source_reading = type("Reading", (), {"read": staticmethod(read_the_old_first), "keep": source.keep, "file": source.file})
    access._source = source_reading()

    assert (await access.token()).startswith("ya29.")
    assert len(sandbox.journal.calls("oauth", "token")) == 2


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_file_that_others_can_read_is_refused_with_the_cure(sandbox, tmp_path, wire, mode):
    file = token_file(sandbox, tmp_path)
    file.chmod(mode)

    with pytest.raises(InvalidSettings) as met:
        open_channel(settings_of(sandbox, tmp_path), Channel(name="news", token_file=str(file)), wire)

    assert met.value.hint == f"執行 chmod 600 {file}"
    assert met.value.name == "CHANNELS_FILE"


@pytest.mark.parametrize("body", ["", "[]", '{"type": "service_account"}', '{"client_id": "x"}', "\udcff"])
def test_a_file_that_is_no_token_names_the_setting_and_the_command(sandbox, tmp_path, wire, body):
    file = tmp_path / "token.json"
    file.write_text(body, encoding="utf-8", errors="surrogateescape")
    file.chmod(0o600)
    settings = settings_of(
        sandbox, tmp_path, youtube_token_file=file, youtube_client_id=None, youtube_client_secret=None, youtube_refresh_token=None
    )

    with pytest.raises(InvalidSettings, match="reelqueue auth youtube") as met:
        open_channel(settings, DEFAULT, wire)

    assert met.value.name == "YOUTUBE_TOKEN_FILE"


def test_a_file_that_is_missing_names_the_setting(sandbox, tmp_path, wire):
    with pytest.raises(InvalidSettings, match=r"none\.json"):
        open_channel(settings_of(sandbox, tmp_path, youtube_token_file=tmp_path / "none.json"), DEFAULT, wire)


def test_a_file_without_a_client_takes_the_settings(sandbox, tmp_path):
    file = token_file(sandbox, tmp_path)
    told = json.loads(file.read_text())
    file.write_text(json.dumps({"refresh_token": told["refresh_token"]}))

    assert client_id_of(settings_of(sandbox, tmp_path, youtube_token_file=file), DEFAULT) == sandbox.oauth.client.client_id


def test_quota_is_counted_by_the_client_and_not_by_the_channel(sandbox, tmp_path, wire):
    one = publisher_at(sandbox, tmp_path, wire)
    news = Channel(name="news", token_file=str(token_file(sandbox, tmp_path)))
    two = publisher_at(sandbox, tmp_path, wire, news)
    publication = publication_in(tmp_path)

    assert one.cost("publish", publication) == two.cost("publish", publication)
    assert one.cost("open", publication).needs[0].client == youtube_client(sandbox.oauth.client.client_id)


async def test_no_secret_is_in_a_log_an_error_or_a_repr(sandbox, tmp_path, wire):
    """A token whose form no pattern knows is hidden all the same."""
    stream = io.StringIO()
    telemetry.configure(level="debug", stream=stream)
    odd = {"access_token": "access-of-an-odd-form", "expires_in": 3599, "refresh_token": "refresh-of-an-odd-form"}
    sandbox.faults.order(service="oauth", call="token", kind="200", body=odd)
    file = token_file(sandbox, tmp_path)
    settings = settings_of(sandbox, tmp_path)
    source = source_of(settings, Channel(name="news", token_file=str(file)))
    publisher = open_channel(settings, Channel(name="news", token_file=str(file)), wire)
    client = sandbox.oauth.client
    secrets = [client.client_secret, sandbox.add_channel("news"), odd["access_token"], odd["refresh_token"]]

    with pytest.raises(ReelqueueError) as met:
        await publisher.open(publication_in(tmp_path))
    shown = [
        repr(source.read()),
        repr(source),
        repr(met.value),
        met.value.message,
        met.value.hint,
        repr(publisher._client.access),
    ]
    structlog.get_logger("test").error("it went wrong", secrets=secrets, exc_info=met.value)
    logging.getLogger("other").error("%s", secrets)

    lines = stream.getvalue() + "".join(shown)
    assert "it went wrong" in lines
    assert [secret for secret in secrets if secret in lines] == []
