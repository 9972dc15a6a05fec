"""The metrics by name: what Prometheus is told, from what was counted and what stands now.  Pure.

Counters and histograms come from the totals (`jobs.tally`); those that may be rare are there from the start, at 0, so that a first
increase is one.  No label names a project, a worker or a person: each has a few values.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from jobs import tally
from reelqueue.models.buckets import SERVICES
from reelqueue.models.fleet import QueueStanding, WorkerBeat
from reelqueue.models.meter import Standing
from reelqueue.models.numbers import BUCKETS_S, OUTCOMES
from reelqueue.models.stage import Stage
from reelqueue.tally import FENCED, GAPS, LOST_EVENTS, TAKEOVERS
from reelqueue.version import __version__

Labels = tuple[tuple[str, str], ...]
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_KINDS = ("connection", "timeout", "refused", "loading", "memory", "disk", "read_only", "other")
_BOUNDS = (*(f"{bound:g}" for bound in BUCKETS_S), "+Inf")


@dataclass(frozen=True, slots=True)
class Fleet:
    """Workers and queues, as Redis knows them."""

    workers: Sequence[WorkerBeat]
    queues: Sequence[QueueStanding]


@dataclass(frozen=True, slots=True)
class Money:
    """The day's, in US dollars; `cap` None: there is none."""

    spent: float
    reserved: float
    cap: float | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the metrics are made of; what is None is not known now, and its metrics are not told."""

    totals: Mapping[str, float] = field(default_factory=dict)
    fleet: Fleet | None = None
    standings: Sequence[Standing] | None = None
    money: Money | None = None
    disk_free_bytes: int | None = None
    disk_low_water_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class _Counter:
    """A counter: its labels, and the values that it has from the start."""

    name: str
    says: str
    labels: tuple[str, ...] = ()
    known: tuple[tuple[str, ...], ...] = ((),)


_PROVIDERS = tuple(SERVICES)
COUNTERS = (
    _Counter(
        tally.RUNS,
        "Attempts of a stage that ended, by how.",
        ("stage", "outcome"),
        tuple((str(stage), outcome) for stage in Stage for outcome in OUTCOMES),
    ),
    _Counter(tally.PUBLISHED, "Videos that were uploaded."),
    _Counter(TAKEOVERS, "Projects and batches taken over from an owner that died with them in hand."),
    _Counter(FENCED, "Writes that were refused because somebody else had taken over: each one would have been a mistake."),
    _Counter(tally.DUPLICATES, "Hints that came for a stage that was done already."),
    _Counter(
        tally.RECONCILED,
        "What was put back because nobody worked on it although somebody should.",
        ("action",),
        tuple((action,) for action in get_args(tally.Action)),
    ),
    _Counter(
        tally.PAID,
        "Calls to services that cost money or quota, by how they ended.",
        ("provider", "outcome"),
        tuple((provider, outcome) for provider in _PROVIDERS for outcome in get_args(tally.CallOutcome)),
    ),
    _Counter(tally.COST, "US dollars that services billed.", ("provider",), tuple((name,) for name in _PROVIDERS)),
    _Counter(tally.REDIS_ERRORS, "Calls to Redis that failed, by kind.", ("kind",), tuple((kind,) for kind in _KINDS)),
    _Counter(GAPS, "Gaps in the progress that was heard, filled from its log."),
    _Counter(LOST_EVENTS, "Progress events that could not be sent."),
)


def families(facts: Facts) -> Iterator[Metric]:
    """Every metric that is known now."""
    yield InfoMetricFamily("reelqueue_build", "Which version this is.", value={"version": __version__})
    yield _gauge("reelqueue_redis_up", "Whether Redis answers the board.", 0 if facts.fleet is None else 1)
    known = dict(_split(facts.totals))
    for counter in COUNTERS:
        yield _counter(counter, known)
    yield _durations(known)
    yield _time_to_publish(known)
    yield _gauge("reelqueue_largest_video_bytes", "The largest video that was rendered.", facts.totals.get(tally.LARGEST, 0.0))
    if facts.fleet is not None:
        yield from _queues(facts.fleet)
        yield from _workers(facts.fleet)
    if facts.standings is not None:
        yield from _quotas(facts.standings)
    if facts.money is not None:
        yield from _money(facts.money)
    if facts.disk_free_bytes is not None:
        yield _gauge("reelqueue_disk_free_bytes", "What the disk of DATA_DIR has left.", facts.disk_free_bytes)
    if facts.disk_low_water_bytes is not None:
        says = "Below so much free space cleaning begins: DISK_LOW_WATER_GB."
        yield _gauge("reelqueue_disk_low_water_bytes", says, facts.disk_low_water_bytes)


def _split(totals: Mapping[str, float]) -> Iterator[tuple[tuple[str, Labels], float]]:
    """Totals by name and labels."""
    for key, value in totals.items():
        name, _, inner = key.partition("{")
        labels = tuple(sorted((label, re.sub(r"\\(.)", _unescaped, text)) for label, text in _LABEL.findall(inner)))
        yield (name, labels), value


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]


def _counter(counter: _Counter, known: Mapping[tuple[str, Labels], float]) -> Metric:
    family = CounterMetricFamily(counter.name, counter.says, labels=counter.labels)
    values = dict.fromkeys(counter.known, 0.0)
    for (name, labels), value in known.items():
        given = dict(labels)
        if name == counter.name and set(given) == set(counter.labels):  # another version may have had other labels
            values[tuple(given[label] for label in counter.labels)] = value
    for labels_of, value in values.items():
        family.add_metric(labels_of, value)
    return family


def _durations(known: Mapping[tuple[str, Labels], float]) -> Metric:
    family = HistogramMetricFamily(tally.DURATION, "How long attempts took that ended ok, in seconds.", labels=["stage"])
    for stage in Stage:
        labels = (("stage", str(stage)),)
        family.add_metric([str(stage)], *_histogram(tally.DURATION, labels, known))
    return family


def _time_to_publish(known: Mapping[tuple[str, Labels], float]) -> Metric:
    family = HistogramMetricFamily(tally.TO_PUBLISH, "From the start of a project to its publication, in seconds.")
    family.add_metric([], *_histogram(tally.TO_PUBLISH, (), known))
    return family


def _histogram(name: str, labels: Labels, known: Mapping[tuple[str, Labels], float]) -> tuple[list[tuple[str, float]], float]:
    alone = (known.get((f"{name}_bucket", tuple(sorted((*labels, ("le", bound))))), 0.0) for bound in _BOUNDS)
    return list(
        zip((f"{float(bound)}" if bound != "+Inf" else bound for bound in _BOUNDS), accumulate(alone), strict=True)
    ), known.get((f"{name}_sum", labels), 0.0)


def _queues(fleet: Fleet) -> Iterator[Metric]:
    depth = GaugeMetricFamily("reelqueue_queue_depth", "Jobs in a queue, by what becomes of them.", labels=["queue", "state"])
    age = GaugeMetricFamily("reelqueue_queue_oldest_age_seconds", "How long the first waits that could begin.", labels=["queue"])
    paused = GaugeMetricFamily("reelqueue_queue_paused", "Whether a person has paused the queue.", labels=["queue"])
    for queue in fleet.queues:
        for state, count in (("waiting", queue.waiting), ("running", queue.running), ("parked", queue.parked)):
            depth.add_metric([queue.name, state], count)
        age.add_metric([queue.name], queue.oldest_s or 0.0)
        paused.add_metric([queue.name], int(queue.paused))
    yield from (depth, age, paused)


def _workers(fleet: Fleet) -> Iterator[Metric]:
    """By queue: a worker's name is another with each start."""
    up = GaugeMetricFamily("reelqueue_worker_up", "Workers that live.", labels=["queue"])
    cpu = GaugeMetricFamily(
        "reelqueue_worker_cpu_ratio", "CPU of the workers and their children; 1 is one core.", labels=["queue"]
    )
    memory = GaugeMetricFamily(
        "reelqueue_worker_memory_bytes",
        "Memory of the workers, and of their FFmpeg and other children.",
        labels=["queue", "kind"],
    )
    slots = GaugeMetricFamily("reelqueue_worker_slots", "Places for jobs, by whether one is in them.", labels=["queue", "state"])
    for queue in fleet.queues:
        ours = [worker for worker in fleet.workers if worker.queue == queue.name]
        up.add_metric([queue.name], len(ours))
        cpu.add_metric([queue.name], sum(worker.cpu_percent for worker in ours) / 100)
        children = sum(worker.children_bytes for worker in ours)
        memory.add_metric([queue.name, "rss"], max(0, sum(worker.memory_bytes for worker in ours) - children))
        memory.add_metric([queue.name, "children"], children)
        busy = sum(len(worker.jobs) for worker in ours)
        slots.add_metric([queue.name, "busy"], busy)
        free = sum(worker.cpu_places + worker.wait_places for worker in ours if worker.state == "running")
        slots.add_metric([queue.name, "free"], max(0, free - busy))
    yield from (up, cpu, memory, slots)


def _quotas(standings: Sequence[Standing]) -> Iterator[Metric]:
    left = GaugeMetricFamily(
        "reelqueue_quota_remaining", "What is left of the day's quota; 0 where it is closed.", labels=["bucket"]
    )
    limit = GaugeMetricFamily("reelqueue_quota_limit", "What a day's quota has, where that is known.", labels=["bucket"])
    for one in standings:
        bucket = f"{one.client}.{one.bucket}"
        if one.remaining is not None:
            left.add_metric([bucket], one.remaining)
        if one.limit is not None:
            limit.add_metric([bucket], one.limit)
    yield from (left, limit)


def _money(money: Money) -> Iterator[Metric]:
    family = GaugeMetricFamily("reelqueue_cost_day_usd", "The Pacific day's money in US dollars.", labels=["state"])
    family.add_metric(["spent"], money.spent)
    family.add_metric(["reserved"], money.reserved)
    if money.cap is not None:
        family.add_metric(["cap"], money.cap)
    yield family


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)


@dataclass(frozen=True, slots=True)
class Collected:
    """Families as prometheus_client's encoders take them."""

    metrics: Sequence[Metric]

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        return self.metrics
