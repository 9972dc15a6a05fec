"""Carries one job out that is ours: refused, or run and finished, or handed back.  Nothing that it meets ends the worker."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple, TypeVar

import structlog
from arq.jobs import Deserializer, SerializationError, Serializer, deserialize_job_raw, serialize_result
from arq.worker import Function, JobExecutionFailed, Retry, RetryJob
from redis.exceptions import RedisError

from jobs import tally
from jobs.claims import MAX_PAYLOAD_BYTES, Claims, Taken
from jobs.containing import contained
from jobs.queue import PAYLOAD_EXPIRES_S
from jobs.subject import subject_of
from reelqueue import failpoints
from reelqueue.errors import PermanentError, ProjectCancelled, ReelqueueError
from reelqueue.telemetry import bound
from reelqueue.wording import Text

T = TypeVar("T")
Hook = Callable[[dict[Any, Any]], Awaitable[Any]]
FOREVER_MS = 10 * 365 * 86_400_000
"""What "keep for ever" is to a result."""
ABORTED_SCORE, ABORT_FOLLOWS_S = 1, 0.1
"""arq brings a deferred job that is aborted forward to this score first, and asks for the abort in a second call."""
FIRST_PAUSE_S, LAST_PAUSE_S, TELL_EVERY_S = 0.05, 1.0, 30.0
SHORTEST_DEFER_S = 0.02
"""A job that wants to run again at once does not keep the worker from all others."""

log = structlog.get_logger(__name__)


class Stop(Enum):
    """Why a running job was told to stop."""

    ABORTED = "aborted"
    LOST = "lost"
    ENDING = "ending"


class Ended(NamedTuple):
    """A job came to its end: what it returned, or the error that it ended with."""

    success: bool
    result: Any


class Back(NamedTuple):
    """A job waits: it is due in so many seconds (None: it keeps its turn); `counts`: it was a try."""

    seconds: float | None
    counts: bool


@dataclass(slots=True)
class Run:
    """One job that this worker has in hand."""

    taken: Taken
    job_id: str
    name: str = "<unknown>"
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    enqueued_ms: int = 0
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    work: "asyncio.Task[Any] | None" = None
    stop: Stop | None = None
    finishing: bool = False
    leaving: bool = False
    """Its hand-back is on its way: from now on it may be anybody's, ours again too."""

    @property
    def subject(self) -> dict[str, Any]:
        """What it is about, as log fields."""
        return subject_of(self.name, self.args, self.kwargs)

    def end(self, why: Stop) -> None:
        """Tell it to stop; one whose outcome is known already goes on to its end."""
        if not self.finishing:
            self.stop = self.stop or why
            if self.work is not None:
                self.work.cancel()


@dataclass(slots=True)
class Counts:
    """What became of this worker's jobs."""

    complete: int = 0
    failed: int = 0
    retried: int = 0


