"""What services, networks and people get wrong: each is named in both languages, with what to do, and nothing is paid or published for it.

Real workers, the sandbox, and a proxy that answers in place of every service.
"""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from jobs.client import connect
from jobs.spending import project_bucket
from reelqueue.models.script import Metadata
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.sandbox import open_sandbox
from storage import Ledger, Paths
from tests.faults.cloud import calls, rendered
from tests.integration.bad_services import at_rest, local, own_environment, peak_mb, proxied, script_alone
from tests.workers import worker

pytestmark = pytest.mark.slow
SMALL, CHUNKED = 300_000, 9_000_000
LANGUAGES = (pytest.param("en", marks=pytest.mark.soak), "zh-TW")
BY_PAUSES = "tests.faults.tiny_stages"
"""The module of a worker whose words are timed by pauses: the children that time them better are what is dear in its voice."""
UPLOADING = {"script": "local", "image": "local", "voice": "local", "presenter": "local"}


@pytest.fixture
def settings(settings):
    """Nobody dies here: a lease that is lost on a busy machine is a further attempt, which tries each piece anew."""
    return settings.model_copy(update={"lease_seconds": 30.0})


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


async def upload_begun(queue, settings, *, video_bytes=SMALL, **brief):
    project, _ = await rendered(settings, video_bytes=video_bytes, providers=UPLOADING, **brief)
    await queue.start(project.project_id)
    return project.project_id


async def uploaded(queue, settings, **more):
    """An upload alone, to its end."""
    return await at_rest(queue, await upload_begun(queue, settings, **more))


def failure(state, stage):
    assert state.status is ProjectStatus.FAILED, (state.status, state.wait)
    error = state.stages[stage].error
    assert error is not None
    assert error.hint
    return error


async def spent(settings, number):
    return await Ledger(Paths(settings.data_dir)).account(project_bucket(number))


# A proxy on the way, that answers in place of the service.

