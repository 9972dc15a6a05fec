"""What storage answers when it can't do what was asked: three certain answers and one uncertain.

A full disk is a `reelqueue.errors.DiskFull` everywhere: the old document is whole then, the new one is not there.
"""

from reelqueue.errors import Busy, StorageUnavailable
from reelqueue.wording import Text


class Exists(Exception):
    """There is a document of this name already; nothing was written."""


class Missing(Exception):
    """There is no document of this name; nothing was written."""


class Stale(Exception):
    """The document is another than the one that was read; nothing was written."""


class Unavailable(StorageUnavailable):
    """The disk did not answer, or it is not known whether the write is there: no outside effect may follow."""

    def __init__(self, what: str, why: object) -> None:
        super().__init__(
            Text(f"無法存取 {what}：{why}", f"{what} can't be reached: {why}"),
            Text("請檢查 DATA_DIR 所在的磁碟；會自動重試", "look at the disk of DATA_DIR; it is tried again by itself"),
        )


def busy(state_id: int) -> Busy:
    """Somebody else has it in hand."""
    return Busy(
        Text(f"{state_id} 正由另一個工作者處理", f"{state_id} is in another worker's hands"),
        Text("稍後會自動再試", "it is tried again by itself"),
    )
