"""Many projects at one look: of each only what says what happens next.

Ten thousand waiting projects are looked at each minute.  A state is a file that is replaced whole, so one whose file is the same
is not read again; what is kept of it is small, whatever its brief holds.
"""

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from reelqueue.models.brief import headline
from reelqueue.models.project import SCHEMA_VERSION, ProjectState, StageError, Wait
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text
from storage import disk
from storage.answers import Unavailable
from storage.migrations import Unreadable

NEVER = datetime(1, 1, 1, tzinfo=UTC)
UNREADABLE = Text("（無法讀取）", "(can't be read)")
MOST_KEPT = 20_000
"""Outlines that are kept, at about 1 KB each."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A project in a few lines.

    `next_stage` is the first that is neither done nor skipped up to the goal, `running` the one that is marked as running,
    `failed` the one that failed, with its `error`.  `publish_at` is when it shall be published: its slot, else its brief's wish
    (`own_moment`); `publisher` by whom, where its brief says so.  `title` is what it is about, in one line; `stages` are the five, in
    their order; `began_at` is when its first stage was last begun, `ended_at` when the latest of its stages ended; `spent_s` are the
    seconds of its stages that ended, `running_since` is when the one that runs was begun; `cost_usd` is what it was billed for by now.

    `is_unreadable`: its state can't be read, and nothing else here but `error`, `wait` and when its file was written says anything of
    it; it needs a person.
    """

    project_id: int
    status: ProjectStatus
    goal: Stage
    next_stage: Stage | None
    running: Stage | None
    failed: Stage | None
    error: StageError | None
    wait: Wait | None
    resume_at: datetime | None
    held: bool
    batch_id: int | None
    priority: int
    deadline: datetime | None
    channel: str | None
    publish_at: datetime | None
    video_id: str | None
    run: int
    updated_at: datetime
    publisher: str | None = None
    batch_run: int = 1
    own_moment: datetime | None = None
    title: str = ""
    tags: tuple[str, ...] = ()
    language: str | None = None
    aspect: str = ""
    created_at: datetime = NEVER
    began_at: datetime | None = None
    spent_s: float = 0.0
    stages: tuple[StageStatus, ...] = ()
    running_since: datetime | None = None
    warnings: int = 0
    cost_usd: float = 0.0
    privacy: str = ""
    crashes: int = 0
    ended_at: datetime | None = None
    is_unreadable: bool = False

    @property
    def is_spoilt(self) -> bool:
        """Whether its state can't be read, and won't be before a person restores it; else its file can't be reached just now."""
        return self.is_unreadable and not (self.error is not None and self.error.retryable)

    @property
    def holds_its_moment(self) -> bool:
        """Whether `publish_at` is its own whatever a calendar says: its brief's wish, or what its channel was told already."""
        return self.own_moment is not None or self.video_id is not None

    @classmethod
    def unreadable(cls, number: int, error: StageError, at: datetime) -> "Outline":
        """The outline of a project whose state can't be read, as `error` says; its file was last written `at`."""
        return cls(
            project_id=number,
            status=ProjectStatus.NEEDS_PERSON,
            goal=Stage.UPLOAD,
            next_stage=Stage.SCRIPT,
            running=None,
            failed=None,
            error=error,
            wait=Wait(reason=error.message, what_to_do=error.hint),
            resume_at=None,
            held=False,
            batch_id=None,
            priority=0,
            deadline=None,
            channel=None,
            publish_at=None,
            video_id=None,
            run=0,
            updated_at=at,
            created_at=at,
            title=str(UNREADABLE),
            stages=(StageStatus.PENDING,) * len(Stage),
            is_unreadable=True,
        )

    @classmethod
    def of(cls, state: ProjectState) -> "Outline":
        """The outline of a whole state."""
        upload = state.stages[Stage.UPLOAD].result or {}
        statuses = {stage: state.stages[stage].status for stage in Stage}
        return cls(
            project_id=state.project_id,
            status=state.status,
            goal=state.goal,
            next_stage=state.next_stage,
            running=_first(statuses, StageStatus.RUNNING),
            failed=(failed := _first(statuses, StageStatus.FAILED)),
            error=state.stages[failed].error if failed is not None else None,
            wait=state.wait,
            resume_at=state.resume_at,
            held=state.held,
            batch_id=state.batch_id,
            priority=state.brief.priority,
            deadline=_moment(state.brief.deadline),
            channel=state.brief.channel,
            publish_at=state.slot or _moment(state.brief.publish_at),
            video_id=state.upload.video_id if state.upload is not None else upload.get("video_id"),
            run=state.run,
            updated_at=state.updated_at,
            publisher=state.brief.providers.get("publisher"),
            batch_run=state.batch_run,
            own_moment=_moment(state.brief.publish_at),
            title=state.brief.headline,
            tags=tuple(state.brief.tags),
            language=state.brief.language,
            aspect=state.brief.aspect,
            created_at=state.created_at,
            began_at=state.stages[Stage.SCRIPT].started_at,
            spent_s=sum(known.duration_s or 0.0 for known in state.stages.values() if known.status is not StageStatus.RUNNING),
            running_since=next(
                (known.started_at for known in state.stages.values() if known.status is StageStatus.RUNNING), None
            ),
            stages=tuple(statuses.values()),
            warnings=sum(len(known.warnings) for known in state.stages.values()),
            cost_usd=sum(use.cost_usd for use in state.usage),
            privacy=state.brief.privacy,
            crashes=state.crashes,
            ended_at=_latest(known.finished_at for known in state.stages.values()),
        )

    @classmethod
    def read(cls, body: bytes) -> "Outline":
        """The outline of a state as it lies on disk, without the rest of it.

        Raises:
            Unreadable: it is no state of today's version; whoever reads the whole of it can say what is wrong.
        """
        try:
            data = from_json(body)
            if data["schema_version"] == SCHEMA_VERSION and data.keys() <= ProjectState.model_fields.keys():
                return _outlined(data)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Unreadable(str(error)) from error
        raise Unreadable("another version's")


