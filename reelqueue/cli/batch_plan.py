"""What would be made of a file: shown by `--dry-run`, and in short before it is made."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

from jobs.batch.rows import Sheet
from reelqueue.ahead.batch_file import TopicFile
from reelqueue.ahead.batch_offer import BatchOffer, makers_in_words, offer_in_words
from reelqueue.ahead.batch_past import Past
from reelqueue.ahead.batch_prepared import Prepared
from reelqueue.ahead.offer import PRIVACY
from reelqueue.cli.batch_forecast import forecast_as_json, tell_forecast
from reelqueue.cli.console import note, out, say
from reelqueue.cli.widths import counted, fit, spans
from reelqueue.models.brief import Brief
from reelqueue.wording import Text

SHOWN_ROWS = 20
_TOPIC_CELLS = 34


def tell_file(file: TopicFile, sheet: Sheet, past: Past) -> None:
    """How it was read, what stands in it twice, what was made before."""
    count = len(sheet.rows)
    note(Text(f"{file.title.zh}：{count:,} 列（{sheet.how.zh}）", f"{file.title.en}: {counted(count, 'row')} ({sheet.how.en})"))
    for line, first in sheet.repeats[:SHOWN_ROWS]:
        note(
            Text(
                f"  第 {line} 行和第 {first} 行是同一支影片：只做一次",
                f"  line {line} is the video of line {first} again: made once",
            )
        )
    if (more := len(sheet.repeats) - SHOWN_ROWS) > 0:
        note(Text(f"  …另外還有 {more:,} 行重複", f"  … and {counted(more, 'more repeat')}"))
    if past.earlier:
        ids = spans(number for _, number in past.earlier)
        note(
            Text(
                f"  {len(past.earlier):,} 列先前做過，略過：專案 {ids}",
                f"  made before and left out: {counted(len(past.earlier), 'row')}, project {ids}",
            )
        )


def tell_plan(ready: Prepared, offer: BatchOffer, zone: ZoneInfo) -> None:
    """The table, who makes it, what it takes, when it ends."""
    calendar, forecast = ready.calendar, ready.forecast
    _print_rows(ready, zone)
    say(makers_in_words(offer))
    for line in offer_in_words(offer):
        say(line)
    if calendar is not None:
        say(Text(f"發布時程：{calendar}", f"publish calendar: {calendar}"))
    if forecast is not None:
        tell_forecast(forecast)


def _print_rows(ready: Prepared, zone: ZoneInfo) -> None:
    rows = ready.past.rows
    heads = (Text("行", "line"), Text("主題", "topic"), Text("秒", "s"), Text("頻道", "channel"), Text("公開", "seen by"))
    table = Table(box=None)
    for head, side in zip(heads, ("right", "left", "right", "left", "left"), strict=True):
        table.add_column(str(head), justify="right" if side == "right" else "left", no_wrap=True)
    for place, row in enumerate(rows[:SHOWN_ROWS]):
        brief = row.brief
        length = str(brief.duration_s) if brief.duration_s is not None else ""
        table.add_row(
            str(row.line), fit(title_of(brief), _TOPIC_CELLS), length, fit(brief.channel or "", 12), _seen(ready, place, zone)
        )
    out().print(table)
    if (more := len(rows) - SHOWN_ROWS) > 0:
        say(Text(f"…另外還有 {more:,} 支（--json 會全部列出）", f"… and {more:,} more (--json lists them all)"))


def title_of(brief: Brief) -> str:
    """What a row is about, in one line."""
    return brief.topic or (brief.content or "").strip().splitlines()[0].lstrip("# ")


def _seen(ready: Prepared, place: int, zone: ZoneInfo) -> str:
    """Who may see it; of one that becomes public by itself when."""
    if (told := _public_at(ready, place)) is not None:
        at = f"{datetime.fromisoformat(told).astimezone(zone):%m-%d %H:%M}"
        return str(Text(f"{at} 公開", f"public {at}"))
    if ready.calendar is not None:
        return str(Text("照時程公開", "public by calendar"))
    return str(PRIVACY[ready.past.rows[place].brief.privacy]).partition("（")[0]


def _public_at(ready: Prepared, place: int) -> str | None:
    """When a row is expected to become public by itself."""
    moment = ready.moments[place] if ready.moments else None
    return moment.isoformat() if moment is not None else ready.past.rows[place].brief.publish_at


def plan_as_json(ready: Prepared) -> dict[str, Any]:
    """For programs; money in US dollars.  Of a file that was begun before it says which batch it is."""
    past, offer = ready.past, ready.offer
    published = offer.published if offer is not None else {}
    return {
        "batch_id": past.batch.batch_id if past.batch is not None else None,
        "rows": [
            {"line": row.line, "key": row.key, "brief": row.brief.model_dump(mode="json"), "public_at": _public_at(ready, place)}
            for place, row in enumerate(past.rows)
        ],
        "repeats": [{"line": line, "of": first} for line, first in ready.sheet.repeats],
        "earlier": [{"line": row.line, "project_id": number} for row, number in past.earlier],
        "makers": {kind: list(names) for kind, names in offer.makers.items()} if offer is not None else {},
        "services": list(offer.services) if offer is not None else [],
        "published": [{"channel": name, "seen": seen, "count": count} for (name, seen), count in published.items()],
        "calendar": ready.calendar,
        "forecast": forecast_as_json(ready.forecast),
    }