@dataclass(slots=True)
class Carrier:
    """What the jobs of one worker have in common.  Times in seconds."""

    queue: str
    claims: Claims
    functions: Mapping[str, Function]
    context: dict[Any, Any]
    serializer: Serializer | None
    deserializer: Deserializer | None
    timeout_s: float | None
    keep_result_s: float
    keep_result_forever: bool
    max_tries: int
    on_job_start: Hook | None = None
    on_job_end: Hook | None = None
    after_job_end: Hook | None = None
    on_abort: Callable[[dict[Any, Any], str, tuple[Any, ...], dict[str, Any]], Awaitable[Any]] | None = None
    counts: Counts = field(default_factory=Counts)
    gives_up: Callable[[], bool] = lambda: False
    """Whether the worker ends, and waits for no Redis any more."""

    async def carry_out(self, run: Run) -> None:
        """From the claim to its end, or back into the queue."""
        refusal = self._read(run)
        fields = {"queue": self.queue, "job_id": run.job_id, "job": run.name, "job_try": run.taken.job_try} | run.subject
        with bound(**fields):
            began = time.monotonic()
            await failpoints.reach("job.taken")
            outcome = self._refused(refusal) if refusal is not None else await self._worked(run)
            run.finishing = True
            await failpoints.reach("job.over")
            if isinstance(outcome, Back):
                await self._hand_back(run, outcome)
            else:
                await self._finish(run, outcome, time.monotonic() - began)

    def read_aborted(self, run: Run, at_ms: int) -> bool:
        """Whether an abort means this very job: one of the same id that was queued later is another.

        arq says both in milliseconds; of two in the same one the abort is taken for the later.
        """
        return self._read(run) is not None or at_ms >= run.enqueued_ms

    async def abort(self, run: Run) -> None:
        """End a job that never ran; its project is told first."""
        with bound(queue=self.queue, job_id=run.job_id, job=run.name, **run.subject):
            await self._tell_of_abort(run)
            run.finishing = True
            await self._finish(run, self._aborted(), 0.0)

    async def abort_running(self, run: Run) -> None:
        """Stop a job that we carry; its project is told first."""
        with bound(queue=self.queue, job_id=run.job_id, job=run.name, **run.subject):
            run.stop = run.stop or Stop.ABORTED  # it may notice by itself that its project is cancelled
            await self._tell_of_abort(run)
            run.end(Stop.ABORTED)

    async def _tell_of_abort(self, run: Run) -> None:
        if self.on_abort is not None and run.name in self.functions:
            await self._hooked("on_abort", self.on_abort(self.context, run.name, run.args, run.kwargs))

    async def leave(self, run: Run) -> None:
        """Hand a job back that did not run; its try was never counted."""
        run.finishing = True
        await self._hand_back(run, Back(None, counts=True))

    async def leave_again(self, taken: Taken) -> None:
        """Hand a claim back that came before the answer to the last hand-back of its job.

        Raises:
            RedisError, OSError: its claim runs out by itself.
        """
        await self.claims.back(taken.raw_id, seconds=SHORTEST_DEFER_S, counts=False, keep_ms=PAYLOAD_EXPIRES_S * 1000)

    # Before.

    def _read(self, run: Run) -> BaseException | None:
        """Read the payload into `run`; returns why it can't be run."""
        if run.taken.size > MAX_PAYLOAD_BYTES:
            return _oversized(run.taken.size)
        if run.taken.body is None:
            return JobExecutionFailed("job expired")
        try:
            run.name, run.args, run.kwargs, enqueued_try, run.enqueued_ms = deserialize_job_raw(
                run.taken.body, deserializer=self.deserializer
            )
        except SerializationError as error:
            return error
        run.args = tuple(run.args)
        run.taken = run.taken._replace(job_try=run.taken.job_try + max(0, (enqueued_try or 1) - 1))
        function = self.functions.get(run.name)
        if function is None:
            return JobExecutionFailed(f"function {run.name!r} not found")
        most = self.max_tries if function.max_tries is None else function.max_tries
        return JobExecutionFailed(f"max {most} retries exceeded") if run.taken.job_try > most else None

    def _refused(self, refusal: BaseException) -> Ended:
        log.error("job_refused", error=_words(refusal))
        return Ended(success=False, result=refusal)

    # Meanwhile.

    async def _worked(self, run: Run) -> Ended | Back:
        function = self.functions[run.name]
        context = self.context | {
            "job_id": run.job_id,
            "job_try": run.taken.job_try,
            "enqueue_time": datetime.fromtimestamp(run.enqueued_ms / 1000, UTC),
            "score": run.taken.score,
        }
        if self.on_job_start is not None:
            await self._hooked("on_job_start", self.on_job_start(context))
        if run.taken.score == ABORTED_SCORE:
            await asyncio.sleep(ABORT_FOLLOWS_S)
        if run.stop is not None:
            return self._stopped(run)

        async def called() -> Any:  # arguments that don't fit are an error of the job's
            return await function.coroutine(context, *run.args, **run.kwargs)

        run.work = asyncio.create_task(contained(called()))
        asyncio.get_running_loop().call_soon(
            _say_started, run.taken.job_try
        )  # after the job's first step, which does not wait for it
        outcome = await self._awaited(run, self.timeout_s if function.timeout_s is None else function.timeout_s)
        if self.on_job_end is not None:
            await self._hooked("on_job_end", self.on_job_end(context))
        return outcome

    async def _awaited(self, run: Run, timeout_s: float | None) -> Ended | Back:
        if run.work is None:
            raise AssertionError
        try:
            return Ended(success=True, result=await asyncio.wait_for(run.work, timeout_s))
        except Retry as later:
            seconds = max(SHORTEST_DEFER_S, (later.defer_score or 0) / 1000)
            log.debug("job_waits", seconds=seconds)
            return Back(seconds, counts=True)
        except RetryJob:
            return Back(None, counts=True)
        except asyncio.CancelledError:
            return self._stopped(run)
        except ReelqueueError as error:
            return self._failed(run, error)
        except Exception as error:  # whatever it is, the job ends by it and the worker does not
            log.exception("job_failed", exc_info=error)
            return Ended(success=False, result=error)

    def _failed(self, run: Run, error: ReelqueueError) -> Ended:
        if run.stop is Stop.ABORTED and isinstance(error, ProjectCancelled):
            return self._aborted()
        log.warning("job_failed", error=error.message, code=error.code)
        return Ended(success=False, result=error)

    def _stopped(self, run: Run) -> Ended | Back:
        if run.stop is Stop.ABORTED:
            return self._aborted()
        log.info("job_handed_back", why=(run.stop or Stop.ENDING).value)
        return Back(None, counts=False)

    def _aborted(self) -> Ended:
        log.info("job_aborted")
        return Ended(success=False, result=asyncio.CancelledError())

    async def _hooked(self, name: str, hook: Awaitable[Any]) -> None:
        """A hook is news, not work: what it raises is told, and nothing more."""
        try:
            await contained(hook)
        except Exception as error:  # see above
            log.exception("hook_failed", hook=name, exc_info=error)

    # After.

    async def _finish(self, run: Run, ended: Ended, seconds: float) -> None:
        if ended.success:
            self.counts.complete += 1
        else:
            self.counts.failed += 1
        keep_ms = self._keep_ms(run)
        result = self._result(run, ended) if keep_ms else None
        ours = await self._surely("finish", lambda: self.claims.finish(run.taken.raw_id, result, keep_ms))
        await failpoints.reach("job.finished")
        if ours is False:
            log.warning("job_lost", why="another worker has it")
        elif ended.success:
            log.info("job_done", duration_s=round(seconds, 3))
        if self.after_job_end is not None:
            await self._hooked("after_job_end", self.after_job_end(self.context | {"job_id": run.job_id}))

    def _keep_ms(self, run: Run) -> int:
        function = self.functions.get(run.name)
        forever = function.keep_result_forever if function is not None else None
        if self.keep_result_forever if forever is None else forever:
            return FOREVER_MS
        seconds = function.keep_result_s if function is not None and function.keep_result_s is not None else self.keep_result_s
        return int(seconds * 1000)

    def _result(self, run: Run, ended: Ended) -> bytes | None:
        now_ms = int(time.time() * 1000)
        return serialize_result(
            run.name,
            run.args,
            run.kwargs,
            run.taken.job_try,
            run.enqueued_ms,
            ended.success,
            ended.result,
            int(run.started_at.timestamp() * 1000),
            now_ms,
            f"{run.job_id}:{run.name}",
            self.queue,
            serializer=None if self.serializer is None else _sure(self.serializer),
            job_id=run.job_id,
        )

    async def _hand_back(self, run: Run, back: Back) -> None:
        self.counts.retried += 1
        run.leaving = True
        await self._surely(
            "hand_back",
            lambda: self.claims.back(
                run.taken.raw_id, seconds=back.seconds, counts=back.counts, keep_ms=PAYLOAD_EXPIRES_S * 1000
            ),
        )
        await failpoints.reach("job.handed-back")

    async def _surely(self, what: str, act: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """Do it as soon as Redis answers, however long that takes; None where the worker ends before."""
        pause, told = FIRST_PAUSE_S, float("-inf")
        while True:
            try:
                return await act()
            except (RedisError, OSError, TimeoutError) as error:
                tally.redis_failed(error)
                if time.monotonic() - told >= TELL_EVERY_S:
                    told = time.monotonic()
                    log.warning("redis_does_not_take_it", what=what, error=str(error))
            if self.gives_up():
                log.error("result_lost" if what == "finish" else "claim_left", error="the worker ends while Redis is away")
                return None
            await asyncio.sleep(pause)
            pause = min(LAST_PAUSE_S, 2 * pause)


def _sure(serializer: Serializer) -> Serializer:
    """Serializes every answer: what a job returned and can't travel is an error that says so."""

    def serialized(data: dict[str, Any]) -> bytes:
        try:
            return serializer(data)
        except (TypeError, ValueError, RecursionError) as error:
            log.error("result_refused", error=str(error))  # noqa: TRY400 - its trace is the serializer's
            answer = data | {"s": False, "r": _does_not_travel(error)}
        try:
            return serializer(answer)
        except (TypeError, ValueError, RecursionError):  # nor do its arguments: a number that is none, for one
            return serializer(answer | {"a": (), "k": {}})

    return serialized


def _say_started(job_try: int) -> None:
    say = log.info if job_try == 1 else log.debug  # to arq each look of a waiting job is one more try
    say("job_started")


def _words(error: BaseException) -> str:
    return error.message if isinstance(error, ReelqueueError) else str(error)


def _does_not_travel(error: Exception) -> PermanentError:
    return PermanentError(
        Text(f"這個工作的結果不是 JSON（{error}）", f"what the job returned is not JSON ({error})"),
        Text("請讓工作回傳只含文字、數字、串列與字典的結果", "let the job return texts, numbers, lists and dicts only"),
    )


def _oversized(size: int) -> PermanentError:
    return PermanentError(
        Text(f"這個工作太大（{size} 位元組，上限 {MAX_PAYLOAD_BYTES}），已拒絕執行",
             f"the job is too large ({size} bytes, at most {MAX_PAYLOAD_BYTES}) and was refused"),
        Text("參數只放專案編號；內容放在專案的 brief 裡", "give it a project's id; the content goes into the project's brief"),
    )  # fmt: skip