def _outlined(data: dict[str, Any]) -> Outline:
    brief, stages, upload = data["brief"], data["stages"], data.get("upload")
    statuses = {stage: StageStatus(stages[stage]["status"]) for stage in Stage}
    failed, running = _first(statuses, StageStatus.FAILED), _first(statuses, StageStatus.RUNNING)
    error = stages[failed].get("error") if failed is not None else None
    wait = data.get("wait")
    published = upload if upload is not None else stages[Stage.UPLOAD].get("result") or {}
    goal = Stage(data["goal"])
    return Outline(
        project_id=int(data["project_id"]),
        status=ProjectStatus(data["status"]),
        goal=goal,
        next_stage=_next_of(statuses, goal),
        running=running,
        failed=failed,
        error=StageError.model_validate(error) if error is not None else None,
        wait=Wait.model_validate(wait) if wait is not None else None,
        resume_at=_moment(data.get("resume_at")),
        held=bool(data.get("held", False)),
        batch_id=data.get("batch_id"),
        priority=int(brief.get("priority", 0)),
        deadline=_moment(brief.get("deadline")),
        channel=brief.get("channel"),
        publish_at=_moment(data.get("slot") or brief.get("publish_at")),
        video_id=published.get("video_id"),
        run=int(data["run"]),
        updated_at=datetime.fromisoformat(data["updated_at"]),
        publisher=brief.get("providers", {}).get("publisher"),
        batch_run=int(data.get("batch_run", 1)),
        own_moment=_moment(brief.get("publish_at")),
        title=headline(brief.get("topic"), brief.get("content")),
        tags=tuple(brief.get("tags", ())),
        language=brief.get("language"),
        aspect=brief.get("aspect", "16:9"),
        created_at=datetime.fromisoformat(data["created_at"]),
        began_at=_moment(stages[Stage.SCRIPT].get("started_at")),
        spent_s=sum(stages[stage].get("duration_s") or 0.0 for stage in Stage if stage is not running),
        running_since=_moment(stages[running].get("started_at")) if running is not None else None,
        stages=tuple(statuses.values()),
        warnings=sum(len(stages[stage].get("warnings", ())) for stage in Stage),
        cost_usd=sum(use["cost_usd"] for use in data.get("usage", ())),
        privacy=brief.get("privacy", "private"),
        crashes=int(data.get("crashes", 0)),
        ended_at=_latest(_moment(stages[stage].get("finished_at")) for stage in Stage),
    )


Seen = tuple[int, int, int]
"""Which file it was: when it was written (ns), its inode, its bytes."""


class Outlines:
    """What this process remembers of the states it has seen.  Synchronous, for one thread hop; safe in several at once.

    `path_of` names the state's file of an id.
    """

    def __init__(self, path_of: Callable[[int], str], most: int = MOST_KEPT) -> None:
        self._path_of = path_of
        self._most = most
        self._kept: dict[int, tuple[Seen, Outline]] = {}

    def look(self, numbers: Iterable[int]) -> tuple[dict[int, Outline | None], list[int]]:
        """The outlines of those that are there (None: its folder is not), and the ids that have to be looked at as a whole.

        Raises:
            Unavailable: this process can open no file now.
        """
        found: dict[int, Outline | None] = {}
        odd: list[int] = []
        for number in numbers:
            try:
                found[number] = self._outline(number)
            except (FileNotFoundError, NotADirectoryError):
                self._kept.pop(number, None)
                if os.path.isdir(os.path.dirname(self._path_of(number))):  # noqa: PTH112, PTH120 - as below
                    odd.append(number)
                else:
                    found[number] = None
            except Unreadable:
                odd.append(number)
            except OSError as error:
                if disk.says_nothing_of_the_file(error):
                    raise Unavailable(self._path_of(number), error.strerror or error) from error
                odd.append(number)
        if len(self._kept) > self._most:
            self._forget(found.keys())
        return found, odd

    def _outline(self, number: int) -> Outline:
        path, kept = self._path_of(number), self._kept.get(number)
        if kept is not None and _seen(os.stat(path)) == kept[0]:  # noqa: PTH116 - ten thousand of them: a Path takes as long as the call
            return kept[1]
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - likewise
            seen = _seen(os.fstat(file.fileno()))
            outline = Outline.read(file.read())
        if outline.project_id != number:
            raise Unreadable("another project's")
        self._kept[number] = (seen, outline)
        return outline

    def _forget(self, wanted: Collection[int]) -> None:
        """Others first; where these alone are too many, the last ones: else each look would drop what the next one needs."""
        numbers = [number for number in self._kept.copy() if number not in wanted]
        numbers += [*self._kept.copy()][::-1]
        for number in numbers[: len(self._kept) - self._most]:
            self._kept.pop(number, None)


def _seen(status: os.stat_result) -> Seen:
    return status.st_mtime_ns, status.st_ino, status.st_size


def _first(statuses: dict[Stage, StageStatus], status: StageStatus) -> Stage | None:
    return next((stage for stage in Stage if statuses[stage] is status), None)


def _next_of(statuses: dict[Stage, StageStatus], goal: Stage) -> Stage | None:
    for stage in Stage:
        if not goal.reaches(stage):
            return None
        if statuses[stage] not in {StageStatus.DONE, StageStatus.SKIPPED}:
            return stage
    return None


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in moments if at is not None), default=None)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
