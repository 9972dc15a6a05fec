"""Which provider a setting or a brief means: the only place that names vendors, and it imports them late."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reelqueue.errors import InvalidBrief
from reelqueue.models.brief import Brief
from reelqueue.models.channel import DEFAULT_CHANNEL, Channel, filled
from reelqueue.models.prices import PriceTable
from reelqueue.providers.channels import channel_named, read_channels
from reelqueue.providers.prices import read_prices
from reelqueue.providers.protocols import ImageMaker, Presenter, Providers, Publisher, ScriptWriter, Voice
from reelqueue.settings import KEYS, Settings
from reelqueue.wording import Text
from storage.paths import Paths

if TYPE_CHECKING:
    from reelqueue.providers.gemini.client import GeminiClient

KINDS = {
    "script": "script_provider",
    "image": "image_provider",
    "voice": "voice_provider",
    "presenter": "presenter_provider",
    "publisher": "publisher",
}
"""The setting that chooses each kind, by the name that a brief uses."""
CLOUDS = {"script": "gemini", "image": "gemini", "voice": "gemini", "presenter": "did", "publisher": "youtube"}
"""Who makes each kind where his key is set."""


@dataclass(slots=True)
class Shelf:
    """All providers that the settings allow, each made when it is first wanted, and one of a kind: they share connections."""

    settings: Settings
    paths: Paths
    channels: dict[str, Channel]
    _made: dict[tuple[str, ...], Any] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def prices(self) -> PriceTable:
        """What services charge.

        Raises:
            InvalidSettings: PRICES_FILE is wrong.
        """
        table: PriceTable = self._one("prices", "", lambda _: read_prices(self.settings.prices_file))
        return table

    def name_of(self, kind: str, wanted: Mapping[str, str]) -> str:
        """Who makes a `kind`: the brief's choice, else the setting's; `auto` is the cloud's where its key is set.

        Raises:
            InvalidBrief: the brief names one whose key is not set.
        """
        chosen = wanted.get(kind, "auto")
        chosen = chosen if chosen != "auto" else str(getattr(self.settings, KINDS[kind]))
        if chosen == "auto":
            return CLOUDS[kind] if self.settings.has_key(CLOUDS[kind]) else "local"
        if chosen != "local" and not self.settings.has_key(chosen):
            key = KEYS[chosen]
            raise InvalidBrief(
                "providers", Text(f"local，或先設定 {key}", f"local, or {key} set in the environment"), f"{kind}: {chosen}"
            )
        return chosen

    def chosen(self, brief: Brief) -> Providers:
        """One provider of each kind for what a brief asks.

        Raises:
            InvalidBrief: it names a channel that there is not, or a provider whose key is not set.
            InvalidSettings: what is chosen can't be used as it is set up.
        """
        names = {kind: self.name_of(kind, brief.providers) for kind in KINDS}
        return Providers(
            script=self._one("script", names["script"], self._script_writer),
            image=self._one("image", names["image"], self._image_maker),
            voice=self._one("voice", names["voice"], self._voice),
            presenter=self._one("presenter", names["presenter"], self._presenter),
            publisher=self.publisher_of(brief),
            stand_in=self._drawn(),
            stand_in_presenter=self._one("presenter", "local", self._presenter),
        )

    def publisher_of(self, brief: Brief) -> Publisher:
        """See `Choice`.  Raises as `chosen`."""
        name = self.name_of("publisher", brief.providers)
        return self._publisher(name, self.channel_of(brief) if name == "youtube" else None)

    def channel_of(self, brief: Brief) -> Channel:
        """The channel that a brief means.

        Raises:
            InvalidBrief: there is none of that name.
        """
        if brief.channel is None and self.name_of("publisher", brief.providers) == "local":
            return Channel(name=DEFAULT_CHANNEL)
        default = Channel(name=DEFAULT_CHANNEL) if self.settings.has_default_channel else None
        return channel_named(brief.channel, self.channels, default=default)

    def filled(self, brief: Brief) -> Brief:
        """The brief with its channel's own where it leaves a choice.

        Raises:
            InvalidBrief: as `channel_of`.
        """
        return filled(brief, self.channel_of(brief))

    def usual(self) -> Providers:
        """Who makes what where a brief leaves everything open; the first channel where none is the default.

        Raises:
            InvalidSettings: what is chosen can't be used as it is set up.
        """
        nobody = Brief(topic="-")
        several = self.settings.has_key("youtube") and not self.settings.has_default_channel and len(self.channels) > 1
        return self.chosen(nobody.replace(channel=next(iter(self.channels))) if several else nobody)

    async def aclose(self) -> None:
        """Close every connection; the shelf can't be used any more."""
        await self._stack.aclose()

    def _one(self, kind: str, name: str, make: Any) -> Any:
        key = (kind, name)
        if key not in self._made:
            self._made[key] = make(name)
        return self._made[key]

    def _script_writer(self, name: str) -> ScriptWriter:
        match name:
            case "local":
                from reelqueue.providers.local.script import LocalScriptWriter  # noqa: PLC0415 - only what is chosen is loaded

                return LocalScriptWriter()
            case "gemini":
                from reelqueue.providers.gemini.script import GeminiScriptWriter  # noqa: PLC0415 - only what is chosen is loaded

                return GeminiScriptWriter(self._gemini(), self.settings.gemini_text_model, self.prices)
        raise AssertionError(name)

    def _drawn(self) -> ImageMaker:
        maker: ImageMaker = self._one("image", "local", self._image_maker)
        return maker

    def _image_maker(self, name: str) -> ImageMaker:
        match name:
            case "local":
                from reelqueue.providers.local.image import LocalImageMaker  # noqa: PLC0415 - only what is chosen is loaded

                return LocalImageMaker()
            case "gemini":
                from reelqueue.providers.gemini.image import GeminiImageMaker  # noqa: PLC0415 - only what is chosen is loaded

                model, pace = self.settings.gemini_image_model, self.settings.gemini_images_per_minute
                return GeminiImageMaker(self._gemini(), model, self.prices, words=self._drawn(), per_minute=pace)
        raise AssertionError(name)

    def _voice(self, name: str) -> Voice:
        match name:
            case "local":
                from reelqueue.providers.local.voice.voice import LocalVoice  # noqa: PLC0415 - only what is chosen is loaded

                return LocalVoice()
            case "gemini":
                from reelqueue.providers.gemini.voice import GeminiVoice  # noqa: PLC0415 - only what is chosen is loaded

                return GeminiVoice(self._gemini(), self.settings.gemini_tts_model, self.prices)
        raise AssertionError(name)

    def _gemini(self) -> "GeminiClient":
        """The connection that all of Gemini's makers share."""
        client: GeminiClient = self._one("connection", "gemini", self._gemini_client)
        return client

    def _gemini_client(self, _name: str) -> "GeminiClient":
        from reelqueue.providers.gemini.client import GeminiClient  # noqa: PLC0415 - only what is chosen is loaded

        client = GeminiClient(self.settings.gemini_api_key or "", self.settings.gemini_base_url)
        self._stack.push_async_callback(client.aclose)
        return client

    def _presenter(self, name: str) -> Presenter:
        match name:
            case "local":
                from reelqueue.providers.local.presenter import LocalPresenter  # noqa: PLC0415 - only what is chosen is loaded

                return LocalPresenter()
            case "did":
                from reelqueue.providers.did.presenter import DIdPresenter  # noqa: PLC0415 - only what is chosen is loaded

                ours, key = self.settings, self.settings.did_api_key or ""
                presenter = DIdPresenter(ours.did_base_url, key, source_url=ours.did_source_url, prices=self.prices)
                self._stack.push_async_callback(presenter.aclose)
                return presenter
        raise AssertionError(name)

    def _publisher(self, name: str, channel: Channel | None) -> Publisher:
        match name:
            case "local":
                from reelqueue.providers.local.publisher import LocalPublisher  # noqa: PLC0415 - only what is chosen is loaded

                publisher: Publisher = self._one("publisher", name, lambda _: LocalPublisher(self.paths.library_root))
                return publisher
            case "youtube" if channel is not None:
                from reelqueue.providers.youtube.opening import open_channel  # noqa: PLC0415 - only what is chosen is loaded

                wire = self._one("wire", "google", self._google)
                key = f"{name} {channel.name}"
                channels: Publisher = self._one("publisher", key, lambda _: open_channel(self.settings, channel, wire))
                return channels
        raise AssertionError(name, channel)

    def _google(self, _name: str) -> Any:
        """The connections that all channels share."""
        from reelqueue.providers.youtube.wire import Wire  # noqa: PLC0415 - only what is chosen is loaded

        wire = Wire()
        self._stack.push_async_callback(wire.aclose)
        return wire


def open_shelf(settings: Settings, paths: Paths) -> Shelf:
    """The providers of these settings; nothing is loaded or connected yet.

    Raises:
        InvalidSettings: CHANNELS_FILE is wrong.
    """
    channels = read_channels(settings.channels_file) if settings.channels_file is not None else {}
    return Shelf(settings, paths, channels)


def estimated_seconds(text: str, language: str) -> float:
    """How long a text takes to be read aloud, by the local writer's own estimate; 0 where nothing in it is spoken."""
    from reelqueue.providers.narration.blocks import Block  # noqa: PLC0415 - only what is asked for is loaded
    from reelqueue.providers.narration.segments import duration_of  # noqa: PLC0415 - as above
    from reelqueue.providers.narration.units import units_of  # noqa: PLC0415 - as above

    units = units_of([Block("paragraph", text)], language)
    return duration_of(units) if units else 0.0
