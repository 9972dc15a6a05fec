"""Which files of a project may go, and why.  Looks at its folder; removes nothing.

| why | what | when |
| --- | --- | --- |
| stray | a temporary file (`.part`) | nobody wrote to it for an hour: a killed writer's |
| published | pieces: voice, pictures, presenters, encoded scenes | the video is published: it can't be cut anew, so no retry reads them |
| unnamed | pieces that no manifest names: of a script that was edited since | nobody wrote to them for KEEP_DAYS |

What a retry would need stays: all that a manifest names, what a stage that is not done may find again, what a presenter's
service was paid for, and every piece of a project that has not ended.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from reelqueue.models.frozen import Frozen
from reelqueue.models.manifest import AssetsManifest, RenderManifest
from reelqueue.models.project import ProjectState
from reelqueue.models.script import Script
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import ProjectFiles

STRAY_SECONDS = 3_600.0
"""A temporary file that nobody wrote to for so long, in a project that nobody has in hand, is a killed writer's."""
M = TypeVar("M", bound=Frozen)
PIECES = ("audio", "images", "avatars", "segments")
_PIECE = re.compile(r"([0-9a-f]{32})\.[a-z0-9]+", re.ASCII)
"""A piece, or its record, under the hash of its inputs; what came with an import, music and logo bear other names."""


class Why(StrEnum):
    """Why a file may go."""

    STRAY = "stray"
    PUBLISHED = "published"
    UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class Removable:
    """A file that may go, and its bytes."""

    path: Path
    bytes: int
    why: Why


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    bytes: int
    written: float


def has_any(files: ProjectFiles, *, ended: bool) -> bool:
    """Whether there is anything that might go; spares reading the states of all that were cleaned before."""
    return any(_is_part(file) or (ended and file.path.parent.name in PIECES) for file in _files(files.root))


def removable(state: ProjectState, files: ProjectFiles, *, pieces_too: bool, unnamed_before: datetime) -> list[Removable]:
    """The files that may go; of a project that has not ended no more than what killed writers left.

    Args:
        state: the project's.
        files: its folder.
        pieces_too: take the pieces of a published one, too.
        unnamed_before: a piece that no manifest names was last written before this.
    """
    stray_before, found = time.time() - STRAY_SECONDS, list(_files(files.root))
    goes = [Removable(file.path, file.bytes, Why.STRAY) for file in found if _is_part(file) and file.written < stray_before]
    if not state.status.is_final:
        return goes
    pieces = [file for file in found if file.path.parent.name in PIECES and not _is_part(file)]
    if is_published(state):
        return goes + [Removable(file.path, file.bytes, Why.PUBLISHED) for file in pieces if pieces_too]
    old = [file for file in pieces if file.written < unnamed_before.timestamp()]
    return goes + [Removable(file.path, file.bytes, Why.UNNAMED) for file in _unnamed(state, files, old)]


def is_published(state: ProjectState) -> bool:
    """Whether the project has ended with its one video."""
    return state.status is ProjectStatus.COMPLETED and state.upload is not None and state.upload.video_id is not None


def is_long_published(state: ProjectState, keep_days: int, now: datetime) -> bool:
    """Whether the project is completed, published, and untouched for `keep_days`."""
    ended = [known.finished_at for known in state.stages.values() if known.finished_at is not None]
    return is_published(state) and bool(ended) and max(ended) < now - timedelta(days=keep_days)


def _files(root: Path) -> Iterator[_File]:
    """The files of a project: in its folder and in the folders in it; links are followed nowhere."""
    try:
        with os.scandir(root) as entries:
            there = list(entries)
    except FileNotFoundError:
        return
    for entry in there:
        if entry.is_dir(follow_symlinks=False):
            with os.scandir(entry) as inside:
                yield from filter(None, map(_file, inside))
        elif (file := _file(entry)) is not None:
            yield file


def _file(entry: "os.DirEntry[str]") -> _File | None:
    try:
        if not entry.is_file(follow_symlinks=False):
            return None
        stat = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # removed since the folder was read
        return None
    return _File(Path(entry.path), stat.st_size, stat.st_mtime)


def _is_part(file: _File) -> bool:
    return file.path.suffix == ".part"


def _unnamed(state: ProjectState, files: ProjectFiles, old: Iterable[_File]) -> Iterator[_File]:
    """Those of `old` whose stage is done and whose manifest does not name them."""
    candidates = [(file, found[1]) for file in old if (found := _PIECE.fullmatch(file.path.name)) is not None]
    if not candidates:
        return
    named = _named_by_folder(state, files)
    for file, key in candidates:
        keys = named.get(file.path.parent.name)
        if keys is not None and key not in keys:
            yield file


def _named_by_folder(state: ProjectState, files: ProjectFiles) -> dict[str, set[str]]:
    """The keys that are named, by folder; a folder is missing where that can't be known, or a retry may find pieces in it.

    A presenter's clip is never among them: one that another stands in for was paid for, and a retry finds it again.
    """
    assets = _read(state, files, Stage.ASSETS, files.manifest(Stage.ASSETS), AssetsManifest)
    render = _read(state, files, Stage.RENDER, files.manifest(Stage.RENDER), RenderManifest)
    written = state.stages[Stage.SCRIPT].artifacts  # one that a person edited lies under its own hash
    script = _read(state, files, Stage.SCRIPT, files.root / written[0].path, Script) if written else None
    named: dict[str, set[str]] = {}
    if assets is not None and script is not None:
        shown = [name for part in assets.parts for name in (part.shown.key, part.shown.scene.picture)]
        named["images"] = _keys([*shown, *(segment.picture for segment in script.segments)])
    if assets is not None and render is not None:
        spoken = [piece for part in assets.parts for one in part.voice for piece in (one.key, one.sound.path)]
        named["audio"] = _keys([*spoken, render.sound.path])
    if render is not None:
        named["segments"] = _keys([piece for unit in render.units for piece in (unit.key, unit.file.path)])
    return named


def _keys(named: Iterable[str | None]) -> set[str]:
    return {Path(name).name.partition(".")[0] for name in named if name}


def _read(state: ProjectState, files: ProjectFiles, stage: Stage, path: Path, model: type[M]) -> M | None:
    """What a stage that is done has written; None where it is not done, or the file is not what the state says."""
    name = str(path.relative_to(files.root))
    artifact = next((one for one in state.stages[stage].artifacts if one.path == name), None)
    if state.stages[stage].status is not StageStatus.DONE or artifact is None:
        return None
    try:
        body = path.read_bytes()
        return model.model_validate_json(body) if hashlib.sha256(body).hexdigest() == artifact.sha256 else None
    except (OSError, ValidationError):
        return None
