"""Is anybody there?"""

import platform
from importlib.metadata import version
from typing import Any

from jobs.context import WorkerContext
from reelqueue.version import __version__


async def debug_task(ctx: WorkerContext) -> dict[str, Any]:
    """Answer with who answers.

    Reads, writes, costs: nothing.
    """
    service = ctx["service"]
    packages = {name: version(name) for name in ("arq", "redis", "pydantic", "Pillow", "av")}
    return {
        "status": "success",
        "pong": True,
        "queue": service.queue_name,
        "worker": service.owner.name,
        "versions": {"reelqueue": __version__, "python": platform.python_version(), "ffmpeg": service.tools.ffmpeg.version}
        | packages,
    }
