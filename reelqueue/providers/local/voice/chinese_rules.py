"""How figures and signs in a Chinese text are said.  Pure: a table of patterns, tried in order; what one took no other sees.

The order matters: dates before ranges, ranges before negative numbers, names such as GPT-4 before plain numbers.
"""

import re

from reelqueue.providers.local.voice.chinese_numbers import cardinal, count, digits, number, year
from reelqueue.providers.local.voice.unit import Reader, Said

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
SIGNED = rf"[-−]?{NUMBER}"
TO = r"\s?[-–—~～〜至到]\s?"
MEASURES = (
    "個|位|件|天|次|種|人|倍|小時|分鐘|秒|週|周|歲|塊|元|頁|本|台|臺|座|名|家|條|層|部|張|組|支|隻|公斤|公里|公尺|公分|公克|公升|噸|坪|"
    "年|份|套|場|棵|頭|輪|顆|項|架|則|篇|句|片|杯|瓶|盒|包|間|棟|排|列|行|步|階段|字|點(?!\\d)|度|美元|歐元|萬|億|兆|千|百"
)
CURRENCIES = {
    "NT$": "元", "NTD": "元", "TWD": "元", "$": "元", "US$": "美元", "USD": "美元", "HK$": "港幣", "€": "歐元", "EUR": "歐元",
    "£": "英鎊", "GBP": "英鎊", "¥": "日圓", "￥": "日圓", "JPY": "日圓",
}  # fmt: skip
UNITS = {
    "km/h": "公里每小時", "m/s": "公尺每秒", "km²": "平方公里", "m²": "平方公尺", "m³": "立方公尺", "km": "公里", "cm": "公分",
    "mm": "公釐", "μm": "微米", "nm": "奈米", "m": "公尺", "kg": "公斤", "mg": "毫克", "g": "公克", "ml": "毫升", "mL": "毫升", "L": "公升",
    "ms": "毫秒", "s": "秒", "min": "分鐘", "h": "小時", "hr": "小時", "kWh": "千瓦時", "kW": "千瓦", "MW": "百萬瓦", "GW": "十億瓦", "W": "瓦",
    "V": "伏特", "Hz": "赫茲", "px": "像素", "dB": "分貝", "kcal": "大卡", "ppm": "P P M", "°": "度",
}  # fmt: skip
SPELLED_UNITS = ("KB", "MB", "GB", "TB", "PB", "GHz", "MHz", "kHz", "Mbps", "Gbps", "fps", "mAh", "rpm")
_WORDS = {"GHz": "gigahertz", "MHz": "megahertz", "kHz": "kilohertz"}
_SIGNS = {"%": "百分之", "％": "百分之", "‰": "千分之"}
_MONEY = (
    rf"(?<![A-Za-z])(?P<currency>{'|'.join(re.escape(c) for c in sorted(CURRENCIES, key=len, reverse=True))})\s?(?P<number>{NUMBER})\s?"
    r"(?P<large>百萬|千萬|[千萬億兆]|[kKMB](?![A-Za-z]))?元?"
)
_LARGE = {"k": "千", "K": "千", "M": "百萬", "B": "十億"}


def _zh(spoken: str) -> Said:
    return (("zh", spoken),)


def _time(m: re.Match[str]) -> Said:
    hour, minute, second = m["hour"], int(m["minute"]), m["second"]
    said = count(str(int(hour))) + "點"
    if minute:
        said += ("零" if minute < 10 else "") + cardinal(minute) + "分"
    if second:
        said += ("零分" if not minute else "") + cardinal(int(second)) + "秒"
    return _zh(said)


def _money(m: re.Match[str]) -> Said:
    large = m["large"] or ""
    return _zh(count(m["number"]) + _LARGE.get(large, large) + CURRENCIES[m["currency"]])


def _degrees(m: re.Match[str]) -> Said:
    scale = {"C": "攝氏", "℃": "攝氏", "F": "華氏", "℉": "華氏"}[m["scale"][-1]]
    to = "到" + _below_zero(m["to"]) if m["to"] else ""
    return _zh(scale + _below_zero(m["number"]) + to + "度")


def _below_zero(text: str) -> str:
    return "零下" + number(text[1:]) if text[0] in "-−" else number(text)


def _unit(m: re.Match[str]) -> Said:
    to = "到" + count(m["to"]) if m["to"] else ""
    return _zh(count(m["number"]) + to + UNITS[m["unit"]])


def _name(m: re.Match[str]) -> Said:
    """GPT-4, H100, MP3, B2B, GPT-4o: the letters in English, the figures in Chinese."""
    said: list[tuple[str, str]] = []
    for part in re.findall(r"[A-Za-z]+|\d+(?:\.\d+)*", m[0]):
        if part[0].isdigit():
            said.append(("zh", digits(part) if part[-2:] != "00" and len(part) in {3, 4} and part.isdigit() else _version(part)))
        else:
            said.append(("letters" if len(part) == 1 else "en", part))
    return tuple(said)  # type: ignore[arg-type]  # the kinds are literals above


def _version(text: str) -> str:
    return "點".join(number(part) for part in text.split(".")) if text.count(".") > 1 else number(text)


def _fraction(m: re.Match[str]) -> Said:
    above, below = m["above"], m["below"]
    if int(above) < int(below):
        return _zh(number(below) + "分之" + number(above))
    return _zh(number(above) + "，" + number(below))


