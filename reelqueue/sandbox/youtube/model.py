"""What YouTube holds: channels, videos with their captions, playlists, upload sessions."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass
class Channel:
    """A channel.  `closed_until`: it has put up too many videos and takes none before."""

    name: str
    channel_id: str
    signed_up: bool = True
    closed_until: datetime | None = None

    @property
    def uploads_id(self) -> str:
        """The playlist of everything it put up."""
        return "UU" + self.channel_id[2:]


@dataclass
class Caption:
    """A caption track of a video, with the text that was sent."""

    caption_id: str
    language: str
    name: str
    text: str
    sha256: str
    at: datetime
    draft: bool = False


@dataclass
class Video:
    """A video: what it was given (`snippet`, `status`, `localizations` as they were sent) and what arrived.

    `sent` is the metadata of the session's start; `updates` are the bodies of all later `videos.update`.
    """

    video_id: str
    channel: str
    channel_id: str
    at: datetime
    path: Path
    bytes: int
    sha256: str
    snippet: Json
    status: Json
    localizations: Json = field(default_factory=dict)
    sent: Json = field(default_factory=dict)
    updates: list[Json] = field(default_factory=list)
    thumbnail_sha256: str | None = None
    thumbnail_bytes: int = 0
    thumbnails_set: int = 0
    captions: list[Caption] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The title."""
        return str(self.snippet.get("title", ""))

    @property
    def description(self) -> str:
        """The description, "" where none."""
        return str(self.snippet.get("description", ""))

    @property
    def tags(self) -> list[str]:
        """The tags."""
        return list(self.snippet.get("tags", ()))

    @property
    def category_id(self) -> str:
        """The category."""
        return str(self.snippet.get("categoryId", ""))

    @property
    def privacy(self) -> str:
        """What was asked for last: "private", "unlisted", "public"; see `visible` for a video with `publishAt`."""
        return str(self.status.get("privacyStatus", "public"))

    @property
    def publish_at(self) -> datetime | None:
        """When it becomes public by itself."""
        at = self.status.get("publishAt")
        return None if at is None else datetime.fromisoformat(at)

    @property
    def made_for_kids(self) -> bool | None:
        """What its owner said."""
        return self.status.get("selfDeclaredMadeForKids")

    @property
    def synthetic(self) -> bool | None:
        """What its owner said of `containsSyntheticMedia`: taken, and told to nobody."""
        return self.status.get("containsSyntheticMedia")

    def visible(self, now: datetime) -> str:
        """Its privacy at this time."""
        at = self.publish_at
        return "public" if self.privacy == "private" and at is not None and at <= now else self.privacy


@dataclass
class Item:
    """A video's place in a playlist."""

    item_id: str
    video_id: str
    at: datetime
    note: str = ""


@dataclass
class Playlist:
    """A playlist that somebody made; a channel's uploads are none of these."""

    playlist_id: str
    channel: str
    title: str
    description: str
    privacy: str
    at: datetime
    items: list[Item] = field(default_factory=list)


@dataclass
class Session:
    """An upload session: of a video, or of a caption track.

    `name` stands in its URI.  `received` bytes lie in `path`.  `result` is the id of what it became.  `turn` counts its
    chunks: of two that are on their way at once, only the later one may write.
    """

    name: str
    what: str
    channel: str
    client_id: str
    at: datetime
    path: Path
    size: int | None
    metadata: Json
    parts: tuple[str, ...]
    content_type: str = ""
    received: int = 0
    result: str | None = None
    turn: int = 0


def as_json(thing: Any) -> Json:
    """A dataclass of this module as JSON: times as ISO 8601, paths by their names."""
    return {name: _plain(value) for name, value in asdict(thing).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return value.name
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def caption_of(kept: Json) -> Caption:
    """A caption track again."""
    return Caption(**kept | {"at": datetime.fromisoformat(kept["at"])})


def video_of(kept: Json, folder: Path) -> Video:
    """A video again, its bytes below `folder`."""
    captions = [caption_of(one) for one in kept["captions"]]
    return Video(**kept | {"at": datetime.fromisoformat(kept["at"]), "path": folder / kept["path"], "captions": captions})


def playlist_of(kept: Json) -> Playlist:
    """A playlist again."""
    items = [Item(**one | {"at": datetime.fromisoformat(one["at"])}) for one in kept["items"]]
    return Playlist(**kept | {"at": datetime.fromisoformat(kept["at"]), "items": items})


def session_of(kept: Json, folder: Path) -> Session:
    """An upload session again, its bytes below `folder`."""
    return Session(
        **kept | {"at": datetime.fromisoformat(kept["at"]), "path": folder / kept["path"], "parts": tuple(kept["parts"])}
    )


def channel_of(kept: Json) -> Channel:
    """A channel again."""
    until = kept["closed_until"]
    return Channel(**kept | {"closed_until": until and datetime.fromisoformat(until)})
