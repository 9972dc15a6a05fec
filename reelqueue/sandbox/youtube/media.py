"""Thumbnails and captions: small media, sent in one request, alone or as the second part of `multipart/related`."""

import hashlib
import json
import secrets
from typing import Any

from aiohttp import BodyPartReader, web

from reelqueue.sandbox.youtube import resources
from reelqueue.sandbox.youtube.call import Caller, own_video, parts_of
from reelqueue.sandbox.youtube.model import Caption
from reelqueue.sandbox.youtube.store import YouTube
from reelqueue.sandbox.youtube.wrong import Refused

THUMBNAIL_BYTES = 50 << 20
CAPTION_NAME_CHARACTERS = 150
IMAGES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


async def sent(request: web.Request) -> tuple[Any, bytes]:
    """What was sent: the JSON that goes with it (None where none), and the media.

    Raises:
        Refused: `multipart` of another shape, or JSON that is none.
    """
    if not request.content_type.startswith("multipart/"):
        return None, await _body(request)
    reader = await request.multipart()
    parts = []
    while isinstance(part := await reader.next(), BodyPartReader):
        parts.append(bytes(await part.read(decode=True)))
    if len(parts) != 2:
        raise Refused("badRequest", "Expected two parts: JSON, then media.")
    try:
        return json.loads(parts[0]), parts[1]
    except ValueError as error:
        raise Refused("parseError") from error


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused("uploadTooLarge") from error


class Media:
    """The calls about thumbnails and captions."""

    def __init__(self, youtube: YouTube) -> None:
        self._youtube = youtube

    async def set_thumbnail(self, request: web.Request, caller: Caller) -> web.Response:
        """`thumbnails.set`: a JPEG or PNG of at most 50 MiB; setting it again changes nothing more."""
        video = own_video(self._youtube, request.query.get("videoId", ""), caller)
        if (request.content_length or 0) > THUMBNAIL_BYTES:
            raise Refused("uploadTooLarge")
        _, image = await sent(request)
        if not image:
            raise Refused("mediaBodyRequired", "The request does not include the image content.")
        if len(image) > THUMBNAIL_BYTES:
            raise Refused("uploadTooLarge")
        if not any(image.startswith(magic) for magic in IMAGES):
            raise Refused("invalidImage")
        video.thumbnail_sha256, video.thumbnail_bytes = hashlib.sha256(image).hexdigest(), len(image)
        video.thumbnails_set += 1
        self._youtube.save()
        return web.json_response(resources.listed_thumbnails(video))

    async def insert_caption(self, request: web.Request, caller: Caller) -> web.Response:
        """`captions.insert` as `multipart/related`."""
        parts_of(request)
        metadata, text = await sent(request)
        return web.json_response(self.add_caption(metadata, text, caller))

    def check_caption(self, metadata: Any, caller: Caller) -> dict[str, Any]:
        """The snippet of a caption track that may be added.

        Raises:
            Refused: names what is wrong; a second track of one language and name is `captionExists`.
        """
        snippet = metadata.get("snippet") if isinstance(metadata, dict) else None
        if not isinstance(snippet, dict) or not snippet.get("language") or not isinstance(snippet.get("name", ""), str):
            raise Refused("invalidMetadata")
        if len(snippet.get("name", "")) > CAPTION_NAME_CHARACTERS:
            raise Refused("nameTooLong")
        video = own_video(self._youtube, str(snippet.get("videoId", "")), caller)
        same = (snippet["language"], snippet.get("name", ""))
        if any((one.language, one.name) == same for one in video.captions):
            raise Refused("captionExists")
        return snippet

    def add_caption(self, metadata: Any, text: bytes, caller: Caller) -> dict[str, Any]:
        """A new caption track, as the answer tells it.

        Raises:
            Refused: see `check_caption`; or there is no text in it.
        """
        snippet = self.check_caption(metadata, caller)
        if not text.strip():
            raise Refused("contentRequired")
        video = self._youtube.videos[snippet["videoId"]]
        made = Caption(
            caption_id="AUieDa" + secrets.token_urlsafe(24),
            language=snippet["language"],
            name=snippet.get("name", ""),
            text=text.decode("utf-8", errors="replace"),
            sha256=hashlib.sha256(text).hexdigest(),
            at=self._youtube.now(),
            draft=bool(snippet.get("isDraft", False)),
        )
        video.captions.append(made)
        self._youtube.save()
        return resources.caption(video.video_id, made)

    async def captions(self, request: web.Request, caller: Caller) -> web.Response:
        """`captions.list` of a video."""
        parts_of(request)
        video = own_video(self._youtube, request.query.get("videoId", ""), caller)
        items = [resources.caption(video.video_id, one) for one in video.captions]
        return web.json_response(resources.marked({"kind": "youtube#captionListResponse", "items": items}))

    async def delete_caption(self, request: web.Request, caller: Caller) -> web.Response:
        """`captions.delete`."""
        for video in self._youtube.videos.values():
            for one in video.captions:
                if one.caption_id == request.query.get("id"):
                    own_video(self._youtube, video.video_id, caller).captions.remove(one)
                    self._youtube.save()
                    return web.Response(status=204)
        raise Refused("captionNotFound")
