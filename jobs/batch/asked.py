"""What a person may do with a whole batch, as pure functions of its state; storage commits them.

Each refuses with `WrongState` what does not fit, and says what would.  A second time changes nothing.
"""

from collections.abc import Callable
from datetime import datetime

from reelqueue.errors import WrongState
from reelqueue.models.batch import Again, BatchAct, BatchState
from reelqueue.models.stage import BatchStatus
from reelqueue.wording import Text

Change = Callable[[BatchState], BatchState]


def start(now: datetime) -> Change:
    """The batch is wanted; one that is on its way or ended stays as it is.

    Raises:
        WrongState: its projects are not all made, or it is paused.
    """

    def change(state: BatchState) -> BatchState:
        if state.status is BatchStatus.PAUSED:
            raise _wrong(state, Text("用 reelqueue batches resume 繼續", "reelqueue batches resume lets it go on"))
        if state.status is not BatchStatus.CREATED:
            return state
        if not state.project_ids:
            raise _wrong(
                state,
                Text("還沒有建立完成：用同一份內容再建立一次", "it was not made to its end: make it again from the same briefs"),
            )
        return state.replace(status=BatchStatus.RUNNING, started_at=now)

    return change


def pause(state: BatchState) -> BatchState:
    """Nothing of it begins any more.

    Raises:
        WrongState: it was not started, or has ended.
    """
    match state.status:
        case BatchStatus.PAUSED:
            return state
        case BatchStatus.RUNNING:
            return state.replace(status=BatchStatus.PAUSED, act=BatchAct.PAUSE)
    raise _wrong(state, Text("只有執行中的批次可以暫停", "only a batch that runs can be paused"))


def resume(state: BatchState) -> BatchState:
    """A paused one goes on.

    Raises:
        WrongState: it was not started, or has ended.
    """
    match state.status:
        case BatchStatus.RUNNING:
            return state
        case BatchStatus.PAUSED:
            return state.replace(status=BatchStatus.RUNNING, act=BatchAct.RESUME)
    raise _wrong(state, Text("只有暫停的批次可以繼續", "only a paused batch can go on"))


def cancel(state: BatchState) -> BatchState:
    """Nothing of it happens any more; it has ended when all its projects have.

    Raises:
        WrongState: it has ended already.
    """
    if state.status is BatchStatus.CANCELLED:
        return state
    if state.has_ended:
        raise _wrong(state, Text("已經結束，不需要取消", "it has ended, there is nothing to cancel"))
    return state.replace(status=BatchStatus.CANCELLED, act=BatchAct.CANCEL, again=None)


def again_of(state: BatchState) -> Again:
    """What begins once more where somebody tries a batch again: who cancelled a whole batch cancelled each of its projects."""
    return Again.UNFINISHED if state.status is BatchStatus.CANCELLED else Again.FAILED


def retry(now: datetime, *, anything: bool) -> Change:
    """What failed is tried again, as a new run; of a cancelled batch what was cancelled, too.  `anything`: whether there is such.

    Raises:
        WrongState: it was not started, is paused or still being cancelled, or nothing failed.
    """

    def change(state: BatchState) -> BatchState:
        if state.status is BatchStatus.CREATED:
            raise _wrong(state, Text("還沒有開始；請先開始它", "it was not started: start it first"))
        if state.status is BatchStatus.PAUSED:
            raise _wrong(state, Text("先用 reelqueue batches resume 繼續", "reelqueue batches resume lets it go on first"))
        if state.status is BatchStatus.CANCELLED and not state.has_ended:
            raise _wrong(state, Text("正在取消，請等它結束", "it is being cancelled: wait for its end"))
        if not anything:
            raise _wrong(state, Text("沒有失敗的專案", "none of its projects failed"))
        return state.replace(
            status=BatchStatus.RUNNING,
            again=again_of(state),
            run=state.run + 1,
            started_at=now,
            ended_at=None,
            overdue_since=None,
            forecast=None,
            outcome=None,
            results=(),
        )

    return change


def refuse_deletion(state: BatchState) -> None:
    """Raise `WrongState` where the batch is under way: its job would make no sense of what is gone."""
    if state.is_under_way:
        raise _wrong(state, Text("請先取消，並等它停下來", "cancel it first, and wait until it rests"))


def in_hand(state: BatchState) -> WrongState:
    """A worker looks at it just now."""
    return _wrong(state, Text("Worker 正在處理，請稍後再試一次", "a worker has it in hand: try again in a moment"))


def nothing_to_approve(state: BatchState) -> WrongState:
    """Nothing of it waits for a person's yes."""
    return _wrong(state, Text("這個批次沒有等待審核的專案", "none of its projects waits for a review"))


def _wrong(state: BatchState, hint: Text) -> WrongState:
    return WrongState(
        Text(
            f"批次 {state.batch_id} 目前的狀態是 {state.status}，不能這樣做",
            f"that can't be done: batch {state.batch_id} is {state.status}",
        ),
        hint,
    )
