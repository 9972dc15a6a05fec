"""The figures for people."""

from collections.abc import Callable
from typing import Any

from benchmarks.contenders import CONTENDERS, VARIANTS
from benchmarks.figures import Row, ratio, reference

Cell = Callable[[Row], str]
COLUMNS: tuple[tuple[str, Cell], ...] = (
    ("queue", lambda row: row.name),
    ("settings", lambda row: row.variant),
    ("pick-up p50 ms", lambda row: _number(row.pick_up_p50)),
    ("p95", lambda row: _number(row.pick_up_p95)),
    ("p99", lambda row: _number(row.pick_up_p99)),
    ("5 stages p50 ms", lambda row: _number(row.chain_p50)),
    ("p95", lambda row: _number(row.chain_p95)),
    ("jobs/s", lambda row: _number(row.jobs_a_second)),
    ("idle CPU %", lambda row: _number(row.idle_cpu_percent)),
    ("idle commands/s", lambda row: _number(row.idle_commands_a_second)),
)


def table(found: list[Row], *, cap_s: float) -> str:
    """A Markdown table: one line per queue and variant, with the medians as multiples of ours in the same variant."""
    ours = {variant: reference(found, variant) for variant in VARIANTS}
    columns = list(COLUMNS)
    columns[3:3] = [("x ours", lambda row: _times(ratio(row, ours.get(row.variant), "pick_up_p50")))]
    columns[7:7] = [("x ours", lambda row: _times(ratio(row, ours.get(row.variant), "chain_p50")))]
    columns += [("take-over s", lambda row: _take_over(row, cap_s)), ("documented", documented)]
    cells = [[title for title, _ in columns], *([show(row) for _, show in columns] for row in found)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def sentence(found: dict[str, float]) -> str:
    """Our chain as a project really has it; nothing where it was not measured."""
    if not found:
        return ""
    return (
        "Five stages of a real project, with its commits (fsync) and events: "
        f"p50 {found['chain_p50']:.1f} ms, p95 {found['chain_p95']:.1f} ms; "
        f"without the stages' own work p50 {found['overhead_p50']:.1f} ms, p95 {found['overhead_p95']:.1f} ms."
    )


def documented(row: Row) -> str:
    """What the queue itself says of a dead worker's job."""
    known: dict[str, Any] = {contender.name: contender.take_over for contender in CONTENDERS}
    return str(known[row.name][VARIANTS.index(row.variant)]) if row.name in known and row.variant in VARIANTS else ""


def _take_over(row: Row, cap_s: float) -> str:
    if row.take_over_s is not None:
        return f"{row.take_over_s:.1f}"
    return f"> {cap_s:.0f}" if row.take_over_tried else ""


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
