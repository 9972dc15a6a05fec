"""The board stand-alone, under uvicorn."""

import uvicorn

from reelqueue.bootstrap import Settings
from reelqueue.dashboard.app import dashboard

CLOSE_SECONDS = 3
"""How long open streams may take to end when we are told to."""


async def serve(settings: Settings) -> None:
    """Serve until told to end.

    Raises:
        InvalidSettings: a setting is wrong.
    """
    config = uvicorn.Config(
        dashboard(settings),
        host=settings.dashboard_host,
        port=settings.dashboard_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    await uvicorn.Server(config).serve()
