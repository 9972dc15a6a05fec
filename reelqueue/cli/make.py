"""`reelqueue make`: one video, everything in one process tree."""

import asyncio
import contextlib
from typing import Annotated

import typer

from reelqueue.ahead.offer import Offer, offer_of, unagreed, who_makes_what
from reelqueue.ahead.refusing import refuse_early
from reelqueue.bootstrap import Settings, open_shelf, open_tools, read_settings
from reelqueue.cli.agreeing import Declined, ask, tell
from reelqueue.cli.brief import Typed, with_brief
from reelqueue.cli.console import note
from reelqueue.cli.making import make_video, report
from reelqueue.cli.outcome import DONE, INTERRUPTED, run
from reelqueue.errors import ProjectWaiting
from reelqueue.models.brief import Brief
from reelqueue.wording import Text
from storage import Agreements, Paths


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = Text("做一支影片：主題、--from 文字檔，或 --brief JSON 檔", "make a video of a topic, a text file or a JSON brief")
    yes = Text("直接開始：不問花費與發布的事", "begin at once: ask nothing about payment and publication")
    app.command("make", help=str(about))(with_brief(_make, yes=Annotated[bool | None, typer.Option("--yes", help=str(yes))]))


def _make(typed: Typed, *, yes: bool | None) -> int:
    brief, settings = typed.brief(), read_settings()
    made_id: list[int] = []
    try:
        _agree(brief, settings, yes=bool(yes))
    except Declined:
        note(Text("沒有開始", "nothing was begun"))
        return INTERRUPTED

    def created(project_id: int) -> None:
        made_id.append(project_id)
        note(Text(f"專案 {project_id}", f"project {project_id}"))

    async def work() -> int:
        try:
            made = await make_video(settings, brief, created=created)
        except ProjectWaiting:
            note(how_it_goes_on())
            raise
        report(made, Paths(settings.data_dir))
        return DONE

    return run(work(), interrupted=lambda: how_to_go_on(made_id[0]) if made_id else None)


def _agree(brief: Brief, settings: Settings, *, yes: bool) -> None:
    """Say who makes what, and have a person agree to what it takes, where nobody has yet.

    Raises:
        ReelqueueError: what every worker would refuse, said before there is a project; nobody to ask.
        Declined: a person said no.
    """
    agreements = Agreements(Paths(settings.data_dir))
    offer, new = asyncio.run(_looked_ahead(brief, settings, agreements))
    note(who_makes_what(offer.makers))
    say_what_a_key_would_give(brief, offer.makers["script"])
    if not new:
        return
    if yes:
        tell(offer)
        return
    ask(offer)
    asyncio.run(agreements.add(new))


async def _looked_ahead(brief: Brief, settings: Settings, agreements: Agreements) -> tuple[Offer, tuple[str, ...]]:
    async with contextlib.aclosing(open_shelf(settings, Paths(settings.data_dir))) as shelf:
        await refuse_early(brief, settings, shelf)
        await open_tools(settings)
        offer = await offer_of(brief, settings, shelf)
    return offer, await unagreed(offer.terms, agreements)


def how_to_go_on(project_id: int) -> Text:
    """After Ctrl-C: nothing is lost."""
    return Text(
        f"已完成的部分都保留著。繼續：reelqueue worker（會接著做專案 {project_id}），另開視窗 reelqueue watch {project_id}",
        f"what is done is kept. To go on: reelqueue worker (it takes project {project_id} up again); reelqueue watch {project_id} shows it",
    )


def how_it_goes_on() -> Text:
    """Of a project that waits: `make` takes its workers along when it ends."""
    return Text(
        "make 到此結束；要有 reelqueue worker 在執行，專案才會自己接著做",
        "make ends here: a project goes on by itself only while reelqueue worker runs",
    )


def say_what_a_key_would_give(brief: Brief, writer: str) -> None:
    """A topic alone gives an outline locally."""
    if brief.content is None and writer == "local":
        note(
            Text(
                "只有主題：本機只能寫出大綱式的腳本。用 --from 給一篇文字會更好；設定 GEMINI_API_KEY 就由 Gemini 撰寫。",
                "a topic alone: the local writer makes an outline. A text (--from) gives a better script; with GEMINI_API_KEY set Gemini writes one.",
            )
        )
