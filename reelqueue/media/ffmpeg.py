"""FFmpeg as a child: which one, how it is started, what its errors mean."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from reelqueue.errors import DiskFull, InstallationError, MediaError, ReelqueueError, StorageUnavailable, TransientError
from reelqueue.process import ChildFailed, Finished, Limits, run
from reelqueue.wording import Text, same

LEAST_VERSION = 7
"""First major version whose `alimiter` and `ebur128` behave as our measurements were taken with."""
MENDED_VERSION = (8, 1, 3)
"""The first whose decoders have none of the holes known in November 2026 that name a last version (CVE-2026-8461 and -64830 in
MagicYUV and VobSub: to 8.1.2).  We call neither of them; an old FFmpeg has others."""
NEEDED = ("aac", "aformat", "alimiter", "aresample", "ebur128", "volume")
STALL_S = 60.0
"""Without progress: FFmpeg tells twice a second how far it is, and goes on telling so when it gets no further."""
RETRIES = 1
"""Of a run that crashed, hung, or made what it should not: one more may go well, and two that end alike would go on so."""
TOLD_LINES, TOLD_CHARS = 3, 400
"""Of the tail of its words, that a person reads: the last one alone is often "Conversion failed!"."""
LIMITS = Limits(memory_bytes=4 * 1024**3, cpu_seconds=3_600, file_bytes=20 * 1024**3, offline=True)


_PROGRESS = frozenset({"out_time_us", "total_size", "frame"})


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """A usable FFmpeg: its path and its version as it tells it."""

    path: Path
    version: str


def is_mended(version: str) -> bool | None:
    """Whether a version is one without the known holes, by its number; None where it has none, as a build of the day's source."""
    found = re.match(r"n?(\d+)\.(\d+)(?:\.(\d+))?", version)
    return None if found is None else tuple(int(part or 0) for part in found.groups()) >= MENDED_VERSION


async def find_ffmpeg(setting: Path | None) -> Ffmpeg:
    """The FFmpeg to use: the one that is set, else one on the path that suffices, else the wheel's.

    Raises:
        InstallationError: the one that is set can't be started, is too old or lacks a filter; or there is none.
    """
    if setting is not None:
        return await _checked(setting)
    on_path = shutil.which("ffmpeg")
    if on_path is not None:
        try:
            return await _checked(Path(on_path))
        except InstallationError:
            pass  # too old: the wheel's takes its place
    try:
        return await _checked(Path(imageio_ffmpeg.get_ffmpeg_exe()))
    except RuntimeError:
        raise InstallationError(
            Text("找不到 FFmpeg", "there is no FFmpeg"),
            Text("安裝套件 imageio-ffmpeg，或設定 FFMPEG_BINARY", "install the package imageio-ffmpeg, or set FFMPEG_BINARY"),
        ) from None


_known: dict[Path, Ffmpeg] = {}


async def _checked(path: Path) -> Ffmpeg:
    """What this binary is; it is asked once per process."""
    if path in _known:
        return _known[path]
    try:
        first, able = await _ask(path)
    except (OSError, ChildFailed):
        raise InstallationError(
            Text(f"無法執行 FFmpeg：{path}", f"FFmpeg can't be started: {path}"),
            Text(
                "檢查 FFMPEG_BINARY 的路徑與執行權限，或拿掉這個設定", "check the path and mode in FFMPEG_BINARY, or leave it out"
            ),
        ) from None
    version = re.search(r"ffmpeg version n?(\S+)", first)
    major = re.match(r"(\d+)", version[1]) if version else None
    missing = [name for name in NEEDED if not re.search(rf"\b{name}\b", able)]
    if version is None or missing or (major is not None and int(major[1]) < LEAST_VERSION):
        found = version[1] if version else "?"
        raise InstallationError(
            Text(
                f"FFmpeg 不適用：{path}（版本 {found}，缺少 {missing}）",
                f"FFmpeg does not suffice: {path} (version {found}, lacks {missing})",
            ),
            Text(f"需要 {LEAST_VERSION} 以上的完整版本", f"a full build of version {LEAST_VERSION} or newer is needed"),
        )
    _known[path] = Ffmpeg(path, version[1])
    return _known[path]


async def _ask(path: Path) -> tuple[str, str]:
    version, filters, encoders = [
        await run([str(path), "-hide_banner", "-nostdin", about], cwd=Path("/"), timeout_s=20, limits=LIMITS)
        for about in ("-version", "-filters", "-encoders")
    ]
    return version.stdout.decode(), (filters.stdout + encoders.stdout).decode()


async def run_ffmpeg(
    ffmpeg: Ffmpeg, arguments: Sequence[str], *, folder: Path, timeout_s: float, on_seconds: Callable[[float], None] | None = None
) -> Finished:
    """Run FFmpeg in `folder`, by generated names only; `on_seconds` hears how far into the output it is.

    Raises:
        DiskFull: there was no space left.  StorageUnavailable: the disk can't be written.
        MediaError: it refused its input or its options; says why in its own words.
        TransientError: it was killed, crashed or got no further: another try may go well, once.
    """
    reached: dict[str, str] = {}

    def hear(line: str) -> bool:
        name, _, value = line.partition("=")
        gets_on = name in _PROGRESS and reached.get(name) != value
        reached[name] = value
        if name == "out_time_us" and value.isdecimal() and on_seconds:
            on_seconds(int(value) / 1e6)
        return gets_on

    argv = [str(ffmpeg.path), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "info", "-progress", "pipe:1", *arguments]
    try:
        return await run(argv, cwd=folder, timeout_s=timeout_s, stall_s=STALL_S, limits=LIMITS, on_line=hear)
    except ChildFailed as failure:
        error = meaning(failure)
        raise once_more(error) if type(error) is TransientError else error from failure


def once_more(error: ReelqueueError) -> TransientError:
    """The same words, worth `RETRIES` more tries."""
    again = TransientError(error.text, error.hint_text)
    again.most_retries = RETRIES
    return again


def meaning(failure: ChildFailed) -> DiskFull | MediaError | TransientError:
    """What a failure of a media tool asks for: space, a disk that can be written, another input, or another try."""
    if "No space left on device" in failure.tail or "ENOSPC" in failure.detail:
        return DiskFull(
            Text("磁碟已滿", "the disk is full"), Text("清出空間後會自動繼續", "make room: the project goes on by itself")
        )
    if "Read-only file system" in failure.tail or "Read-only file system" in failure.detail:
        return StorageUnavailable(
            Text("磁碟是唯讀的", "the disk is read-only"),
            Text("讓 DATA_DIR 可以寫入：專案會自動繼續", "let DATA_DIR be written again: the project goes on by itself"),
        )
    said = " / ".join([line.strip() for line in failure.tail.splitlines() if line.strip()][-TOLD_LINES:])[-TOLD_CHARS:]
    if failure.kind in {"signal", "stall", "timeout"}:
        told = Text(f"{failure.text.zh}：{said}", f"{failure.text.en}: {said}") if said else failure.text
        return TransientError(told, Text("會自動重試", "it is tried again by itself"))
    said = said or failure.detail
    return MediaError(Text(f"{failure.text.zh}：{said}", f"{failure.text.en}: {said}"), same(""))
