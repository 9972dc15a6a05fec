"""A failed stage, told to whoever shall mend it: what happened, and what to do, step by step.  Pure.

The error's own sentences are in the language of the worker that met it; what stands here is in the reader's.
"""

from dataclasses import dataclass

from reelqueue.dashboard.words import STAGE
from reelqueue.models.channel import DEFAULT_CHANNEL
from reelqueue.models.project import StageError
from reelqueue.models.stage import Stage
from reelqueue.wording import Text, same


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; `command` is what to type, "" where nothing is typed."""

    words: Text
    command: str = ""


@dataclass(frozen=True, slots=True)
class Mending:
    """`title` says what happened; `steps` in their order.  `retry_helps` is false where only another brief does."""

    title: Text
    steps: tuple[Step, ...]
    retry_helps: bool = True
    edit_helps: bool = False


_THEN_RETRY = Step(Text("然後重試。", "Then retry."))
_RETRY = Step(Text("重試一次；若又失敗，請看 Worker 的紀錄。", "Retry once; should it fail again, see the workers' log."))
_CHECKED = Step(
    Text(
        "重試；若又失敗，從前一個階段重試：每個檔案都會檢查，壞的才重做。",
        "Retry. Should it fail again, retry from the stage before: every file is checked, and what is damaged is made again.",
    )
)
_RESTART = Step(Text("重新啟動 Worker，讓它讀到新的設定。", "Restart the workers: they read settings when they start."))
_WAIT = Step(
    Text(
        "確認服務與網路恢復後重試；做好的部分不會重做。", "Retry once the service and the network are back; what is made is kept."
    )
)
_TRANSIENT = frozenset({"transient", "rate_limited", "unavailable", "timed_out", "storage_unavailable"})
_KEYS = {
    Stage.SCRIPT: "GEMINI_API_KEY",
    Stage.ASSETS: "GEMINI_API_KEY, DID_API_KEY",
}


def mending_of(error: StageError, stage: Stage, channel: str | None) -> Mending:
    """How to mend what a stage met."""
    if error.code == "authentication":
        return _signed_out(channel or DEFAULT_CHANNEL) if stage is Stage.UPLOAD else _key_refused(stage)
    if error.code == "content_refused":
        return _refused()
    name = STAGE[stage]
    if error.code in _TRANSIENT:
        title = Text(f"「{name.zh}」試過多次仍沒有回應", f"{name.en}: tried several times, still no answer")
        return Mending(title, (*_hint(error), _WAIT))
    if error.code == "invalid_brief":
        again = Step(Text("用改好的設定新增一個專案。", "Make a new project from the corrected brief."))
        return Mending(
            Text("專案的設定不能這樣做", "It can't be made as its brief asks"), (*_hint(error), again), retry_helps=False
        )
    if error.code in {"misconfigured", "invalid_settings"}:
        title = Text(f"「{name.zh}」用的服務設定有誤", f"What {name.en.lower()} works with is set up wrong")
        return Mending(title, (*_hint(error), _RESTART, _THEN_RETRY))
    title = Text(f"「{name.zh}」失敗", f"{name.en} failed")
    last = _THEN_RETRY if error.hint else _RETRY
    if error.code == "media":
        title, last = Text(f"「{name.zh}」的檔案有問題", f"{name.en}: a file is not what it should be"), _CHECKED
    return Mending(title, (*_hint(error), last))


def _hint(error: StageError) -> tuple[Step, ...]:
    return (Step(same(error.hint)),) if error.hint else ()


def _signed_out(channel: str) -> Mending:
    named = "" if channel == DEFAULT_CHANNEL else f" --channel {channel}"
    return Mending(
        Text(f"YouTube 不再接受「{channel}」的授權", f"YouTube no longer accepts the sign-in of {channel}"),
        (
            Step(Text("在執行 Worker 的主機上：", "On the machine that runs the workers:"), f"reelqueue auth youtube{named}"),
            Step(
                Text("避免再發生：到 Google 主控台把同意畫面發布出去。", "To keep it from coming back: publish the consent screen in the Google console.")
            ),
            _THEN_RETRY,
        ),
    )  # fmt: skip


def _key_refused(stage: Stage) -> Mending:
    return Mending(
        Text("服務拒絕了金鑰", "The service refused the key"),
        (
            Step(Text("在執行 Worker 的主機上換成有效的金鑰：", "On the machine that runs the workers set a valid key:"), _KEYS.get(stage, "")),
            _RESTART,
            _THEN_RETRY,
        ),
    )  # fmt: skip


def _refused() -> Mending:
    return Mending(
        Text("服務拒絕了內容", "The service refused the content"),
        (
            Step(Text("改寫被拒絕的那一段文字或圖片描述。", "Reword the part, or the picture's description, that was refused.")),
            Step(Text("儲存後只會重做改過的部分。", "Once it is saved only what changed is made again.")),
        ),
        edit_helps=True,
    )
