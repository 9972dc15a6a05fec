"""`reelqueue doctor`: is everything there, and if not, what to do."""

from typing import Annotated

import typer

from reelqueue.ahead.checks import CHECKS
from reelqueue.ahead.findings import Finding
from reelqueue.bootstrap import read_settings
from reelqueue.cli.console import STYLES, escape, out, say, say_json
from reelqueue.cli.outcome import DONE, FAILED, run
from reelqueue.telemetry import keep_secret
from reelqueue.wording import Text


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("doctor", help=str(Text("檢查這台機器，並說明該怎麼做", "check this machine and say what to do")))
    def doctor(as_json: Annotated[bool, typer.Option("--json", help=str(Text("輸出 JSON", "as JSON")))] = False) -> None:
        raise typer.Exit(run(_doctor(as_json=as_json)))


async def _doctor(*, as_json: bool) -> int:
    settings = read_settings()
    keep_secret(*settings.secrets())
    found: list[Finding] = []
    for check in CHECKS:
        news = await check(settings)
        found += news
        if not as_json:
            for finding in news:
                _print(finding)
    bad, doubtful = ([finding for finding in found if finding.level == level] for level in ("fail", "warn"))
    if as_json:
        say_json([{"level": one.level, "what": str(one.what).strip(), "saw": str(one.saw), "do": str(one.do)} for one in found])
    elif bad:
        say(Text(f"有 {len(bad)} 個問題要處理", f"{len(bad)} to mend"))
    elif doubtful:
        say(Text(f"可以使用；有 {len(doubtful)} 件事要留意", f"it works; {len(doubtful)} to look at"))
    else:
        say(Text("一切就緒", "all is well"))
    return FAILED if bad else DONE


def _print(finding: Finding) -> None:
    style = STYLES[finding.level]
    out().print(f"[{style}]{finding.level:4}[/{style}]  {escape(str(finding.what))}: {escape(str(finding.saw))}")
    if str(finding.do):
        out().print(f"        → {escape(str(finding.do))}")
