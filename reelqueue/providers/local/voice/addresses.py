"""How an address or a file's name is said: example.com, state.json, me@example.com.  Pure."""

import re

from reelqueue.providers.local.voice.unit import Kind, Said

ADDRESS = (
    r"https?://(?:www\.)?(?P<host>[\w.-]+\w)(?:[/?#][\x21-\x7e]*)?"
    r"|[A-Za-z\d._-]+@[A-Za-z\d-]+(?:\.[A-Za-z\d-]+)+"
    r"|(?<![A-Za-z\d_ª.])[A-Za-z][A-Za-z\d_-]+(?:\.[a-z][a-z\d_-]*)+(?![A-Za-z\d])"
)
"""A web address (its path is not said), a mail address, a name with dots whose parts begin with small letters."""


def address(text: str, kind: Kind, dot: str) -> Said:
    """Its words one by one; `dot` in `kind` between them, "at" for @, nothing for hyphens and underscores."""
    said: list[tuple[Kind, str]] = []
    for part in re.findall(r"[A-Za-z]+|\d|[.@]", text):
        if part == ".":
            said.append((kind, dot))
        elif part == "@":
            said.append(("en", "at"))
        elif part.isdigit():
            said.append((kind, "零一二三四五六七八九"[int(part)] if kind == "zh" else _DIGITS[int(part)]))
        else:
            said.append(("letters" if len(part) == 1 or part in _SPELLED else "en", part))
    return tuple(said)


_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPELLED = frozenset(
    ("py", "js", "ts", "md", "txt", "csv", "tw", "io", "ai", "uk", "jp", "cn", "mp", "html", "css", "xml", "yml", "srt", "db")
)
