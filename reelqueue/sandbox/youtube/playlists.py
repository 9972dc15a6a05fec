"""`channels.list`, playlists and what they hold."""

from aiohttp import web

from reelqueue.sandbox.youtube import resources
from reelqueue.sandbox.youtube.call import Caller, hidden_newest, ids_of, json_body, page_of, parts_of
from reelqueue.sandbox.youtube.model import Item, Playlist
from reelqueue.sandbox.youtube.store import YouTube
from reelqueue.sandbox.youtube.wrong import Refused


class Playlists:
    """The calls about channels and playlists."""

    def __init__(self, youtube: YouTube) -> None:
        self._youtube = youtube

    async def channels(self, request: web.Request, caller: Caller) -> web.Response:
        """`channels.list`, one's own or by ids."""
        parts, ids = parts_of(request), ids_of(request)
        if request.query.get("mine", "").lower() == "true":
            found = [caller.channel]
        elif ids:
            found = [channel for channel in self._youtube.channels.values() if channel.channel_id in ids]
        else:
            raise Refused("missingRequiredParameter")
        items = [resources.channel(channel, parts) for channel in found]
        return web.json_response(resources.listed("youtube#channelListResponse", items))

    async def show(self, request: web.Request, caller: Caller) -> web.Response:
        """`playlists.list`, one's own or by ids."""
        parts, ids = parts_of(request), ids_of(request)
        if request.query.get("mine", "").lower() == "true":
            found = [one for one in self._youtube.playlists.values() if one.channel == caller.channel.name]
        elif ids:
            found = [self._youtube.playlists[one] for one in ids if one in self._youtube.playlists]
        else:
            raise Refused("missingRequiredParameter")
        shown, about = page_of(request, found)
        items = [resources.playlist(self._youtube, one, parts) for one in shown]
        return web.json_response(resources.listed("youtube#playlistListResponse", items, about))

    async def insert(self, request: web.Request, caller: Caller) -> web.Response:
        """`playlists.insert`."""
        parts, body = parts_of(request), await json_body(request)
        snippet, status = body.get("snippet") or {}, body.get("status") or {}
        title = snippet.get("title")
        if not isinstance(title, str) or not title.strip() or len(title) > 150:
            raise Refused("playlistTitleRequired")
        made = self._youtube.add_playlist(
            title, caller.channel.name, snippet.get("description", ""), status.get("privacyStatus", "public")
        )
        return web.json_response(resources.playlist(self._youtube, made, parts))

    async def delete(self, request: web.Request, caller: Caller) -> web.Response:
        """`playlists.delete`."""
        playlist = self._own(request.query.get("id", ""), caller)
        del self._youtube.playlists[playlist.playlist_id]
        self._youtube.save()
        return web.Response(status=204)

    async def items(self, request: web.Request, caller: Caller) -> web.Response:
        """`playlistItems.list`: a channel's uploads newest first, other playlists in their order."""
        parts, playlist_id = parts_of(request), request.query.get("playlistId")
        if not playlist_id:
            raise Refused("missingRequiredParameter", location="playlistId")
        owner = next((one for one in self._youtube.channels.values() if one.uploads_id == playlist_id), None)
        if owner is not None:
            uploads = self._youtube.uploads(owner.name, hidden_newest(request))
            uploads = [v for v in uploads if owner is caller.channel or v.visible(self._youtube.now()) == "public"]
            found = [Item("UEx" + video.video_id, video.video_id, video.at) for video in uploads]
        else:
            playlist = self._youtube.playlists.get(playlist_id)
            if playlist is None or (playlist.privacy == "private" and playlist.channel != caller.channel.name):
                raise Refused("playlistNotFound", location="playlistId")
            owner, found = self._youtube.channel(playlist.channel), playlist.items
        numbered = [(at, item) for at, item in enumerate(found) if request.query.get("videoId") in {None, "", item.video_id}]
        shown, about = page_of(request, numbered)
        items = [
            resources.item(owner, playlist_id, item, self._youtube.videos.get(item.video_id), at, parts) for at, item in shown
        ]
        return web.json_response(resources.listed("youtube#playlistItemListResponse", items, about))

    async def insert_item(self, request: web.Request, caller: Caller) -> web.Response:
        """`playlistItems.insert`: a video that is in the playlist is put in once more."""
        parts, body = parts_of(request), await json_body(request)
        snippet = body.get("snippet") or {}
        playlist_id = snippet.get("playlistId")
        if not playlist_id:
            raise Refused("playlistIdRequired", location="body.snippet.playlistId")
        resource = snippet.get("resourceId") or {}
        if resource.get("kind") != "youtube#video" or not resource.get("videoId"):
            raise Refused("resourceIdRequired", location="body.snippet.resourceId")
        playlist = self._own(playlist_id, caller)
        video = self._youtube.videos.get(resource["videoId"])
        if video is None:
            raise Refused("videoNotFound", location="body.snippet.resourceId.videoId")
        note = str((body.get("contentDetails") or {}).get("note", ""))
        made = self._youtube.add_item(playlist, video.video_id, snippet.get("position"), note)
        position = playlist.items.index(made)
        return web.json_response(resources.item(caller.channel, playlist_id, made, video, position, parts))

    async def delete_item(self, request: web.Request, caller: Caller) -> web.Response:
        """`playlistItems.delete`."""
        wanted = request.query.get("id", "")
        for playlist in self._youtube.playlists.values():
            for item in playlist.items:
                if item.item_id == wanted:
                    self._own(playlist.playlist_id, caller).items.remove(item)
                    self._youtube.save()
                    return web.Response(status=204)
        raise Refused("playlistItemNotFound")

    def _own(self, playlist_id: str, caller: Caller) -> Playlist:
        """The caller's playlist, which is not its uploads.

        Raises:
            Refused: there is none, or it can't be changed.
        """
        if any(one.uploads_id == playlist_id for one in self._youtube.channels.values()):
            raise Refused("playlistOperationUnsupported")
        playlist = self._youtube.playlists.get(playlist_id)
        if playlist is None:
            raise Refused("playlistNotFound", location="playlistId")
        if playlist.channel != caller.channel.name:
            raise Refused("playlistItemsNotAccessible")
        return playlist
