"""A draft: a script as JSON in a file, written in the person's own editor.  What was written is never lost: errors say where it lies."""

import asyncio
import json
import os
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelqueue import process
from reelqueue.errors import InvalidBrief, ReelqueueError
from reelqueue.wording import Text, same

EDITORS = ("nano", "vi", "vim")
"""What is looked for where neither VISUAL nor EDITOR names one."""
MOST_BYTES = 4 << 20
"""Of a file that is given: 1,800 s of speech are a hundredth of it."""
STDIN = "-"
_SET_EDITOR = Text(
    "請設定 EDITOR，或用 reelqueue edit 編號 --print > 檔案，改好後 --from 檔案",
    "set EDITOR; or reelqueue edit ID --print > FILE, change it, then --from FILE",
)


class BadDraft(InvalidBrief):
    """What was written, or given, can't be read."""

    def __init__(self, why: Text, hint: Text) -> None:
        ReelqueueError.__init__(self, why, hint)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person wrote, and where it lies; None where it came by standard input.  `ours`: the file is of our making."""

    text: str
    file: Path | None
    ours: bool = False

    def parsed(self) -> Any:
        """The JSON that it is.

        Raises:
            BadDraft: it is none; says where.
        """
        try:
            return json.loads(self.text)
        except json.JSONDecodeError as error:
            line = self.text.splitlines()[error.lineno - 1 : error.lineno]
            near = same(f"\n  {error.lineno}: {line[0].strip()[:100]}" if line else "")
            raise BadDraft(
                Text(
                    f"不是正確的 JSON：第 {error.lineno} 行第 {error.colno} 字，{error.msg}{near.zh}",
                    f"this is no JSON: line {error.lineno}, column {error.colno}: {error.msg}{near.en}",
                ),
                Text("常見的是多一個或少一個逗號、引號", "often a comma or a quotation mark too many or too few"),
            ) from None
        except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists in lists
            raise BadDraft(
                Text("這個 JSON 裡有太長的數字，或層數太多", "a number in this JSON is too long, or it is nested too deeply"),
                Text("腳本的樣子：reelqueue edit 編號 --print", "what a script looks like: reelqueue edit ID --print"),
            ) from None

    def edited(self) -> "Draft":
        """The same after the person's editor closed.

        Raises:
            BadDraft: there is no editor, or it ended badly.
        """
        if self.file is None:
            raise AssertionError("only what lies in a file is opened in an editor")
        command = _editor()
        try:
            code = asyncio.run(process.attend([*command, str(self.file)]))
        except OSError as error:
            raise BadDraft(
                Text(
                    f"編輯器 {command[0]} 無法啟動：{error.strerror}",
                    f"the editor {command[0]} can't be started: {error.strerror}",
                ),
                _SET_EDITOR,
            ) from None
        if code != 0:
            raise BadDraft(
                Text(f"編輯器 {command[0]} 以 {code} 結束", f"the editor {command[0]} ended with {code}"),
                Text("什麼都沒做", "nothing was done"),
            )
        return Draft(_text_in(str(self.file)), self.file, self.ours)

    def forget(self) -> None:
        """The draft is of no more use: a file of ours goes, one that was given stays."""
        if self.ours and self.file is not None:
            self.file.unlink(missing_ok=True)


def begin_draft(value: Any, name: str) -> Draft:
    """A draft of `value` in a file of its own that nobody else may read."""
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    handle, path = tempfile.mkstemp(prefix=f"reelqueue-{name}-", suffix=".json")
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is open already
        file.write(text)
    return Draft(text, Path(path), ours=True)


def given_draft(source: str) -> Draft:
    """What lies in a file, or comes by standard input (`-`).  Raises BadDraft: it can't be read."""
    if source == STDIN:
        return Draft(_decoded(sys.stdin.buffer.read(MOST_BYTES + 1), STDIN), None)
    return Draft(_text_in(source), Path(source))


def _text_in(source: str) -> str:
    """What a file holds.  Raises BadDraft: it can't be read."""
    try:
        with Path(source).open("rb") as file:
            return _decoded(file.read(MOST_BYTES + 1), source)
    except OSError as error:
        raise BadDraft(
            Text(f"讀不到 {source}：{error.strerror}", f"{source} can't be read: {error.strerror}"),
            Text("請給一個 JSON 檔", "give a JSON file"),
        ) from None


def _editor() -> list[str]:
    """The person's editor as a command.

    Raises:
        BadDraft: there is none.
    """
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    try:
        command = shlex.split(chosen) if chosen else [name for name in EDITORS if shutil.which(name)][:1]
    except ValueError:  # a quotation mark that is never closed
        command = []
    if not command or shutil.which(command[0]) is None:
        shown = Text(f"找不到編輯器{f' {chosen}' if chosen else ''}", f"there is no editor{f' {chosen}' if chosen else ''}")
        raise BadDraft(shown, _SET_EDITOR)
    return command


def _decoded(body: bytes, name: str) -> str:
    if len(body) > MOST_BYTES:
        raise BadDraft(
            Text(f"{name} 太大：最多 {MOST_BYTES:,} 位元組", f"{name} is too large: at most {MOST_BYTES:,} bytes"),
            Text("請給一個腳本的 JSON 檔", "give the JSON file of a script"),
        )
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadDraft(
            Text(f"{name} 不是 UTF-8（第 {error.start} 個位元組）", f"{name} is not UTF-8 (byte {error.start})"),
            Text("請存成 UTF-8", "save it as UTF-8"),
        ) from None
