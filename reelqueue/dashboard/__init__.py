"""The board on port 5555: pages for operators, the HTTP API, metrics.

from reelqueue.dashboard import dashboard
host.mount("/videos", dashboard())
"""

from reelqueue.dashboard.app import dashboard
from reelqueue.dashboard.door.access import Role

__all__ = ["Role", "dashboard"]
