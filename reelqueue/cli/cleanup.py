"""`reelqueue cleanup`: what the nightly job does, now; or what it would do.  From disk, without Redis."""

from typing import Annotated, Any

import typer
from rich.table import Table

from jobs.client import announcer_of
from jobs.maintenance.cleanup import SECONDS, as_json
from jobs.maintenance.clearing import Cleared, Ground, clear
from jobs.maintenance.removable import Why
from reelqueue.bootstrap import Settings, read_settings
from reelqueue.cli.console import note, out, say, say_json, size
from reelqueue.cli.outcome import DONE, run
from reelqueue.wording import Text
from storage import BatchStore, Ledger, Owner, Paths, ProjectStore

SHOWN = 20
"""So many projects are listed; of more their number is told, and `--json` names them."""
REASONS = {
    Why.PUBLISHED: Text("已發布影片的中間檔", "pieces of published videos"),
    Why.UNNAMED: Text("沒有用到的中間檔", "pieces that nothing uses"),
    Why.STRAY: Text("中斷留下的暫存檔", "temporary files of killed writers"),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = Text("清出磁碟空間：和每天的清理工作一樣", "make room on the disk, as the nightly cleanup does")
    dry = Text("只列出會移除什麼，不動任何檔案", "only list what would go, and touch nothing")

    @app.command("cleanup", help=str(about))
    def cleanup(
        dry_run: Annotated[bool, typer.Option("--dry-run", help=str(dry))] = False,
        as_json: Annotated[bool, typer.Option("--json", help=str(Text("輸出 JSON", "as JSON")))] = False,
    ) -> None:
        raise typer.Exit(run(_cleanup(read_settings(), dry_run=dry_run, in_json=as_json)))


async def _cleanup(settings: Settings, *, dry_run: bool, in_json: bool) -> int:
    paths = Paths(settings.data_dir)
    if not paths.projects.is_dir():
        say_json(as_json(Cleared(dry_run, 0, 0))) if in_json else say(Text("還沒有專案", "there are no projects yet"))
        return DONE
    told = await clear(ground_of(settings, paths), dry_run=dry_run, seconds=SECONDS)
    if in_json:
        say_json(as_json(told))
    else:
        _print(told)
    return DONE


def ground_of(settings: Settings, paths: Paths) -> Ground:
    """Where a command cleans, by its settings."""
    owner, lease_seconds = Owner.here(), settings.lease_seconds
    batches = BatchStore(paths, owner, lease_seconds=lease_seconds)
    told = announcer_of(settings, batches, is_worker=False)
    return Ground(
        projects=ProjectStore(paths, owner, lease_seconds=lease_seconds, on_rest=told.rested),
        batches=batches,
        ledger=Ledger(paths),
        keep_days=settings.keep_days,
        low_water_bytes=round(settings.disk_low_water_gb * 1e9),
    )


def _print(told: Cleared) -> None:
    if told.projects:
        out().print(_table(told))
    if told.cleaned > SHOWN:
        note(Text(f"另外還有 {told.cleaned - SHOWN} 個專案", f"and {told.cleaned - SHOWN} more projects"))
    for line in _besides(told):
        say(line)
    total = size(told.bytes + told.trash_bytes)
    free, low = size(told.free_bytes), size(told.low_water_bytes)
    say(
        Text(f"會清出 {total}（{told.files} 個檔案），之後可用 {free}", f"would free {total} ({told.files} files); then {free} are free")
        if told.dry_run
        else Text(f"清出 {total}（{told.files} 個檔案），可用 {free}", f"freed {total} ({told.files} files); {free} are free")
    )  # fmt: skip
    if told.is_low:
        say(
            Text(
                f"仍低於 DISK_LOW_WATER_GB（{low}）：刪除不要的專案（reelqueue delete）、調低 KEEP_DAYS，或換大的磁碟",
                f"still below DISK_LOW_WATER_GB ({low}): delete projects (reelqueue delete), lower KEEP_DAYS, or use a larger disk",
            )
        )
    if told.left:
        say(Text(f"還有 {told.left} 個專案沒看完，下次繼續", f"{told.left} projects are left for the next time"))


def _table(told: Cleared) -> Table:
    heads = (Text("編號", "id"), Text("檔案", "files"), Text("大小", "size"), Text("原因", "why"))
    table = Table(*(str(head) for head in heads), box=None)
    for one in told.projects[:SHOWN]:
        table.add_row(str(one["project_id"]), str(one["files"]), size(one["bytes"]), _reasons(one))
    return table


def _reasons(one: dict[str, Any]) -> str:
    return ", ".join(f"{REASONS[Why(why)]} {size(count)}" for why, count in one["why"].items())


def _besides(told: Cleared) -> list[Text]:
    lines = []
    if told.trash_bytes:
        lines.append(Text(f"中斷的刪除留下的：{size(told.trash_bytes)}", f"left by killed deletes: {size(told.trash_bytes)}"))
    if told.batches:
        names = " ".join(map(str, told.batches))
        lines.append(Text(f"所有專案都已刪除的舊批次：{names}", f"old batches whose projects are all deleted: {names}"))
    if told.ledger_days:
        days = f"{told.ledger_days[0]} - {told.ledger_days[-1]}"
        lines.append(Text(f"帳本的舊日子：{days}", f"old days of the ledger: {days}"))
    return lines
