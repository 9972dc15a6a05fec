"""One subscription for all readers of a process.

`PSUBSCRIBE progress:*` hears every topic; each event is read once and handed to whoever wants it.  What may have been missed (a
lost connection, a step in `seq`, another epoch) is read from the log of the topics that somebody reads.
"""

import asyncio
import contextlib
import secrets
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from progress.bundle import Bundle, Told
from progress.connection import LOST
from progress.events import ProgressEvent, Topic
from progress.known import MOST_KNOWN, Known
from progress.log import Kept, read_last, read_log, read_newest
from progress.mailbox import Mailbox
from progress.subscriber import RECONNECT_SECONDS, WATCHDOG_SECONDS, Connect
from reelqueue import clock
from reelqueue.tally import GAPS, TALLY

PATTERN = "progress:*"
DONE = 100
ANSWER_SECONDS = 5.0
ASKED_SECONDS = 1.0
"""How long a page waits for what is only nice to know."""
MOST_KEPT = 1_000
"""Bundles for pages that come back, and for lists of what happened."""
MOST_HELD = 2_000
"""Events of a topic that come while its log is read."""
READS_AT_ONCE = 16
"""A thousand readers that come back at once need no thousand connections."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Link:
    """Redis went (`away_since`) or came back (None)."""

    away_since: datetime | None


class Gap:
    """Something may have been missed."""


class Gone:
    """The project or batch was deleted."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An end of which the disk knows and Redis did not tell."""

    end: ProgressEvent


Item = Bundle | Link | Gap | Gone | Ended | bytes
"""What a reader finds: events, news, or a line that was written already."""
Box = Mailbox[Item]
Push = Callable[[Item], bool]
"""Passes an item on at once, see `Mailbox`."""


