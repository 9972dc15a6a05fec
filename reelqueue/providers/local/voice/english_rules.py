"""How figures and signs in an English text are said.  Pure: a table of patterns, tried in order; what one took no other sees.

hibari's own reader makes "5.0" to "five" and knows neither NT$ nor GPT-4o, so everything is written out here.
"""

import re

from reelqueue.providers.local.voice.unit import Reader, Said

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_LARGE = ("", "thousand", "million", "billion", "trillion", "quadrillion")
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_FRACTIONS = {2: "half", 3: "third", 4: "quarter"}
CURRENCIES = {
    "NT$": ("New Taiwan dollar", "New Taiwan dollars"), "US$": ("dollar", "dollars"), "HK$": ("Hong Kong dollar", "Hong Kong dollars"),
    "$": ("dollar", "dollars"), "€": ("euro", "euros"), "£": ("pound", "pounds"), "¥": ("yen", "yen"),
}  # fmt: skip
UNITS = {
    "km/h": ("kilometer per hour", "kilometers per hour"), "m/s": ("meter per second", "meters per second"),
    "mph": ("mile per hour", "miles per hour"), "km": ("kilometer", "kilometers"), "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"), "nm": ("nanometer", "nanometers"), "m": ("meter", "meters"), "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"), "g": ("gram", "grams"), "ml": ("milliliter", "milliliters"), "L": ("liter", "liters"),
    "ms": ("millisecond", "milliseconds"), "s": ("second", "seconds"), "min": ("minute", "minutes"), "h": ("hour", "hours"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "kW": ("kilowatt", "kilowatts"), "MW": ("megawatt", "megawatts"), "W": ("watt", "watts"),
    "V": ("volt", "volts"), "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"), "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"), "KB": ("kilobyte", "kilobytes"), "MB": ("megabyte", "megabytes"), "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"), "px": ("pixel", "pixels"), "fps": ("frame per second", "frames per second"),
    "lb": ("pound", "pounds"), "oz": ("ounce", "ounces"), "ft": ("foot", "feet"), "dB": ("decibel", "decibels"),
}  # fmt: skip


