"""`/api/batches`: list, make, start, pause, resume, cancel, retry, approve, results, delete."""

from collections.abc import Mapping
from typing import Any

from reelqueue.dashboard.api.briefs import briefs_of
from reelqueue.dashboard.api.operation import Answer, Asked, Operation
from reelqueue.dashboard.api.queries import PageQuery, ResultsQuery
from reelqueue.dashboard.api.repeating import REPLAYED, once
from reelqueue.dashboard.api.shapes import Approved, BatchPage, BatchResult, ResultPage, unreadable_of
from reelqueue.errors import InvalidBrief
from reelqueue.models.batch import MOST_PROJECTS, BatchState
from reelqueue.wording import Text

BATCH_BYTES = 32_000_000
"""Of 5,000 briefs: 6 kB each.  A batch of longer texts comes from a file (`reelqueue batch`), or as several."""
FIELDS = ("briefs", "keys", "calendar", "webhook")


async def list_batches(asked: Asked) -> BatchPage:
    """Newest first."""
    query: PageQuery = asked.query
    found = await asked.board.batches.listing(limit=query.limit + 1, after=query.after)
    items = found.states[: query.limit]
    following = items[-1].batch_id if len(found.states) > len(items) else None
    here = [one for one in found.unread if following is None or one.state_id > following]
    return BatchPage(items=tuple(items), next=following, unreadable=unreadable_of(here))


async def create_batch(asked: Asked) -> Answer:
    """Put a batch and its projects on disk."""
    wanted, batches = _wanted(asked.body), asked.board.batches
    known = await batches.made_under(asked.key) if asked.key is not None else None
    state = await asked.queue.create_batch(
        await briefs_of(asked.board, wanted["briefs"], early=known is None),
        idempotency_key=asked.key,
        keys=wanted.get("keys"),
        calendar=wanted.get("calendar"),
        webhook=wanted.get("webhook"),
    )
    headers = {"Location": asked.address(f"/batches/{state.batch_id}")} | (REPLAYED if known is not None else {})
    return Answer(state, headers=headers)


def _wanted(body: Any) -> Mapping[str, Any]:
    """The body, its list there.  Raises InvalidBrief: names the field."""
    if not isinstance(body, dict):
        raise InvalidBrief("body", Text('{"briefs": [...]}', '{"briefs": [...]}'), body)
    for name in body:
        if name not in FIELDS:
            raise InvalidBrief(name[:80], Text("這些欄位：" + "、".join(FIELDS), "one of the fields " + ", ".join(FIELDS)), name)
    briefs = body.get("briefs")
    if not isinstance(briefs, list) or not 1 <= len(briefs) <= MOST_PROJECTS:
        given = f"{len(briefs):,}" if isinstance(briefs, list) else briefs
        raise InvalidBrief(
            "briefs", Text(f"1 到 {MOST_PROJECTS:,} 個 brief 的清單", f"a list of 1 to {MOST_PROJECTS:,} briefs"), given
        )
    return body


async def get_batch(asked: Asked) -> BatchState:
    """One batch's state."""
    return await asked.board.batches.load(asked.ids["batch_id"])


async def list_results(asked: Asked) -> ResultPage:
    """What became of each of its projects, in its order."""
    query: ResultsQuery = asked.query
    lines = await asked.queue.batch_results(asked.ids["batch_id"])
    page = lines[query.after : query.after + query.limit]
    end = query.after + len(page)
    items = tuple(BatchResult.model_validate(line) for line in page)
    return ResultPage(items=items, next=end if page and end < len(lines) else None)


async def delete_batch(asked: Asked) -> None:
    """Delete it; its projects stay."""
    await asked.queue.delete_batch(asked.ids["batch_id"])


async def start_batch(asked: Asked) -> BatchState:
    """Queue it."""
    await asked.queue.start_batch(asked.ids["batch_id"])
    return await get_batch(asked)


async def retry_batch(asked: Asked) -> BatchState:
    """Queue those of its projects that failed."""
    return await asked.queue.retry_batch(asked.ids["batch_id"])


async def resume_batch(asked: Asked) -> BatchState:
    """Let it go on."""
    return await asked.queue.resume_batch(asked.ids["batch_id"])


async def pause_batch(asked: Asked) -> BatchState:
    """Let nothing more of it begin."""
    return await asked.queue.pause_batch(asked.ids["batch_id"])


async def cancel_batch(asked: Asked) -> BatchState:
    """Cancel all of its projects that have not ended."""
    return await asked.queue.cancel_batch(asked.ids["batch_id"])


async def approve_batch(asked: Asked) -> Approved:
    """Approve whatever of it waits for a review."""
    state = await get_batch(asked)
    return Approved(batch_id=state.batch_id, approved=tuple(await asked.queue.approve_batch(state.batch_id)))


async def _approved_before(asked: Asked) -> Approved:
    return Approved(batch_id=(await get_batch(asked)).batch_id, approved=())


ONE = "/batches/{batch_id}"


def _act(name: str, about: Text, act: Any, *, status: int = 200) -> Operation:
    return Operation(
        "POST",
        f"{ONE}/{name}",
        f"{name}_batch",
        about,
        once(act, get_batch),
        answers=BatchState,
        status=status,
        key=True,
        problems=(404, 409),
    )


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "GET",
        "/batches",
        "list_batches",
        Text("列出批次，新的在前", "List batches, newest first"),
        list_batches,
        answers=BatchPage,
        query=PageQuery,
        problems=(422,),
    ),
    Operation(
        "POST",
        "/batches",
        "create_batch",
        Text("建立批次與其中的專案，還不開始", "Make a batch and its projects; nothing is started"),
        create_batch,
        answers=BatchState,
        status=201,
        takes="NewBatch",
        most=BATCH_BYTES,
        key=True,
        problems=(409, 422, 507),
    ),
    Operation(
        "GET",
        ONE,
        "get_batch",
        Text("批次目前的狀態", "A batch's state"),
        get_batch,
        answers=BatchState,
        problems=(404, 409),
    ),
    Operation(
        "DELETE",
        ONE,
        "delete_batch",
        Text("刪除沒有在進行的批次；專案會留下", "Delete a batch that is not under way; its projects stay"),
        delete_batch,
        status=204,
        problems=(404, 409),
    ),
    Operation(
        "GET",
        f"{ONE}/results",
        "list_batch_results",
        Text("批次裡每個專案的結果", "What became of each project of a batch"),
        list_results,
        answers=ResultPage,
        query=ResultsQuery,
        problems=(404, 409, 422),
    ),
    _act("start", Text("開始批次", "Start a batch"), start_batch, status=202),
    _act("pause", Text("暫停：不再開始新的專案", "Pause: nothing more of it begins"), pause_batch),
    _act("resume", Text("繼續暫停的批次", "Let a paused batch go on"), resume_batch, status=202),
    _act("cancel", Text("取消還沒結束的專案", "Cancel all of its projects that have not ended"), cancel_batch),
    _act("retry", Text("重試失敗的專案", "Try again those that failed"), retry_batch, status=202),
    Operation(
        "POST",
        f"{ONE}/approve",
        "approve_batch",
        Text("核可批次裡所有等待審核的專案", "Approve every project of the batch that waits for a review"),
        once(approve_batch, _approved_before),
        answers=Approved,
        status=202,
        key=True,
        problems=(404, 409),
    ),
)
