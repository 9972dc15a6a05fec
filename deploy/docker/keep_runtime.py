"""Uninstall from this environment what `reelqueue` does not need to run: the lock holds the tools of development, too.

Only the build stage of the `Dockerfile` runs it, with the environment's own Python.
"""

# ruff: noqa: INP001 - it is run by its path

import re
import subprocess
import sys
from importlib.metadata import distribution, distributions

from packaging.requirements import Requirement


def needed(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> None:
    """Add what `name` with `extras` needs here, and what that needs."""
    if (_plain(name), extras) in seen:
        return
    seen.add((_plain(name), extras))
    for line in distribution(name).requires or ():
        one = Requirement(line)
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            needed(one.name, frozenset(one.extras), seen)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def surplus() -> list[str]:
    """The distributions that nothing of ours needs; pip, which takes them away, is the last."""
    seen: set[tuple[str, frozenset[str]]] = set()
    needed("reelqueue", frozenset(), seen)
    kept = {name for name, _ in seen}
    found = {_plain(one.metadata["Name"]) for one in distributions()} - kept
    return sorted(found, key=lambda name: (name == "pip", name))


if __name__ == "__main__":
    subprocess.run([sys.executable, "-m", "pip", "uninstall", "--yes", "--quiet", *surplus()], check=True)
