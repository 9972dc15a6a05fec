"""Keeps a worker's claims, and says that it lives: from a thread, since a busy event loop must not lose what it works on.

The heartbeat is `reelqueue:worker:<name>`: JSON with the worker's name, queue, process, jobs, CPU and memory (its FFmpeg and
Python children counted in), for whoever watches; `reelqueue:beats` names who beats.  It goes on while Redis is away, and a little
faster, and comes sooner when there is news.
"""

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog
from arq.constants import in_progress_key_prefix
from redis import Redis
from redis.exceptions import RedisError

from jobs import tally
from jobs.claims import ALIVE_PREFIX, RELEASE, RENEW
from jobs.watchdog import Watchdog
from reelqueue.vitals import Vitals

HEARTBEAT_PREFIX = "reelqueue:worker:"
BEATS_KEY, BEATS_KEPT_SECONDS = "reelqueue:beats", 3_600
"""Names by the time of their last heartbeat, in ms of their own clocks: whose heartbeat is gone lives no more."""
HEARTBEAT_SECONDS, HEARTBEAT_KEPT_SECONDS, NEWS_SECONDS = 5.0, 20, 1.0
"""How often it beats, how long a beat holds, and the least between two of which the second one has news."""
HISTORY_SECONDS, HISTORY_STEPS = 15.0, 40
"""Each step of the CPU's course, and how many are kept: ten minutes."""
MOST_SECONDS = 5.0
"""The longest between two renewals, however long the lease."""
AGAIN_SECONDS, STOP_SECONDS = 0.25, 2.0
SUPERVISOR = "REELQUEUE_SUPERVISOR_PID"
"""Who started us; where the kernel does not tell us of its death we look ourselves."""

log = structlog.get_logger(__name__)


class Keeper:
    """A thread that renews the claims of `held()` and beats; `on_lost` is called in the event loop."""

    def __init__(
        self,
        client: Callable[[], Redis],
        *,
        queue: str,
        name: str,
        claim: str,
        lease_seconds: float,
        held: Callable[[], list[str]],
        on_lost: Callable[[str], None],
        describe: Callable[[], Mapping[str, Any]],
        watchdog: Watchdog | None = None,
    ) -> None:
        self._open = client
        self._queue = queue
        self._name, self._key, self._old_key = name, HEARTBEAT_PREFIX + name, ALIVE_PREFIX + name
        self._claim = claim
        self._lease_ms = int(lease_seconds * 1000)
        self._every = min(MOST_SECONDS, lease_seconds / 3)
        self._held = held
        self._on_lost = on_lost
        self._describe = describe
        self._watchdog = watchdog
        self._vitals = Vitals()
        self._cpu: deque[float] = deque(maxlen=HISTORY_STEPS)
        self._cpu_from = (time.monotonic(), self._vitals.read()["cpu_seconds"])
        self._stop, self._news = threading.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()
        self._parent = int(os.environ.get(SUPERVISOR) or 0)
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def tell(self) -> None:
        """There is news: the next heartbeat comes within a second."""
        self._news.set()

    async def stop(self) -> None:
        """End, and take the heartbeat away; a server that says nothing is not waited for."""
        self._stop.set()
        self._news.set()
        await asyncio.to_thread(self._thread.join, STOP_SECONDS)

    def _keep(self) -> None:
        redis = self._open()
        renew, release = redis.register_script(RENEW), redis.register_script(RELEASE)
        beaten = heard_from = float("-inf")
        pause = 0.0
        while not self._stop.is_set():
            waited = self._wait(pause, heard_from)
            if self._stop.is_set():
                break
            self._look_at_parent()
            if self._watchdog is not None:
                self._watchdog.look(waited)
            pause = self._every
            try:
                self._renew(renew, release)
                if self._news.is_set() or time.monotonic() - beaten >= HEARTBEAT_SECONDS - 0.1:
                    self._news.clear()
                    heard_from = time.monotonic() + NEWS_SECONDS
                    self._beat(redis)
                    beaten = time.monotonic()
            except (RedisError, OSError) as error:  # the worker's own looks tell of it
                tally.redis_failed(error)
                self._news.set()  # what could not be said still is, and hurries nobody
                pause, heard_from = AGAIN_SECONDS, time.monotonic() + AGAIN_SECONDS
            except Exception as error:  # a bug; were the thread to end, all that we work on would be taken away
                log.exception("bug", exc_info=error)
        with contextlib.suppress(RedisError, OSError):
            redis.delete(self._key, self._old_key)
            redis.zrem(BEATS_KEY, self._name)
        redis.close()

    def _wait(self, pause: float, heard_from: float) -> float:
        """Wait for so long, or until there is news, which is heard from then on; how long that was."""
        began = time.monotonic()
        if self._news.wait(pause):
            self._stop.wait(min(pause, max(0.0, heard_from - time.monotonic())))
        return min(pause, time.monotonic() - began)

    def _beat(self, redis: Redis) -> None:
        body, now_ms = json.dumps(self._heartbeat()), int(time.time() * 1000)
        with redis.pipeline(transaction=False) as pipe:
            pipe.set(self._key, body, ex=HEARTBEAT_KEPT_SECONDS)
            pipe.set(self._old_key, "1", ex=HEARTBEAT_KEPT_SECONDS)
            pipe.zadd(BEATS_KEY, {self._name: now_ms})
            pipe.zremrangebyscore(BEATS_KEY, "-inf", now_ms - BEATS_KEPT_SECONDS * 1000)
            pipe.expire(BEATS_KEY, BEATS_KEPT_SECONDS)
            pipe.execute()

    def _renew(self, renew: Callable[..., Any], release: Callable[..., Any]) -> None:
        held = self._held()
        if not held:
            return
        args = [in_progress_key_prefix, self._claim, self._lease_ms, *held]
        lost, anew = cast(list[list[bytes]], renew(keys=[self._queue], args=args))
        still = set(self._held()) if anew else set()
        for raw in anew:
            if raw.decode() not in still:  # it was handed back while we asked: else it would wait for a whole lease
                release(keys=[in_progress_key_prefix + raw.decode()], args=[self._claim])
        for raw in lost:
            with contextlib.suppress(RuntimeError):  # the loop is closed: we end
                self._loop.call_soon_threadsafe(self._on_lost, raw.decode())

    def _heartbeat(self) -> dict[str, Any]:
        read, (since, before) = self._vitals.read(), self._cpu_from
        if (elapsed := time.monotonic() - since) >= HISTORY_SECONDS:
            self._cpu.append(round(100 * (read["cpu_seconds"] - before) / elapsed, 1))
            self._cpu_from = (since + elapsed, read["cpu_seconds"])
        return dict(self._describe()) | read | {"cpu_history": list(self._cpu)}

    def _look_at_parent(self) -> None:
        if self._parent and os.getppid() != self._parent:
            log.warning("supervisor_gone")
            self._parent = 0
            os.kill(os.getpid(), signal.SIGTERM)
