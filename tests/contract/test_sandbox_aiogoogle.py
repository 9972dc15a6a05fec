"""The sandbox by aiogoogle, the library that the service itself asks YouTube with."""

import aiofiles
import pytest
from aiogoogle import Aiogoogle, GoogleAPI, HTTPError
from aiogoogle.auth.creds import ClientCreds, UserCreds

from reelqueue.sandbox import Sandbox
from tests.contract.youtube_client import Client

JPEG = b"\xff\xd8\xff\xe0" + bytes(500)


def _method(method: str, path: str, *parameters: str, upload: bool = False) -> dict:
    """One method as a discovery document describes it."""
    names = {name: {"type": "string", "location": "query"} for name in ("part", *parameters)}
    found = {"httpMethod": method, "path": path, "parameters": names, "scopes": []}
    simple = {"protocols": {"simple": {"multipart": True, "path": f"/upload/{path}"}}, "accept": ["*/*"], "maxSize": "50MB"}
    return found | ({"supportsMediaUpload": True, "mediaUpload": simple} if upload else {})


def document(root: str) -> dict:
    """As much of YouTube's discovery document as is used here."""
    v3 = "youtube/v3"
    resources = {
        "channels": {"list": _method("GET", f"{v3}/channels", "mine")},
        "videos": {"list": _method("GET", f"{v3}/videos", "id"), "update": _method("PUT", f"{v3}/videos")},
        "playlistItems": {"insert": _method("POST", f"{v3}/playlistItems")},
        "thumbnails": {"set": _method("POST", f"{v3}/thumbnails/set", "videoId", upload=True)},
        "captions": {
            "insert": _method("POST", f"{v3}/captions", upload=True),
            "list": _method("GET", f"{v3}/captions", "videoId"),
        },
    }
    return {
        "name": "youtube",
        "version": "v3",
        "rootUrl": f"{root}/",
        "servicePath": "",
        "batchPath": "batch/youtube/v3",
        "parameters": {},
        "schemas": {},
        "auth": {"oauth2": {"scopes": {}}},
        "resources": {name: {"methods": methods} for name, methods in resources.items()},
    }


@pytest.fixture
def api(sandbox: Sandbox) -> GoogleAPI:
    return GoogleAPI(document(sandbox.settings()["YOUTUBE_API_BASE_URL"]))


@pytest.fixture
async def google(sandbox: Sandbox):
    settings = sandbox.settings()
    client = ClientCreds(client_id=settings["YOUTUBE_CLIENT_ID"], client_secret=settings["YOUTUBE_CLIENT_SECRET"])
    user = UserCreds(refresh_token=settings["YOUTUBE_REFRESH_TOKEN"])
    async with Aiogoogle(client_creds=client, user_creds=user) as opened:
        opened.oauth2.openid_configs = {**opened.oauth2.openid_configs, "token_endpoint": settings["GOOGLE_TOKEN_URL"]}
        _, opened.user_creds = await opened.oauth2.refresh(user, client)
        yield opened


async def test_a_video_is_finished_by_the_library(sandbox, google, api, youtube: Client, tmp_path):
    video_id = await youtube.upload()
    playlist = sandbox.youtube.add_playlist("All")
    async with aiofiles.open(tmp_path / "captions.srt", "wb") as file:
        await file.write("1\n00:00:00,000 --> 00:00:01,000\n你好\n".encode())

    await google.as_user(api.thumbnails.set(videoId=video_id, upload_file=JPEG, validate=False), timeout=10)
    caption = {"snippet": {"videoId": video_id, "language": "zh-TW", "name": ""}}
    track = api.captions.insert(part="snippet", json=caption, upload_file=str(tmp_path / "captions.srt"), validate=False)
    await google.as_user(track, timeout=10)
    place = {"snippet": {"playlistId": playlist.playlist_id, "resourceId": {"kind": "youtube#video", "videoId": video_id}}}
    await google.as_user(api.playlistItems.insert(part="snippet", json=place, validate=False), timeout=10)
    change = {"id": video_id, "status": {"privacyStatus": "public"}}
    answer = await google.as_user(api.videos.update(part="status", json=change, validate=False), timeout=10)

    video = sandbox.youtube.videos[video_id]
    assert (answer["status"]["privacyStatus"], video.privacy) == ("public", "public")
    assert (video.thumbnail_bytes, [one.text[-3:] for one in video.captions]) == (len(JPEG), ["你好\n"])
    assert sandbox.youtube.playlists_of(video_id) == [playlist.playlist_id]


async def test_the_library_raises_what_the_sandbox_refuses(sandbox, google, api):
    sandbox.faults.order(service="youtube", call="channels.list", kind="403", reason="quotaExceeded")

    with pytest.raises(HTTPError) as refusal:
        await google.as_user(api.channels.list(part="id", mine=True, validate=False), timeout=10)
    answer = await google.as_user(api.channels.list(part="id", mine=True, validate=False), timeout=10)

    assert refusal.value.res.status_code == 403
    assert refusal.value.res.json["error"]["errors"][0]["reason"] == "quotaExceeded"
    assert answer["items"][0]["id"] == sandbox.youtube.channel("default").channel_id


async def test_the_library_can_not_read_a_token_without_its_scope(sandbox, google):
    """A trap of the library, kept here so that the adapter's way around it is seen to be needed."""
    sandbox.faults.order(service="oauth", call="token", kind="no_scope")

    with pytest.raises(KeyError):
        await google.oauth2.refresh(UserCreds(refresh_token=google.user_creds["refresh_token"]), google.client_creds)
