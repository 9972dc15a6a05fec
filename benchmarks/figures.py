"""Raw figures -> medians and ratios.  Pure."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders import OURS


@dataclass(frozen=True, slots=True)
class Row:
    """One queue in one variant, over all rounds.  None where nothing was measured; times in milliseconds, but `take_over_s`."""

    name: str
    variant: str
    pick_up_p50: float | None
    pick_up_p95: float | None
    pick_up_p99: float | None
    chain_p50: float | None
    chain_p95: float | None
    jobs_a_second: float | None
    idle_cpu_percent: float | None
    idle_commands_a_second: float | None
    take_over_s: float | None
    take_over_tried: bool


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed: one that was measured, nothing in between.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def rows(trials: Iterable[dict[str, Any]]) -> list[Row]:
    """One row per queue and variant, in the order of their first appearance."""
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for trial in trials:
        grouped.setdefault((trial["name"], trial["variant"]), []).append(trial)
    return [_row(name, variant, found) for (name, variant), found in grouped.items()]


def _row(name: str, variant: str, trials: list[dict[str, Any]]) -> Row:
    pick_up, chain = _all(trials, "pick_up_s"), _all(trials, "chain_s")
    return Row(
        name=name,
        variant=variant,
        pick_up_p50=_ms(pick_up, 0.5),
        pick_up_p95=_ms(pick_up, 0.95),
        pick_up_p99=_ms(pick_up, 0.99),
        chain_p50=_ms(chain, 0.5),
        chain_p95=_ms(chain, 0.95),
        jobs_a_second=_median(trials, "jobs_a_second"),
        idle_cpu_percent=_median(trials, "idle_cpu_percent"),
        idle_commands_a_second=_median(trials, "idle_commands_a_second"),
        take_over_s=_median(trials, "take_over_s"),
        take_over_tried=any("take_over_s" in trial for trial in trials),
    )


def committed(trials: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Our chain with its commits and events, in milliseconds; empty where it was not measured."""
    found = {"chain": _all(trials, "committed_chain_s"), "overhead": _all(trials, "overhead_s")}
    shares = {"p50": 0.5, "p95": 0.95}
    return {
        f"{key}_{name}": 1000 * quantile(values, share)
        for key, values in found.items()
        if values
        for name, share in shares.items()
    }


def _all(trials: Iterable[dict[str, Any]], key: str) -> list[float]:
    """A job that never came counts as the longest wait there is."""
    return [math.inf if value is None else value for trial in trials for value in trial.get(key, ())]


def _ms(values: list[float], share: float) -> float | None:
    return 1000 * quantile(values, share) if values else None


def _median(trials: list[dict[str, Any]], key: str) -> float | None:
    values = [trial[key] for trial in trials if trial.get(key) is not None]
    return statistics.median(values) if values else None


def ratio(found: Row, ours: Row | None, key: str) -> float | None:
    """How many times ours this figure is."""
    theirs, base = getattr(found, key), getattr(ours, key, None)
    return theirs / base if base and theirs is not None else None


def reference(found: list[Row], variant: str) -> Row | None:
    """Ours in the same variant."""
    return next((row for row in found if (row.name, row.variant) == (OURS, variant)), None)
