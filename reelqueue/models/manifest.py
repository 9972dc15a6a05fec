"""What a stage's `manifest.json` lists: its pieces, and what the next stage builds from.

The state holds only the manifest's hash: a 30-minute video has hundreds of pieces.  `usage` is what the call for a piece
took, left out where it took nothing, so that an older version reads the record.
"""

from typing import Any, Literal

from pydantic import Field

from reelqueue.models.frozen import Frozen
from reelqueue.models.media import Loudness, MediaInfo
from reelqueue.models.project import Artifact, Usage
from reelqueue.models.scene import SceneSpec
from reelqueue.models.voice import Speech

Role = Literal["intro", "segment", "outro"]


class SpokenPiece(Frozen):
    """One piece of voice: the hash of its inputs, its sound file, and what is known of it."""

    key: str
    sound: Artifact
    speech: Speech
    usage: tuple[Usage, ...] = Field(default=(), exclude_if=lambda usage: not usage)


class ShownPiece(Frozen):
    """What one part shows.  `stand_in` where the maker failed and a drawn scene took its place."""

    key: str
    scene: SceneSpec
    picture: Artifact | None = None
    stand_in: bool = False
    usage: tuple[Usage, ...] = Field(default=(), exclude_if=lambda usage: not usage)


class PresentedPiece(Frozen):
    """A presenter for one part, as the service that made it describes it (`kind`: "figure" or "clip").

    `clip` is the file of a clip, None for a figure; it is left out there, so that an older version reads the record.
    """

    key: str
    description: dict[str, Any]
    clip: Artifact | None = Field(default=None, exclude_if=lambda clip: clip is None)
    usage: tuple[Usage, ...] = Field(default=(), exclude_if=lambda usage: not usage)


class PartAssets(Frozen):
    """All that one part of the script is made of."""

    role: Role
    index: int
    text: str
    voice: tuple[SpokenPiece, ...]
    shown: ShownPiece
    presenter: PresentedPiece | None = None


class AssetsManifest(Frozen):
    """`assets/manifest.json`: the parts in their order.  `look` is the script's."""

    language: str
    title: str
    topic: str
    tags: tuple[str, ...]
    parts: tuple[PartAssets, ...]
    look: dict[str, str] | None = Field(default=None, exclude_if=lambda look: look is None)

    @property
    def files(self) -> tuple[Artifact, ...]:
        """All files of all parts."""
        found = [part.shown.picture for part in self.parts]
        found += [part.presenter.clip for part in self.parts if part.presenter is not None]
        return (*(piece.sound for part in self.parts for piece in part.voice), *(file for file in found if file is not None))

    @property
    def spoken_s(self) -> float:
        """Seconds of voice, without the gaps between pieces."""
        return sum(piece.speech.duration_s for part in self.parts for piece in part.voice)


class UnitPiece(Frozen):
    """One encoded unit: a scene or a joint between two."""

    key: str
    file: Artifact
    frames: int


class RenderManifest(Frozen):
    """`render/manifest.json`: the units in their order, the sound, and what was measured of the result."""

    units: tuple[UnitPiece, ...]
    sound: Artifact
    loudness: Loudness
    video: MediaInfo
    frames: int
