"""How a media child says that its input can't be used, in both languages, and how its parent raises it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from reelqueue.errors import MediaError
from reelqueue.media.ffmpeg import meaning
from reelqueue.process import ChildFailed, PythonChild
from reelqueue.wording import Text


def refusal(error: MediaError) -> dict[str, Any]:
    """The answer of a child that refuses its input."""
    return {"refused": [*error.text, *error.hint_text]}


async def answers(child: PythonChild, request: Mapping[str, Any], *, stall_s: float) -> AsyncIterator[dict[str, Any]]:
    """Ask a media child; yields its answers.

    Raises:
        MediaError: it refused its input.
        DiskFull: there was no space.
        TransientError: it was killed, crashed or stalled.
    """
    try:
        async for answer in child.ask(request, stall_s=stall_s):
            if "refused" in answer:
                zh, en, hint_zh, hint_en = answer["refused"]
                raise MediaError(Text(zh, en), Text(hint_zh, hint_en))
            yield answer
    except ChildFailed as failure:
        raise meaning(failure) from failure
