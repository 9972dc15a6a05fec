"""A mark of a picture: 64 bits that stay nearly the same when it is scaled, re-encoded or graded.  Found in a child."""

from collections.abc import Sequence
from pathlib import Path

from reelqueue.process import ChildFailed, Limits, python_child

LIMITS = Limits(memory_bytes=2 << 30)
STALL_S = 30.0


async def marks_of(pictures: Sequence[Path]) -> tuple[str, ...]:
    """A mark of each picture in its order, in hex; one that can't be read, or shows nothing, is left out.

    Raises:
        ChildFailed: the child died; a picture of our own making is no reason to.
    """
    if not pictures:
        return ()
    async with python_child("reelqueue.media.marks_child", limits=LIMITS) as child:
        answers = [await child.ask_one({"picture": str(path)}, stall_s=STALL_S) for path in pictures]
    return tuple(mark for answer in answers if (mark := str(answer.get("mark", ""))))


__all__ = ["ChildFailed", "marks_of"]
