"""Words -> one drawn object, or None: the objects, the words that mean them, and their look on a ground.

First our lexicon of abstract things, then the objects' own names.  Only whole words count, and of a phrase its head
alone: an apple company is a company.  No match is None, and the scene draws its motif: never an unrelated object.
"""

import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from reelqueue.art.palette import Ground, Palette, to_lab
from reelqueue.art.raster import document, rasterise
from reelqueue.art.recolour import Greys, dyes_on, recolour, sign
from reelqueue.art.words import han_words, is_han

_DATA = Path(__file__).parent.parent / "data" / "icons"
_SIGN = "ph:"
_NONE = "none"
"""In the lexicon: a word that means several things, and is better drawn not at all."""
_OBJECT_BOX, _SIGN_BOX = 32, 256
_NEAR = 0.14  # OKLab distance under which two colours next to each other run together
_EDGE_SHARE = 0.45


@dataclass(frozen=True, slots=True)
class Icon:
    """An object by its name: a Fluent one, or "ph:…", a Phosphor sign.  It can be kept as the name alone."""

    name: str

    @property
    def is_sign(self) -> bool:
        """Whether it is a two-tone sign (lines and one surface), not a painted object."""
        return self.name.startswith(_SIGN)

    def svg(self, palette: Palette, ground: Ground, size: float) -> str:
        """A fragment of `size` x `size` px, recoloured to stand out from `ground`; its ink fills most of that.

        KeyError: there is no such object.
        """
        if self.is_sign:
            return f'<g transform="scale({size / _SIGN_BOX:.5g})">{sign(_signs()[self.name[3:]], ground, palette)}</g>'
        body = recolour(_object(self.name), dyes_on(ground, palette, _greys(self.name, palette, ground)))
        return f'<g transform="scale({size / _OBJECT_BOX:.5g})">{body}</g>'


def find_icon(subject: Sequence[str], language: str) -> Icon | None:
    """The object for the first of `subject`'s words (or short phrases, best first) that has one; None: there is none."""
    chinese = language.lower().startswith("zh")
    for phrase in subject:
        name = _named(phrase.strip().lower(), chinese=chinese)
        if name is not None:
            return Icon(name)
    return None


def is_named(word: str) -> bool:
    """Whether an object has just this word, or phrase, for a name; its head alone does not count."""
    word = word.strip().lower()
    table = _keywords("zh" if any(map(is_han, word)) else "en")
    return any(form in _lexicon() or form in table for form in (word, word.replace(" ", "-"))) and _lexicon().get(word) != _NONE


def icon_named(name: str) -> Icon:
    """The icon of this name.  KeyError: there is none."""
    if name.removeprefix(_SIGN) not in (_signs() if name.startswith(_SIGN) else _objects()):
        raise KeyError(name)
    return Icon(name)


def _named(phrase: str, *, chinese: bool) -> str | None:
    for word in _forms(phrase, chinese=chinese):
        for table in (_lexicon(), _keywords("zh" if any(map(is_han, word)) else "en")):
            if word in table:
                return table[word] if table[word] != _NONE else None
    return None


def _forms(phrase: str, *, chinese: bool) -> list[str]:
    """The phrase as a whole, then its head; English ones also in the singular."""
    phrase = re.sub(r"\s+", " ", phrase.strip(" .,;:!?，。、；：！？「」『』（）()\"'“”‘’"))
    if any(map(is_han, phrase)):
        whole = [phrase, phrase.replace("台", "臺"), phrase.replace("臺", "台")]
        last = han_words(phrase)[-1] if all(map(is_han, phrase)) else ""
        return [*whole, last] if len(last) > 1 and chinese else whole
    if not phrase:
        return []
    phrase = re.sub(r"^(?:the|a|an) ", "", phrase)
    head = re.split(r" (?:of|for|in|on|from|with|to|that|and) ", phrase)[0].split(" ")[-1]
    forms = []
    for text in (phrase, head):
        forms += [text, text.replace(" ", "-"), *_singulars(text)]
    return [f for f in forms if len(f) > 2 or f in ("ai", "ox")]


def _singulars(word: str) -> list[str]:
    if word.endswith("ies"):
        return [word[:-3] + "y"]
    if word.endswith(("ches", "shes", "xes", "sses")):
        return [word[:-2]]
    return [word[:-1]] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else []


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, str]:
    table: dict[str, str] = {}
    for line in (_DATA / "lexicon.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            icon, chinese, english = (part.strip() for part in line.split("|"))
            for word in (*chinese.split(), *english.split()):
                table.setdefault(word, icon)
    return table


@lru_cache(maxsize=2)
def _keywords(language: str) -> dict[str, str]:
    table: dict[str, str] = _unpacked("keywords.json.gz")[language]
    return table


@lru_cache(maxsize=1)
def _objects() -> dict[str, str]:
    return dict(_unpacked("objects.json.gz"))


@lru_cache(maxsize=1)
def _signs() -> dict[str, str]:
    return dict(_unpacked("signs.json.gz"))


def _unpacked(file: str) -> dict[str, Any]:
    with gzip.open(_DATA / file, "rt", encoding="utf-8") as stream:
        return dict(json.load(stream))


def _object(name: str) -> str:
    """An object's body; the ids in it carry its name, so that two objects in one picture do not meet."""
    return re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", _objects()[name])


@lru_cache(maxsize=512)
def _greys(name: str, palette: Palette, ground: Ground) -> Greys:
    """Which greys keep an object's outline from running into the ground."""
    full = _merging(recolour(_object(name), dyes_on(ground, palette, "full")), ground.fill)
    if full <= _EDGE_SHARE:
        return "full"
    return "deep" if _merging(recolour(_object(name), dyes_on(ground, palette, "deep")), ground.fill) < full else "full"


def _merging(body: str, fill: str) -> float:
    """How much of an object's outline, 0-1, has nearly the ground's colour; looked at in 64 px."""
    pixels = rasterise(document(f'<g transform="scale(2)">{body}</g>', 64, 64), 64, 64)
    solid = pixels[..., 3] > 200
    inner = solid.copy()
    inner[1:-1, 1:-1] = solid[1:-1, 1:-1] & solid[:-2, 1:-1] & solid[2:, 1:-1] & solid[1:-1, :-2] & solid[1:-1, 2:]
    edge = pixels[solid & ~inner][:, :3]
    if not len(edge):
        return 1.0
    base = np.array(to_lab(fill))
    colours, counts = np.unique(edge, axis=0, return_counts=True)
    labs = np.array([to_lab(f"#{r:02X}{g:02X}{b:02X}") for r, g, b in colours])
    near = np.linalg.norm(labs - base, axis=1) < _NEAR
    return float(counts[near].sum() / counts.sum())
