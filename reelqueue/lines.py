"""Whatever this process says, as lines of its log: what is printed, warned of, or raised where nobody catches it.

For a program that is ours alone (a worker): a host that imports us keeps its own streams and hooks.
"""

import atexit
import io
import os
import reprlib
import sys
import threading
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_log = structlog.get_logger(__name__)
_short = reprlib.Repr()  # of objects that may be half gone: it never raises
_short.maxother = 200


def all_as_lines(*, printed: bool = True) -> None:
    """From now on nothing but lines of the log leaves this process; `telemetry.configure` says how they look.

    What is `printed` to stdout and stderr may be left as it is: where people read it.
    """
    _hold_standard_numbers()
    end_with(lambda _error: None)
    threading.excepthook = _thread_ended
    sys.unraisablehook = _not_raised
    warnings.showwarning = _warned
    if printed and sys.stdout is not None:  # it was closed
        sys.stdout = _as_lines(sys.stdout, _log.info)
    if printed and sys.stderr is not None:
        sys.stderr = _as_lines(sys.stderr, _log.warning)


def end_with(told: Callable[[BaseException], int | None]) -> None:
    """Ask `told` about an exception that ends the program: the exit code where it told of it, None where it is a bug.

    A bug is told here, with its trace.
    """

    def ended_by(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        code = told(error)
        if code is None:
            _log.critical("crashed", exc_info=(kind, error, trace))
        else:
            sys.exit(code)  # raised in this hook it is the program's exit code

    sys.excepthook = ended_by


def _hold_standard_numbers() -> None:
    """Where stdin, stdout or stderr is closed no other file may get its number: C libraries take it for theirs, or abort."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread is not None else None
        _log.error("thread_ended", thread=name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _not_raised(args: "sys.UnraisableHookArgs") -> None:
    error = args.exc_value or args.exc_type()
    where = _short.repr(args.object)
    _log.error("not_raised", where=where, said=args.err_msg, exc_info=(args.exc_type, error, args.exc_traceback))


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,  # noqa: ARG001 - the signature is Python's
) -> None:
    if file is not None:
        file.write(warnings.formatwarning(message, category, filename, lineno))
    else:
        _log.warning(str(message), category=category.__name__, where=f"{filename}:{lineno}")


def _as_lines(stream: TextIO, say: Callable[[str], object]) -> TextIO:
    """A stream like `stream` whose lines are told by `say`."""
    raw = _Lines(stream, say)
    atexit.register(raw.rest)
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)  # type: ignore[type-var, unused-ignore]


class _Lines(io.RawIOBase):
    """What is written, cut into lines; `beneath` is the stream that was here before."""

    def __init__(self, beneath: TextIO, say: Callable[[str], object]) -> None:
        super().__init__()
        self.beneath = beneath
        self._say = say
        self._begun = b""
        self._turn = threading.RLock()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """The real one: for C libraries and children."""
        return self.beneath.fileno()

    def write(self, data: "ReadableBuffer") -> int:
        piece = bytes(data)
        with self._turn:
            *whole, self._begun = (self._begun + piece).split(b"\n")
        for line in whole:
            self._tell(line)
        return len(piece)

    def rest(self) -> None:
        """Tell a last line that was not ended."""
        with self._turn:
            line, self._begun = self._begun, b""
        self._tell(line)

    def _tell(self, line: bytes) -> None:
        if text := line.decode("utf-8", errors="replace").strip():
            self._say(text)
