"""How a command ends: 0 done, 1 failed, 2 wrong usage (an unknown id too), 3 waiting, 130 interrupted; never a traceback
for a user's mistake.
"""

import asyncio
import re
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from redis.exceptions import RedisError
from typer.exceptions import TyperException

from jobs.client import no_redis
from reelqueue.ahead.moments import goes_on
from reelqueue.cli.console import complain, note
from reelqueue.errors import (
    BatchNotFound,
    Conflict,
    InstallationError,
    InvalidBrief,
    InvalidSettings,
    Parked,
    ProjectNotFound,
    ProjectWaiting,
    QueueNotFound,
    ReelqueueError,
    WorkerNotFound,
    WrongState,
)  # fmt: skip
from reelqueue.wording import Text

DONE, FAILED, USAGE, WAITING, INTERRUPTED = 0, 1, 2, 3, 130
_USAGE_ERRORS = (
    InvalidBrief, InvalidSettings, ProjectNotFound, BatchNotFound, WorkerNotFound, QueueNotFound, Conflict, WrongState,
)  # fmt: skip


def exit_code(error: ReelqueueError) -> int:
    """The exit code that an error means."""
    if isinstance(error, InstallationError):
        return FAILED
    if isinstance(error, _USAGE_ERRORS):
        return USAGE
    return WAITING if isinstance(error, ProjectWaiting | Parked) else FAILED


def ended(act: Callable[[], int | None]) -> int:
    """Carry `act` out; whatever a user may meet becomes a sentence and an exit code."""
    try:
        return act() or DONE
    except ReelqueueError as error:
        complain(error)
        if isinstance(error, ProjectWaiting) and (when := goes_on(error)) is not None:
            note(f"  → {when}")
        return exit_code(error)
    except TyperException as error:
        complain(ReelqueueError(usage_text(error.format_message()), _SEE_HELP))
        return USAGE
    except BrokenPipeError:  # `reelqueue list | head`
        return DONE
    except (RedisError, OSError) as error:
        complain(no_redis(error) if isinstance(error, RedisError) else _system(error))
        return FAILED


def run(
    work: Coroutine[Any, Any, int | None], *, interrupted: Callable[[], Text | None] = lambda: None, terminated: int = INTERRUPTED
) -> int:
    """Run a command's coroutine to its exit code.

    SIGTERM and SIGHUP cancel it as Ctrl-C does; then `interrupted` says how to go on; `terminated` is the
    exit code after these signals.
    """

    async def cancellable() -> int | None:
        task = asyncio.current_task()
        if task is not None:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await work

    try:
        return asyncio.run(cancellable()) or DONE
    except (KeyboardInterrupt, asyncio.CancelledError) as stop:
        note(Text("已中斷", "interrupted"))
        if (more := interrupted()) is not None:
            note(more)
        return INTERRUPTED if isinstance(stop, KeyboardInterrupt) else terminated


def _system(error: OSError) -> ReelqueueError:
    return ReelqueueError(Text(f"作業系統回報：{error}", f"the system says: {error}"))


_SEE_HELP = Text("用 --help 看用法", "--help shows the usage")
_USAGE_WORDS = (
    (re.compile(r"No such command '(.*)'\."), "沒有「{}」這個指令"),
    (re.compile(r"No such option:? '?(\S+?)'?(?: .*|\.?)$"), "沒有「{}」這個選項"),
    (re.compile(r"Missing argument '(.*)'\."), "少了參數 {}"),
    (re.compile(r"Missing parameter: (.*)"), "少了參數 {}"),
    (re.compile(r"Missing option '(.*)'\."), "少了選項 {}"),
    (re.compile(r"Missing command\."), "少了指令"),
    (re.compile(r"Got unexpected extra arguments? \((.*)\)"), "多了參數 {}"),
    (re.compile(r"Option '(.*)' requires an argument\."), "選項 {} 需要一個值"),
    (re.compile(r"Invalid value for '?(.*?)'?: (.*)"), "{} 的值不正確：{}"),
    (re.compile(r"Invalid value: (.*)"), "{}"),  # our own sentence, which says what is allowed
)


def usage_text(message: str) -> Text:
    """A complaint of the command-line library in both languages."""
    for pattern, zh in _USAGE_WORDS:
        if (found := pattern.match(message)) is not None:
            return Text(zh.format(*found.groups()), message)
    return Text(f"用法不正確：{message}", message)
