"""How a batch comes to be: first itself, then its projects, then their list; each step safe to make again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from reelqueue import failpoints
from reelqueue.errors import BatchNotFound, Conflict, InvalidBrief
from reelqueue.models.batch import MOST_PROJECTS, BatchState
from reelqueue.models.brief import Brief, parse_brief
from reelqueue.models.stage import BatchStatus
from reelqueue.wording import Text
from storage import BatchStore, ProjectStore

Keys = Sequence[str | None]
Check = Callable[[Sequence[Brief]], Awaitable[None]]
AT_ONCE = 50
"""So many are brought to the disk together: nobody else can make a project meanwhile (measured: 0.2 s)."""
NAMED = 10
"""So many ids are named where all projects are there already."""


async def make_batch(
    projects: ProjectStore,
    batches: BatchStore,
    briefs: Sequence[Any],
    *,
    idempotency_key: str | None = None,
    keys: Keys | None = None,
    calendar: str | None = None,
    webhook: str | None = None,
    check: Check | None = None,
) -> BatchState:
    """Make a batch; under a key that was used before for the same briefs, give that batch back.

    `keys` are the briefs' own, one each or None.  A brief whose project was made before under its key, by another call, is left
    out: it is made once.  The same key twice in the list with the same brief is one project.  `calendar` is as
    `calendar_words.canonical` gives it; `check` may refuse what is about to be made.

    Raises:
        InvalidBrief: a brief is wrong: names its place and its field; or there is none, too many, or none that is new.
        Conflict: a key stands for something else.  Nothing is made.
    """
    parsed, content = await asyncio.to_thread(_read, briefs)  # five thousand take most of a second
    named = _named(parsed, keys)
    known = await batches.born(idempotency_key, content) if idempotency_key is not None else None
    if known is None:
        await _refuse_what_is_taken(projects, parsed, named)
        if check is not None:
            await check(parsed)
    batch = known or await batches.create(idempotency_key=idempotency_key, content=content, calendar=calendar, webhook=webhook)
    if batch.project_ids:
        return batch
    if batch.status is BatchStatus.CANCELLED:  # before it was whole; who asks for it now wants it
        batch = await batches.change(batch.batch_id, _wanted_again)
    await failpoints.reach("batch.made")
    ids = await _projects(projects, batch.batch_id, parsed, named)
    await failpoints.reach("batch.filled")
    if not ids:  # another call made them all since they were looked up
        with contextlib.suppress(BatchNotFound):
            await batches.delete(batch.batch_id)
        raise _nothing_new(
            [namesake.number for namesake in await projects.namesakes(_keyed(parsed, named)) if namesake is not None]
        )
    return await batches.change(batch.batch_id, lambda state: state.replace(project_ids=state.project_ids or tuple(ids)))


def _wanted_again(state: BatchState) -> BatchState:
    if state.project_ids:
        return state
    return state.replace(status=BatchStatus.CREATED, act=None, ended_at=None, forecast=None, outcome=None)


async def _projects(projects: ProjectStore, number: int, briefs: Sequence[Brief], keys: Keys) -> list[int]:
    """The ids of the batch's own projects, made where they were not."""
    asked = [
        (brief, key if key is not None else f"reelqueue batch {number} item {place}")
        for place, (brief, key) in enumerate(zip(briefs, keys, strict=True))
    ]
    ids: dict[int, None] = {}
    for start in range(0, len(asked), AT_ONCE):
        ids |= dict.fromkeys(await projects.create_many(asked[start : start + AT_ONCE], batch_id=number))
    return list(ids)


async def _refuse_what_is_taken(projects: ProjectStore, briefs: Sequence[Brief], keys: Keys) -> None:
    """Look at all keys before anything is made."""
    asked = _keyed(briefs, keys)
    found = await projects.namesakes(asked)
    for (key, _), namesake in zip(asked, found, strict=True):
        if namesake is not None and not namesake.same:
            raise _taken(key, namesake.number)
        if namesake is not None and namesake.deleted:
            raise _deleted(key, namesake.number)
    if len(asked) == len(briefs) and all(namesake is not None for namesake in found):
        raise _nothing_new([namesake.number for namesake in found if namesake is not None])


