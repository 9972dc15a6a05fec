"""YouTube as a publisher: the steps of the upload protocol, each one or two calls of the Data API."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reelqueue import clock
from reelqueue.errors import MediaError, PermanentError
from reelqueue.models.buckets import CLOSED, UNITS, UPLOADS, channel_client, youtube_client
from reelqueue.models.channel import Channel
from reelqueue.models.cost import Cost, Need
from reelqueue.providers.protocols import Publication
from reelqueue.providers.youtube import metadata
from reelqueue.providers.youtube.client import YouTubeClient, items_of
from reelqueue.providers.youtube.errors import auth_command, known_to_be, nonsense, unreachable
from reelqueue.providers.youtube.reconcile import FIND_UNITS, ids_with_marker
from reelqueue.providers.youtube.refusal import reason_of
from reelqueue.providers.youtube.upload import ResumableUpload
from reelqueue.wording import Text

UNITS_OF = {
    "find": FIND_UNITS,
    "thumbnail": 50,
    "captions": 400,
    "playlist": 51,
    "localizations": 51,
    "publish": 51,
    "remove": 50,
}
"""Of a day's 10,000: documented costs of the calls that each takes (a list 1, an insert, an update, a delete or a picture 50)."""
STEPS = ("thumbnail", "captions", "playlist", "localizations", "publish")
OF_TWO_CALLS = frozenset({"playlist", "localizations", "publish"})
"""Steps whose first call took its quota where the second could not be sent."""
NO_VIDEO = frozenset({"failed", "rejected", "deleted"})
"""What `uploadStatus` says where the file will never be seen."""
WATCH = "https://www.youtube.com/watch?v="


