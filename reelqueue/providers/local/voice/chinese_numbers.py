"""Numbers as they are said in Chinese, in Taiwan: 兩百, 兩千, 兩萬, no 幺."""

import re

DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "萬", "億", "兆")
MAX_DIGITS = 16
"""Longer ones are said digit by digit."""


def digits(text: str) -> str:
    """Each digit by itself: "2024" is 二零二四.  Other characters are dropped."""
    return "".join(DIGITS[int(char)] for char in text if char.isdecimal())


def cardinal(number: int) -> str:
    """A whole number from 0 to 10**16 - 1."""
    if number == 0:
        return DIGITS[0]
    groups = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    said = ""
    for power in range(len(groups) - 1, -1, -1):
        group = groups[power]
        if not group:
            continue
        if said and (group < 1_000 or groups[power + 1] == 0):
            said += DIGITS[0]
        said += ("兩" if group == 2 and power else _four(group, first=not said)) + _GROUPS[power]
    return said


def _four(number: int, *, first: bool) -> str:
    """1 to 9,999; `first`: nothing stands before, so that 12 is 十二 and not 一十二."""
    said, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit == 0:
            gap = bool(said)
            continue
        if gap:
            said, gap = said + DIGITS[0], False
        if place == 1 and digit == 1 and first and not said:
            said += "十"
        else:
            said += ("兩" if digit == 2 and place >= 2 else DIGITS[digit]) + _PLACES[place]
    return said


def number(text: str) -> str:
    """A number as written: thousands commas, decimals, a sign, zeros in front ("007" is a code: digit by digit)."""
    sign = "負" if text[:1] in {"-", "−"} else ""
    whole, _, rest = re.sub(r"[^\d.]", "", text).partition(".")
    codes = len(whole) > MAX_DIGITS or (len(whole) > 1 and whole.startswith("0"))
    said = digits(whole) if codes else cardinal(int(whole or "0"))
    return sign + said + ("點" + digits(rest) if rest else "")


def count(text: str) -> str:
    """A number before what is counted: 2 is 兩."""
    return "兩" if text == "2" else number(text)


def year(text: str) -> str:
    """The number before 年: four digits of our times one by one, 2000 and all others as a number."""
    if len(text) == 4 and text[:2] in {"15", "16", "17", "18", "19", "20", "21"} and not text.endswith("000"):
        return digits(text)
    return count(text)
