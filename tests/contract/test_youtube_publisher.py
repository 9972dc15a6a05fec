"""A video on YouTube, step by step, against the sandbox: what is sent, what it costs, what a second time changes."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reelqueue.errors import InvalidBrief, MediaError, PermanentError, ServiceUnavailable
from reelqueue.models.channel import Channel
from reelqueue.providers.registry import open_shelf
from reelqueue.providers.youtube.publisher import YouTubePublisher
from reelqueue.providers.youtube.wire import Wire
from reelqueue.sandbox import Sandbox
from storage.paths import Paths
from tests.contract.publishing import JPEG, publication_in, publisher_at, settings_of, uploaded


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    opened = Wire(connect_s=5, answer_s=5, call_s=10)
    yield opened
    await opened.aclose()


@pytest.fixture
def publisher(sandbox: Sandbox, tmp_path: Path, wire: Wire) -> YouTubePublisher:
    return publisher_at(sandbox, tmp_path, wire)


async def test_a_video_goes_up_unseen_with_all_that_is_said_of_it(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)

    video_id = await uploaded(publisher, publication)

    video = sandbox.youtube.videos[video_id]
    assert video.sha256 == hashlib.sha256(Path(publication.video).read_bytes()).hexdigest()
    assert video.sent["status"] == {
        "privacyStatus": "private", "selfDeclaredMadeForKids": False, "containsSyntheticMedia": True,
    }  # fmt: skip
    assert video.sent["snippet"] == {
        "title": "十分鐘看懂黑洞", "description": "一支關於黑洞的影片", "tags": [publication.marker, "黑洞", "black holes"],
        "categoryId": "27", "defaultLanguage": "zh-TW", "defaultAudioLanguage": "zh-TW",
    }  # fmt: skip


async def test_the_steps_make_it_whole_and_then_seen(publisher, sandbox, tmp_path):
    playlist = sandbox.youtube.add_playlist("宇宙").playlist_id
    words = {"en": {"title": "Black holes", "description": "A video"}}
    publication = publication_in(tmp_path, playlist=playlist, localizations=words)
    video_id = await uploaded(publisher, publication)

    answers = {name: await publisher.step(name, publication, video_id) for name in publisher.steps(publication)}

    video = sandbox.youtube.videos[video_id]
    assert list(answers) == ["thumbnail", "captions", "playlist", "localizations", "publish"]
    assert answers["publish"] == {"video_url": f"https://www.youtube.com/watch?v={video_id}", "video_status": "public"}
    assert video.thumbnail_sha256 == hashlib.sha256(JPEG).hexdigest()
    assert [(one.language, one.text) for one in video.captions] == [
        ("zh-TW", Path(publication.captions or "").read_text("utf-8"))
    ]
    assert sandbox.youtube.playlists_of(video_id) == [playlist]
    assert video.localizations == words
    assert video.tags == [publication.marker, "黑洞", "black holes"]
    assert (video.privacy, video.synthetic, video.made_for_kids) == ("public", True, False)


async def test_a_second_time_changes_nothing(publisher, sandbox, tmp_path):
    playlist = sandbox.youtube.add_playlist("宇宙").playlist_id
    publication = publication_in(tmp_path, playlist=playlist, localizations={"en": {"title": "Black holes"}})
    video_id = await uploaded(publisher, publication)
    first = [await publisher.step(name, publication, video_id) for name in publisher.steps(publication)]

    second = [await publisher.step(name, publication, video_id) for name in publisher.steps(publication)]

    video = sandbox.youtube.videos[video_id]
    assert len(video.captions) == 1
    assert sandbox.youtube.playlists_of(video_id) == [playlist]
    assert second[-1] == first[-1]
    assert len(sandbox.youtube.videos) == 1


async def test_captions_whose_answer_was_lost_are_done(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    sandbox.faults.order(service="youtube", call="captions.insert", kind="reset", when="after")
    with pytest.raises(Exception, match="中斷"):
        await publisher.step("captions", publication, video_id)

    answer = await publisher.step("captions", publication, video_id)

    assert answer == {"there_already": True}
    assert len(sandbox.youtube.videos[video_id].captions) == 1


async def test_a_moment_of_publication_is_kept_by_youtube(publisher, sandbox, tmp_path):
    at = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    publication = publication_in(tmp_path, publish_at=at.isoformat())
    video_id = await uploaded(publisher, publication)

    answer = await publisher.step("publish", publication, video_id)

    video = sandbox.youtube.videos[video_id]
    assert (video.privacy, video.publish_at) == ("private", at)
    assert answer["video_status"] == "private"
    assert datetime.fromisoformat(answer["publish_at"]) == at


async def test_a_moment_that_came_while_it_was_sent_is_now(sandbox, tmp_path, wire):
    publication = publication_in(tmp_path, publish_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    publisher = publisher_at(sandbox, tmp_path, wire)
    video_id = await uploaded(publisher, publication)
    publisher._now = lambda: datetime.now(UTC) + timedelta(hours=2)

    answer = await publisher.step("publish", publication, video_id)

    assert answer["video_status"] == "public"
    assert sandbox.youtube.videos[video_id].publish_at is None


async def test_what_changed_in_the_brief_reaches_the_one_video(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    await publisher.step("publish", publication, video_id)

    await publisher.step("publish", publication.replace(tags=("宇宙",), privacy="unlisted"), video_id)

    video = sandbox.youtube.videos[video_id]
    assert video.tags == [publication.marker, "宇宙"]
    assert video.privacy == "unlisted"


async def test_an_update_sends_the_words_only_where_they_differ(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)

    await publisher.step("publish", publication, video_id)

    assert [sorted(body) for body in sandbox.youtube.videos[video_id].updates] == [["id", "status"]]
    assert sandbox.youtube.videos[video_id].tags == [publication.marker, "黑洞", "black holes"]


async def test_it_is_found_by_its_marker_among_others(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    await uploaded(publisher, publication_in(tmp_path, marker="rq-8-fedcba9876543210"))

    assert await publisher.find(publication) == (video_id,)
    assert await publisher.find(publication.replace(marker="rq-9-0000000000000000")) == ()


async def test_it_is_found_on_a_later_page_of_a_busy_channel(publisher, sandbox, tmp_path):
    sandbox.youtube.caps["uploads"] = 1_000
    publication = publication_in(tmp_path, size=1000)
    video_id = await uploaded(publisher, publication)
    for number in range(120):
        await uploaded(publisher, publication_in(tmp_path, size=1000, marker=f"rq-{number}-another"))

    assert await publisher.find(publication) == (video_id,)
    assert len(sandbox.journal.calls("youtube", "playlistItems.list")) == 3


async def test_a_list_that_lags_finds_nothing_yet(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    sandbox.faults.order(service="youtube", call="playlistItems.list", kind="lag")

    assert await publisher.find(publication) == ()
    assert await publisher.find(publication) == (video_id,)


LISTS = [{}, {"kind": "sandbox"}, {"items": None}, {"items": "x"}, {"items": [1]}]


@pytest.mark.parametrize("said", LISTS)
@pytest.mark.parametrize("call", ["playlistItems.list", "videos.list"])
async def test_an_answer_that_is_no_list_is_not_taken_for_a_video_that_is_not_there(publisher, sandbox, tmp_path, call, said):
    """For that another one would be sent."""
    publication = publication_in(tmp_path)
    await uploaded(publisher, publication)
    sandbox.faults.order(service="youtube", call=call, kind="200", body=said)

    with pytest.raises(ServiceUnavailable):
        await publisher.find(publication)


@pytest.mark.parametrize("said", LISTS)
async def test_an_answer_that_is_no_list_puts_a_video_into_no_playlist_twice(publisher, sandbox, tmp_path, said):
    publication = publication_in(tmp_path, playlist=sandbox.youtube.add_playlist("Mine").playlist_id)
    video_id = await uploaded(publisher, publication)
    await publisher.step("playlist", publication, video_id)
    sandbox.faults.order(service="youtube", call="playlistItems.list", kind="200", body=said)

    with pytest.raises(ServiceUnavailable):
        await publisher.step("playlist", publication, video_id)


@pytest.mark.parametrize("said", [{"id": "../../up"}, {"id": ""}, {"id": 5}, {}, []])
async def test_what_is_no_videos_id_is_asked_for_again(publisher, sandbox, tmp_path, said):
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="200", body=said)

    with pytest.raises(ServiceUnavailable):
        await uploaded(publisher, publication_in(tmp_path))


async def test_two_videos_with_the_marker_are_both_told(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    first = await uploaded(publisher, publication)
    second = await uploaded(publisher, publication)

    assert await publisher.find(publication) == (second, first)


@pytest.mark.parametrize(
    ("what", "used"),
    [
        ("thumbnail", {"units": 50}), ("captions", {"units": 400}), ("playlist", {"units": 51}),
        ("localizations", {"units": 51}), ("publish", {"units": 51}), ("find", {"units": 3}), ("open", {"uploads": 1}),
    ],
)  # fmt: skip
async def test_what_a_step_costs_is_what_it_says(publisher, sandbox, tmp_path, what, used):
    playlist = sandbox.youtube.add_playlist("宇宙").playlist_id
    publication = publication_in(tmp_path, playlist=playlist, localizations={"en": {"title": "Black holes"}})
    video_id = await uploaded(publisher, publication)
    project = sandbox.oauth.client.project
    before = sandbox.youtube.quota.used(project)

    if what == "open":
        await publisher.open(publication)
    elif what == "find":
        await publisher.find(publication)
    else:
        await publisher.step(what, publication, video_id)

    after = sandbox.youtube.quota.used(project)
    taken = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    asked = {need.name: need.amount for need in publisher.cost(what, publication).needs if need.amount}
    assert taken == used
    assert all(asked[name] >= amount for name, amount in taken.items())
    assert what == "find" or asked == taken


def test_an_upload_asks_for_the_clients_day_and_the_channels(sandbox, tmp_path, wire):
    channel = Channel(name="news", daily_uploads=3)
    token = sandbox.add_channel("news")
    publisher = publisher_at(sandbox, tmp_path, wire, channel, youtube_refresh_token=token, youtube_daily_uploads=20)

    needs = publisher.cost("open", publication_in(tmp_path)).needs

    assert [(need.client.split("-")[0], need.name, need.amount, need.cap, need.lasting) for need in needs] == [
        ("youtube", "uploads", 1, 20, False), ("channel", "closed", 0, 0, True), ("channel", "uploads", 1, 3, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": "長" * 300}),
        ("title", {"title": "a <b> c"}),
        ("title", {"title": "   "}),
        ("description", {"description": "長" * 1_667}),
        ("description", {"description": "1 < 2"}),
        ("tags", {"tags": tuple(f"tag number {number}" for number in range(40))}),
        ("tags", {"tags": ("a>b",)}),
        ("category_id", {"category_id": 0}),
        ("publish_at", {"publish_at": "2020-01-01T00:00:00+08:00"}),
        ("publish_at", {"publish_at": "2120-01-01T00:00:00"}),
        ("localizations.en.title", {"localizations": {"en": {"title": "x" * 101}}}),
    ],
)
async def test_what_youtube_would_refuse_is_refused_before_anything_is_sent(publisher, sandbox, tmp_path, field, changes):
    with pytest.raises(InvalidBrief) as refused:
        publisher.check(publication_in(tmp_path, **changes))

    assert refused.value.field == field
    assert sandbox.journal.calls() == []


def test_a_title_of_300_characters_is_told_by_its_length(publisher, tmp_path):
    with pytest.raises(InvalidBrief, match="300 個字元"):
        publisher.check(publication_in(tmp_path, title="長" * 300))


def test_five_thousand_bytes_and_a_hundred_characters_are_allowed(publisher, tmp_path):
    publisher.check(publication_in(tmp_path, title="長" * 100, description="長" * 1_666))


@pytest.mark.parametrize(("name", "body"), [("thumbnail.jpg", b"GIF89a..."), ("thumbnail.jpg", b""), ("video.mp4", b"")])
def test_a_picture_that_is_none_and_a_video_of_nothing_are_refused(publisher, tmp_path, name, body):
    publication = publication_in(tmp_path)
    (tmp_path / name).write_bytes(body)

    with pytest.raises(MediaError, match=name):
        publisher.check(publication)


async def test_tags_make_room_for_the_marker(publisher, sandbox, tmp_path):
    tags = tuple(f"標籤{number:02}" for number in range(99))
    publication = publication_in(tmp_path, tags=tags)

    publisher.check(publication)
    video_id = await uploaded(publisher, publication)

    taken = sandbox.youtube.videos[video_id].tags
    assert taken[0] == publication.marker
    assert tuple(taken[1:]) == tags[: len(taken) - 1]
    assert 90 < len(taken) < 99


async def test_a_playlist_that_is_not_there_is_named(publisher, tmp_path):
    publication = publication_in(tmp_path, playlist="PLnone")
    video_id = await uploaded(publisher, publication)

    with pytest.raises(PermanentError, match="playlist"):
        await publisher.step("playlist", publication, video_id)


async def test_a_file_that_youtube_could_not_use_is_not_published(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    status = {"uploadStatus": "rejected", "rejectionReason": "duplicate", "privacyStatus": "private"}
    sandbox.faults.order(
        service="youtube", call="videos.list", kind="200", body={"items": [{"id": video_id, "status": status, "snippet": {}}]}
    )

    with pytest.raises(PermanentError, match="duplicate"):
        await publisher.step("publish", publication, video_id)

    assert sandbox.youtube.videos[video_id].updates == []


async def test_a_video_that_youtube_keeps_private_is_told(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    sandbox.faults.order(
        service="youtube", call="videos.update", kind="200", body={"id": video_id, "status": {"privacyStatus": "private"}}
    )

    with pytest.raises(PermanentError, match="private"):
        await publisher.step("publish", publication, video_id)


async def test_a_video_that_was_deleted_is_told(publisher, sandbox, tmp_path):
    publication = publication_in(tmp_path)
    video_id = await uploaded(publisher, publication)
    sandbox.youtube.delete_video(sandbox.youtube.videos[video_id])

    with pytest.raises(ServiceUnavailable, match=video_id) as met:
        await publisher.step("publish", publication, video_id)

    assert "刪除" in met.value.hint


async def test_the_shelf_has_one_publisher_for_each_channel(sandbox, tmp_path):
    token = tmp_path / "news.json"
    client = sandbox.oauth.client
    token.write_text(
        f'{{"client_id": "{client.client_id}", "client_secret": "{client.client_secret}", "refresh_token": "{sandbox.add_channel("news")}"}}'
    )
    token.chmod(0o600)
    (tmp_path / "channels.toml").write_text('[news]\ntoken_file = "news.json"\n')
    settings = settings_of(sandbox, tmp_path, channels_file=tmp_path / "channels.toml")
    shelf = open_shelf(settings, Paths(settings.data_dir))

    one, two = (shelf._publisher("youtube", Channel(name="default")), shelf._publisher("youtube", shelf.channels["news"]))
    await uploaded(two, publication_in(tmp_path))

    assert shelf._publisher("youtube", shelf.channels["news"]) is two
    assert one is not two
    assert [video.channel for video in sandbox.youtube.videos.values()] == ["news"]
    await shelf.aclose()
