"""What a client needs: the pool, the store, the publisher.  `connect` and the workers' bootstrap both come here."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from arq.connections import ArqRedis, RedisSettings
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AuthenticationError,
    RedisError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from jobs import acts
from jobs.announcing import Announcer
from jobs.app import Queue
from jobs.batch.terms import Terms
from jobs.cancelling import stopped
from jobs.deleting import Channels
from jobs.halting import put_back
from jobs.pools import open_pool
from jobs.queue import PAYLOAD_EXPIRES_S, JobQueue
from jobs.spending import Caps
from jobs.wire import deserialize, serialize
from progress import Publisher
from progress.connection import looks_at_the_name
from reelqueue import clock, embedded, failpoints
from reelqueue.addresses import is_loopback, leads_inside
from reelqueue.errors import InstallationError, InvalidSettings
from reelqueue.models.brief import Brief
from reelqueue.models.project import ProjectState
from reelqueue.providers.protocols import Choice
from reelqueue.settings import Settings, read_settings, redacted
from reelqueue.tally import TALLY
from reelqueue.wording import Text, speak
from storage import BatchStore, Ledger, Owner, Paths, ProjectStore
from storage.installation import open_installation
from storage.notices import Notices
from storage.outbox import Outbox
from storage.pauses import Pauses

if TYPE_CHECKING:
    from jobs.batch.capacity import Places
    from jobs.batch.site import Site
    from reelqueue.providers.registry import Shelf

INSTANCE_KEY = "reelqueue:installation"
"""Whose Redis this is: the id of the one `DATA_DIR` that it serves.  The one key of ours that never expires."""
CLIENT_RETRIES, WORKER_RETRIES = 3, 8
URL_FORM = Text(
    "redis://、rediss://、unix:// 或 redis+sentinel://主機:埠,…/名稱/資料庫",
    "redis://, rediss://, unix:// or redis+sentinel://host:port,…/name/db",
)


@dataclass(frozen=True, slots=True)
class Client:
    """What was opened: everything but the providers."""

    settings: Settings
    instance: str
    owner: Owner
    paths: Paths
    redis: ArqRedis
    projects: ProjectStore
    batches: BatchStore
    queue: JobQueue
    publisher: Publisher
    announcer: Announcer


@contextlib.asynccontextmanager
async def connect(settings: Settings | None = None) -> AsyncIterator[Queue]:
    """The queue, for app code; without `settings` the environment is read.

    Raises:
        InvalidSettings: a setting is wrong; names it.
        InstallationError: no Redis answers, it refuses us, it is another installation's, or DATA_DIR can't be used.
    """
    found = settings or read_settings()
    speak(found.language)
    async with open_queue(found) as client, door_of(client) as queue:
        yield queue


@contextlib.asynccontextmanager
async def door_of(client: Client) -> AsyncIterator[Queue]:
    """The queue as app code has it, by what was opened already."""
    settings = client.settings
    async with _opened_channels(settings, client.paths) as channels:
        terms = Terms(
            zone=settings.timezone,
            private_hosts=settings.webhook_private_hosts,
            signs=settings.webhook_secret is not None,
            holds=partial(_refuse_what_the_calendar_cant_hold, settings, client.paths),
        )
        yield Queue(client.projects, client.batches, client.queue, client.publisher, channels, terms)


async def _refuse_what_the_calendar_cant_hold(settings: Settings, paths: Paths, briefs: Sequence[Brief], calendar: str) -> None:
    from jobs.batch.plan import check_calendar  # noqa: PLC0415 - only what is asked for is loaded
    from reelqueue.providers.registry import open_shelf  # noqa: PLC0415 - likewise

    async with contextlib.aclosing(open_shelf(settings, paths)) as shelf:
        await check_calendar(site_of(settings, shelf), briefs, clock.now(), calendar)


def site_of(settings: Settings, shelf: "Shelf", places: "Places | None" = None) -> "Site":
    """What a batch's forecast and calendar are held against; `places` of the workers that live, else those that are set."""
    from jobs.batch.capacity import Places  # noqa: PLC0415 - only what is asked for is loaded
    from jobs.batch.site import site_of_shelf  # noqa: PLC0415 - likewise

    caps = Caps(daily_usd=settings.daily_cost_cap_usd, project_usd=settings.project_cost_cap_usd)
    places = places or Places(settings.video_max_jobs, settings.video_wait_slots)
    return site_of_shelf(shelf, caps, language=settings.language, places=places)


