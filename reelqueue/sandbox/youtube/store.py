"""Everything that happened on this YouTube, in memory and on disk: a restarted sandbox keeps its videos."""

import asyncio
import base64
import hashlib
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reelqueue.sandbox.clock import Clock
from reelqueue.sandbox.files import read_json, write_json
from reelqueue.sandbox.youtube.model import (
    Channel,
    Item,
    Playlist,
    Session,
    Video,
    as_json,
    channel_of,
    playlist_of,
    session_of,
    video_of,
)
from reelqueue.sandbox.youtube.quota import Quota

SAVE_SECONDS = 0.2
SESSION_DAYS = 7
CLOSED_HOURS = 24


class YouTube:
    """What YouTube holds.

    `lag_s`: how long a new video is missing from its channel's list of uploads, by the sandbox's clock.
    `processing_s`: how long a new video is "processing".
    `finished_sessions`: what a session says once its video is there: "answer" (the video again) or "gone" (404).
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._index = folder / "index.json"
        self._clock = clock
        self._saving: asyncio.TimerHandle | None = None
        self.videos_dir = folder / "videos"
        self.sessions_dir = folder / "sessions"
        for made in (self.videos_dir, self.sessions_dir):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.videos: dict[str, Video] = {}
        self.deleted: list[str] = []
        self.channels: dict[str, Channel] = {}
        self.playlists: dict[str, Playlist] = {}
        self.sessions: dict[str, Session] = {}
        self.quota = Quota(clock, self.save)
        self.lag_s = 0.0
        self.processing_s = 0.0
        self.finished_sessions = "answer"
        self._load()

    @property
    def caps(self) -> dict[str, int]:
        """A day's limits: "uploads", "search", "units".  May be changed."""
        return self.quota.caps

    def channel(self, name: str) -> Channel:
        """The channel of this name."""
        if name not in self.channels:
            digest = hashlib.sha256(name.encode()).digest()
            self.channels[name] = Channel(name, "UC" + base64.urlsafe_b64encode(digest).decode()[:22])
        return self.channels[name]

    def close_channel(self, name: str = "default", hours: float = CLOSED_HOURS) -> None:
        """The channel has put up too many videos: `uploadLimitExceeded` for so long."""
        self.channel(name).closed_until = self._clock.now() + timedelta(hours=hours)
        self.save()

    def closed(self, name: str) -> bool:
        """Whether the channel takes no video now."""
        until = self.channel(name).closed_until
        return until is not None and self._clock.now() < until

    def of_channel(self, name: str) -> list[Video]:
        """The channel's videos, newest first."""
        mine = [video for video in self.videos.values() if video.channel == name]
        return sorted(mine, key=lambda video: video.at, reverse=True)

    def uploads(self, name: str, hidden: int = 0) -> list[Video]:
        """What the channel's list of uploads shows, newest first; without the newest `hidden`, and those that lag."""
        seen_until = self._clock.now() - timedelta(seconds=self.lag_s)
        return [video for video in self.of_channel(name)[hidden:] if video.at <= seen_until]

    def playlists_of(self, video_id: str) -> list[str]:
        """The playlists that hold the video, one entry for each time they do."""
        return [one.playlist_id for one in self.playlists.values() for item in one.items if item.video_id == video_id]

    def add_playlist(self, title: str, channel: str = "default", description: str = "", privacy: str = "public") -> Playlist:
        """A new playlist of the channel."""
        made = Playlist("PL" + secrets.token_urlsafe(24), channel, title, description, privacy, self._clock.now())
        self.playlists[made.playlist_id] = made
        self.save()
        return made

    def add_item(self, playlist: Playlist, video_id: str, position: int | None = None, note: str = "") -> Item:
        """Put a video into a playlist: once more, if it is in it."""
        made = Item("UEx" + secrets.token_urlsafe(30), video_id, self._clock.now(), note)
        playlist.items.insert(len(playlist.items) if position is None else position, made)
        self.save()
        return made

    def open_session(self, **what: Any) -> Session:
        """A new upload session."""
        name = "AHSANDBOX-" + secrets.token_urlsafe(36)
        made = Session(name=name, at=self._clock.now(), path=self.sessions_dir / name, **what)
        self.sessions[name] = made
        made.path.touch(mode=0o600)
        self.save()
        return made

    def rename_session(self, session: Session) -> None:
        """The session goes on under another name; the old one is gone."""
        del self.sessions[session.name]
        name = "AHSANDBOX-" + secrets.token_urlsafe(36)
        if session.result is None:
            session.path = session.path.rename(self.sessions_dir / name)
        session.name = name
        self.sessions[name] = session
        self.save()

    def end_session(self, session: Session) -> None:
        """Forget the session and the bytes that came to nothing."""
        self.sessions.pop(session.name, None)
        if session.result is None:
            session.path.unlink(missing_ok=True)
        self.save()

    def expired(self, session: Session) -> bool:
        """Whether the session is too old."""
        return self._clock.now() - session.at > timedelta(days=SESSION_DAYS)

    def add_video(self, session: Session, sha256: str, snippet: dict[str, Any], status: dict[str, Any]) -> Video:
        """The session's bytes become a video."""
        video_id = secrets.token_urlsafe(8)
        path = session.path.rename(self.videos_dir / f"{video_id}.mp4")
        made = Video(
            video_id=video_id,
            channel=session.channel,
            channel_id=self.channel(session.channel).channel_id,
            at=self._clock.now(),
            path=path,
            bytes=session.received,
            sha256=sha256,
            snippet=snippet,
            status=status,
            localizations=session.metadata.get("localizations", {}),
            sent=session.metadata,
        )
        self.videos[video_id] = made
        session.path, session.result = path, video_id
        self.save()
        return made

    def delete_video(self, video: Video) -> None:
        """The video is gone, from playlists too."""
        del self.videos[video.video_id]
        self.deleted.append(video.video_id)
        video.path.unlink(missing_ok=True)
        for playlist in self.playlists.values():
            playlist.items = [item for item in playlist.items if item.video_id != video.video_id]
        self.save()

    def processed(self, video: Video) -> bool:
        """Whether the video can be watched."""
        return self._clock.now() >= video.at + timedelta(seconds=self.processing_s)

    def now(self) -> datetime:
        """The sandbox's time."""
        return self._clock.now()

    def as_json(self) -> dict[str, Any]:
        """All of it, but for the bytes."""
        return {
            "channels": [as_json(one) for one in self.channels.values()],
            "videos": [as_json(one) for one in self.videos.values()],
            "deleted": self.deleted,
            "playlists": [as_json(one) for one in self.playlists.values()],
            "sessions": [as_json(one) for one in self.sessions.values()],
            "used": self.quota.as_json(),
        }

    def save(self) -> None:
        """Keep it on disk, soon: what happens within a moment is written once."""
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(SAVE_SECONDS, self.flush)

    def flush(self) -> None:
        """Keep it on disk now."""
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        write_json(self._index, self.as_json())

    def _load(self) -> None:
        kept = read_json(self._index)
        if kept is None:
            return
        self.channels = {one["name"]: channel_of(one) for one in kept["channels"]}
        self.videos = {one["video_id"]: video_of(one, self.videos_dir) for one in kept["videos"]}
        self.deleted = kept["deleted"]
        self.playlists = {one["playlist_id"]: playlist_of(one) for one in kept["playlists"]}
        for one in kept["sessions"]:
            session = session_of(one, self.videos_dir if one["result"] else self.sessions_dir)
            session.received = session.path.stat().st_size if session.path.exists() else 0
            self.sessions[session.name] = session
        self.quota.load(kept["used"])
