"""The only place that starts a child process: limits, time-outs, kill, and death together with the parent.

`run` is for a tool that runs once (ffmpeg), `python_child` for one of our own modules that is asked many times and
keeps what it loaded (a voice's model, a scene's planes), `start` for a worker that lives as long as we do.

A child dies with its parent, however that dies: on Linux by the kernel's parent-death signal (it is bound to the
*thread* that forked, so children are started from the event loop's own thread), elsewhere a Python child ends
when its stdin closes.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reelqueue.offline import cut_off
from reelqueue.wording import Text

LINE_LIMIT_BYTES = 16 * 1024 * 1024
"""The longest line of a child's answer; scenes with their SVG stay far below."""
TAIL_LINES = 40
SUPERVISOR_PID, READY_FD = "REELQUEUE_SUPERVISOR_PID", "REELQUEUE_READY_FD"
LABEL = "REELQUEUE_WORKER"
"""What a supervisor calls its worker."""
LEAVING = b"leaving\n"
"""What a long-lived child finds in its environment: who started it, and where it says that it got going."""
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use; None is no limit.  `nice` lowers its priority so that the worker's loop stays responsive.

    `offline`: it gets no socket, where the system can refuse one (`reelqueue/offline.py`).
    """

    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    file_bytes: int | None = None
    nice: int = 5
    offline: bool = False


NO_LIMITS = Limits()


class ChildFailed(Exception):
    """A child ended badly.

    `kind` is "exit" (its own code), "signal" (killed by one, a crash of a C library among them), "timeout",
    "stall" (no sign of life) or "answer" (it answered an error).  `tail` holds the last lines of its stderr.
    """

    def __init__(self, what: str, kind: str, detail: str, tail: str = "", data: Mapping[str, Any] | None = None) -> None:
        self.what = what
        self.kind = kind
        self.detail = detail
        self.tail = tail
        self.data = dict(data or {})
        super().__init__(f"{what}: {kind} {detail}".strip() + (f"\n{tail}" if tail else ""))

    @property
    def text(self) -> Text:
        """What happened, for people."""
        zh = {"exit": "異常結束", "signal": "被終止", "timeout": "逾時", "stall": "沒有回應", "answer": "回報錯誤"}[self.kind]
        en = {
            "exit": "ended badly",
            "signal": "was killed",
            "timeout": "took too long",
            "stall": "stopped answering",
            "answer": "reported an error",
        }
        return Text(f"{self.what} {zh}（{self.detail}）", f"{self.what} {en[self.kind]} ({self.detail})")


@dataclass(frozen=True, slots=True)
class Finished:
    """What a tool left: its whole stdout, and the last lines of its stderr."""

    stdout: bytes
    stderr_tail: str


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    timeout_s: float,
    stall_s: float | None = None,
    limits: Limits = NO_LIMITS,
    on_line: Callable[[str], bool | None] | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> Finished:
    """Run a tool to its end.  Of its stdout `LINE_LIMIT_BYTES` are kept at most.

    `stdin` is what it may read, at most 64 KB.  `on_line` gets each line of stdout as it comes.  Without a line for `stall_s` the
    tool is killed; one for which `on_line` returns False is no sign of life.
    Cancelling kills it (SIGKILL to its process group: a stopped process ignores SIGTERM) and waits for its end.

    Raises:
        ChildFailed: it ended with another code than 0, was killed, took too long or stalled.
        OSError: it could not be started.
    """
    what = Path(argv[0]).name
    process = await _begun(
        asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=_environment(env),
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_prepare(limits),
            limit=LINE_LIMIT_BYTES,
        )
    )
    if process.stdin is not None:  # it fits into the pipe, so nothing waits for who does not read it
        with contextlib.suppress(RuntimeError, OSError):  # uvloop's and asyncio's word for a child that ended without reading
            process.stdin.write(stdin)
            process.stdin.close()
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    out = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            drain = asyncio.create_task(_keep_tail(process.stderr, tail))
            try:
                await _read_out(process.stdout, out, on_line, stall_s)
                code = await process.wait()
                await drain
            finally:
                drain.cancel()
    except TimeoutError as error:
        kind = "stall" if isinstance(error, _Stalled) else "timeout"
        raise ChildFailed(what, kind, f"{stall_s if kind == 'stall' else timeout_s:g} s", "\n".join(tail)) from None
    finally:
        await _end(process)
    if code != 0:
        raise ChildFailed(what, *_how(code), "\n".join(tail))
    return Finished(bytes(out), "\n".join(tail))


class _Stalled(TimeoutError):
    pass


async def _read_out(
    stream: asyncio.StreamReader | None, out: bytearray, on_line: Callable[[str], bool | None] | None, stall_s: float | None
) -> None:
    if stream is None:
        return
    loop = asyncio.get_running_loop()
    alive = loop.time()
    while True:
        try:
            async with asyncio.timeout_at(None if stall_s is None else alive + stall_s):
                chunk = await (stream.readline() if on_line else stream.read(65536))
        except TimeoutError:
            raise _Stalled from None
        except ValueError:  # a line over the limit: garbage, and no sign of life
            continue
        if not chunk:
            return
        if on_line is None:
            out += chunk[: LINE_LIMIT_BYTES - len(out)]
        elif on_line(chunk.decode("utf-8", "replace").rstrip("\n")) is False:
            continue
        alive = loop.time()


async def _keep_tail(stream: asyncio.StreamReader | None, tail: deque[str]) -> None:
    if stream is None:
        return
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # a line over the limit: dropped by the reader
            continue
        if not line:
            return
        tail.append(line.decode("utf-8", "replace").rstrip("\n")[:2000])


async def _begun(starting: Coroutine[Any, Any, asyncio.subprocess.Process]) -> asyncio.subprocess.Process:
    """Start a child to the end: asyncio kills one that is cancelled in the middle alone, and not what it has started by then."""
    task = asyncio.ensure_future(starting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if task.exception() is None:
            await _end(task.result())
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what still runs and reap it, even while we are being cancelled."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())
    transport = getattr(process, "_transport", None)  # closes the pipes now rather than at garbage collection
    if transport is not None:
        transport.close()


def _how(code: int) -> tuple[str, str]:
    if code < 0:
        try:
            return "signal", signal.Signals(-code).name
        except ValueError:
            return "signal", str(-code)
    return "exit", f"exit code {code}"


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """What a child sees of our environment: no secret among it, and one thread for the math libraries."""
    kept = (
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "VIRTUAL_ENV",
        "PYTHONPATH",
        "PYTHONHASHSEED",
    )
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    env["ORT_DISABLE_TELEMETRY"] = "1"  # from 1.29 on ONNX Runtime tells its maker of each model that is loaded
    return env | dict(extra or {})


@dataclass(frozen=True, slots=True)
class _Preparation:
    """What a child of ours does between fork and exec: it dies with us, and keeps to its limits."""

    parent: int
    limits: tuple[tuple[int, int], ...]
    nice: int
    cut: Callable[[], None] | None

    def __call__(self) -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self.parent:  # it died before we asked
                os._exit(1)
        for which, value in self.limits:
            resource.setrlimit(which, (value, value))
        if self.nice:
            os.nice(self.nice)
        if self.cut is not None:
            self.cut()


def _prepare(limits: Limits) -> _Preparation:
    wanted = (
        (resource.RLIMIT_AS, limits.memory_bytes if sys.platform == "linux" else None),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
    )
    pairs = tuple((which, _at_most(value, resource.getrlimit(which)[1])) for which, value in wanted if value is not None)
    return _Preparation(os.getpid(), pairs, limits.nice, cut_off() if limits.offline else None)


def _at_most(value: int, hard: int) -> int:
    """A limit that we may set: raising the one that we have ourselves is refused to all but root, and no child would start."""
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


# Long-lived processes: workers below a supervisor, and a server that outlives the one who started it.


async def start(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: int | None = None,
    ready: int | None = None,
    limits: Limits = Limits(nice=0),
) -> asyncio.subprocess.Process:
    """Start a long-lived child with the environment `env`; the caller ends it with `end`.

    It dies with us, in a session of its own: the terminal's Ctrl-C reaches only us.  Its output goes to the file
    descriptor `output`, else where ours goes; it may call `say_ready`, which writes to `ready`.

    Raises:
        OSError: it could not be started.
    """
    told = {SUPERVISOR_PID: str(os.getpid())} | ({READY_FD: str(ready)} if ready is not None else {})
    return await asyncio.create_subprocess_exec(
        *argv,
        cwd=cwd,
        env=dict(env) | told,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        pass_fds=() if ready is None else (ready,),
        preexec_fn=_prepare(limits),
    )


async def attend(argv: Sequence[str]) -> int:
    """Run a program that has our terminal for its own, an editor, to its end; returns its exit code.

    Ctrl-C is the program's: it reaches us, too, and is no word to us.

    Raises:
        OSError: it could not be started.
    """
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    try:
        return await (await asyncio.create_subprocess_exec(*argv)).wait()
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def say_ready() -> None:
    """Tell who started us by `start` that we got going: what befalls us from now on is no mistake of the user's."""
    _say(b"ready\n")


