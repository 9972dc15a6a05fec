"""D-ID on this machine: talks with a drawn face, filmed to the sound that they were given."""

from reelqueue.sandbox.did.memory import Memory, Talk
from reelqueue.sandbox.did.service import KEY, SERVICE, call_name, did_of, refusal, routes, settings, state

__all__ = ["KEY", "SERVICE", "Memory", "Talk", "call_name", "did_of", "refusal", "routes", "settings", "state"]