@contextlib.asynccontextmanager
async def _opened_channels(settings: Settings, paths: Paths) -> AsyncIterator[Channels]:
    """Who makes what and publishes where, for who deletes a video or asks for a price: opened by the first, for all of them."""
    async with contextlib.AsyncExitStack() as stack:

        @functools.cache
        def choice() -> Choice:
            from reelqueue.providers.registry import open_shelf  # noqa: PLC0415 - only what is asked for is loaded

            shelf = open_shelf(settings, paths)
            stack.push_async_callback(shelf.aclose)
            return shelf

        yield Channels(choice, Ledger(paths), settings.retry_delays)


@contextlib.asynccontextmanager
async def open_queue(settings: Settings, *, redis: ArqRedis | None = None) -> AsyncIterator[Client]:
    """Open what a client needs; `redis` is a worker's own pool, which stays the worker's to close.

    Raises:
        InvalidSettings, InstallationError: as `connect`.
    """
    clock.follow(settings.test_clock_file)
    paths = Paths(settings.data_dir)
    instance = await asyncio.to_thread(open_installation, paths, allow_network_fs=settings.allow_network_fs)
    failpoints.arm(settings.failpoint)
    async with contextlib.AsyncExitStack() as stack:
        pool = redis if redis is not None else await stack.enter_async_context(_opened_pool(settings, paths))
        try:
            await claim(pool, instance, paths)
        except (RedisError, OSError) as error:
            raise no_redis(error, setting=settings.named_by) from error
        owner = Owner.here()
        projects, batches, announcer = _stores(settings, paths, owner, is_worker=redis is not None)
        if redis is None:  # a worker hands over what it counts as long as it lives
            stack.push_async_callback(_hand_over, pool, paths, owner)
        yield Client(
            settings=settings,
            instance=instance,
            owner=owner,
            paths=paths,
            redis=pool,
            projects=projects,
            batches=batches,
            queue=JobQueue(pool, known_by=INSTANCE_KEY, known_as=instance),
            publisher=Publisher(pool),
            announcer=announcer,
        )


def _stores(settings: Settings, paths: Paths, owner: Owner, *, is_worker: bool) -> tuple[ProjectStore, BatchStore, Announcer]:
    """What is on disk, and what keeps the events of it."""
    batches = BatchStore(paths, owner, lease_seconds=settings.lease_seconds)
    announcer = announcer_of(settings, batches, is_worker=is_worker)
    return ProjectStore(paths, owner, lease_seconds=settings.lease_seconds, on_rest=announcer.rested), batches, announcer


async def cancel_without_redis(settings: Settings, project_id: int) -> ProjectState:
    """Cancel a project while no Redis answers: its worker hears of it by the disk, within two seconds, which are waited for.

    A second time changes nothing.

    Raises:
        ProjectNotFound.  WrongState: it has ended already.
        InstallationError: DATA_DIR can't be used.
    """
    paths = Paths(settings.data_dir)
    await asyncio.to_thread(open_installation, paths, allow_network_fs=settings.allow_network_fs)
    projects, _, _ = _stores(settings, paths, Owner.here(), is_worker=False)
    state = await projects.change(project_id, acts.cancel)
    await stopped(projects, project_id)
    return state


def announcer_of(settings: Settings, batches: BatchStore, *, is_worker: bool) -> Announcer:
    """What keeps the events of this installation for who is to be told."""
    return Announcer(
        Outbox(batches.paths.outbox),
        Notices(batches.paths.notices),
        webhook_url=settings.webhook_url,
        notifies=settings.notify_command is not None or settings.notify_mail_to is not None,
        webhook_of=batches.webhook_of,
        leaves_it=not is_worker,
    )


