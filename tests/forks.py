"""Our own programs as child processes, forked from a parent that has loaded them (`tests.preloaded`).

In place of `subprocess.Popen`, `subprocess.run` and `asyncio.create_subprocess_exec`: the same arguments, and in every respect the
same child.  What is no Python of ours, or is to start in a way that a fork can't, is started by the command itself, as everywhere
but on Linux.  With `breeds=True` what the child starts by `subprocess` is forked, too: a supervisor's workers.
"""

import asyncio
import atexit
import base64
import ctypes
import inspect
import json
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from tests.preloaded import HEEDED, MESSAGE_BYTES, MOST_FILES

PROGRAM = Path(__file__).with_name("preloaded.py")
ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sys.executable).parent
LOADING_SECONDS = 300.0
_PR_SET_CHILD_SUBREAPER = 36
_SIGNATURE = inspect.signature(subprocess.Popen._execute_child)
_libc = ctypes.CDLL(None)
_Plain = subprocess.Popen


class _Parent:
    """The parent of this process's forks, asked by a socket; `environment` is what its Python was started with."""

    def __init__(self, requests: socket.socket, environment: Mapping[str, str]) -> None:
        self._socket, self.environment = requests, environment
        self.pid = os.getpid()

    @classmethod
    def started(cls) -> "_Parent":
        """A new one."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with theirs:
            process = _Plain(
                [sys.executable, str(PROGRAM), str(theirs.fileno())],
                cwd=ROOT,
                env=environment | {"OPENBLAS_NUM_THREADS": "1"},  # a thread would not live in a fork
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        ours.settimeout(LOADING_SECONDS)
        assert ours.recv(MESSAGE_BYTES) == b"loaded"
        made = cls(ours, environment)
        atexit.register(made._end, process)
        return made

    def fork(self, wanted: dict[str, Any], files: list[int]) -> int:
        """A child of ours that is what is wanted; its pid."""
        message = json.dumps(wanted | {"parent": self.pid}).encode()
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            socket.send_fds(self._socket, [message], files)
            return int(self._socket.recv(MESSAGE_BYTES))
        finally:
            _libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        if os.getpid() == self.pid:
            self._socket.close()
            process.wait()


_parent: _Parent | None = None


def adopt(requests: socket.socket, environment: Mapping[str, str]) -> None:
    """In a program that was forked with `breeds`: whatever starts a child here forks it."""
    global _parent  # noqa: PLW0603 - a process has one, as its fork has none that it knows of yet
    _parent = _Parent(requests, environment)
    subprocess.Popen = Popen  # type: ignore[misc] - asyncio, too, looks it up by this name


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """A child process; forked, where it can be.  `breeds`: its own children are forks, too."""

    def __init__(self, *given: Any, breeds: bool = False, **named: Any) -> None:
        self._breeds = breeds
        super().__init__(*given, **named)

    def _execute_child(self, *given: Any, **named: Any) -> None:
        asked = _SIGNATURE.bind(self, *given, **named).arguments
        program = _program(asked)
        if program is None:
            super()._execute_child(*given, **named)  # type: ignore[misc]
            return
        streams = [
            number if asked[name] == -1 else asked[name] for number, name in enumerate(("p2cread", "c2pwrite", "errwrite"))
        ]
        passed = sorted(asked["pass_fds"])
        wanted = program | {
            "breeds": self._breeds,
            "before": _told(asked["preexec_fn"]),
            "session": bool(asked["start_new_session"]),
            "folder": _folder(asked),
            "environment": dict(os.environ if asked["env"] is None else asked["env"]),
            "files": [0, 1, 2, *passed],
        }
        self.pid = _found_parent().fork(wanted, [*streams, *passed])
        self._child_created = True
        self._close_pipe_fds(*(asked[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")))


def run(argv: Sequence[Any], **how: Any) -> "subprocess.CompletedProcess[Any]":
    """As `subprocess.run`."""
    with mock.patch.object(subprocess, "Popen", Popen):
        return subprocess.run(argv, **how)  # noqa: PLW1510 - as its caller says


async def create_subprocess_exec(*argv: Any, **how: Any) -> asyncio.subprocess.Process:
    """As asyncio's."""
    with mock.patch.object(subprocess, "Popen", Popen):  # which asyncio calls at once
        return await asyncio.create_subprocess_exec(*argv, **how)


def _found_parent() -> _Parent:
    global _parent  # noqa: PLW0603
    if _parent is None or _parent.pid != os.getpid():
        _parent = _Parent.started()
    return _parent


def _program(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is to run, as `tests.preloaded` has it; None where it can't."""
    if (
        sys.platform != "linux"
        or (asked["preexec_fn"] and not _told(asked["preexec_fn"]))
        or asked["shell"]
        or asked["executable"]
        or len(asked["pass_fds"]) > MOST_FILES - 3
    ):
        return None
    if _of_python(os.environ if asked["env"] is None else asked["env"]) != _of_python(_found_parent().environment):
        return None
    argv = [os.fspath(part) for part in asked["args"]]
    if safe := argv[1:2] == ["-P"]:
        del argv[1]
    match argv:
        case [sys.executable, "-c", code, *rest]:
            return {"kind": "code", "what": code, "arguments": ["-c", *rest], "first": None if safe else ""}
        case [sys.executable, "-m", module, *rest]:
            return {
                "kind": "module",
                "what": module,
                "arguments": [module, *rest],
                "first": None if safe else _folder(asked),
            }
        case [script, *rest] if Path(script).parent == SCRIPTS and Path(script).name in {"reelqueue", "arq"}:
            return {"kind": "script", "what": script, "arguments": [script, *rest], "first": str(SCRIPTS)}
        case _:
            return None


def _folder(asked: Mapping[str, Any]) -> str:
    return str(Path(asked["cwd"] or ".").absolute())  # which is another one for our parent


def _told(before: Callable[[], object] | None) -> str:
    """What a child does before it is its program, for its parent to pass on; nothing where that can't be put in words."""
    try:
        return base64.b64encode(pickle.dumps(before)).decode() if before else ""
    except (pickle.PicklingError, AttributeError, TypeError):
        return ""


def _of_python(environment: Mapping[str, str]) -> dict[str, str]:
    """What Python itself reads at its start, but for what a fork reads anew or has anyhow."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith("PYTHON") and name not in HEEDED and (name, value) != ("PYTHONUTF8", "1")
    }
