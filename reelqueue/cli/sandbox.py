"""`reelqueue sandbox`: Gemini, YouTube and D-ID on this machine, until Ctrl-C.

To stdout go the settings that point a service at it, ready for a shell or a `.env`; all else goes to stderr.
"""

import asyncio
import errno
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelqueue.bootstrap import read_settings
from reelqueue.cli.console import note
from reelqueue.cli.outcome import DONE, run
from reelqueue.errors import InstallationError
from reelqueue.wording import Text

if TYPE_CHECKING:
    from reelqueue.sandbox.journal import Entry

PORT = 5556
"""One above the dashboard's; always the same, so that a `.env` stays right."""

ORDERS = (
    (
        Text("下一次上傳的最後回應遺失", "lose the answer to the next upload's last chunk"),
        "faults",
        '{"service": "youtube", "call": "upload.chunk", "kind": "lost_answer"}',
    ),
    (
        Text("兩次腳本請求回覆 503", "answer 503 to two requests for a script"),
        "faults",
        '{"service": "gemini", "call": "script", "kind": "503", "times": 2}',
    ),
    (Text("今天的上傳配額只有 1 次", "leave one upload in today's quota"), "youtube", '{"caps": {"uploads": 1}}'),
    (Text("時鐘撥到下一個配額日", "move the clock to the next quota day"), "clock", '{"to": "next_day"}'),
    (Text("時鐘撥快一小時", "move the clock an hour on"), "clock", '{"move_s": 3600}'),
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = Text(
        "在本機扮演 Gemini、YouTube 和 D-ID，不需帳號也不花錢，Ctrl-C 結束",
        "play Gemini, YouTube and D-ID on this machine, with no account and no cost, until Ctrl-C",
    )
    where = Text("保存影片與狀態的資料夾（預設 DATA_DIR/sandbox）", "keeps videos and state (DATA_DIR/sandbox if not given)")

    @app.command("sandbox", help=str(about))
    def sandbox(
        port: Annotated[int, typer.Option(min=0, max=65535, help=str(Text("連接埠；0 任選", "port; 0 takes a free one")))] = PORT,
        data: Annotated[Path | None, typer.Option("--data", help=str(where))] = None,
        quiet: Annotated[bool, typer.Option("--quiet", help=str(Text("不逐行印出請求", "print no line per request")))] = False,
    ) -> None:
        folder = (data or read_settings().data_dir / "sandbox").absolute()
        raise typer.Exit(run(_serve(folder, port, quiet=quiet), interrupted=lambda: _kept(folder), terminated=DONE))


async def _serve(folder: Path, port: int, *, quiet: bool) -> int:
    from reelqueue.sandbox import open_sandbox  # noqa: PLC0415 - a web server, which no other command needs

    try:
        async with open_sandbox(folder, port=port) as opened:
            if not quiet:
                opened.journal.listeners.append(_tell)
            for name, value in opened.settings().items():
                sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
            sys.stdout.flush()
            _explain(opened.url, folder)
            await asyncio.Event().wait()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise InstallationError(
            Text(f"連接埠 {port} 已被佔用", f"port {port} is taken"),
            Text("另一個 sandbox 可能還在執行；或用 --port 換一個", "another sandbox may be running; or choose one by --port"),
        ) from error
    return DONE


def _explain(url: str, folder: Path) -> None:
    note(Text(f"沙盒在 {url}，資料在 {folder}", f"the sandbox is at {url}, its data in {folder}"))
    note(
        Text(
            "把上面的 export 貼進 shell 或寫進 .env，這裡的服務就會取代真的服務",
            "put the exports above into a shell or a .env: these services then stand in for the real ones",
        )
    )
    for what, path, body in ORDERS:
        note(Text(f"# {what.zh}", f"# {what.en}"))
        note(f"curl -d {shlex.quote(body)} {url}/_sandbox/{path}")
    note(Text("# 發生了什麼；每一個請求", "# what happened; every request"))
    note(f"curl {url}/_sandbox/state")
    note(f"curl {url}/_sandbox/journal")
    note(Text("Ctrl-C 結束", "Ctrl-C ends it"))


def _tell(entry: "Entry") -> None:
    """One request, in a line; no query, for a session's name in it is a secret."""
    fault = f" [{entry.fault}]" if entry.fault else ""
    took_s = (entry.ended_s or entry.monotonic_s) - entry.monotonic_s
    answer = "-" if entry.status is None else entry.status
    note(f"{entry.at:%H:%M:%S} {entry.service} {entry.call} {answer} {took_s:.2f} s{fault}")


def _kept(folder: Path) -> Text:
    return Text(f"影片留在 {folder}", f"the videos stay in {folder}")
