"""Gemini, YouTube and D-ID on this machine: they speak the services' wire protocols, cost nothing and obey orders.

Our own tests use it, and so can whoever builds on this project (`reelqueue sandbox`).
"""

from reelqueue.sandbox.server import Sandbox, open_sandbox

__all__ = ["Sandbox", "open_sandbox"]