PROXIES = {"page": (4, True), "502": (4, True), "403": (1, True), "307": (1, True), "large": (4, False), "bomb": (4, False)}
"""How often it is asked (what no retry mends, once), and whether it is known for a proxy."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("google", ["token", "api"])
async def test_a_proxy_that_answers_for_gemini_youtube_or_google_is_named_and_takes_no_worker_along(
    settings, sandbox, google, language
):
    async with proxied() as proxy, connect(settings) as queue:
        env = own_environment(sandbox, REELQUEUE_LANGUAGE=language) | proxy.services()
        if google == "api":
            env["GOOGLE_TOKEN_URL"] = sandbox.settings()["GOOGLE_TOKEN_URL"]
        async with worker(settings, **env) as one:
            for kind, (tries, known) in PROXIES.items():
                proxy.said = {"/": kind}
                script = await at_rest(queue, await script_alone(queue, "Tides"))
                upload = await uploaded(queue, settings)
                for stage, state in ((Stage.SCRIPT, script), (Stage.UPLOAD, upload)):
                    error = failure(state, stage)
                    named = "proxy" if language == "en" else "代理"
                    assert not known or named in f"{error.message}{error.hint}", (kind, error)
                    assert state.upload is None or state.upload.session_no == 0
                assert len(proxy.asked) == 2 * tries, (kind, proxy.asked)
                proxy.asked.clear()
            assert peak_mb(one.pid) < 600
    assert calls(sandbox, "gemini") == 0
    assert sandbox.youtube.videos == {}


# Keys and tokens.


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_wrong_key_and_a_wrong_client_are_refused_once_and_named_by_their_settings(settings, sandbox, language):
    env = own_environment(sandbox, REELQUEUE_LANGUAGE=language)
    env |= {"GEMINI_API_KEY": "AIzaSANDBOX-of-somebody-else-0000000000", "YOUTUBE_CLIENT_SECRET": "GOCSPX-of-somebody-else"}
    async with connect(settings) as queue, worker(settings, **env):
        number = await script_alone(queue, "Tides")
        script = failure(await at_rest(queue, number), Stage.SCRIPT)
        upload = failure(await uploaded(queue, settings), Stage.UPLOAD)

    assert (script.code, upload.code) == ("authentication", "authentication")
    assert "GEMINI_API_KEY" in script.hint
    assert "YOUTUBE_CLIENT_SECRET" in upload.hint
    assert "reelqueue auth youtube" in upload.hint
    assert (calls(sandbox, "gemini", "script"), calls(sandbox, "oauth", "token"), calls(sandbox, "youtube")) == (1, 1, 0)
    assert (await spent(settings, number)).used == 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", ["invalid_client", "deleted_client", "org_internal"])
async def test_a_consent_screen_that_is_gone_is_told_and_mended_by_retry(settings, sandbox, reason, language):
    sandbox.faults.order(service="oauth", call="token", kind="401", reason=reason)
    async with connect(settings) as queue, worker(settings, **own_environment(sandbox, REELQUEUE_LANGUAGE=language)):
        state = await uploaded(queue, settings)
        error = failure(state, Stage.UPLOAD)
        assert error.code == "authentication"
        assert reason in error.message
        assert ("consent screen" if language == "en" else "同意畫面") in error.hint
        assert calls(sandbox, "youtube") == 0

        await queue.retry(state.project_id)
        await at_rest(queue, state.project_id)

    assert len(sandbox.youtube.videos) == 1


@pytest.mark.parametrize("amid", [False, True])
async def test_a_revoked_token_stops_the_upload_and_a_new_one_in_the_file_goes_on_with_it(settings, sandbox, tmp_path, amid):
    """Before anything is sent; or with half a video there.  Nobody starts a worker anew."""
    file = tmp_path / "token.json"
    env = own_environment(sandbox, YOUTUBE_TOKEN_FILE=str(file))
    write_token(file, sandbox, env.pop("YOUTUBE_REFRESH_TOKEN"))
    if amid:
        sandbox.faults.order(service="youtube", call="upload.chunk", kind="401", skip=1)
        sandbox.faults.order(service="oauth", call="token", kind="revoked", skip=1)
    else:
        sandbox.oauth.revoke()
    async with connect(settings) as queue, worker(settings, **env):
        number = await upload_begun(queue, settings, video_bytes=CHUNKED)
        error = failure(await at_rest(queue, number), Stage.UPLOAD)
        assert error.code == "authentication"
        assert "reelqueue auth youtube" in error.hint
        assert "7 days" in error.hint
        assert sandbox.youtube.videos == {}

        client = sandbox.oauth.client.client_id
        write_token(file, sandbox, sandbox.oauth.grant(client, "default", scopes(sandbox)).refresh_token)
        await queue.retry(number)
        state = await at_rest(queue, number)

    assert state.status is ProjectStatus.COMPLETED
    [video] = sandbox.youtube.videos.values()
    assert video.bytes == CHUNKED
    assert calls(sandbox, "youtube", "upload.open") == 1


def scopes(sandbox):
    return next(iter(sandbox.oauth.grants.values())).scopes


def write_token(file, sandbox, token):
    client = sandbox.oauth.client
    file.write_text(
        json.dumps(
            {
                "type": "authorized_user",
                "client_id": client.client_id,
                "client_secret": client.client_secret,
                "refresh_token": token,
            }
        ),
        encoding="utf-8",
    )
    file.chmod(0o600)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_token_file_that_is_missing_open_to_others_or_half_written_is_named_before_anything_is_paid(
    settings, sandbox, tmp_path, language
):
    """In the first stage, which is paid for: nobody pays for a video that can't be published."""
    file = tmp_path / "token.json"
    env = own_environment(sandbox, YOUTUBE_TOKEN_FILE=str(file), REELQUEUE_LANGUAGE=language)
    token = env.pop("YOUTUBE_REFRESH_TOKEN")
    async with connect(settings) as queue, worker(settings, **env):
        for spoil, told in (
            (lambda: file.unlink(missing_ok=True), "No such file"),
            (lambda: write_token(file, sandbox, token) or file.chmod(0o644), f"chmod 600 {file}"),
            (lambda: write_token(file, sandbox, token) or os.truncate(file, 40), "JSON"),
            (lambda: file.write_text("[]", encoding="utf-8"), "authorized_user"),
            (lambda: file.write_text('{"type": "authorized_user"}', encoding="utf-8"), "refresh_token"),
        ):
            spoil()
            number = await script_alone(queue, "Tides")
            error = failure(await at_rest(queue, number), Stage.SCRIPT)
            assert error.code == "invalid_settings"
            assert str(file) in error.message
            assert told in f"{error.message} {error.hint}", error
        assert calls(sandbox, "gemini") == 0

        write_token(file, sandbox, token)
        await queue.retry(number)
        assert (await at_rest(queue, number)).status is not ProjectStatus.FAILED
    assert calls(sandbox, "gemini", "script") == 1