def cardinal(number: int) -> str:
    """A whole number from 0 to 10**18 - 1."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + (" " + _ONES[number % 10] if number % 10 else "")
    if number < 1_000:
        return _ONES[number // 100] + " hundred" + (" " + cardinal(number % 100) if number % 100 else "")
    power = (len(str(number)) - 1) // 3
    head, rest = divmod(number, 1_000**power)
    return f"{cardinal(head)} {_LARGE[power]}" + (" " + cardinal(rest) if rest else "")


def ordinal(number: int) -> str:
    """First, twenty first, thirtieth."""
    head, _, last = cardinal(number).rpartition(" ")
    last = _ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return f"{head} {last}".strip()


def digits(text: str) -> str:
    """Each digit by itself."""
    return " ".join(_ONES[int(char)] for char in text if char.isdecimal())


def number(text: str) -> str:
    """A number as written: thousands commas, decimals; zeros in front or over 18 digits: digit by digit."""
    whole, _, rest = text.replace(",", "").partition(".")
    codes = len(whole) > 18 or (len(whole) > 1 and whole.startswith("0"))
    said = digits(whole) if codes else cardinal(int(whole or "0"))
    return said + (" point " + digits(rest) if rest else "")


def year(text: str) -> str:
    """Four digits as a year: nineteen eighty four, two thousand five, twenty twenty four, fifteen hundred."""
    high, low = int(text[:2]), int(text[2:])
    if text[1] == "0" and low < 10:
        return cardinal(int(text))
    return cardinal(high) + (" hundred" if low == 0 else " oh " + cardinal(low) if low < 10 else " " + cardinal(low))


def decade(text: str) -> str:
    """1990s, 80s."""
    said = year(text) if len(text) == 4 else cardinal(int(text))
    return said[:-1] + "ies" if said.endswith("y") else said + "s"


def _en(spoken: str) -> Said:
    return (("en", spoken),)


def _many(text: str, words: tuple[str, str]) -> str:
    return words[0] if text == "1" else words[1]


def _money(m: re.Match[str]) -> Said:
    words, figure, large = CURRENCIES[m["currency"]], m["number"], m["large"]
    if large:
        large = {"k": "thousand", "K": "thousand", "M": "million", "B": "billion"}.get(large, large)
        return _en(f"{number(figure)} {large} {words[1]}")
    whole, _, cents = figure.partition(".")
    if len(cents) == 2 and m["currency"] in {"$", "US$", "€"}:
        tail = f" and {cardinal(int(cents))} {'cent' if cents == '01' else 'cents'}" if int(cents) else ""
        return _en(f"{number(whole)} {_many(whole, words)}{tail}")
    return _en(f"{number(figure)} {_many(figure, words)}")


def _time(m: re.Match[str]) -> Said:
    hour, minute, half = cardinal(int(m["hour"])), int(m["minute"]), m["half"]
    if minute:
        hour += " oh " + cardinal(minute) if minute < 10 else " " + cardinal(minute)
    elif not half:
        hour += " o'clock" if int(m["hour"]) <= 12 else " hundred"
    said: Said = (("en", hour),)
    return (*said, ("letters", half[0].upper() + "M")) if half else said


def _date(m: re.Match[str]) -> Said:
    month, day = int(m["month"]), int(m["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return _en(digits(m[0]))
    return _en(f"{MONTHS[month - 1]} {ordinal(day)} {year(m['year'])}")


def _fraction(m: re.Match[str]) -> Said:
    above, below = int(m["above"]), int(m["below"])
    if not 0 < above < below:
        return _en(f"{cardinal(above)} {cardinal(below)}")
    one = _FRACTIONS.get(below) or ordinal(below)
    return _en(f"{cardinal(above)} {one if above == 1 else 'halves' if below == 2 else one + 's'}")


def _name(m: re.Match[str]) -> Said:
    """GPT-4, H100, MP3, 4K, 1080p: letters and figures in turn."""
    said: list[tuple[str, str]] = []
    for part in re.findall(r"[A-Za-z]+|\d+(?:\.\d+)*", m[0]):
        if not part[0].isdigit():
            said.append(("letters" if len(part) == 1 else "en", part))
        elif len(part) in {3, 4} and not part.startswith("0"):
            said.append(("en", _pairs(part)))
        else:
            said.append(("en", _version(part)))
    return tuple(said)  # type: ignore[arg-type]  # the kinds are literals above


def _pairs(text: str) -> str:
    if len(text) == 4:
        return cardinal(int(text)) if text.endswith("000") else year(text)
    return (
        cardinal(int(text))
        if text.endswith("00")
        else f"{cardinal(int(text[0]))} {cardinal(int(text[1:])) if text[1] != '0' else 'oh ' + text[2]}"
    )


def _version(text: str) -> str:
    return " point ".join(number(part) for part in text.split(".")) if text.count(".") > 1 else number(text)


def _plain(m: re.Match[str]) -> Said:
    text = m[0]
    return _en(year(text) if re.fullmatch(r"(1[1-9]|20)\d\d", text) else number(text))


_READ: tuple[tuple[str, Reader], ...] = (
    (r"\be\.g\.", lambda _: _en("for example")),
    (r"\bi\.e\.", lambda _: _en("that is")),
    (r"(?<!\w)(?:(\d{4})|'(\d0))'?s\b", lambda m: _en(decade(m[1] or m[2]))),
    (r"(?<![\d-])0\d{1,3}-\d{3,4}-\d{3,4}(?![\d-])", lambda m: _en(digits(m[0]))),
    (r"(?<![\d.])(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)", _date),
    (rf"({'|'.join(MONTHS)})\s(\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s(\d{{4}}))?(?![\d:%])",
     lambda m: _en(f"{m[1]} {ordinal(int(m[2]))}" + (f" {year(m[3])}" if m[3] else ""))),
    (r"(?<![\d:])(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?:\s?(?P<half>[ap]\.?m\b\.?|[AP]\.?M\b\.?))?(?![\d:])", _time),
    (r"(?<![\d:])(\d+):(\d+)(?![\d:])", lambda m: _en(f"{number(m[1])} to {number(m[2])}")),
    (r"(?<![\d-])(?:\+?\d{1,3}[- ])?\(?\d{3}\)?[- ]\d{3,4}[- ]\d{3,4}(?![\d-])", lambda m: _en(digits(m[0]))),
    (r"(?<![\d-])\d{3}-\d{4}(?![\d-])", lambda m: _en(digits(m[0]))),
    (rf"(?P<currency>NT\$|US\$|HK\$|[$€£¥])\s?(?P<number>{NUMBER})(?:\s?(?P<large>thousand|million|billion|trillion|[kKMB](?![A-Za-z])))?", _money),
    (rf"(?P<sign>(?<![\w.])[-−])?(?P<number>{NUMBER})\s?°\s?(?P<scale>[CF]?)",
     lambda m: _en(("minus " if m["sign"] else "") + number(m["number"]) + _many(m["number"], (" degree", " degrees"))
                   + {"C": " Celsius", "F": " Fahrenheit", "": ""}[m["scale"]])),
    (rf"({NUMBER})\s?%?\s?[-–—~]\s?({NUMBER})\s?%", lambda m: _en(f"{number(m[1])} to {number(m[2])} percent")),
    (rf"(?P<sign>(?<![\w.])[-−])?({NUMBER})\s?%", lambda m: _en(("minus " if m["sign"] else "") + number(m[2]) + " percent")),
    (rf"(?<![\w.])(?:(?P<from>{NUMBER})\s?[-–—~]\s?)?(?P<number>{NUMBER})[ -]?(?P<unit>{'|'.join(sorted(map(re.escape, UNITS), key=len, reverse=True))})(?![A-Za-z\d/'])",
     lambda m: _en((number(m["from"]) + " to " if m["from"] else "") + number(m["number"]) + " " + _many(m["number"], UNITS[m["unit"]]))),
    (r"(?<![\w.,])(\d{1,4})(?:st|nd|rd|th)\b", lambda m: _en(ordinal(int(m[1])))),
    (r"(?<![A-Za-z\d])(?:[A-Za-z]+-?\d+(?:\.\d+)*[A-Za-z]*\d*|\d+(?:\.\d+)*[A-Za-z]{1,3})(?![A-Za-z\d])", _name),
    (r"(?<![\d.])v?\d+(?:\.\d+){2,}", lambda m: _en(_version(m[0].lstrip("v")))),
    (rf"({NUMBER})\s?[x×]\s?({NUMBER})", lambda m: _en(f"{number(m[1])} by {number(m[2])}")),
    (r"(?<![\d/])(?P<above>\d{1,4})/(?P<below>\d{1,4})(?![\d/])", _fraction),
    (r"(?<![\w.-])(\d{4})\s?[-–—]\s?(\d{4})(?![\d-])", lambda m: _en(f"{year(m[1])} to {year(m[2])}")),
    (rf"(?<![\w.-])({NUMBER})\s?[-–—~]\s?({NUMBER})(?![\w-])", lambda m: _en(f"{number(m[1])} to {number(m[2])}")),
    (rf"(?<![\w)])[-−]({NUMBER})", lambda m: _en("minus " + number(m[1]))),
    (rf"#\s?({NUMBER})", lambda m: _en("number " + number(m[1]))),
    (rf"{NUMBER}", _plain),
    (r"\betc\.?(?!\w)", lambda _: _en("et cetera")),
    (r"\bvs\.?(?!\w)", lambda _: _en("versus")),
    (r"\b(Mr|Mrs|Ms|Dr|Prof|St)\.", lambda m: _en({"Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor", "Prof": "Professor", "St": "Saint"}[m[1]])),
    (r"&", lambda _: _en("and")),
    (r"(?<=\w)\s?\+\s?(?=\w)", lambda _: _en("plus")),
    (r"(?<=\w)\s?=\s?(?=\w)", lambda _: _en("equals")),
)  # fmt: skip
RULES: tuple[tuple[re.Pattern[str], Reader], ...] = tuple((re.compile(pattern), said) for pattern, said in _READ)
"""Pattern and how its match is said."""
