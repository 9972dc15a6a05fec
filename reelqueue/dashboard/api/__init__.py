"""The HTTP API under `/api`: the same models, errors and ids as the Python one."""

from starlette.routing import BaseRoute

from reelqueue.dashboard.api import projects

ROUTES: list[BaseRoute] = [*projects.ROUTES]
