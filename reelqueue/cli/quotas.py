"""`reelqueue quotas`: what is left of each service today, by the ledger on disk; no Redis is needed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from jobs.standing import LOW_SHARE, standings
from reelqueue import clock
from reelqueue.bootstrap import read_settings, read_watched
from reelqueue.cli.console import STYLES, out, say, say_json
from reelqueue.cli.outcome import DONE, run
from reelqueue.models.buckets import CLOSED, SERVICES, TITLES
from reelqueue.models.meter import Standing
from reelqueue.wording import Text
from storage import Debts, Ledger, Paths


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("quotas", help=str(Text("每個服務今天還剩多少配額", "what is left of each service today")))
    def quotas(as_json: Annotated[bool, typer.Option("--json", help=str(Text("輸出 JSON", "as JSON")))] = False) -> None:
        raise typer.Exit(run(_quotas(as_json=as_json)))


async def _quotas(*, as_json: bool) -> int:
    settings, now = read_settings(), clock.now()
    paths = Paths(settings.data_dir)
    stand = await standings(Ledger(paths), read_watched(settings).meters, now)
    owed = await Debts(paths.owed).all()
    if as_json:
        buckets = [one.model_dump(mode="json") for one in stand]
        say_json({"checked_at": now.isoformat(timespec="seconds"), "buckets": buckets, "captions_owed": owed})
    else:
        _print(stand, owed, ZoneInfo(settings.timezone))
    return DONE


def _print(stand: Sequence[Standing], owed: Sequence[int], zone: ZoneInfo) -> None:
    if not stand:
        say(Text("全部由這台機器製作，沒有會用完的配額", "all is made on this machine: there is no quota to run out of"))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column(str(Text("配額", "quota")), overflow="fold")
    for head in (Text("已用", "used"), Text("其中預留", "reserved"), Text("上限", "limit"), Text("剩餘", "left")):
        table.add_column(str(head), justify="right")
    table.add_column(str(Text("狀態", "state")), overflow="fold")
    several = len({name for one in stand for name in one.channels}) > 1
    for one in stand:
        counts = (f"{one.used:,}", f"{one.reserved:,}", _count(one.limit), _count(one.remaining))
        is_door = one.bucket == CLOSED  # there is nothing to count: it is open or not
        table.add_row(_name(one, several=several), *(("", "", "", "") if is_door else counts), _state(one, zone))
    out().print(table)
    reset = next((one.resets_at for one in stand if one.bucket != CLOSED), None)
    if reset is not None:
        at = f"{_at(reset, zone)} ({zone.key})"
        say(Text(f"{at} 重新計算", f"counted anew from {at} on"))
    if owed:
        ids = ", ".join(map(str, owed))
        say(
            Text(
                f"等配額有剩再補上字幕的專案：{len(owed)} 個（{ids}）",
                f"projects whose captions follow when there is quota left: {len(owed)} ({ids})",
            )
        )


def _name(one: Standing, *, several: bool) -> str:
    """What is counted; whose it is only where there are several channels."""
    channels = ", ".join(one.channels)
    if one.bucket == CLOSED:
        return str(Text(f"YouTube 頻道 {channels}", f"YouTube channel {channels}"))
    if one.bucket not in TITLES:
        return one.bucket.replace("_", ".")  # a model, by its own name
    return f"{SERVICES.get(one.service, one.service)} {TITLES[one.bucket]}" + (f" ({channels})" if channels and several else "")


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%m-%d %H:%M")


def _state(one: Standing, zone: ZoneInfo) -> str:
    if one.closed_until is not None:
        until = _at(one.closed_until, zone)
        said = Text(f"已用完，{until} 再試", f"empty until {until}")
        return f"[{STYLES['fail']}]{said}[/]"
    if one.share_left < LOW_SHARE:
        return f"[{STYLES['warn']}]{Text('快用完', 'nearly used up')}[/]"
    return str(Text("可用", "open"))
