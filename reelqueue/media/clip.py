"""Clips from outside re-encoded safely: what is used further on is a file of our own making.

An MP4 only, decoded in a child below limits of memory and time (`media/clip_child.py`).
"""

import asyncio
from pathlib import Path
from typing import Any

from reelqueue.errors import MediaError
from reelqueue.media.ffmpeg import meaning
from reelqueue.media.probe import read_info
from reelqueue.models.frozen import Frozen
from reelqueue.process import ChildFailed, Limits, python_child
from reelqueue.wording import Text

CLIP_VERSION = 1
"""Part of a clip's key: raised when the same file would be re-encoded otherwise."""
LIMITS = Limits(memory_bytes=3 * 1024**3, cpu_seconds=900, file_bytes=1024**3)
STALL_S = 60.0
_REASONS = {
    "missing": Text("找不到檔案", "there is no such file"),
    "empty": Text("檔案是空的", "the file is empty"),
    "not_a_clip": Text("不是 MP4 影片", "it is no MP4 video"),
    "broken": Text("影片損壞或不完整", "the video is damaged or cut short"),
    "too_large": Text("檔案太大", "the file is too large"),
    "wrong_size": Text("畫面大小不在 64 到 4096 像素之間", "its sides are not 64 to 4096 px"),
}


class ClipInfo(Frozen):
    """A clip that was re-encoded: px, seconds, and how many pictures it has."""

    width: int
    height: int
    frames: int
    duration_s: float


async def ingest_clip(source: Path, target: Path) -> ClipInfo:
    """Re-encode the clip `source` into `target`, whole or not at all, in a child of its own; its sound is left out.

    Raises:
        MediaError: it is no clip that we take; says why.
        DiskFull: there was no space.
        TransientError: the child was killed or stalled.
    """
    part = target.with_name(target.name + ".part")
    try:
        made = await _converted(source, part)
        info = await asyncio.to_thread(read_info, part)
        await asyncio.to_thread(part.replace, target)
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)  # a killed child leaves it behind
    return ClipInfo(**made, duration_s=round(info.video_duration_s, 3))


async def _converted(source: Path, part: Path) -> dict[str, Any]:
    request = {"source": str(source), "target": str(part)}
    try:
        async with python_child("reelqueue.media.clip_child", limits=LIMITS) as child:
            answer = await child.ask_one(request, stall_s=STALL_S)
    except ChildFailed as failure:
        raise meaning(failure) from failure
    if "clip" not in answer:
        raise _refusal(str(answer.get("refused", "broken")), str(answer.get("detail", "")))
    made: dict[str, Any] = answer["clip"]
    return made


def _refusal(reason: str, detail: str) -> MediaError:
    why = _REASONS.get(reason, _REASONS["broken"])
    more = f" ({detail})" if detail and reason in {"too_large", "wrong_size"} else ""
    return MediaError(
        Text(f"主持人影片無法使用：{why.zh}{more}", f"the presenter's clip can't be used: {why.en}{more}"),
        Text("重試會重新取得它", "a retry fetches it anew"),
    )
