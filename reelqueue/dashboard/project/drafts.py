"""A script as a form has it: fields in, the JSON that an edit is read from out, and back.  Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jobs.editing.reading import as_edited
from reelqueue.dashboard.forms import Form
from reelqueue.models.script import Script

MOST_SEGMENTS = 400
"""Half an hour in segments of five seconds."""


@dataclass(frozen=True, slots=True)
class Part:
    """One segment, as typed.  `picture` is the one it came with, "" without."""

    text: str = ""
    image_description: str = ""
    heading: str = ""
    picture: str = ""

    @property
    def raw(self) -> dict[str, str | None]:
        """The JSON of it."""
        told = {"text": self.text, "image_description": self.image_description, "heading": self.heading or None}
        return told | {"picture": self.picture} if self.picture else told


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the form; `seen` is the script that it was made from."""

    seen: str
    title: str
    description: str
    tags: str
    intro: str
    outro: str
    segments: tuple[Part, ...]

    @property
    def digest(self) -> str:
        """Which draft it is: a price that was said of another does not count."""
        return hashlib.sha256(json.dumps(self.raw, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def raw(self) -> Mapping[str, object]:
        """The JSON that `Queue.edit_script` takes."""
        segments = [one.raw for one in self.segments]
        tags = [tag.strip() for tag in self.tags.replace("，", ",").split(",") if tag.strip()]
        return {
            "metadata": {"title": self.title, "description": self.description, "tags": tags},
            "intro": {"text": self.intro},
            "segments": segments,
            "outro": {"text": self.outro},
        }

    def with_one_more(self, place: int) -> "Draft":
        """An empty segment behind the one at `place` (from 0; -1: in front of all)."""
        at = max(0, min(place + 1, len(self.segments)))
        return replace(self, segments=(*self.segments[:at], Part(), *self.segments[at:]))

    def without(self, place: int) -> "Draft":
        """The same without the segment at `place`; the last one stays."""
        if not 0 <= place < len(self.segments) or len(self.segments) == 1:
            return self
        return replace(self, segments=(*self.segments[:place], *self.segments[place + 1 :]))


def draft_of(script: Script, seen: str) -> Draft:
    """A script as the form begins with it."""
    edited = as_edited(script)
    segments: Sequence[Mapping[str, str | None]] = edited["segments"]
    return Draft(
        seen=seen,
        title=script.metadata.title,
        description=script.metadata.description,
        tags=", ".join(script.metadata.tags),
        intro=script.intro.text,
        outro=script.outro.text,
        segments=tuple(Part(**{name: value or "" for name, value in one.items()}) for one in segments),
    )


def draft_in(form: Form) -> Draft:
    """What a form sent; segments count up to the last one that is there."""
    said = form.get("count")
    count = int(said[:9]) if said.isascii() and said.isdigit() else 0
    return Draft(
        seen=form.get("seen"),
        title=form.get("title"),
        description=form.get("description"),
        tags=form.get("tags"),
        intro=form.get("intro"),
        outro=form.get("outro"),
        segments=tuple(
            Part(form.get(f"text.{n}"), form.get(f"image.{n}"), form.get(f"heading.{n}"), form.get(f"picture.{n}"))
            for n in range(min(count, MOST_SEGMENTS))
        ),
    )
