"""Whether an upload whose end nobody heard of became a video: the channel's newest uploads, compared by the marker.

`search.list` would be the wrong way: 100 a day, and its index lags.  playlistItems tell no tags, so each page of them takes
a second call.
"""

from datetime import datetime, timedelta
from typing import Any

from reelqueue.providers.youtube.client import YouTubeClient, items_of
from reelqueue.providers.youtube.identity import no_channel

PAGE = 50
LEAST_PAGES, MOST_PAGES = 2, 20
SESSION_LIVES = timedelta(days=8)
"""A session is known for about a week: what it made is not older than that when its end is asked for in good time."""
FIND_UNITS = 1 + 2 * LEAST_PAGES
"""The channel, and two calls for each page that is always read (where there is one); a busy channel takes more, rarely."""


async def ids_with_marker(client: YouTubeClient, marker: str, now: datetime) -> tuple[str, ...]:
    """The videos that bear the marker, the newest first.

    At least the newest 100 uploads are looked at, and on a busy channel all of the last 8 days, 1,000 at most.

    Raises:
        the errors of `errors.refused`; AuthenticationFailed: the account has no channel.
    """
    uploads = await _uploads_playlist(client)
    found: list[str] = []
    page = ""
    for number in range(MOST_PAGES):
        items, page = await _page(client, uploads, page)
        found += await _marked(client, items, marker)
        if not page or (number + 1 >= LEAST_PAGES and _older(items[-1:], now - SESSION_LIVES)):
            break
    return tuple(dict.fromkeys(found))


async def _uploads_playlist(client: YouTubeClient) -> str:
    query = {"part": "contentDetails", "mine": "true"}
    said = await client.call("channels.list", "GET", "youtube/v3/channels", query=query)
    try:
        return str(said["items"][0]["contentDetails"]["relatedPlaylists"]["uploads"])
    except (KeyError, IndexError, TypeError):
        raise no_channel(client) from None


async def _page(client: YouTubeClient, playlist: str, page: str) -> tuple[list[dict[str, Any]], str]:
    query: dict[str, str | int] = {"part": "contentDetails", "playlistId": playlist, "maxResults": PAGE}
    if page:
        query["pageToken"] = page
    said = await client.call("playlistItems.list", "GET", "youtube/v3/playlistItems", query=query)
    items = [one["contentDetails"] for one in items_of(said) if isinstance(one.get("contentDetails"), dict)]
    return items, str(said.get("nextPageToken") or "")


async def _marked(client: YouTubeClient, items: list[dict[str, Any]], marker: str) -> list[str]:
    ids = [str(item["videoId"]) for item in items if item.get("videoId")]
    if not ids:
        return []
    query: dict[str, str | int] = {"part": "snippet", "id": ",".join(ids), "maxResults": PAGE}
    said = await client.call("videos.list", "GET", "youtube/v3/videos", query=query)
    bearing = {one.get("id") for one in items_of(said) if marker in _tags(one)}
    return [video_id for video_id in ids if video_id in bearing]


def _tags(video: dict[str, Any]) -> list[Any]:
    snippet = video.get("snippet")
    tags = snippet.get("tags") if isinstance(snippet, dict) else None
    return tags if isinstance(tags, list) else []


def _older(items: list[dict[str, Any]], than: datetime) -> bool:
    """Whether the last upload of a page is from before; not where nobody can tell."""
    try:
        return bool(items) and datetime.fromisoformat(str(items[0]["videoPublishedAt"])) < than
    except (KeyError, ValueError, TypeError):
        return False
