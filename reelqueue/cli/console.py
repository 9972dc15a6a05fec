"""What a command prints: results to stdout, all else to stderr, in the language of the process."""

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape as escaped
from rich.text import Text as RichText

from reelqueue.errors import ReelqueueError
from reelqueue.wording import Text, as_json, visible

if TYPE_CHECKING:
    from storage import Unread

STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


class _Plain(Console):
    """A terminal that no word of somebody else's steers."""

    def render_str(self, text: str, **how: Any) -> RichText:
        """As rich does it."""
        return super().render_str(visible(text), **how)


def escape(text: str) -> str:
    """A text that stands between marks of ours: none of it is taken for one."""
    return escaped(visible(text))


def out() -> Console:
    """A console on stdout, as it is now."""
    return _Plain(highlight=False, soft_wrap=True)


def notes() -> Console:
    """A console on stderr, as it is now."""
    return _Plain(stderr=True, highlight=False, soft_wrap=True)


def say(text: Text | str) -> None:
    """A result, for people."""
    out().print(escape(str(text)))


def note(text: Text | str) -> None:
    """A word beside the result."""
    notes().print(escape(str(text)), style="dim")


def complain(error: ReelqueueError) -> None:
    """An error and what to do about it."""
    notes().print(f"[red]✗[/red] {escape(error.message)}")
    if error.hint:
        notes().print(f"  → {escape(error.hint)}")


def note_unread(unread: "Iterable[Unread]", kind: Text) -> None:
    """Those of a list whose states can't be read, and what to do; for people only."""
    for one in unread:
        said, hint = one.error.message, one.error.hint
        notes().print(f"[red]✗[/red] {escape(str(kind))} {one.state_id}: {escape(said)}")
        notes().print(f"  → {escape(hint)}")


def say_json(value: Any) -> None:
    """A result, for programs."""
    sys.stdout.write(as_json(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")


def clock(seconds: float) -> str:
    """A length as `m:ss`, or `h:mm:ss`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def size(count: int) -> str:
    """A number of bytes for people."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} GB"
