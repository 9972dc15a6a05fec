"""What people ask of workers, kept in Redis: that no job of a queue begins, that one worker takes nothing more.

A worker reads both in the call by which it takes jobs (`jobs.claims`), and is woken when they are written.
"""

PAUSED_PREFIX = "reelqueue:paused:"
"""A queue that is paused: since when, in ms of Redis's clock.  It stays until somebody lets the queue go on."""
DRAIN_PREFIX = "reelqueue:drain:"
"""A worker that takes nothing more, by its name, which no other ever has."""
DRAIN_ASKED_SECONDS = 86_400
"""A worker hears of it within a second; one that was stopped that long hears of it when it goes on."""


def paused_key(queue: str) -> str:
    """Where it stands that a queue is paused."""
    return PAUSED_PREFIX + queue


def drain_key(worker: str) -> str:
    """Where it stands that a worker takes nothing more."""
    return DRAIN_PREFIX + worker
