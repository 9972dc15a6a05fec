"""Everything that the API can do, row by row: what is served and what `/api/openapi.json` says are both made of it."""

from reelqueue.dashboard.api import batches, files, fleet, money, progress, projects, scripts
from reelqueue.dashboard.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *projects.OPERATIONS,
    *scripts.OPERATIONS,
    *files.OPERATIONS,
    *batches.OPERATIONS,
    *progress.OPERATIONS,
    *fleet.OPERATIONS,
    *money.OPERATIONS,
)
