"""`reelqueue make`: one video, everything in one process tree."""

import typer

from reelqueue.bootstrap import Settings, open_tools, read_settings
from reelqueue.cli.brief import Typed, with_brief
from reelqueue.cli.console import note
from reelqueue.cli.making import make_video, report
from reelqueue.cli.outcome import DONE, run
from reelqueue.cli.refusing import refuse_early
from reelqueue.models.brief import Brief
from reelqueue.wording import Text
from storage import Paths


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = Text("做一支影片：主題、--from 文字檔，或 --brief JSON 檔", "make a video of a topic, a text file or a JSON brief")
    app.command("make", help=str(about))(with_brief(_make))


def _make(typed: Typed) -> int:
    brief, settings = typed.brief(), read_settings()
    refuse_early(brief, settings)
    say_what_a_key_would_give(brief, settings)
    made_id: list[int] = []

    def created(project_id: int) -> None:
        made_id.append(project_id)
        note(Text(f"專案 {project_id}", f"project {project_id}"))

    async def work() -> int:
        await open_tools(settings)  # what every worker would refuse is said once, before there is a project
        made = await make_video(settings, brief, created=created)
        report(made, Paths(settings.data_dir))
        return DONE

    return run(work(), interrupted=lambda: how_to_go_on(made_id[0]) if made_id else None)


def how_to_go_on(project_id: int) -> Text:
    """After Ctrl-C: nothing is lost."""
    return Text(
        f"已完成的部分都保留著。繼續：reelqueue worker（會接著做專案 {project_id}），另開視窗 reelqueue watch {project_id}",
        f"what is done is kept. To go on: reelqueue worker (it takes project {project_id} up again); reelqueue watch {project_id} shows it",
    )


def say_what_a_key_would_give(brief: Brief, settings: Settings) -> None:
    """A topic alone gives an outline locally."""
    if brief.content is None and settings.script_provider in {"auto", "local"}:
        note(
            Text(
                "只有主題：本機只能寫出大綱式的腳本。用 --from 給一篇文字會更好；設定 Gemini 金鑰也會（之後的版本支援）。",
                "a topic alone: the local writer makes an outline. A text (--from) gives a better script; so does a Gemini key (in a later version).",
            )
        )
