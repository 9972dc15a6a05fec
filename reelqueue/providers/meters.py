"""Which buckets of quota there are, by the settings: one OAuth client may serve several channels, a key several models."""

from collections.abc import Mapping
from typing import Protocol

from reelqueue.models.buckets import CLOSED, CREDITS, DID, GEMINI, UNITS, UPLOADS, channel_client, model_bucket, youtube_client
from reelqueue.models.channel import DEFAULT_CHANNEL, Channel
from reelqueue.models.meter import Meter, Watched
from reelqueue.providers.youtube import given
from reelqueue.providers.youtube.credentials import client_id_of


class Given(given.Given, Protocol):
    """What an operator sets, by the names that the settings have."""

    @property
    def gemini_text_model(self) -> str:
        """The model that writes scripts."""
        ...

    @property
    def gemini_image_model(self) -> str:
        """The one that makes pictures."""
        ...

    @property
    def gemini_tts_model(self) -> str:
        """The one that speaks."""
        ...

    @property
    def has_default_channel(self) -> bool:
        """Whether a channel is set up beside those of the channels file."""
        ...

    def has_key(self, provider: str) -> bool:
        """Whether the key of a cloud provider is set."""
        ...


def watched(settings: Given, channels: Mapping[str, Channel], chosen: Mapping[str, str]) -> Watched:
    """Everything that runs out; `chosen` is who makes what where a brief leaves it open.

    Reads the channels' token files, so call it in a thread; one that can't be read is left out.
    """
    youtube = _youtube(settings, channels) if settings.has_key("youtube") else []
    gemini = _gemini(settings) if settings.has_key("gemini") else []
    did = [Meter(service="did", client=DID, name=CREDITS, kinds=("presenter",))] if settings.has_key("did") else []
    return Watched(chosen=dict(chosen), meters=(*youtube, *gemini, *did))


def _youtube(settings: Given, channels: Mapping[str, Channel]) -> list[Meter]:
    known = list(channels.values())
    if settings.has_default_channel:
        known.insert(0, Channel(name=DEFAULT_CHANNEL))
    clients: dict[str, list[str]] = {}
    for channel in known:
        client_id = client_id_of(settings, channel)
        if client_id is not None:
            clients.setdefault(client_id, []).append(channel.name)
    shared = [meter for client_id, names in clients.items() for meter in _of_client(settings, client_id, tuple(names))]
    return shared + [meter for channel in known for meter in _of_channel(channel)]


def _of_client(settings: Given, client_id: str, names: tuple[str, ...]) -> list[Meter]:
    number = client_id.partition("-")[0]
    caps = {UPLOADS: settings.youtube_daily_uploads, UNITS: settings.youtube_daily_quota}
    return [
        Meter(
            service="youtube",
            client=youtube_client(client_id),
            name=name,
            kinds=("publisher",),
            cap=cap,
            channels=names,
            project=number if number.isdecimal() else None,
        )
        for name, cap in caps.items()
    ]


def _of_channel(channel: Channel) -> list[Meter]:
    ours = {
        "service": "youtube",
        "client": channel_client(channel.name),
        "kinds": ("publisher",),
        "channels": (channel.name,),
    }
    own = [Meter(name=UPLOADS, cap=channel.daily_uploads, **ours)] if channel.daily_uploads else []
    return [*own, Meter(name=CLOSED, lasting=True, **ours)]


def _gemini(settings: Given) -> list[Meter]:
    models: dict[str, list[str]] = {}
    for model, kind in (
        (settings.gemini_text_model, "script"),
        (settings.gemini_image_model, "image"),
        (settings.gemini_tts_model, "voice"),
    ):
        models.setdefault(model, []).append(kind)
    return [
        Meter(service="gemini", client=GEMINI, name=model_bucket(model), kinds=tuple(kinds)) for model, kinds in models.items()
    ]
