"""Every error of ours, named by what to do about it: the class is the decision.

ReelqueueError                       code             what happens
├── InvalidBrief                     invalid_brief    the caller corrects the field
├── InvalidSettings                  invalid_settings the operator corrects the setting
├── ProjectNotFound, BatchNotFound   not_found
├── WorkerNotFound, QueueNotFound    not_found
├── Conflict                         conflict         a key or an id is taken
├── WrongState                       wrong_state      the act does not fit the project's state
├── StageNotReady                    stage_not_ready  an earlier stage has to run first
├── ProjectFailed                    failed           `retry` tries again
├── ProjectCancelled                 cancelled
├── ProjectWaiting                   waiting          `reason`, `until`, `what_to_do` say for what
├── TransientError                   transient        retried, then the stage fails
│   ├── RateLimited                  rate_limited     retried after the service's own pause
│   ├── ServiceUnavailable           unavailable
│   └── StorageUnavailable           storage_unavailable   a disk that does not answer: a stage waits for it, no attempt used
├── PermanentError                   permanent        fails at once
│   ├── AuthenticationFailed         authentication
│   ├── ContentRefused               content_refused
│   ├── ServiceMisconfigured         misconfigured    a retired model, an API that is not switched on
│   └── MediaError                   media            a picture, sound or video is not what it should be
├── Parked                           waits, no attempt used
│   ├── QuotaExhausted               quota
│   ├── BudgetExhausted              budget
│   └── DiskFull                     disk
├── Busy                             busy             another worker has the project
└── Fenced                           fenced           another worker took the project over

Only these classes travel: `as_wire` and `from_wire` are an allow-list, never a name from the wire.
"""

import re
from datetime import datetime
from typing import Any, ClassVar

from reelqueue.telemetry import redact
from reelqueue.wording import STEERING, Text, same


class ReelqueueError(Exception):
    """Any error that a user or an app may see: `message` says what was wrong, `hint` what to do."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    usage: tuple[Any, ...] | None = None
    """What a failed call of a service was billed for (`models.project.Usage`): () surely nothing, None nobody knows."""
    sent: bool = True
    """Whether a failed call may have reached the service; one that surely did not took none of its quota either."""

    def __init__(self, message: Text | str, hint: Text | str = "") -> None:
        self.text = _seen(message if isinstance(message, Text) else same(message))
        self.hint_text = _seen(hint if isinstance(hint, Text) else same(hint))
        super().__init__(str(self.text))

    @property
    def message(self) -> str:
        """What was wrong, in the language of this process."""
        return str(self.text)

    @property
    def hint(self) -> str:
        """What to do about it, in the language of this process; may be empty."""
        return str(self.hint_text)

    def __str__(self) -> str:
        """The message."""
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies keep the class and the words, whatever the constructor takes."""
        return (_rebuild, (type(self), self.text, self.hint_text, self.__dict__.copy()))


def _seen(text: Text) -> Text:
    """A sentence as people may see it: it may hold a service's own words, and a service may say anything."""
    return Text(STEERING.sub("", text.zh), STEERING.sub("", text.en))


def _rebuild(cls: type[ReelqueueError], message: Text, hint: Text, rest: dict[str, Any]) -> ReelqueueError:
    error = cls.__new__(cls)
    ReelqueueError.__init__(error, message, hint)
    error.__dict__.update(rest)
    return error


class InvalidBrief(ReelqueueError):
    """A field of a brief is wrong.

    `field` is its name, `allowed` says what may stand there, `given` what stood there (cut to 80 characters).
    """

    code = "invalid_brief"

    def __init__(self, field: str, allowed: Text | str, given: object, hint: Text | None = None) -> None:
        self.field = field
        self.allowed = allowed if isinstance(allowed, Text) else same(allowed)
        self.given = _short(given)
        super().__init__(
            Text(
                f"欄位「{field}」不正確：允許的是{beside(self.allowed.zh)}；{received(self.given).zh}",
                f"field {field!r} is not valid: allowed is {self.allowed.en}; {received(self.given).en}",
            ),
            hint or Text(f"請修正「{field}」後再試一次", f"correct {field!r} and try again"),
        )


