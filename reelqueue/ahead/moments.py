"""Moments for people, in the time zone of the schedules (`TIMEZONE`)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from reelqueue.bootstrap import read_settings
from reelqueue.errors import ProjectWaiting
from reelqueue.wording import Text


def moment(at: datetime, zone: ZoneInfo | None = None) -> str:
    """`at`, which has a zone, as a day and a time of `zone` (without one: of `TIMEZONE`), with its name."""
    zone = zone or ZoneInfo(read_settings().timezone)
    return f"{day_and_time(at, zone)} ({zone.key})"


def day_and_time(at: datetime, zone: ZoneInfo) -> str:
    """`at`, which has a zone, as a day and a time of `zone`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def between(least: datetime, most: datetime) -> Text:
    """A range of moments, the second day only where it is another."""
    zone = ZoneInfo(read_settings().timezone)
    first, last = (day_and_time(at, zone) for at in (least, most))
    if first == last:
        return Text(f"{first}（{zone.key}）", f"{first} ({zone.key})")
    last = last if last[:10] != first[:10] else last[11:]
    return Text(f"{first} 到 {last}（{zone.key}）", f"{first} to {last} ({zone.key})")


def goes_on(waiting: ProjectWaiting) -> Text | None:
    """When a project goes on by itself; None where a person has to act first."""
    if waiting.until is None:
        return None
    at = moment(waiting.until)
    return Text(f"最晚 {at} 自動繼續", f"goes on by itself by {at}")
