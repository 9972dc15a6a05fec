"""`reelqueue workers` and `reelqueue queues`: who works on what, what waits, and what may be asked of them."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from jobs.client import open_queue
from jobs.fleet import Fleet
from jobs.numbers import Numbers
from reelqueue import clock
from reelqueue.bootstrap import Settings, read_settings
from reelqueue.cli.console import STYLES, escape, note, out, say, say_json, size
from reelqueue.cli.console import clock as span
from reelqueue.cli.outcome import DONE, run
from reelqueue.errors import InvalidBrief, WorkerNotFound
from reelqueue.models.fleet import QueuedJob, QueueStanding, WorkerBeat, WorkerJob
from reelqueue.supervisor import QUEUES
from reelqueue.wording import Text
from storage.pauses import Pauses

NONE = "–"
KINDS = {queue: kind for kind, queue in QUEUES.items()}
MOST_SHOWN = 1_000
AsJson = Annotated[bool, typer.Option("--json", help=str(Text("輸出 JSON", "as JSON")))]
Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="video | batch | maintenance")]
_WORKER = Text("名稱，或它的代號（video-2）", "its name, or what its supervisor calls it (video-2)")
_SINGLE, _BATCH, _CPU = Text("單支，優先", "single, first"), Text("批次", "of a batch"), Text("吃 CPU", "loads the CPU")
_LINES = {"single": _SINGLE, "batch": _BATCH, "cpu": _CPU}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    _register_workers(app)
    _register_queues(app)


def _group(app: typer.Typer, name: str, about: Text, usual: Callable[[], Awaitable[int]]) -> typer.Typer:
    """A group of commands; named alone it lists."""
    group = typer.Typer(help=str(about), no_args_is_help=False)
    app.add_typer(group, name=name)

    @group.callback(invoke_without_command=True)
    def alone(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            raise typer.Exit(run(_awaited(usual)))

    return group


async def _awaited(work: Callable[[], Awaitable[int]]) -> int:
    return await work()


def _register_workers(app: typer.Typer) -> None:
    about = Text("哪些 worker 在執行，正在做什麼；讓一個收尾", "which workers live, and on what; drain one")
    group = _group(app, "workers", about, lambda: _workers(as_json=False))

    @group.command("list", help=str(Text("列出 worker", "list them")))
    def listed(as_json: AsJson = False) -> None:
        raise typer.Exit(run(_workers(as_json=as_json)))

    drain_about = Text(
        "讓一個 worker 收尾：不再接新工作，手上的做完就結束", "let one take nothing more, and end when its jobs have ended"
    )

    @group.command("drain", help=str(drain_about))
    def drain(
        name: Annotated[str, typer.Argument(metavar="NAME", show_default=False, help=str(_WORKER))], as_json: AsJson = False
    ) -> None:
        raise typer.Exit(run(_drain(name, as_json=as_json)))


def _register_queues(app: typer.Typer) -> None:
    about = Text("佇列裡有什麼；暫停或繼續一個佇列", "what is in the queues; pause one, or let it go on")
    group = _group(app, "queues", about, lambda: _queues(as_json=False))

    @group.command("list", help=str(Text("列出佇列", "list them")))
    def listed(as_json: AsJson = False) -> None:
        raise typer.Exit(run(_queues(as_json=as_json)))

    @group.command("show", help=str(Text("佇列內容，依執行順序", "what is in one, in the order in which it begins")))
    def show(
        name: Name,
        limit: Annotated[int, typer.Option("--limit", min=1, max=MOST_SHOWN, help=str(Text("最多幾件", "how many")))] = 100,
        after: Annotated[
            int, typer.Option("--after", min=0, help=str(Text("從第幾件之後開始", "from behind this place on")))
        ] = 0,
        as_json: AsJson = False,
    ) -> None:
        raise typer.Exit(run(_contents(_queue(name), limit, after, as_json=as_json)))

    @group.command("pause", help=str(Text("暫停：不再開始新的工作，進行中的會做完", "pause it: no job begins, what runs ends")))
    def pause(name: Name, as_json: AsJson = False) -> None:
        done = Text("已暫停；進行中的會做完", "is paused; what runs ends")
        raise typer.Exit(run(_change(_queue(name), lambda fleet, queue: fleet.pause(queue), done, as_json=as_json)))

    @group.command("resume", help=str(Text("讓暫停的佇列繼續", "let a paused one go on")))
    def resume(name: Name, as_json: AsJson = False) -> None:
        done = Text("繼續進行", "goes on")
        raise typer.Exit(run(_change(_queue(name), lambda fleet, queue: fleet.resume(queue), done, as_json=as_json)))


def _queue(name: str) -> str:
    """A queue by what the command line calls its workers, or by its own name."""
    return QUEUES.get(name, name)


@contextlib.asynccontextmanager
async def _fleet(settings: Settings) -> AsyncIterator[Fleet]:
    """Workers and queues of the installation.

    Raises:
        InvalidSettings, InstallationError: as `connect`.
    """
    async with open_queue(settings) as client:
        numbers = Numbers(client.paths.metrics, client.redis)
        yield Fleet(client.redis, numbers, ZoneInfo(settings.timezone), pauses=Pauses(client.paths.paused))


# Workers.


async def _workers(*, as_json: bool) -> int:
    async with _fleet(read_settings()) as fleet:
        found = await fleet.workers()
    if as_json:
        say_json([one.model_dump(mode="json") for one in found])
    elif found:
        _print_workers(found)
    else:
        say(Text("沒有 worker 在執行：reelqueue worker", "no worker is running: reelqueue worker"))
    return DONE


def _print_workers(found: Sequence[WorkerBeat]) -> None:
    """Two lines each: a table of all that is known would be wider than a terminal."""
    now = clock.by_the_machine(clock.now())
    for one in found:
        doing = ", ".join(map(_doing, one.jobs)) or str(Text("閒置", "idle"))
        up, beat = (span(max(0.0, (now - at).total_seconds())) for at in (one.started_at, one.seen_at))
        places, uses = one.cpu_places + one.wait_places, f"CPU {one.cpu_percent:.0f}% · {size(one.memory_bytes)}"
        called = one.label or KINDS.get(one.queue, one.queue)
        out().print(f"[bold]{escape(one.name)}[/]  {escape(called)}  {_state(one)}")
        more = Text(
            f"完成 {one.complete:,}，失敗 {one.failed:,} · 已執行 {up} · 心跳 {beat} 前",
            f"{one.complete:,} done, {one.failed:,} failed · up {up} · seen {beat} ago",
        )
        say(f"  {len(one.jobs)}/{places}: {doing} · {uses} · {more}")


def _doing(job: WorkerJob) -> str:
    about = job.project_id if job.project_id is not None else job.batch_id
    return f"{job.stage or job.job} {about}" if about is not None else str(job.stage or job.job)


def _state(one: WorkerBeat) -> str:
    if one.state == "draining":
        return f"[{STYLES['warn']}]{Text('收尾中', 'draining')}[/]"
    return f"[{STYLES['ok']}]{Text('運作中', 'running')}[/]"


async def _drain(given: str, *, as_json: bool) -> int:
    async with _fleet(read_settings()) as fleet:
        found = [one for one in await fleet.workers() if given in {one.name, one.label}]
        if not found:
            raise WorkerNotFound(given)
        if len(found) > 1:  # two machines may have a `video-2` each
            raise InvalidBrief("NAME", ", ".join(one.name for one in found), given)
        worker = await fleet.drain(found[0].name)
    if as_json:
        say_json(worker.model_dump(mode="json"))
        return DONE
    left = len(worker.jobs)
    say(
        Text(
            f"{worker.name} 正在收尾，手上還有 {left} 件；做完就結束",
            f"{worker.name} is draining: it ends after what it has in hand ({left})",
        )
        if left
        else Text(f"{worker.name} 正在收尾，手上沒有工作", f"{worker.name} is draining: it has nothing in hand, and ends")
    )
    return DONE


# Queues.


async def _queues(*, as_json: bool) -> int:
    settings = read_settings()
    async with _fleet(settings) as fleet:
        found = await fleet.queues()
    if as_json:
        say_json([one.model_dump(mode="json") for one in found])
    else:
        _print_queues(found, ZoneInfo(settings.timezone))
    return DONE


def _print_queues(found: Sequence[QueueStanding], zone: ZoneInfo) -> None:
    heads = (Text("佇列", "queue"), Text("狀態", "state"), Text("等待", "waiting"), Text("最久", "oldest"), Text("執行中", "running"), Text("停放", "parked"), Text("停放至", "until"), Text("清空", "to empty"))  # fmt: skip
    table = Table(box=None, pad_edge=False)
    for place, head in enumerate(heads):
        table.add_column(str(head), justify="right" if place >= 2 else "left", overflow="fold")
    for one in found:
        table.add_row(
            one.name,
            _queue_state(one),
            f"{one.waiting:,}",
            NONE if one.oldest_s is None else span(one.oldest_s),
            f"{one.running}/{one.places}",
            f"{one.parked:,}",
            _at(one.resumes_at, zone),
            NONE if one.empty_in_s is None else f"≈ {span(one.empty_in_s)}",
        )
    out().print(table)


def _queue_state(one: QueueStanding) -> str:
    if one.paused:
        return f"[{STYLES['warn']}]{Text('已暫停', 'paused')}[/]"
    if not one.workers:
        return f"[{STYLES['fail'] if one.waiting else STYLES['warn']}]{Text('沒有 worker', 'no worker')}[/]"
    return f"[{STYLES['ok']}]{Text('運作中', 'going')}[/]"


async def _contents(queue: str, limit: int, after: int, *, as_json: bool) -> int:
    settings = read_settings()
    async with _fleet(settings) as fleet:
        rows = await fleet.contents(queue, limit=limit, after=after)
    if as_json:
        say_json([row.model_dump(mode="json") for row in rows])
    elif rows:
        _print_contents(rows, ZoneInfo(settings.timezone))
        if len(rows) == limit:
            note(Text(f"接下去：--after {rows[-1].place}", f"the next ones: --after {rows[-1].place}"))
    else:
        say(Text("佇列是空的", "the queue is empty") if not after else Text("後面沒有了", "there is nothing behind"))
    return DONE


def _print_contents(rows: Sequence[QueuedJob], zone: ZoneInfo) -> None:
    heads = (Text("#", "#"), Text("工作", "job"), Text("專案", "project"), Text("批次", "batch"), Text("已等待", "waits"), Text("順序", "order"))  # fmt: skip
    table, now = Table(box=None, pad_edge=False), clock.by_the_machine(clock.now())
    for place, head in enumerate(heads):
        table.add_column(str(head), justify="right" if place in {0, 2, 3, 4} else "left", overflow="fold")
    for row in rows:
        table.add_row(
            str(row.place),
            escape(str(row.stage or row.job or row.job_id)),
            _id(row.project_id),
            _id(row.batch_id),
            NONE if row.queued_at is None else span(max(0.0, (now - row.queued_at).total_seconds())),
            _order(row, zone),
        )
    out().print(table)


def _order(row: QueuedJob, zone: ZoneInfo) -> str:
    if row.running:
        return str(Text("執行中", "running"))
    if row.due_at is not None:
        at = _at(row.due_at, zone)
        return str(Text(f"停放至 {at}", f"parked until {at}"))
    return str(_LINES[row.line]) if row.line is not None else ""


def _id(number: int | None) -> str:
    return "" if number is None else str(number)


def _at(moment: datetime | None, zone: ZoneInfo) -> str:
    return NONE if moment is None else moment.astimezone(zone).strftime("%m-%d %H:%M")


async def _change(queue: str, act: Callable[[Fleet, str], Awaitable[QueueStanding]], done: Text, *, as_json: bool) -> int:
    async with _fleet(read_settings()) as fleet:
        stands = await act(fleet, queue)
    if as_json:
        say_json(stands.model_dump(mode="json"))
    else:
        say(Text(f"{queue} {done.zh}", f"{queue} {done.en}"))
    return DONE
