"""A parent that has loaded our programs' modules and forks: a start then costs hundredths of a second of CPU, in place of a whole one.

`tests.forks` starts it, and tells it by a socket what to run: one message each, with its file descriptors.  A fork becomes the
child of whoever asks, and is from there on what Python itself would have started: its arguments, environment, folder,
`sys.path` and streams are its own, it ends as the interpreter ends, and by its exit code.  Where it is asked to, it has such a
parent for its own children, too (`breed`).  No module is loaded here that reads settings or chooses its words while it loads.
"""

import asyncio
import atexit
import base64
import contextlib
import fcntl
import gc
import importlib
import json
import os
import pickle
import runpy
import signal
import socket
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any, NoReturn

MESSAGE_BYTES, MOST_FILES = 1 << 17, 32
FIRST_FREE = 100
"""File descriptors of a message wait above this number until they get their own."""
LOADED = (
    "arq.cli",
    "aiohttp.web",
    "anyio.to_thread",
    "google.auth.jwt",
    "h11",
    "jinja2",
    "jinja2.async_utils",
    "PIL.ImageDraw",
    "PIL.ImageEnhance",
    "PIL.ImageFilter",
    "PIL.ImageFont",
    "prometheus_client",
    "uvicorn",
    "uvloop",
    "jobs.client",
    "jobs.hooks",
    "jobs.late",
    "jobs.maintenance.cleanup",
    "jobs.maintenance.debug",
    "jobs.maintenance.quotas",
    "jobs.maintenance.recover",
    "jobs.mistakes",
    "jobs.worker",
    "jobs.batch.processing",
    "jobs.video.assets",
    "jobs.video.render",
    "jobs.video.script",
    "jobs.video.upload",
    "jobs.video.thumbnail",
    "reelqueue.bootstrap",
    "reelqueue.cli.app",
    "reelqueue.command",
    "reelqueue.providers.local.image",
    "reelqueue.providers.local.presenter",
    "reelqueue.providers.local.script",
    "reelqueue.providers.local.voice.voice",
    "reelqueue.sandbox.server",
    "reelqueue.sandbox.world",
)
HEEDED = frozenset({"PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"})
"""What of Python's own variables a fork does by its environment."""
COMM, NAME = Path("/proc/self/comm"), "forks"
"""What the kernel calls a parent of a program's own forks: no child that the program knows of."""
SPEAKING = "reelqueue.cli"
"""These modules choose words while they load: each fork loads its own."""


def load() -> None:
    """Load what our programs load."""
    for name in LOADED:
        importlib.import_module(name)
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{SPEAKING}.")]:
        del sys.modules[name]


def serve(requests: socket.socket) -> dict[str, Any]:
    """Fork on request, until nobody is left to ask; returns in each fork, with what it is to be."""
    while True:
        message, files, _, _ = socket.recv_fds(requests, MESSAGE_BYTES, MOST_FILES)
        if not message:
            os._exit(0)
        wanted: dict[str, Any] = json.loads(message)
        if (between := os.fork()) == 0:
            if os.fork() != 0:
                os._exit(0)  # the fork's parent is gone: it is the asker's child now
            while os.getppid() != wanted["parent"]:
                time.sleep(0.0002)
            requests.send(str(os.getpid()).encode())
            requests.close()
            _take_files(files, wanted["files"])
            return wanted
        os.waitpid(between, 0)
        for file in files:
            os.close(file)


def breed(wanted: dict[str, Any]) -> dict[str, Any]:
    """Leave a parent for the forks of the program that we are to be; returns in it, and in each of them, with what it is to be.

    It is made while no thread lives, ends with the program, and only the program itself is asked for by a signal.
    """
    while wanted["breeds"]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() != 0:
            theirs.close()
            importlib.import_module("tests.forks").adopt(ours, dict(os.environ))
            break
        ours.close()
        os.setsid()
        for number in (0, 1, 2, *wanted["files"]):  # who reads our program's output to its end need not wait for us
            with contextlib.suppress(OSError):
                os.close(number)
        for number in (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY):
            os.open(os.devnull, number)
        called = COMM.read_text(encoding="utf-8")
        COMM.write_text(NAME, encoding="utf-8")
        wanted = serve(theirs)
        COMM.write_text(called, encoding="utf-8")
    return wanted


def _take_files(files: list[int], numbers: list[int]) -> None:
    waiting = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(waiting, numbers, strict=True):
        os.dup2(file, number)
        os.close(file)


def become(wanted: dict[str, Any], plain_path: list[str]) -> None:
    """Be the wanted program, up to its first line."""
    if wanted["session"]:
        os.setsid()
    os.chdir(wanted["folder"])
    if wanted["before"]:
        pickle.loads(base64.b64decode(wanted["before"]))()
    os.environ.clear()
    os.environ.update(wanted["environment"])
    searched = os.environ.get("PYTHONPATH", "")
    sys.path[:] = [*([wanted["first"]] if wanted["first"] is not None else []), *filter(None, searched.split(":")), *plain_path]
    importlib.invalidate_caches()
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.argv[:] = wanted["arguments"]
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(write_through=True)
        sys.stderr.reconfigure(write_through=True)


def run(wanted: dict[str, Any]) -> None:
    """The program itself."""
    match wanted["kind"]:
        case "module":
            runpy.run_module(wanted["what"], run_name="__main__", alter_sys=True)
        case "script":
            runpy.run_path(wanted["what"], run_name="__main__")
        case _:
            main = types.ModuleType("__main__")
            sys.modules["__main__"] = main
            exec(compile(wanted["what"], "<string>", "exec"), main.__dict__)


def ran(wanted: dict[str, Any]) -> int:
    """The exit code that the interpreter gives the program, whose uncaught exception it tells; negative: the signal that ends it."""
    try:
        run(wanted)
    except SystemExit as asked:
        if asked.code is None or isinstance(asked.code, int):
            return (asked.code or 0) & 0xFF
        print(asked.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
        return 1
    except BaseException as error:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(type(error), error, error.__traceback__)
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def end(code: int, loaded: frozenset[str]) -> NoReturn:
    """As the interpreter ends, but for what was loaded before the fork: to take that apart costs more than most programs do."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    asyncio.set_event_loop(None)
    for name, module in list(sys.modules.items()):
        its_own = (name not in loaded or name == "__main__") and vars(module) is not globals()
        if its_own and (getattr(module, "__file__", None) or ".py").endswith(".py"):
            vars(module).clear()
    gc.collect()  # what nobody looked after says so
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    path = sys.path[1:]
    sys.path[0] = str(Path(__file__).parents[1])  # the modules beside these tests, whichever are installed
    asked = socket.socket(fileno=int(sys.argv[1]))
    load()
    gc.collect()
    gc.freeze()
    asked.send(b"loaded")
    job = breed(serve(asked))
    signal.signal(signal.SIGINT, handler)
    before = frozenset(sys.modules)
    become(job, path)
    end(ran(job), before)
