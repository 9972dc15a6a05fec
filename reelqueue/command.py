"""What changes when the running program is arq's own command: `arq worker_settings.VideoWorker`, or `python -m arq`.

`worker_settings` calls `begin` before it imports anything else, so that each line is JSON from the first one on, and
`take_over` when it knows its settings, so that the command runs our `Worker`.  In any other program both do nothing: a
host that imports us keeps its arq, its logging, its streams and its hooks.  What all this rests on in arq is held by
`tests/unit/test_arq_rests.py`.
"""

import asyncio
import contextlib
import importlib
import logging
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import arq.worker
import structlog

from reelqueue.errors import InvalidSettings, ReelqueueError
from reelqueue.lines import all_as_lines, end_with
from reelqueue.settings import Settings, read_manner
from reelqueue.telemetry import configure, keep_secret
from reelqueue.wording import speak

FAILED, MISTAKE = 1, 2
"""Exit codes: a bug; what a user can mend."""

Mistake = Callable[[BaseException], ReelqueueError | None]
"""What a library's exception means to a user; None where it is a bug."""

_log = structlog.get_logger(__name__)


def options() -> Mapping[str, Any] | None:
    """The options of arq's command, by their names in `arq.cli`; None where it is not the running program."""
    click, cli = sys.modules.get("click"), sys.modules.get("arq.cli")
    if click is None or cli is None:  # nothing is loaded for this question
        return None
    context = click.get_current_context(silent=True)
    return context.params if context is not None and context.find_root().command is cli.cli else None


def begin() -> None:
    """From here on each line is one of the log, and what a user can mend is one such line and exit code 2."""
    chosen = options()
    if chosen is None:
        return
    manner = read_manner()
    speak(manner.reelqueue_language)
    level = "debug" if chosen["verbose"] else manner.log_level
    configure(level=level, log_format=manner.log_format, stream=sys.__stderr__)
    all_as_lines(printed=manner.log_format == "json" and not chosen["custom_log_dict"])
    warnings.filterwarnings("default", "CELERY_", DeprecationWarning)  # to Python it is one for programmers, and hidden
    end_with(_teller(chosen))
    if chosen["custom_log_dict"]:
        for handler in logging.getLogger().handlers:
            handler.addFilter(_not_told_by_arq)
    else:
        sys.modules["arq.cli"].default_log_config = _ours_stays  # type: ignore[attr-defined]


def take_over(worker: type[arq.worker.Worker], settings: Settings, mistake: Mistake) -> None:
    """Let the command run `worker`, and tell what is a `mistake` of the user's as such."""
    chosen = options()
    if chosen is None:
        return
    keep_secret(*settings.secrets())
    end_with(_teller(chosen, mistake))
    arq.worker.Worker = worker  # type: ignore[misc]  # `create_worker` looks it up when it is called
    if not chosen["check"] and not chosen["watch"]:  # these two make loops of their own
        with contextlib.suppress(ImportError):
            asyncio.set_event_loop(importlib.import_module("uvloop").new_event_loop())


def _ours_stays(verbose: bool) -> dict[str, Any]:  # noqa: ARG001 - `begin` knows it already
    """In place of `arq.cli.default_log_config`: the configuration that changes nothing."""
    return {"version": 1, "incremental": True}


def _not_told_by_arq(record: logging.LogRecord) -> bool:
    """Leaves out what arq's own logger tells already, in the form that --custom-log-dict gave it."""
    return not (record.name.partition(".")[0] == "arq" and logging.getLogger("arq").handlers)


def _teller(chosen: Mapping[str, Any], mistake: Mistake = lambda _error: None) -> Callable[[BaseException], int | None]:
    """Tells what a user can mend in one line; its exit code, or None for a bug."""
    code = FAILED if chosen["check"] else MISTAKE  # `--check` answers one question only: 0 or 1

    def told(error: BaseException) -> int | None:
        found = error if isinstance(error, ReelqueueError) else mistake(error)
        if found is None:
            return None
        named = {"setting": found.name} if isinstance(found, InvalidSettings) and found.name else {}
        _log.error("refused", code=found.code, error=found.message, hint=found.hint, **named)
        return code

    return told
