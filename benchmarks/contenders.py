"""Who is measured: each queue with its pinned packages, and what its documentation says of a dead worker's job."""

from dataclasses import dataclass

OURS = "reelqueue"


@dataclass(frozen=True, slots=True)
class Contender:
    """One queue.

    `pins`: what its venv holds, empty for ours, which runs in the project's own.  `take_over`: what its documentation or
    source says of a killed worker's job, at its defaults and at its best.  `crowd`: so many jobs at once at its best
    setting for throughput: of several that were tried, the fastest.
    """

    name: str
    pins: tuple[str, ...]
    take_over: tuple[str, str]
    crowd: int


CONTENDERS = (
    Contender(OURS, (), ("lease: 15 s + 5 s", "supervisor: at once"), 10),
    Contender(
        "arq", ("arq==0.28.0", "uvloop==0.23.0"), ("longest time-out + 10 s: 310 s", "longest time-out + 10 s: 310 s"), 100
    ),
    Contender(
        "celery",
        ("celery[redis]==5.7.0", "redis==8.1.0", "hiredis==3.5.0"),
        ("lost (early acknowledgement)", "visibility time-out, 3,600 s"),
        4,
    ),
    Contender(
        "rq", ("rq==3.0.0", "redis==8.1.0", "hiredis==3.5.0"), ("failed (no retry)", "heartbeat 65 s, then maintenance"), 2
    ),
    Contender("dramatiq", ("dramatiq[redis]==2.2.1", "hiredis==3.5.0"), ("60 s + chance", "15 s + chance"), 30),
    Contender(
        "saq",
        ("saq[redis]==0.26.4", "typing_extensions", "hiredis==3.5.0", "uvloop==0.23.0"),
        ("aborted (one try)", "the job's own heartbeat, 15 s"),
        50,
    ),
    Contender(
        "taskiq",
        ("taskiq==0.13.0", "taskiq-redis==1.2.4", "hiredis==3.5.0", "uvloop==0.23.0"),
        ("600 s, at the next message", "600 s, at the next message"),
        100,
    ),
    Contender("streaq", ("streaq==7.2.0", "uvloop==0.23.0"), ("60-120 s", "15-30 s"), 16),
)
VARIANTS = ("defaults", "best")
STOCK = "stock client"
"""Ours once more, enqueued by stock arq's client: only the times."""