def say_leaving() -> None:
    """Tell who started us that we are to end for good: nobody is to be started in our place."""
    _say(LEAVING)


def _say(word: bytes) -> None:
    number = os.environ.get(READY_FD, "")
    if number.isdecimal():
        with contextlib.suppress(OSError):  # nobody listens any more
            os.set_inheritable(int(number), False)  # our own children have nothing to say there
            os.write(int(number), word)


async def end(process: asyncio.subprocess.Process, *, grace_s: float) -> None:
    """Ask a child started by `start` to end (SIGTERM), kill it and its descendants after `grace_s`, and reap it."""
    ask_to_end(process)
    if process.returncode is None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await process.wait()
    kill(process)
    await _end(process)


def ask_to_end(process: asyncio.subprocess.Process) -> None:
    """Send SIGTERM to a child that still runs."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()


def kill(process: asyncio.subprocess.Process) -> None:
    """Send SIGKILL to a child that still runs, and to its descendants: they are in sessions of their own."""
    import psutil  # noqa: PLC0415 - the many children that import this module never need it

    if process.returncode is not None:
        return
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    for descendant in family:
        with contextlib.suppress(psutil.Error):
            descendant.kill()


def detach(log: Path) -> None:
    """Outlive the process that started us: fork, end the first one, go on in a session of our own, print to `log`.

    To be called before any thread or event loop exists.
    """
    if os.fork():
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, source in ((0, null), (1, target), (2, target)):
        os.dup2(source, number)
    os.close(null)
    os.close(target)


# A Python child: asked in lines of JSON on stdin, answers in lines of JSON on stdout.


@dataclass(slots=True)
class PythonChild:
    """One of our modules in a process of its own; use `python_child`.  One question at a time."""

    module: str
    process: asyncio.subprocess.Process
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    async def ask(self, request: Mapping[str, Any], *, stall_s: float = 120.0) -> AsyncIterator[dict[str, Any]]:
        """Send a request; yields the answers to it until the child says that it is done.

        Leaving the iteration early leaves the child in the middle of its work: end it then.

        Raises:
            ChildFailed: it died, gave no sign for `stall_s`, or answered an error.
        """
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise ChildFailed(self.module, "exit", "no pipes")
        try:
            try:
                stdin.write(json.dumps(request, ensure_ascii=False).encode() + b"\n")
                await stdin.drain()
            except RuntimeError:  # uvloop's word for a child that is gone
                await self._died()
            while True:
                async with asyncio.timeout(stall_s):
                    line = await stdout.readline()
                if not line:
                    await self._died()
                answer: dict[str, Any] = json.loads(line)
                if answer.get("done"):
                    return
                if "error" in answer:
                    raise ChildFailed(
                        self.module, "answer", answer["error"]["message"], answer["error"]["trace"], answer["error"]
                    )
                yield answer
        except (BrokenPipeError, ConnectionResetError):
            await self._died()
        except TimeoutError:
            raise ChildFailed(self.module, "stall", f"{stall_s:g} s", "\n".join(self.tail)) from None

    async def ask_one(self, request: Mapping[str, Any], *, stall_s: float = 120.0) -> dict[str, Any]:
        """Send a request that has one answer."""
        answers = [answer async for answer in self.ask(request, stall_s=stall_s)]
        return answers[-1] if answers else {}

    async def _died(self) -> None:
        code = await self.process.wait()
        raise ChildFailed(self.module, *_how(code), "\n".join(self.tail))


@contextlib.asynccontextmanager
async def python_child(
    module: str, *, limits: Limits = NO_LIMITS, env: Mapping[str, str] | None = None
) -> AsyncIterator[PythonChild]:
    """Start `python -m module`, which has to call `serve`; leaving kills it.  It has pipes to us and no network."""
    process = await _begun(
        asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            env=_environment(env),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_prepare(replace(limits, offline=True)),
            limit=LINE_LIMIT_BYTES,
        )
    )
    child = PythonChild(module, process)
    drain = asyncio.create_task(_keep_tail(process.stderr, child.tail))
    try:
        yield child
    finally:
        drain.cancel()
        await _end(process)


def serve(handle: Callable[[dict[str, Any]], Iterator[dict[str, Any]]]) -> None:
    """The main loop of a Python child: each request is handled, its answers are written, then `{"done": true}`.

    An exception of the handler becomes an error answer (`type`, `message`, `trace`), and the child goes on.  Prints
    of libraries go to stderr: stdout is the wire.
    """
    import traceback  # noqa: PLC0415 - the parent never needs it

    wire = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which kills us
    for line in sys.stdin:
        try:
            for answer in handle(json.loads(line)):
                wire.write(json.dumps(answer, ensure_ascii=False) + "\n")
                wire.flush()
            wire.write('{"done": true}\n')
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
            trace = traceback.format_exc(limit=-6)
            wire.write(json.dumps({"error": {"type": type(error).__name__, "message": str(error)[:500], "trace": trace}}) + "\n")
        wire.flush()
