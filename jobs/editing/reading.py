"""A script as a person wrote it, made into ours; pure.

Words are the person's: kept as they are, refused by the name of their field where they can't be spoken, shown or published.
What can be computed (`index`, durations) is computed, never read.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reelqueue.errors import InvalidBrief
from reelqueue.models.brief import MAX_DURATION_S, MOST_DESCRIPTION_BYTES, MOST_TITLE_CHARS, parse_brief
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.wording import Text

SHORTEST_S, LONGEST_S = 5.0, 20.0
"""Of a segment (contract, section 6); one whose words are as they were may be what it is."""
MOST_PICTURE_CHARS, MOST_HEADING_CHARS, MOST_PART_CHARS = 2_000, 100, 10_000
"""Chosen: a prompt's length, a line's, a whole brief's."""
_SCRIPT = ("intro", "segments", "outro", "metadata", "language", "total_duration", "first_title", "look")
_PART = ("text", "duration")
_SEGMENT = ("index", "text", "duration", "image_description", "heading", "picture")
_METADATA = ("title", "description", "tags")
Seconds = Callable[[str, str], float]
"""How long a text takes in a language, in seconds; 0 where nothing in it is spoken."""


def read_edit(raw: object, before: Script, *, seconds: Seconds) -> Script:
    """The script that `raw` is (a `Script`, or JSON of its shape), as an edit of `before`.

    Raises:
        InvalidBrief: names the field ("segments[2].text"), what is allowed, what was given.
    """
    data = raw.model_dump(mode="json") if isinstance(raw, Script) else raw
    return _Reading(before, seconds).script(data)


def as_edited(script: Script) -> dict[str, Any]:
    """What a person edits of a script: its words, nothing that is computed."""
    segments = [
        {"text": one.text, "image_description": one.image_description, "heading": one.heading}
        | ({"picture": one.picture} if one.picture is not None else {})
        for one in script.segments
    ]
    return {
        "metadata": script.metadata.model_dump(mode="json"),
        "intro": {"text": script.intro.text},
        "segments": segments,
        "outro": {"text": script.outro.text},
    }


@dataclass(frozen=True, slots=True)
class _Reading:
    before: Script
    seconds: Seconds

    def script(self, data: object) -> Script:
        whole = _mapping("script", data, _SCRIPT, needs=("intro", "segments", "outro"))
        if whole.get("language", self.before.language) != self.before.language:
            raise InvalidBrief(
                "language", Text(f"{self.before.language}（不能改）", f"{self.before.language}, as it was"), whole["language"]
            )
        listed = whole["segments"]
        if not isinstance(listed, list) or not listed:
            raise InvalidBrief("segments", Text("至少一個段落的清單", "a list of at least one segment"), listed)
        intro, outro = self._part("intro", whole["intro"]), self._part("outro", whole["outro"])
        segments = tuple(self._segment(f"segments[{index}]", index, one) for index, one in enumerate(listed))
        total = round(intro.duration + sum(one.duration for one in segments) + outro.duration, 2)
        if total > MAX_DURATION_S:
            allowed = Text(f"合計最多 {MAX_DURATION_S:,} 秒", f"at most {MAX_DURATION_S:,} s in all")
            raise InvalidBrief("segments", allowed, _in_seconds(total))
        return self.before.replace(
            intro=intro, segments=segments, outro=outro, metadata=self._metadata(whole.get("metadata")), total_duration=total
        )  # fmt: skip

    def _part(self, field: str, data: object) -> Part:
        part = _mapping(field, data, _PART, needs=("text",))
        text = self._words(f"{field}.text", part["text"], most=MOST_PART_CHARS)
        return Part(text=text, duration=self._length(f"{field}.text", text))

    def _segment(self, field: str, index: int, data: object) -> Segment:
        told = _mapping(field, data, _SEGMENT, needs=("text",))
        text = self._words(f"{field}.text", told["text"], most=MOST_PART_CHARS)
        duration = self._length(f"{field}.text", text)
        if text not in self.before.texts and not SHORTEST_S <= duration <= LONGEST_S:
            raise _of_wrong_length(f"{field}.text", duration)
        heading, shown = told.get("heading"), told.get("image_description", "")
        return Segment(
            index=index,
            text=text,
            duration=duration,
            image_description=self._words(f"{field}.image_description", shown, most=MOST_PICTURE_CHARS, least=0),
            heading=self._words(f"{field}.heading", heading, most=MOST_HEADING_CHARS, lines=False)
            if heading is not None
            else None,
            picture=self._picture(f"{field}.picture", told.get("picture")),
        )

    def _picture(self, field: str, given: object) -> str | None:
        known = [one.picture for one in self.before.segments if one.picture is not None]
        if given is None or given in known:
            return None if given is None else str(given)
        names = ", ".join(known)
        raise InvalidBrief(field, Text(f"null 或 {names}" if names else "null", f"null or {names}" if names else "null"), given)

    def _length(self, field: str, text: str) -> float:
        """The estimate; of words that stood there before the one that was made then, by whoever wrote them."""
        known: tuple[Part | Segment, ...] = (self.before.intro, *self.before.segments, self.before.outro)
        for part in known:
            if part.text == text:
                return part.duration
        length = round(self.seconds(text, self.before.language), 2)
        if not length or not any(one.isalnum() for one in text):
            raise InvalidBrief(field, Text("有可以唸出來的字", "words that can be spoken"), text)
        return length

    def _metadata(self, data: object) -> Metadata:
        before = self.before.metadata
        if data is None:
            return before
        told = _mapping("metadata", data, _METADATA)
        title, description, tags = (told.get(name, getattr(before, name)) for name in _METADATA)
        return Metadata(
            title=self._words("metadata.title", title, most=MOST_TITLE_CHARS, lines=False, angled=False),
            description=before.description if description == before.description else _description(description),
            tags=before.tags if tags in (before.tags, list(before.tags)) else _tags(tags),
        )

    def _words(self, field: str, given: object, **rules: Any) -> str:
        """A text that stood there before as it stood there, whatever the rules are now; any other by the rules."""
        return given if isinstance(given, str) and given in _all_words(self.before) else _words(field, given, **rules)


