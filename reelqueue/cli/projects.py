"""Commands for projects: what is on disk is read from there; what has to be worked on goes through the queue."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from redis.exceptions import RedisError
from rich.table import Table

from jobs import Queue, connect
from jobs.client import cancel_without_redis
from jobs.waiting import resting
from reelqueue.ahead.moments import day_and_time, goes_on
from reelqueue.ahead.refusing import refuse_early
from reelqueue.bootstrap import Settings, open_shelf, read_settings
from reelqueue.cli.bars import TITLES
from reelqueue.cli.brief import Typed, with_brief
from reelqueue.cli.console import clock, note, note_unread, out, say, say_json
from reelqueue.cli.following import at_rest, follow_to_end
from reelqueue.cli.make import say_what_a_key_would_give
from reelqueue.cli.making import say_what_it_took, say_where, video_seconds
from reelqueue.cli.outcome import DONE, run
from reelqueue.errors import InstallationError, ProjectWaiting, ReelqueueError
from reelqueue.models.ids import parse_batch_id, parse_project_id
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text
from storage import Owner, Paths, ProjectStore
from storage.installation import open_installation

Act = Callable[[Queue, int], Awaitable[Any]]
ProjectId = Annotated[
    str, typer.Argument(metavar="ID", help=str(Text("專案編號", "the project's id")), show_default=False)
]  # in the language that was chosen before this module was loaded
AsJson = Annotated[bool, typer.Option("--json", help=str(Text("輸出 JSON", "as JSON")))]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    _register_changes(app)
    _register_readers(app)


def _register_changes(app: typer.Typer) -> None:
    new = Text("建立專案但不開始，印出編號", "create a project without starting it; prints its id")
    app.command("new", help=str(new))(with_brief(_new))
    acts: tuple[tuple[str, Text, Act, Text], ...] = (
        ("start", Text("開始做", "start it"), lambda queue, number: queue.start(number), Text("已排入佇列", "is queued")),
        (
            "approve",
            Text("核可，讓等待審核的專案繼續", "approve it: a project that waits for review goes on"),
            lambda queue, number: queue.approve(number),
            Text("已核可", "is approved"),
        ),
    )
    for name, about, act, done in acts:
        app.command(name, help=str(about))(_changing(act, done))

    @app.command("cancel", help=str(Text("取消", "cancel it")))
    def cancel(number: ProjectId) -> None:
        done, found = Text("已取消", "is cancelled"), parse_project_id(number)
        try:
            _change(number, lambda queue, found: queue.cancel(found), done)
        except InstallationError as error:
            if not isinstance(error.__cause__, RedisError | OSError):  # it answers, and is not ours
                raise
            asyncio.run(cancel_without_redis(read_settings(), found))
            where = Text(
                "Redis 沒有回應：取消記在磁碟上，worker 會從那裡得知",
                "no Redis answers: the cancel stands on disk, where workers see it",
            )
            note(str(where))
            _say_done(found, done)

    @app.command("retry", help=str(Text("重做失敗的專案", "try a failed project again")))
    def retry(
        number: ProjectId,
        from_stage: Annotated[
            str | None, typer.Option("--from", help=str(Text("從這個階段開始", "from this stage on")) + ": " + " ".join(Stage))
        ] = None,
    ) -> None:
        stage = None if from_stage is None else _stage(from_stage)
        _change(number, lambda queue, found: queue.retry(found, from_stage=stage), Text("重新排入佇列", "is queued again"))


def _register_readers(app: typer.Typer) -> None:

    @app.command("watch", help=str(Text("看著專案做到結束", "watch a project to its end")))
    def watch(number: ProjectId, as_json: AsJson = False) -> None:
        watched = _watch_for_state if as_json else _watch
        raise typer.Exit(run(watched(read_settings(), parse_project_id(number))))

    @app.command("status", help=str(Text("專案目前的狀態", "where a project stands")))
    def status(number: ProjectId, as_json: AsJson = False) -> None:
        settings = read_settings()
        state = asyncio.run(_store(settings).load(parse_project_id(number)))
        if as_json:
            say_json(state.model_dump(mode="json"))
        else:
            _print_state(state, Paths(settings.data_dir))

    @app.command("list", help=str(Text("所有專案，新的在前", "all projects, newest first")))
    def list_projects(
        status: Annotated[str | None, typer.Option(help=" ".join(ProjectStatus))] = None,
        batch: Annotated[
            str | None, typer.Option(metavar="ID", help=str(Text("只列這個批次的", "only those of this batch")))
        ] = None,
        limit: Annotated[int, typer.Option(min=1, help=str(Text("最多幾個", "at most so many")))] = 100,
        as_json: AsJson = False,
    ) -> None:
        wanted = None if status is None else _status(status)
        of_batch = None if batch is None else parse_batch_id(batch)
        found = asyncio.run(_store(read_settings()).listing(status=wanted, batch_id=of_batch, limit=limit))
        if as_json:
            say_json([state.model_dump(mode="json") for state in found.states])
        elif found.states or not found.unread:
            _print_list(found.states, is_part=status is not None or batch is not None)
        note_unread(found.unread, Text("專案", "project"))


def _store(settings: Settings) -> ProjectStore:
    return ProjectStore.reader(Paths(settings.data_dir))


def _new(typed: Typed) -> int:
    brief, settings = typed.brief(), read_settings()

    async def work() -> int:
        paths = Paths(settings.data_dir)
        async with contextlib.aclosing(open_shelf(settings, paths)) as shelf:
            await refuse_early(brief, settings, shelf)
            say_what_a_key_would_give(brief, shelf.name_of("script", brief.providers))
        await asyncio.to_thread(open_installation, paths, allow_network_fs=settings.allow_network_fs)
        store = ProjectStore(paths, Owner.here(), lease_seconds=settings.lease_seconds)
        say(str((await store.create(brief)).project_id))  # a project is on disk first: no Redis is needed yet
        return DONE

    return run(work())


def _changing(act: Act, done: Text) -> Callable[..., None]:
    def command(number: ProjectId) -> None:
        _change(number, act, done)

    return command


def _change(given: str, act: Act, done: Text) -> None:
    number, settings = parse_project_id(given), read_settings()

    async def work() -> int:
        await _store(settings).load(number)  # an unknown id is named even without a Redis
        async with connect(settings) as queue:
            await act(queue, number)
        _say_done(number, done)
        return DONE

    raise typer.Exit(run(work()))


def _say_done(number: int, done: Text) -> None:
    say(Text(f"專案 {number} {done.zh}", f"project {number} {done.en}"))


async def _watch(settings: Settings, number: int) -> int:
    state = await follow_to_end(settings, _store(settings), number)
    say(Text(f"專案 {number} 完成：{_video(settings, state)}", f"project {number} is done: {_video(settings, state)}"))
    return DONE


async def _watch_for_state(settings: Settings, number: int) -> int:
    state = await at_rest(_store(settings), number)
    say_json(state.model_dump(mode="json"))
    resting(state, through_waits=False)  # how it ended is the exit code here too
    return DONE


def _video(settings: Settings, state: ProjectState) -> str:
    return str(Paths(settings.data_dir).project(state.project_id).video)


def _print_state(state: ProjectState, paths: Paths) -> None:
    named = str(STATUS[state.status])
    say(f"{Text('專案', 'project')} {state.project_id}: {named}" + ("" if named == state.status else f" ({state.status})"))
    say(f"  {title(state)}")
    for stage in Stage:
        known = state.stages[stage]
        took = f"  {known.duration_s:.1f} s" if known.duration_s is not None else ""
        say(f"  {TITLES[stage]}: {STAGES[known.status]}{took}")
        for warning in known.warnings:
            say(f"    ! {warning}")
    if state.status is ProjectStatus.COMPLETED:
        say_where(state, paths)
    say_what_it_took(state)
    try:
        resting(state, through_waits=False)
    except ReelqueueError as reason:
        say(f"  {reason.message}")
        say(f"  → {reason.hint}")
        if isinstance(reason, ProjectWaiting) and (when := goes_on(reason)) is not None:
            say(f"  → {when}")


def _print_list(states: Sequence[ProjectState], *, is_part: bool) -> None:
    if not states and is_part:
        say(Text("沒有這樣的專案", "there are no such projects"))
        return
    if not states:
        say(Text("還沒有專案。用 reelqueue make 做一支影片。", "no projects yet: reelqueue make makes a video."))
        return
    heads = (Text("編號", "id"), Text("狀態", "status"), Text("長度", "length"), Text("標題", "title"), Text("更新", "changed"))
    table, zone = Table(*(str(head) for head in heads), box=None), ZoneInfo(read_settings().timezone)
    for state in states:
        length = video_seconds(state)
        at = day_and_time(state.updated_at, zone)
        table.add_row(str(state.project_id), str(STATUS[state.status]), clock(length) if length else "", title(state), at)
    out().print(table)


def title(state: ProjectState) -> str:
    """What a project is about, in one line."""
    text = state.brief.headline
    return text if len(text) <= 60 else text[:59] + "…"


STATUS = {
    ProjectStatus.CREATED: Text("已建立", "created"),
    ProjectStatus.QUEUED: Text("排隊中", "queued"),
    ProjectStatus.RUNNING: Text("進行中", "running"),
    ProjectStatus.WAITING_REVIEW: Text("等待審核", "waits for review"),
    ProjectStatus.WAITING_QUOTA: Text("等待配額", "waits for quota"),
    ProjectStatus.WAITING_BUDGET: Text("等待預算", "waits for money"),
    ProjectStatus.WAITING_DISK: Text("等待磁碟空間", "waits for disk space"),
    ProjectStatus.NEEDS_PERSON: Text("需要人處理", "needs a person"),
    ProjectStatus.COMPLETED: Text("完成", "completed"),
    ProjectStatus.FAILED: Text("失敗", "failed"),
    ProjectStatus.CANCELLED: Text("已取消", "cancelled"),
}


STAGES = {
    StageStatus.PENDING: Text("未開始", "pending"),
    StageStatus.RUNNING: Text("進行中", "running"),
    StageStatus.DONE: Text("完成", "done"),
    StageStatus.FAILED: Text("失敗", "failed"),
    StageStatus.SKIPPED: Text("不需要", "skipped"),
}


def _stage(text: str) -> Stage:
    try:
        return Stage(text)
    except ValueError:
        raise typer.BadParameter(_allowed("--from", text, tuple(Stage))) from None


def _status(text: str) -> ProjectStatus:
    try:
        return ProjectStatus(text)
    except ValueError:
        raise typer.BadParameter(_allowed("--status", text, tuple(ProjectStatus))) from None


def _allowed(option: str, given: str, allowed: tuple[str, ...]) -> str:
    names = " ".join(allowed)
    return str(Text(f"{option}：允許的是 {names}；收到的是 {given!r}", f"{option}: allowed is {names}; given was {given!r}"))
