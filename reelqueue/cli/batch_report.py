"""What became of a batch, and the exit code that this is."""

from typing import Any

from jobs.batch.running import results_of
from reelqueue.cli.batch_forecast import outcome_in_words
from reelqueue.cli.batch_words import BATCH_STATUS, Outlines, counts_in_words, failures, group_in_words, name_of, waits
from reelqueue.cli.console import note, say
from reelqueue.cli.outcome import DONE, FAILED, WAITING
from reelqueue.models.batch import BatchState
from reelqueue.models.stage import BatchStatus, ProjectStatus
from reelqueue.wording import Text
from storage import BatchStore


def report_batch(state: BatchState, outlines: Outlines) -> None:
    """Its counts, why some failed, for what some wait, the forecast beside the outcome, what to do next."""
    name, status, counts = name_of(state), BATCH_STATUS[state.status], counts_in_words(outlines)
    mark = "" if not state.has_ended else "✓ " if code_of(state) == DONE else "✗ "
    say(Text(f"{mark}{name.zh}（{status.zh}）：{counts.zh}", f"{mark}{name.en} ({status.en}): {counts.en}"))
    for group in failures(outlines):
        for line in group_in_words(group, "  ✗"):
            say(line)
    for group in waits(outlines):
        for line in group_in_words(group, "  ‖"):
            say(line)
    if state.outcome is not None:
        for told in outcome_in_words(state.forecast, state.outcome):
            say(f"  {told}")
    if (more := what_next(state, outlines)) is not None:
        note(more)


def what_next(state: BatchState, outlines: Outlines) -> Text | None:
    """What an operator may do; None where nothing is left."""
    number = state.batch_id
    if state.status is BatchStatus.PAUSED:
        return Text(f"繼續：reelqueue batches resume {number}", f"to go on: reelqueue batches resume {number}")
    cancelled = sum(known is not None and known.status is ProjectStatus.CANCELLED for known in outlines.values())
    if state.has_ended and (failures(outlines) or (cancelled and state.status is BatchStatus.CANCELLED)):
        return Text(
            f"再試失敗的：reelqueue batches retry {number}", f"to try the failed ones again: reelqueue batches retry {number}"
        )
    if state.has_ended and cancelled:  # one by one, as they were cancelled
        return Text("取消的要做：reelqueue retry 編號", "to make a cancelled one after all: reelqueue retry ID")
    if not state.has_ended and waits(outlines):
        return Text(f"處理之後接著看：reelqueue batches watch {number}", f"once that is done: reelqueue batches watch {number}")
    return None


def code_of(state: BatchState) -> int:
    """0 all completed; 1 some failed, or it was cancelled; 3 it waits."""
    if not state.has_ended:
        return WAITING
    return DONE if state.status is BatchStatus.COMPLETED and not state.failed else FAILED


async def batch_as_json(state: BatchState, outlines: Outlines, batches: BatchStore) -> dict[str, Any]:
    """The state as stored, and how each project stands, or what it came to."""
    results = await batches.results(state.batch_id) if state.has_ended else results_of(state, outlines)
    return {**state.model_dump(mode="json", exclude={"results"}), "results": [dict(line) for line in results]}
