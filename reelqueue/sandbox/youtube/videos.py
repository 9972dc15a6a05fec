"""`videos.list`, `videos.update`, `videos.delete` and `search.list`."""

from aiohttp import web

from reelqueue.sandbox.youtube import resources, rules
from reelqueue.sandbox.youtube.call import Caller, ids_of, json_body, own_video, page_of, parts_of
from reelqueue.sandbox.youtube.store import YouTube
from reelqueue.sandbox.youtube.wrong import Refused


class Videos:
    """The calls about videos."""

    def __init__(self, youtube: YouTube) -> None:
        self._youtube = youtube

    async def show(self, request: web.Request, caller: Caller) -> web.Response:
        """`videos.list` by ids; who does not own a private video does not find it."""
        parts, ids = parts_of(request), ids_of(request)
        if not ids:
            raise Refused("missingRequiredParameter", location="id")
        if len(ids) > 50:
            raise Refused("badRequest", "The request specifies too many ids.", location="id")
        found = [self._youtube.videos[one] for one in dict.fromkeys(ids) if one in self._youtube.videos]
        items = [
            resources.video(self._youtube, video, parts, mine=video.channel == caller.channel.name)
            for video in found
            if video.channel == caller.channel.name or video.visible(self._youtube.now()) != "private"
        ]
        return web.json_response(resources.listed("youtube#videoListResponse", items))

    async def update(self, request: web.Request, caller: Caller) -> web.Response:
        """`videos.update`: each part that is named is replaced whole, so what was not sent is deleted."""
        parts, body = parts_of(request), await json_body(request)
        video = own_video(self._youtube, str(body.get("id", "")), caller)
        snippet = rules.checked_snippet(body.get("snippet"), update=True) if "snippet" in parts else video.snippet
        status = rules.checked_status(body.get("status")) if "status" in parts else video.status
        localizations = video.localizations
        if "localizations" in parts:
            localizations = rules.checked_localizations(body.get("localizations", {}), snippet)
        video.snippet, video.status, video.localizations = snippet, status, localizations
        video.updates.append(body)
        self._youtube.save()
        return web.json_response(resources.video(self._youtube, video, parts, mine=True))

    async def delete(self, request: web.Request, caller: Caller) -> web.Response:
        """`videos.delete`: of one's own, one at a time."""
        ids = ids_of(request)
        if not ids:
            raise Refused("missingRequiredParameter", location="id")
        self._youtube.delete_video(own_video(self._youtube, ",".join(ids), caller))
        return web.Response(status=204)

    async def search(self, request: web.Request, caller: Caller) -> web.Response:
        """`search.list`, of one's own videos by words of their titles; its index lags like the list of uploads."""
        words = request.query.get("q", "").lower().split()
        found = [v for v in self._youtube.uploads(caller.channel.name) if all(w in v.title.lower() for w in words)]
        shown, about = page_of(request, found)
        items = [
            resources.marked(
                {"kind": "youtube#searchResult", "id": {"kind": "youtube#video", "videoId": video.video_id}}
                | {"snippet": resources.video(self._youtube, video, ("snippet",), mine=False)["snippet"]}
            )
            for video in shown
        ]
        return web.json_response(resources.listed("youtube#searchListResponse", items, about))
