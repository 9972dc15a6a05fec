"""Settings -> objects, opened and closed in order: the only wiring of a worker, and the door of the CLI to the settings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from arq.connections import ArqRedis

from jobs.client import open_queue
from jobs.context import Rules, Service, Tools
from reelqueue.art.fonts import check_fonts, use_font_dir
from reelqueue.errors import InvalidSettings
from reelqueue.media.ffmpeg import find_ffmpeg
from reelqueue.providers.registry import choose_providers
from reelqueue.settings import Settings, read_language, read_manner, read_settings, redacted
from reelqueue.telemetry import keep_secret
from reelqueue.wording import Text, speak

__all__ = [
    "Settings",
    "choose_providers",
    "open_service",
    "open_tools",
    "read_language",
    "read_manner",
    "read_settings",
    "redacted",
]


async def open_tools(settings: Settings) -> Tools:
    """What the stages work with, looked at: FFmpeg, the fonts, the music.

    Raises:
        InvalidSettings, InstallationError: what is wrong, and what to do.
    """
    use_font_dir(settings.font_dir)
    if settings.font_dir is not None:
        await asyncio.to_thread(check_fonts)
    if settings.music_dir is not None and not await asyncio.to_thread(settings.music_dir.is_dir):
        raise InvalidSettings("MUSIC_DIR", Text("一個存在的資料夾", "a folder that exists"), str(settings.music_dir))
    ffmpeg = await find_ffmpeg(settings.ffmpeg_binary)
    return Tools(ffmpeg=ffmpeg, music_dir=settings.music_dir, font_dir=settings.font_dir)


@contextlib.asynccontextmanager
async def open_service(settings: Settings, *, queue: str, redis: ArqRedis) -> AsyncIterator[Service]:
    """All that the jobs of one worker share; `redis` is the worker's own pool.

    Raises:
        InvalidSettings, InstallationError: what is wrong with the machine or its settings, and what to do.
    """
    speak(settings.language)
    keep_secret(*settings.secrets())
    tools = await open_tools(settings)
    async with open_queue(settings, redis=redis) as client:
        yield Service(
            queue_name=queue,
            instance=client.instance,
            owner=client.owner,
            paths=client.paths,
            projects=client.projects,
            batches=client.batches,
            queue=client.queue,
            publisher=client.publisher,
            providers=choose_providers(settings, client.paths),
            tools=tools,
            rules=Rules(
                language=settings.language,
                retry_delays=settings.retry_delays,
                poison_after=settings.poison_after,
                keep_days=settings.keep_days,
            ),
        )
