"""From units to sounds: each word of the written text with its phonemes, Chinese and English each by its own reader."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from reelqueue.providers.local.voice import chinese, english
from reelqueue.providers.local.voice.reading import read
from reelqueue.providers.local.voice.unit import Sound, Unit

_QUOTES = frozenset("“”()")


def pronounce(text: str, language: str, lexicon: Mapping[str, str]) -> tuple[Sound, ...]:
    """The sounds of one sentence in their order; empty where nothing can be spoken."""
    units = read(text, language, lexicon)
    sounds = [sound for sound in _sounds(units) if sound.phonemes]
    return tuple(sounds) if any(sound.language != "pause" for sound in sounds) else ()


def _sounds(units: Sequence[Unit]) -> Iterator[Sound]:
    for kind, group in groupby(_marked(units), key=lambda pair: pair[0]):
        run = [unit for _, unit in group]
        if kind == "en":
            yield from english.sounds(run)
        else:
            yield from _chinese(run)


def _marked(units: Sequence[Unit]) -> Iterator[tuple[str, Unit]]:
    """Each unit with the reader that it belongs to; a pause goes with what stands before it."""
    reader = "zh"
    for unit in units:
        if unit.kind != "pause":
            reader = "zh" if unit.kind in {"zh", "pinyin"} else "en"
        yield reader, unit


def _chinese(run: Sequence[Unit]) -> Iterator[Sound]:
    for unit in run:
        if unit.kind == "pause":
            yield Sound(unit.start, unit.end, unit.spoken, "pause")
        elif unit.kind == "pinyin":
            yield chinese.spelled(unit.start, unit.end, unit.spoken)
        else:
            yield from chinese.sounds(unit.start, unit.end, unit.spoken, fixed=unit.fixed)