def _keyed(briefs: Sequence[Brief], keys: Keys) -> list[tuple[str, Brief]]:
    return [(key, brief) for key, brief in zip(keys, briefs, strict=True) if key is not None]


def _nothing_new(there: Sequence[int]) -> InvalidBrief:
    numbers = ", ".join(str(number) for number in there[:NAMED])
    return InvalidBrief(
        "briefs",
        Text("至少一個還沒有建立過的 brief", "at least one brief that was not made before"),
        Text(f"都已經是專案：{numbers}", f"all are projects already: {numbers}").en,
    )


def _read(briefs: Sequence[Any]) -> tuple[list[Brief], list[Any]]:
    """The briefs, and what they are as JSON data."""
    parsed = _parsed(briefs)
    return parsed, [brief.model_dump(mode="json") for brief in parsed]


def _parsed(briefs: Sequence[Any]) -> list[Brief]:
    if isinstance(briefs, str | bytes | dict) or not isinstance(briefs, Sequence) or not briefs:
        raise InvalidBrief("briefs", Text("至少一個 brief 的清單", "a list of at least one brief"), briefs)
    if len(briefs) > MOST_PROJECTS:
        raise InvalidBrief(
            "briefs",
            Text(f"一個批次最多 {MOST_PROJECTS:,} 個 brief", f"at most {MOST_PROJECTS:,} briefs in a batch"),
            f"{len(briefs):,}",
            Text("請分成幾個批次", "make several batches of them"),
        )
    parsed = []
    for place, brief in enumerate(briefs, start=1):
        try:
            parsed.append(parse_brief(brief))
        except InvalidBrief as error:
            error.add_note(f"brief {place}")
            error.text = Text(f"第 {place} 個 brief：{error.text.zh}", f"brief {place}: {error.text.en}")
            raise
    return parsed


def _named(briefs: Sequence[Brief], keys: Keys | None) -> Keys:
    """A key or None for each brief; one key stands for one brief."""
    if keys is None:
        return [None] * len(briefs)
    if isinstance(keys, str | bytes) or not isinstance(keys, Sequence) or len(keys) != len(briefs):
        given = len(keys) if isinstance(keys, Sequence) else keys
        raise InvalidBrief(
            "keys",
            Text("每個 brief 一個 key 或 None，數量相同", "a key or None for each brief, as many as there are briefs"),
            given,
        )
    owners: dict[str, int] = {}
    for place, key in enumerate(keys):
        if not isinstance(key, str | None):
            raise InvalidBrief("keys", Text("每個 key 是文字或 None", "of each key text, or None"), key)
        if key is not None and briefs[owners.setdefault(key, place)] != briefs[place]:
            raise _twice(key, owners[key] + 1, place + 1)
    return keys


def _twice(key: str, first: int, second: int) -> Conflict:
    return Conflict(
        Text(
            f"第 {first} 個與第 {second} 個 brief 內容不同，卻用同一個 key：{key[:60]}",
            f"briefs {first} and {second} differ, but bear the same key: {key[:60]}",
        ),
        Text("一個 key 只代表一個 brief；請換一個 key", "one key stands for one brief; use another key"),
    )


def _taken(key: str, number: int) -> Conflict:
    return Conflict(
        Text(
            f"key {key[:60]} 已用於內容不同的專案 {number}",
            f"the key {key[:60]} stands for project {number}, made from another brief",
        ),
        Text("一個 key 只代表一個 brief；請換一個 key", "one key stands for one brief; use another key"),
    )


def _deleted(key: str, number: int) -> Conflict:
    return Conflict(
        Text(f"key {key[:60]} 的專案 {number} 已刪除", f"project {number} of the key {key[:60]} was deleted"),
        Text("請換一個 key", "use another key"),
    )