async def _hand_over(pool: ArqRedis, paths: Paths, owner: Owner) -> None:
    """What a client counted, if anything: a paid call, a project taken over."""
    if TALLY.is_empty:
        return
    from jobs.counting import hand_over_once  # noqa: PLC0415 - only what is asked for is loaded

    await hand_over_once(pool, paths, owner)


@contextlib.asynccontextmanager
async def _opened_pool(settings: Settings, paths: Paths) -> AsyncIterator[ArqRedis]:
    url = await asyncio.to_thread(embedded.locate, settings.configured_redis_url, paths.redis_dir)
    try:
        pool = open_pool(redis_settings(url, setting=settings.redis_setting), retries=CLIENT_RETRIES)
        await pool.ping()
    except (RedisError, OSError) as error:
        raise no_redis(error, url, settings.named_by) from error
    pool.job_serializer, pool.job_deserializer, pool.expires_extra_ms = serialize, deserialize, PAYLOAD_EXPIRES_S * 1000
    try:
        yield pool
    finally:
        await pool.aclose(close_connection_pool=True)


async def claim(redis: ArqRedis, instance: str, paths: Paths) -> None:
    """Write our id into a Redis that is nobody's, once it knows which queues are paused; check that it is ours.

    Raises:
        InstallationError: it serves another installation.
        StorageUnavailable: nobody can tell which queues are paused; it is nobody's still.
        RedisError, OSError: it does not answer, or refuses us.
    """
    found = await redis.get(INSTANCE_KEY)
    if found is None:
        await put_back(redis, Pauses(paths.paused))
        await redis.set(INSTANCE_KEY, instance, nx=True)
        found = await redis.get(INSTANCE_KEY)
    theirs = found.decode(errors="replace") if found is not None else ""
    if theirs != instance:
        raise InstallationError(
            Text(
                f"這個 Redis 屬於另一個安裝（{theirs[:40]}），不是 {paths.root} 的",
                f"this Redis belongs to another installation ({theirs[:40]}), not to {paths.root}",
            ),
            Text(
                "一個 Redis 只給一個 DATA_DIR：換一個 REDIS_DB 或 REDIS_URL，或把 DATA_DIR 設成原來的資料夾",
                "one Redis serves one DATA_DIR: use another REDIS_DB or REDIS_URL, or set DATA_DIR to the folder it belongs to",
            ),
        )


def worker_redis(settings: Settings) -> RedisSettings:
    """Where a worker finds its Redis; connects to nothing but an embedded server that says it lives.

    Raises:
        InvalidSettings: the URL makes no sense.
    """
    url = embedded.locate(settings.configured_redis_url, Paths(settings.data_dir).redis_dir)
    return redis_settings(url, retries=WORKER_RETRIES, setting=settings.redis_setting)


def redis_settings(url: str, *, retries: int = CLIENT_RETRIES, setting: str = "REDIS_URL") -> RedisSettings:
    """Arq's settings for a URL: `redis://`, `rediss://`, `unix://`, or `redis+sentinel://host,host2:26379/master/0`.

    Raises:
        InvalidSettings: it is none of them; names the `setting` that it stands in.
    """
    try:
        found = _parsed(url)
    except ValueError:
        if setting.startswith("CELERY_"):
            raise _no_redis_of_celery(setting, url) from None
        raise InvalidSettings(setting, URL_FORM, redacted(url) if "@" not in url else "***") from None
    found.conn_retries = 0
    found.retry = Retry(ExponentialBackoff(cap=1.0, base=0.05), retries)
    found.retry_on_error = [RedisConnectionError, RedisTimeoutError, OSError]
    found.retry_on_timeout = True
    return found


def _no_redis_of_celery(setting: str, url: str) -> InstallationError:
    scheme = url.partition("://")[0] if "://" in url else "?"
    return InstallationError(
        Text(
            f"{setting} 不是 Redis 的網址（{scheme}://），而這裡的佇列只用 Redis",
            f"{setting} names no Redis ({scheme}://), and nothing else carries our queue",
        ),
        Text(f"請用 REDIS_URL 指定一個：{URL_FORM.zh}", f"name one in REDIS_URL: {URL_FORM.en}"),
        setting,
    )


