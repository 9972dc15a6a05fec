"""How a batch comes to be: first itself, then its projects, then their list; each step safe to make again."""

from collections.abc import Sequence
from typing import Any

from reelqueue.errors import InvalidBrief
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import Brief, parse_brief
from reelqueue.wording import Text
from storage import BatchStore, ProjectStore


async def make_batch(
    projects: ProjectStore, batches: BatchStore, briefs: Sequence[Any], *, idempotency_key: str | None = None
) -> BatchState:
    """Make a batch; under a key that was used before for the same briefs, give that batch back.

    Raises:
        InvalidBrief: a brief is wrong: names its place and its field; nothing is made.
        Conflict: the key stands for other briefs.
    """
    parsed = _parsed(briefs)
    content = [brief.model_dump(mode="json") for brief in parsed]
    batch = await batches.create(idempotency_key=idempotency_key, content=content)
    if batch.project_ids:
        return batch
    ids = []
    for place, brief in enumerate(parsed):
        key = f"reelqueue batch {batch.batch_id} item {place}"
        state = await projects.create(brief, idempotency_key=key, batch_id=batch.batch_id)
        ids.append(state.project_id)
    return await batches.change(batch.batch_id, lambda state: state.replace(project_ids=state.project_ids or tuple(ids)))


def _parsed(briefs: Sequence[Any]) -> list[Brief]:
    if isinstance(briefs, str | bytes | dict) or not isinstance(briefs, Sequence) or not briefs:
        raise InvalidBrief("briefs", Text("至少一個 brief 的清單", "a list of at least one brief"), briefs)
    parsed = []
    for place, brief in enumerate(briefs, start=1):
        try:
            parsed.append(parse_brief(brief))
        except InvalidBrief as error:
            error.add_note(f"brief {place}")
            error.text = Text(f"第 {place} 個 brief：{error.text.zh}", f"brief {place}: {error.text.en}")
            raise
    return parsed
