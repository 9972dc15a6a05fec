"""Where everything lies below `DATA_DIR`.  Only `storage/` builds a path to a state file.

Ids are checked here once more (`models.ids`), so no id can lead out of the folder.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from reelqueue.models.ids import parse_batch_id, parse_project_id
from reelqueue.models.stage import Stage
from storage.disk import make_folder

STATE, BATCH_STATE, BATCH_RESULTS = "project_state.json", "batch_state.json", "results.json"
LEASE = "lease.json"
_FOLDERS = ("audio", "images", "avatars", "segments", "output", "assets", "render", "thumbnail")


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """One project's folder; every path is absolute."""

    root: Path

    @property
    def state(self) -> Path:
        """The truth; only `storage` writes it."""
        return self.root / STATE

    @property
    def script(self) -> Path:
        """The script, a `models.script.Script`."""
        return self.root / "script.json"

    @property
    def audio(self) -> Path:
        """Folder of the pieces of voice, and of the sound of the whole."""
        return self.root / "audio"

    @property
    def images(self) -> Path:
        """Folder of pictures."""
        return self.root / "images"

    @property
    def avatars(self) -> Path:
        """Folder of presenters."""
        return self.root / "avatars"

    @property
    def segments(self) -> Path:
        """Folder of encoded units."""
        return self.root / "segments"

    @property
    def output(self) -> Path:
        """Folder of what the user came for."""
        return self.root / "output"

    @property
    def video(self) -> Path:
        """The finished video."""
        return self.output / "final_video.mp4"

    @property
    def thumbnail(self) -> Path:
        """The finished thumbnail."""
        return self.output / "thumbnail.jpg"

    @property
    def captions(self) -> Path:
        """The finished captions."""
        return self.output / "captions.srt"

    @property
    def session(self) -> Path:
        """The upload session's secret address, mode 0600: see `storage.sessions`."""
        return self.root / "session"

    @property
    def lease(self) -> Path:
        """Who has the project in hand; only `storage` writes it."""
        return self.root / LEASE

    @property
    def events(self) -> Path:
        """News, never truth; the last line may be torn."""
        return self.root / "events.jsonl"

    def manifest(self, stage: Stage) -> Path:
        """What a stage lists of its pieces."""
        return self.root / str(stage) / "manifest.json"

    def make(self) -> None:
        """Make the folders that are not there, 0700."""
        for name in _FOLDERS:
            make_folder(self.root / name)


@dataclass(frozen=True, slots=True)
class Paths:
    """The layout below `DATA_DIR`.  `root` is made absolute, links in the path to it followed."""

    root: Path

    def __post_init__(self) -> None:
        home = os.path.expanduser(self.root)  # noqa: PTH111 - Path's own raises for an unknown user
        object.__setattr__(self, "root", Path(home).resolve())

    def project(self, project_id: object) -> ProjectFiles:
        """A project's folder, whether it is there or not.

        Raises:
            ProjectNotFound: `project_id` is no id.
        """
        return ProjectFiles(self.projects / str(parse_project_id(project_id)))

    def batch(self, batch_id: object) -> Path:
        """A batch's folder, whether it is there or not.

        Raises:
            BatchNotFound: `batch_id` is no id.
        """
        return self.batches / str(parse_batch_id(batch_id))

    def library(self, project_id: object) -> Path:
        """A project's folder in the local publisher's channel.

        Raises:
            ProjectNotFound: `project_id` is no id.
        """
        return self.library_root / str(parse_project_id(project_id))

    @property
    def projects(self) -> Path:
        """A folder for each project."""
        return self.root / "projects"

    @property
    def batches(self) -> Path:
        """A folder for each batch."""
        return self.root / "batches"

    @property
    def open(self) -> Path:
        """A marker for each project that is not ended."""
        return self.root / "open"

    @property
    def owed(self) -> Path:
        """A marker for each project that owes its video something: captions that are sent when there is quota for them."""
        return self.root / "owed"

    @property
    def outbox(self) -> Path:
        """What webhooks are to be told, and were; made with the first event."""
        return self.root / "outbox"

    @property
    def notices(self) -> Path:
        """What people were told, a folder for each kind of wait; made with the first one."""
        return self.root / "notices"

    @property
    def paused(self) -> Path:
        """A marker for each queue that a person paused; made with the first one."""
        return self.root / "paused"

    @property
    def history(self) -> Path:
        """What each channel published, as videos are known again by."""
        return self.root / "history"

    @property
    def metrics(self) -> Path:
        """The copy of what was counted; made with the first one."""
        return self.root / "metrics"

    @property
    def gone(self) -> Path:
        """A tombstone for each deleted project."""
        return self.root / "gone"

    @property
    def gone_batches(self) -> Path:
        """A tombstone for each batch that was removed; made with the first one."""
        return self.root / "gone-batches"

    @property
    def keys(self) -> Path:
        """Idempotency keys, by their hash."""
        return self.root / "keys"

    @property
    def ledger(self) -> Path:
        """Spend and quota, a folder for each Pacific day."""
        return self.root / "ledger"

    @property
    def library_root(self) -> Path:
        """The local publisher's channel."""
        return self.root / "library"

    @property
    def trash(self) -> Path:
        """What is being deleted; swept at the next start."""
        return self.root / "trash"

    @property
    def incoming(self) -> Path:
        """Folders of projects that are being taken over from elsewhere; the next import sweeps what a killed one left."""
        return self.root / "incoming"

    @property
    def redis_dir(self) -> Path:
        """The embedded server's folder."""
        return self.root / "redis"

    @property
    def instance_file(self) -> Path:
        """Which installation this is."""
        return self.root / "instance.json"

    @property
    def reserve(self) -> Path:
        """Space kept for the last commits on a full disk."""
        return self.root / ".reserve"

    def make(self) -> None:
        """Make the folders that are not there, 0700.

        Raises:
            OSError: one can't be made.
        """
        for folder in (
            self.projects,
            self.batches,
            self.open,
            self.owed,
            self.gone,
            self.keys,
            self.ledger,
            self.library_root,
            self.trash,
        ):
            make_folder(folder)
