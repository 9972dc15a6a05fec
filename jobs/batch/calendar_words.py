"""A publish calendar as people type it, and as it stands in a batch's state.  Pure: each text is read to a `Calendar`.

`--every 6h`, `--every 2d`; `--slots "Mon-Fri 09:00,18:00 Asia/Taipei"`, several with `;` between them, `until 2026-12-31` behind them.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jobs.batch.calendar import UNITS, Calendar, Every, Slots, Times
from reelqueue.errors import InvalidBrief
from reelqueue.wording import Text

MOST_CHARS = 2_000
"""Of a calendar: each moment of each day takes half of it; a text of megabytes would be read for many seconds."""
LEAST_EVERY, MOST_EVERY = timedelta(minutes=15), timedelta(days=90)
_EVERY = Text("一段時間，15 分鐘到 90 天，例如 30m、6h、2d、1w", "a span from 15 minutes to 90 days, for example 30m, 6h, 2d, 1w")
_SLOTS = Text(
    "星期與時刻，可加時區與截止日，例如 Mon-Fri 09:00,18:00; Sat 12:00 Asia/Taipei until 2026-12-31",
    "days and times, then a time zone and a last day where wanted, for example Mon-Fri 09:00,18:00; Sat 12:00 Asia/Taipei until 2026-12-31",
)
_SPAN = re.compile(r"(\d{1,6})\s*([a-z]+|[分小時天日週周]+)", re.ASCII | re.IGNORECASE)
_UNIT_NAMES = {
    "m": ("m", "min", "mins", "minute", "minutes", "分", "分鐘"),
    "h": ("h", "hr", "hrs", "hour", "hours", "時", "小時"),
    "d": ("d", "day", "days", "天", "日"),
    "w": ("w", "week", "weeks", "週", "周"),
}
_UNIT_OF = {name: unit for unit, names in _UNIT_NAMES.items() for name in names}
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_CHINESE_DAYS = {name: day for day, name in enumerate("一二三四五六日")} | {"天": 6}
_SETS = {
    "daily": "Mon-Sun", "everyday": "Mon-Sun", "每天": "Mon-Sun", "每日": "Mon-Sun",
    "weekdays": "Mon-Fri", "平日": "Mon-Fri", "weekends": "Sat,Sun", "週末": "Sat,Sun", "周末": "Sat,Sun",
}  # fmt: skip
_FULL_WIDTH = {
    ord(sign): plain
    for signs, plain in (("，、", ","), ("；", ";"), ("：", ":"), ("～〜－–—", "-"), ("\u3000", " "))
    for sign in signs
}


def canonical(text: str, zone: str, now: datetime) -> str:
    """The text that a batch's state keeps, of what a person typed for `--every` or `--slots`; its own answers stay as they are.

    Raises:
        InvalidBrief: it is neither; field "every" or "slots".
    """
    if len(text) > MOST_CHARS * (10 if text.startswith(("every ", "slots ")) else 1):  # our own words may be longer than theirs
        raise InvalidBrief("slots", _SLOTS, f"{text[:40]}… ({len(text):,})")
    if text.startswith(("every ", "slots ")) and _kept(text) is not None:
        return text
    return parse_every(text, zone, now) if _SPAN.fullmatch(text.strip()) else parse_slots(text, zone, now)


def calendar_of(text: str) -> Calendar:
    """The calendar that a batch's state keeps.

    Raises:
        InvalidBrief: it is none that `canonical` gave.
    """
    found = _kept(text)
    if found is None:
        raise InvalidBrief("slots", _SLOTS, text)
    return found


def parse_every(text: str, zone: str, now: datetime) -> str:
    """`--every`: the first moment is the next full hour in `zone` after `now`.

    Raises:
        InvalidBrief: field "every".
    """
    found = _SPAN.fullmatch(text.strip())
    unit = _UNIT_OF.get(found[2].lower()) if found else None
    if found is None or unit is None or not LEAST_EVERY <= int(found[1]) * UNITS[unit] <= MOST_EVERY:
        raise InvalidBrief("every", _EVERY, text)
    local = now.astimezone(ZoneInfo(zone)).replace(minute=0, second=0, microsecond=0)
    return str(Every(int(found[1]), unit, local.astimezone(UTC) + timedelta(hours=1), zone))


def parse_slots(text: str, zone: str, now: datetime) -> str:
    """`--slots`; `zone` where it names none.

    Raises:
        InvalidBrief: field "slots"; also where none of them is still to come.
    """
    found = _slots(text, zone)
    if found is None:
        raise InvalidBrief("slots", _SLOTS, text)
    if next(found.after(now), None) is None:
        raise InvalidBrief("slots", Text("至少一個未來的時段", "at least one moment that is still to come"), text)
    return str(found)


def _kept(text: str) -> Calendar | None:
    if text.startswith("slots "):
        return _slots(text.removeprefix("slots "), "UTC")
    found = re.fullmatch(r"every (\d{1,6})([mhdw]) from (\S+) (\S+)", text)
    if found is None or not _is_zone(found[4]):
        return None
    try:
        first = datetime.fromisoformat(found[3])
    except ValueError:
        return None
    return Every(int(found[1]), found[2], first, found[4]) if first.tzinfo is not None and int(found[1]) else None


def _slots(text: str, zone: str) -> Slots | None:
    """None where it is no list of days and times."""
    words = re.sub(r"\s*([,;-])\s*(?!\d{4})", r"\1", text.translate(_FULL_WIDTH).strip()).replace(";", " ; ").split()
    until, zone_given = None, None
    if len(words) >= 2 and words[-2].lower() in {"until", "至", "到"}:
        until = _day(words[-1])
        if until is None:
            return None
        words = words[:-2]
    if words and not _is_days_or_times(words[-1]):
        zone_given = words.pop()
    if not _is_zone(zone_given or zone):
        return None
    rules = [_times(rule) for rule in _split(words)]
    whole = [rule for rule in rules if rule is not None]
    return Slots(tuple(whole), zone_given or zone, until) if whole and len(whole) == len(rules) else None


def _split(words: list[str]) -> list[list[str]]:
    rules: list[list[str]] = [[]]
    for word in words:
        if word == ";":
            rules.append([])
        else:
            rules[-1].append(word)
    return [rule for rule in rules if rule]


def _times(words: list[str]) -> Times | None:
    days: set[int] = set()
    times: set[time] = set()
    for word in words:
        if (at := _times_of(word)) is not None:
            times |= at
        elif (on := _days_of(word)) is not None:
            days |= on
        else:
            return None
    return Times(tuple(sorted(days)) or tuple(range(7)), tuple(sorted(times))) if times else None


def _is_days_or_times(word: str) -> bool:
    return word == ";" or _times_of(word) is not None or _days_of(word) is not None


def _times_of(word: str) -> set[time] | None:
    found = [_TIME.fullmatch(part) for part in word.split(",") if part]
    return {time(int(one[1]), int(one[2])) for one in found if one} if found and all(found) else None


def _days_of(word: str) -> set[int] | None:
    days: set[int] = set()
    for part in _SETS.get(word.lower(), word).split(","):
        ends = [_weekday(end) for end in part.split("-")]
        if len(ends) > 2 or None in ends:
            return None
        first, last = int(ends[0] or 0), int(ends[-1] or 0)
        days |= {day % 7 for day in range(first, last + 1 if last >= first else last + 8)}
    return days


def _weekday(name: str) -> int | None:
    chinese = re.fullmatch(r"(?:星期|禮拜|週|周)?([一二三四五六日天])", name)
    if chinese:
        return _CHINESE_DAYS[chinese[1]]
    short = name.strip().lower()
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return next((day for day, word in enumerate(full) if len(short) >= 3 and word.startswith(short)), None)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return False
    return True
