"""One sentence, from the written text to samples, word times and mouth shapes: the order in which everything happens."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reelqueue.models.voice import Speech, Word
from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.clauses import clauses
from reelqueue.providers.local.voice.model import SAMPLE_RATE, Floats, Model
from reelqueue.providers.local.voice.mouth import visemes
from reelqueue.providers.local.voice.pronounce import pronounce
from reelqueue.providers.local.voice.styles import find_style
from reelqueue.providers.local.voice.takes import Take, joined, take

GAP_S = 0.15
"""Pause where a sentence that is too long for the model is cut at a comma."""


class NothingToSpeak(Exception):
    """The text has no letter, character or figure that is said."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A spoken sentence: its samples and what is known of them."""

    sound: Floats
    speech: Speech


def speak(model: Model, text: str, *, language: str, voice: str | None, lexicon: Mapping[str, str]) -> Spoken:
    """Speak one sentence.

    Raises:
        NothingToSpeak: there is nothing in it that is said.
        KeyError: there is no voice of this name.
    """
    sounds = pronounce(text, language, lexicon)
    if not sounds:
        raise NothingToSpeak
    style = find_style(voice, language)
    whole = joined([take(model, clause, style, language) for clause in clauses(sounds)], GAP_S)
    settled = waves.settle(whole.sound)
    first, last = waves.heard(settled)
    if last == first:
        raise NothingToSpeak
    sound = settled[first:last]
    whole = whole.moved(-first / SAMPLE_RATE)
    duration = len(sound) / SAMPLE_RATE
    words = words_of(whole, duration)
    shapes = visemes(whole.tokens, duration)
    speech = Speech(text=text, sample_rate=SAMPLE_RATE, samples=len(sound), words=words, visemes=shapes)
    return Spoken(waves.faded(sound), speech)


def words_of(spoken: Take, duration_s: float) -> tuple[Word, ...]:
    """Words in order, inside the sound, none before the one before it; several sounds of one written stretch are one word."""
    return tuple(_words(spoken, duration_s))


def _words(spoken: Take, duration_s: float) -> Iterator[Word]:
    last_end = 0.0
    for (start_char, end_char), spans in _by_place(spoken):
        start = min(max(spans[0][0], last_end, 0.0), duration_s)
        end = min(max(spans[-1][1], start), duration_s)
        last_end = end
        yield Word(start_char=start_char, end_char=end_char, start_s=round(start, 3), end_s=round(end, 3))


def _by_place(spoken: Take) -> list[tuple[tuple[int, int], Sequence[tuple[float, float]]]]:
    places: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for sound, start, end in spoken.heard:
        if sound.language != "pause":
            places.setdefault((sound.start, sound.end), []).append((start, end))
    return sorted(places.items())
