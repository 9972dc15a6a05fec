"""The HTTP API under `/api`: the same models, errors and ids as the Python one."""

from starlette.routing import BaseRoute

from reelqueue.dashboard.api import docs
from reelqueue.dashboard.api.operation import routes_of
from reelqueue.dashboard.api.table import OPERATIONS

ROUTES: list[BaseRoute] = [*routes_of(OPERATIONS), *docs.ROUTES]
