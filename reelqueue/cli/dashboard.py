"""`reelqueue dashboard`: the board, the HTTP API and the metrics, until Ctrl-C."""

import typer

from reelqueue.bootstrap import read_settings
from reelqueue.cli.outcome import DONE, run
from reelqueue.wording import Text


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("dashboard", help=str(Text("在瀏覽器看進度、處理專案，並提供 HTTP API", "the board in the browser, and the HTTP API")))
    def dashboard() -> None:
        raise typer.Exit(run(_serve()))


async def _serve() -> int:
    from reelqueue.dashboard.serving import serve  # noqa: PLC0415 - other commands load no web server

    await serve(read_settings())
    return DONE
