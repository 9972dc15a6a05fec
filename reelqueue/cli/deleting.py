"""`reelqueue delete`: projects for good, and on request their videos where they were published."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from jobs import Queue, connect
from jobs.deleting import published_at
from reelqueue.bootstrap import Settings, read_settings
from reelqueue.cli.agreeing import Declined, ask_whether
from reelqueue.cli.console import complain, note, say
from reelqueue.cli.outcome import DONE, FAILED, exit_code, run
from reelqueue.errors import DiskFull, NeedsPerson, ProjectNotFound, QuotaExhausted, ReelqueueError
from reelqueue.models.ids import parse_batch_id, parse_project_id
from reelqueue.wording import Text
from storage import BatchStore, Paths, ProjectStore

SHOWN = 20
"""So many videos are named before the question; of more their number is told."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """A project that is to be deleted, and where its video is seen; None where it has none, or that can't be known."""

    number: int
    video: str | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    ids = Text("專案編號，可以有好幾個", "the ids of projects, one or more")
    whole_batch = Text("這個批次的所有專案", "all projects of this batch")
    videos = Text(
        "連同已發布的影片一起刪除（YouTube 上的影片，或影片庫裡的資料夾）；無法復原",
        "and the videos that they published, on YouTube or in the library; that can't be undone",
    )

    @app.command("delete", help=str(Text("刪除專案，也可以連同影片", "delete projects, and on request their videos")))
    def delete(
        numbers: Annotated[list[str] | None, typer.Argument(metavar="ID...", help=str(ids), show_default=False)] = None,
        batch: Annotated[str | None, typer.Option("--batch", metavar="ID", help=str(whole_batch))] = None,
        video: Annotated[bool, typer.Option("--video", help=str(videos))] = False,
        yes: Annotated[bool, typer.Option("--yes", "-y", help=str(Text("不詢問", "don't ask")))] = False,
    ) -> None:
        if not numbers and batch is None:
            raise typer.BadParameter(str(Text("ID：至少一個專案編號，或 --batch", "ID: at least one project's id, or --batch")))
        wanted = [parse_project_id(number) for number in numbers or ()]
        of_batch = None if batch is None else parse_batch_id(batch)
        raise typer.Exit(run(_delete(read_settings(), wanted, of_batch, video=video, yes=yes)))


async def _delete(settings: Settings, numbers: list[int], batch: int | None, *, video: bool, yes: bool) -> int:
    paths = Paths(settings.data_dir)
    of_batch = [] if batch is None else list((await BatchStore.reader(paths).load(batch)).project_ids)
    doomed = await _looked_up(ProjectStore.reader(paths), dict.fromkeys(numbers), dict.fromkeys(of_batch))
    if video and not yes:
        try:
            _ask(doomed)
        except Declined:
            note(Text("沒有刪除任何東西", "nothing was deleted"))
            return FAILED
    async with connect(settings) as queue:
        return await _deleted(queue, doomed, video=video)


async def _looked_up(store: ProjectStore, named: dict[int, None], of_batch: dict[int, None]) -> Sequence[Doomed]:
    """Who is there, before anything is deleted; one that was deleted before is told of.

    Raises:
        ProjectNotFound: an id that nobody ever had; or every one that was named is gone already.
    """
    found, missing = list[Doomed](), list[int]()
    for number in {**named, **of_batch}:
        try:
            found.append(Doomed(number, published_at(await store.load(number))))
        except NeedsPerson:  # what can't be read can still be deleted
            found.append(Doomed(number, None))
        except ProjectNotFound:
            if number in named and not await store.is_gone(number):
                raise
            missing.append(number)
    if not found and named:
        raise ProjectNotFound(missing[0])
    for number in missing:
        note(Text(f"專案 {number} 之前已刪除", f"project {number} was deleted before"))
    return found


def _ask(doomed: Sequence[Doomed]) -> None:
    videos = [one for one in doomed if one.video is not None]
    for one in videos[:SHOWN]:
        note(Text(f"專案 {one.number}：{one.video}", f"project {one.number}: {one.video}"))
    if len(videos) > SHOWN:
        note(Text(f"……以及另外 {len(videos) - SHOWN} 支", f"... and {len(videos) - SHOWN} more"))
    ask_whether(
        Text(
            f"刪除 {len(doomed)} 個專案與 {len(videos)} 支影片？無法復原",
            f"delete {len(doomed)} projects and {len(videos)} videos? That can't be undone",
        )
    )


async def _deleted(queue: Queue, doomed: Sequence[Doomed], *, video: bool) -> int:
    """One after the other.  What one meets is told, and the next has its turn; where nothing more can be had now, that is the end."""
    code = DONE
    for place, one in enumerate(doomed):
        try:
            with contextlib.suppress(ProjectNotFound):  # somebody else was faster
                await queue.delete(one.number, video=video)
        except ReelqueueError as error:
            complain(error)
            code = exit_code(error)
            if isinstance(error, QuotaExhausted | DiskFull):
                _say_left(doomed[place:])
                return code
            continue
        too = video and one.video is not None
        say(
            Text(f"專案 {one.number} 與它的影片已刪除", f"project {one.number} and its video are deleted")
            if too
            else Text(f"專案 {one.number} 已刪除", f"project {one.number} is deleted")
        )
    return code


def _say_left(left: Sequence[Doomed]) -> None:
    if len(left) > 1:
        names = " ".join(str(one.number) for one in left[:SHOWN]) + (" ..." if len(left) > SHOWN else "")
        note(Text(f"還有 {len(left)} 個沒有刪除：{names}", f"{len(left)} are not deleted: {names}"))
