"""What `doctor` says of a Redis that answers: whether its release has known holes, and who else may reach it."""

import re

from jobs.client import unguarded
from reelqueue.ahead.findings import Finding
from reelqueue.wording import Text, same

LEAST_REDIS = 6
MENDED = {
    "Redis": {(6, 2): 20, (7, 2): 11, (7, 4): 6, (8, 0): 4, (8, 2): 2},
    "Valkey": {(7, 2): 11, (8, 0): 6, (8, 1): 4},
}
"""The first release of each line in which a script can't run code any more (CVE-2025-49844).  Newer lines have it from their start."""


def version_found(name: str, version: str, where: str) -> Finding:
    """The server's release, by its number."""
    what = same("Redis")
    if int(version.partition(".")[0] if version[:1].isdigit() else LEAST_REDIS) < LEAST_REDIS:
        return Finding("warn", what, same(where), Text("請更新到 Redis 6 以上", "update to Redis 6 or newer"))
    if is_mended(name, version):
        return Finding("ok", what, same(where))
    do = Text(
        "這個版本有已知的漏洞（CVE-2025-49844）：請更新，或確認你的發行版已經修補",
        "by its number it has known holes (CVE-2025-49844): update it, unless your distribution has mended it",
    )
    return Finding("warn", what, same(where), do)


def is_mended(name: str, version: str) -> bool:
    """Whether a release is one without the holes that are known here; what says no number counts as mended."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    if found is None:
        return True
    line, patch = (int(found[1]), int(found[2])), int(found[3] or 0)
    known = MENDED[name]
    return patch >= known[line] if line in known else line > max(known)


def reach_found(url: str) -> list[Finding]:
    """Who else may reach it; nothing where nobody may."""
    found = unguarded(url)
    return [] if found is None else [Finding("warn", Text("  誰連得到", "  within reach"), found.saw, found.do)]
