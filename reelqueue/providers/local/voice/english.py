"""English text to the phonemes of the model, by hibari's reader: a whole run at once, since neighbours decide (the, read, a)."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from hibari.g2p import G2P

from reelqueue.providers.local.voice.unit import Sound, Unit

LETTERS = {
    "A": "ˈA", "B": "bˈi", "C": "sˈi", "D": "dˈi", "E": "ˈi", "F": "ˈɛf", "G": "ʤˈi", "H": "ˈAʧ", "I": "ˈI", "J": "ʤˈA", "K": "kˈA",
    "L": "ˈɛl", "M": "ˈɛm", "N": "ˈɛn", "O": "ˈO", "P": "pˈi", "Q": "kjˈu", "R": "ˈɑɹ", "S": "ˈɛs", "T": "tˈi", "U": "jˈu", "V": "vˈi",
    "W": "dˈʌbᵊlju", "X": "ˈɛks", "Y": "wˈI", "Z": "zˈi",
}  # fmt: skip
"""The names of the letters, as hibari's reader has them when each stands alone."""


@cache
def _reader() -> Any:
    return G2P()


def spell(letters: str) -> str:
    """The names of letters; a small s at the end is a plural: "APIs".  The last letter bears the stress."""
    stem, plural = (letters[:-1], "z") if len(letters) > 2 and letters[-1] == "s" and letters[:-1].isupper() else (letters, "")
    names = [LETTERS[char.upper()] for char in stem if char.upper() in LETTERS]
    light = [name.replace("ˈ", "ˌ") for name in names[:-1]]
    return " ".join([*light, *names[-1:]]) + plural


def sounds(run: Sequence[Unit]) -> Iterator[Sound]:
    """What is heard of units that are all English: words, letters, phonemes and pauses between them."""
    plain, link, owners = "", "", list[int]()
    for index, unit in enumerate(run):
        space = "" if unit.kind == "pause" or not plain else " "
        shown = "letters" if unit.kind in {"letters", "phonemes"} else unit.spoken
        given = spell(unit.spoken) if unit.kind == "letters" else unit.spoken
        plain += space + shown
        link += space + (f"[{shown}](/{given}/)" if unit.kind in {"letters", "phonemes"} else shown)
        owners += [index] * (len(space) + len(shown))
    reader = _reader()
    said: list[list[str]] = [[] for _ in run]
    place = 0
    for token in reader.phonemize_tokens(reader.tokenize(link)):
        found = plain.find(token.text, place)
        place = found if found >= 0 else place
        said[owners[min(place, len(owners) - 1)]].append(token.phonemes or "")
        place += len(token.text)
    for unit, parts in zip(run, said, strict=True):
        if unit.kind == "pause":
            yield Sound(unit.start, unit.end, unit.spoken, "pause")
        elif any(parts):
            yield Sound(unit.start, unit.end, " ".join(part for part in parts if part), "en")
