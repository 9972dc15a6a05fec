"""YouTube's Data API v3 on this machine: videos, playlists, captions, thumbnails, the resumable upload and its quota."""

from reelqueue.sandbox.youtube.api import SERVICE, call_name, refusal, routes, settings, state, youtube_of
from reelqueue.sandbox.youtube.store import YouTube

__all__ = ["SERVICE", "YouTube", "call_name", "refusal", "routes", "settings", "state", "youtube_of"]