def _now() -> datetime:
    return clock.now()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a Pacific day has: units and uploads of the OAuth client, and uploads of the channel (None: its own has none)."""

    client_id: str
    daily_units: int
    daily_uploads: int
    channel_daily_uploads: int | None = None


class YouTubePublisher:
    """See `Publisher`.  A session's secret is its address; the marker is a video's first tag."""

    name = "youtube"
    version = "1"
    optional = frozenset({"thumbnail", "captions", "playlist", "localizations"})

    def __init__(
        self,
        client: YouTubeClient,
        channel: Channel,
        limits: Limits,
        *,
        listed_within_s: float = 600.0,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self.listed_within_s = listed_within_s
        self._client, self._channel, self._limits, self._now = client, channel, limits, now
        self._upload = ResumableUpload(client)

    @property
    def clock_skew_s(self) -> float | None:
        """How far this machine's clock is ahead of Google's; None before the first answer."""
        return self._client.wire.clock_skew_s

    def cost(self, what: str, publication: Publication | None) -> Cost:  # noqa: ARG002 - a call's cost does not hang on what is published
        """See `Publisher`: no money, but quota."""
        owner = youtube_client(self._limits.client_id)
        if what != "open":
            return Cost(needs=(Need(client=owner, name=UNITS, amount=UNITS_OF[what], cap=self._limits.daily_units),))
        ours = channel_client(self._channel.name)
        needs = [
            Need(client=owner, name=UPLOADS, cap=self._limits.daily_uploads),
            Need(client=ours, name=CLOSED, amount=0, lasting=True),
        ]
        if self._limits.channel_daily_uploads is not None:
            needs.append(Need(client=ours, name=UPLOADS, cap=self._limits.channel_daily_uploads))
        return Cost(needs=tuple(needs))

    def check(self, publication: Publication) -> None:
        """See `Publisher`."""
        metadata.check(publication, self._now())

    def steps(self, publication: Publication) -> tuple[str, ...]:
        """See `Publisher`."""
        there = {"captions": publication.captions, "playlist": publication.playlist, "localizations": publication.localizations}
        return tuple(name for name in STEPS if there.get(name, True))

    async def open(self, publication: Publication) -> str:
        """See `Publisher`: one upload of the day's."""
        size = await asyncio.to_thread(_size_of, Path(publication.video))
        parts = {"snippet": metadata.snippet(publication), "status": metadata.unseen(publication)}
        return await self._upload.open(parts, size)

    def send(self, publication: Publication, session: str) -> AsyncGenerator[float, None]:
        """See `Publisher`."""
        return self._upload.send(session, Path(publication.video))

    async def query(self, publication: Publication, session: str) -> str | None:
        """See `Publisher`."""
        size = await asyncio.to_thread(_size_of, Path(publication.video))
        return (await self._upload.kept(session, size)).video_id

    async def find(self, publication: Publication) -> tuple[str, ...]:
        """See `Publisher`."""
        with known_to_be(sent=True):  # by its first call
            return await ids_with_marker(self._client, publication.marker, self._now())

    async def step(self, name: str, publication: Publication, video_id: str) -> Mapping[str, Any]:
        """See `Publisher`."""
        with known_to_be(sent=True) if name in OF_TWO_CALLS else contextlib.nullcontext():
            match name:
                case "thumbnail":
                    return await self._thumbnail(publication, video_id)
                case "captions" if publication.captions is not None:
                    return await self._captions(publication, video_id, publication.captions)
                case "playlist" if publication.playlist is not None:
                    return await self._playlist(publication.playlist, video_id)
                case "localizations" if publication.localizations:
                    return await self._localizations(publication, video_id)
                case "publish":
                    return await self._publish(publication, video_id)
        raise ValueError(name)

    async def remove(self, video_id: str) -> bool:
        """See `Publisher`.  A video that YouTube does not know is gone: an answer that was lost is no matter."""
        answer = await self._client.ask("DELETE", "youtube/v3/videos", query={"id": video_id})
        if answer.status == 404 and reason_of(answer) == "videoNotFound":
            return False
        if answer.status == 403 and reason_of(answer) == "forbidden":
            raise _anothers(video_id, self._channel.name)
        if not 200 <= answer.status < 300:
            raise self._client.refusal(answer, "videos.delete")
        if answer.is_page:
            raise nonsense(answer)
        return True

    async def _thumbnail(self, publication: Publication, video_id: str) -> Mapping[str, Any]:
        """Setting it again changes nothing more."""
        picture = Path(publication.thumbnail)
        kind = await asyncio.to_thread(metadata.image_type, picture)
        await self._client.call(
            "thumbnails.set",
            "POST",
            "upload/youtube/v3/thumbnails/set",
            query={"videoId": video_id, "uploadType": "media"},
            body=await asyncio.to_thread(picture.read_bytes),
            headers={"Content-Type": kind},
        )
        return {}

    async def _captions(self, publication: Publication, video_id: str, captions: str) -> Mapping[str, Any]:
        """A track that is there already, from an answer that was lost, is refused as a second one: then it is done."""
        said = {"snippet": {"videoId": video_id, "language": publication.language, "name": "", "isDraft": False}}
        boundary = f"part-{secrets.token_hex(16)}"
        text = await asyncio.to_thread(_captions_of, Path(captions))
        answer = await self._client.ask(
            "POST",
            "upload/youtube/v3/captions",
            query={"uploadType": "multipart", "part": "snippet"},
            body=_two_parts(boundary, json.dumps(said).encode(), text),
            headers={"Content-Type": f"multipart/related; boundary={boundary}"},
        )
        if answer.status == 409 and reason_of(answer) == "captionExists":
            return {"there_already": True}
        if answer.status != 200:
            raise self._client.refusal(answer, "captions.insert")
        made = answer.json
        if not isinstance(made, dict) or not made.get("id"):
            raise nonsense(answer)
        return {"caption_id": made["id"]}

    async def _playlist(self, playlist: str, video_id: str) -> Mapping[str, Any]:
        """A second insert would put it in twice, so the list is asked first."""
        query: dict[str, str | int] = {"part": "id", "playlistId": playlist, "videoId": video_id, "maxResults": 1}
        listed = await self._client.call("playlistItems.list", "GET", "youtube/v3/playlistItems", query=query)
        if items := items_of(listed):
            return {"item_id": items[0].get("id"), "there_already": True}
        place = {"playlistId": playlist, "resourceId": {"kind": "youtube#video", "videoId": video_id}}
        made = await self._client.call(
            "playlistItems.insert", "POST", "youtube/v3/playlistItems", query={"part": "snippet"}, json={"snippet": place}
        )
        return {"item_id": made.get("id")}

    async def _localizations(self, publication: Publication, video_id: str) -> Mapping[str, Any]:
        """They need the language of the rest, which a person may have taken out; languages that we know nothing of stay."""
        there = await self._video(video_id, "snippet,localizations")
        words = metadata.snippet(publication)
        told = there.get("localizations")
        kept = told if isinstance(told, dict) else {}
        wished = {language: {"description": "", **one} for language, one in publication.localizations.items()}
        await self._update(video_id, {"snippet": words, "localizations": {**kept, **wished}})
        return {"languages": sorted(wished)}

    async def _publish(self, publication: Publication, video_id: str) -> Mapping[str, Any]:
        """What is seen from now on is what the answer says."""
        there = await self._video(video_id, "snippet,status")
        if there["status"].get("uploadStatus") in NO_VIDEO:
            raise _no_video(there["status"])
        wished = metadata.seen(publication, there["status"], self._now())
        parts = {"status": wished}
        if not _says(there.get("snippet"), words := metadata.snippet(publication)):
            parts = {"snippet": words} | parts
        answer = await self._update(video_id, parts)
        status = answer.get("status")
        if not isinstance(status, dict):
            raise unreachable(Text("沒有回報公開設定", "did not tell the privacy"))
        if status.get("privacyStatus") not in {wished["privacyStatus"], "public" if "publishAt" in wished else None}:
            raise _kept_back(str(status.get("privacyStatus")), wished["privacyStatus"])
        scheduled = {"publish_at": wished["publishAt"]} if "publishAt" in wished else {}
        return {"video_url": f"{WATCH}{video_id}", "video_status": status["privacyStatus"], **scheduled}

    async def _video(self, video_id: str, parts: str) -> dict[str, Any]:
        query = {"part": parts, "id": video_id}
        listed = await self._client.call("videos.list", "GET", "youtube/v3/videos", query=query)
        items = [one for one in items_of(listed) if one.get("id") == video_id]
        if not items or not isinstance(items[0].get(parts.rsplit(",", 1)[-1], {}), dict):
            raise unreachable(
                Text(f"查不到影片 {video_id}", f"does not know the video {video_id}"),
                Text(
                    "剛上傳的可能還沒列出，會自動重試；也可能已被刪除",
                    "a new one may not be listed yet, and it is tried again; or it was deleted",
                ),
            )
        found: dict[str, Any] = items[0]
        return found

    async def _update(self, video_id: str, parts: dict[str, Any]) -> dict[str, Any]:
        """Each part that is named is replaced whole: what is not sent is deleted."""
        body = {"id": video_id, **parts}
        return await self._client.call("videos.update", "PUT", "youtube/v3/videos", query={"part": ",".join(parts)}, json=body)


