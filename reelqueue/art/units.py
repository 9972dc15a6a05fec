"""A figure in a sentence: its unit as large type writes it, and what stands before and after it; pure."""

import re

from reelqueue.models.scene import Figure

_SHORT = {
    "percent": "%",
    "centimetre": "cm",
    "centimeter": "cm",
    "millimetre": "mm",
    "millimeter": "mm",
    "kilometre": "km",
    "kilometer": "km",
    "metre": "m",
    "meter": "m",
    "kilogram": "kg",
    "gram": "g",
    "millisecond": "ms",
}
_AREA = {"square": "²", "cubic": "³"}
_BEFORE_NAME = re.compile(r"^[高長寬深厚重遠大]?的(?=..)")
_EDGE = " ，,：:、"


def short_unit(unit: str) -> str:
    """The sign of an English unit that has a common one ("centimetres" -> "cm"): a long word would make its figure small."""
    words = unit.strip().split()
    if not words:
        return ""
    power = _AREA.get(words[0], "") if len(words) == 2 else ""
    name = words[-1].removesuffix("s") if words[-1] != "feet" else "feet"
    if name in _SHORT and (len(words) == 1 or power):
        return _SHORT[name] + power
    return unit.strip()


def around(title: str, figure: Figure) -> tuple[str, str]:
    """What stands before and after the figure in a title; it is not said twice.  A title without it comes after."""
    said = re.search(rf"(?<![\d.,]){re.escape(figure.value)}[\s-]?{re.escape(figure.unit)}", title)
    if said is None:
        return "", title
    before, after = title[: said.start()].strip(_EDGE), title[said.end() :].strip(_EDGE)
    return before, _BEFORE_NAME.sub("", after)
