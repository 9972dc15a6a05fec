"""The sandbox's YouTube beside its uploads: metadata rules, videos, playlists, captions, thumbnails, quota, errors."""

import hashlib
from datetime import timedelta

import aiohttp
import pytest

from tests.contract.youtube_client import VIDEO, Answer, Client, token_for

JPEG = b"\xff\xd8\xff\xe0" + bytes(2000)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)
SRT = "1\n00:00:00,000 --> 00:00:01,000\n你好\n".encode()


def changed(**more) -> dict:
    """A video's metadata with other fields, in the part they belong to."""
    status = {name: value for name, value in more.items() if name in {"privacyStatus", "publishAt", "selfDeclaredMadeForKids"}}
    snippet = {name: value for name, value in more.items() if name not in status}
    return {"snippet": VIDEO["snippet"] | snippet, "status": VIDEO["status"] | status}


async def set_thumbnail(youtube: Client, video_id: str, image: bytes) -> Answer:
    path = f"/upload/youtube/v3/thumbnails/set?videoId={video_id}&uploadType=media"
    return await youtube.call("POST", path, data=image, headers={"Content-Type": "image/jpeg"})


async def insert_caption(youtube: Client, video_id: str, name: str = "", text: bytes = SRT) -> Answer:
    with aiohttp.MultipartWriter("related") as parts:
        parts.append_json({"snippet": {"videoId": video_id, "language": "zh-TW", "name": name}})
        parts.append(text, {"Content-Type": "application/octet-stream"})
        return await youtube.call("POST", "/upload/youtube/v3/captions?part=snippet&uploadType=multipart", data=parts)


async def put_in(youtube: Client, playlist_id: str, video_id: str) -> Answer:
    resource = {"kind": "youtube#video", "videoId": video_id}
    body = {"snippet": {"playlistId": playlist_id, "resourceId": resource}}
    return await youtube.call("POST", "/youtube/v3/playlistItems?part=snippet", json=body)


async def uploads_of(youtube: Client) -> list[str]:
    channel = await youtube.call("GET", "/youtube/v3/channels?part=contentDetails&mine=true")
    uploads = channel.json["items"][0]["contentDetails"]["relatedPlaylists"]["uploads"]
    path = f"/youtube/v3/playlistItems?part=contentDetails&maxResults=50&playlistId={uploads}"
    return [item["contentDetails"]["videoId"] for item in (await youtube.call("GET", path)).json["items"]]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        pytest.param({"title": ""}, "invalidTitle", id="no title"),
        pytest.param({"title": "x" * 101}, "invalidTitle", id="101 characters"),
        pytest.param({"title": "a < b"}, "invalidTitle", id="an angle in the title"),
        pytest.param({"description": "字" * 1667}, "invalidDescription", id="5001 bytes"),
        pytest.param({"description": "a > b"}, "invalidDescription", id="an angle in the description"),
        pytest.param({"tags": ["x" * 250, "y" * 250]}, "invalidTags", id="501 with the comma"),
        pytest.param({"tags": ["x" * 250, "y " + "y" * 246]}, "invalidTags", id="501 with the quotes of a space"),
        pytest.param({"categoryId": "999"}, "invalidCategoryId", id="no such category"),
        pytest.param({"privacyStatus": "public", "publishAt": "2030-01-01T00:00:00Z"}, "invalidPublishAt", id="public later"),
        pytest.param({"publishAt": "2030-01-01T00:00:00"}, "invalidPublishAt", id="a time without a zone"),
        pytest.param({"privacyStatus": "secret"}, "invalidVideoMetadata", id="no such privacy"),
    ],
)
async def test_metadata_that_breaks_a_rule_is_refused_and_costs_a_call(sandbox, youtube, more, reason):
    answer = await youtube.open(4, changed(**more))

    assert (answer.status, answer.reason) == (400, reason)
    assert sandbox.youtube.sessions == {}
    assert sandbox.youtube.quota.used(sandbox.oauth.client.project)["uploads"] == 1


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"title": "題" * 100}, id="100 characters"),
        pytest.param({"description": "字" * 1666 + "ab"}, id="5000 bytes"),
        pytest.param({"tags": ["x" * 250, "y" * 249]}, id="500 of tags"),
        pytest.param({"publishAt": "2030-01-01T08:00:00+08:00"}, id="published later"),
    ],
)
async def test_metadata_at_the_limit_is_taken(youtube, more):
    assert (await youtube.open(4, changed(**more))).status == 200