class InvalidSettings(ReelqueueError):
    """A setting is wrong: names the variable, what is allowed, what was given (never a secret)."""

    code = "invalid_settings"

    def __init__(self, name: str, allowed: Text | str, given: object) -> None:
        self.name = name
        allowed = allowed if isinstance(allowed, Text) else same(allowed)
        shown = _short(given, 300)  # a path is told whole: its end says which file it is
        super().__init__(
            Text(
                f"設定 {name} 不正確：允許的是{beside(allowed.zh)}；{received(shown).zh}",
                f"setting {name} is not valid: allowed is {allowed.en}; {received(shown).en}",
            ),
            Text(f"請在環境變數或 .env 中修正 {name}", f"correct {name} in the environment or in .env"),
        )


class InstallationError(InvalidSettings):
    """The machine is not set up for us: no server, another installation's Redis, a data folder that can't be used.

    The same code as `InvalidSettings`, with a sentence of its own; `name` is the setting that points there, if one does.
    """

    def __init__(self, message: Text, hint: Text, name: str = "") -> None:
        self.name = name
        ReelqueueError.__init__(self, message, hint)


class ProjectNotFound(ReelqueueError):
    """There is no project of this id, or the id is malformed."""

    code = "not_found"

    def __init__(self, project_id: object) -> None:
        self.project_id = _short(project_id)
        super().__init__(
            Text(f"找不到專案 {self.project_id}", f"there is no project {self.project_id}"),
            Text(
                "專案編號是從 1 開始的整數，用 reelqueue list 查看", "ids are whole numbers from 1 on; reelqueue list shows them"
            ),
        )


class BatchNotFound(ReelqueueError):
    """There is no batch of this id, or the id is malformed."""

    code = "not_found"

    def __init__(self, batch_id: object) -> None:
        self.batch_id = _short(batch_id)
        super().__init__(
            Text(f"找不到批次 {self.batch_id}", f"there is no batch {self.batch_id}"),
            Text(
                "批次編號是從 1 開始的整數，用 reelqueue batches 查看",
                "ids are whole numbers from 1 on; reelqueue batches shows them",
            ),
        )


class WorkerNotFound(ReelqueueError):
    """No worker of this name lives."""

    code = "not_found"

    def __init__(self, given: object) -> None:
        super().__init__(
            Text(f"沒有這個 worker：{_short(given)}", f"there is no such worker: {_short(given)}"),
            Text("它可能已經結束；reelqueue workers 列出還在的", "it may have ended; reelqueue workers lists those that live"),
        )


class QueueNotFound(ReelqueueError):
    """There is no queue of this name."""

    code = "not_found"

    def __init__(self, given: object) -> None:
        super().__init__(
            Text(f"沒有這個佇列：{_short(given)}", f"there is no such queue: {_short(given)}"),
            same("video_generation, batch_processing, maintenance"),
        )


class Conflict(ReelqueueError):
    """A key or an id is taken already."""

    code = "conflict"


class WrongState(ReelqueueError):
    """The act does not fit the state that the project is in."""

    code = "wrong_state"


class StageNotReady(ReelqueueError):
    """A stage was asked for whose inputs are missing.  `needs` is the stage that has to run first."""

    code = "stage_not_ready"

    def __init__(self, project_id: int, stage: str, needs: str) -> None:
        self.needs = needs
        super().__init__(
            Text(
                f"專案 {project_id} 的{_stage(stage)}階段還不能執行：要先完成{_stage(needs)}",
                f"stage {stage} of project {project_id} is not ready: {needs} has to run first",
            ),
            Text(f"先執行{_stage(needs)}階段", f"run {needs} first"),
        )


_STAGES = {"script": "腳本", "assets": "素材", "render": "影片", "thumbnail": "縮圖", "upload": "發布"}
_WAITS = {
    "waiting_review": "等待審核",
    "waiting_quota": "等待配額",
    "waiting_budget": "等待預算",
    "waiting_disk": "等待磁碟空間",
    "needs_person": "需要人處理",
}


def _stage(name: str) -> str:
    """A stage in Chinese, with the name that `--from` takes."""
    return f"「{_STAGES[name]}」（{name}）" if name in _STAGES else f" {name} "


