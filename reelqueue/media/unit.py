"""What is asked of the encoder: one unit of the video, a scene's body or the joint between two scenes.

A request holds everything that decides the pixels, as JSON, so its hash can name the piece.  `out` and
`project_root` say only where things lie: they are left out of `pixels`.  Pictures are named by path, so their
content has to be hashed beside it.
"""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from reelqueue.models.cue import Cue
from reelqueue.models.frozen import Frozen
from reelqueue.models.voice import Viseme, Word

TIME_DIGITS = 4
"""Times are kept to 0.1 ms: the noise of sums of floats must not give the same scene another name."""


def _rounded(value: Any) -> Any:
    """The same JSON with its floats rounded."""
    if isinstance(value, float):
        return round(value, TIME_DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


class UnitClip(Frozen):
    """A presenter's clip: its file below the project's folder, and when its first picture is due in the scene."""

    path: str
    sha256: str
    start_s: float

    @field_validator("start_s", mode="after")
    @classmethod
    def _time_is_rounded(cls, start_s: float) -> float:
        return round(start_s, TIME_DIGITS)


class UnitScene(Frozen):
    """One scene of a unit.

    `scene` is an `art.arrange.ArrangedScene` as JSON; `frames` is the whole of the scene, joints included, of which
    the unit shows those from `first` on.  Words, visemes, cues and the clip are in the scene's own time.
    """

    scene: dict[str, Any]
    frames: int = Field(ge=1)
    first: int = Field(ge=0)
    words: tuple[Word, ...] = ()
    visemes: tuple[Viseme, ...] = ()
    cues: tuple[Cue, ...] = ()
    presenter: bool = False
    clip: UnitClip | None = Field(default=None, exclude_if=lambda clip: clip is None)
    """Left out where there is none: units that were made before there were clips keep their names."""

    @field_validator("words", "visemes", "cues", mode="after")
    @classmethod
    def _times_are_rounded(cls, items: tuple[Frozen, ...]) -> tuple[Frozen, ...]:
        return tuple(type(item).model_validate(_rounded(item.model_dump(mode="json"))) for item in items)


class UnitRequest(Frozen):
    """One unit: one scene is a body, two are a joint in which the second fades in over the first."""

    scenes: tuple[UnitScene, ...] = Field(min_length=1, max_length=2)
    style: dict[str, Any]
    subtitles: Literal["box", "outline", "none"] = "box"
    frames: int = Field(ge=1)
    fps: int = Field(ge=1, le=120)
    width: int = Field(ge=16, le=8192)
    height: int = Field(ge=16, le=8192)
    logo: Path | None = None
    font_dir: Path | None = None
    project_root: Path
    out: Path

    @model_validator(mode="after")
    def _frames_lie_in_the_scenes(self) -> Self:
        for scene in self.scenes:
            if scene.first + self.frames > scene.frames:
                raise ValueError("a unit can't show more frames than its scene has")
        return self

    @property
    def pixels(self) -> dict[str, Any]:
        """What decides the pixels, as JSON: what the piece's name is the hash of."""
        return self.model_dump(mode="json", exclude={"out", "project_root"})


class UnitInfo(Frozen):
    """A unit that was written."""

    frames: int
    bytes: int


def part_of(out: Path) -> Path:
    """Where a file grows until it is whole; nobody else writes there."""
    return out.with_name(out.name + ".part")
