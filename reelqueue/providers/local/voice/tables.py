"""The project's own tables of readings: Taiwan's Chinese readings, and how technical terms are said."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

FOLDER: Traversable = files("reelqueue") / "data" / "voices"

WHOLE = "|"
"""Before an entry of `readings`: it counts only where it is a whole word."""


def _rows(name: str) -> dict[str, str]:
    """A table of tab-separated lines: written, spoken, and an optional note; # begins a comment."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    cells = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
    return {row[0]: row[1].strip() for row in cells}


TERMS: dict[str, str] = _rows("terms.tsv")
"""Written -> spoken for technical terms, in either language."""


@cache
def readings() -> dict[str, tuple[str, ...]]:
    """Chinese words and single characters -> pinyin with tones, a syllable for each character."""
    return {written: tuple(spoken.split()) for written, spoken in _rows("readings.tsv").items()}