def _no_video(status: Mapping[str, Any]) -> PermanentError:
    """The error of a file that YouTube could not use, or would not."""
    why = status.get("failureReason") or status.get("rejectionReason") or status["uploadStatus"]
    error = PermanentError(
        Text(f"YouTube 沒有接受影片檔（{why}）", f"YouTube did not take the video file ({why})"),
        Text("到 YouTube Studio 查看原因", "see YouTube Studio for the reason"),
    )
    error.usage = ()
    return error


def _anothers(video_id: str, channel: str) -> PermanentError:
    """The error of a video that the channel's account may not delete."""
    error = PermanentError(
        Text(
            f"頻道 {channel} 的授權不能刪除影片 {video_id}：它屬於別的頻道",
            f"the token of channel {channel} may not delete the video {video_id}: it is another channel's",
        ),
        Text(
            f"用上傳那支影片的帳號執行 {auth_command(channel)}，或到 YouTube Studio 刪除它，再刪除專案（不加 --video）",
            f"run {auth_command(channel)} with the account that put it up, or delete it in YouTube Studio, then the project without --video",
        ),
    )
    error.usage = ()
    return error


def _kept_back(privacy: str, wished: str) -> PermanentError:
    """The error of an update that was taken without its effect."""
    error = PermanentError(
        Text(f"YouTube 讓影片維持 {privacy}，沒有改成 {wished}", f"YouTube kept the video {privacy} instead of {wished}"),
        Text(
            "到 YouTube Studio 查看這支影片的限制；未通過稽核的 API 專案可能只能上傳私人影片",
            "see YouTube Studio for what restricts the video; an API project that was not audited may only put up private ones",
        ),
    )
    error.usage = ()
    return error


def _says(there: Any, words: Mapping[str, Any]) -> bool:
    """Whether a snippet says all of `words` already."""
    if not isinstance(there, dict):
        return False
    told = {**there, "tags": sorted(there.get("tags") or ())}
    return all(told.get(name, "") == (sorted(word) if name == "tags" else word) for name, word in words.items())


def _two_parts(boundary: str, told: bytes, media: bytes) -> bytes:
    """A `multipart/related` body: JSON, then media."""
    edge = f"--{boundary}\r\n".encode()
    first = edge + b"Content-Type: application/json; charset=UTF-8\r\n\r\n" + told + b"\r\n"
    return first + edge + b"Content-Type: application/octet-stream\r\n\r\n" + media + f"\r\n--{boundary}--\r\n".encode()


def _captions_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _missing(path) from error


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _missing(path) from error


def _missing(path: Path) -> MediaError:
    return MediaError(
        Text(f"找不到要發布的檔案 {path.name}", f"{path.name}, which is to be published, is missing"),
        Text("用 reelqueue retry --from render 重新製作", "make it anew with reelqueue retry --from render"),
    )
