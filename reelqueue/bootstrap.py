"""Settings -> objects, opened and closed in order: the only wiring of a worker, and the door of the CLI to the settings."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from typing import Any

import structlog
from arq.connections import ArqRedis

from jobs.client import open_queue
from jobs.context import Rules, Service, Tools
from jobs.couriers import Told, courier
from jobs.pipeline import VIDEO
from reelqueue import clock, failpoints
from reelqueue import settings as knobs
from reelqueue.art.fonts import check_fonts, use_font_dir
from reelqueue.errors import InvalidSettings, ReelqueueError
from reelqueue.mailing import mail_addresses, smtp_server
from reelqueue.media.ffmpeg import find_ffmpeg
from reelqueue.models.meter import Watched
from reelqueue.providers.meters import watched
from reelqueue.providers.monitoring import open_monitoring
from reelqueue.providers.registry import KINDS, open_shelf
from reelqueue.settings import Settings, read_language, read_manner, redacted
from reelqueue.signing import keys_of
from reelqueue.telemetry import keep_secret
from reelqueue.wording import Text, speak
from storage import History, Ledger, Paths

__all__ = [
    "Settings",
    "load_makers",
    "open_service",
    "open_shelf",
    "open_tools",
    "read_language",
    "read_manner",
    "read_settings",
    "read_watched",
    "redacted",
    "usual_makers",
]

log = structlog.get_logger(__name__)


def read_settings(**overrides: Any) -> Settings:
    """The settings, for a command: from now on it goes by their clock.

    Raises:
        InvalidSettings: as `settings.read_settings`.
    """
    found = knobs.read_settings(**overrides)
    clock.follow(found.test_clock_file)
    failpoints.arm(found.failpoint)
    return found


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


def usual_makers(settings: Settings) -> dict[str, str]:
    """Who makes each kind where a brief leaves it open: `{"script": "gemini", "image": "local", ...}`.

    Raises:
        InvalidSettings: CHANNELS_FILE is wrong.
    """
    shelf = open_shelf(settings, Paths(settings.data_dir))
    return {kind: shelf.name_of(kind, {}) for kind in KINDS}


def load_makers(settings: Settings) -> None:
    """Load the modules of the usual makers; half a second where they are services, so call it in a thread.

    What can't be used as it is set up is told by the first job that wants it.
    """
    with contextlib.suppress(ReelqueueError):
        open_shelf(settings, Paths(settings.data_dir)).usual()


def read_watched(settings: Settings) -> Watched:
    """Every bucket of quota that there is; reads the channels' file and their token files.

    Raises:
        InvalidSettings: CHANNELS_FILE is wrong.
    """
    return watched(settings, open_shelf(settings, Paths(settings.data_dir)).channels, usual_makers(settings))


@contextlib.asynccontextmanager
async def open_service(settings: Settings, *, queue: str, redis: ArqRedis) -> AsyncIterator[Service]:
    """All that the jobs of one worker share; `redis` is the worker's own pool.

    Raises:
        InvalidSettings, InstallationError: what is wrong with the machine or its settings, and what to do.
    """
    speak(settings.language)
    keep_secret(*settings.secrets())
    tools = await open_tools(settings)
    key_file = settings.google_service_account_file
    if settings.failpoint is not None:
        log.warning("failpoint_set", failpoint=settings.failpoint)
    async with open_queue(settings, redis=redis) as client, contextlib.aclosing(open_shelf(settings, client.paths)) as shelf:
        if queue == VIDEO:  # who is refused says that, and no more: so it comes last
            log.info("providers", **usual_makers(settings))
        service = Service(
            queue_name=queue,
            instance=client.instance,
            owner=client.owner,
            paths=client.paths,
            projects=client.projects,
            batches=client.batches,
            queue=client.queue,
            publisher=client.publisher,
            announcer=client.announcer,
            ledger=Ledger(client.paths),
            history=History(client.paths.history),
            choice=shelf,
            tools=tools,
            rules=Rules(
                language=settings.language,
                retry_delays=settings.retry_delays,
                poison_after=settings.poison_after,
                keep_days=settings.keep_days,
                low_water_bytes=round(settings.disk_low_water_gb * 1e9),
                daily_cost_cap_usd=settings.daily_cost_cap_usd,
                project_cost_cap_usd=settings.project_cost_cap_usd,
                variation_guard=settings.variation_guard,
            ),
            watched=functools.partial(read_watched, settings),
            monitoring=functools.partial(open_monitoring, key_file, settings.google_monitoring_base_url) if key_file else None,
        )
        async with courier(service, told_of(settings)):
            yield service


def told_of(settings: Settings) -> Told:
    """Who is told of what happens."""
    return Told(
        webhook_url=settings.webhook_url,
        keys=keys_of(settings.webhook_secret.get_secret_value()) if settings.webhook_secret is not None else (),
        private_hosts=settings.webhook_private_hosts,
        command=settings.notify_command,
        mail_to=mail_addresses(settings.notify_mail_to) if settings.notify_mail_to is not None else (),
        mail_from=settings.notify_mail_from or "",
        server=smtp_server(settings.smtp_url.get_secret_value()) if settings.smtp_url is not None else None,
        zone=settings.timezone,
    )
