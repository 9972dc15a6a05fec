"""Jobs and results as they travel: JSON, and nothing is ever unpickled.

arq hands over one dict for a job (`f` function, `a` `k` arguments, `t` try, `et` time) and one for a result (`s` success,
`r` result beside those).  Errors travel as `{code, message, hint, retryable}`.
"""

import asyncio
import json
import re
from typing import Any

import structlog
from arq.jobs import SerializationError
from arq.worker import JobExecutionFailed

from jobs.pipeline import BATCH_JOB
from reelqueue.errors import BatchNotFound, JobAborted, PermanentError, ReelqueueError, StageTimedOut, as_wire, from_wire
from reelqueue.models.frozen import Frozen
from reelqueue.wording import Text

MAX_MS = 32_503_680_000_000
"""The year 3000: a time beyond is no time, and would end arq's worker."""
PICKLE_MARK = 0x80
DEEPEST = 100
"""Levels of nesting; ours has five.  A deeper one would be stopped by the parser's recursion limit, which leaves the
interpreter's own count wrong (seen on 3.11)."""
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)

log = structlog.get_logger(__name__)


class NotOurs(ValueError):
    """A job or result that is not ours: not JSON, or of another shape."""


def serialize(data: dict[str, Any]) -> bytes:
    """What arq writes to Redis."""
    try:
        return json.dumps(data, ensure_ascii=False, default=_encode, allow_nan=False).encode()
    except UnicodeEncodeError:  # half a letter (a lone surrogate): JSON can say it, UTF-8 can't
        return json.dumps(data, default=_encode, allow_nan=False).encode()


def deserialize(body: bytes) -> dict[str, Any]:
    """What arq read from Redis; the error of a failed job becomes the exception of its code.

    Raises:
        NotOurs: it is no JSON (a pickled job, for one), or not of arq's shape.
    """
    if body[:1] and body[0] == PICKLE_MARK:
        log.warning("pickled_job_refused", bytes=len(body))
        raise NotOurs("pickled")
    if _is_deep(body):
        log.warning("job_refused", error="it is nested too deeply", bytes=len(body))
        raise NotOurs("nested too deeply")
    try:
        data: dict[str, Any] = json.loads(body)
    except ValueError as error:
        log.warning("job_refused", error="it is not JSON", bytes=len(body))
        raise NotOurs("not JSON") from error
    if not _is_job(data):
        log.warning("job_refused", error="it is not of arq's shape", bytes=len(body))
        raise NotOurs("not of arq's shape")
    if data.get("s") is False and isinstance(data.get("r"), dict):
        data["r"] = _error_of(data["r"], data["f"])
    return data


def _is_deep(body: bytes) -> bool:
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for token in _TOKENS.finditer(body):
        match token[0][:1]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
        if depth > DEEPEST:
            return True
    return False


def _error_of(wire: dict[str, Any], job: str) -> BaseException:
    if wire.get("code") == JobAborted.code:  # what arq's `Job.abort` waits for
        return asyncio.CancelledError(str(wire.get("message", "")))
    if job == BATCH_JOB.job and wire.get("code") == BatchNotFound.code:
        error = BatchNotFound("")
        error.text = from_wire(wire).text
        return error
    return from_wire(wire)


def _is_job(data: Any) -> bool:
    """Whether all fields that arq reads without looking are of their types."""
    return (
        isinstance(data, dict)
        and isinstance(data.get("f"), str)
        and isinstance(data.get("a"), list)
        and isinstance(data.get("k"), dict)
        and (data.get("t") is None or _is_count(data["t"]))
        and all(_is_count(data[name]) for name in ("et", "st", "ft") if name in data)
        and "et" in data
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_MS


def _encode(value: Any) -> Any:
    if isinstance(value, BaseException):
        return as_wire(translate(value))
    if isinstance(value, Frozen):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} does not travel")


def translate(error: BaseException) -> ReelqueueError:
    """Any exception that ended a job, as one of ours.  A bug's own words stay in the log."""
    if isinstance(error, ReelqueueError):
        return error
    if isinstance(error, SerializationError):
        return PermanentError(
            Text("這個工作不是 JSON，已拒絕執行", "the job is not JSON and was refused"),
            Text(
                "用 jobs.connect() 排入工作，或在 create_pool 設定 job_serializer=lambda d: json.dumps(d).encode() 與 job_deserializer=json.loads",
                "enqueue by jobs.connect(), or give create_pool job_serializer=lambda d: json.dumps(d).encode() and job_deserializer=json.loads",
            ),
        )
    if isinstance(error, JobExecutionFailed):
        return PermanentError(
            Text(f"這個工作無法執行：{error}", f"the job can't be run: {error}"),
            Text(
                "請檢查工作名稱與佇列，再排入一次；專案的狀態都在磁碟上，不會遺失",
                "look at the job's name and queue, then enqueue it again; projects are on disk, nothing is lost",
            ),
        )
    if isinstance(error, TimeoutError):
        return StageTimedOut(Text("這個工作逾時", "the job took too long"), Text("再排入一次", "enqueue it again"))
    if isinstance(error, asyncio.CancelledError):
        return JobAborted(
            Text("這個工作被中止", "the job was aborted"),
            Text("用 reelqueue retry 繼續它的專案", "reelqueue retry goes on with its project"),
        )
    return ReelqueueError(
        Text(f"程式發生未預期的錯誤（{type(error).__name__}）", f"an unexpected error ({type(error).__name__}): a bug"),
        Text("詳情在 worker 的紀錄裡；請回報", "the worker's log has the details; please report it"),
    )
