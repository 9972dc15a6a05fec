"""`reelqueue batches`: those that there are, and what can be done with one."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from jobs import Queue, connect
from reelqueue.ahead.moments import between, moment
from reelqueue.bootstrap import Settings, read_settings
from reelqueue.cli.alive import missing_workers
from reelqueue.cli.batch import come_back
from reelqueue.cli.batch_ahead import expected
from reelqueue.cli.batch_course import follow_batch
from reelqueue.cli.batch_forecast import forecast_in_words
from reelqueue.cli.batch_report import batch_as_json, code_of, report_batch
from reelqueue.cli.batch_words import BATCH_STATUS, name_of
from reelqueue.cli.console import note, note_unread, notes, out, say, say_json
from reelqueue.cli.outcome import DONE, run
from reelqueue.models.batch import BatchState
from reelqueue.models.ids import parse_batch_id
from reelqueue.models.stage import BatchStatus
from reelqueue.wording import Text
from storage import BatchStore, Paths, ProjectStore

Act = Callable[[Queue, int], Awaitable[BatchState]]
BatchId = Annotated[str, typer.Argument(metavar="ID", help=str(Text("批次編號", "the batch's id")), show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help=str(Text("輸出 JSON", "as JSON")))]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        name="batches",
        help=str(
            Text(
                "批次：列出，或看著、暫停、繼續、取消、重試一個", "batches: list them, or watch, pause, resume, cancel, retry one"
            )
        ),
        invoke_without_command=True,
    )

    @group.callback()
    def batches(
        context: typer.Context,
        limit: Annotated[int, typer.Option(min=1, help=str(Text("最多幾個", "at most so many")))] = 100,
        as_json: AsJson = False,
    ) -> None:
        if context.invoked_subcommand is None:
            raise typer.Exit(run(_list(read_settings(), limit, as_json=as_json)))

    @group.command("show", help=str(Text("一個批次目前的狀態", "where a batch stands")))
    def show(number: BatchId, as_json: AsJson = False) -> None:
        raise typer.Exit(run(_show(read_settings(), parse_batch_id(number), as_json=as_json)))

    @group.command("watch", help=str(Text("看著一個批次做到結束", "watch a batch to its end")))
    def watch(number: BatchId, as_json: AsJson = False) -> None:
        found = parse_batch_id(number)
        raise typer.Exit(run(_watch(read_settings(), found, as_json=as_json), interrupted=lambda: come_back(found)))

    _register_acts(group)
    app.add_typer(group)


def _register_acts(group: typer.Typer) -> None:
    acts: tuple[tuple[str, Text, Act, Text], ...] = (
        ("pause", Text("暫停：不再開始新的工作", "pause it: nothing more begins"), lambda queue, number: queue.pause_batch(number), Text("已暫停；正在做的會做完", "is paused; what runs of it ends")),
        ("resume", Text("讓暫停的批次繼續", "let a paused batch go on"), lambda queue, number: queue.resume_batch(number), Text("繼續進行", "goes on")),
        ("cancel", Text("取消還沒做完的；已發布的留著", "cancel what has not ended; what is published stays"), lambda queue, number: queue.cancel_batch(number), Text("已取消", "is cancelled")),
        ("retry", Text("只重做失敗的", "try the failed ones again"), lambda queue, number: queue.retry_batch(number), Text("失敗的重新開始", "tries again what failed")),
    )  # fmt: skip
    for name, about, act, done in acts:
        group.command(name, help=str(about))(_changing(act, done))


def _changing(act: Act, done: Text) -> Callable[..., None]:
    def command(number: BatchId, as_json: AsJson = False) -> None:
        raise typer.Exit(run(_change(read_settings(), parse_batch_id(number), act, done, as_json=as_json)))

    return command


async def _change(settings: Settings, number: int, act: Act, done: Text, *, as_json: bool) -> int:
    await _stores(settings)[0].load(number)  # an unknown id is named even without a Redis
    async with connect(settings) as queue:
        state = await act(queue, number)
    if as_json:
        say_json(state.model_dump(mode="json"))
        return DONE
    name = name_of(state)
    say(Text(f"{name.zh} {done.zh}", f"{name.en} {done.en}"))
    if state.status is BatchStatus.RUNNING:
        note(Text(f"看進度：reelqueue batches watch {number}", f"to watch it: reelqueue batches watch {number}"))
    return DONE


def _stores(settings: Settings) -> tuple[BatchStore, ProjectStore]:
    paths = Paths(settings.data_dir)
    return BatchStore.reader(paths), ProjectStore.reader(paths)


async def _list(settings: Settings, limit: int, *, as_json: bool) -> int:
    found = await _stores(settings)[0].listing(limit=limit)
    if as_json:
        say_json([state.model_dump(mode="json") for state in found.states])
    elif found.states or not found.unread:
        _print_list(found.states, ZoneInfo(settings.timezone))
    note_unread(found.unread, Text("批次", "batch"))
    return DONE


def _print_list(states: Sequence[BatchState], zone: ZoneInfo) -> None:
    if not states:
        say(
            Text(
                "還沒有批次。reelqueue batch 檔案.csv 做很多支影片。",
                "no batches yet: reelqueue batch FILE.csv makes many videos.",
            )
        )
        return
    heads = (Text("編號", "id"), Text("狀態", "status"), Text("影片", "videos"), Text("完成", "done"), Text("失敗", "failed"), Text("開始", "begun"), Text("結束", "ended"))  # fmt: skip
    table = Table(box=None)
    for place, head in enumerate(heads):
        table.add_column(str(head), justify="right" if place in {0, 2, 3, 4} else "left", no_wrap=True)
    for state in states:
        begun, ended = (
            f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at is not None else "" for at in (state.started_at, state.ended_at)
        )
        counts = (str(count) for count in (len(state.project_ids), state.completed, state.failed))
        table.add_row(str(state.batch_id), str(BATCH_STATUS[state.status]), *counts, begun, ended)
    out().print(table)


async def _show(settings: Settings, number: int, *, as_json: bool) -> int:
    batches, projects = _stores(settings)
    state = await batches.load(number)
    outlines = await projects.outlines(state.project_ids)
    if as_json:
        say_json(await batch_as_json(state, outlines, batches))
        return DONE
    report_batch(state, outlines)
    if state.overdue_since is not None and not state.has_ended:
        at = moment(state.overdue_since)
        say(Text(f"  超過預定時間（{at}），繼續進行", f"  over its time since {at}, going on"))
    if (forecast := await expected(state, settings)) is not None:
        for told in forecast_in_words(forecast):
            say(f"  {told}")
    if state.forecast is not None and not state.has_ended:
        first = between(state.forecast.least, state.forecast.most)
        say(Text(f"  開始時預計：{first.zh}", f"  expected at its start: {first.en}"))
    if state.calendar is not None:
        say(Text(f"  發布時程：{state.calendar}", f"  publish calendar: {state.calendar}"))
        soon = sorted(
            known.publish_at
            for known in outlines.values()
            if known is not None and known.publish_at is not None and not known.status.is_final
        )
        if soon:
            at, count = moment(soon[0]), len(soon)
            say(Text(f"  已排 {count} 支，最近的一支 {at}", f"  {count} have a moment, the next one {at}"))
    if state.is_under_way and state.status is not BatchStatus.PAUSED and (missing := await missing_workers(settings)) is not None:
        note(missing)
    return DONE


async def _watch(settings: Settings, number: int, *, as_json: bool) -> int:
    batches, projects = _stores(settings)
    await batches.load(number)
    state = await follow_batch(settings, batches, projects, number, notes() if as_json else out())
    outlines = await projects.outlines(state.project_ids)
    if as_json:
        say_json(await batch_as_json(state, outlines, batches))
    else:
        report_batch(state, outlines)
    return code_of(state)
