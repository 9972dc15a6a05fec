"""Type in a scene: set to fit, cut into lines that come in when they are spoken."""

from collections.abc import Sequence

from reelqueue.art.fonts import Face
from reelqueue.art.layers import Layer, Move
from reelqueue.art.layouts.scene import Scene, layer
from reelqueue.art.motifs.base import Box, n
from reelqueue.art.text import Align, ColourSpan, TextBlock, Unfit, fit_text
from reelqueue.art.words import words_of

SMALLEST = 28
"""px of 1080: nothing in a scene is set smaller."""
FIRST_BY_S = 0.9
"""The first line is seen at this time at the latest: an empty picture is worse than an early line."""
WORTH_A_LINE = 0.76
"""A further line is worth its place where the type grows by a third."""
NEXT_WITHIN_S = 1.6
"""Each further line follows within this time."""


def fitted(
    text: str, *, face: Face, sizes: tuple[float, float], fill: str, width: float, lines: int, language: str,
    height: float | None = None, spans: Sequence[ColourSpan] = (), align: Align = "left", worth: float = WORTH_A_LINE,
) -> TextBlock:  # fmt: skip
    """The text at the largest size that fits; where none does, smaller and on more lines, and at last cut short by "…".

    A further line is taken only where the type is then larger by 1 / `worth`.
    """
    at_all = ((sizes, lines), ((max(SMALLEST, sizes[0] * 0.75), sizes[0]), lines), ((SMALLEST, sizes[0]), lines + 2))
    piece = text
    while True:
        best: TextBlock | None = None
        for least_most, most_lines in at_all:
            for count in range(1, most_lines + 1):
                try:
                    block = fit_text(
                        piece, face=face, sizes=least_most, fill=fill, max_width=width, max_lines=count, max_height=height,
                        spans=spans, align=align, language=language,
                    )  # fmt: skip
                except Unfit:
                    continue
                if least_most[0] > SMALLEST and cuts_a_word(piece, block):
                    continue
                if best is None or best.size < worth * block.size:
                    best = block
            if best is not None:
                return best
        shorter = piece.rstrip("…")
        piece = shorter[: max(1, int(len(shorter) * 0.85))].rstrip(" ，、。,.;") + "…"


def cuts_a_word(text: str, block: TextBlock) -> bool:
    """Whether a line of `text` ends inside a word, Chinese or Latin."""
    ends = {line.end_char for line in block.lines[:-1]}
    return any(start < end < stop for start, stop in words_of(text) for end in ends)


def marked_range(scene: Scene, title: str) -> tuple[int, int] | None:
    """Where the marked part stands in the title."""
    at = title.find(scene.spec.marked) if scene.spec.marked else -1
    return None if at < 0 else (at, at + len(scene.spec.marked))


def line_times(scene: Scene, block: TextBlock, *, earliest: float = 0.25) -> list[float]:
    """When each line comes in: when its first word is spoken, but never long after the line before."""
    times: list[float] = []
    for i, line in enumerate(block.lines):
        latest = earliest + FIRST_BY_S if i == 0 else times[-1] + NEXT_WITHIN_S
        least = earliest if i == 0 else times[-1] + 0.18
        spoken = scene.spoken_at(line.text)
        at = least + (0.05 if i == 0 else 0.25) if spoken is None else spoken - 0.08
        times.append(min(max(at, least), latest, max(least, scene.duration_s - 0.8)))
    return times


def rising(name: str, block: TextBlock, at: tuple[float, float], times: Sequence[float]) -> list[Layer]:
    """Each line as a layer that rises out of a mask."""
    made = []
    for i, (line, start) in enumerate(zip(block.lines, times, strict=True)):
        box = line_box(block, i, at)
        svg = placed(line.svg, at)
        made.append(layer(f"{name}{i}", box, svg, enter=Move("rise", start, 0.45, box.height)))
    return made


def entering(
    name: str, block: TextBlock, at: tuple[float, float], start: float, *, kind: str = "fade", distance: float = 0
) -> Layer:
    """The whole block as one layer."""
    enter = Move("slide", start, 0.4, distance) if kind == "slide" else Move("fade", start, 0.4)
    return layer(name, block_box(block, at), placed(block.svg, at), enter=enter)


def placed(svg: str, at: tuple[float, float]) -> str:
    """A block's fragment, moved to where its upper left corner is in the frame."""
    return f'<g transform="translate({n(at[0])} {n(at[1])})">{svg}</g>'


def block_box(block: TextBlock, at: tuple[float, float]) -> Box:
    """The box of a block's ink in the frame, 4 px wider at each side."""
    x0, y0, x1, y1 = block.ink
    return Box(at[0] + x0 - 4, at[1] + y0 - 4, x1 - x0 + 8, y1 - y0 + 8)


def line_box(block: TextBlock, number: int, at: tuple[float, float]) -> Box:
    """The box of one line in the frame, with room for what hangs below and stands above."""
    line, size = block.lines[number], block.size
    return Box(at[0] + line.x - 0.08 * size, at[1] + line.y - 0.08 * size, line.width + 0.24 * size, 1.16 * size + 0.08 * size)
