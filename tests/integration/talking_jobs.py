"""For arq's own command: our worker as `worker_settings` makes it, with jobs that say things in every way that Python knows.

LOGGING is a configuration for `--custom-log-dict`.
"""

import asyncio
import sys
import threading
import traceback
import warnings
from typing import Any

import worker_settings
from jobs.hooks import job_function

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"own": {"format": "OWN %(message)s"}},
    "handlers": {"own": {"class": "logging.StreamHandler", "formatter": "own"}},
    "loggers": {"arq": {"handlers": ["own"], "level": "INFO"}},
}


async def say(_ctx: Any, how: str) -> dict[str, Any]:
    """Say it."""
    await WAYS[how]()
    return {}


async def _prints() -> None:
    print("printed\ntwice")  # noqa: T201 - what it is for
    print("half a line, ", end="")  # noqa: T201 - as above
    print("its end 結束", file=sys.stdout)  # noqa: T201 - as above
    sys.stderr.write("to stderr\n")
    sys.stdout.buffer.write(b"bytes \xff\n")


async def _warns() -> None:
    warnings.warn("this will go", UserWarning, stacklevel=1)


async def _raises() -> None:
    raise ValueError("a bug\nof two lines")


async def _prints_a_trace() -> None:
    try:
        {}["caught"]
    except KeyError:
        traceback.print_exc()


async def _leaves_a_task() -> None:
    async def failing() -> None:
        raise ValueError("nobody waits for this")

    task = asyncio.create_task(failing())
    await asyncio.wait({task})
    del task


async def _fails_in_a_finalizer() -> None:
    class Falling:
        def __del__(self) -> None:
            raise ValueError("in a finalizer")

    Falling()


async def _fails_in_a_thread() -> None:
    def failing() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=failing, name="a thread of its own")
    thread.start()
    await asyncio.to_thread(thread.join)


async def _fails_in_a_callback() -> None:
    def failing() -> None:
        raise ValueError("in a callback")

    asyncio.get_running_loop().call_soon(failing)
    await asyncio.sleep(0)


WAYS = {
    "prints": _prints,
    "warns": _warns,
    "raises": _raises,
    "prints a trace": _prints_a_trace,
    "leaves a task": _leaves_a_task,
    "fails in a finalizer": _fails_in_a_finalizer,
    "fails in a thread": _fails_in_a_thread,
    "fails in a callback": _fails_in_a_callback,
}

_known = dict(vars(worker_settings.BatchWorker))
_known["functions"] = [*_known["functions"], job_function("say", say)]
BatchWorker = type("BatchWorker", (), _known)
