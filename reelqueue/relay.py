"""What a worker's process says, passed on line by line: each is one JSON object, whoever wrote it, and none is torn.

The worker writes into a pipe; a thread of ours reads it, so that a log that nobody reads holds up no signal.  Its
refusal is kept back: the supervisor says it once, however many workers refuse for the same reason.
"""

import contextlib
import json
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import structlog

from reelqueue.telemetry import redact

REFUSED = "refused"
LINE_BYTES = 1_000_000
"""A longer line is cut in two."""
LAST_LINES = 2
END_SECONDS = 2.0
"""How long the rest of a dead worker's words may take: a grandchild may hold the pipe open."""
_BAD = {"error", "critical"}


class Relay:
    """The words of one worker, on their way to `out`; as coloured lines for people where `console` is true."""

    def __init__(self, worker: str, out: BinaryIO, *, console: bool) -> None:
        self._worker = worker
        self._out = out
        self._render = structlog.dev.ConsoleRenderer() if console else None
        self._raw: deque[str] = deque(maxlen=LAST_LINES)
        self._bad: dict[str, Any] | None = None
        self._thread: threading.Thread | None = None
        self.refusal: dict[str, Any] | None = None

    @contextlib.contextmanager
    def pipe(self) -> Iterator[int]:
        """Where the worker writes: a file descriptor, ours until the end of the block, the worker's after."""
        source, sink = os.pipe()
        self._thread = threading.Thread(target=self._pass_on, args=(source,), name=f"relay {self._worker}", daemon=True)
        self._thread.start()
        try:
            yield sink
        finally:
            os.close(sink)

    def finish(self) -> None:
        """Wait until all that a dead worker said is passed on.  Blocks."""
        if self._thread is not None:
            self._thread.join(END_SECONDS)

    def last_words(self) -> Mapping[str, Any]:
        """What was wrong as far as the worker said so: `error`, and `hint` where it gave one; may be empty."""
        line = self.refusal or self._bad
        if line is not None:
            known = {"error": line.get("error") or line.get("event"), "hint": line.get("hint")}
            return {name: value for name, value in known.items() if value}
        return {"error": " ".join(self._raw)[:400]} if self._raw else {}

    def _pass_on(self, source: int) -> None:
        with os.fdopen(source, "rb") as words:
            while line := words.readline(LINE_BYTES):
                try:
                    self._say(line.strip())
                except Exception:  # noqa: BLE001 - were this thread to end, the worker would stand still at a full pipe
                    self._write(line)

    def _say(self, line: bytes) -> None:
        if not line:
            return
        event = _event(line)
        if event is None:
            text = redact(line.decode("utf-8", "replace"))
            self._raw.append(text)
            now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            event = {"timestamp": now, "level": "warning", "event": "worker_said", "text": text}
        elif event.get("event") == REFUSED:
            self.refusal = event
            return
        elif event.get("level") in _BAD:
            self._bad = event
        event.setdefault("worker", self._worker)
        said = json.dumps(event, ensure_ascii=False) if self._render is None else str(self._render(None, "", event))
        self._write(said.encode("utf-8", "replace"))

    def _write(self, line: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):  # whoever read our log is gone: the work goes on
            self._out.write(line + b"\n")
            self._out.flush()


def _event(line: bytes) -> dict[str, Any] | None:
    """The line as an object of ours; None where it is none."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and "event" in event else None
