"""Several workers below one process: started, started again when they die, told to end, none orphaned.

Each worker is the stock command, `python -m arq worker_settings.VideoWorker`, in a session of its own; it dies with us
however we die (see `process.start`).  `-P` keeps a `jobs` or `progress` of the folder that we stand in out of our way.
"""

import asyncio
import contextlib
import io
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import structlog
from redis.exceptions import RedisError

from jobs.claims import free_dead
from jobs.pipeline import BATCH, MAINTENANCE, VIDEO
from progress.connection import open_redis
from reelqueue import process
from reelqueue.errors import InstallationError
from reelqueue.relay import Relay
from reelqueue.wording import Text, same

WORKERS = {"video": "VideoWorker", "batch": "BatchWorker", "maintenance": "MaintenanceWorker"}
"""What the command line calls a worker, and its class in `worker_settings`."""
QUEUES = {"video": VIDEO, "batch": BATCH, "maintenance": MAINTENANCE}
REFUSAL = 2
"""The exit code of a worker that met a user's mistake at its start."""
MARGIN_SECONDS = 20.0
"""How long a worker may take to hand its jobs back and end after its drain, before it is killed: its own limit is 15 s."""
RESTART_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""The pauses before a worker is started again, one per end in a row; one that never got going begins at the second."""
STEADY_SECONDS = 60.0
"""After so long a life the next end is the first in a row again."""
FREE_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class WorkerRefused(InstallationError):
    """A worker could not start for a reason that no restart mends; `line` is what it said, as it logged it."""

    def __init__(self, message: Text, hint: Text, line: Mapping[str, Any]) -> None:
        super().__init__(message, hint)
        self.line = dict(line)


class NeverStarted(InstallationError):
    """A worker ended again and again without having got going, for a reason of its own."""


@dataclass(frozen=True, slots=True)
class Life:
    """How one worker lived and ended.  `code` is its exit code, minus the signal, or None where it could not be started."""

    code: int | None
    lived_s: float
    got_going: bool
    words: Mapping[str, Any]
    refusal: Mapping[str, Any] | None = None
    leaves: bool = False
    """Whether it was drained: nobody takes its place."""


@dataclass(slots=True)
class Post:
    """A worker's place: the one that has it now, and how those before it ended."""

    name: str
    kind: str
    child: asyncio.subprocess.Process | None = None
    relay: Relay | None = None
    ends: int = 0
    """Ends in a row, each sooner than STEADY_SECONDS after the start."""

    def pause(self, life: Life, pauses: Sequence[float]) -> float:
        """How many seconds to wait before the next start."""
        self.ends = 1 if life.lived_s >= STEADY_SECONDS else self.ends + 1
        at = self.ends - 1 if life.got_going else self.ends
        return pauses[min(at, len(pauses) - 1)]