def _all_words(script: Script) -> set[str | None]:
    described = {words for one in script.segments for words in (one.image_description, one.heading)}
    return {*script.texts, script.metadata.title} | described


def _mapping(field: str, data: object, names: tuple[str, ...], needs: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """An object of these names.  Raises `InvalidBrief`: it is none, has others, or lacks one that it needs."""
    below = "" if field == "script" else f"{field}."
    if not isinstance(data, Mapping):
        raise InvalidBrief(field, Text("一個 JSON 物件", "a JSON object"), data)
    for name in data:
        if name not in names:
            raise InvalidBrief(
                f"{below}{name}", Text("這些欄位：" + "、".join(names), "one of the fields " + ", ".join(names)), name
            )
    for name in needs:
        if name not in data:
            raise InvalidBrief(f"{below}{name}", Text("一定要有", "that it is there"), None)
    return data


def _words(field: str, given: object, *, most: int, least: int = 1, lines: bool = True, angled: bool = True) -> str:
    """A text as a person typed it, in one form of Unicode and without what can't be seen.

    `lines`: it may have several.  `angled`: it may have `<` and `>`.
    """
    text = (
        unicodedata.normalize("NFC", given.replace("\r\n", "\n").replace("\r", "\n")).strip() if isinstance(given, str) else None
    )
    seen = text is not None and not any(unicodedata.category(one) in {"Cc", "Cs"} and one not in "\n\t" for one in text)
    plain = text is not None and (lines or "\n" not in text) and (angled or not set(text) & set("<>"))
    if text is None or not seen or not plain or not least <= len(text) <= most:
        kind = Text("文字" if lines else "一行文字", "text" if lines else "one line of text")
        without = Text("" if angled else "，不含 < >", "" if angled else ", without < >")
        allowed = Text(
            f"{least} 到 {most:,} 個字元的{kind.zh}{without.zh}，不含控制字元",
            f"{kind.en} of {least} to {most:,} characters{without.en}, without control characters",
        )
        too_long = isinstance(given, str) and not least <= len(given.strip()) <= most
        raise InvalidBrief(field, allowed, _in_characters(given) if too_long else given)
    return text


def _description(given: object) -> str:
    text = _words("metadata.description", given, most=MOST_DESCRIPTION_BYTES, least=0, angled=False)
    if len(text.encode()) > MOST_DESCRIPTION_BYTES:
        allowed = Text(f"最多 {MOST_DESCRIPTION_BYTES:,} 位元組", f"at most {MOST_DESCRIPTION_BYTES:,} bytes")
        raise InvalidBrief("metadata.description", allowed, f"{len(text.encode()):,}")
    return text


def _tags(given: object) -> tuple[str, ...]:
    try:  # a brief's tags have the same rules
        return parse_brief({"topic": "-", "tags": given}).tags
    except InvalidBrief as error:
        raise InvalidBrief("metadata.tags", error.allowed, given) from None


def _of_wrong_length(field: str, seconds: float) -> InvalidBrief:
    long = Text("請分成兩個段落", "cut it into two segments")
    short = Text("請與相鄰的段落合併，或寫長一點", "tell it with the segment beside it, or write more")
    return InvalidBrief(
        field,
        Text(
            f"唸起來約 {SHORTEST_S:g} 到 {LONGEST_S:g} 秒的文字",
            f"text that takes about {SHORTEST_S:g} to {LONGEST_S:g} s to speak",
        ),
        _in_seconds(seconds),
        long if seconds > LONGEST_S else short,
    )


def _in_seconds(seconds: float) -> str:
    return str(Text(f"約 {seconds:.1f} 秒", f"about {seconds:.1f} s"))


def _in_characters(given: object) -> str:
    count = len(str(given).strip())
    return str(Text(f"{count:,} 個字元", f"{count:,} characters"))
