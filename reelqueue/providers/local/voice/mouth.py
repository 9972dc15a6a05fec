"""Mouth shapes from phonemes: the eight of the presenter, held long enough to be seen.  Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reelqueue.models.voice import Viseme
from reelqueue.providers.local.voice.model import Token

HOLD_S = 0.066
"""Least time of one shape, two frames at 30 a second (`spec/look.md`, section 8)."""
LEAD_S = 0.033
"""A mouth is seen to move before it is heard."""
_PAUSE_S = 0.1
"""A space or mark shorter than this does not close the mouth."""
_SHAPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("pbm", ("mbp",)),
    **dict.fromkeys("fvʋ", ("fv",)),
    **dict.fromkeys("lɫθð", ("l",)),
    **dict.fromkeys("iɪejɨszʃʒʧʤʦʣʨʥɕʂꭧɛ", ("ee",)),
    **dict.fromkeys("aɑæʌɐəɜɚɤᵊᵻ", ("ah",)),
    **dict.fromkeys("oɔɒ", ("oh",)),
    **dict.fromkeys("uʊwyɥɹɻ", ("oo",)),
    "A": ("ee",), "I": ("ah", "ee"), "O": ("oh", "oo"), "W": ("ah", "oo"), "Y": ("oh", "ee"),
    **dict.fromkeys(" ;:,.!?—…", ("rest",)),
}  # fmt: skip
"""Symbol -> shapes in turn; what is not here (t, d, n, k, tones, stress) leaves the mouth as it is."""
_CLOSED = "mbp"


@dataclass(slots=True)
class _Hold:
    shape: str
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


def visemes(tokens: Iterable[Token], duration_s: float) -> tuple[Viseme, ...]:
    """The shapes of a sound that lasts `duration_s`; the first begins at 0, and each lasts at least `HOLD_S`.

    A shape that would be shorter is left out, but never a closed mouth (m, b, p), which takes time from its neighbours.
    """
    holds = _merged(_raw(tokens, duration_s))
    kept = [hold for index, hold in enumerate(holds) if hold.length_s >= HOLD_S or _closes(holds, index)]
    placed = _placed(_merged(kept), duration_s)
    return tuple(Viseme(shape=hold.shape, start_s=round(hold.start_s, 3)) for hold in placed)


def _raw(tokens: Iterable[Token], duration_s: float) -> Iterator[_Hold]:
    yield _Hold("rest", 0.0, 0.0)
    for token in tokens:
        shapes = _SHAPES.get(token.symbol, ())
        start = min(max(0.0, token.start_s - LEAD_S), duration_s)
        end = min(max(start, token.end_s - LEAD_S), duration_s)
        if shapes == ("rest",) and end - start < _PAUSE_S:
            shapes = ()
        step = (end - start) / max(1, len(shapes))
        for index, shape in enumerate(shapes):
            yield _Hold(shape, start + index * step, start + (index + 1) * step)
    yield _Hold("rest", max(0.0, duration_s - KEPT_REST_S), duration_s)


KEPT_REST_S = 0.066
"""The mouth is closed again before the sound's file ends, whose last 30 ms are silent."""


def _merged(holds: Iterable[_Hold]) -> list[_Hold]:
    """Each shape lasts until the next begins; equal neighbours are one."""
    merged: list[_Hold] = []
    for hold in holds:
        if merged:
            merged[-1].end_s = max(merged[-1].start_s, hold.start_s)
        if merged and merged[-1].shape == hold.shape:
            merged[-1].end_s = hold.end_s
        else:
            merged.append(hold)
    return merged


def _closes(holds: list[_Hold], index: int) -> bool:
    """Whether a shape must stay however short: the first, the last, a closed mouth, or the opening between two."""
    around = [holds[place].shape for place in (index - 1, index + 1) if 0 <= place < len(holds)]
    return index in {0, len(holds) - 1} or holds[index].shape == _CLOSED or around == [_CLOSED, _CLOSED]


def _placed(holds: list[_Hold], duration_s: float) -> list[_Hold]:
    """Starts at least `HOLD_S` apart: what comes too late is left out, but a closed mouth takes the place before it instead."""
    placed: list[_Hold] = []
    for hold in holds:
        start = max(hold.start_s, placed[-1].start_s + HOLD_S) if placed else 0.0
        if placed and hold.shape == _CLOSED and placed[-1].shape != _CLOSED and start > hold.start_s + HOLD_S / 2:
            start = placed.pop().start_s if len(placed) > 1 else start
        if placed and (hold.shape == placed[-1].shape or start > duration_s - HOLD_S + 1e-6):
            continue
        if not placed or hold.shape == _CLOSED or start <= hold.end_s - HOLD_S / 2:
            placed.append(_Hold(hold.shape, start, hold.end_s))
    if placed[-1].shape not in {"rest", _CLOSED}:  # no room was left to close it
        placed[-1].shape = "rest"
    return _merged(placed)
