"""What a scene shows, as data: drawn later, where neighbours and word times are known."""

from typing import Literal

from pydantic import Field

from reelqueue.models.frozen import Frozen

Layout = Literal[
    "opening", "statement", "number-hero", "points-rows", "backdrop", "outro", "picture-full", "picture-print",
]  # fmt: skip


class Figure(Frozen):
    """A number to be shown large: `value` as written ("84", "1,200", "3.5"), `unit` beside it ("%", "秒", "km")."""

    value: str
    unit: str
    start_char: int
    """Where the figure begins in the scene's text: it counts up when it is spoken."""


class Point(Frozen):
    """One item of a list, at most 16 Chinese characters or 7 words, and a note of at most 30 or 12."""

    title: str
    note: str
    start_char: int
    number: int | None = None
    """The ordinal that is spoken before it, where a list is told in several scenes; None: its place in this one."""


class SceneSpec(Frozen):
    """One scene.

    `candidates` are the layouts that fit, best first; neighbours decide which is drawn.  `text` is what is spoken
    in it.  `title` is the line in large type; `marked` the part of the title to be marked, or "".
    `subject` are words for the object to be drawn, best first, in the scene's language; `picture` is the user's
    or a service's picture, a path relative to the project's folder.
    """

    text: str
    language: str
    candidates: tuple[Layout, ...]
    title: str
    marked: str = ""
    kicker: str = ""
    note: str = ""
    subject: tuple[str, ...] = ()
    figure: Figure | None = None
    points: tuple[Point, ...] = ()
    picture: str | None = None
    picture_width: int = Field(default=0, description="px, 0 where there is no picture")
    picture_height: int = Field(default=0, description="px, 0 where there is no picture")
