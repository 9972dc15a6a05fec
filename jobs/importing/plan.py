"""What an import is going to do with one old project: data."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from reelqueue.errors import ReelqueueError
from reelqueue.models.brief import Brief
from reelqueue.models.media import MediaInfo
from reelqueue.models.old_state import OldProject, SegmentSeconds
from reelqueue.models.script import Script
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.providers.protocols import Providers
from reelqueue.wording import Text
from storage import Paths, ProjectStore
from storage.old_folders import OldFolder


class Outcome(StrEnum):
    """What becomes of an old project."""

    NEW = "new"
    PRESENT = "present"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Workshop:
    """What an import works with.

    `seconds` estimates how long a text takes in a language; `language` is the default of a narration; `spare_bytes` are
    left free on the disk.
    """

    paths: Paths
    projects: ProjectStore
    providers: Providers
    seconds: SegmentSeconds
    language: str
    spare_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class OldFiles:
    """The files that are good enough to be taken over.  `pictures` by our segments' indices."""

    pictures: dict[int, Path] = field(default_factory=dict)
    video: Path | None = None
    info: MediaInfo | None = None
    captions: Path | None = None
    thumbnail: Path | None = None
    thumbnail_size: tuple[int, int] = (0, 0)

    @property
    def all(self) -> tuple[Path, ...]:
        """Every one of them."""
        alone = [path for path in (self.video, self.captions, self.thumbnail) if path is not None]
        return (*self.pictures.values(), *alone)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An old project that can be taken over.

    `identity` is the same whenever the same project is met again, wherever it lies.  `script` is None where it has to be
    written (anew).  `status` is what the project will be: created, completed, or needs_person.
    """

    old: OldProject
    identity: str
    sha256: str
    brief: Brief
    script: Script | None
    files: OldFiles
    status: ProjectStatus
    next_stage: Stage | None

    @property
    def finished_at(self) -> datetime | None:
        """When the old system last wrote its state."""
        return self.old.updated_at


@dataclass(frozen=True, slots=True)
class Plan:
    """One old project and what becomes of it.

    `project_id` is the id here: kept, known from before, or None where the next free one is to be taken (or it is
    refused).  `notes` say what is used and what is not.
    """

    folder: OldFolder
    outcome: Outcome
    project_id: int | None = None
    notes: tuple[Text, ...] = ()
    error: ReelqueueError | None = None
    accepted: Accepted | None = None
