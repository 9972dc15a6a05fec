"""Figures as people read them: tabular, "–" for none, never 0 for unknown."""

from datetime import timedelta

NONE = "–"


def span(seconds: float | timedelta | None) -> str:
    """A span as `4:12` or `1:46:02`."""
    if seconds is None:
        return NONE
    whole = round(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    hours, rest = divmod(max(0, whole), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def percent(share: float | None) -> str:
    """A share (0-1) as `93.6`."""
    return NONE if share is None else f"{100 * share:.1f}"


def usd(amount: float | None) -> str:
    """US dollars as `$18.20`; what is less than a cent and not nothing as `<$0.01`."""
    if amount is None:
        return NONE
    return "<$0.01" if 0 < amount < 0.005 else f"${amount:,.2f}"


def count(number: float | None) -> str:
    """A count as `10,284`."""
    return NONE if number is None else f"{number:,.0f}"


def size(number: float | None) -> str:
    """Bytes as `183 MB`."""
    if number is None:
        return NONE
    value, unit = float(number), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit in {"B", "kB", "MB"} else f"{value:.1f} {unit}"
