"""Cloud Monitoring: what Google itself counts of YouTube's quota, for whoever has a service account that may read it."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from reelqueue.models.meter import Told


class Monitoring(Protocol):
    """Somebody who may ask."""

    async def told(self, project: str, since: datetime, until: datetime) -> Told:
        """What the project with this number used between two moments (aware), and its limits.  No series is no use.

        Raises:
            AuthenticationFailed, ServiceUnavailable, PermanentError: it was not told.
        """
        ...


def open_monitoring(key_file: Path, base_url: str | None) -> AbstractAsyncContextManager[Monitoring]:
    """Ask as the service account of `key_file`, which has to have the role `monitoring.viewer` in the project.

    Raises, when it is entered:
        InvalidSettings: the file can't be used.  AuthenticationFailed: it was refused.  ServiceUnavailable: nobody answers.
    """
    from reelqueue.providers.monitoring.client import opened  # noqa: PLC0415 - its libraries are loaded where it is used

    return opened(key_file, base_url)
