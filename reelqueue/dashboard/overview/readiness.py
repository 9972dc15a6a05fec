"""What making a video needs: what is there, what is missing and the command for it, what may stay as it is.

A part of what `reelqueue doctor` looks at, of which nothing is paid for, sent or loaded: a page asks it for each reader.
"""

import asyncio
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from redis.exceptions import RedisError

from reelqueue.ahead import checks
from reelqueue.ahead.findings import Finding
from reelqueue.bootstrap import Settings, redacted
from reelqueue.dashboard.link import Link
from reelqueue.errors import ReelqueueError
from reelqueue.wording import Text, same
from storage import Paths

KEPT_SECONDS = 30.0
"""How long the answers about this machine hold: FFmpeg is asked what it can do, which is a process each time."""

State = Literal["ready", "missing", "optional"]


@dataclass(frozen=True, slots=True)
class Need:
    """One line: `saw` is what there is, `command` what to run where something is missing, "" where nothing."""

    state: State
    title: Text
    saw: Text
    command: str = ""


@dataclass(slots=True)
class Readiness:
    """What one process knows of its machine."""

    settings: Settings
    link: Link
    _machine: Sequence[Need] = ()
    _known_until: float = field(default=float("-inf"))
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def needs(self) -> list[Need]:
        """All of them, in the order in which they are missed."""
        return [self._redis(), *await self._here(), await self._workers(), *_services(self.settings)]

    async def _here(self) -> Sequence[Need]:
        async with self._looking:
            if time.monotonic() > self._known_until:
                self._machine = await asyncio.gather(self._ffmpeg(), self._disk())
                self._known_until = time.monotonic() + KEPT_SECONDS
        return self._machine

    async def _ffmpeg(self) -> Need:
        (found,) = await checks.ffmpeg(self.settings)
        if found.level != "ok":
            return _missing(Text("FFmpeg 不能用", "FFmpeg can't be used"), found)
        version, _, _path = found.saw.en.partition(", ")
        return Need("ready", Text("找到 FFmpeg", "FFmpeg found"), same(version.partition("-")[0]))

    async def _disk(self) -> Need:
        found = (await checks.disk(self.settings))[0]
        if found.level != "ok":
            return _missing(Text("資料夾有問題", "The data folder is not right"), found)
        free = round((await asyncio.to_thread(shutil.disk_usage, self.settings.data_dir)).free / 1e9)
        name = Paths(self.settings.data_dir).root.name
        return Need("ready", Text("資料夾可寫入", "The data folder can be written"), Text(f"{name}/ · 剩 {free} GB", f"{name}/ · {free} GB free"))  # fmt: skip

    def _redis(self) -> Need:
        link, url = self.link, self.settings.configured_redis_url
        if link.is_there and link.ping_ms is not None:
            where = redacted(url) if url else "localhost"
            return Need("ready", Text("Redis 有回應", "Redis answers"), same(f"{where} · {link.ping_ms:.1f} ms"))
        if link.why is not None:  # it answers, and can't be ours
            said, do = link.why.text, link.why.hint_text
            return Need(
                "missing", Text("Redis 不能用", "Redis can't be used"), Text(f"{said.zh}。{do.zh}", f"{said.en}. {do.en}")
            )
        start = Text("啟動它，或啟動內建的：", "Start it, or the embedded one:")
        return Need("missing", Text("Redis 沒有回應", "Redis does not answer"), start, "reelqueue worker all")

    async def _workers(self) -> Need:
        title = Text("尚未看到 Worker", "No worker seen")
        start = Text("啟動一個：", "Start one:")
        if self.link.is_there:
            try:
                seen = await self.link.fleet.workers()
            except (RedisError, OSError, TimeoutError, ReelqueueError):
                seen = []
            if seen:
                count = len(seen)
                hosts = ", ".join(sorted({one.host for one in seen if one.host})[:3])
                en = "A worker is there" if count == 1 else f"{count} workers are there"
                return Need("ready", Text(f"看到 {count} 個 Worker", en), same(hosts))
        return Need("missing", title, start, "reelqueue worker all")


def _missing(title: Text, found: Finding) -> Need:
    return Need("missing", title, Text(f"{found.saw.zh}。{found.do.zh}", f"{found.saw.en}. {found.do.en}"))


def _services(settings: Settings) -> list[Need]:
    """Keys are no need: without them all is made here."""
    found = []
    if settings.has_key("gemini"):
        found.append(Need("ready", Text("有 Gemini 金鑰", "A Gemini key is set"), Text("腳本、圖片與語音由 Gemini 製作，會付費。", "It makes scripts, pictures and voice, for money.")))  # fmt: skip
    else:
        title = Text("沒有 Gemini 金鑰：使用本機腳本、圖片與配音", "No Gemini key: script, pictures and voice are made here")
        fine = Text("做第一支影片沒問題，不會產生費用。設定：", "Fine for a first video, and free. To set one:")
        found.append(Need("optional", title, fine, "GEMINI_API_KEY=…"))
    if settings.has_key("youtube"):
        found.append(Need("ready", Text("已連結 YouTube", "YouTube is connected"), Text("完成的影片會上傳。", "Finished videos are uploaded.")))  # fmt: skip
    else:
        title = Text("尚未連結 YouTube：影片留在磁碟", "YouTube is not connected: videos stay on disk")
        found.append(Need("optional", title, Text("要連結：", "To connect:"), "reelqueue auth youtube"))
    return found
