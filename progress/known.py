"""What a process knows of each topic, and when it tells of it: at most four times a second, and never later than its own pause."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from progress.bundle import Bundle, Told
from progress.events import ProgressEvent, Topic

PAUSE_SECONDS = 0.25
"""Between two bundles of one topic."""
MOST_KNOWN = 5_000
"""Topics whose last event is remembered, at about 2 KB each."""
FORGOTTEN_AT_ONCE = 50
MOST_PENDING = 50
"""Events of a topic that wait for its next bundle; where more come, changes of stage are skipped like figures."""


@dataclass(slots=True)
class Standing:
    """Where a topic stands.  `pending` are the events for its next bundle, which follow the event `after`."""

    topic: Topic
    epoch: str | None = None
    seq: int = 0
    last: Told | None = None
    status: str | None = None
    sent: Told | None = None
    sent_at: float = float("-inf")
    after: int = 0
    pending: list[Told] = field(default_factory=list)

    def is_old(self, event: ProgressEvent) -> bool:
        """Whether it was heard already."""
        return event.epoch == self.epoch and event.seq <= self.seq

    def follows(self, event: ProgressEvent) -> bool:
        """Whether nothing lies between."""
        return event.epoch == self.epoch and event.seq == self.seq + 1

    def accept(self, told: Told) -> None:
        """It is the last one from now on."""
        event = told.event
        if not self.pending or not self.follows(event):
            self.after = event.seq - 1
        self.epoch, self.seq, self.last = event.epoch, event.seq, told
        before = self.pending[-2] if len(self.pending) > 1 else self.sent
        skips = bool(self.pending) and before is not None and told.is_like(self.pending[-1]) and told.is_like(before)
        if skips or len(self.pending) >= MOST_PENDING:
            self.pending[-1] = told
        else:
            self.pending.append(told)


class Known:
    """Every topic of which something was heard.  `hand_out` gets each bundle, in the order of their numbers."""

    def __init__(self, hand_out: Callable[[Bundle], None], is_read: Callable[[str], bool]) -> None:
        self._hand_out = hand_out
        self._is_read = is_read
        self._standings: OrderedDict[str, Standing] = OrderedDict()
        self._waiting: set[str] = set()
        self.number = 0

    def of(self, topic: Topic) -> Standing:
        """Where it stands; as new where nothing is known."""
        name = topic.name
        found = self._standings.get(name)
        if found is None:
            found = self._standings[name] = Standing(topic)
            self._forget_some()
        self._standings.move_to_end(name)
        return found

    def last(self, topic: Topic) -> Told | None:
        """The last event that was heard; None where none was."""
        found = self._standings.get(topic.name)
        return found.last if found is not None else None

    def accept(self, told: Told) -> None:
        """One more event; it is told of now, or when the topic's pause is over."""
        standing = self.of(told.topic)
        if standing.pending and standing.epoch != told.event.epoch:
            self._send(standing)
        standing.accept(told)
        name = told.topic.name
        if name in self._waiting:
            return
        loop = asyncio.get_running_loop()
        if loop.time() >= standing.sent_at + PAUSE_SECONDS:
            self._send(standing)
        else:
            self._waiting.add(name)
            loop.call_at(standing.sent_at + PAUSE_SECONDS, self._send_waiting, name)

    def accept_log(self, topic: Topic, told: Sequence[Told]) -> None:
        """What was read from the log: it is told of at once, all of it."""
        standing = self.of(topic)
        new = [one for one in told if not standing.is_old(one.event)]
        if not new:
            return
        if standing.pending:
            self._send(standing)
        for one in new:
            standing.accept(one)
        standing.pending = new
        self._send(standing)

    def forget_unread(self) -> None:
        """What nobody reads may be out of date."""
        for name in [name for name in self._standings if not self._is_read(name)]:
            del self._standings[name]

    def _send_waiting(self, name: str) -> None:
        self._waiting.discard(name)
        standing = self._standings.get(name)
        if standing is not None and standing.pending:
            self._send(standing)

    def _send(self, standing: Standing) -> None:
        told = tuple(standing.pending)
        is_news = any(one.event.status != standing.status for one in told)
        self.number += 1
        bundle = Bundle(standing.topic, told, standing.after, self.number, is_news)
        standing.pending, standing.sent, standing.status = [], told[-1], told[-1].event.status
        standing.sent_at = asyncio.get_running_loop().time()
        self._hand_out(bundle)

    def _forget_some(self) -> None:
        """The oldest, but none that is read or waits; a few at a time, so that no event waits for long."""
        for name in list(islice(self._standings, max(0, min(FORGOTTEN_AT_ONCE, len(self._standings) - MOST_KNOWN)))):
            if self._is_read(name) or self._standings[name].pending:
                self._standings.move_to_end(name)
            else:
                del self._standings[name]
