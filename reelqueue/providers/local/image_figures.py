"""Figures with a unit in a text, and the one that stands out; pure."""

import re
from collections import Counter
from dataclasses import dataclass

from reelqueue.models.scene import Figure
from reelqueue.providers.narration.rate import seconds_of

_NUMBER = r"(?P<value>(?:[$€£]|NT\$|US\$)?\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?:[$€£]|NT\$|US\$)?\d+(?:\.\d+)?)"
_NOT_BEFORE = r"(?<![\dA-Za-z.,:/\-–~～第])"
_MANY_ZH = r"(?:億|萬|兆|千萬|百萬)"
_ABOUT_ZH = r"[多餘]?"
_UNITS_ZH = (
    "平方公里", "平方公尺", "立方公尺", "個百分點", "百分點", "毫秒", "分鐘", "小時", "個小時", "個星期", "星期", "個月", "公里", "公尺", "公分", "公釐", "公斤", "公克", "公噸", "公頃", "英里", "海里",
    "光年", "萬人", "億人", "萬元", "億元", "兆元", "億美元", "萬美元", "萬公里", "億公里", "萬年", "億年", "千萬", "百萬", "美元", "度", "歲", "倍", "秒", "天", "週", "年", "萬", "億", "兆",
    "大卡", "毫克", "公克", "克", "杯", "輛", "棟", "株", "瓶", "人次", "件", "元", "人", "次", "則", "個", "位", "名", "隻", "種", "座", "條", "件", "項", "家", "國", "字", "頁", "張", "公升", "坪", "步", "分", "層樓", "艘", "場", "句",
    "%", "％", "‰", "°C", "℃", "km", "kg", "cm", "mm", "GB", "TB", "MB", "ms", "km/h", "W", "kW", "MW", "GW", "kWh", "Hz", "kHz", "MHz", "GHz", "ppm",
)  # fmt: skip
_UNITS_EN = (
    "(?:square|cubic) (?:kilometres?|kilometers?|metres?|meters?|miles?|feet)", "percent", "milliseconds?", "seconds?", "minutes?", "hours?", "days?", "weeks?", "months?", "years?", "decades?", "centuries", "times", "people", "miles?",
    "kilometers?", "kilometres?", "meters?", "metres?", "centimeters?", "centimetres?", "feet", "inches", "pounds?", "tons?", "tonnes?", "kilograms?", "grams?",
    "degrees?", "dollars?", "million(?: people)?", "billion(?: people)?", "trillion", "%", "°C", "°F", "km", "kg", "cm", "mm", "GB", "TB", "MB", "ms", "mph", "km/h", "kW", "MW", "GW", "kWh", "TWh", "Hz", "kHz", "MHz", "GHz", "ppm",
)  # fmt: skip
_WEAK = frozenset("個次位名種件項條家國字句分場則") | {"times"}
"""Units of counts: a small one does not stand out."""
_LEAST_COUNT = 10
_SHARES = frozenset({"%", "％", "‰", "percent", "個百分點", "百分點"})
_TIMES = r"秒|分鐘|個?小時|天|週|個?星期|個?月|年|歲|分|毫秒|ms|(?:milli)?seconds?|minutes?|hours?|days?|weeks?|months?|years?"
LATEST_SHARE, LATEST_S = 0.45, 4.0
"""A figure is spoken within so much of its part, or so soon."""
WORTH_SHOWING = 2.0
"""How telling an early figure has to be where a better one comes late."""


def _either(units: tuple[str, ...], *, escaped: bool) -> str:
    longest = sorted(units, key=len, reverse=True)
    return "|".join(re.escape(unit) for unit in longest) if escaped else "|".join(longest)


_ZH = re.compile(rf"{_NOT_BEFORE}{_NUMBER}\s?(?P<unit>{_ABOUT_ZH}{_MANY_ZH}?(?:{_either(_UNITS_ZH, escaped=True)}))(?![A-Za-z/])")
_EN = re.compile(rf"{_NOT_BEFORE}{_NUMBER}(?:\s|-)?(?P<unit>{_either(_UNITS_EN, escaped=False)})(?![A-Za-z/])")


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and the end of its unit in the text."""

    figure: Figure
    end_char: int


def figures_of(text: str, language: str) -> tuple[Measured, ...]:
    """All figures with a unit; years, dates, ordinals and versions are none."""
    out = []
    for match in (_ZH if language.startswith("zh") else _EN).finditer(text):
        value, unit = match["value"], match["unit"]
        is_year = unit == "年" and re.fullmatch(r"1\d{3}|20\d{2}|21\d{2}", value)
        is_date = unit == "分" and match.start() and text[match.start() - 1] in "點時"
        if not is_year and not is_date:
            out.append(Measured(Figure(value=value, unit=unit, start_char=match.start()), match.end()))
    return tuple(out)


def standing_out(text: str, language: str, *, theme: str = "") -> Measured | None:
    """The one figure that the text is about: the most telling of those that are spoken early; None among many of one kind.

    A figure of the `theme`, the video's title, goes before all others.
    A figure that comes late leaves its place empty for seconds; three of one unit are a comparison.
    """
    found = [measured for measured in figures_of(text, language) if not _is_small_count(measured.figure)]
    kinds = Counter(measured.figure.unit for measured in found)
    if not found or max(kinds.values()) > 2:
        return None
    latest_s = max(LATEST_SHARE * seconds_of(text, language), LATEST_S)
    early = [one for one in found if seconds_of(text[: one.figure.start_char], language) <= latest_s]
    about = set(re.findall(r"\d[\d,.]*\d|\d", theme))
    best = max(early, key=lambda one: (one.figure.value in about, telling(one.figure), -one.figure.start_char), default=None)
    late = max((telling(one.figure) for one in found if one not in early), default=0.0)
    return best if best and (telling(best.figure) >= WORTH_SHOWING or late < WORTH_SHOWING) else None


def telling(figure: Figure) -> float:
    """How much a figure surprises: a share and millions most, a span of time least."""
    unit = figure.unit
    value = float(re.sub(r"[^\d.]", "", figure.value) or 0)
    if unit in _SHARES or re.search("億|兆|billion|trillion", unit):
        return 5.0
    if re.search("萬|million|倍|times", unit):
        return 4.0
    if value >= 1_000 or unit[:1] in {"°", "℃"}:
        return 3.0
    return 1.0 if re.fullmatch(_TIMES, unit) else 2.0


def _is_small_count(figure: Figure) -> bool:
    digits = figure.value.replace(",", "")
    return figure.unit in _WEAK and digits.replace(".", "").isdigit() and float(digits) < _LEAST_COUNT
