"""The file of a batch, read; and what is wrong with it, told at the terminal."""

import errno
import os
import sys
from collections.abc import Sequence

from jobs.batch.rows import Mistake
from reelqueue.ahead.batch_file import TopicFile, told
from reelqueue.cli.console import notes, say_json
from reelqueue.cli.widths import counted
from reelqueue.errors import InvalidBrief, ReelqueueError
from reelqueue.wording import Text

READ_BYTES = 200_000_000
"""More than 5,000 briefs hold: what is longer is not read to its end."""
SHOWN = 50
"""So many mistakes are told one by one."""


class Refused(InvalidBrief):
    """A file can't be a batch; what is wrong in which line was told."""

    def __init__(self, message: Text, hint: Text) -> None:
        ReelqueueError.__init__(self, message, hint)


def read_file(name: str) -> TopicFile:
    """Read the file of a batch; `-` is standard input.

    Raises:
        Refused: it can't be read, or is larger than any batch.
    """
    try:
        body = _bytes(name)
    except (OSError, ValueError) as error:  # a name with a NUL in it, too
        why = getattr(error, "strerror", None) or str(error)
        known = {
            errno.EISDIR: Text("是資料夾，不是檔案", "is a folder, no file"),
            errno.ENOENT: Text("沒有這個檔案", "there is no such file"),
        }
        said = known.get(getattr(error, "errno", None) or 0, Text(f"無法讀取（{why}）", f"can't be read ({why})"))
        raise _refused(TopicFile(name, b""), said) from None
    if len(body) == READ_BYTES:
        raise _refused(TopicFile(name, b""), Text("太大：最多 200 MB", "is too large: 200 MB at most"))
    return TopicFile(name, body)


def _refused(file: TopicFile, why: Text) -> Refused:
    return Refused(
        Text(f"{file.title.zh}：{why.zh}", f"{file.title.en}: {why.en}"),
        Text("請指定一個 CSV 或 JSONL 檔，- 是標準輸入", "name a CSV or JSONL file; - is standard input"),
    )


def _bytes(name: str) -> bytes:
    if name == "-":
        if sys.stdin is None:  # started with it closed
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return sys.stdin.buffer.read(READ_BYTES)
    with open(os.path.expanduser(name), "rb") as file:  # noqa: PTH111, PTH123 - Path's raises for an unknown user
        return file.read(READ_BYTES)


def refuse(file: TopicFile, mistakes: Sequence[Mistake], *, as_json: bool) -> Refused:
    """Tell all that is wrong; returns what to raise."""
    only = mistakes[0]
    if len(mistakes) == 1 and not only.line and not as_json:
        return _refused(file, only.text)
    if as_json:
        say_json({"mistakes": [{"line": each.line, "field": each.field, "message": str(each.text)} for each in mistakes]})
    else:
        for each in mistakes[:SHOWN]:
            notes().print(str(told(each)), markup=False)
        if (more := len(mistakes) - SHOWN) > 0:
            notes().print(
                str(
                    Text(
                        f"…另外還有 {more:,} 個錯誤（--json 會全部列出）", f"… and {more:,} more mistakes (--json lists them all)"
                    )
                ),
                markup=False,
            )
    count = len(mistakes)
    return Refused(
        Text(
            f"{file.title.zh}：{count:,} 個錯誤，什麼都沒有開始",
            f"{file.title.en}: {counted(count, 'mistake')}, nothing was begun",
        ),
        Text(
            "修正檔案後再執行一次",
            "correct the file and run it again",
        ),
    )
