"""The figures for people: a Markdown table for each measure, and a sentence where that says it."""

import statistics
from collections.abc import Sequence
from typing import Any

COST = {
    "kind": "as",
    "projects": "queued",
    "create_ms": "create ms",
    "wall_ms": "wall ms",
    "commands": "Redis commands",
    "redis_kb": "Redis kB",
    "state_writes": "state writes",
    "video_cpu_ms": "video worker CPU ms",
    "coordinator_cpu_ms": "coordinator CPU ms",
    "video_mb": "video worker MB",
    "coordinator_mb": "coordinator MB",
    "batch_writes": "batch writes",
    "batch_bytes": "batch bytes",
}
"""Per project, but what is said in MB, and the batch's own."""
PASS = {
    "wall_s": "wall s",
    "cpu_s": "CPU s",
    "commands": "Redis commands",
    "blocked_ms": "loop blocked ms",
    "put_back": "put back",
}


def shown(found: dict[str, Any]) -> str:
    """All that was measured."""
    parts = [str(found["machine"])]
    if one := found.get("throughput"):
        parts.append(throughput_sentence(one))
    if several := found.get("cost"):
        parts.append(grid([list(COST.values()), *([cell(row.get(key)) for key in COST] for row in several)]))
    if one := found.get("single"):
        parts.append(single_sentence(one))
    if one := found.get("renewal"):
        passes = [[name, *(number(made[key]) for key in PASS)] for name, made in one["passes"].items()]
        parts.append(grid([[f"pass over {one['projects']:,}", *PASS.values()], *passes]))
    return "\n\n".join(parts)


def throughput_sentence(one: dict[str, Any]) -> str:
    """Wall against CPU."""
    used = ", ".join(f"{kind} {seconds:.0f}" for kind, seconds in sorted(one["cpu_s"].items(), key=lambda pair: -pair[1]))
    return (
        f"{one['projects']} videos of {one['seconds']} s, each answer of a service after {one['latency_s']:g} s: wall {one['wall_s']:.0f} s. "
        f"CPU seconds on {one['cores']} cores: {used}; others', the services among them, {one['others_s']:.0f}. "
        f"Wall by (CPU of the videos / cores), workers not counted: {one['wall_by_work']:.2f}; by all of ours: {one['wall_by_ours']:.2f}; "
        f"by the encoding alone: {one['wall_by_render']:.2f}."
    )


def single_sentence(one: dict[str, Any]) -> str:
    """How long it waited."""
    waits = one["first_stage_s"]
    return (
        f"A single project in the midst of a batch of {one['batch_of']} ({len(waits)} of them, stages of {one['stage_s']:g} s): its first "
        f"stage begins after {statistics.median(waits):.3f} s (at most {max(waits):.3f} s); "
        f"the batch's jobs that got a CPU place before its render: {sum(one['passed_by'])} in all, at most {max(one['passed_by'])}."
    )


def grid(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row names the columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def cell(value: float | str | None) -> str:
    """A word as it stands, a figure, or nothing."""
    return "" if value is None else value if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """As many digits as say something."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
