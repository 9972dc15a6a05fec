"""What `doctor` looks at.  Each check answers ok, warn or fail, what it saw, and what to do."""

import asyncio
import importlib.util
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import packages_distributions
from pathlib import Path

from redis.asyncio import Redis

from jobs.client import INSTANCE_KEY
from jobs.halting import paused_key
from jobs.pipeline import BATCH, MAINTENANCE, VIDEO
from jobs.worker import WORKERS_PREFIX
from progress.connection import open_redis
from reelqueue import embedded
from reelqueue.ahead import clock_checks, money_checks, redis_checks, service_checks, state_checks, telling_checks
from reelqueue.ahead.answering import DEFAULT_URL, answers
from reelqueue.ahead.findings import NOTHING, Check, Finding
from reelqueue.art.fonts import check_fonts, use_font_dir
from reelqueue.bootstrap import Settings, redacted
from reelqueue.errors import ReelqueueError
from reelqueue.media.ffmpeg import MENDED_VERSION, find_ffmpeg, is_mended
from reelqueue.models.brief import Brief
from reelqueue.providers.protocols import SpeechRequest
from reelqueue.providers.registry import KINDS, Shelf
from reelqueue.wording import Text, same
from storage import Paths
from storage.installation import open_installation

PYTHONS = ((3, 11), (3, 14))
OURS = ("jobs", "progress", "storage", "worker_settings")
CLOCK_SECONDS = 5.0
"""A difference to Redis's clock from which on schedules and leases look odd."""
SEEN_SECONDS = 5
"""A worker that lives looks at its queue each second."""
QUEUES = {"video": VIDEO, "batch": BATCH, "maintenance": MAINTENANCE}


async def python(_settings: Settings) -> list[Finding]:
    """The interpreter."""
    version = same(sys.version.split()[0])
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return [Finding("ok", same("Python"), version)]
    return [Finding("warn", same("Python"), version, Text("請用 Python 3.11 到 3.14", "use Python 3.11 to 3.14"))]


async def packages(_settings: Settings) -> list[Finding]:
    """Whether `jobs`, `progress`, `storage` and `worker_settings` are ours."""
    home = _resolved(__file__).parents[2]
    found = []
    for name in OURS:
        spec = importlib.util.find_spec(name)
        where = _resolved(spec.origin) if spec is not None and spec.origin else None
        others = set(packages_distributions().get(name, [])) - {"reelqueue"}
        if where is None:
            do = Text("重新安裝 reelqueue", "install reelqueue again")
            found.append(Finding("fail", same(name), Text("找不到", "is missing"), do))
        elif home not in where.parents:
            do = Text(f"移除另一個叫 {name} 的套件，或換一個虛擬環境", f"remove the other package {name}, or use another venv")
            found.append(Finding("fail", same(name), Text(f"不是我們的：{where}", f"is not ours: {where}"), do))
        elif others:
            names = ", ".join(sorted(others))
            do = Text(f"pip uninstall {names}，再重新安裝 reelqueue", f"pip uninstall {names}, then install reelqueue again")
            found.append(Finding("warn", same(name), Text(f"{names} 也提供它", f"{names} provides it too"), do))
    return found or [Finding("ok", Text("套件", "packages"), same(", ".join(OURS)))]


def _resolved(path: str) -> Path:
    return Path(path).resolve()


async def redis(settings: Settings) -> list[Finding]:
    """The server that commands and workers would use."""
    folder = Paths(settings.data_dir).redis_dir
    url = embedded.locate(settings.configured_redis_url, folder)
    what = same("Redis")
    try:
        if not await answers(url, setting=settings.redis_setting):
            if settings.configured_redis_url is None:
                return [_without_server()]
            do = Text(
                "啟動它，或拿掉這個設定（make 與 worker 會用內建的）",
                "start it, or leave the setting out (make and worker then use the embedded one)",
            )
            return [Finding("fail", what, Text(f"{redacted(url)} 沒有回應", f"{redacted(url)} does not answer"), do)]
        async with open_redis(url) as client:
            return await _examined(client, url, settings)
    except ReelqueueError as error:
        return [Finding("fail", what, error.text, error.hint_text)]


def _without_server() -> Finding:
    try:
        program = embedded.program()
    except ReelqueueError as error:
        return Finding("fail", same("Redis"), error.text, error.hint_text)
    return Finding(
        "ok",
        same("Redis"),
        Text(
            f"沒有在執行；make 與 worker 會啟動內建的（{program}）",
            f"none runs; make and worker start the embedded one ({program})",
        ),
    )