_READ: tuple[tuple[str, Reader], ...] = (
    (r"(?<![\d.])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d.])", lambda m: _zh(f"{digits(m[1])}年{number(str(int(m[3])))}月{number(str(int(m[4])))}日")),
    (rf"(?<!\d)(\d{{4}}){TO}(\d{{4}})\s?年", lambda m: _zh(f"{year(m[1])}到{year(m[2])}年")),
    (r"(?<![\d.,])(\d{1,4})\s?年(?!\s?[級紀齡來])", lambda m: _zh(year(m[1]) + "年")),
    (r"為(?=\s?[-−]?\d)", lambda _: (("pinyin", "wei2"),)),
    (r"(?<!\d)(\d{1,2})\s?([月日號])", lambda m: _zh(number(str(int(m[1]))) + m[2])),
    (rf"(第?)({NUMBER})\s?行(?![動為走駛政星人李])(?!程(?!式))",
     lambda m: (("zh", m[1] + (number if m[1] else count)(m[2])), ("pinyin", "hang2"))),
    (r"(?<![\d:])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:])", _time),
    (r"(?<![\d:])(\d+)\s?[:：]\s?(\d+)(?![\d:])", lambda m: _zh(f"{number(m[1])}比{number(m[2])}")),
    (r"(?<![A-Za-z\d_ª.])(?:\+\d{1,3}[- ]?\d{1,4}|\(?0\d{1,3}\)?)[- ]?\d{3,4}[- ]?\d{3,4}(?!\d)", lambda m: _zh(digits(m[0]))),
    (r"(?<![A-Za-z\d_ª.-])09\d{8}(?!\d)", lambda m: _zh(digits(m[0]))),
    (r"(?<![\d.-])\d{3,4}-\d{4}(?![\d-])", lambda m: _zh(digits(m[0]))),
    (_MONEY, _money),
    (rf"(?P<number>(?<![A-Za-z\d_ª])[-−]?{NUMBER}|{NUMBER})(?:{TO}(?P<to>{NUMBER}))?\s?(?P<scale>°\s?[CF]|℃|℉)", _degrees),
    (rf"(?P<number>{NUMBER})\s?[%％]?{TO}(?P<to>{NUMBER})\s?(?P<sign>[%％‰])",
     lambda m: _zh(_SIGNS[m["sign"]] + number(m["number"]) + "到" + number(m["to"]))),
    (rf"(?P<number>(?<![A-Za-z\d_ª.])[-−]?{NUMBER}|{NUMBER})\s?(?P<sign>[%％‰])",
     lambda m: _zh(("負" if m["number"][0] in "-−" else "") + _SIGNS[m["sign"]] + number(m["number"].lstrip("-−")))),
    (rf"(?<![A-Za-z\d_ª.])(?P<number>{NUMBER})(?:{TO}(?P<to>{NUMBER}))?\s?(?P<unit>{'|'.join(sorted(map(re.escape, UNITS), key=len, reverse=True))})(?![A-Za-z\d/])", _unit),
    (rf"(?<![A-Za-z\d_ª.])(?P<number>{NUMBER})\s?(?P<unit>{'|'.join(SPELLED_UNITS)})(?![A-Za-z\d])",
     lambda m: (("zh", number(m["number"])), ("letters" if m["unit"] not in _WORDS else "en", _WORDS.get(m["unit"], m["unit"])))),
    (r"(?<![A-Za-z\d])v(\d+(?:\.\d+)+)", lambda m: _zh(_version(m[1]) + "版")),
    (r"(?<![A-Za-z\d])(?:[A-Za-z]+-?\d+(?:\.\d+)*[A-Za-z]*\d*|\d+(?:\.\d+)*[A-Za-z]{1,3})(?![A-Za-z\d])", _name),
    (r"(?<![\d.])\d+(?:\.\d+){2,}(?![\d.]\d)", lambda m: _zh(_version(m[0]))),
    (rf"({NUMBER})\s?[x×X*]\s?({NUMBER})", lambda m: _zh(f"{number(m[1])}乘{number(m[2])}")),
    (r"(?<![\d/])(?P<above>\d{1,4})/(?P<below>\d{1,4})(?![\d/])", _fraction),
    (rf"第\s?(\d+)(?:{TO}(\d+))?", lambda m: _zh("第" + number(m[1]) .replace("兩百", "二百") + (f"到{number(m[2])}" if m[2] else ""))),
    (rf"(?<![A-Za-z\d_ª.])({NUMBER}){TO}({NUMBER})(?=\s?(?:{MEASURES}))", lambda m: _zh(f"{count(m[1])}到{count(m[2])}")),
    (rf"(?<![A-Za-z\d_ª.])({NUMBER})\s?[-–—~～〜]\s?({NUMBER})", lambda m: _zh(f"{number(m[1])}到{number(m[2])}")),
    (rf"(?<![A-Za-z\d_ª)）])[-−]({NUMBER})", lambda m: _zh("負" + number(m[1]))),
    (rf"({NUMBER})(?=\s?(?:{MEASURES}))", lambda m: _zh(count(m[1]))),
    (rf"{NUMBER}", lambda m: _zh(number(m[0]))),
    (r"(?<=\w)\s?\+\s?(?=\w)", lambda _: _zh("加")),
    (r"(?<=[\w ])=(?=[\w ])", lambda _: _zh("等於")),
    (r"&", lambda _: _zh("和")),
    (r"\+(?=\s|$)", lambda _: _zh("以上")),
)  # fmt: skip
RULES: tuple[tuple[re.Pattern[str], Reader], ...] = tuple((re.compile(pattern), said) for pattern, said in _READ)
"""Pattern and how its match is said."""
