"""An event loop in which nothing waits: time passes when it is told to, and threads' work is done where it is asked for.

So a history is the same each time, and takes milliseconds.
"""

import asyncio
import contextvars
import functools
import heapq
from collections.abc import Callable
from typing import Any

from tests.guarantees.model import lives
from tests.guarantees.model.lives import LIFE, Dead, Life

DOCUMENTS = ("Documents._replace", "Documents._create")
PLACES = {
    "Holding.look.<locals>.<lambda>": "look",
    "Holding._claimed": "claim",
    "LeaseFile.hold": "hold",
    "LeaseFile.let_go": "let go",
    "LeaseFile.release": "release",
    "Blobs._write": "write",
    "Blobs._put": "put",
    "_write": "keep the session",
    "_forget": "forget the session",
    "ProjectStore.create.<locals>.bear": "create",
    "ProjectStore._delete": "delete",
}
"""Steps by the functions that threads run, as histories name them; others by their own names."""
BEATS = ("LeaseFile.renew",)
"""What a life does by itself, and never stops in: a step that a history could not name."""


class Loop(asyncio.SelectorEventLoop):
    """`now` is its clock, in seconds; `fill` is called where the disk is to be full."""

    def __init__(self, fill: Callable[[], None]) -> None:
        super().__init__()
        self.now = 10_000.0
        self.fill = fill
        self.met: list[dict[str, Any]] = []
        self.set_task_factory(_owned)
        self.set_exception_handler(lambda _loop, context: self.met.append(context))

    def time(self) -> float:
        """The seconds that have passed."""
        return self.now

    # Who is stopped runs nothing.

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """Kept for a life that is stopped until it goes on."""
        within = context if context is not None else contextvars.copy_context()
        return super().call_soon(self._guarded, [], within.get(LIFE), callback, args, context=within)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Likewise."""
        within = context if context is not None else contextvars.copy_context()
        own: list[asyncio.Handle] = []
        handle = super().call_at(when, self._guarded, own, within.get(LIFE), callback, args, context=within)
        own.append(handle)
        return handle

    def _guarded(
        self, own: list[asyncio.Handle], life: Life | None, callback: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        if life is None or not life.paused:
            callback(*args)
            return
        within = contextvars.copy_context()

        def later() -> None:
            if not (own and own[0].cancelled()):
                self.call_soon(callback, *args, context=within)

        life.stash.append(later)

    def go_on(self, life: Life) -> None:
        """SIGCONT."""
        life.paused = False
        stash, life.stash = life.stash, []
        for later in stash:
            later()

    # Work of threads.

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Do it now, but for what befalls the life at this step."""
        life, place = LIFE.get(), place_of(func)
        future = self.create_future()
        if life is None or place in BEATS:
            if life is not None and life.dead:
                raise Dead
            _done(future, func, args)
            return future
        if life.dead:
            raise Dead
        stop = life.due(place)
        if stop is None:
            _done(future, func, args)
            return future
        return self._stopped(life, stop, future, func, args)

    def _stopped(self, life: Life, stop: Any, future: Any, func: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        made, within = self.create_future(), contextvars.copy_context()
        match stop.how, stop.when:
            case lives.PAUSE, "before":
                life.paused = True
                life.stash.append(lambda: within.run(_done, future, func, args))  # its thread was about to begin
            case lives.PAUSE, _:
                _done(made, func, args)
                life.paused = True
                life.stash.append(lambda: _copied(made, future))
            case lives.FILL, _:
                self.fill()
                _done(future, func, args)
            case lives.CRASH, int(steps):
                life.steps_left = steps
                _done(made, func, args)
                life.dead = True
                made.exception()
                raise Dead
            case _, when:
                if when == "after":
                    _done(made, func, args)
                    made.exception()
                life.dead = True
                raise Dead
        return future

    # The course of time.

    def settle(self) -> None:
        """Run until everybody waits."""
        self.run_forever()

    def _run_once(self) -> None:
        if not self._ready and (self._next() or float("inf")) > self.now:
            self.stop()
        super()._run_once()

    def _next(self) -> float | None:
        while self._scheduled and self._scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heapq.heappop(self._scheduled)._scheduled = False
        return self._scheduled[0]._when if self._scheduled else None

    def pass_to(self, moment: float) -> None:
        """Let time pass, one thing after the other."""
        while (due := self._next()) is not None and due <= moment:
            self.now = max(self.now, due)
            self.settle()
        self.now = max(self.now, moment)
        self.settle()

    def run(self, task: "asyncio.Task[Any]", life: Life, most_s: float) -> None:
        """Until the task has ended, its life is stopped, dead or waits for a service, or so much time has passed."""
        until = self.now + most_s
        while True:
            self.settle()
            if task.done() or not life.runs or life.hanging is not None:
                return
            due = self._next()
            if due is None or due > until:
                return
            self.now = max(self.now, due)

    def begin(self, life: Life, work: Any) -> "asyncio.Task[Any]":
        """A task of this life."""
        context = contextvars.copy_context()
        context.run(LIFE.set, life)
        return context.run(lambda: self.create_task(work, context=context))


def place_of(func: Any) -> str:
    """A step's name: that of the function that a thread would run, or what it does to a document."""
    args: tuple[Any, ...] = ()
    while isinstance(func, functools.partial):
        args, inner = func.args, func.func
        func = args[0] if getattr(inner, "__name__", "") == "run" and args else inner  # `to_thread` runs it in its context
    name = str(getattr(func, "__qualname__", func))
    if name in DOCUMENTS:
        return "commit" if args[0].startswith("projects/") else "account"
    return PLACES.get(name, name)


def _done(future: "asyncio.Future[Any]", func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        result = func(*args)
    except BaseException as error:  # noqa: BLE001 - whatever a thread meets is told to who waits for it
        future.set_exception(error)
    else:
        future.set_result(result)


def _copied(made: "asyncio.Future[Any]", future: "asyncio.Future[Any]") -> None:
    if future.done():
        made.exception()
    elif (error := made.exception()) is not None:
        future.set_exception(error)
    else:
        future.set_result(made.result())


def _owned(loop: Any, coro: Any, context: contextvars.Context | None = None) -> "asyncio.Task[Any]":
    task = asyncio.Task(coro, loop=loop, context=context)
    life = (context if context is not None else contextvars.copy_context()).get(LIFE)
    if life is not None:
        life.tasks.add(task)
        task.add_done_callback(life.tasks.discard)
    return task
