"""Figures with a unit in a text, and the one that stands out; pure."""

import re
from dataclasses import dataclass

from reelqueue.models.scene import Figure

_NUMBER = r"(?P<value>(?:[$€£]|NT\$|US\$)?\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?:[$€£]|NT\$|US\$)?\d+(?:\.\d+)?)"
_NOT_BEFORE = r"(?<![\dA-Za-z.,:/\-–~～第])"
_UNITS_ZH = (
    "個百分點", "百分點", "毫秒", "分鐘", "小時", "個小時", "個星期", "星期", "個月", "公里", "公尺", "公分", "公釐", "公斤", "公克", "公噸", "公頃", "英里", "海里",
    "光年", "萬人", "億人", "萬元", "億元", "兆元", "億美元", "萬美元", "萬公里", "億公里", "萬年", "億年", "千萬", "百萬", "美元", "度", "歲", "倍", "秒", "天", "週", "年", "萬", "億", "兆",
    "元", "人", "次", "則", "個", "位", "名", "隻", "種", "座", "條", "件", "項", "家", "國", "字", "頁", "張", "公升", "坪", "步", "分", "層樓", "艘", "場", "句",
    "%", "％", "‰", "°C", "℃", "km", "kg", "cm", "mm", "GB", "TB", "MB", "ms", "W", "kW", "MW", "GW", "kWh", "Hz", "kHz", "MHz", "GHz", "ppm",
)  # fmt: skip
_UNITS_EN = (
    "percent", "milliseconds?", "seconds?", "minutes?", "hours?", "days?", "weeks?", "months?", "years?", "decades?", "centuries", "times", "people", "miles?",
    "kilometers?", "kilometres?", "meters?", "metres?", "centimeters?", "centimetres?", "feet", "inches", "pounds?", "tons?", "tonnes?", "kilograms?", "grams?",
    "degrees?", "dollars?", "million(?: people)?", "billion(?: people)?", "trillion", "%", "°C", "°F", "km", "kg", "cm", "mm", "GB", "TB", "MB", "ms", "mph", "kW", "MW", "GW", "kWh", "TWh", "Hz", "kHz", "MHz", "GHz", "ppm",
)  # fmt: skip
_WEAK = frozenset("個次位名種件項條家國字句分場則") | {"times"}
"""Units of counts: a small one does not stand out."""
_LEAST_COUNT = 10


def _either(units: tuple[str, ...], *, escaped: bool) -> str:
    longest = sorted(units, key=len, reverse=True)
    return "|".join(re.escape(unit) for unit in longest) if escaped else "|".join(longest)


_ZH = re.compile(rf"{_NOT_BEFORE}{_NUMBER}\s?(?P<unit>{_either(_UNITS_ZH, escaped=True)})(?![A-Za-z])")
_EN = re.compile(rf"{_NOT_BEFORE}{_NUMBER}(?:\s|-)?(?P<unit>{_either(_UNITS_EN, escaped=False)})(?![A-Za-z])")


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


def standing_out(text: str, language: str) -> Measured | None:
    """The one figure that the text is about: the only one, or the only share among others."""
    found = [measured for measured in figures_of(text, language) if not _is_small_count(measured.figure)]
    if len(found) == 1:
        return found[0]
    shares = [measured for measured in found if measured.figure.unit in {"%", "％", "percent"}]
    return shares[0] if len(shares) == 1 and len(found) <= 3 else None


def _is_small_count(figure: Figure) -> bool:
    digits = figure.value.replace(",", "")
    return figure.unit in _WEAK and digits.replace(".", "").isdigit() and float(digits) < _LEAST_COUNT
