"""What YouTube's answers look like.  `containsSyntheticMedia` is never among them, as was observed of the real ones."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reelqueue.sandbox.youtube.model import Caption, Channel, Item, Playlist, Video
from reelqueue.sandbox.youtube.store import YouTube

Json = dict[str, Any]


def etag(value: Any) -> str:
    """A mark that changes with the value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:27]


def time(at: datetime) -> str:
    """A time as YouTube writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def marked(resource: Json) -> Json:
    """The resource with its mark in front."""
    return {"kind": resource["kind"], "etag": etag(resource)} | resource


def listed(kind: str, items: list[Json], about: Json | None = None) -> Json:
    """The answer to a list."""
    about = about or {"pageInfo": {"totalResults": len(items), "resultsPerPage": len(items)}}
    return marked({"kind": kind} | about | {"items": items})


def thumbnails(video: Video) -> Json:
    """The pictures of a video."""
    base = f"https://i.ytimg.com/vi/{video.video_id}"
    sizes = {"default": ("default", 120, 90), "medium": ("mqdefault", 320, 180), "high": ("hqdefault", 480, 360)}
    return {
        name: {"url": f"{base}/{file}.jpg", "width": width, "height": height} for name, (file, width, height) in sizes.items()
    }


def video(youtube: YouTube, found: Video, parts: tuple[str, ...], *, mine: bool) -> Json:
    """A video; strangers see neither its tags nor how it is processed."""
    answer: Json = {"kind": "youtube#video", "id": found.video_id}
    made: dict[str, Callable[[], Json]] = {
        "snippet": lambda: _video_snippet(found, mine=mine),
        "status": lambda: _video_status(youtube, found),
        "localizations": lambda: found.localizations,
        "contentDetails": lambda: {
            "duration": "P0D",
            "dimension": "2d",
            "definition": "hd",
            "caption": "true" if found.captions else "false",
            "licensedContent": False,
            "projection": "rectangular",
        },
        "statistics": lambda: {"viewCount": "0", "likeCount": "0", "favoriteCount": "0", "commentCount": "0"},
        "processingDetails": lambda: {
            "processingStatus": "succeeded" if youtube.processed(found) else "processing",
            "fileDetailsAvailability": "available",
            "thumbnailsAvailability": "available",
        },
        "fileDetails": lambda: {"fileName": "unknown", "fileSize": str(found.bytes), "fileType": "video"},
    }
    for part in parts:
        if part in made and (mine or part not in {"processingDetails", "fileDetails"}):
            value = made[part]()
            if value:
                answer[part] = value
    return marked(answer)


def _video_snippet(found: Video, *, mine: bool) -> Json:
    sent = found.snippet
    answer: Json = {
        "publishedAt": time(found.at),
        "channelId": found.channel_id,
        "title": found.title,
        "description": found.description,
        "thumbnails": thumbnails(found),
        "channelTitle": found.channel,
        "categoryId": found.category_id,
        "liveBroadcastContent": "none",
        "localized": {"title": found.title, "description": found.description},
    }
    if mine and found.tags:
        answer["tags"] = found.tags
    for name in ("defaultLanguage", "defaultAudioLanguage"):
        if name in sent:
            answer[name] = sent[name]
    return answer


def _video_status(youtube: YouTube, found: Video) -> Json:
    now = youtube.now()
    privacy = found.visible(now)
    answer: Json = {
        "uploadStatus": "processed" if youtube.processed(found) else "uploaded",
        "privacyStatus": privacy,
        "license": found.status["license"],
        "embeddable": found.status["embeddable"],
        "publicStatsViewable": found.status["publicStatsViewable"],
        "madeForKids": bool(found.made_for_kids),
    }
    if found.made_for_kids is not None:
        answer["selfDeclaredMadeForKids"] = found.made_for_kids
    if found.publish_at is not None and privacy == "private":
        answer["publishAt"] = time(found.publish_at)
    return answer


def channel(found: Channel, parts: tuple[str, ...]) -> Json:
    """A channel."""
    made: Json = {
        "snippet": {"title": found.name, "description": "", "publishedAt": "2026-01-01T00:00:00Z", "thumbnails": {}},
        "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": found.uploads_id}},
        "status": {"privacyStatus": "public", "isLinked": True, "longUploadsStatus": "allowed"},
        "statistics": {"viewCount": "0", "subscriberCount": "0", "hiddenSubscriberCount": False, "videoCount": "0"},
    }
    return marked({"kind": "youtube#channel", "id": found.channel_id} | {part: made[part] for part in parts if part in made})


def playlist(youtube: YouTube, found: Playlist, parts: tuple[str, ...]) -> Json:
    """A playlist."""
    owner = youtube.channel(found.channel)
    made: Json = {
        "snippet": {
            "publishedAt": time(found.at),
            "channelId": owner.channel_id,
            "title": found.title,
            "description": found.description,
            "thumbnails": {},
            "channelTitle": owner.name,
            "localized": {"title": found.title, "description": found.description},
        },
        "status": {"privacyStatus": found.privacy},
        "contentDetails": {"itemCount": len(found.items)},
    }
    answer = {"kind": "youtube#playlist", "id": found.playlist_id} | {part: made[part] for part in parts if part in made}
    return marked(answer)


def item(owner: Channel, playlist_id: str, found: Item, video: Video | None, position: int, parts: tuple[str, ...]) -> Json:
    """A video's place in a playlist.  It tells no tags."""
    resource = {"kind": "youtube#video", "videoId": found.video_id}
    made: Json = {
        "snippet": {
            "publishedAt": time(found.at),
            "channelId": owner.channel_id,
            "title": video.title if video else "Deleted video",
            "description": video.description if video else "This video is unavailable.",
            "thumbnails": thumbnails(video) if video else {},
            "channelTitle": owner.name,
            "playlistId": playlist_id,
            "position": position,
            "resourceId": resource,
            "videoOwnerChannelTitle": video.channel if video else "",
            "videoOwnerChannelId": video.channel_id if video else "",
        },
        "contentDetails": {"videoId": found.video_id} | ({"videoPublishedAt": time(video.at)} if video else {}),
        "status": {"privacyStatus": video.privacy if video else "privacyStatusUnspecified"},
    }
    return marked({"kind": "youtube#playlistItem", "id": found.item_id} | {part: made[part] for part in parts if part in made})


def caption(video_id: str, found: Caption) -> Json:
    """A caption track."""
    return marked(
        {
            "kind": "youtube#caption",
            "id": found.caption_id,
            "snippet": {
                "videoId": video_id,
                "lastUpdated": time(found.at),
                "trackKind": "standard",
                "language": found.language,
                "name": found.name,
                "audioTrackType": "unknown",
                "isCC": False,
                "isLarge": False,
                "isEasyReader": False,
                "isDraft": found.draft,
                "isAutoSynced": False,
                "status": "serving",
            },
        }
    )


def listed_thumbnails(found: Video) -> Json:
    """The answer to `thumbnails.set`."""
    return marked({"kind": "youtube#thumbnailSetResponse", "items": [thumbnails(found)]})