def _then_retry(hint: str, project_id: int) -> Text:
    """What the error itself says that has to be done, and then the retry."""
    if "reelqueue retry" in hint:
        return same(naming(hint, project_id))
    retry = Text(f"修正後用 reelqueue retry {project_id} 再試", f"mend it, then reelqueue retry {project_id}")
    return Text(f"{hint}；{retry.zh}", f"{hint}; {retry.en}") if hint else retry


class ProjectFailed(ReelqueueError):
    """A stage of the project failed.  `stage` names it, `error` is what the state holds of it."""

    code = "failed"

    def __init__(self, project_id: int, stage: str, error: dict[str, Any]) -> None:
        self.project_id = project_id
        self.stage = stage
        self.error = error
        why = error.get("message", "")
        super().__init__(
            Text(f"專案 {project_id} 在{_stage(stage)}階段失敗：{why}", f"project {project_id} failed in {stage}: {why}"),
            _then_retry(str(error.get("hint", "")), project_id),
        )


class ProjectCancelled(ReelqueueError):
    """The project was cancelled."""

    code = "cancelled"

    def __init__(self, project_id: int) -> None:
        self.project_id = project_id
        super().__init__(
            Text(f"專案 {project_id} 已取消", f"project {project_id} was cancelled"),
            Text(f"要重新開始，用 reelqueue retry {project_id}", f"reelqueue retry {project_id} starts it again"),
        )


class ProjectWaiting(ReelqueueError):
    """The project waits for a person, a quota, money or the disk.

    `reason` is the state's status (`waiting_review`, `waiting_quota`, ...), `until` the time at which it
    goes on by itself (None: a person has to act), `what_to_do` a sentence.  `why` says what is used up, where there is more to say.
    """

    code = "waiting"

    def __init__(self, project_id: int, reason: str, until: datetime | None, what_to_do: str, why: str = "") -> None:
        self.project_id = project_id
        self.reason = reason
        self.until = until
        self.what_to_do = what_to_do
        super().__init__(
            Text(
                f"專案 {project_id} {_WAITS.get(reason, '正在等待')}（{reason}）" + (f"：{why}" if why else ""),
                f"project {project_id} is waiting ({reason})" + (f": {why}" if why else ""),
            ),
            what_to_do,
        )


class TransientError(ReelqueueError):
    """Something that may go better next time: retried after 2, 5 and 10 s, then the stage fails.

    `retry_after` is the pause in seconds that the service asked for, None when it gave none.  `most_retries` is how often it is worth
    a retry, where that is less often than anything.
    """

    code = "transient"
    retryable = True
    retry_after: float | None = None
    most_retries: int | None = None


