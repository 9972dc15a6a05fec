"""`reelqueue costs`: what was paid for, by day, service and model, or for one project; from the ledger on disk, without Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Table

from jobs.paid import Paid, paid_for, paid_lately
from jobs.spending import Caps
from reelqueue import clock
from reelqueue.bootstrap import Settings, open_shelf, read_settings
from reelqueue.cli.console import escape, out, say, say_json
from reelqueue.cli.outcome import DONE, run
from reelqueue.models.ids import parse_project_id
from reelqueue.models.project import Usage
from reelqueue.wording import Text
from storage import Ledger, Paths, ProjectStore
from storage.ledger import pacific_day

SHOWN_DAYS, KEPT_DAYS = 7, 60


@dataclass(frozen=True, slots=True)
class Line:
    """One account of money by its name."""

    name: Text
    paid: Paid

    def as_json(self) -> dict[str, Any]:
        """For programs; money in US dollars."""
        told = {"used_usd": float(self.paid.used), "reserved_usd": float(self.paid.reserved)}
        caps = {} if self.paid.cap is None else {"cap_usd": float(self.paid.cap) or None}
        return {**told, **caps, "usage": [use.model_dump(mode="json") for use in self.paid.usage]}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        "costs",
        help=str(Text("花了多少錢：每天、每個服務，或一個專案", "what was spent: by day and service, or for one project")),
    )
    def costs(
        number: Annotated[
            str | None, typer.Argument(metavar="[ID]", help=str(Text("專案編號", "a project's id")), show_default=False)
        ] = None,
        days: Annotated[int, typer.Option(min=1, max=KEPT_DAYS, help=str(Text("最近幾天", "the last days")))] = SHOWN_DAYS,
        as_json: Annotated[bool, typer.Option("--json", help=str(Text("輸出 JSON", "as JSON")))] = False,
    ) -> None:
        settings = read_settings()
        work = _days(settings, days, as_json=as_json) if number is None else _project(settings, number, as_json=as_json)
        raise typer.Exit(run(work))


async def _project(settings: Settings, given: str, *, as_json: bool) -> int:
    number, paths = parse_project_id(given), Paths(settings.data_dir)
    state = await ProjectStore.reader(paths).load(number)
    line = Line(Text(f"專案 {number}", f"project {number}"), await paid_for(Ledger(paths), number, _caps(settings)))
    if as_json:
        say_json({"project_id": number, "status": str(state.status), **line.as_json()})
        return DONE
    _print_lines([line])
    _print_usage(line.paid.usage)
    return DONE


async def _days(settings: Settings, days: int, *, as_json: bool) -> int:
    paths, today = Paths(settings.data_dir), pacific_day(clock.now())
    channels = {name: channel.daily_cost_cap_usd for name, channel in open_shelf(settings, paths).channels.items()}
    found = await paid_lately(Ledger(paths), today, max(days, 30), _caps(settings), channels)
    last, total = list(found.days.items())[:days], found.total(days)
    if as_json:
        say_json(
            {
                "today": _line(found.today).as_json(),
                "total": {"days": days, **_line(total).as_json()},
                "days": [{"day": day.isoformat(), **_line(Paid(paid.account)).as_json()} for day, paid in last],
                "channels": {name: _line(paid).as_json() for name, paid in found.channels.items()},
                "project_cap_usd": float(settings.project_cost_cap_usd) or None,
            }
        )
        return DONE
    _print_lines(
        [
            Line(Text("今天", "today"), found.today),
            *(Line(_lately(span), found.total(span)) for span in sorted({7, 30, days})),
            *(Line(Text(f"頻道 {name} 今天", f"channel {name} today"), paid) for name, paid in found.channels.items()),
        ]
    )
    _print_days(last)
    _print_usage(total.usage)
    return DONE


def _caps(settings: Settings) -> Caps:
    return Caps(daily_usd=settings.daily_cost_cap_usd, project_usd=settings.project_cost_cap_usd)


def _line(paid: Paid) -> Line:
    """For programs: its place says what it is."""
    return Line(Text("", ""), paid)


def _lately(days: int) -> Text:
    return Text(f"最近 {days} 天", f"last {days} days" if days > 1 else "last day")


def _print_lines(lines: Sequence[Line]) -> None:
    table = _table(
        (Text("美元", "US dollars"), False),
        (Text("已用", "spent"), True),
        (Text("其中預留", "reserved"), True),
        (Text("上限", "cap"), True),
    )
    for line in lines:
        table.add_row(str(line.name), _money(line.paid.used), _money(line.paid.reserved), _cap(line.paid.cap))
    out().print(table)
    if any(line.paid.reserved for line in lines):
        say(
            Text(
                "「預留」是進行中、或結果不明的呼叫，以估計的上限計",
                "reserved: calls that are under way or whose outcome nobody knows, at their estimate",
            )
        )


def _print_days(days: Sequence[tuple[date, Paid]]) -> None:
    spent = [(day, paid) for day, paid in days if paid.used]
    if not spent:
        return
    table = _table((Text("日期（太平洋時間）", "day (Pacific time)"), False), (Text("已用", "spent"), True))
    for day, paid in spent:
        table.add_row(day.isoformat(), _money(paid.used))
    out().print()
    out().print(table)


_UNITS = {
    "input_tokens": Text("輸入 token", "input_tokens"),
    "output_tokens": Text("輸出 token", "output_tokens"),
    "image_tokens": Text("圖片 token", "image_tokens"),
    "audio_tokens": Text("語音 token", "audio_tokens"),
    "second": Text("秒", "second"),
}
"""Units of the price table; others are told by their own names."""


def _print_usage(usage: Sequence[Usage]) -> None:
    if not usage:
        say(Text("還沒有付費的呼叫", "nothing was paid for yet"))
        return
    table = _table(
        (Text("服務", "service"), False),
        (Text("模型", "model"), False),
        (Text("單位", "unit"), False),
        (Text("數量", "amount"), True),
        (Text("美元", "US dollars"), True),
    )
    for use in sorted(usage, key=lambda use: -use.cost_usd):
        unit = str(_UNITS.get(use.unit, use.unit))
        table.add_row(*map(escape, (use.service, use.model, unit)), f"{use.amount:,.10g}", _money(Decimal(str(use.cost_usd))))
    out().print()
    out().print(table)


def _table(*columns: tuple[Text, bool]) -> Table:
    """A table; the columns of numbers stand to the right."""
    table = Table(box=None)
    for head, is_number in columns:
        table.add_column(str(head), justify="right" if is_number else "left", overflow="fold")
    return table


def _cap(cap: Decimal | None) -> str:
    if cap is None:
        return ""
    return f"{cap.normalize():f}" if cap else str(Text("無", "none"))


def _money(amount: Decimal) -> str:
    return f"{amount:,.4f}"
