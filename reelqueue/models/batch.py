"""The state of a batch, as it stands in `batch_state.json`."""

from datetime import datetime
from typing import Any

from reelqueue.models.frozen import Frozen
from reelqueue.models.stage import BatchStatus

BATCH_SCHEMA_VERSION = 1


class BatchState(Frozen):
    """The truth about a batch.  `results` are filled when it ends: `{project_id, status, video_id or error}` each."""

    schema_version: int = BATCH_SCHEMA_VERSION
    batch_id: int
    revision: int = 0
    fence: int = 0
    owner: str | None = None
    write_id: str = ""
    recent: tuple[str, ...] = ()
    status: BatchStatus = BatchStatus.CREATED
    project_ids: tuple[int, ...]
    completed: int = 0
    failed: int = 0
    results: tuple[dict[str, Any], ...] = ()
    created_at: datetime
    updated_at: datetime
