"""The form of a script as Gemini is asked for it, and as its answer is read.

Asked is for what only a writer knows; index, durations and sums are ours.  The docstrings of what is asked for are sent along,
as descriptions.  Read is with patience: what is not needed may be missing, what is not known may stand there.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

SCHEMA_VERSION = 1
"""Part of the writer's version: raise it when another form is asked for."""


class AskedPart(BaseModel):
    """The intro or the outro."""

    text: str = Field(description="what is spoken")


class AskedSegment(BaseModel):
    """One thought and its picture."""

    text: str = Field(description="what is spoken")
    image_description: str = Field(description="in English: the one picture that is seen meanwhile, without any text in it")
    heading: str | None = Field(description="the content's own heading above this place, where it has one; else null")


class AskedMetadata(BaseModel):
    """What the video is published with."""

    title: str
    description: str
    tags: list[str]


class AskedScript(BaseModel):
    """The whole script of a video."""

    intro: AskedPart
    segments: list[AskedSegment]
    outro: AskedPart
    metadata: AskedMetadata


_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""What steers a terminal or turns the direction of writing, and half letters: nobody writes them, models do.  Joiners stay."""


def _seen(value: Any) -> Any:
    """Text without what nobody sees; its lines end in one way."""
    return _UNSEEN.sub("", value.replace("\r\n", "\n").replace("\r", "\n")) if isinstance(value, str) else value


def _line(value: Any) -> Any:
    """Text on one line, without the marks and signs that are not spoken."""
    return re.sub(r"\s+", " ", _seen(value)).strip() if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """Tags as a list, also where they come as one text, with or without `#`."""
    if isinstance(value, str):
        return re.split(r"[,，、#\n]+", _seen(value))
    return [_line(tag) for tag in value] if isinstance(value, list) else value or []


MOST_PICTURE_CHARS, MOST_PART_CHARS = 2_000, 10_000
"""As a person may write (`jobs/editing/reading.py`): a longer description is cut, a longer part is no script."""
Line = Annotated[str, BeforeValidator(_line)]
Spoken = Annotated[Line, Field(max_length=MOST_PART_CHARS)]
Maybe = Annotated[str, BeforeValidator(lambda value: _line(value) if isinstance(value, str) else "")]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ReadPart(_Read):
    """As `AskedPart`."""

    text: Spoken


class ReadSegment(_Read):
    """As `AskedSegment`."""

    text: Spoken
    image_description: Annotated[Maybe, AfterValidator(lambda text: text[:MOST_PICTURE_CHARS])] = ""
    heading: Maybe = ""


class ReadMetadata(_Read):
    """As `AskedMetadata`."""

    title: Line = Field(min_length=1)
    description: Annotated[str, BeforeValidator(_seen)] = ""
    tags: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()


class ReadScript(_Read):
    """As `AskedScript`."""

    intro: ReadPart
    segments: tuple[ReadSegment, ...] = Field(min_length=1)
    outro: ReadPart
    metadata: ReadMetadata
