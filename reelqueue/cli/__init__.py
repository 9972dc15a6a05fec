"""The `reelqueue` command: a module per group of commands.  Wiring, printing and exit codes; no decisions."""

import io
import logging
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

INTERRUPTED = 130


def main() -> None:
    """The console script: never returns, exits with the command's code; 130 after a Ctrl-C that no command awaited."""
    try:
        code = command(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def command(arguments: Sequence[str]) -> int:
    """Carry one command line out; returns its exit code."""
    from reelqueue.telemetry import configure  # noqa: PLC0415 - an import of this package alone stays cheap

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Chinese shows "?" rather than a traceback
    _choose_language()
    from reelqueue.cli.app import build  # noqa: PLC0415 - some of its words are chosen as its modules are loaded
    from reelqueue.cli.outcome import ended  # noqa: PLC0415 - as above

    configure(level="warning", log_format="console")  # to stderr; what a worker writes is set by the settings
    warnings.filterwarnings("default", "CELERY_", DeprecationWarning)  # to Python it is one for programmers, and hidden
    warnings.showwarning = _warned
    return ended(lambda: build()(list(arguments), standalone_mode=False, prog_name="reelqueue"))


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001 - the signature is Python's
    line: str | None = None,
) -> None:
    """An old setting is a word to the operator; any other warning is one of the log."""
    if category is DeprecationWarning and str(message).startswith("CELERY_"):
        from reelqueue.cli.console import note  # noqa: PLC0415 - an import of this package alone stays cheap

        note(str(message))
    else:
        logging.getLogger("py.warnings").warning("%s", warnings.formatwarning(message, category, filename, lineno, line))


def _choose_language() -> None:
    """Before anything is said.  A wrong setting is named by the command that reads it, not by `--help`."""
    from reelqueue.bootstrap import read_language  # noqa: PLC0415 - as above
    from reelqueue.wording import speak  # noqa: PLC0415 - as above

    speak(read_language())
