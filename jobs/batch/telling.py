"""What the world hears of a batch: how far it is, and how it ended.  Telling never fails the work."""

from collections import Counter
from datetime import datetime

from jobs.batch.running import Outlines, share_done
from progress import Publisher
from reelqueue.models.batch import BatchState
from reelqueue.models.stage import BatchStatus
from reelqueue.wording import Text

Told = tuple[int, int, str]
"""What was last told of a batch: its run, percent, message."""


async def tell(
    publisher: Publisher, told: dict[int, Told], state: BatchState, outlines: Outlines, now: datetime, *, begins: bool
) -> None:
    """Tell how far it is, where that is news; that it `begins` is, and is 0.  Of an ended batch nothing is kept in `told`."""
    if state.status is BatchStatus.CANCELLED and not state.has_ended:
        return  # an event that says so is the last one
    message, percent = progress_message(state, outlines), int(share_done(state, outlines))
    before, news = told.get(state.batch_id), (state.run, percent, message.en)
    if begins and (before is None or before[0] != state.run):
        await _publish(publisher, state, 0, message, _eta_seconds(state, now), status=BatchStatus.RUNNING)
        before = (state.run, 0, message.en)
    if news != before or state.has_ended:
        await _publish(publisher, state, percent, message, _eta_seconds(state, now), status=state.status)
    told[state.batch_id] = news
    if state.has_ended:
        del told[state.batch_id]


def progress_message(state: BatchState, outlines: Outlines) -> Text:
    """How many of its projects ended, failed, wait; and what is special about it."""
    total, ended = len(state.project_ids), state.completed + state.failed
    waiting = Counter(project is not None and project.status.is_waiting for project in outlines.values())[True]
    zh, en = f"{ended}/{total} 個專案結束（失敗 {state.failed}）", f"{ended} of {total} projects ended ({state.failed} failed)"
    if waiting:
        zh, en = f"{zh}，{waiting} 個等待中", f"{en}, {waiting} waiting"
    if state.status is BatchStatus.PAUSED:
        zh, en = f"已暫停：{zh}", f"paused: {en}"
    elif state.overdue_since is not None and not state.has_ended:
        zh, en = f"超過預定時間，繼續進行：{zh}", f"over its time, going on: {en}"
    return Text(zh, en)


def _eta_seconds(state: BatchState, now: datetime) -> float | None:
    """Seconds to the middle of what was forecast; None where that has passed, or nothing was."""
    if state.has_ended:
        return 0.0
    if state.forecast is None or state.status is not BatchStatus.RUNNING:
        return None
    middle = state.forecast.least + (state.forecast.most - state.forecast.least) / 2
    left = (middle - now).total_seconds()
    return left if left > 0 else None


async def _publish(
    publisher: Publisher, state: BatchState, percent: int, message: Text, eta_s: float | None, *, status: BatchStatus
) -> None:
    await publisher.publish(
        batch_id=state.batch_id,
        stage="batch",
        progress=percent,
        overall=percent,
        message=message,
        eta_s=eta_s,
        status=str(status),
        run=state.run,
    )
