"""What is handed out at once: the events of one topic that came within a quarter second."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from progress.events import ProgressEvent, Topic, parse_event

_BREAKS = (b"\n", b"\r")


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and the bytes that say it, on one line."""

    event: ProgressEvent
    line: bytes

    @classmethod
    def of(cls, data: bytes) -> "Told | None":
        """What was sent; None for what is no event of ours."""
        event = parse_event(data)
        if event is None or (event.project_id is None) == (event.batch_id is None) or not _is_moment(event.timestamp):
            return None
        return cls(event, data) if not any(mark in data for mark in _BREAKS) else cls.saying(event)

    @classmethod
    def saying(cls, event: ProgressEvent) -> "Told":
        """An event of our own making."""
        return cls(event, event.model_dump_json(exclude_none=True).encode())

    @property
    def topic(self) -> Topic:
        """Whose it is."""
        return Topic(project_id=self.event.project_id, batch_id=self.event.batch_id)

    def is_like(self, other: "Told") -> bool:
        """Whether nothing but figures and words lies between the two: the later one says all."""
        one, two = self.event, other.event
        return (one.epoch, one.stage, one.status, one.error) == (two.epoch, two.stage, two.status, two.error)


def _is_moment(text: str) -> bool:
    """Whether pages can tell when it was: one event that says something else would keep all of them from being made."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


@dataclass(frozen=True)
class Bundle:
    """The events of one topic, oldest first, that follow the event `after` of their epoch.

    `number` counts a process's bundles.  `is_news` where another status is among them than the last one that was known.
    Of events that differ in their figures alone only the last one may be there.
    """

    topic: Topic
    told: tuple[Told, ...]
    after: int
    number: int
    is_news: bool
    _written: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def epoch(self) -> str:
        """The epoch of them all."""
        return self.told[-1].event.epoch

    @property
    def last(self) -> ProgressEvent:
        """The newest."""
        return self.told[-1].event

    def written(self, form: str, write: Callable[["Bundle"], bytes]) -> bytes:
        """The bundle in a form, written once for all who read it."""
        found = self._written.get(form)
        if found is None:
            found = self._written[form] = write(self)
        return found
