"""Which provider a setting means: the only place that names vendors, and it imports them late."""

from reelqueue.providers.protocols import ImageMaker, Presenter, Providers, Publisher, ScriptWriter, Voice
from reelqueue.settings import Settings
from storage.paths import Paths


def choose_providers(settings: Settings, paths: Paths) -> Providers:
    """One provider of each kind, as the settings say; `auto` is the local twin where no key is set."""
    stand_in = _drawn()
    return Providers(
        script=_script_writer(settings.script_provider),
        image=_image_maker(settings.image_provider, stand_in),
        voice=_voice(settings.voice_provider),
        presenter=_presenter(settings.presenter_provider),
        publisher=_publisher(settings.publisher, paths),
        stand_in=stand_in,
    )


def estimated_seconds(text: str, language: str) -> float:
    """How long a text takes to be read aloud, by the local writer's own estimate; 0 where nothing in it is spoken."""
    from reelqueue.providers.local.script_blocks import Block  # noqa: PLC0415 - only what is asked for is loaded
    from reelqueue.providers.local.script_segments import duration_of  # noqa: PLC0415 - as above
    from reelqueue.providers.local.script_units import units_of  # noqa: PLC0415 - as above

    units = units_of([Block("paragraph", text)], language)
    return duration_of(units) if units else 0.0


def _script_writer(name: str) -> ScriptWriter:
    match name:
        case "auto" | "local":
            from reelqueue.providers.local.script import LocalScriptWriter  # noqa: PLC0415 - only what is chosen is loaded

            return LocalScriptWriter()
    raise AssertionError(name)


def _drawn() -> ImageMaker:
    from reelqueue.providers.local.image import LocalImageMaker  # noqa: PLC0415 - only what is chosen is loaded

    return LocalImageMaker()


def _image_maker(name: str, stand_in: ImageMaker) -> ImageMaker:
    match name:
        case "auto" | "local":
            return stand_in
    raise AssertionError(name)


def _voice(name: str) -> Voice:
    match name:
        case "auto" | "local":
            from reelqueue.providers.local.voice.voice import LocalVoice  # noqa: PLC0415 - only what is chosen is loaded

            return LocalVoice()
    raise AssertionError(name)


def _presenter(name: str) -> Presenter:
    match name:
        case "auto" | "local":
            from reelqueue.providers.local.presenter import LocalPresenter  # noqa: PLC0415 - only what is chosen is loaded

            return LocalPresenter()
    raise AssertionError(name)


def _publisher(name: str, paths: Paths) -> Publisher:
    match name:
        case "auto" | "local":
            from reelqueue.providers.local.publisher import LocalPublisher  # noqa: PLC0415 - only what is chosen is loaded

            return LocalPublisher(paths.library_root)
    raise AssertionError(name)