@dataclass(slots=True)
class Supervisor:
    """The workers of `kinds`; a kind that is named twice has two.

    Their environment `env` names their server in REELQUEUE_REDIS_URL.  Their lines go to the file `log`, else to our
    stderr, as JSON or (`log_format`) for people.  `patience` is how often in a row a worker may end without having got
    going before that is an error; None starts it again for ever.
    """

    kinds: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path | None = None
    log_format: Literal["json", "console"] = "json"
    grace_s: float = MARGIN_SECONDS
    patience: int | None = None
    burst: bool = False
    pauses: Sequence[float] = RESTART_SECONDS
    killed: int = 0
    """How many workers had to be killed in the end."""
    _posts: list[Post] = field(default_factory=list)
    _going: set[str] = field(default_factory=set)
    _asked: int = 0
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _late: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Keep the workers alive until `stop`, or until cancelled; then end them.  A burst ends by itself.

        Raises:
            WorkerRefused: a worker refused to start, and none of its kind ever got going.
            NeverStarted: our patience is at an end.
        """
        with ExitStack() as stack:
            out = stack.enter_context(self.log.open("ab")) if self.log else _stderr()
            try:
                async with asyncio.TaskGroup() as group:
                    for post in self._named():
                        group.create_task(self._keep(post, out, group))
            except* (WorkerRefused, NeverStarted) as reasons:
                raise reasons.exceptions[0] from None
            finally:
                await asyncio.shield(self._end_all())

    def stop(self) -> None:
        """Ask the workers to end: the first time they drain, the second time they hurry."""
        self._asked += 1
        self._ending.set()
        if self._asked <= 2:
            if self._late is not None:
                self._late.cancel()
            grace_s = self.grace_s if self._asked == 1 else min(self.grace_s, MARGIN_SECONDS)
            self._late = asyncio.get_running_loop().call_later(grace_s, self._kill_all)
        _log.info("workers_asked_to_end", time=self._asked)
        for post in self._posts:
            if post.child is not None:
                process.ask_to_end(post.child)

    def _named(self) -> list[Post]:
        seen: Counter[str] = Counter()
        for kind in self.kinds:
            seen[kind] += 1
            self._posts.append(Post(kind if seen[kind] == 1 else f"{kind}-{seen[kind]}", kind))
        return self._posts

    async def _keep(self, post: Post, out: BinaryIO, group: asyncio.TaskGroup) -> None:
        """Have a worker at a post, one after the other, until we end."""
        while not self._ending.is_set():
            life = await self._live(post, out)
            if life.code not in {0, None}:
                group.create_task(self._free(post))
            if self._ending.is_set() or (life.code == 0 and (self.burst or life.leaves)):
                _tell_end(post, life)
                return
            pause_s = post.pause(life, self.pauses)
            self._give_up(post, life)
            _tell_end(post, life, restart_in_s=pause_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause_s)

    async def _live(self, post: Post, out: BinaryIO) -> Life:
        """One worker from its start to its end."""
        began = time.monotonic()
        relay = post.relay = Relay(post.name, out, console=self.log_format == "console" and self.log is None)
        with _ready_pipe() as (heard, sink):
            try:
                with relay.pipe() as output:
                    child = post.child = await self._start(post, output, sink)
            except OSError as error:  # no more processes, no memory: that passes
                return Life(None, 0.0, got_going=False, words={"error": str(error)})
            finally:
                os.close(sink)
            said = bytearray()
            loop = asyncio.get_running_loop()
            loop.add_reader(heard, self._hear, heard, post, said)
            try:
                code = await child.wait()
                self._hear(heard, post, said)  # it may have ended right after
            finally:
                loop.remove_reader(heard)
        lived_s = time.monotonic() - began
        await asyncio.to_thread(relay.finish)
        return Life(code, lived_s, bool(said), relay.last_words(), relay.refusal, leaves=process.LEAVING in said)

    async def _start(self, post: Post, output: int, ready: int) -> asyncio.subprocess.Process:
        argv = [sys.executable, "-P", "-m", "arq", f"worker_settings.{WORKERS[post.kind]}", *(["--burst"] if self.burst else [])]
        env = dict(self.env) | {"REELQUEUE_LOG_FORMAT": "json", process.LABEL: post.name}  # the relay reads it
        child = await process.start(argv, cwd=self.cwd, env=env, output=output, ready=ready)
        _log.info("worker_started", worker=post.name, pid=child.pid)
        if self._ending.is_set():  # asked while we started it
            process.ask_to_end(child)
        return child

    def _hear(self, heard: int, post: Post, said: bytearray) -> None:
        """A worker says that it got going, later perhaps that it leaves, or its end of the pipe is closed."""
        try:
            word = os.read(heard, 64)
        except BlockingIOError:
            return
        if not word:
            asyncio.get_running_loop().remove_reader(heard)
        elif not said:
            self._going.add(post.kind)
            _log.info("worker_ready", worker=post.name)
        said += word

    def _give_up(self, post: Post, life: Life) -> None:
        """Raise for a refusal before any of its kind got going, and where our patience is at an end."""
        if post.kind in self._going:
            return
        if life.code == REFUSAL and life.refusal is not None:
            raise WorkerRefused(same(str(life.words["error"])), same(str(life.words.get("hint", ""))), life.refusal)
        if life.code == REFUSAL or (self.patience is not None and post.ends >= self.patience):
            raise self._does_not_start(post, life)

    def _does_not_start(self, post: Post, life: Life) -> NeverStarted:
        said = f": {life.words['error']}" if "error" in life.words else ""
        where = Text(f"請看 {self.log}", f"see {self.log}") if self.log else Text("請看上面的訊息", "see the messages above")
        return NeverStarted(
            Text(
                f"{post.name} worker 無法啟動（代碼 {life.code}）{said}",
                f"the {post.name} worker does not start (code {life.code}){said}",
            ),
            same(str(life.words["hint"])) if "hint" in life.words else where,
        )

    async def _free(self, post: Post) -> None:
        """Free what a dead worker had claimed, so that others go on with it now rather than when its claims run out."""
        try:
            async with asyncio.timeout(FREE_SECONDS), open_redis(self.env["REELQUEUE_REDIS_URL"]) as redis:
                freed = await free_dead(redis, QUEUES[post.kind])
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("claims_not_freed", worker=post.name, error=f"{type(error).__name__}: {error}")
        else:
            _log.info("claims_freed", worker=post.name, jobs=freed)

    async def _end_all(self) -> None:
        living = [post for post in self._posts if post.child is not None and post.child.returncode is None]
        if living and not self._asked:
            self.stop()
        for post in living:
            await self._ended(post)
        if self._late is not None:
            self._late.cancel()

    async def _ended(self, post: Post) -> None:
        """Wait for the end of a worker whose keeping was cancelled, and for its last words."""
        if post.child is None or post.relay is None:
            return
        code = await post.child.wait()
        await asyncio.to_thread(post.relay.finish)
        _tell_end(post, Life(code, 0.0, got_going=True, words={}))

    def _kill_all(self) -> None:
        for post in self._posts:
            if post.child is not None and post.child.returncode is None:
                _log.warning("worker_killed", worker=post.name, pid=post.child.pid, after_s=self.grace_s)
                self.killed += 1
                process.kill(post.child)


@contextlib.asynccontextmanager
async def workers(supervisor: Supervisor) -> AsyncIterator["asyncio.Task[None]"]:
    """Run a supervisor beside the caller's own work; yields its task, which ends early only by an error."""
    task = asyncio.create_task(supervisor.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, InstallationError):
            await task


def _stderr() -> BinaryIO:
    """Where our own log goes too: one buffer, so that no line is torn by another."""
    return cast(BinaryIO, sys.__stderr__.buffer) if sys.__stderr__ is not None else io.BytesIO()


@contextlib.contextmanager
def _ready_pipe() -> Iterator[tuple[int, int]]:
    """Where a worker says that it got going: the end to read, without blocking, and the one to write, which the user closes."""
    source, sink = os.pipe()
    os.set_blocking(source, False)
    try:
        yield source, sink
    finally:
        os.close(source)


def _tell_end(post: Post, life: Life, **more: Any) -> None:
    """Say how a worker ended: its exit code, or the signal that killed it."""
    if life.code is None:
        _log.warning("worker_not_started", worker=post.name, **life.words, **more)
        return
    how = {"exit_code": life.code} if life.code >= 0 else {"signal": _name(-life.code)}
    words = life.words if life.code == REFUSAL else {}
    tell = _log.info if life.code == 0 else _log.warning
    tell(
        "worker_ended",
        worker=post.name,
        pid=post.child and post.child.pid,
        **how,
        duration_s=round(life.lived_s, 1),
        **words,
        **more,
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
