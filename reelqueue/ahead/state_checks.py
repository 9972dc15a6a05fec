"""What `doctor` looks at of what was made already: states that a disk spoilt hold their project back, and nobody may have looked."""

import sys

from reelqueue.ahead.findings import Finding, failed
from reelqueue.bootstrap import Settings
from reelqueue.errors import ReelqueueError
from reelqueue.wording import Text, same
from storage import BatchStore, Paths, ProjectStore

MOST_NAMED = 5


async def states(settings: Settings) -> list[Finding]:
    """Whether each project's and each batch's state can be read; of those that can't the newest are named."""
    paths, what = Paths(settings.data_dir), Text("狀態檔", "states")
    try:
        projects, batches = ProjectStore.reader(paths), BatchStore.reader(paths)
        outlines = await projects.outlines(await projects.ids())
        listed = await batches.listing(limit=sys.maxsize)
    except ReelqueueError as error:
        return [failed(what, error)]
    spoilt = [(_project(number), one.error) for number, one in outlines.items() if one is not None and one.is_unreadable]
    spoilt += [(_batch(one.state_id), one.error) for one in listed.unread]
    if not spoilt:
        counts = len(outlines), len(listed.states)
        saw = Text("{} 個專案、{} 個批次都讀得出來", "{} projects and {} batches can be read")
        return [Finding("ok", what, Text(saw.zh.format(*counts), saw.en.format(*counts)))]
    found = [
        Finding("fail", which, same(error.message), same(error.hint)) for which, error in spoilt[:MOST_NAMED] if error is not None
    ]
    if more := len(spoilt) - len(found):
        found.append(Finding("fail", what, Text(f"還有 {more} 個讀不出來", f"{more} more can't be read")))
    return found


def _project(number: int) -> Text:
    return Text(f"專案 {number}", f"project {number}")


def _batch(number: int) -> Text:
    return Text(f"批次 {number}", f"batch {number}")
