"""Files that a brief names when it comes over HTTP: below one folder of the operator's, and no others.

On the command line whoever writes a brief may read the files anyway.  Over HTTP a path is a wish to see a file of this machine, as a
part of a video: so it holds only below `BRIEF_FILES_DIR`, links followed, and what lies elsewhere is refused in the same words as
what is not there.
"""

import asyncio
from pathlib import Path
from typing import Any

from jobs.video.sound import NO_MUSIC
from reelqueue.errors import InvalidBrief
from reelqueue.models.brief import Brief
from reelqueue.wording import Text

_BELOW = Text("BRIEF_FILES_DIR 這個資料夾裡的路徑", "a path below the folder BRIEF_FILES_DIR")
_NOT_SET = Text(
    "要從網頁或 API 使用這台機器上的檔案，請先設定 BRIEF_FILES_DIR",
    "set BRIEF_FILES_DIR first: over HTTP only files below it may be named",
)


async def contained(brief: Brief, folder: Path | None) -> Brief:
    """The brief with whole paths, each below `folder`; relative ones begin there.

    Raises:
        InvalidBrief: names the field; the file is not there, lies elsewhere, or no folder is set.
    """
    named = any((brief.images_dir, brief.images, brief.logo, brief.music not in {None, NO_MUSIC}))
    return await asyncio.to_thread(_contained, brief, folder) if named else brief


def _contained(brief: Brief, folder: Path | None) -> Brief:
    changes: dict[str, Any] = {}
    if brief.images:
        changes["images"] = tuple(_inside("images", name, folder, wants_folder=False) for name in brief.images)
    if brief.images_dir is not None:
        changes["images_dir"] = _inside("images_dir", brief.images_dir, folder, wants_folder=True)
    if brief.logo is not None:
        changes["logo"] = _inside("logo", brief.logo, folder, wants_folder=False)
    if brief.music is not None and brief.music != NO_MUSIC:
        changes["music"] = _inside("music", brief.music, folder, wants_folder=False)
    return brief.replace(**changes)


def _inside(field: str, name: str, folder: Path | None, *, wants_folder: bool) -> str:
    if folder is None:
        raise InvalidBrief(field, _BELOW, name, _NOT_SET)
    try:
        root = folder.resolve(strict=True)
        path = (root / name).resolve(strict=True)
        fits = path.is_relative_to(root) and (path.is_dir() if wants_folder else path.is_file())
    except (OSError, ValueError, RuntimeError):  # not there, a name that can't be one, a loop of links
        fits = False
    if not fits:
        raise InvalidBrief(field, _BELOW, name)
    return str(path)