async def test_a_missing_privacy_means_public(sandbox, youtube):
    video_id = await youtube.upload(body={"snippet": {"title": "x"}, "status": {}})

    assert sandbox.youtube.videos[video_id].privacy == "public"


async def test_an_update_replaces_whole_parts(sandbox, youtube):
    """What was not sent is deleted: tags, description, whether it is made for kids."""
    video_id = await youtube.upload()

    body = {"id": video_id, "snippet": {"title": "New", "categoryId": "27"}, "status": {"privacyStatus": "unlisted"}}
    await youtube.call("PUT", "/youtube/v3/videos?part=snippet,status", json=body)
    shown = (await youtube.call("GET", f"/youtube/v3/videos?part=snippet,status&id={video_id}")).json["items"][0]

    assert (shown["snippet"]["title"], shown["snippet"]["description"], shown["snippet"].get("tags")) == ("New", "", None)
    assert shown["status"]["privacyStatus"] == "unlisted"
    assert "selfDeclaredMadeForKids" not in shown["status"]
    assert sandbox.youtube.videos[video_id].updates == [body]


async def test_an_update_leaves_parts_alone_that_it_does_not_name(sandbox, youtube):
    video_id = await youtube.upload()

    await youtube.call("PUT", "/youtube/v3/videos?part=status", json={"id": video_id, "status": {"privacyStatus": "public"}})

    assert (sandbox.youtube.videos[video_id].tags, sandbox.youtube.videos[video_id].privacy) == (["one", "marker-1"], "public")


@pytest.mark.parametrize(
    ("part", "body", "reason"),
    [
        pytest.param("snippet", {"snippet": {"categoryId": "27"}}, "invalidTitle", id="no title"),
        pytest.param("snippet", {"snippet": {"title": "x"}}, "invalidCategoryId", id="no category"),
        pytest.param(
            "localizations", {"localizations": {"en": {"title": "x"}}}, "defaultLanguageNotSetError", id="no default language"
        ),
    ],
)
async def test_an_update_that_lacks_something_is_refused(youtube, part, body, reason):
    video_id = await youtube.upload()

    answer = await youtube.call("PUT", f"/youtube/v3/videos?part={part}", json=body | {"id": video_id})

    assert (answer.status, answer.reason) == (400, reason)


async def test_localizations_go_with_a_default_language(sandbox, youtube):
    body = changed(defaultLanguage="zh-TW") | {"localizations": {"en": {"title": "In English", "description": "words"}}}
    uri = (await youtube.open(4, body, part="snippet,status,localizations")).headers["Location"]

    video_id = (await youtube.chunk(uri, b"film", 0, 3)).json["id"]
    shown = (await youtube.call("GET", f"/youtube/v3/videos?part=localizations&id={video_id}")).json["items"][0]

    assert shown["localizations"]["en"]["title"] == "In English"


async def test_a_scheduled_video_becomes_public_by_itself(sandbox, youtube, http):
    at = (sandbox.clock.now() + timedelta(hours=2)).isoformat()
    video_id = await youtube.upload(body=changed(publishAt=at))
    path = f"/youtube/v3/videos?part=status&id={video_id}"

    before = (await youtube.call("GET", path)).json["items"][0]["status"]
    sandbox.clock.move(timedelta(hours=2))
    youtube.token = await token_for(sandbox, http)
    after = (await youtube.call("GET", path)).json["items"][0]["status"]

    assert (before["privacyStatus"], "publishAt" in before) == ("private", True)
    assert (after["privacyStatus"], "publishAt" in after) == ("public", False)


