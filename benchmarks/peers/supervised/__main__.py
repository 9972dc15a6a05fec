"""`python -m benchmarks.peers.supervised`: what `reelqueue worker video` does, for two, with jobs that do nothing."""

import asyncio
import os
import signal
from pathlib import Path

from benchmarks.drive import REDIS
from reelqueue.supervisor import Supervisor


async def main() -> None:
    """Until SIGTERM."""
    supervisor = Supervisor(("video", "video"), os.environ | {"REELQUEUE_REDIS_URL": REDIS}, Path.cwd())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, supervisor.stop)
    await supervisor.run()


asyncio.run(main())
