"""The Celery system's folders, read and never written: where its projects lie, what their states hold, where a file is.

It knew three roots (`data/projects`, `projects`, `storage`), and wrote paths of its own machine into its states: a file
is looked for where the state says, then at the same place below its project in each root.  Nothing outside the folders
that were named is ever read: a link that leads out is refused.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from reelqueue.errors import InvalidBrief, ReelqueueError
from reelqueue.wording import Text
from storage.paths import STATE

ROOTS = ("", "projects", "data/projects", "storage", "storage/projects")
"""Where projects lie below the folder that was named."""
MOST_STATE_BYTES = 4 * 1024 * 1024
"""An old state holds one script; what is larger is something else."""
_ID = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)


class OldFolderRefused(ReelqueueError):
    """An old project's folder, or its state, can't be read as one."""

    code = "invalid_brief"


@dataclass(frozen=True, slots=True)
class OldFolder:
    """One old project.  `root` is the folder that was named; `others` are more folders with its files."""

    path: Path
    root: Path
    others: tuple[Path, ...] = ()

    @property
    def number(self) -> int | None:
        """The id that its name says; None where it is no id."""
        return int(self.path.name) if _ID.fullmatch(self.path.name) else None

    @property
    def state(self) -> Path:
        """Where its state lies, or would lie."""
        return self.path / STATE

    def read(self) -> tuple[Any, str]:
        """The state as JSON data, and the sha256 of its bytes.

        Raises:
            OldFolderRefused: there is none, or it can't be read; says why and what to do.
        """
        path = self.state
        try:
            if not self._is_within(self.path) or not self._is_within(path):
                raise _leads_out(path if self._is_within(self.path) else self.path)
            body = _small(path)
        except FileNotFoundError:
            raise OldFolderRefused(
                Text(f"{self.path} 裡沒有 {STATE}", f"there is no {STATE} in {self.path}"),
                Text(
                    "它還沒寫出腳本：用 reelqueue new --from 文字檔 建立新專案",
                    "it never got as far as a script: make a new project of its text with reelqueue new --from",
                ),
            ) from None
        except OSError as error:
            raise OldFolderRefused(
                Text(f"無法讀取 {path}（{error.strerror}）", f"{path} can't be read ({error.strerror})"),
                Text("請檢查檔案的權限", "see to its permissions"),
            ) from error
        try:
            return json.loads(body), hashlib.sha256(body).hexdigest()
        except (ValueError, RecursionError) as error:
            raise OldFolderRefused(
                Text(f"{path} 不是完整的 JSON（{error}）", f"{path} is no whole JSON ({error})"),
                Text(
                    "舊系統寫入時可能中斷了：請從備份還原，或略過這個專案",
                    "the old system may have died while it wrote: restore it from a backup, or leave this project out",
                ),
            ) from None

    def find(self, named: str) -> Path | None:
        """The file that the state names; None where it is nowhere.

        Raises:
            OldFolderRefused: it is there, but outside the folders that were named.
        """
        outside: Path | None = None
        for path in self._candidates(named):
            try:
                if not path.is_file():
                    continue
            except (OSError, ValueError):  # a name that is too long, or holds a zero
                continue
            if self._is_within(path):
                return path
            outside = path
        if outside is not None:
            raise _leads_out(outside)
        return None

    def files_in(self, name: str, suffixes: frozenset[str]) -> list[Path]:
        """The files of the project's folder `name` that end so, in the order of their names; none where there is none."""
        folder = self.path / name
        try:
            found = [path for path in folder.iterdir() if path.suffix.lower() in suffixes]
        except OSError:
            return []
        return sorted(path for path in found if path.is_file() and self._is_within(path))

    def _candidates(self, named: str) -> Iterator[Path]:
        given = PurePosixPath(named.replace("\\", "/").removeprefix("file://"))
        if given.is_absolute():
            yield Path(given)
        else:
            yield self.path / given
            for root in (self.root, *self.others):
                yield root / given
        tail = self._tail(given)
        if tail is not None:
            for home in self._homes():
                yield home / tail
        for folder in ("output", "images", "avatars", "audio", "thumbnails"):
            yield self.path / folder / given.name

    def _tail(self, given: PurePosixPath) -> PurePosixPath | None:
        """What comes after the project's own folder in a path of another machine."""
        places = [place for place, part in enumerate(given.parts[:-1]) if part == self.path.name]
        return PurePosixPath(*given.parts[places[-1] + 1 :]) if places else None

    def _homes(self) -> Iterator[Path]:
        yield self.path
        for top in (self.root, *self.others):
            for root in ROOTS:
                yield top / root / self.path.name
        yield from self.others

    def _is_within(self, path: Path) -> bool:
        real = path.resolve()
        return any(real.is_relative_to(top.resolve()) for top in (self.root, *self.others))


def find_old_folders(root: Path, others: Sequence[Path] = ()) -> list[OldFolder]:
    """The projects below `root`, by their ids: folders that hold a state, or whose name is an id.

    Raises:
        InvalidBrief: `root` or one of `others` is no folder, or there is no project below `root`.
        OSError: a folder can't be read.
    """
    for named in (root, *others):
        if not named.is_dir():
            raise InvalidBrief("DIR", Text("一個存在的資料夾", "a folder that exists"), str(named))
    more = tuple(others)
    if os.path.lexists(root / STATE):
        return [OldFolder(root, root, more)]
    found = dict[Path, OldFolder]()
    for name in ROOTS:
        folder = root / name
        if folder.is_dir():
            for path in folder.iterdir():
                if _may_be_one(path):
                    found.setdefault(path.resolve(), OldFolder(path, root, more))
    if not found:
        where = ", ".join(str(root / name) for name in ROOTS)
        raise InvalidBrief(
            "DIR",
            Text(f"舊系統的資料夾，專案在其中之一：{where}", f"the old system's folder, with its projects in one of {where}"),
            str(root),
        )
    return sorted(found.values(), key=lambda old: (old.number is None, old.number or 0, str(old.path)))


def _may_be_one(path: Path) -> bool:
    return os.path.lexists(path / STATE) or (_ID.fullmatch(path.name) is not None and (path.is_symlink() or path.is_dir()))


def _small(path: Path) -> bytes:
    """A regular file's bytes: a pipe would never end."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as file:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_STATE_BYTES:
            raise OldFolderRefused(
                Text(
                    f"{path} 有 {about.st_size:,} 位元組，不是專案狀態（上限 {MOST_STATE_BYTES:,}）",
                    f"{path} has {about.st_size:,} bytes: no project's state (at most {MOST_STATE_BYTES:,})",
                ),
                Text("請確認這個檔案，或略過這個專案", "look at the file, or leave this project out"),
            )
        return file.read()


def _leads_out(path: Path) -> OldFolderRefused:
    real = path.resolve()
    return OldFolderRefused(
        Text(f"{path} 指向資料夾之外的 {real}", f"{path} leads out of the folder, to {real}"),
        Text(f"如果要用，請加上 --media {real.parent}", f"if it is to be used, add --media {real.parent}"),
    )
