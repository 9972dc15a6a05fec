"""The local voice's own reading of a text, sentence by sentence: the sound whose times are known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.clauses import clauses
from reelqueue.providers.local.voice.model import SAMPLE_RATE, Model, Token
from reelqueue.providers.local.voice.pronounce import pronounce
from reelqueue.providers.local.voice.sentences import sentences
from reelqueue.providers.local.voice.speech import GAP_S
from reelqueue.providers.local.voice.styles import find_style
from reelqueue.providers.local.voice.takes import Take, joined, take
from reelqueue.providers.local.voice.unit import Sound


def sounds_of(text: str, language: str, lexicon: Mapping[str, str]) -> tuple[tuple[Sound, ...], ...]:
    """What is heard of each sentence that can be spoken; places count characters of the whole text."""
    said = []
    done = 0
    for sentence in sentences(text):
        places, done = _places(sentence, text, done)
        sounds = pronounce(sentence, language, lexicon)
        said.append(tuple(_moved(sound, places) for sound in sounds))
    return tuple(sounds for sounds in said if sounds)


def _places(sentence: str, text: str, done: int) -> tuple[list[int], int]:
    """Where each character of a sentence stands in the text, and where the next sentence may begin.

    White space between two sentences that are spoken as one may be gone, or other than it was.
    """
    places = []
    for char in sentence:
        if not char.isspace():
            while done < len(text) and text[done] != char:
                done += 1
            places.append(done)
            done += 1
        else:
            places.append(done)
    return places, done


def _moved(sound: Sound, places: Sequence[int]) -> Sound:
    first = places[min(sound.start, len(places) - 1)]
    last = places[sound.end - 1] + 1 if sound.end > sound.start else first
    return replace(sound, start=first, end=last)


def speak(model: Model, sounds: Sequence[Sound], language: str) -> Take:
    """Speak one sentence by the language's own voice, without silence at its ends; `whole` joins them."""
    style = find_style(None, language)
    return trimmed(joined([take(model, clause, style, language) for clause in clauses(sounds)], GAP_S))


def trimmed(spoken: Take) -> Take:
    """A take at the common level, without silence at its ends; the model's last word lasts on in that, by its own count."""
    settled = waves.settle(spoken.sound)
    first, last = waves.heard(settled)
    moved = replace(spoken.moved(-first / SAMPLE_RATE), sound=settled[first:last])

    def inside(moment: float) -> float:
        return min(max(moment, 0.0), moved.duration_s)

    return replace(
        moved,
        tokens=tuple(Token(token.symbol, inside(token.start_s), inside(token.end_s)) for token in moved.tokens),
        heard=tuple((sound, inside(start), inside(end)) for sound, start, end in moved.heard),
    )


def whole(takes: Sequence[Take]) -> Take:
    """The sentences one after the other."""
    return joined(takes, GAP_S)
