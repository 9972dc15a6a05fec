"""A channel's publisher, put together from the settings."""

from reelqueue.models.channel import Channel
from reelqueue.providers.youtube.client import YouTubeClient
from reelqueue.providers.youtube.credentials import source_of
from reelqueue.providers.youtube.given import Given
from reelqueue.providers.youtube.publisher import Limits, YouTubePublisher
from reelqueue.providers.youtube.tokens import Access
from reelqueue.providers.youtube.wire import Wire


def client_of(settings: Given, channel: Channel, wire: Wire) -> YouTubeClient:
    """One channel's calls; nothing is sent or read yet."""
    access = Access(source_of(settings, channel), wire, settings.google_token_url)
    return YouTubeClient(access, wire, settings.youtube_api_base_url)


def open_channel(settings: Given, channel: Channel, wire: Wire) -> YouTubePublisher:
    """The publisher of a channel; nothing is sent yet.

    Raises:
        InvalidSettings: its token file can't be used.
    """
    limits = Limits(
        client_id=source_of(settings, channel).read().client_id,
        daily_units=settings.youtube_daily_quota,
        daily_uploads=settings.youtube_daily_uploads,
        channel_daily_uploads=channel.daily_uploads,
    )
    return YouTubePublisher(
        client_of(settings, channel, wire), channel, limits, listed_within_s=settings.youtube_reconcile_seconds
    )
