"""A script of the Celery system, made into ours: every word and their order kept, all that is computed computed anew.

Its shape: `title`, `description`, `tags`, `segments` of `{type: intro|content|outro, text, duration, image_description}`.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from reelqueue.models.frozen import Frozen
from reelqueue.models.language import detect_language
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.wording import Text

LEAST_SEGMENTS = 3
"""An opening, something between, a closing."""
SHORTEST_S, LONGEST_S, LONGEST_VIDEO_S = 5.0, 20.0, 1_800.0
MOST_TITLE_CHARS, MOST_DESCRIPTION_BYTES, MOST_TAG_CHARS = 100, 4_800, 480
"""As YouTube takes them, with room for what publishing adds."""
_TYPES = ("intro", "content", "outro")


class OldScript(Frozen):
    """A script in our shape.

    `sources[n]` is the place that our segment `n` had among all of the old one's; `count` is how many those were.
    `is_speakable` says that it has an opening, something between and a closing: else it can only describe a video that
    is made already, and is told anew from `text`, its own words.
    """

    script: Script
    sources: tuple[int, ...]
    count: int
    is_speakable: bool
    text: str
    notes: tuple[Text, ...]


class _Told(Frozen):
    place: int
    kind: str
    text: str
    picture: str


def read_script(raw: Any, *, title: str | None, language: str, seconds: Callable[[str, str], float]) -> OldScript | None:
    """The script in our shape; None where there is none, or none with a word in it.

    Args:
        raw: the old state's `script`.
        title: what stands beside it, for a script without one.
        language: the default where its letters don't say it.
        seconds: the estimate of how long a text takes in a language.
    """
    if not isinstance(raw, Mapping):
        return None
    notes: list[Text] = []
    told, count = _told(raw, notes)
    if not told:
        return None
    text = "\n\n".join(part.text for part in told)
    tag = detect_language(text, language)

    def timed(part: _Told) -> float:
        return round(seconds(part.text, tag), 2)

    first, last = told[0], told[-1] if len(told) > 1 else None
    middle = told[1:-1]
    intro, outro = _part(first, timed), _part(last, timed)
    segments = tuple(
        Segment(index=index, text=part.text, duration=timed(part), image_description=part.picture or part.text[:300])
        for index, part in enumerate(middle)
    )
    total = round(intro.duration + sum(segment.duration for segment in segments) + outro.duration, 2)
    _note_shape(told, segments, total, notes)
    script = Script(
        intro=intro,
        segments=segments,
        outro=outro,
        metadata=_metadata(raw, title, told, notes),
        total_duration=total,
        language=tag,
    )
    return OldScript(
        script=script,
        sources=tuple(part.place for part in middle),
        count=count,
        is_speakable=len(told) >= LEAST_SEGMENTS,
        text=text,
        notes=tuple(notes),
    )


def _told(raw: Mapping[str, Any], notes: list[Text]) -> tuple[list[_Told], int]:
    """What is spoken, in its order, and how many segments there were."""
    listed = _listed(raw)
    told, unknown, silent, undescribed = list[_Told](), list[str](), 0, 0
    for place, item in enumerate(listed):
        data = item if isinstance(item, Mapping) else {"text": item}
        text = _clean(data.get("text"))
        if not text:
            silent += 1
            continue
        kind = str(data.get("type") or "").lower()
        if kind not in _TYPES:
            unknown.append(kind)
            kind = "content"
        picture = _clean(data.get("image_description") or data.get("image_prompt"))
        undescribed += kind == "content" and not picture
        told.append(_Told(place=place, kind=kind, text=text, picture=picture))
    if silent:
        notes.append(Text(f"{silent} 個段落沒有文字，略過", f"{silent} segments without a text are left out"))
    if unknown:
        names = ", ".join(sorted({repr(name[:40]) for name in unknown}))
        notes.append(Text(f"段落類型 {names} 當作 content", f"segments of the type {names} are told as content"))
    if undescribed:
        notes.append(Text(
            f"{undescribed} 個段落沒有 image_description，改用段落文字", f"{undescribed} segments have no image_description: their own words stand for it"
        ))  # fmt: skip
    return told, len(listed)


def _listed(raw: Mapping[str, Any]) -> list[Any]:
    """All segments as one list: some scripts hold the intro and the outro beside it."""
    middle = raw.get("segments")
    listed = list(middle) if isinstance(middle, list) else []
    for name, place in (("intro", 0), ("outro", len(listed) + 1)):
        beside = raw.get(name)
        if beside:
            data = dict(beside) if isinstance(beside, Mapping) else {"text": beside}
            listed.insert(place, data | {"type": name})
    return listed


def _note_shape(told: list[_Told], segments: tuple[Segment, ...], total: float, notes: list[Text]) -> None:
    if len(told) < LEAST_SEGMENTS:
        notes.append(Text(
            f"腳本只有 {len(told)} 段，少於 {LEAST_SEGMENTS} 段", f"the script has {len(told)} segments, fewer than {LEAST_SEGMENTS}"
        ))  # fmt: skip
    elif told[0].kind != "intro" or told[-1].kind != "outro":
        notes.append(Text(
            "開頭不是 intro 或結尾不是 outro：第一段當開場、最後一段當結尾，順序不變",
            "it does not begin with an intro and end with an outro: its first segment opens and its last one closes, the order stays",
        ))  # fmt: skip
    if any(part.kind != "content" for part in told[1:-1]):
        notes.append(
            Text("中間的 intro／outro 當作一般段落", "an intro or outro in the middle is told where it stands, as content")
        )
    odd = sum(not SHORTEST_S <= segment.duration <= LONGEST_S for segment in segments)
    if odd:
        notes.append(Text(
            f"{odd} 個段落不在 5 到 20 秒之間，一字不改地保留", f"{odd} segments take less than 5 or more than 20 s: they are kept word for word"
        ))  # fmt: skip
    if total > LONGEST_VIDEO_S:
        notes.append(Text(
            f"約 {total:,.0f} 秒，超過 {LONGEST_VIDEO_S:,.0f} 秒：合成前要先縮短", f"it takes about {total:,.0f} s, more than {LONGEST_VIDEO_S:,.0f}: it has to be shortened before it can be rendered"
        ))  # fmt: skip


def _part(told: _Told | None, timed: Callable[[_Told], float]) -> Part:
    return Part(text="", duration=0) if told is None else Part(text=told.text, duration=timed(told))


def _metadata(raw: Mapping[str, Any], beside: str | None, told: list[_Told], notes: list[Text]) -> Metadata:
    inner = raw.get("metadata")
    within = inner if isinstance(inner, Mapping) else {}
    title = _line(raw.get("title") or within.get("title"))
    if not title:
        title = _line(beside) or _line(re.split(r"[。．.！!？?\n]", told[0].text)[0]) or "reelqueue"
        notes.append(Text(f"腳本沒有標題，用「{title[:60]}」", f"the script has no title: {title[:60]!r} is taken"))
    if len(title) > MOST_TITLE_CHARS:
        title = title[: MOST_TITLE_CHARS - 1].rstrip() + "…"
        notes.append(Text("標題超過 100 字，已截短", "the title is longer than 100 characters and was cut"))
    description = _safe(_clean(raw.get("description") or within.get("description")))
    if len(description.encode()) > MOST_DESCRIPTION_BYTES:
        description = description.encode()[:MOST_DESCRIPTION_BYTES].decode(errors="ignore").rstrip()
        notes.append(Text("說明超過 YouTube 的上限，已截短", "the description is longer than YouTube takes and was cut"))
    return Metadata(title=title, description=description, tags=_tags(raw.get("tags") or within.get("tags"), notes))


def _tags(raw: Any, notes: list[Text]) -> tuple[str, ...]:
    listed = raw.split(",") if isinstance(raw, str) else raw if isinstance(raw, list) else []
    given = [tag.lstrip("#").strip() for tag in listed if isinstance(tag, str) and tag.strip()]
    out, used = list[str](), 0
    for tag in dict.fromkeys(_line(re.sub(r'[<>,"，]', " ", tag)) for tag in given):
        weight = len(tag) + 1 + 2 * (" " in tag)
        if 2 <= len(tag) <= 30 and used + weight <= MOST_TAG_CHARS:
            out.append(tag)
            used += weight
    if len(out) < len(set(given)):
        left = len(set(given)) - len(out)
        notes.append(Text(f"{left} 個標籤不合 YouTube 的規則，略過", f"{left} tags that YouTube does not take are left out"))
    return tuple(out)


def _clean(value: Any) -> str:
    """A text as it is, without what can be neither spoken nor written: control characters and halves of surrogate pairs."""
    if not isinstance(value, str):
        return ""
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"}).strip()


def _safe(text: str) -> str:
    return text.replace("<", "‹").replace(">", "›")


def _line(value: Any) -> str:
    return _safe(re.sub(r"\s+", " ", _clean(value)))