async def _examined(client: Redis, url: str, settings: Settings) -> list[Finding]:
    info = await client.info()
    version = str(info.get("valkey_version") or info.get("redis_version", "?"))
    name = "Valkey" if "valkey_version" in info else "Redis"
    where = f"{name} {version}, {redacted(url) if url != DEFAULT_URL else url}"
    found = [redis_checks.version_found(name, version, where), *redis_checks.reach_found(url)]
    aof = bool(int(info.get("aof_enabled", 0)))
    found.append(Finding(
        "ok" if aof else "warn", same("  AOF"), Text("開啟", "on") if aof else Text("關閉", "off"),
        NOTHING if aof else Text("CONFIG SET appendonly yes：斷電後佇列不必重建", "CONFIG SET appendonly yes: after a power cut the queue need not be rebuilt"),
    ))  # fmt: skip
    policy = str(info.get("maxmemory_policy", "?"))
    keeps = policy == "noeviction"
    do = Text(
        "CONFIG SET maxmemory-policy noeviction：否則佇列會被丟掉",
        "CONFIG SET maxmemory-policy noeviction: else hints are thrown away",
    )
    found.append(Finding("ok" if keeps else "fail", same("  maxmemory-policy"), same(policy), NOTHING if keeps else do))
    found += [*await _installation(client, settings), await _clock(client), *await _paused(client), await _workers(client)]
    return found


async def _installation(client: Redis, settings: Settings) -> list[Finding]:
    """Whose Redis it is."""
    theirs = await client.get(INSTANCE_KEY)
    ours = await asyncio.to_thread(open_installation, Paths(settings.data_dir), allow_network_fs=settings.allow_network_fs)
    what = Text("  安裝", "  installation")
    if theirs is None:
        return [Finding("ok", what, Text("還沒有人使用", "nobody's yet"))]
    if theirs.decode() == ours:
        return [Finding("ok", what, Text("我們的", "ours"))]
    do = Text(
        "一個 Redis 只給一個 DATA_DIR：換一個 REDIS_DB 或 DATA_DIR",
        "one Redis serves one DATA_DIR: use another REDIS_DB or DATA_DIR",
    )
    return [
        Finding(
            "fail", what, Text(f"屬於另一個安裝（{theirs.decode()}）", f"belongs to another installation ({theirs.decode()})"), do
        )
    ]


async def _clock(client: Redis) -> Finding:
    seconds, micros = await client.time()
    apart = abs(datetime.now(UTC).timestamp() - seconds - micros / 1e6)
    what, saw = Text("  時鐘", "  clock"), Text(f"與 Redis 相差 {apart:.1f} 秒", f"{apart:.1f} s apart from Redis's")
    if apart <= CLOCK_SECONDS:
        return Finding("ok", what, saw)
    return Finding("warn", what, saw, Text("請用 NTP 校時", "set both clocks by NTP"))


async def _paused(client: Redis) -> list[Finding]:
    """Queues that a person paused; nothing where none is."""
    found = [kind for kind, queue in QUEUES.items() if await client.exists(paused_key(queue))]
    do = Text("什麼都不會開始，直到：reelqueue queues resume {}", "nothing of it begins until: reelqueue queues resume {}")
    return [
        Finding(
            "warn",
            Text("  佇列", "  queue"),
            Text(f"{kind} 已暫停", f"{kind} is paused"),
            Text(do.zh.format(kind), do.en.format(kind)),
        )
        for kind in found
    ]


async def _workers(client: Redis) -> Finding:
    """Who looks at each queue just now."""
    seconds, _micros = await client.time()
    since = (seconds - SEEN_SECONDS) * 1000
    there = {kind: int(await client.zcount(WORKERS_PREFIX + queue, since, "+inf")) for kind, queue in QUEUES.items()}
    what, saw = same("  worker"), same(", ".join(f"{kind} {count}" for kind, count in there.items()))
    missing = [kind for kind, count in there.items() if not count]
    if not missing:
        return Finding("ok", what, saw)
    kind = "all" if len(missing) == len(QUEUES) else missing[0]
    do = Text(f"沒有人做這些工作：啟動 reelqueue worker {kind}", f"nobody does that work: start reelqueue worker {kind}")
    return Finding("warn", what, saw, do)


