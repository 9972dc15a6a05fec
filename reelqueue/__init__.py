"""reelqueue: turns a topic or a text into a published video, and survives whatever happens on the way.

`connect`, `Queue`, `subscribe_progress`, `ProgressEvent` and the errors are found here too, loaded on first use
(PEP 562): `jobs` and `progress` themselves import from this package.
"""

from typing import Any

from reelqueue.version import __version__

_JOBS = (
    "connect", "Queue", "ReelqueueError", "InvalidBrief", "InvalidSettings", "ProjectNotFound", "BatchNotFound", "Conflict",
    "WrongState", "StageNotReady", "ProjectFailed", "ProjectCancelled", "ProjectWaiting", "TransientError", "RateLimited",
    "ServiceUnavailable", "PermanentError", "AuthenticationFailed", "ContentRefused", "MediaError", "QuotaExhausted",
    "BudgetExhausted", "DiskFull",
)  # fmt: skip
_PROGRESS = ("subscribe_progress", "ProgressEvent")

__all__ = ["__version__", *_JOBS, *_PROGRESS]  # noqa: PLE0604 - the names are loaded on first use


def __getattr__(name: str) -> Any:
    """Load a public name from the package that owns it."""
    if name in _JOBS:
        import jobs  # noqa: PLC0415 - late: jobs imports reelqueue.errors

        return getattr(jobs, name)
    if name in _PROGRESS:
        import progress  # noqa: PLC0415 - late, as above

        return getattr(progress, name)
    raise AttributeError(f"module 'reelqueue' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
