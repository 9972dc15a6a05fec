"""The pages: each reads the board and fills its template."""

from starlette.routing import BaseRoute

from reelqueue.dashboard.pages import account, batches, first_run, live, overview, project, projects, publishing, sign_in, workers

ROUTES: list[BaseRoute] = [
    *overview.ROUTES,
    *projects.ROUTES,
    *project.ROUTES,
    *batches.ROUTES,
    *publishing.ROUTES,
    *workers.ROUTES,
    *first_run.ROUTES,
    *live.ROUTES,
    *account.ROUTES,
    *sign_in.ROUTES,
]
