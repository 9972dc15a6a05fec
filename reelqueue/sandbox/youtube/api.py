"""YouTube's Data API v3 on this machine: which path is which call, and what that call is named.

Orders of its own besides those of `upload`: "lag" for "playlistItems.list" and "search.list" (the `newest` uploads, 1,
are missing from this answer).
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from reelqueue.sandbox.accounts import Accounts
from reelqueue.sandbox.faults import Order
from reelqueue.sandbox.oauth import accounts_of
from reelqueue.sandbox.world import World
from reelqueue.sandbox.youtube.call import CAPTION, MANAGE, PUT_UP, READ, Handler, Work, charged
from reelqueue.sandbox.youtube.media import Media
from reelqueue.sandbox.youtube.model import as_json
from reelqueue.sandbox.youtube.playlists import Playlists
from reelqueue.sandbox.youtube.store import YouTube
from reelqueue.sandbox.youtube.upload import Upload
from reelqueue.sandbox.youtube.videos import Videos
from reelqueue.sandbox.youtube.wrong import ordered_refusal

SERVICE = "youtube"
API = "/youtube/youtube/v3"
UPLOADS = "/youtube/upload/youtube/v3"
VERBS = {"GET": "list", "POST": "insert", "PUT": "update", "DELETE": "delete"}


def youtube_of(world: World) -> YouTube:
    """What YouTube holds in this sandbox."""
    found: YouTube = world.services[SERVICE]
    return found


def call_name(request: web.Request) -> str:
    """See `Service.call_name`."""
    resource = request.path.rstrip("/").split("/v3/")[-1]
    if not request.path.startswith(UPLOADS):
        return f"{resource}.{VERBS.get(request.method, request.method.lower())}"
    if resource == "thumbnails/set":
        return "thumbnails.set"
    asks = request.headers.get("Content-Range", "").startswith("bytes */")
    if resource == "captions":
        return "captions.insert" if request.method == "POST" else "captions.query" if asks else "captions.chunk"
    return "upload.open" if request.method == "POST" else "upload.query" if asks else "upload.chunk"


def refusal(status: int, order: Order) -> web.StreamResponse:
    """See `Service.refusal`."""
    return ordered_refusal(status, order)


def settings(world: World) -> Mapping[str, str]:
    """See `Service.settings`."""
    return {"YOUTUBE_API_BASE_URL": f"{world.url}/{SERVICE}"}


def state(world: World) -> Mapping[str, Any]:
    """See `Service.state`."""
    youtube = youtube_of(world)
    accounts = accounts_of(world)
    return {
        "videos": [
            as_json(video) | {"visible": video.visible(world.clock.now()), "playlists": youtube.playlists_of(video.video_id)}
            for video in youtube.videos.values()
        ],
        "deleted": youtube.deleted,
        "channels": [as_json(channel) for channel in youtube.channels.values()],
        "playlists": [as_json(playlist) for playlist in youtube.playlists.values()],
        "open_sessions": sum(1 for session in youtube.sessions.values() if session.result is None),
        "caps": youtube.caps,
        "used": {client.project: youtube.quota.used(client.project) for client in accounts.clients.values()},
        "lag_s": youtube.lag_s,
        "processing_s": youtube.processing_s,
        "finished_sessions": youtube.finished_sessions,
    }


def routes(world: World) -> list[web.RouteDef]:
    """See `Service.routes`."""
    accounts = accounts_of(world)
    youtube = world.services[SERVICE] = YouTube(world.folder / SERVICE, world.clock)
    world.at_end.append(youtube.flush)
    for name in accounts.channels():
        youtube.channel(name)
    media = Media(youtube)
    upload = Upload(youtube, accounts, media, lambda: world.url)
    calls = _calls(Videos(youtube), Playlists(youtube), media)
    made = [
        web.route(method, f"{API}/{path}", charged(call, scopes, accounts, youtube, work))
        for call, (method, path, scopes, work) in calls.items()
    ]
    return made + _upload_routes(youtube, accounts, upload, media)


def _calls(videos: Videos, playlists: Playlists, media: Media) -> dict[str, tuple[str, str, frozenset[str], Work]]:
    return {
        "videos.list": ("GET", "videos", READ, videos.show),
        "videos.update": ("PUT", "videos", MANAGE, videos.update),
        "videos.delete": ("DELETE", "videos", MANAGE, videos.delete),
        "search.list": ("GET", "search", READ, videos.search),
        "channels.list": ("GET", "channels", READ, playlists.channels),
        "playlists.list": ("GET", "playlists", READ, playlists.show),
        "playlists.insert": ("POST", "playlists", MANAGE, playlists.insert),
        "playlists.delete": ("DELETE", "playlists", MANAGE, playlists.delete),
        "playlistItems.list": ("GET", "playlistItems", READ, playlists.items),
        "playlistItems.insert": ("POST", "playlistItems", MANAGE, playlists.insert_item),
        "playlistItems.delete": ("DELETE", "playlistItems", MANAGE, playlists.delete_item),
        "captions.list": ("GET", "captions", CAPTION, media.captions),
        "captions.delete": ("DELETE", "captions", CAPTION, media.delete_caption),
    }


def _upload_routes(youtube: YouTube, accounts: Accounts, upload: Upload, media: Media) -> list[web.RouteDef]:
    def paid(call: str, scopes: frozenset[str], work: Work) -> Handler:
        return charged(call, scopes, accounts, youtube, work)

    by_session = paid("captions.insert", CAPTION, upload.open_caption)
    at_once = paid("captions.insert", CAPTION, media.insert_caption)

    async def insert_caption(request: web.Request) -> web.StreamResponse:
        return await (by_session if request.query.get("uploadType") == "resumable" else at_once)(request)

    return [
        web.post(f"{UPLOADS}/videos", paid("upload.open", PUT_UP, upload.open_video)),
        web.put(f"{UPLOADS}/videos", upload.put),
        web.post(f"{UPLOADS}/thumbnails/set", paid("thumbnails.set", PUT_UP, media.set_thumbnail)),
        web.post(f"{UPLOADS}/captions", insert_caption),
        web.put(f"{UPLOADS}/captions", upload.put),
    ]