@dataclass(frozen=True, slots=True)
class Unguarded:
    """What is wrong, and what to do."""

    saw: Text
    do: Text


def unguarded(url: str) -> Unguarded | None:
    """What somebody else on the network could do with the server at `url`; None where there is nothing, or nothing is known.

    Who can write there can start paid work, and who reads hears all progress.  Names without a dot are those of one's own network (a
    container's, say): there a password will do.
    """
    parts = urlsplit(url)
    hosts = [_place(place)[0] for place in parts.netloc.rpartition("@")[2].split(",")]
    if parts.scheme == "unix" or all(is_loopback(host or "localhost") for host in hosts):
        return None
    if not parts.password:
        return Unguarded(
            Text(
                f"{redacted(url)} 沒有密碼，而且不在這台機器上", f"{redacted(url)} is on another machine and asks for no password"
            ),
            Text(
                "設定密碼（deploy/redis 有範例），並寫進 REDIS_URL",
                "give it a password (deploy/redis shows how) and write it into REDIS_URL",
            ),
        )
    if parts.scheme != "rediss" and not all(leads_inside(host) or "." not in host for host in hosts):
        return Unguarded(
            Text(f"到 {redacted(url)} 的連線沒有加密", f"the way to {redacted(url)} is not encrypted"),
            Text("用 rediss://，或經由你自己的網路或通道連線", "use rediss://, or reach it by a network or tunnel of your own"),
        )
    return None


def _parsed(url: str) -> RedisSettings:
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    access: dict[str, Any] = {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
    }
    path = parts.path.strip("/")
    match parts.scheme:
        case "unix" if parts.path:
            return RedisSettings(unix_socket_path=unquote(parts.path), database=int(query.get("db", 0)), **access)
        case "redis" | "rediss":
            return RedisSettings(
                host=parts.hostname or "localhost",
                port=parts.port or 6379,
                database=int(query.get("db", path or 0)),
                ssl=parts.scheme == "rediss",
                ssl_cert_reqs=query.get("ssl_cert_reqs", "required"),
                ssl_ca_certs=query.get("ssl_ca_certs"),
                ssl_check_hostname=looks_at_the_name(url),
                **access,
            )
        case "redis+sentinel":
            master, _, database = path.partition("/")
            places = [_place(place) for place in parts.netloc.rpartition("@")[2].split(",")]
            return RedisSettings(
                host=places, sentinel=True, sentinel_master=master or "mymaster", database=int(database or 0), **access
            )
    raise ValueError(parts.scheme)


def _place(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    return host.strip("[]"), int(port or 26_379)


def no_redis(error: Exception, url: str = "", setting: str = "") -> InstallationError:
    """No Redis answers, or it refuses us.  `setting` is the one that names it, "" where none does."""
    where = f" {redacted(url)}" if url else ""
    refused = isinstance(error, AuthenticationError) or any(
        word in str(error) for word in ("uthentic", "WRONGPASS", "NOPERM", "username-password")
    )
    if refused:
        door = "REDIS_URL" if setting in {"", "REDIS_HOST"} else setting  # a host alone has no place for a password
        return InstallationError(
            Text(
                f"Redis{where} 拒絕連線：密碼或權限不對",
                f"Redis{where} refuses us: a wrong or missing password, or too few rights",
            ),
            Text(f"請在 {door} 中寫上正確的使用者與密碼", f"write the right user and password into {door}"),
            door,
        )
    away = Text(f"連不上 Redis{where}（{error}）", f"no Redis answers{where} ({error})")
    if setting:
        return InstallationError(
            away,
            Text(
                f"啟動那個 Redis，或修正 {setting}；要用內建的就拿掉這個設定，再執行 reelqueue worker",
                f"start that Redis, or correct {setting}; to use the embedded one leave the setting out and run reelqueue worker",
            ),
            setting,
        )
    return InstallationError(
        away,
        Text(
            "先執行 reelqueue worker（會啟動內建的 Redis），或用 REDIS_URL 指定一個",
            "run reelqueue worker first (it starts the embedded Redis), or name one in REDIS_URL",
        ),
        "REDIS_URL",
    )