class Hub:
    """Hears all topics.

    `connect` opens a client of the server; `on_loss` is told that the connection is gone; `on_bundle` gets each bundle before any
    reader does.
    """

    def __init__(
        self,
        connect: Connect,
        on_loss: Callable[[], None] | None = None,
        on_bundle: Callable[[Bundle], None] | None = None,
    ) -> None:
        self._connect = connect
        self._on_loss = on_loss
        self._on_bundle = on_bundle
        self._redis: Redis | None = None
        self._known = Known(self._hand_out, self._is_read)
        self._asked: dict[str, Told] = {}
        self._readers: defaultdict[str, set[Box]] = defaultdict(set)
        self._pages: set[Box] = set()
        self._kept: deque[Bundle] = deque(maxlen=MOST_KEPT)
        self._whole_from = 0
        self._boot = secrets.token_hex(4)
        self._held: dict[str, deque[Told]] = {}
        self._ends: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._has_ended = False
        self._size = 0
        self._is_there = asyncio.Event()
        self.away_since: datetime | None = clock.now()

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Listen until the block ends."""
        listening = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            self.end()
            tasks = {listening, *self._tasks}
            while tasks:  # before Python 3.12 a cancel may be swallowed by a wait that ends at the same moment
                for task in tasks:
                    task.cancel()
                _, tasks = await asyncio.wait(tasks, timeout=1.0)

    async def listens(self, seconds: float) -> bool:
        """Wait until it listens, for so long at most; says whether it does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_there.wait()
        return self.away_since is None

    def end(self) -> None:
        """End every stream; who comes from now on is ended at once."""
        self._has_ended = True
        for box in self._boxes():
            box.end()

    @property
    def size(self) -> int:
        """How many read."""
        return self._size

    # What is known.

    async def last_of(self, project_ids: Iterable[int]) -> dict[int, ProgressEvent]:
        """The last event of each of these projects; of whom nothing is known, or Redis does not say, is left out."""
        topics = {number: Topic(project_id=number) for number in project_ids}
        found = {number: self.last(topic) for number, topic in topics.items()}
        unknown = [topics[number] for number, told in found.items() if told is None]
        if unknown and self._redis is not None:
            with contextlib.suppress(*LOST):
                async with asyncio.timeout(ASKED_SECONDS):
                    lines = await read_last(self._redis, unknown)
                if len(self._asked) > MOST_KNOWN:  # a board that is open for weeks is asked for every project that there ever was
                    self._asked.clear()
                self._asked |= {told.topic.name: told for told in map(Told.of, lines) if told is not None}
                found |= {number: self.last(topics[number]) for number, told in found.items() if told is None}
        return {number: told.event for number, told in found.items() if told is not None}

    def last(self, topic: Topic) -> Told | None:
        """The last event of a topic that this process knows."""
        return self._known.last(topic) or self._asked.get(topic.name)

    async def log_of(self, topic: Topic, most: int = 100) -> Sequence[ProgressEvent]:
        """The last events of a topic, oldest first; none where Redis does not say."""
        if self._redis is None:
            return ()
        try:
            async with asyncio.timeout(ASKED_SECONDS):
                lines = await read_newest(self._redis, topic, most)
        except LOST:
            return ()
        return [told.event for told in map(Told.of, lines) if told is not None]

    def recent(self, most: int = 40) -> Sequence[ProgressEvent]:
        """What this process heard last, of all topics, newest first: of events that differ in their figures alone the last one."""
        found: dict[tuple[str, str, str, bool], ProgressEvent] = {}
        for bundle in reversed(self._kept):
            for told in reversed(bundle.told):
                event = told.event
                found.setdefault((bundle.topic.name, event.stage, event.status, event.progress == DONE), event)
            if len(found) >= most:
                break
        return list(found.values())[:most]

    # For pages.

    @property
    def cursor(self) -> str:
        """Where a page stands that is made now: what it hears from here on follows on what it shows."""
        return f"{self._boot}-{self._known.number}"

    def cursor_of(self, bundle: Bundle) -> str:
        """Where a page stands that has heard this."""
        return f"{self._boot}-{bundle.number}"

    def since(self, cursor: str) -> Sequence[Bundle] | None:
        """The bundles after a cursor; None where that is not known, or not known any more."""
        boot, _, text = cursor.rpartition("-")
        if boot != self._boot or not text.isascii() or not text.isdigit():
            return None
        number, newest = int(text), self._known.number
        oldest = self._kept[0].number if self._kept else newest + 1
        if not max(self._whole_from, oldest - 1) <= number <= newest:
            return None
        return [bundle for bundle in self._kept if bundle.number > number]

    @contextlib.contextmanager
    def page(self, topics: frozenset[str] | None, push: Push | None = None) -> Iterator[Box]:
        """A page's mailbox: all of these topics (None: of every one), and of the others each change of status."""
        box: Box = Mailbox(topics, push=push)
        with self._opened(box, topics or ()):
            self._pages.add(box)
            try:
                yield box
            finally:
                self._pages.discard(box)

    @property
    def has_pages(self) -> bool:
        """Whether a page listens."""
        return bool(self._pages)

    def tell_pages(self, line: bytes) -> None:
        """Send every page a line."""
        for box in self._pages:
            box.put(line)

    # For the readers of one topic.

    @contextlib.contextmanager
    def reader(self, topic: Topic, push: Push | None = None) -> Iterator[Box]:
        """The mailbox of who misses nothing of one topic: it reads the log first, and where a bundle does not follow."""
        box: Box = Mailbox(push=push)
        with self._opened(box, (topic.name,)):
            yield box

    async def read(self, topic: Topic, epoch: str | None, seq: int) -> Kept | None:
        """What the log holds after an event; None where nothing was ever told.

        Raises:
            RedisError, OSError, TimeoutError: Redis does not answer.
        """
        async with self._reads, asyncio.timeout(ANSWER_SECONDS):
            if self._redis is None:
                raise ConnectionError("Redis is away")
            return await read_log(self._redis, topic, epoch, seq)

    def topics(self) -> Sequence[Topic]:
        """What somebody reads."""
        return [_topic(name) for name in self._readers]

    def awaits_end(self, topic: Topic, status: str) -> bool:
        """Whether the readers of a topic have not heard yet that it ended like this."""
        last = self._known.last(topic)
        return (last is None or last.event.status != status) and self._ends.get(topic.name) != status

    def tell_end(self, topic: Topic, end: ProgressEvent) -> None:
        """Of this end the disk knows, and Redis did not tell."""
        self._ends[topic.name] = end.status
        for box in self._readers.get(topic.name, ()):
            box.put(Ended(end))

    def tell_gone(self, topic: Topic) -> None:
        """It was deleted."""
        self._tell_readers(topic, Gone())

    def _tell_readers(self, topic: Topic, item: Item) -> None:
        for box in self._readers.get(topic.name, set()) - self._pages:
            box.put(item)

    @contextlib.contextmanager
    def _opened(self, box: Box, names: Iterable[str]) -> Iterator[None]:
        if self._has_ended:
            box.end()
        for name in names:
            self._readers[name].add(box)
        self._size += 1
        try:
            yield
        finally:
            self._size -= 1
            for name in names:
                self._readers[name].discard(box)
                if not self._readers[name]:
                    del self._readers[name]
                    self._ends.pop(name, None)

    def _boxes(self) -> set[Box]:
        return self._pages.union(*self._readers.values())

    def _is_read(self, name: str) -> bool:
        return name in self._readers

    def _hand_out(self, bundle: Bundle) -> None:
        self._kept.append(bundle)
        name = bundle.topic.name
        self._asked.pop(name, None)
        self._ends.pop(name, None)
        if self._on_bundle is not None:
            self._on_bundle(bundle)
        for box in self._readers.get(name, ()):
            box.put(bundle)
        for box in self._pages:
            if box.topics is None or (bundle.is_news and name not in box.topics):
                box.put(bundle)

    # Hearing.

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                async with self._connect() as redis, redis.pubsub() as channel:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        await _subscribed(redis, channel)
                    failures = 0
                    self._came(redis)
                    await self._listen(channel)
            except LOST as error:
                self._went(error)
            except Exception as error:  # a bug; were this to end, no page would move any more, and none would say so
                log.exception("bug", exc_info=error)
                self._went(error)
            finally:
                self._redis = None
            await asyncio.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])
            failures += 1

    async def _listen(self, channel: PubSub) -> None:
        """Until the connection is lost, which is raised."""
        is_asked = False
        while True:
            message = await channel.get_message(timeout=WATCHDOG_SECONDS)
            if message is not None:
                is_asked = False
                self._hear(message)
            elif is_asked:
                raise TimeoutError("nothing comes through")
            else:
                async with asyncio.timeout(WATCHDOG_SECONDS):
                    await channel.ping()
                is_asked = True

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "psubscribe":  # redis-py connected anew by itself
            self._read_all_again()
        told = Told.of(message["data"]) if message["type"] == "pmessage" else None
        if told is None or told.topic.channel.encode() != message["channel"]:
            return
        name = told.topic.name
        standing = self._known.of(told.topic)
        if name in self._held:
            self._held[name].append(told)
        elif standing.is_old(told.event):
            return
        elif self._is_read(name) and standing.epoch is not None and not standing.follows(told.event):
            if told.event.epoch == standing.epoch:
                TALLY.count(GAPS)
            self._read_again(told.topic)
        else:
            self._known.accept(told)

    def _came(self, redis: Redis) -> None:
        self._redis, was_away, self.away_since = redis, self.away_since, None
        self._is_there.set()
        log.info("progress_is_heard", after_s=(clock.now() - was_away).total_seconds() if was_away is not None else 0)
        self._read_all_again()
        self._tell_link()

    def _went(self, error: Exception) -> None:
        if self.away_since is None:
            self.away_since = clock.now()
            self._is_there.clear()
            log.warning("progress_is_not_heard", error=str(error) or type(error).__name__)
            self._tell_link()
        if self._on_loss is not None:
            self._on_loss()

    def _tell_link(self) -> None:
        for box in self._boxes() - self._pages:
            box.put(Link(self.away_since))

    def _read_all_again(self) -> None:
        """Something may have been missed: the log tells of what is read now, the rest is forgotten."""
        self._known.forget_unread()
        self._asked.clear()
        self._known.number += 1  # no cursor of before is good any more
        self._whole_from = self._known.number
        for box in self._pages:
            box.put(Gap())
        for topic in self.topics():
            if self._known.of(topic).epoch is not None:
                self._read_again(topic)
            else:  # who reads it knows where it stands
                self._tell_readers(topic, Gap())

    def _read_again(self, topic: Topic) -> None:
        if topic.name not in self._held:
            self._held[topic.name] = deque(maxlen=MOST_HELD)
            task = asyncio.create_task(self._read_missed(topic))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _read_missed(self, topic: Topic) -> None:
        """Read the log from where we stand, then what came meanwhile."""
        standing = self._known.of(topic)
        try:
            kept = await self.read(topic, standing.epoch, standing.seq)
        except LOST:
            del self._held[topic.name]  # the connection is lost, and all is read again when it is back
            return
        found = [told for told in map(Told.of, kept.entries if kept is not None else ()) if told is not None]
        self._known.accept_log(topic, found)
        for told in self._held.pop(topic.name):
            if not standing.is_old(told.event):
                self._known.accept(told)


async def _subscribed(redis: Redis, channel: PubSub) -> None:
    await redis.ping()  # a refusal is raised here; a subscription would hide it
    await channel.psubscribe(PATTERN)
    while (message := await channel.get_message(timeout=ANSWER_SECONDS)) is None or message["type"] != "psubscribe":
        pass


def _topic(name: str) -> Topic:
    kind, _, number = name.rpartition(":")
    return Topic(batch_id=int(number)) if kind else Topic(project_id=int(number))