async def test_a_stranger_sees_neither_a_private_video_nor_tags(sandbox, youtube, http):
    private, public = await youtube.upload(), await youtube.upload(body=changed(privacyStatus="public"))
    stranger = Client(sandbox, http, await token_for(sandbox, http, sandbox.add_channel("stranger")))

    seen = (await stranger.call("GET", f"/youtube/v3/videos?part=snippet&id={private},{public}")).json["items"]
    change = {"id": public, "status": {"privacyStatus": "private"}}
    refused = await stranger.call("PUT", "/youtube/v3/videos?part=status", json=change)

    assert [item["id"] for item in seen] == [public]
    assert "tags" not in seen[0]["snippet"]
    assert (refused.status, refused.reason) == (403, "forbidden")


async def test_a_video_is_processed_after_a_while(sandbox, youtube):
    sandbox.youtube.processing_s = 60
    video_id = await youtube.upload()
    path = f"/youtube/v3/videos?part=status,processingDetails&id={video_id}"

    before = (await youtube.call("GET", path)).json["items"][0]
    sandbox.clock.move(timedelta(seconds=60))
    after = (await youtube.call("GET", path)).json["items"][0]

    assert (before["status"]["uploadStatus"], before["processingDetails"]["processingStatus"]) == ("uploaded", "processing")
    assert (after["status"]["uploadStatus"], after["processingDetails"]["processingStatus"]) == ("processed", "succeeded")


async def test_a_deleted_video_is_gone_from_playlists_too(sandbox, youtube):
    video_id = await youtube.upload()
    playlist = sandbox.youtube.add_playlist("All")
    await put_in(youtube, playlist.playlist_id, video_id)

    deleted = await youtube.call("DELETE", f"/youtube/v3/videos?id={video_id}")
    again = await youtube.call("DELETE", f"/youtube/v3/videos?id={video_id}")

    assert (deleted.status, again.status, again.reason) == (204, 404, "videoNotFound")
    assert (playlist.items, sandbox.youtube.deleted) == ([], [video_id])


@pytest.mark.parametrize(
    ("query", "status", "reason"), [("", 400, "missingRequiredParameter"), ("?id=a,b", 404, "videoNotFound")]
)
async def test_a_delete_names_one_video(youtube, sandbox, query, status, reason):
    refused = await youtube.call("DELETE", f"/youtube/v3/videos{query}")

    assert (refused.status, refused.reason) == (status, reason)
    assert sandbox.youtube.quota.used(sandbox.oauth.client.project)["units"] == 1


async def test_another_channels_video_is_not_ours_to_delete(sandbox, youtube, http):
    video_id = await youtube.upload()
    other = Client(sandbox, http, await token_for(sandbox, http, sandbox.add_channel("other")))

    refused = await other.call("DELETE", f"/youtube/v3/videos?id={video_id}")

    assert (refused.status, refused.reason, list(sandbox.youtube.videos)) == (403, "forbidden", [video_id])


async def test_the_uploads_come_newest_first_and_lag(sandbox, youtube):
    first, second = await youtube.upload(), await youtube.upload()
    at_once = await uploads_of(youtube)

    sandbox.youtube.lag_s = 60
    lagging = await uploads_of(youtube)
    sandbox.clock.move(timedelta(seconds=60))
    sandbox.faults.order(service="youtube", call="playlistItems.list", kind="lag", newest=1)
    by_order, later = await uploads_of(youtube), await uploads_of(youtube)

    assert (at_once, lagging, by_order, later) == ([second, first], [], [first], [second, first])


