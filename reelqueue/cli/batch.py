"""`reelqueue batch FILE`: a video of each row, unattended."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from redis.exceptions import AuthenticationError, RedisError

from jobs import connect
from jobs.batch import asked
from jobs.batch.making import make_batch
from jobs.batch.site import Site
from jobs.client import site_of
from reelqueue import clock
from reelqueue.ahead.batch_file import Mistaken, TopicFile
from reelqueue.ahead.batch_offer import makers_in_words, offer_in_words
from reelqueue.ahead.batch_prepared import Ground, Prepared, Wish, prepared
from reelqueue.ahead.offer import unagreed
from reelqueue.bootstrap import Settings, open_shelf, open_tools, read_settings
from reelqueue.cli.agreeing import Declined, ask_whether
from reelqueue.cli.batch_ahead import places
from reelqueue.cli.batch_course import follow_batch
from reelqueue.cli.batch_file import read_file, refuse
from reelqueue.cli.batch_plan import plan_as_json, tell_file, tell_plan
from reelqueue.cli.batch_report import batch_as_json, code_of, report_batch
from reelqueue.cli.batch_words import name_of
from reelqueue.cli.console import note, notes, out, say, say_json
from reelqueue.cli.outcome import DONE, INTERRUPTED, WAITING, run
from reelqueue.cli.widths import counted
from reelqueue.errors import Conflict, InstallationError
from reelqueue.models.batch import BatchState
from reelqueue.models.stage import BatchStatus
from reelqueue.wording import Text
from storage import Agreements, BatchStore, Owner, Paths, ProjectStore, open_installation

MANY = 200
"""From so many on it takes seconds to put them on disk (10 ms each, measured), which is said."""


@dataclass(frozen=True, slots=True)
class Typed(Wish):
    """What was typed beside the file: what is wanted, and how it is to be told."""

    dry_run: bool = False
    yes: bool = False
    detach: bool = False
    as_json: bool = False


def _help(zh: str, en: str) -> str:
    return str(Text(zh, en))


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = _help(
        "一個檔案做很多支影片：每列一支（CSV 或 JSONL，- 是標準輸入）",
        "a video of each row of a file (CSV or JSONL; - is standard input)",
    )
    option = typer.Option

    @app.command("batch", help=about)
    def batch(
        file: Annotated[str, typer.Argument(metavar="FILE", help=_help("第一行是欄位名稱；欄位同 brief，另有 key", "its first line names the columns: fields of a brief, and key"), show_default=False)],
        dry_run: Annotated[bool, option("--dry-run", help=_help("只說會做什麼、多久、多少錢；什麼都不寫", "only say what would be made, by when, for how much; nothing is written"))] = False,
        yes: Annotated[bool, option("--yes", help=_help("直接開始：不問花費與發布的事", "begin at once: ask nothing about payment and publication"))] = False,
        every: Annotated[str | None, option(help=_help("每隔這麼久公開一支，例如 6h", "publish one each so long, for example 6h"))] = None,
        slots: Annotated[str | None, option(help=_help("公開的時段，例如", "moments of publication, for example") + ' "Mon-Fri 09:00,18:00 Asia/Taipei"')] = None,
        priority: Annotated[str | None, option(help=_help("優先度 -100 到 100，大的先做", "priority from -100 to 100, the greater first"))] = None,
        deadline: Annotated[str | None, option(help=_help("期限，例如 2026-12-01T18:00+08:00", "deadline, for example 2026-12-01T18:00+08:00"))] = None,
        channel: Annotated[str | None, option(help=_help("CHANNELS_FILE 裡的頻道", "a channel of CHANNELS_FILE"))] = None,
        privacy: Annotated[str | None, option(help="private | unlisted | public")] = None,
        review: Annotated[list[str] | None, option(help=_help("在這些階段後停下等核可：script assets render thumbnail final", "stop for approval after: script assets render thumbnail final"))] = None,
        webhook: Annotated[str | None, option(help=_help("有消息時通知這個網址", "tell this address what happens"))] = None,
        detach: Annotated[bool, option("--detach", help=_help("開始後不等結束，只印出批次編號", "don't wait for its end; prints the batch's id"))] = False,
        as_json: Annotated[bool, option("--json", help=_help("輸出 JSON", "as JSON"))] = False,
    ) -> None:  # fmt: skip
        names = tuple(name for part in review or () for name in part.split(",") if name) or None
        fields = {"priority": _number(priority), "deadline": deadline, "channel": channel, "privacy": privacy, "review": names}
        wish = Typed(fields, every, slots, webhook, dry_run=dry_run, yes=yes, detach=detach, as_json=as_json)
        raise typer.Exit(_batch(file, wish))


def _number(text: str | None) -> int | str | None:
    """A whole number where it is one; else the text, which the brief refuses by name."""
    try:
        return int(text) if text is not None else None
    except ValueError:
        return text


def _batch(name: str, wish: Typed) -> int:
    settings, file = read_settings(), read_file(name)
    try:
        ready = asyncio.run(_looked_at(file, wish, settings))
    except Mistaken as error:
        raise refuse(file, error.found, as_json=wish.as_json) from None
    if not wish.as_json or not wish.dry_run:
        tell_file(file, ready.sheet, ready.past)
    if wish.dry_run:
        if wish.as_json:
            say_json(plan_as_json(ready))
        elif ready.offer is not None:
            tell_plan(ready, ready.offer, ZoneInfo(settings.timezone))
        elif ready.past.batch is not None:
            note(_already(ready.past.batch))
        return DONE
    if not ready.past.rows:
        note(Text("沒有新的影片要做", "there is no new video to make"))
        return DONE
    try:
        _agree(ready, settings, yes=wish.yes)
    except Declined:
        note(Text("沒有開始", "nothing was begun"))
        return INTERRUPTED
    number: list[int] = []
    return run(_made(ready, wish, settings, number), interrupted=lambda: come_back(number[0]) if number else _go_on())


async def _looked_at(file: TopicFile, wish: Typed, settings: Settings) -> Prepared:
    async with contextlib.aclosing(open_shelf(settings, Paths(settings.data_dir))) as shelf:

        async def site_now() -> Site:
            return site_of(settings, shelf, await places(settings))

        return await prepared(file, wish, Ground(settings, shelf, site_now))


def _agree(ready: Prepared, settings: Settings, *, yes: bool) -> None:
    """Say who makes what, and have a person agree to what it takes, where nobody has yet.

    Raises:
        NotAsked: there is nobody to ask.  Declined: a person said no.
    """
    if ready.offer is None:  # it was begun before
        return
    agreements = Agreements(Paths(settings.data_dir))
    note(makers_in_words(ready.offer))
    new = asyncio.run(unagreed(ready.offer.terms, agreements))
    if not new:
        return
    for line in offer_in_words(ready.offer):
        notes().print(str(line), markup=False)
    if yes:
        return
    count = len(ready.past.rows)
    ask_whether(
        Text(
            f"要開始做這 {count:,} 支嗎？同樣的服務與頻道之後不再問",
            f"make these {count:,}? It is not asked again for these services and this channel",
        )
    )
    asyncio.run(agreements.add(new))


async def _made(ready: Prepared, wish: Typed, settings: Settings, number: list[int]) -> int:
    await open_tools(settings)
    paths = Paths(settings.data_dir)
    await asyncio.to_thread(open_installation, paths, allow_network_fs=settings.allow_network_fs)
    owner = Owner.here()
    batches = BatchStore(paths, owner, lease_seconds=settings.lease_seconds)
    projects = ProjectStore(paths, owner, lease_seconds=settings.lease_seconds)
    if len(ready.past.rows) > MANY and not _is_whole(ready):
        note(Text(f"正在把 {len(ready.past.rows):,} 個專案寫到磁碟…", f"putting {len(ready.past.rows):,} projects on disk ..."))
    state = await _on_disk(ready, projects, batches)
    number.append(state.batch_id)
    _say_which(state, ready, wish)
    if not state.has_ended and state.status is not BatchStatus.PAUSED:
        state = await batches.change(state.batch_id, asked.start(clock.now()))  # from here on any worker's start finds it
        if not await _hinted(settings, state.batch_id):
            return WAITING
    if wish.detach:
        return DONE
    state = await follow_batch(settings, batches, projects, state.batch_id, notes() if wish.as_json else out())
    outlines = await projects.outlines(state.project_ids)
    if wish.as_json:
        say_json(await batch_as_json(state, outlines, batches))
    else:
        report_batch(state, outlines)
    return code_of(state)


def _is_whole(ready: Prepared) -> bool:
    """Whether the file is a batch already, all of whose projects are on disk."""
    return ready.past.batch is not None and bool(ready.past.batch.project_ids)


async def _on_disk(ready: Prepared, projects: ProjectStore, batches: BatchStore) -> BatchState:
    if ready.past.batch is not None and _is_whole(ready):
        return ready.past.batch
    try:
        return await make_batch(
            projects,
            batches,
            [row.brief for row in ready.past.rows],
            idempotency_key=ready.past.key,
            keys=[row.key for row in ready.past.rows],
            calendar=ready.calendar,
            webhook=ready.webhook,
        )
    except Conflict as error:
        if ready.past.batch is None:
            raise
        name = name_of(ready.past.batch)
        raise Conflict(
            Text(f"{name.zh} 由這個檔案開始建立，但選項不同", f"{name.en} was begun from this file with other options"),
            Text("用原來的選項再執行一次，它就會接著建立", "run it again with those options, and it is made to its end"),
        ) from error


def _already(state: BatchState) -> Text:
    name = name_of(state)
    if state.has_ended:
        return Text(f"這個檔案是{name.zh}，已經結束", f"this file is {name.en}, which has ended")
    return Text(f"這個檔案已經是{name.zh}，接著做", f"this file is {name.en} already: it goes on")


def _say_which(state: BatchState, ready: Prepared, wish: Typed) -> None:
    name, count = name_of(state), len(state.project_ids)
    note(_already(state) if _is_whole(ready) else Text(f"{name.zh}：{count:,} 支影片", f"{name.en}: {counted(count, 'video')}"))
    if ready.past.batch is not None and (wish.every or wish.slots or wish.webhook):
        note(Text("發布時程與 webhook 保持原來的", "its publish calendar and webhook stay as they were"))
    if wish.detach:
        say_json({"batch_id": state.batch_id}) if wish.as_json else say(str(state.batch_id))


async def _hinted(settings: Settings, number: int) -> bool:
    """Put it in the queue; False where no Redis answers, which was told: it begins when there is one."""
    try:
        async with connect(settings) as queue:
            await queue.start_batch(number)
    except InstallationError as error:
        if not isinstance(error.__cause__, RedisError | OSError) or isinstance(error.__cause__, AuthenticationError):
            raise
        note(error.message)
        note(
            Text(
                f"批次 {number} 已經在磁碟上，執行 reelqueue worker 就會開始\n看進度：reelqueue batches watch {number}",
                f"batch {number} is on disk: it begins as soon as reelqueue worker runs\nto watch it: reelqueue batches watch {number}",
            )
        )
        return False
    return True


def _go_on() -> Text:
    """After Ctrl-C before the batch is whole: what is there of it is kept, and not begun."""
    return Text(
        "批次還沒有建立完成：再執行一次同樣的指令就會接著建立",
        "the batch was not made to its end: the same command again goes on with it",
    )


def come_back(number: int) -> Text:
    """After Ctrl-C: the workers go on."""
    return Text(
        f"批次 {number} 由 worker 繼續做\n回來看：reelqueue batches watch {number}\n取消：reelqueue batches cancel {number}",
        f"batch {number} goes on in its workers\nto come back: reelqueue batches watch {number}\nto cancel it: reelqueue batches cancel {number}",
    )
