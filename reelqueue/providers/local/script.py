"""The local script writer: the author's own text, cut for the screen; no key, no network, deterministic."""

import asyncio

from reelqueue.providers.local.free import Free
from reelqueue.providers.protocols import ScriptRequest, WrittenScript


class LocalScriptWriter(Free):
    """See `ScriptWriter`.  Narrates `content` in its own words; makes an outline of questions from a topic alone."""

    name = "local"
    version = "1"

    async def write_script(self, request: ScriptRequest) -> WrittenScript:
        """See `ScriptWriter`; takes below a second for 10,000 characters, in a thread."""
        return await asyncio.to_thread(_written, request)


def _written(request: ScriptRequest) -> WrittenScript:
    from reelqueue.providers.local.script_writing import write  # noqa: PLC0415 - its word list holds up no worker's start

    return write(request)