async def test_lists_come_in_pages(sandbox, youtube):
    ids = [await youtube.upload() for _ in range(3)]
    uploads = sandbox.youtube.channel("default").uploads_id
    path = f"/youtube/v3/playlistItems?part=snippet&maxResults=2&playlistId={uploads}"

    first = (await youtube.call("GET", path)).json
    second = (await youtube.call("GET", f"{path}&pageToken={first['nextPageToken']}")).json

    found = [item["snippet"]["resourceId"]["videoId"] for page in (first, second) for item in page["items"]]
    assert found == ids[::-1]
    assert "nextPageToken" not in second
    assert "tags" not in first["items"][0]["snippet"]


async def test_a_video_that_is_put_into_a_playlist_twice_is_in_it_twice(sandbox, youtube):
    video_id = await youtube.upload()
    made = await youtube.call("POST", "/youtube/v3/playlists?part=snippet,status", json={"snippet": {"title": "Series"}})
    playlist_id = made.json["id"]

    await put_in(youtube, playlist_id, video_id)
    second = await put_in(youtube, playlist_id, video_id)
    path = f"/youtube/v3/playlistItems?part=snippet&playlistId={playlist_id}&videoId={video_id}"
    listed = (await youtube.call("GET", path)).json["items"]
    await youtube.call("DELETE", f"/youtube/v3/playlistItems?id={second.json['id']}")

    assert [item["snippet"]["position"] for item in listed] == [0, 1]
    assert sandbox.youtube.playlists_of(video_id) == [playlist_id]


async def test_the_playlists_of_a_channel_are_its_own(sandbox, youtube):
    mine, other = sandbox.youtube.add_playlist("Mine"), sandbox.youtube.add_playlist("Other", "other")
    video_id = await youtube.upload()

    listed = (await youtube.call("GET", "/youtube/v3/playlists?part=snippet,contentDetails&mine=true")).json["items"]
    refusals = [await put_in(youtube, playlist, video_id) for playlist in (other.playlist_id, "PLnone")]
    refusals.append(await put_in(youtube, sandbox.youtube.channel("default").uploads_id, video_id))
    refusals.append(await put_in(youtube, mine.playlist_id, "nothing"))

    assert [(item["id"], item["snippet"]["title"]) for item in listed] == [(mine.playlist_id, "Mine")]
    reasons = ["playlistItemsNotAccessible", "playlistNotFound", "playlistOperationUnsupported", "videoNotFound"]
    assert [refusal.reason for refusal in refusals] == reasons


@pytest.mark.parametrize("image", [JPEG, PNG])
async def test_a_thumbnail_is_set_and_set_again(sandbox, youtube, image):
    video_id = await youtube.upload()

    answers = [await set_thumbnail(youtube, video_id, image) for _ in range(2)]

    video = sandbox.youtube.videos[video_id]
    assert [answer.json["kind"] for answer in answers] == ["youtube#thumbnailSetResponse"] * 2
    assert (video.thumbnail_sha256, video.thumbnails_set) == (hashlib.sha256(image).hexdigest(), 2)


async def test_a_thumbnail_that_is_no_image_or_of_no_video_is_refused(youtube):
    video_id = await youtube.upload()

    refusals = [await set_thumbnail(youtube, *what) for what in ((video_id, b"<html>"), (video_id, b""), ("none", JPEG))]

    assert [one.reason for one in refusals] == ["invalidImage", "mediaBodyRequired", "videoNotFound"]


async def test_a_thumbnail_of_more_than_50_mib_is_refused(youtube):
    video_id = await youtube.upload()

    async def large():
        for _ in range(51):
            yield JPEG[:4] + bytes((1 << 20) - 4)

    path = f"/upload/youtube/v3/thumbnails/set?videoId={video_id}&uploadType=media"
    answer = await youtube.call("POST", path, data=large())

    assert (answer.status, answer.reason) == (413, "uploadTooLarge")


