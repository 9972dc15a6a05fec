"""Gemini on this machine: scripts, pictures and voices that follow from the prompt."""

from reelqueue.sandbox.gemini.memory import Cap, Memory, Paid, SpokenText
from reelqueue.sandbox.gemini.service import (
    KEY,
    SERVICE,
    call_name,
    gemini_of,
    refusal,
    routes,
    settings,
    state,
)

__all__ = [
    "KEY",
    "SERVICE",
    "Cap",
    "Memory",
    "Paid",
    "SpokenText",
    "call_name",
    "gemini_of",
    "refusal",
    "routes",
    "settings",
    "state",
]
