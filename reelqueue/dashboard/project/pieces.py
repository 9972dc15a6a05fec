"""What a project is made of, as it lies on disk: each picture, each piece of voice, each encoded scene, when it was made and for how much.

A piece's record is written when the piece is done, and not again while it holds: so the time of the record is when it was made, and
one that is older than the stage's start was there already.  Nothing is guessed: what has no record is not made.
"""

import functools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from reelqueue.models.brief import Brief
from reelqueue.models.frozen import Frozen
from reelqueue.models.manifest import AssetsManifest, PartAssets, PresentedPiece, RenderManifest, ShownPiece, SpokenPiece
from reelqueue.models.project import Artifact, ProjectState, Usage
from reelqueue.models.script import Script, Segment
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.providers.protocols import Providers

Record = TypeVar("Record", bound=Frozen)
MOST_RECORD_BYTES = 16_000_000
"""Of a record or a manifest; ours are a small part of it."""


@dataclass(frozen=True, slots=True)
class Made:
    """A piece that is there: when it was made, and what it was billed for in US dollars (0: it was made here)."""

    at: datetime
    usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One part of the script, at its `place` from 1, and what there is of it.

    `title` is what is written large in it, `picture` a path below the project's folder (None: it is drawn, or not there yet).
    `voice` are the sounds that are there, of `pieces` in all; `voice_s` their length, `estimate_s` what the script expects.  `unit` is its encoded scene, None where
    there is none yet or nobody can tell which it is.
    """

    place: int
    role: str
    text: str
    title: str = ""
    image_description: str = ""
    picture: str | None = None
    shown: Made | None = None
    stand_in: bool = False
    voice: tuple[str, ...] = ()
    spoken: tuple[Made, ...] = ()
    pieces: int = 0
    voice_s: float = 0.0
    estimate_s: float = 0.0
    unit: Made | None = None

    @property
    def seconds(self) -> float:
        """How long it is spoken: as it was, else as the script estimates."""
        return self.voice_s if 0 < self.pieces == len(self.spoken) else self.estimate_s

    @property
    def is_ready(self) -> bool:
        """Whether all that it is rendered from is there."""
        return self.shown is not None and 0 < self.pieces == len(self.spoken)


@dataclass(frozen=True, slots=True)
class Pieces:
    """All of a project.  `units` are encoded scenes and the joints between them; `wanted_units` is None while nobody knows how many."""

    scenes: tuple[Scene, ...] = ()
    presenters: tuple[Made, ...] = ()
    units: tuple[Made, ...] = ()
    wanted_units: int | None = None
    stand_ins: int = 0

    @property
    def images(self) -> tuple[Made, ...]:
        """What is shown, part by part."""
        return tuple(scene.shown for scene in self.scenes if scene.shown is not None)  # each part has a picture of its own

    @property
    def voice(self) -> tuple[Made, ...]:
        """What is spoken, piece by piece."""
        return _once((path, made) for scene in self.scenes for path, made in zip(scene.voice, scene.spoken, strict=True))

    @property
    def rendered(self) -> int:
        """How many scenes are encoded, as far as it can be told scene by scene."""
        return sum(scene.unit is not None for scene in self.scenes)


def _once(pieces: Iterable[tuple[str, Made]]) -> tuple[Made, ...]:
    """Each piece by its path; what is said twice is one piece, and was paid for once."""
    seen: set[str] = set()
    found = []
    for path, made in pieces:
        found.append(replace(made, usd=0.0) if path in seen else made)
        seen.add(path)
    return tuple(found)


def pieces_of(state: ProjectState, root: Path, brief: Brief | None, providers: Providers | None) -> Pieces:
    """What there is of a project whose folder is `root`.  Synchronous, for a thread.

    `brief` (its channel's wishes filled in) and `providers` name the pieces of a stage that is under way; without them only what a
    finished stage listed is told.  What can't be read is not there.
    """
    manifest = _listed(state, root, Stage.ASSETS, AssetsManifest)
    script = _script(state, root)
    if manifest is not None:
        scenes = [_scene_of_part(root, part, script) for part in manifest.parts]
        presenters = [
            _made(root, f"avatars/{part.presenter.key}.json", part.presenter.usage) for part in manifest.parts if part.presenter
        ]
    elif script is not None and brief is not None and providers is not None:
        scenes = _expected(root, script, brief, providers)
        presenters = [_made(root, name, piece.usage) for name, piece in _records(root, "avatars", PresentedPiece)]
    elif script is not None:
        scenes = _parts(script)
        presenters = []
    else:
        return Pieces()
    units, wanted = _units(state, root)
    return Pieces(
        scenes=tuple(_with_units(state, scenes, units)),
        presenters=tuple(one for one in presenters if one is not None),
        units=tuple(units),
        wanted_units=wanted,
        stand_ins=sum(scene.stand_in for scene in scenes),
    )


def _scene_of_part(root: Path, part: PartAssets, script: Script | None) -> Scene:
    found = [(piece, _made(root, f"audio/{piece.key}.json", piece.usage)) for piece in part.voice]
    there = [(piece, made) for piece, made in found if made is not None]
    segment = _segment(script, part.index)
    return Scene(
        place=part.index + 1,
        role=part.role,
        text=part.text,
        title=part.shown.scene.title,
        image_description=segment.image_description if segment is not None else "",
        picture=part.shown.picture.path if part.shown.picture is not None else None,
        shown=_made(root, f"images/{part.shown.key}.json", part.shown.usage),
        stand_in=part.shown.stand_in,
        voice=tuple(piece.sound.path for piece, _ in there),
        spoken=tuple(made for _, made in there),
        pieces=len(part.voice),
        voice_s=sum(piece.speech.duration_s for piece, _ in there),
    )


def _expected(root: Path, script: Script, brief: Brief, providers: Providers) -> list[Scene]:
    """The parts of a script whose assets are being made, by the names that the stage gives them."""
    from jobs.video.images import image_record, image_requests, named_requests  # noqa: PLC0415 - a board's start loads no pictures
    from jobs.video.speech import speech_key, speech_request  # noqa: PLC0415 - as above

    scenes: list[Scene] = []
    requests = named_requests(providers.image, image_requests(brief, script))
    for part, (request, _) in zip(_parts(script), requests, strict=True):
        makers = (providers.image, providers.stand_in) if request.role == "segment" else (providers.stand_in,)
        names = [image_record(maker, request) for maker in makers]
        shown = next((found for name in names if (found := _record(root, name, ShownPiece)) is not None), None)
        pieces = providers.voice.pieces(part.text, script.language)
        keys = [speech_key(providers.voice, speech_request(brief, piece, script.language)) for piece in pieces]
        spoken = [heard for key in keys if (heard := _record(root, f"audio/{key}.json", SpokenPiece)) is not None]
        scene = replace(
            part,
            voice=tuple(piece.sound.path for piece, _ in spoken),
            spoken=tuple(Made(at, _usd(piece.usage)) for piece, at in spoken),
            pieces=len(pieces),
            voice_s=sum(piece.speech.duration_s for piece, _ in spoken),
        )
        scenes.append(scene if shown is None else _with_picture(scene, *shown))
    return scenes


def _with_picture(scene: Scene, piece: ShownPiece, at: datetime) -> Scene:
    picture = piece.picture.path if piece.picture is not None else None
    return replace(scene, title=piece.scene.title, picture=picture, shown=Made(at, _usd(piece.usage)))


def _parts(script: Script) -> list[Scene]:
    """Each part of a script, as it is before anything of it is made."""
    title = script.metadata.title
    middle = [
        Scene(place, "segment", one.text, one.heading or "", one.image_description, estimate_s=one.duration)
        for place, one in enumerate(script.segments, start=2)
    ]
    first = Scene(1, "intro", script.intro.text, title, estimate_s=script.intro.duration)
    return [first, *middle, Scene(len(middle) + 2, "outro", script.outro.text, title, estimate_s=script.outro.duration)]


def _segment(script: Script | None, index: int) -> Segment | None:
    if script is None or not 1 <= index <= len(script.segments):
        return None
    return script.segments[index - 1]


def _units(state: ProjectState, root: Path) -> tuple[list[Made], int | None]:
    """The encoded units in their order: as the render listed them, else as they came."""
    manifest = _listed(state, root, Stage.RENDER, RenderManifest)
    if manifest is not None:
        found = [_made(root, f"segments/{unit.key}.json", ()) for unit in manifest.units]
        return [one for one in found if one is not None], len(manifest.units)
    times = []
    for name in _names(root / "segments"):
        made = _made(root, f"segments/{name}", ())
        if made is not None:
            times.append(made)
    return sorted(times, key=lambda one: one.at), None


def _with_units(state: ProjectState, scenes: Sequence[Scene], units: Sequence[Made]) -> list[Scene]:
    """Each scene with its unit: scenes and joints take turns, and are encoded in their order.

    While an earlier cut lies there, too, nobody can tell which of its units stay, and no scene gets one.
    """
    render = state.stages[Stage.RENDER]
    is_whole = render.status is StageStatus.DONE and len(units) == 2 * len(scenes) - 1
    began = render.started_at
    is_first_cut = render.status is StageStatus.RUNNING and began is not None and all(one.at >= began for one in units)
    if not (is_whole or is_first_cut):
        return list(scenes)
    return [replace(scene, unit=units[2 * number]) if 2 * number < len(units) else scene for number, scene in enumerate(scenes)]


# Files.


def _script(state: ProjectState, root: Path) -> Script | None:
    known = state.stages[Stage.SCRIPT]
    artifact = known.artifacts[0] if known.artifacts else None
    return _parsed(root, artifact, Script) if artifact is not None else None


def _listed(state: ProjectState, root: Path, stage: Stage, model: type[Record]) -> Record | None:
    """A finished stage's manifest: the last of its artifacts."""
    known = state.stages[stage]
    if known.status is not StageStatus.DONE or not known.artifacts:
        return None
    path = root / known.artifacts[-1].path
    try:
        seen = path.stat()
    except OSError:  # gone: its stage makes it again
        return None
    found: Record | None = _manifest(path, model, seen.st_mtime_ns, seen.st_ino)
    return found


@functools.lru_cache(maxsize=4)
def _manifest(path: Path, model: type[Frozen], _mtime_ns: int, _inode: int) -> Any:
    """A manifest as it was when its file was this one: half an hour of video has megabytes of it, and an open page asks again."""
    found = _record(path.parent, path.name, model)
    return found[0] if found is not None else None


def _parsed(root: Path, artifact: Artifact, model: type[Record]) -> Record | None:
    found = _record(root, artifact.path, model)
    return found[0] if found is not None else None


def _record(root: Path, name: str, model: type[Record]) -> tuple[Record, datetime] | None:
    path = root / name
    try:
        with path.open("rb") as file:
            seen = os.fstat(file.fileno())
            if seen.st_size > MOST_RECORD_BYTES:
                return None
            return model.model_validate_json(file.read()), _moment(seen)
    except (OSError, ValidationError):  # not there yet, or spoilt: its stage makes it again
        return None


def _records(root: Path, folder: str, model: type[Record]) -> Iterable[tuple[str, Record]]:
    for name in _names(root / folder):
        if not name.endswith(".job.json") and (found := _record(root, f"{folder}/{name}", model)) is not None:
            yield f"{folder}/{name}", found[0]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(one.name for one in folder.iterdir() if one.suffix == ".json")
    except OSError:  # nothing was made yet
        return []


def _made(root: Path, name: str, usage: Iterable[Usage]) -> Made | None:
    try:
        return Made(_moment((root / name).stat()), _usd(usage))
    except OSError:  # gone: the stage that needs it makes it again
        return None


def _moment(seen: os.stat_result) -> datetime:
    return datetime.fromtimestamp(seen.st_mtime, UTC)


def _usd(usage: Iterable[Usage]) -> float:
    return sum(use.cost_usd for use in usage)