@pytest.mark.parametrize(
    ("order", "status", "reason"),
    [
        pytest.param({"kind": "403"}, 403, "forbidden", id="the channel may not set any"),
        pytest.param({"kind": "429", "reason": "uploadRateLimitExceeded"}, 429, "uploadRateLimitExceeded", id="too many of late"),
    ],
)
async def test_a_thumbnail_is_refused_by_order(sandbox, youtube, order, status, reason):
    video_id = await youtube.upload()
    sandbox.faults.order(service="youtube", call="thumbnails.set", **order)

    answer = await set_thumbnail(youtube, video_id, JPEG)

    assert (answer.status, answer.reason) == (status, reason)
    assert sandbox.youtube.videos[video_id].thumbnail_sha256 is None


async def test_a_second_caption_track_of_one_language_and_name_is_refused(sandbox, youtube):
    video_id = await youtube.upload()

    answers = [await insert_caption(youtube, video_id, name) for name in ("中文", "中文", "")]
    listed = (await youtube.call("GET", f"/youtube/v3/captions?part=snippet&videoId={video_id}")).json["items"]

    assert [answer.status for answer in answers] == [200, 409, 200]
    assert answers[1].reason == "captionExists"
    assert [(one["snippet"]["name"], one["snippet"]["status"]) for one in listed] == [("中文", "serving"), ("", "serving")]
    assert sandbox.youtube.videos[video_id].captions[0].text == SRT.decode()


async def test_a_caption_track_may_come_by_a_session(sandbox, youtube):
    video_id = await youtube.upload()
    path = "/upload/youtube/v3/captions?part=snippet&uploadType=resumable"
    opened = await youtube.call("POST", path, json={"snippet": {"videoId": video_id, "language": "en", "name": ""}})

    made = await youtube.call("PUT", opened.headers["Location"], data=SRT)

    assert made.json["kind"] == "youtube#caption"
    assert sandbox.youtube.videos[video_id].captions[0].language == "en"
    assert [entry.call for entry in sandbox.journal.calls("youtube")][-2:] == ["captions.insert", "captions.chunk"]


async def test_a_caption_track_without_text_is_refused(youtube):
    assert (await insert_caption(youtube, await youtube.upload(), text=b" ")).reason == "contentRequired"


async def test_each_call_costs_what_is_documented(sandbox, youtube):
    video_id = await youtube.upload()
    playlist = sandbox.youtube.add_playlist("All")
    await set_thumbnail(youtube, video_id, JPEG)
    await insert_caption(youtube, video_id)
    await put_in(youtube, playlist.playlist_id, video_id)
    await uploads_of(youtube)
    await youtube.call("GET", "/youtube/v3/search?part=snippet&forMine=true&type=video&q=title")
    await youtube.call("PUT", "/youtube/v3/videos?part=status", json={"id": "none"})

    used = sandbox.youtube.quota.used(sandbox.oauth.client.project)

    assert used == {"uploads": 1, "search": 1, "units": 50 + 400 + 50 + 1 + 1 + 1}


async def test_an_empty_bucket_of_uploads_is_a_429_until_the_day_ends(sandbox, youtube, http):
    sandbox.youtube.caps["uploads"] = 1
    await youtube.upload()

    refused = await youtube.open(4)
    sandbox.clock.move(sandbox.clock.next_day() - sandbox.clock.now())
    youtube.token = await token_for(sandbox, http)
    taken = await youtube.open(4)

    assert (refused.status, refused.reason, taken.status) == (429, "rateLimitExceeded", 200)
    assert "'Video Uploads per day'" in refused.json["error"]["message"]
    assert f"project_number:{sandbox.oauth.client.project}" in refused.text


async def test_an_empty_bucket_of_units_is_a_403_for_what_does_not_fit(sandbox, youtube):
    sandbox.youtube.caps["units"] = 399
    video_id = await youtube.upload()

    captions, listed = (
        await insert_caption(youtube, video_id),
        await youtube.call("GET", "/youtube/v3/channels?part=id&mine=true"),
    )

    assert (captions.status, captions.reason) == (403, "quotaExceeded")
    assert "getting-started#quota" in captions.json["error"]["message"]
    assert listed.status == 200


