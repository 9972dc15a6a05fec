"""Which installation this is, and whether its folder can be trusted with the truth.

The id in `instance.json` is kept in Redis too: one Redis serves one `DATA_DIR`.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from reelqueue.errors import InstallationError
from reelqueue.wording import Text
from storage import disk, reserve
from storage.answers import Exists, Missing, Unavailable
from storage.paths import Paths

NETWORK_TYPES = frozenset({
    "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afpfs", "webdav", "davfs", "davfs2", "ceph",
    "glusterfs", "lustre", "gpfs", "beegfs", "ocfs2", "gfs2", "afs", "acfs", "sshfs", "s3fs", "goofys", "gcsfuse",
    "rclone", "juicefs", "mountpoint-s3", "blobfuse", "blobfuse2", "macfuse_sshfs", "osxfuse_sshfs",
})  # fmt: skip
"""File systems on which `flock` and `rename` promise less than on a disk of this host."""
SWEEP_LOCK_SECONDS = 0.5
"""How long a start waits for who is creating."""
_MOUNT_TABLE = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Mount(NamedTuple):
    """A line of the mount table: where, and of which type."""

    point: Path
    kind: str


def open_installation(
    paths: Paths, *, allow_network_fs: bool = False, mounts: Callable[[], Sequence[Mount]] | None = None
) -> str:
    """Make the folder ready and return the installation's id; synchronous, once at the start of a process.

    Makes what is missing, keeps space for the last commits on a full disk, sweeps what a killed `delete` left.

    Raises:
        InstallationError: the folder can't be written, locks don't hold in it, or it lies on a network file system
            (unless `allow_network_fs`); says what to do.
        DiskFull: there is no space to begin with.
    """
    kind = file_system_of(paths.root, (mounts or read_mounts)())
    if not allow_network_fs and _is_network(kind):
        raise _network(paths.root, kind)
    try:
        paths.make()
        _try_lock(paths.root)
        number = _instance(paths.instance_file)
    except OSError as error:
        if error.errno in disk.NO_SPACE:
            raise disk.disk_full(paths.root) from error
        in_the_way = f"{error.filename}: " if isinstance(error, FileExistsError) else ""  # a stray file in a folder's place
        raise _unwritable(paths.root, f"{in_the_way}{error.strerror or error}") from error
    except (Unavailable, Missing) as error:
        raise _unwritable(paths.root, str(error.__cause__ or error)) from error
    reserve.keep(paths.reserve)
    sweep(paths)
    return number


def file_system_of(path: Path, mounts: Sequence[Mount]) -> str:
    """The type of the file system that `path` lies on (or will lie on); "" where the table does not tell."""
    found = Mount(Path(), "")
    for mount in mounts:  # of two on the same point the later one is on top
        if path.is_relative_to(mount.point) and len(mount.point.parts) >= len(found.point.parts):
            found = mount
    return found.kind


def read_mounts() -> Sequence[Mount]:
    """This machine's mount table; empty where it can't be read."""
    if sys.platform != "linux":
        return [Mount(Path(part.mountpoint), part.fstype) for part in psutil.disk_partitions(all=True)]
    try:
        lines = _MOUNT_TABLE.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [mount for line in lines if (mount := _mount(line)) is not None]


def _mount(line: str) -> Mount | None:
    """One line of proc_pid_mountinfo(5): the point is the fifth field, the type follows the lone "-"."""
    left, _, right = line.partition(" - ")
    fields, kind = left.split(" "), right.split(" ", 1)[0]
    if len(fields) < 5 or not kind:
        return None
    return Mount(Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[4])), kind)


def _is_network(kind: str) -> bool:
    return kind.lower().removeprefix("fuse.") in NETWORK_TYPES


def _try_lock(root: Path) -> None:
    """Write a file and lock it twice: the second lock must not be had."""
    path = root / f".try.{os.getpid()}.{secrets.token_hex(4)}.part"
    try:
        disk.place(path, b"")
        with path.open("rb") as one, path.open("rb") as other:
            fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                raise OSError(0, "flock does not hold")
    finally:
        path.unlink(missing_ok=True)


def sweep(paths: Paths) -> int:
    """Remove what killed creates and deletes left; returns their bytes.  Under the lock nobody is creating.

    Where somebody has the lock, a stopped process for one, it is left to the next: nobody's start hangs on it.
    """
    size = sweepings(paths)
    for folder in (paths.projects, paths.batches):
        with contextlib.suppress(Missing, Unavailable), disk.locked(folder, wait_s=SWEEP_LOCK_SECONDS):
            for left in folder.glob(".new-*"):
                shutil.rmtree(left, ignore_errors=True)
    for left in _trash(paths):
        shutil.rmtree(left, ignore_errors=True)
    return size


def sweepings(paths: Paths) -> int:
    """The bytes of what killed deletes left."""
    size = 0
    for left in _trash(paths):
        for folder, _, names in os.walk(left):
            for name in names:
                with contextlib.suppress(OSError):  # its delete goes on
                    size += Path(folder, name).lstat().st_size
    return size


def _trash(paths: Paths) -> list[Path]:
    try:
        return list(paths.trash.iterdir())
    except FileNotFoundError:
        return []


def _instance(path: Path) -> str:
    with contextlib.suppress(Exists):
        disk.create(path, json.dumps({"id": secrets.token_hex(16)}).encode())
    try:
        found = json.loads(disk.read(path))["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise InstallationError(
            Text(f"{path} 無法讀取", f"{path} can't be read"),
            Text(
                f"請從備份還原，或刪除 {path.name} 後再啟動（同時要清空對應的 Redis）",
                f"restore it from a backup, or remove {path.name} and start again (with an emptied Redis)",
            ),
            "DATA_DIR",
        )
    return found


def _network(root: Path, kind: str) -> InstallationError:
    return InstallationError(
        Text(f"DATA_DIR（{root}）在網路檔案系統（{kind}）上", f"DATA_DIR ({root}) lies on a network file system ({kind})"),
        Text(
            "請改用本機磁碟；若確定鎖定與改名可靠，設定 REELQUEUE_ALLOW_NETWORK_FS=true",
            "use a disk of this host; if its locks and renames can be trusted, set REELQUEUE_ALLOW_NETWORK_FS=true",
        ),
        "DATA_DIR",
    )


def _unwritable(root: Path, why: str) -> InstallationError:
    return InstallationError(
        Text(f"無法寫入 DATA_DIR（{root}）：{why}", f"DATA_DIR ({root}) can't be written: {why}"),
        Text(
            "請把 DATA_DIR 設為可寫入的資料夾，或修正它的擁有者與權限",
            "set DATA_DIR to a folder that can be written, or mend its owner and mode",
        ),
        "DATA_DIR",
    )
