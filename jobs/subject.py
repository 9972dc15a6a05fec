"""What a job is about, by its name and its arguments."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.pipeline import BATCH_JOB, STAGE_OF


def subject_of(job: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Its project and stage, or its batch; nothing for one that is about neither.  The ids are as they came: anybody's."""
    first = args[0] if args else None
    if job in STAGE_OF:
        return {"project_id": kwargs.get("project_id", first), "stage": str(STAGE_OF[job])}
    return {"batch_id": kwargs.get("batch_id", first)} if job == BATCH_JOB.job else {}