@pytest.mark.parametrize(
    "text",
    ["[news", "[news]\n", '[news]\ntoken_file = "x"\nvoise = "y"\n', '["../up"]\ntoken_file = "x"\n', "news = 3\n", "\x00\xff"],
)
async def test_a_channels_file_that_is_broken_is_named_by_a_worker_that_does_not_start(settings, sandbox, tmp_path, text):
    file = tmp_path / "channels.toml"
    file.write_text(text, encoding="latin-1")
    async with worker(settings, **own_environment(sandbox, CHANNELS_FILE=str(file))) as one:
        assert await one.ended(30) != 0
    assert "CHANNELS_FILE" in one.said()
    assert "Traceback" not in one.said()


# A clock an hour off.


@pytest.mark.parametrize("hours", [-1, 1])
async def test_with_a_clock_an_hour_off_a_video_is_published_all_the_same(settings, sandbox, hours):
    sandbox.clock.move(timedelta(hours=hours))
    async with connect(settings) as queue, worker(settings, **own_environment(sandbox)):
        one, two = await uploaded(queue, settings), await uploaded(queue, settings)

    assert (one.status, two.status) == (ProjectStatus.COMPLETED, ProjectStatus.COMPLETED)
    assert len(sandbox.youtube.videos) == 2
    assert calls(sandbox, "oauth", "token") == 1


async def test_a_moment_that_has_passed_by_youtubes_clock_alone_is_now(settings, sandbox):
    """As YouTube does with a moment that is over: the video is public at once."""
    sandbox.clock.move(timedelta(hours=1))
    at = (datetime.now(UTC) + timedelta(minutes=20)).isoformat()
    async with connect(settings) as queue, worker(settings, **own_environment(sandbox)):
        state = await uploaded(queue, settings, publish_at=at)

    assert state.status is ProjectStatus.COMPLETED
    [video] = sandbox.youtube.videos.values()
    assert video.visible(sandbox.clock.now()) == "public"


# Words that nobody should publish as they came.

WILD = "\u202e\x1b[31m<script>alert(1)</script>\x07\u2066 tides\r\n"


def answered(script):
    """A model's answer on the wire."""
    return {
        "candidates": [{"content": {"parts": [{"text": json.dumps(script)}], "role": "model"}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 200, "totalTokenCount": 300},
    }


async def test_what_a_model_writes_against_all_rules_is_published_by_the_rules(settings, sandbox):
    said = f"{WILD} The moon pulls the water of the sea, and the earth turns below it. "
    wild = {
        "intro": {"text": said},
        "segments": [{"text": said * 2, "image_description": WILD, "heading": WILD} for _ in range(3)],
        "outro": {"text": said},
        "metadata": {"title": WILD + "Tides " * 60, "description": WILD + "x" * 9_000, "tags": [WILD, "a,b", "<x>", "y" * 400]},
    }
    sandbox.faults.order(service="gemini", call="script", kind="200", body=answered(wild))
    async with connect(settings) as queue, worker(settings, **own_environment(sandbox)):
        number = await script_alone(queue, "Tides")
        state = await at_rest(queue, number)
        assert state.status is ProjectStatus.COMPLETED, state.stages[Stage.SCRIPT].error
        script = json.loads((Paths(settings.data_dir).project(number).root / "script.json").read_text(encoding="utf-8"))
        metadata = Metadata.model_validate(script["metadata"])
        published = await uploaded(queue, settings, metadata=metadata)

    spoken = [script["intro"]["text"], *(segment["text"] for segment in script["segments"]), script["outro"]["text"]]
    headings = [segment["heading"] or "" for segment in script["segments"]]
    for text in (*spoken, *headings, metadata.title, *metadata.tags):
        assert text.isprintable(), repr(text)
    assert metadata.description.replace("\n", "").isprintable(), repr(metadata.description[:200])
    assert len(metadata.title) <= 100
    assert not set("<>") & set(metadata.title + metadata.description + "".join(metadata.tags))
    assert published.status is ProjectStatus.COMPLETED
    [video] = sandbox.youtube.videos.values()
    assert (video.title, video.description) == (metadata.title, metadata.description)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        (Metadata(title="t" * 300, description="d", tags=()), "title"),
        (Metadata(title="<b>Tides</b>", description="d", tags=()), "title"),
        (Metadata(title="Tides", description="海" * 2_000, tags=()), "description"),
        (Metadata(title="Tides", description="d", tags=("x" * 600,)), "tags"),
    ],
    ids=["title", "angles", "description", "tags"],
)
async def test_words_that_came_with_a_script_and_break_the_rules_are_named_before_anything_is_sent(
    settings, sandbox, metadata, field, language
):
    async with connect(settings) as queue, worker(settings, **own_environment(sandbox, REELQUEUE_LANGUAGE=language)):
        error = failure(await uploaded(queue, settings, metadata=metadata), Stage.UPLOAD)

    assert error.code == "invalid_brief"
    assert field in error.message
    assert field in error.hint
    assert (calls(sandbox, "youtube"), calls(sandbox, "oauth")) == (0, 0)