async def ffmpeg(settings: Settings) -> list[Finding]:
    """FFmpeg: version, filters, encoders."""
    try:
        found = await find_ffmpeg(settings.ffmpeg_binary)
    except ReelqueueError as error:
        return [Finding("fail", same("FFmpeg"), error.text, error.hint_text)]
    saw = same(f"{found.version}, {found.path}")
    if is_mended(found.version) is not False:
        return [Finding("ok", same("FFmpeg"), saw)]
    least = ".".join(map(str, MENDED_VERSION))
    do = Text(
        f"比 {least} 舊的解碼器有已知漏洞（發行版可能已經修補）：更新它，或不設 FFMPEG_BINARY 並從 PATH 拿掉，改用套件附的",
        f"decoders before {least} have known holes (a distribution may have mended them): update it, or leave out FFMPEG_BINARY and take it off PATH for the one that comes with us",
    )
    return [Finding("warn", same("FFmpeg"), saw, do)]


async def fonts(settings: Settings) -> list[Finding]:
    """Every font file that a video may need."""
    what = Text("字型", "fonts")
    try:
        use_font_dir(settings.font_dir)
        await asyncio.to_thread(check_fonts)
    except ReelqueueError as error:
        return [Finding("fail", what, error.text, error.hint_text)]
    return [Finding("ok", what, Text("齊全", "complete"))]


async def voice(settings: Settings) -> list[Finding]:
    """The local voice speaks one word: its model is there, and its hashes match (they are checked on load).

    It is looked at where a service speaks, too: the times of words come from it.
    """
    here = Brief(topic="-", providers=dict.fromkeys(KINDS, "local"))
    what, provider = Text("本機語音", "local voice"), Shelf(settings, Paths(settings.data_dir), {}).chosen(here).voice
    request = SpeechRequest(text="好。", language="zh-TW", voice=None, lexicon={})
    with tempfile.TemporaryDirectory(prefix="reelqueue-doctor-") as folder:
        try:
            async with provider.open() as speaker:
                await speaker.speak(request, Path(folder, "word.wav"))
        except ReelqueueError as error:
            return [Finding("fail", what, error.text, error.hint_text)]
    return [Finding("ok", what, same(provider.version))]


async def disk(settings: Settings) -> list[Finding]:
    """DATA_DIR: there, ours to write, a place where locks hold, with space left."""
    what, paths = same("DATA_DIR"), Paths(settings.data_dir)
    try:
        await asyncio.to_thread(open_installation, paths, allow_network_fs=settings.allow_network_fs)
    except ReelqueueError as error:
        return [Finding("fail", what, error.text, error.hint_text)]
    free = (await asyncio.to_thread(shutil.disk_usage, paths.root)).free
    saw = Text(f"{paths.root}，剩 {free / 1e9:.2f} GB", f"{paths.root}, {free / 1e9:.2f} GB free")
    if free >= settings.disk_low_water_gb * 1e9:
        return [Finding("ok", what, saw)]
    low = f"{settings.disk_low_water_gb:g}"
    do = Text(
        f"低於 DISK_LOW_WATER_GB（{low}）：reelqueue cleanup --dry-run 列出可以清掉的",
        f"below DISK_LOW_WATER_GB ({low}): reelqueue cleanup --dry-run lists what may go",
    )
    return [Finding("warn", what, saw, do)]


async def failpoint(settings: Settings) -> list[Finding]:
    """Whether processes are told to die or to fail somewhere; a test's setting that stayed."""
    if settings.failpoint is None:
        return []
    saw = Text(f"行程會在這裡中斷：{settings.failpoint}", f"processes fail here: {settings.failpoint}")
    do = Text("只供測試：正式使用時拿掉這個設定", "for tests only: take the setting out where videos are published")
    return [Finding("warn", same("REELQUEUE_FAILPOINT"), saw, do)]


CHECKS: tuple[Check, ...] = (
    python,
    packages,
    disk,
    state_checks.states,
    redis,
    ffmpeg,
    fonts,
    voice,
    service_checks.providers,
    service_checks.gemini,
    service_checks.youtube,
    service_checks.did,
    money_checks.prices,
    money_checks.money,
    telling_checks.webhook,
    telling_checks.people,
    clock_checks.clocks,
    clock_checks.moved,
    failpoint,
)
