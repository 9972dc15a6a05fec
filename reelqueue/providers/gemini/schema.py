"""The form of a script as Gemini is asked for it, and as its answer is read.

Asked is for what only a writer knows; index, durations and sums are ours.  The docstrings of what is asked for are sent along,
as descriptions.  Read is with patience: what is not needed may be missing, what is not known may stand there.
"""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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


def _line(value: Any) -> Any:
    """Text on one line, without the marks and signs that are not spoken."""
    return re.sub(r"\s+", " ", value).strip() if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """Tags as a list, also where they come as one text, with or without `#`."""
    return re.split(r"[,，、#\n]+", value) if isinstance(value, str) else value or []


Line = Annotated[str, BeforeValidator(_line)]
Maybe = Annotated[str, BeforeValidator(lambda value: _line(value) if isinstance(value, str) else "")]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ReadPart(_Read):
    """As `AskedPart`."""

    text: Line


class ReadSegment(_Read):
    """As `AskedSegment`."""

    text: Line
    image_description: Maybe = ""
    heading: Maybe = ""


class ReadMetadata(_Read):
    """As `AskedMetadata`."""

    title: Line = Field(min_length=1)
    description: str = ""
    tags: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()


class ReadScript(_Read):
    """As `AskedScript`."""

    intro: ReadPart
    segments: tuple[ReadSegment, ...] = Field(min_length=1)
    outro: ReadPart
    metadata: ReadMetadata
