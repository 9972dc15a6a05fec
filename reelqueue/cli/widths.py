"""Lines that fit: Chinese characters take two cells of a terminal; and lists of ids as people write them."""

from collections.abc import Iterable
from itertools import pairwise

from rich.cells import cell_len, set_cell_size

PIPED_CELLS = 80
"""Of a line where there is no terminal to ask."""


def fit(text: str, cells: int) -> str:
    """One line of at most so many cells, its end told by an ellipsis."""
    line = " ".join(text.split())
    return line if cell_len(line) <= cells else set_cell_size(line, cells - 1).rstrip() + "…"


def counted(count: int, one: str, more: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def spans(numbers: Iterable[int], most: int = 12) -> str:
    """`3-19, 25`; after `most` spans an ellipsis."""
    ordered = sorted(set(numbers))
    cuts = [0, *(place for place, (one, next_) in enumerate(pairwise(ordered), start=1) if next_ != one + 1), len(ordered)]
    found = [ordered[first:last] for first, last in pairwise(cuts) if first < last]
    told = [f"{span[0]}" if len(span) == 1 else f"{span[0]}-{span[-1]}" for span in found[:most]]
    return ", ".join(told) + (", …" if len(found) > most else "")
