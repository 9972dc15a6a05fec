"""`reelqueue edit`: a project's script in the person's own editor; what has to be made again is told, and its price, first."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from jobs import connect
from jobs.acts import refuse_edit
from jobs.editing.ahead import Ahead
from jobs.editing.editor import Opened, ahead_of, edit_of, open_script
from jobs.editing.reading import as_edited
from jobs.estimate import Estimate
from reelqueue.ahead.offer import item_in_words, usd_in_words
from reelqueue.bootstrap import Settings, open_shelf, read_settings
from reelqueue.cli.agreeing import Declined, ask_whether, is_anybody_there
from reelqueue.cli.console import complain, note, notes, say, say_json
from reelqueue.cli.drafts import Draft, begin_draft, given_draft
from reelqueue.cli.outcome import DONE, INTERRUPTED, run
from reelqueue.cli.projects import ProjectId
from reelqueue.errors import InvalidBrief, ReelqueueError
from reelqueue.models.ids import parse_project_id
from reelqueue.models.project import ProjectState
from reelqueue.models.script import Script
from reelqueue.models.stage import ProjectStatus
from reelqueue.wording import Text
from storage import Paths, ProjectStore


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = Text(
        "在編輯器裡修改腳本；只有改到的部分會重做，先說要花多少錢",
        "change a script in your editor; only what it touches is made again, and the price is said first",
    )
    given = Text(
        "不開編輯器，從這個 JSON 檔讀（- 是標準輸入）", "read it from this JSON file instead of an editor (- is standard input)"
    )
    yes = Text("不問就做", "do it without asking")
    approve = Text("正在等腳本審核的話，改完就核可", "where it waits for its script's review: approve it, too")
    shown = Text("只印出可以修改的腳本", "only print the script as it can be edited")

    @app.command("edit", help=str(about))
    def edit(
        number: ProjectId,
        source: Annotated[str | None, typer.Option("--from", metavar="FILE", help=str(given))] = None,
        yes: Annotated[bool, typer.Option("--yes", help=str(yes))] = False,
        approve: Annotated[bool, typer.Option("--approve", help=str(approve))] = False,
        show: Annotated[bool, typer.Option("--print", help=str(shown))] = False,
    ) -> None:
        settings = read_settings()
        store = ProjectStore.reader(Paths(settings.data_dir))
        opened = asyncio.run(open_script(store, parse_project_id(number)))
        if show:
            say_json(as_edited(opened.script))
            return
        refuse_edit(opened.state)
        raise typer.Exit(_edited(_Desk(settings, store, opened), source, yes=yes, approve=approve))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A script that somebody wants, what has to be made for it, and what that costs."""

    script: Script
    ahead: Ahead
    price: Estimate


@dataclass(frozen=True, slots=True)
class _Desk:
    """One script that is being edited."""

    settings: Settings
    store: ProjectStore
    opened: Opened

    @property
    def number(self) -> int:
        return self.opened.state.project_id

    async def read(self, draft: Draft) -> _Wanted | None:
        """What a draft means; None where it changes nothing.  Raises InvalidBrief."""
        script = await edit_of(self.store, self.opened, draft.parsed())
        if script is self.opened.script:
            return None
        async with contextlib.aclosing(open_shelf(self.settings, self.store.paths)) as shelf:
            return _Wanted(script, *(await ahead_of(self.store, shelf, self.opened.state, script)))

    async def keep(self, script: Script, *, approve: bool) -> int:
        async with connect(self.settings) as queue:
            state = await queue.edit_script(self.number, script, seen=self.opened.seen, approve=approve)
        say(what_follows(state))
        return DONE


def _edited(desk: _Desk, source: str | None, *, yes: bool, approve: bool) -> int:
    draft = begin_draft(as_edited(desk.opened.script), str(desk.number)) if source is None else given_draft(source)
    try:
        draft, wanted = (draft, asyncio.run(desk.read(draft))) if source is not None else _until_it_is_right(desk, draft)
        if wanted is None:
            draft.forget()
            note(Text("沒有改變，什麼都沒做", "nothing was changed, so nothing was done"))
            return DONE
        for line in in_words(wanted.ahead, wanted.price):
            notes().print(str(line), markup=False)
        if wanted.price.items and not yes:
            ask_whether(Text("要這樣改嗎？", "change it so?"))
        code = run(desk.keep(wanted.script, approve=approve))
    except (Declined, ReelqueueError, KeyboardInterrupt) as error:
        _say_where(draft, desk.number)
        if isinstance(error, Declined):
            return INTERRUPTED
        raise
    if code == DONE:
        draft.forget()
    else:
        _say_where(draft, desk.number)
    return code


def _until_it_is_right(desk: _Desk, draft: Draft) -> tuple[Draft, _Wanted | None]:
    """Open the editor until what it leaves is a script.

    Raises:
        BadDraft: there is no editor, or it ended badly.  InvalidBrief: it is none, and there is nobody to ask.
        Declined: the person gave up.
    """
    while True:
        draft = draft.edited()
        try:
            return draft, asyncio.run(desk.read(draft))
        except InvalidBrief as error:
            if not is_anybody_there():
                raise
            complain(error)
            ask_whether(Text("要再打開修改嗎？", "open it again?"))


def _say_where(draft: Draft, number: int) -> None:
    if draft.ours and draft.file is not None:
        note(
            Text(
                f"你寫的內容在 {draft.file}；繼續：reelqueue edit {number} --from {draft.file}",
                f"what you wrote is in {draft.file}; to go on: reelqueue edit {number} --from {draft.file}",
            )
        )


# In words.


def in_words(ahead: Ahead, price: Estimate) -> Iterator[Text]:
    """What has to be made, and what of it is paid for."""
    counts = (
        (len(ahead.pictures), Text("個畫面", "pictures")),
        (len(ahead.voice), Text("段語音", "pieces of voice")),
        (len(ahead.presenters), Text("段主持人", "presenters")),
    )
    there = [(count, what) for count, what in counts if count]
    if there:
        yield Text(
            "要重做：" + "、".join(f"{count} {what.zh}" for count, what in there),
            "to be made: " + ", ".join(f"{what.en}: {count}" for count, what in there),
        )
    else:
        yield Text("語音與畫面都不必重做", "no voice and no picture has to be made again")
    if not price.items:
        yield Text("不花錢", "nothing of it is paid for")
        return
    for item in price.items:
        yield item_in_words(item)
    yield Text(f"最多 {usd_in_words(price.usd)} 美元", f"at most {usd_in_words(price.usd)} US dollars in all")


def what_follows(state: ProjectState) -> Text:
    """Where the project stands now."""
    number = state.project_id
    match state.status:
        case ProjectStatus.WAITING_REVIEW:
            return Text(
                f"腳本已更新；專案 {number} 還在等待審核：reelqueue approve {number}",
                f"the script is changed; project {number} still waits for its review: reelqueue approve {number}",
            )
        case ProjectStatus.CREATED:
            return Text(
                f"腳本已更新；用 reelqueue start {number} 開始", f"the script is changed; reelqueue start {number} starts it"
            )
        case ProjectStatus.CANCELLED:
            return Text(
                f"腳本已更新；專案 {number} 仍是取消的：reelqueue retry {number} 繼續",
                f"the script is changed; project {number} stays cancelled: reelqueue retry {number} goes on",
            )
        case ProjectStatus.COMPLETED:
            return Text(f"腳本已更新（專案 {number}）", f"the script of project {number} is changed")
    return Text(f"腳本已更新；專案 {number} 會接著做", f"the script is changed; project {number} goes on")
