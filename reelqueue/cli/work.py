"""`reelqueue worker`: the workers in the foreground, supervised.  Every line is a worker's: JSON, from the first one on."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated

import structlog
import typer

from jobs.client import redis_settings
from jobs.mistakes import mistaken
from reelqueue import telemetry
from reelqueue.bootstrap import Settings, read_manner, read_settings
from reelqueue.cli.console import complain
from reelqueue.cli.outcome import DONE, FAILED, USAGE
from reelqueue.cli.server import redis_server, with_redis, worker_environment
from reelqueue.errors import InvalidSettings, ReelqueueError
from reelqueue.lines import all_as_lines
from reelqueue.supervisor import MARGIN_SECONDS, WORKERS, NeverStarted, Supervisor, WorkerRefused
from reelqueue.wording import Text
from storage import Paths, open_installation

MOST_VIDEO_WORKERS = 64
BURST_PATIENCE = 3
"""A burst ends some time, also where a worker never gets going."""
_OURS = {"timestamp", "level", "event", "worker"}
"""Fields that our own line has already."""
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_log = structlog.get_logger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = Text(
        "執行 worker 並看顧它們（沒有設定 Redis 時啟動內建的），Ctrl-C 結束",
        "run workers and keep them running (with the embedded Redis where none is configured) until Ctrl-C",
    )
    several = Text(
        "幾個 video worker 程序，每個都有 VIDEO_MAX_JOBS 個工作位", "how many video workers, each with VIDEO_MAX_JOBS places"
    )

    @app.command("worker", help=str(about))
    def worker(
        kind: Annotated[str, typer.Argument(help="video | batch | maintenance | all")] = "all",
        burst: Annotated[bool, typer.Option("--burst", help=str(Text("佇列空了就結束", "end when the queue is empty")))] = False,
        video_workers: Annotated[int, typer.Option("--video-workers", min=1, max=MOST_VIDEO_WORKERS, help=str(several))] = 1,
    ) -> None:
        raise typer.Exit(_supervised(_kinds(kind, video_workers), burst=burst))


def _kinds(kind: str, video_workers: int) -> tuple[str, ...]:
    """The workers that are asked for, one name each."""
    kinds = list(WORKERS) if kind == "all" else [kind]
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
    if video_workers > 1 and "video" not in kinds:
        raise typer.BadParameter(str(Text(f"--video-workers 不適用於 {kind}", f"--video-workers does not go with {kind}")))
    return tuple(["video"] * (video_workers - 1) + kinds)


def _supervised(kinds: tuple[str, ...], *, burst: bool) -> int:
    """Run them to their end; whatever we meet is a line of the log and an exit code."""
    manner = read_manner()
    telemetry.configure(level=manner.log_level, log_format=manner.log_format, stream=sys.__stderr__)
    all_as_lines(printed=manner.log_format == "json")
    url = setting = ""
    try:
        settings = read_settings()
        telemetry.keep_secret(*settings.secrets())
        url, setting = settings.configured_redis_url or "", settings.named_by
        return asyncio.run(_work(settings, kinds, burst=burst))
    except asyncio.CancelledError:  # told to end before the workers were there
        return DONE
    except Exception as error:  # noqa: BLE001 - a bug is one line too
        mistake = error if isinstance(error, ReelqueueError) else mistaken(error, url, setting)
        if mistake is None:
            _log.critical("crashed", exc_info=error)
            return FAILED
        _refuse(mistake, manner.log_format)
        return FAILED if isinstance(mistake, NeverStarted) else USAGE


def _refuse(mistake: ReelqueueError, log_format: str) -> None:
    """Say what the user can mend: to people in words, else in one line, a worker's own where a worker said it."""
    if log_format == "console":
        complain(mistake)
        return
    ours = {"code": mistake.code, "error": mistake.message, "hint": mistake.hint}
    named = {"setting": mistake.name} if isinstance(mistake, InvalidSettings) and mistake.name else {}
    theirs = mistake.line if isinstance(mistake, WorkerRefused) else {}
    _log.error(
        "crashed" if isinstance(mistake, NeverStarted) else "refused",
        **ours | named | {name: value for name, value in theirs.items() if name not in _OURS},
    )


async def _work(settings: Settings, kinds: tuple[str, ...], *, burst: bool) -> int:
    task = asyncio.current_task()
    if task is not None:
        _on_signals(task.cancel)
    async with _server(settings) as live:
        supervisor = Supervisor(
            kinds,
            worker_environment(live),
            Path.cwd(),
            log_format=settings.log_format,
            grace_s=settings.drain_seconds + MARGIN_SECONDS,
            patience=BURST_PATIENCE if burst else None,
            burst=burst,
        )
        _on_signals(supervisor.stop)
        await supervisor.run()
        return FAILED if supervisor.killed else DONE


def _on_signals(act: Callable[[], object]) -> None:
    """What to do from now on when we are asked to end."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's choice stays
            asyncio.get_running_loop().add_signal_handler(number, act)


@contextlib.asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[Settings]:
    """The server that was configured, whether or not it answers: an app asks there.  Else the embedded one.

    Raises:
        InvalidSettings, InstallationError: DATA_DIR or REDIS_URL can't be used, or no server can be started.
    """
    url = settings.configured_redis_url
    if url is None:
        async with redis_server(settings) as live:
            yield live
        return
    redis_settings(url, setting=settings.redis_setting)
    await asyncio.to_thread(open_installation, Paths(settings.data_dir), allow_network_fs=settings.allow_network_fs)
    yield with_redis(settings, url)
