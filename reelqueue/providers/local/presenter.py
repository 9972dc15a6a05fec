"""The local presenter: a drawn figure whose mouth follows the voice; there is nothing to wait for."""

import json
from pathlib import Path
from typing import Any

from reelqueue.art.figures import FIGURES
from reelqueue.art.style import pick
from reelqueue.models.project import Usage
from reelqueue.providers.local.free import Free
from reelqueue.providers.protocols import PresenterRequest


class LocalPresenter(Free):
    """See `Presenter`.  A job's id is its result: the figure that the seed chooses, drawn later by `art/presenter.py`."""

    name = "local"
    version = "1"

    def usage(self, request: PresenterRequest) -> tuple[Usage, ...]:  # noqa: ARG002 - it is drawn here
        """See `Presenter`: nothing."""
        return ()

    async def begin(self, request: PresenterRequest, sound: Path) -> str:  # noqa: ARG002 - the mouth's times come with the voice
        """See `Presenter`."""
        return json.dumps({"kind": "figure", "name": pick(f"{request.seed}/presenter", FIGURES)})

    async def poll(self, job_id: str) -> bool:  # noqa: ARG002 - ready at once
        """See `Presenter`."""
        return True

    async def fetch(self, job_id: str, folder: Path) -> dict[str, Any]:  # noqa: ARG002 - no file is written
        """See `Presenter`."""
        description: dict[str, Any] = json.loads(job_id)
        return description
