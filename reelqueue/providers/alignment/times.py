"""The times of a text's words in a sound: by the local voice's reading of it, or without one.  Pure."""

from collections.abc import Iterable, Iterator, Sequence

from reelqueue.models.voice import Speech
from reelqueue.providers.alignment import estimate
from reelqueue.providers.alignment.match import Match, side
from reelqueue.providers.local.voice.model import SAMPLE_RATE, Floats, Token
from reelqueue.providers.local.voice.mouth import visemes
from reelqueue.providers.local.voice.speech import words_of
from reelqueue.providers.local.voice.takes import Take
from reelqueue.providers.local.voice.unit import Sound
from reelqueue.wording import Text

SHORTEST, LONGEST = 0.4, 4.0
"""Shares of the time that a text takes to be said, pauses left out.  Voices that were compared read at 0.8 to 1.6 of the local
one's time; a sound below has lost more than half of its text, one above goes on after it."""
SHORT_BY_S, LONG_BY_S = 1.0, 10.0
"""and by at least so much: of a single word nothing can be told."""
UNLIKE = 0.5
"""A greater mean distance says that the reading is of no use (measured: 0.04-0.41 for the same text, 0.40-0.58 for another one,
0.87 for noise or a buzz)."""
_PAUSES = frozenset(" ;:,.!?—…")


class Implausible(Exception):
    """The sound can't be this text; `text` says why."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


def by_reference(known: Take, sound: Floats) -> Take | None:
    """A reading of the same text, moved to where `sound` has it; None where the two are too unlike.

    Raises:
        Implausible: the sound is far too short or too long.
    """
    own, other = side(known.sound), side(sound)
    _check(other.spoken_s, own.spoken_s)
    match = Match(own, other)
    if match.distance > UNLIKE:
        return None
    tokens = [Token(one.symbol, match.start(one.start_s), match.end(one.end_s)) for one in known.tokens]
    words = (word for word in known.heard if word[0].language != "pause")
    heard = tuple((one, match.start(start), match.end(end)) for one, start, end in words)
    return Take(sound, tuple(_with_pauses(token for token in tokens if token.symbol not in _PAUSES)), heard)


def _with_pauses(tokens: Iterable[Token]) -> Iterator[Token]:
    """The symbols that are heard, and what they leave: pauses are each voice's own."""
    before = 0.0
    for token in tokens:
        if token.start_s > before:
            yield Token(" ", before, token.start_s)
        before = max(before, token.end_s)
        yield token


def by_estimate(sounds: Sequence[Sound], sound: Floats) -> Take:
    """As `by_reference`, from nothing but the words' lengths."""
    if symbols := estimate.symbols(sounds):
        _check(side(sound).spoken_s, symbols * estimate.SYMBOL_S)
    return estimate.estimated(sounds, sound)


def _check(spoken_s: float, expected_s: float) -> None:
    share = spoken_s / max(expected_s, 0.01)
    short = share < SHORTEST and expected_s - spoken_s > SHORT_BY_S
    if short or (share > LONGEST and spoken_s - expected_s > LONG_BY_S):
        raise Implausible(
            Text(
                f"語音服務的聲音與文字不符：長度是應有的 {share:.0%}",
                f"the voice service's sound does not fit its text: it lasts {share:.0%} of what the text takes",
            )
        )


def speech(text: str, timed: Take) -> Speech:
    """What is known of a sound whose words are timed."""
    duration = timed.duration_s
    return Speech(
        text=text,
        sample_rate=SAMPLE_RATE,
        samples=len(timed.sound),
        words=words_of(timed, duration),
        visemes=visemes(timed.tokens, duration),
    )
