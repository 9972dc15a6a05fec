"""What one brief's stages may cost, and how long its video will be, looked at closely before anything is made."""

import asyncio
from collections.abc import Mapping

from jobs.estimate import estimate, imagined
from jobs.lengths import likely_seconds
from reelqueue.media.image import given_pictures
from reelqueue.models.brief import Brief
from reelqueue.models.stage import Stage
from reelqueue.providers.protocols import Providers


async def seconds_of(brief: Brief, providers: Providers, language: str) -> float:
    """How long the video will be."""
    return await likely_seconds(brief, providers.script.name, language)


async def costs_of(brief: Brief, providers: Providers, language: str, video_s: float) -> Mapping[Stage, tuple[float, float]]:
    """US dollars of each stage that is paid, least and most; empty where all is made here.

    `brief` has its channel's wishes filled in.

    Raises:
        InvalidBrief: its own pictures are not there.
    """
    makers = {providers.script.name, providers.image.name, providers.voice.name, providers.presenter.name}
    if makers == {"local"}:
        return {}
    own = await asyncio.to_thread(given_pictures, brief.images, brief.images_dir)
    scripts = imagined(video_s, language)
    usd: dict[Stage, tuple[float, float]] = {}
    for item in estimate(brief, providers, language=language, scripts=scripts, own_pictures=len(own)).items:
        stage = Stage.SCRIPT if item.kind == "script" else Stage.ASSETS
        least, most = usd.get(stage, (0.0, 0.0))
        usd[stage] = (least + float(item.usd.least), most + float(item.usd.most))
    return usd
