"""One take of the model, with the words of the other language replaced by a take of their own.

Kokoro's Chinese voices say English words badly inside a Chinese sentence, and well alone (`spec/voice.md`: 10 against
14 of 16 terms).  So the whole sentence is spoken once, for its melody; where it is quiet before and after the English
words it is cut, and the same words, spoken alone by the English style, are put in at the same level.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.model import MAX_TOKENS, SAMPLE_RATE, Floats, Model, Token
from reelqueue.providers.local.voice.styles import Style, table
from reelqueue.providers.local.voice.unit import Sound

EARLY_S = 0.075
"""The model's tokens are heard earlier than it counts: 32-92 ms measured, 75 as upstream's own code has it."""
_BREATH_S = 0.03
"""Silence on both sides of words that were put in."""
_LEANS_LEFT, _LEANS_RIGHT = frozenset(";:,.!?…”)"), frozenset("“(")


@dataclass(frozen=True, slots=True)
class Take:
    """A sound, its tokens, and when each of its words and pauses is heard (start and end in seconds)."""

    sound: Floats
    tokens: tuple[Token, ...]
    heard: tuple[tuple[Sound, float, float], ...]

    def moved(self, seconds: float) -> "Take":
        """The same sound with all times moved."""
        return replace(
            self,
            tokens=tuple(Token(token.symbol, token.start_s + seconds, token.end_s + seconds) for token in self.tokens),
            heard=tuple((sound, start + seconds, end + seconds) for sound, start, end in self.heard),
        )

    @property
    def duration_s(self) -> float:
        """Its length."""
        return len(self.sound) / SAMPLE_RATE


def take(model: Model, sounds: Sequence[Sound], style: Style, language: str) -> Take:
    """Speak one clause, each language by its own style."""
    english = language.startswith("en")
    own, other = ("en", "zh") if english else ("zh", "en")
    blends = {"en": table(style.english), "zh": table(style.chinese)}
    runs = tuple(_runs(sounds, other))
    if not any(sound.language == own for sound in sounds):
        return _single(model, sounds, blends[other])
    whole = _single(model, sounds, blends[own])
    if not runs:
        return whole
    alone = [_single(model, _closed(sounds[first:last], sounds[last:]), blends[other]) for first, last in runs]
    return _spliced(whole, list(zip(runs, alone, strict=True)))


def joined(takes: Sequence[Take], gap_s: float) -> Take:
    """Takes one after the other, their silent ends replaced by `gap_s`."""
    if len(takes) == 1:
        return takes[0]
    pieces: list[Take] = []
    place = 0.0
    for one in takes:
        first, last = waves.heard(one.sound)
        silence = np.zeros(round(gap_s * SAMPLE_RATE), dtype=np.float32)
        sound = np.concatenate((waves.faded(one.sound[first:last]), silence))
        pieces.append(replace(one.moved(place - first / SAMPLE_RATE), sound=sound))
        place += len(sound) / SAMPLE_RATE
    return _sum(pieces)


def _sum(pieces: Sequence[Take]) -> Take:
    return Take(
        np.concatenate([piece.sound for piece in pieces]),
        tuple(token for piece in pieces for token in piece.tokens),
        tuple(item for piece in pieces for item in piece.heard),
    )


def _single(model: Model, sounds: Sequence[Sound], style: Floats) -> Take:
    """Speak sounds in one go by one style; times are the corrected ones."""
    symbols, owners = _written_out(sounds, model.vocabulary)
    sound, tokens = model.speak(symbols, style)
    tokens = tuple(Token(token.symbol, token.start_s - EARLY_S, token.end_s - EARLY_S) for token in tokens)
    heard = []
    for index, one in enumerate(sounds):
        mine = [token for token, owner in zip(tokens, owners, strict=True) if owner == index]
        if mine:
            heard.append((one, mine[0].start_s, mine[-1].end_s))
    return Take(sound, tokens, tuple(heard))


def _written_out(sounds: Sequence[Sound], vocabulary: dict[str, int]) -> tuple[str, list[int]]:
    """The symbols of sounds with spaces between words, and whose each is (-1: a space's); cut at the model's limit."""
    symbols, owners = "", list[int]()
    before = ""
    for index, sound in enumerate(sounds):
        known = "".join(symbol for symbol in sound.phonemes if symbol in vocabulary)
        if symbols and known[:1] not in _LEANS_LEFT and before not in _LEANS_RIGHT:
            symbols, owners = symbols + " ", [*owners, -1]
        symbols, owners, before = symbols + known, [*owners, *[index] * len(known)], known[-1:]
    if sounds[-1].language != "pause":
        symbols, owners = symbols + ".", [*owners, -1]
    return symbols[:MAX_TOKENS], owners[:MAX_TOKENS]


def _runs(sounds: Sequence[Sound], language: str) -> Iterator[tuple[int, int]]:
    """Where words of `language` stand together, without a pause between them."""
    first = None
    for index, sound in enumerate(sounds):
        if sound.language == language:
            first = index if first is None else first
        elif first is not None:
            yield first, index
            first = None
    if first is not None:
        yield first, len(sounds)


def _closed(run: Sequence[Sound], after: Sequence[Sound]) -> list[Sound]:
    """A run with a mark at its end: falling where the sentence ends there too, else open."""
    ends = not any(sound.language != "pause" for sound in after)
    place = run[-1].end
    return [*run, Sound(place, place, "." if ends else ",", "pause")]


def _spliced(whole: Take, replacements: Sequence[tuple[tuple[int, int], Take]]) -> Take:
    pieces: list[Take] = []
    place, done, first_heard = 0.0, 0, 0
    wanted = waves.level(whole.sound)
    for (first, last), alone in replacements:
        cut_from, cut_to = _cuts(whole, first, last)
        cut_from = max(cut_from, done)
        cut_to = max(cut_to, cut_from)
        pieces.append(_part(whole, done, cut_from, first_heard, first, place))
        place += pieces[-1].duration_s
        pieces.append(_inserted(alone, wanted, last - first, place))
        place += pieces[-1].duration_s
        done, first_heard = cut_to, last
    pieces.append(_part(whole, done, len(whole.sound), first_heard, len(whole.heard), place))
    return _sum(pieces)


def _cuts(whole: Take, first: int, last: int) -> tuple[int, int]:
    """Samples around the words `first` to `last`, where it is quiet: within 60 ms outwards and 40 ms inwards."""
    start, end = whole.heard[first][1], whole.heard[last - 1][2]
    before = whole.heard[first - 1][2] if first else 0.0
    after = whole.heard[last][1] if last < len(whole.heard) else whole.duration_s
    cut_from = waves.quietest(whole.sound, min(before, start) - 0.03, start + 0.04) if first else 0
    cut_to = waves.quietest(whole.sound, end - 0.04, max(after, end) + 0.03) if last < len(whole.heard) else len(whole.sound)
    return cut_from, cut_to


def _part(whole: Take, first: int, last: int, heard_from: int, heard_to: int, place: float) -> Take:
    """Samples `first` to `last` of a take, with the words and tokens in them, moved to `place` seconds."""
    begin_s, end_s = first / SAMPLE_RATE, last / SAMPLE_RATE
    tokens = tuple(token for token in whole.tokens if begin_s <= (token.start_s + token.end_s) / 2 < end_s)
    heard = tuple(
        (one, min(max(start, begin_s), end_s), min(max(end, begin_s), end_s))
        for one, start, end in whole.heard[heard_from:heard_to]
    )
    part = Take(waves.faded(whole.sound[first:last]), tokens, heard)
    return part.moved(place - begin_s)


def _inserted(alone: Take, wanted: float, count: int, place: float) -> Take:
    """Words spoken alone, at the level of the sentence, with a breath on both sides."""
    first, last = waves.heard(alone.sound, 0.01)
    own = waves.level(alone.sound[first:last])
    sound = waves.faded(alone.sound[first:last] * np.float32(wanted / own if own else 1.0))
    breath = np.zeros(round(_BREATH_S * SAMPLE_RATE), dtype=np.float32)
    tokens = tuple(token for token in alone.tokens if token.start_s * SAMPLE_RATE < last and token.symbol not in ",.")
    end_s = last / SAMPLE_RATE  # the last token lasts on in the silence that was cut off
    heard = tuple((one, min(start, end_s), min(end, end_s)) for one, start, end in alone.heard[:count])
    kept = Take(np.concatenate((breath, sound, breath)), tokens, heard)
    return kept.moved(place + _BREATH_S - first / SAMPLE_RATE)
