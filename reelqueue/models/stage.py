"""The names of stages and of the states that projects, stages and batches can be in."""

from enum import StrEnum


class Stage(StrEnum):
    """The five stages, in their order.  `event_name` is the long name that progress events use."""

    SCRIPT = "script"
    ASSETS = "assets"
    RENDER = "render"
    THUMBNAIL = "thumbnail"
    UPLOAD = "upload"

    @property
    def event_name(self) -> str:
        """The stage's name in progress events."""
        return _EVENT_NAMES[self]

    @property
    def before(self) -> "Stage | None":
        """The stage that has to be done first; None for the first."""
        order = list(Stage)
        place = order.index(self)
        return order[place - 1] if place else None

    @property
    def after(self) -> "Stage | None":
        """The stage that follows; None for the last."""
        order = list(Stage)
        place = order.index(self)
        return order[place + 1] if place + 1 < len(order) else None

    def reaches(self, other: "Stage") -> bool:
        """Whether this stage is `other` or a later one."""
        order = list(Stage)
        return order.index(self) >= order.index(other)


_EVENT_NAMES = {
    Stage.SCRIPT: "script_generation",
    Stage.ASSETS: "asset_generation",
    Stage.RENDER: "video_rendering",
    Stage.THUMBNAIL: "thumbnail_generation",
    Stage.UPLOAD: "youtube_upload",
}


class ProjectStatus(StrEnum):
    """Where a project stands."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING_REVIEW = "waiting_review"
    WAITING_QUOTA = "waiting_quota"
    WAITING_BUDGET = "waiting_budget"
    WAITING_DISK = "waiting_disk"
    NEEDS_PERSON = "needs_person"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Completed, failed or cancelled: nothing happens any more by itself."""
        return self in _FINAL

    @property
    def is_waiting(self) -> bool:
        """Waits for a person, a quota, money or the disk."""
        return self in _WAITING

    @property
    def waits_for_a_person(self) -> bool:
        """Waits for an approval, or for what must not be guessed: nobody knows until when."""
        return self in _WAITING_FOR_A_PERSON


# Made once: boards ask this of ten thousand projects at a time.
_FINAL = frozenset({ProjectStatus.COMPLETED, ProjectStatus.FAILED, ProjectStatus.CANCELLED})
_WAITING_FOR_A_PERSON = frozenset({ProjectStatus.WAITING_REVIEW, ProjectStatus.NEEDS_PERSON})
_WAITING = _WAITING_FOR_A_PERSON | {ProjectStatus.WAITING_QUOTA, ProjectStatus.WAITING_BUDGET, ProjectStatus.WAITING_DISK}


class StageStatus(StrEnum):
    """Where a stage stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class BatchStatus(StrEnum):
    """Where a batch stands; `completed` also where some items failed."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