async def test_the_quota_is_the_projects_not_the_channels(sandbox, youtube, http):
    sandbox.youtube.caps["uploads"] = 1
    same = Client(sandbox, http, await token_for(sandbox, http, sandbox.add_channel("second")))
    client = sandbox.oauth.add_client("200000000002")
    other_token = sandbox.oauth.open_access(
        sandbox.oauth.grant(client.client_id, "default", ("https://www.googleapis.com/auth/youtube",)),
        ("https://www.googleapis.com/auth/youtube",),
    )
    other = Client(sandbox, http, other_token.token)
    await youtube.upload()

    assert ((await same.open(4)).status, (await other.open(4)).status) == (429, 200)


async def test_a_channel_that_put_up_too_much_waits_a_day(sandbox, youtube, http):
    sandbox.faults.order(service="youtube", call="upload.open", kind="upload_limit")
    second = Client(sandbox, http, await token_for(sandbox, http, sandbox.add_channel("second")))

    refused = [await youtube.open(4), await youtube.open(4)]
    other = await second.open(4)
    sandbox.clock.move(timedelta(hours=24))
    youtube.token = await token_for(sandbox, http)

    assert [(answer.status, answer.reason) for answer in refused] == [(400, "uploadLimitExceeded")] * 2
    assert (other.status, (await youtube.open(4)).status) == (200, 200)


@pytest.mark.parametrize(
    ("order", "status", "reason"),
    [
        pytest.param({"kind": "403", "reason": "rateLimitExceeded"}, 403, "rateLimitExceeded", id="too fast"),
        pytest.param({"kind": "403", "reason": "quotaExceeded"}, 403, "quotaExceeded", id="no quota"),
        pytest.param({"kind": "403", "reason": "accessNotConfigured"}, 403, "accessNotConfigured", id="API not enabled"),
        pytest.param({"kind": "403"}, 403, "forbidden", id="forbidden"),
        pytest.param({"kind": "401", "reason": "youtubeSignupRequired"}, 401, "youtubeSignupRequired", id="no channel"),
        pytest.param({"kind": "409"}, 409, "alreadyExists", id="exists"),
        pytest.param({"kind": "429", "per_day": True}, 429, "rateLimitExceeded", id="uploads of the day"),
        pytest.param({"kind": "400", "reason": "uploadLimitExceeded"}, 400, "uploadLimitExceeded", id="channel's uploads"),
        pytest.param({"kind": "500"}, 500, "internalError", id="server error"),
    ],
)
async def test_every_refusal_of_the_table_can_be_ordered(sandbox, youtube, order, status, reason):
    sandbox.faults.order(service="youtube", call="upload.open", **order)

    answer = await youtube.open(4)

    assert (answer.status, answer.reason) == (status, reason)
    error = answer.json["error"]
    assert (error["code"], error["message"]) == (status, error["errors"][0]["message"])
    assert sandbox.youtube.sessions == {}


async def test_a_call_without_leave_is_refused(sandbox, youtube, http):
    path = "/youtube/v3/captions?part=snippet&videoId=x"
    grant = sandbox.oauth.grant(sandbox.oauth.client.client_id, "default", ("https://www.googleapis.com/auth/youtube.upload",))
    sandbox.youtube.channel("nobody").signed_up = False
    narrow = Client(sandbox, http, sandbox.oauth.open_access(grant, grant.scopes).token)
    nobody = Client(sandbox, http, await token_for(sandbox, http, sandbox.add_channel("nobody")))

    async with http.get(f"{youtube.base}{path}") as answer:
        nameless = Answer(answer.status, answer.headers, await answer.text())
    answers = [nameless, await narrow.call("GET", path), await nobody.call("GET", path)]

    found = [(answer.status, answer.reason) for answer in answers]
    assert found == [(401, "required"), (403, "insufficientPermissions"), (401, "youtubeSignupRequired")]


async def test_a_body_that_is_no_json_is_refused(youtube):
    answer = await youtube.call("POST", "/youtube/v3/playlists?part=snippet", data=b"<html>")

    assert (answer.status, answer.reason) == (400, "parseError")
