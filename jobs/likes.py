"""Which videos look alike: titles by edit distance, scripts by the shingles that they share, pictures by their marks.  Pure.

A script's sketch is a MinHash of its shingles: of two sketches as many places are equal as the scripts have shingles in common,
within 0.045 (one standard deviation of 128 places at one half).  Thousands of videos are compared at once, in milliseconds.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from reelqueue.models.likeness import LIKENESS_VERSION, Likeness

TITLE_ALIKE, SCRIPT_ALIKE, PICTURES_ALIKE = 0.95, 0.35, 0.5
"""From these shares on they are alike.  Chosen: a title of eight words one of which is another stays below 0.95; a script in which
one word of twenty is another has 0.6 to 0.7, one of ten 0.45, two that have nothing to do with each other 0.00 to 0.02 (measured)."""
LEAST_PICTURES = 2
"""A picture alone may be a channel's own."""
MARK_BITS = 8
"""Of a picture's 64: a mark that differs in so many is that of the same picture, scaled, re-encoded or graded."""
PLACES = 128
SHINGLE_TOKENS = 4
MOST_ALIKE = 3
"""So many are told of, the likest first."""
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_]+(?:['’][^\W_]+)?")
_PRIME = np.uint64((1 << 31) - 1)


@dataclass(frozen=True, slots=True)
class Alike:
    """A video that another one looks like, and by what: shares from 0 to 1."""

    video: Likeness
    title: float
    script: float
    pictures: float

    @property
    def most(self) -> float:
        """By how much they are alike where they are most so."""
        return max(self.title, self.script, self.pictures)


def sketch_of(texts: Sequence[str]) -> str:
    """The sketch of a script, in hex; "" where it has too few words to be known by."""
    tokens = [token for text in texts for token in _TOKEN.findall(_plain(text))]
    shingles = {" ".join(tokens[at : at + SHINGLE_TOKENS]) for at in range(len(tokens) - SHINGLE_TOKENS + 1)}
    if not shingles:
        return ""
    hashes = np.array([_hashed(shingle) for shingle in shingles], np.uint64)
    factors, shifts = _permutations()
    permuted = (hashes[:, None] * factors + shifts) % _PRIME
    least: NDArray[np.uint64] = permuted.min(axis=0)
    return least.astype("<u4").tobytes().hex()


def alike(mine: Likeness, others: Sequence[Likeness]) -> list[Alike]:
    """Those that it looks like, the likest first."""
    known = [other for other in others if other.version == LIKENESS_VERSION and other.project_id != mine.project_id]
    if not known:
        return []
    titles, scripts, pictures = _titles(mine, known), _scripts(mine, known), _pictures(mine, known)
    is_alike = (titles >= TITLE_ALIKE) | (scripts >= SCRIPT_ALIKE) | (pictures >= PICTURES_ALIKE)
    found = [Alike(known[at], float(titles[at]), float(scripts[at]), float(pictures[at])) for at in np.flatnonzero(is_alike)]
    return sorted(found, key=lambda one: (-one.most, one.video.project_id))[:MOST_ALIKE]


def _titles(mine: Likeness, known: Sequence[Likeness]) -> NDArray[np.float32]:
    """How much alike the titles are; those that count (episode 12, episode 13) are not, where they count otherwise."""
    title, numbers = _plain(mine.title), _numbers(mine.title)
    shares = process.cdist([title], [_plain(other.title) for other in known], scorer=fuzz.ratio, score_cutoff=100 * TITLE_ALIKE)
    same = np.array([_numbers(other.title) == numbers for other in known])
    return np.where(same, shares[0] / 100, 0).astype(np.float32)


def _scripts(mine: Likeness, known: Sequence[Likeness]) -> NDArray[np.float32]:
    shares = np.zeros(len(known), np.float32)
    there = [at for at, other in enumerate(known) if len(other.script) == len(mine.script) and mine.script]
    if there:
        sketches = np.frombuffer(bytes.fromhex("".join(known[at].script for at in there)), "<u4").reshape(len(there), PLACES)
        shares[there] = (sketches == np.frombuffer(bytes.fromhex(mine.script), "<u4")).mean(axis=1)
    return shares


def _pictures(mine: Likeness, known: Sequence[Likeness]) -> NDArray[np.float32]:
    """The share of the pictures that are among the other's, too."""
    shares = np.zeros(len(known), np.float32)
    counts = np.array([len(other.pictures) for other in known], np.int64)
    if len(mine.pictures) < LEAST_PICTURES or not counts.any():
        return shares
    own = _marks(mine.pictures)
    theirs = _marks([mark for other in known for mark in other.pictures])
    there = np.flatnonzero(counts)
    starts = (counts.cumsum() - counts)[there]
    found = np.zeros(len(there), np.int64)
    for mark in own:
        near = np.bitwise_count(theirs ^ mark) <= MARK_BITS
        found += np.logical_or.reduceat(near, starts)
    shares[there] = np.where(found >= LEAST_PICTURES, found / len(own), 0)
    return shares


def _marks(hexes: Sequence[str]) -> NDArray[np.uint64]:
    return np.frombuffer(bytes.fromhex("".join(hexes)), ">u8").astype(np.uint64)


def _plain(text: str) -> str:
    """A text without what makes no difference: forms of letters, case, signs, white space."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", " ", folded).strip()


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+|[一二三四五六七八九十]+", unicodedata.normalize("NFKC", text))


def _hashed(shingle: str) -> int:
    return _number(shingle.encode())


@cache
def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Factors and shifts of the permutations: the same for ever, since sketches are kept."""
    numbers = [_number(b"%d" % at) for at in range(2 * PLACES)]
    return np.array(numbers[:PLACES], np.uint64) | np.uint64(1), np.array(numbers[PLACES:], np.uint64)


def _number(text: bytes) -> int:
    """31 bits: products of two stay below 64."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "big") >> 1
