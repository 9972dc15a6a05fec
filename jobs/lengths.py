"""How long a video will be, and what may be said in it, before its script is there."""

import asyncio

from jobs.estimate import imagined
from reelqueue.models.brief import MAX_DURATION_S, MIN_DURATION_S, Brief
from reelqueue.models.script import Script
from reelqueue.providers.protocols import Providers, ScriptRequest
from reelqueue.providers.registry import estimated_seconds

TOPIC_HERE_S, TOPIC_ELSEWHERE_S = 60.0, 180.0
"""What our own writer, and what a service makes of a topic alone (contract, section 6)."""


async def likely_seconds(brief: Brief, writer: str, language: str) -> float:
    """About how long the video will be; `writer` is who writes its script ("local", "gemini").  Reads the text in a thread."""
    told = TOPIC_HERE_S if writer == "local" else TOPIC_ELSEWHERE_S
    if brief.content is not None:
        told = await asyncio.to_thread(estimated_seconds, brief.content, language)
    wanted = told if brief.duration_s is None else float(brief.duration_s)
    if brief.content is not None:  # a text that is shorter is told whole
        wanted = min(wanted, told)
    return float(min(MAX_DURATION_S, max(MIN_DURATION_S, wanted)))


async def likely_scripts(brief: Brief, providers: Providers, language: str) -> tuple[Script, ...]:
    """The script itself where it is written here, which takes no time; else the two that a service's lies between."""
    if providers.script.name == "local":
        asked = ScriptRequest(
            topic=brief.topic, content=brief.content, language=language, duration_s=brief.duration_s, tags=brief.tags
        )
        return ((await providers.script.write_script(asked)).script,)
    return imagined(await likely_seconds(brief, providers.script.name, language), language)
