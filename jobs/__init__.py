"""Decides: the queue, the order of the stages, what follows an error.  The public door: `connect`, `Queue`, the errors.

async with connect() as queue:
    project = await queue.create_project({"topic": "..."})
    await queue.start(project.project_id)
    result = await queue.wait(project.project_id, timeout=1800)
"""

from jobs.app import Queue
from jobs.client import connect
from reelqueue.errors import (
    AuthenticationFailed,
    BatchNotFound,
    BudgetExhausted,
    Conflict,
    ContentRefused,
    DiskFull,
    InvalidBrief,
    InvalidSettings,
    MediaError,
    PermanentError,
    ProjectCancelled,
    ProjectFailed,
    ProjectNotFound,
    ProjectWaiting,
    QuotaExhausted,
    RateLimited,
    ReelqueueError,
    ServiceUnavailable,
    StageNotReady,
    TransientError,
    WrongState,
)

__all__ = [
    "AuthenticationFailed",
    "BatchNotFound",
    "BudgetExhausted",
    "Conflict",
    "ContentRefused",
    "DiskFull",
    "InvalidBrief",
    "InvalidSettings",
    "MediaError",
    "PermanentError",
    "ProjectCancelled",
    "ProjectFailed",
    "ProjectNotFound",
    "ProjectWaiting",
    "Queue",
    "QuotaExhausted",
    "RateLimited",
    "ReelqueueError",
    "ServiceUnavailable",
    "StageNotReady",
    "TransientError",
    "WrongState",
    "connect",
]
