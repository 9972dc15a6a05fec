"""What a prompt asks for: its topic, its text, its language and its length; pure.

The sandbox has no model that understands: it looks for the labels that a prompt for a script has anyway.  A prompt without
any of them gets a script of a minute about its own first words.
"""

import hashlib
import re
from dataclasses import dataclass

from reelqueue.models.language import HAN, detect_language

DEFAULT_SECONDS = 60.0
LONGEST_TOPIC = 80
"""Characters; a longer one is told by its beginning."""

_TAGGED = r"<{0}>\s*(.*?)\s*</{0}>"
_TOPIC_LINE = re.compile(
    r"^[ \t]*[-*#]*[ \t]*(?:topic|subject|主題|題目|標題)[ \t]*(?:\([^)\n]*\)|（[^）\n]*）)?[ \t]*[:：][ \t]*(\S.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_TOPIC_KEY = re.compile(r'"topic"\s*:\s*"((?:[^"\\]|\\.)+)"')
_CONTENT_KEY = re.compile(r'"content"\s*:\s*"((?:[^"\\]|\\.)+)"')
_CONTENT_LABEL = re.compile(
    r"^[ \t]*[-*#]*[ \t]*(?:content|source text|text to tell|內容|文章|原文|本文)[ \t]*[:：][ \t]*\n?(.+)\Z",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_FENCE = re.compile(r"(?:```\w*|\"\"\")\s*\n(.+?)\n\s*(?:```|\"\"\")", re.DOTALL)
_LANGUAGE = re.compile(
    r"(?:language|語言|語文)[^\n:：]{0,24}[:：][ \t]*\W{0,3}(zh|en|traditional chinese|chinese|english|繁體|正體|中文|英文)",
    re.IGNORECASE,
)
_NAMED_LANGUAGE = re.compile(r"traditional chinese|zh-TW|zh-Hant|繁體中文|正體中文|\bin english\b|\ben-US\b|英文", re.IGNORECASE)
_LENGTH = re.compile(
    r"(?:duration|length|lasts?|long|長度|時長|總長|秒數)[^\d\n]{0,40}(\d+(?:\.\d+)?)\s*(seconds?|secs?|s\b|minutes?|mins?|秒|分鐘)",
    re.IGNORECASE,
)
_LENGTH_BEFORE = re.compile(
    r"(\d+(?:\.\d+)?)[- ]?(seconds?|minutes?|秒|分鐘)[- ]?(?:long\b|in all|in total|video|narration|的影片|的旁白|左右)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[「『“\"]([^」』”\"\n]{2,200})[」』”\"]")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a script is asked for.  `language` is "zh" or "en"; `seconds` None where the prompt names no length."""

    topic: str
    content: str | None
    language: str
    seconds: float | None
    seed: int

    @property
    def chinese(self) -> bool:
        """Whether it is to be told in Chinese."""
        return self.language == "zh"

    @property
    def joint(self) -> str:
        """What stands between two sentences."""
        return "" if self.chinese else " "


def read_wish(prompt: str, instruction: str = "") -> Wish:
    """What `prompt` asks for; `instruction` (the system's part) may name language and length too."""
    content = _content(prompt)
    topic = _topic(prompt.replace(content, " ") if content else prompt, content)
    everything = f"{prompt}\n{instruction}"
    return Wish(topic, content, _language(everything, content or topic), _seconds(everything, content), seed_of(prompt))


def seed_of(text: str) -> int:
    """A number that follows from the text, the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def _tagged(prompt: str, *names: str) -> str | None:
    for name in names:
        if found := re.search(_TAGGED.format(name), prompt, re.DOTALL | re.IGNORECASE):
            return found[1] or None
    return None


def _content(prompt: str) -> str | None:
    for found in (
        _tagged(prompt, "content", "source", "text", "article"),
        _first(_CONTENT_LABEL, prompt),
        _first(_FENCE, prompt),
    ):
        if found and len(found) > 40:
            return found
    if found := _first(_CONTENT_KEY, prompt):
        return _unescaped(found)
    return None


def _topic(prompt: str, content: str | None) -> str:
    found = _tagged(prompt, "topic", "title", "subject") or _first(_TOPIC_LINE, prompt)
    if not found and (escaped := _first(_TOPIC_KEY, prompt)):
        found = _unescaped(escaped)
    if not found and content:
        found = re.split(r"[，。！？；,;!?]|\.\s", re.sub(r"^#+\s*", "", content.strip().splitlines()[0]))[0]
    found = found or _first(_QUOTED, prompt) or next((line for line in prompt.splitlines() if line.strip()), "")
    line = re.sub(r"\s+", " ", found).strip(" \"'「」『』“”.。")
    return line[:LONGEST_TOPIC].strip() or "…"


def _language(everything: str, told: str) -> str:
    named = _LANGUAGE.search(everything) or _NAMED_LANGUAGE.search(everything)
    if named:
        name = named[1] if named.re is _LANGUAGE else named[0]
        return "en" if re.match(r"en|in english|英", name, re.IGNORECASE) else "zh"
    found = detect_language(told, "en")
    return "zh" if found.startswith("zh") or (found != "en" and re.search(f"[{HAN}]", told)) else "en"


def _seconds(everything: str, content: str | None) -> float | None:
    asked = everything.replace(content, " ") if content else everything
    found = _LENGTH.search(asked) or _LENGTH_BEFORE.search(asked)
    if not found:
        return None if content else DEFAULT_SECONDS
    minutes = found[2].lower().startswith(("min", "分"))
    return float(found[1]) * (60 if minutes else 1)


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[1].strip() if found else None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": " "}.get(found[1], found[1]), text)
