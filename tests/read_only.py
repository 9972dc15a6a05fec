"""Folders that nobody may write to, root included: a mount of their own, as a disk that its kernel has given up."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CAN_MOUNT = sys.platform == "linux" and os.geteuid() == 0


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let a folder and all below it be read only; needs root."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
