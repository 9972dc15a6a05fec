"""`reelqueue dashboard`: the board, the HTTP API and the metrics, until Ctrl-C."""

import sys

import typer

from reelqueue import telemetry
from reelqueue.bootstrap import read_settings
from reelqueue.cli.console import say
from reelqueue.cli.outcome import DONE, run
from reelqueue.wording import Text


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = Text(
        "在瀏覽器看進度、處理專案，並提供 HTTP API 與指標，Ctrl-C 結束",
        "the board in the browser, the HTTP API and the metrics, until Ctrl-C",
    )

    @app.command("dashboard", help=str(about))
    def dashboard() -> None:
        raise typer.Exit(run(_serve(), terminated=DONE))


async def _serve() -> int:
    from reelqueue.dashboard.serving import serve  # noqa: PLC0415 - other commands load no web server

    settings = read_settings()
    telemetry.configure(level=settings.log_level, log_format=settings.log_format, secrets=settings.secrets(), stream=sys.stderr)
    await serve(
        settings, lambda address: say(Text(f"儀表板：{address}（Ctrl-C 結束）", f"the board: {address} (Ctrl-C ends it)"))
    )
    return DONE
