"""Pictures from outside re-encoded safely: what is used further on is a file of our own making.

PNG, JPEG and WebP only, decoded in a child below limits of memory and time (`media/image_child.py`): upright, sRGB, at most
3840 px on the long side, without metadata.
"""

import asyncio
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reelqueue.errors import InvalidBrief
from reelqueue.media.image_child import LEAST_SIDE, MOST_FILE_BYTES, MOST_PIXELS
from reelqueue.process import ChildFailed, Limits, python_child
from reelqueue.wording import Text

INGEST_VERSION = 1
"""Part of a picture's key: raise it when the same file would be re-encoded otherwise."""
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
LIMITS = Limits(memory_bytes=1536 * 1024 * 1024, cpu_seconds=60, file_bytes=256 * 1024 * 1024)
"""Measured: a 40 Mpx RGBA PNG of noise with a colour profile took 541 MB resident and 5.5 s of CPU, a JPEG 1.1 s."""
STALL_S = 90.0
ALLOWED = Text(
    f"PNG、JPEG 或 WebP 圖片，最多 {MOST_PIXELS // 1_000_000} 百萬像素、{MOST_FILE_BYTES // 1024**2} MB，每邊至少 {LEAST_SIDE} 像素",
    f"a PNG, JPEG or WebP picture of at most {MOST_PIXELS // 1_000_000} megapixels and {MOST_FILE_BYTES // 1024**2} MB, each side at least {LEAST_SIDE} px",
)
ALLOWED_FOLDER = Text(
    "一個資料夾，裡面至少有一張 PNG、JPEG 或 WebP 圖片", "a folder with at least one PNG, JPEG or WebP picture in it"
)
_REASONS = {
    "missing": Text("找不到檔案", "there is no such file"),
    "unreadable": Text("無法讀取", "it can't be read"),
    "not_a_file": Text("不是檔案", "it is not a file"),
    "empty": Text("檔案是空的", "the file is empty"),
    "not_a_picture": Text("不是支援的圖片格式", "it is not a picture of a supported format"),
    "broken": Text("圖片損壞或不完整", "the picture is damaged or cut short"),
    "too_large": Text("圖片太大", "the picture is too large"),
    "too_small": Text("圖片太小", "the picture is too small"),
    "crashed": Text("解碼時失敗", "decoding it failed"),
}


@dataclass(frozen=True, slots=True)
class Ingested:
    """A picture that was re-encoded: its suffix ("png" or "jpg"), width and height in px."""

    suffix: str
    width: int
    height: int


async def ingest(source: Path, target: Path, *, field: str = "images", keep_alpha: bool = False) -> Ingested:
    """Re-encode the picture `source` into `target`, in a child of its own.

    Args:
        source: the user's file; a link is followed, a pipe or a device is refused.
        target: written whole, or removed again.
        field: the brief's field that named the file.
        keep_alpha: for a logo; else transparency becomes white.

    Raises:
        InvalidBrief: names the file and why it can't be used.
    """
    request = {"source": str(source), "target": str(target), "keep_alpha": keep_alpha}
    try:
        async with python_child("reelqueue.media.image_child", limits=LIMITS) as child:
            answer = await child.ask_one(request, stall_s=STALL_S)
    except ChildFailed as error:
        await asyncio.to_thread(target.unlink, missing_ok=True)
        raise refusal(field, source, "crashed", error.detail) from error
    if "picture" not in answer:
        raise refusal(field, source, str(answer.get("refused", "crashed")), str(answer.get("detail", "")))
    return Ingested(**answer["picture"])


def given_pictures(images: Sequence[str], images_dir: str | None) -> list[Path]:
    """The user's pictures in their order: `images` as listed, then those of `images_dir` in natural order (2 before 10).

    Other files of the folder are left aside; what a picture's file holds is looked at when it is re-encoded.

    Raises:
        InvalidBrief: `images` or `images_dir` names something that is not there or is of another kind.
    """
    listed = [_picture("images", _home(name)) for name in images]
    return listed + (_of_folder(_home(images_dir)) if images_dir is not None else [])


def refusal(field: str, source: Path, reason: str, detail: str = "") -> InvalidBrief:
    """The error of a picture that can't be used: field, what is allowed, which file and why."""
    why = _REASONS.get(reason, _REASONS["crashed"])
    more = f" ({detail})" if detail and reason in {"too_large", "too_small", "unreadable", "crashed"} else ""
    return InvalidBrief(field, ALLOWED, Given(f"{source.name}: {why}{more}"))


class Given(str):
    """What is shown as it stands, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        """The text itself."""
        return str(self)


def _home(name: str) -> Path:
    return Path(os.path.expanduser(name))  # noqa: PTH111 - Path's own raises for an unknown user


def _picture(field: str, path: Path) -> Path:
    try:
        if not path.exists():
            raise refusal(field, path, "missing")
        if not path.is_file():
            raise refusal(field, path, "not_a_file")
        if path.suffix.lower() not in SUFFIXES:
            raise refusal(field, path, "not_a_picture")
        if path.stat().st_size == 0:
            raise refusal(field, path, "empty")
    except OSError as error:  # a name that is too long, a folder that may not be read
        raise refusal(field, path, "unreadable", error.strerror or "") from error
    return path


def _of_folder(folder: Path) -> list[Path]:
    try:
        if not folder.is_dir():
            raise InvalidBrief("images_dir", ALLOWED_FOLDER, str(folder))
        found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    except OSError as error:
        raise InvalidBrief("images_dir", ALLOWED_FOLDER, f"{folder}: {error.strerror}") from error
    if not found:
        raise InvalidBrief("images_dir", ALLOWED_FOLDER, str(folder))
    return [_picture("images_dir", path) for path in sorted(found, key=_natural)]


def _natural(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Digits by their value, letters without regard to case; the name itself where all else is equal."""
    parts = re.findall(r"\d+|\D+", path.name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], path.name
