"""`reelqueue worker`: the workers in the foreground, supervised."""

from pathlib import Path
from typing import Annotated

import typer

from reelqueue import telemetry
from reelqueue.bootstrap import Settings, read_settings
from reelqueue.cli.outcome import DONE, run
from reelqueue.cli.server import redis_server, worker_environment
from reelqueue.supervisor import WORKERS, Supervisor
from reelqueue.wording import Text


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = Text(
        "執行 worker（沒有 Redis 時啟動內建的），Ctrl-C 結束",
        "run workers (and the embedded Redis where none answers) until Ctrl-C",
    )

    @app.command("worker", help=str(about))
    def worker(
        kind: Annotated[str, typer.Argument(help="video | batch | maintenance | all")] = "all",
        burst: Annotated[bool, typer.Option("--burst", help=str(Text("佇列空了就結束", "end when the queue is empty")))] = False,
    ) -> None:
        kinds = tuple(WORKERS) if kind == "all" else (kind,)
        if kinds[0] not in WORKERS:
            allowed = " ".join([*WORKERS, "all"])
            raise typer.BadParameter(
                str(
                    Text(
                        f"worker 的種類：允許的是 {allowed}；收到的是 {kind!r}",
                        f"the kind of worker: allowed is {allowed}; given was {kind!r}",
                    )
                )
            )
        raise typer.Exit(run(_work(read_settings(), kinds, burst=burst), terminated=DONE))


async def _work(settings: Settings, kinds: tuple[str, ...], *, burst: bool) -> int:
    telemetry.configure(level=settings.log_level, log_format=settings.log_format)
    async with redis_server(settings) as live:
        await Supervisor(kinds, worker_environment(live), Path.cwd(), burst=burst).run()
    return DONE