class RateLimited(TransientError):
    """The service asks for a pause."""

    code = "rate_limited"

    def __init__(self, service: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        pause = Text("一段時間", "an unknown time") if retry_after is None else Text(f"{retry_after:g} 秒", f"{retry_after:g} s")
        super().__init__(
            Text(f"{service} 要求暫停{pause.zh}", f"{service} asks for a pause of {pause.en}"),
            Text("會自動重試", "it is retried by itself"),
        )


class ServiceUnavailable(TransientError):
    """The service is down, or its answer was cut or made no sense."""

    code = "unavailable"


class StorageUnavailable(TransientError):
    """Storage does not answer, or the outcome of a write is not known: no outside effect may follow it.  A stage waits for it."""

    code = "storage_unavailable"


class StageTimedOut(TransientError):
    """An attempt took longer than its time-out."""

    code = "timed_out"


class PermanentError(ReelqueueError):
    """Something that no retry mends."""

    code = "permanent"


class AuthenticationFailed(PermanentError):
    """A key or token was refused."""

    code = "authentication"


class ContentRefused(PermanentError):
    """The service will not make this."""

    code = "content_refused"


class ServiceMisconfigured(PermanentError):
    """The service can't do this as it is set up: a retired model, an API that is not switched on."""

    code = "misconfigured"


class MediaError(PermanentError):
    """A picture, a sound or a video is not what it should be, or a tool could not make it."""

    code = "media"


class Parked(ReelqueueError):
    """The stage can't go on now, and that is nobody's failure: no attempt is used.

    `until` is when it goes on by itself; None where a person has to act.
    """

    status: ClassVar[str] = "waiting_quota"
    until: datetime | None = None

    def __init__(self, message: Text | str, hint: Text | str = "", *, until: datetime | None = None) -> None:
        super().__init__(message, hint)
        self.until = until


class QuotaExhausted(Parked):
    """The quota of a service is used up until `until`.

    `closes` is the bucket that the service itself says is empty (`models.cost.Need.name`, or "channel"); None where our own
    count says so.
    """

    code = "quota"
    status = "waiting_quota"
    closes: str | None = None

    def __init__(
        self, message: Text | str, hint: Text | str = "", *, until: datetime | None = None, closes: str | None = None
    ) -> None:
        super().__init__(message, hint, until=until)
        self.closes = closes


class BudgetExhausted(Parked):
    """The next call would pass a cost cap."""

    code = "budget"
    status = "waiting_budget"


class DiskFull(Parked):
    """There is no space left below DATA_DIR."""

    code = "disk"
    status = "waiting_disk"


class NeedsPerson(Parked):
    """What no retry can mend and what must not be guessed."""

    code = "needs_person"
    status = "needs_person"


class Busy(ReelqueueError):
    """Another live worker has the project."""

    code = "busy"


class Fenced(ReelqueueError):
    """Another worker took the project over: nothing was written, and nothing may be."""

    code = "fenced"


class JobAborted(ReelqueueError):
    """Somebody aborted the job (arq's `Job.abort`); its project is cancelled."""

    code = "aborted"


_BY_CODE: dict[str, type[ReelqueueError]] = {
    cls.code: cls
    for cls in (
        ReelqueueError, InvalidSettings, Conflict, WrongState, TransientError, RateLimited, ServiceUnavailable,
        StorageUnavailable, StageTimedOut, PermanentError, AuthenticationFailed, ContentRefused, ServiceMisconfigured, MediaError, QuotaExhausted,
        BudgetExhausted, DiskFull, NeedsPerson, Busy, Fenced, JobAborted, InvalidBrief, ProjectNotFound, StageNotReady,
        ProjectFailed, ProjectCancelled, ProjectWaiting,
    )
}  # fmt: skip


_UNNAMED = re.compile(r"\breelqueue (?:retry|cancel|approve|edit|delete)\b(?! (?:\d|ID\b|編號))")


def as_wire(error: ReelqueueError) -> dict[str, Any]:
    """An error as it travels and as the state keeps it: `{code, message, hint, retryable}`.

    A service's or a tool's own words may quote what it was given: no key that is known here, or looks like one, goes further.
    """
    return {
        "code": error.code,
        "message": _cut(redact(error.message)),
        "hint": _cut(redact(error.hint)),
        "retryable": error.retryable,
    }


def naming(hint: str, project_id: int) -> str:
    """A hint whose commands name the project: who raised it did not know which one it is."""
    return _UNNAMED.sub(rf"\g<0> {project_id}", hint)


def from_wire(wire: dict[str, Any]) -> ReelqueueError:
    """The error of a wire object; an unknown code gives a plain `ReelqueueError`."""
    cls = _BY_CODE.get(str(wire.get("code", "")), ReelqueueError)
    return _rebuild(cls, same(str(wire.get("message", ""))), same(str(wire.get("hint", ""))), {})


def _cut(text: str, limit: int = 1_000) -> str:
    """A tool's or a service's words may be long; a state is not."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def beside(zh: str) -> str:
    """Words that follow Chinese ones: set off by a space where they begin with a letter or a digit of another script."""
    return f" {zh}" if zh[:1].isascii() and zh[:1].isalnum() else zh


def received(given: str) -> Text:
    """What stood there, by its `repr`."""
    if given == repr(None):
        return Text("什麼都沒有填", "nothing was given")
    return Text(f"收到的是 {given}", f"given was {given}")


def _short(value: object, limit: int = 80) -> str:
    return _cut(repr(list(value) if isinstance(value, tuple) else value), limit)  # a list, as who wrote it calls it