# Pictures that are none, voices of silence.


@pytest.mark.parametrize(
    ("call", "kind", "times", "told"), [("image", "not_an_image", 4, "no picture"), ("voice", "silence", 1, "silent")]
)
async def test_a_picture_that_is_none_and_a_voice_of_silence_are_named_and_alone_are_paid_for_again(
    settings, sandbox, call, kind, times, told
):
    """A picture is asked for four times, since models err; a voice of silence would be one again."""
    async with (
        connect(settings) as queue,
        worker(settings, module=BY_PAUSES, **own_environment(sandbox) | local("PRESENTER", "PUBLISHER")),
    ):
        brief = {"topic": "Tides", "language": "en", "duration_s": 15, "review": ["script", "assets"]}
        number = (await queue.create_project(brief)).project_id
        await queue.start(number)
        await at_rest(queue, number)
        script = json.loads((Paths(settings.data_dir).project(number).root / "script.json").read_text(encoding="utf-8"))
        one = script["segments"][0]["image_description" if call == "image" else "text"]  # several are asked for at once
        sandbox.faults.order(service="gemini", call=call, kind=kind, times=times, match=one)
        await queue.approve(number)
        error = failure(await at_rest(queue, number), Stage.ASSETS)

        await queue.retry(number)
        state = await at_rest(queue, number)

    assert told in error.message
    assert state.status is ProjectStatus.WAITING_REVIEW
    once = {"script": 1, "image": len(script["segments"]), "voice": len(script["segments"]) + 2}
    paid = {name: calls(sandbox, "gemini", name) for name in once}
    assert paid == once | {call: once[call] + times}


# What YouTube refuses beside the video.


async def test_a_playlist_that_is_not_there_a_refused_thumbnail_and_captions_that_exist_hold_no_video_back(settings, sandbox):
    sandbox.faults.order(service="youtube", call="thumbnails.set", kind="403")
    sandbox.faults.order(service="youtube", call="captions.insert", kind="409", when="after", reason="captionExists")
    async with connect(settings) as queue, worker(settings, **own_environment(sandbox)):
        state = await uploaded(queue, settings, playlist="PLnowhere0000000000", privacy="public")

    assert state.status is ProjectStatus.COMPLETED
    [video] = sandbox.youtube.videos.values()
    assert (video.privacy, len(video.captions), video.thumbnail_sha256) == ("public", 1, None)
    warnings = state.stages[Stage.UPLOAD].warnings
    assert len(warnings) == 2, warnings
    assert any("thumbnail" in warning for warning in warnings)
    assert any("playlist" in warning for warning in warnings)


# The presenter's service.


@pytest.mark.parametrize("kind", ["page", pytest.param("502", marks=pytest.mark.soak)])
async def test_a_proxy_that_answers_for_did_is_named_in_a_warning_and_a_drawn_figure_stands_in(settings, sandbox, kind):
    async with proxied() as proxy, connect(settings) as queue:
        proxy.said = {"/": kind}
        env = own_environment(sandbox) | {"DID_BASE_URL": f"{proxy.url}/did"} | local("PUBLISHER")
        async with worker(settings, module=BY_PAUSES, **env):
            project = await queue.create_project({"topic": "Tides", "language": "en", "duration_s": 15, "review": ["assets"]})
            await queue.start(project.project_id)
            state = await at_rest(queue, project.project_id)

    assert state.status is ProjectStatus.WAITING_REVIEW, state.stages[Stage.ASSETS].error
    warnings = state.stages[Stage.ASSETS].warnings
    assert any("D-ID" in warning and "proxy" in warning for warning in warnings), warnings
    assert (await spent(settings, project.project_id)).used < 1
