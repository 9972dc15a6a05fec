"""What the world is told of: an event for a webhook, and how far its delivery is; a notice for a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from reelqueue.models.frozen import Frozen

EventType = Literal[
    "project.waiting", "project.needs_person", "project.failed", "project.completed", "project.cancelled", "project.deadline_missed",
    "batch.started", "batch.overdue", "batch.ended", "webhook.test",
]  # fmt: skip


class Event(Frozen):
    """Something that happened to a project or a batch.

    `event_id` follows from what happened alone: who finds it a second time, after a crash, finds the same one.  `subject` is
    whose it is ("p12", "b3"): the events of one subject are delivered in the order of `at` and `order`.
    """

    event_id: str
    type: EventType
    at: datetime
    subject: str
    order: int = 0
    data: dict[str, Any] = Field(default_factory=dict)


class Delivery(Frozen):
    """An event on its way to one destination ("all": WEBHOOK_URL; "b3": the webhook of batch 3).

    `attempts` failed by now, the last one with `status` (HTTP's, None where nobody answered) and `error`; the next is at `next_at`.
    `rejected`: the receiver answered that it does not want this one, so what follows does not wait for it.
    """

    event: Event
    destination: str
    attempts: int = 0
    next_at: datetime | None = None
    rejected: bool = False
    status: int | None = None
    error: str = ""
    delivered_at: datetime | None = None
    gave_up_at: datetime | None = None

    @property
    def name(self) -> str:
        """What it is called: once per event and destination."""
        return f"{self.event.event_id}@{self.destination}"


GONE = 410
"""HTTP's "I am not here any more, and won't be": the scheme's way to end it."""
NOT_NOW = frozenset({408, 425, 429})
"""Answers of the 400s that are about the moment, not about the event."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: `status` is HTTP's, None where nobody did; `pause_s` is what it asks for, None without a wish."""

    status: int | None
    error: str = ""
    pause_s: float | None = None

    @property
    def is_taken(self) -> bool:
        """Whether it has the event."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_about_the_event(self) -> bool:
        """Whether the receiver is well, and refuses this one event."""
        return self.status is not None and 400 <= self.status < 500 and self.status not in NOT_NOW


class Notice(Frozen):
    """A word to a person about a kind of wait, told once until nobody waits so any more.

    `title` and the two sentences are in the language of the installation.  `done` are the ways ("command", "mail") that were gone
    or given up; `attempts` failed by now, the next is at `next_at`.
    """

    kind: str
    at: datetime
    project_id: int
    batch_id: int | None = None
    status: str
    stage: str
    channel: str | None = None
    title: str
    why: str
    what_to_do: str
    until: datetime | None = None
    done: tuple[str, ...] = ()
    attempts: int = 0
    next_at: datetime | None = None
