"""A forecast in words: when a batch ends, what limits it, what each day takes; and the outcome beside it."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from reelqueue.ahead.batch_offer import usd
from reelqueue.ahead.moments import between, moment
from reelqueue.cli.console import out, say
from reelqueue.models.forecast import DayForecast, Forecast, Outcome
from reelqueue.wording import Text

SHOWN_DAYS = 14
LIMITS = {
    "cpu": Text("這台機器的算力", "this machine's speed"),
    "uploads": Text("每天的上傳數", "uploads a day"),
    "units": Text("YouTube 每天的配額", "YouTube's units a day"),
    "money": Text("花費上限", "the cost cap"),
    "slots": Text("發布時程", "the publish calendar"),
    "person": Text("等人審核或處理", "a person's approval"),
}
"""What decides a batch's end."""


def tell_forecast(forecast: Forecast) -> None:
    """Below what it costs: when it ends and what limits it; day by day where it takes more than one, or money, or YouTube's quota."""
    for line in forecast_in_words(forecast, cost=False):
        say(line)
    days = [day for day in forecast.days if day.uploads or day.units or day.captions_owed or day.usd]
    if any(day.units or day.usd for day in days) or len(days) > 1:
        _print_days(days)


def forecast_in_words(forecast: Forecast, *, cost: bool = True) -> list[Text]:
    """Without the days."""
    end, limit = between(forecast.least, forecast.most), LIMITS[forecast.limit]
    if forecast.limit == "slots":  # of them only the upload is ours to do; YouTube publishes
        return [
            Text(f"預計全部上傳：{end.zh}", f"expected to be uploaded: {end.en}"),
            *_published(forecast),
            *_cost(forecast, cost=cost),
        ]
    lines = [
        Text(f"預計完成：{end.zh}", f"expected to end: {end.en}"),
        Text(f"取決於：{limit.zh}", f"decided by: {limit.en}"),
    ]
    return [*lines, *_published(forecast), *_cost(forecast, cost=cost)]


def _published(forecast: Forecast) -> list[Text]:
    if forecast.published_by is None:
        return []
    at = moment(forecast.published_by)
    return [Text(f"最後一支公開：{at}", f"the last one becomes public: {at}")]


def _cost(forecast: Forecast, *, cost: bool) -> list[Text]:
    if not forecast.usd[1] or not cost:
        return []
    spent = usd(forecast.usd)
    return [Text(f"預估花費：{spent} 美元", f"expected to cost: {spent} US dollars")]


def outcome_in_words(forecast: Forecast | None, outcome: Outcome) -> list[Text]:
    """What came of it, beside what was expected."""
    at = moment(outcome.ended_at)
    if forecast is None:
        return [Text(f"結束：{at}", f"ended: {at}")]
    end = between(forecast.least, forecast.most)
    held = Text("在預測之內", "as expected") if outcome.within else _missed(forecast, outcome)
    lines = [Text(f"結束：{at}，{held.zh}（預測 {end.zh}）", f"ended: {at}, {held.en} (expected {end.en})")]
    if outcome.usd or forecast.usd[1]:
        cost, spent = usd(forecast.usd), f"{outcome.usd:.2f}"
        lines.append(Text(f"花費：{spent} 美元（預測 {cost}）", f"cost: {spent} US dollars (expected {cost})"))
    return lines


def _missed(forecast: Forecast, outcome: Outcome) -> Text:
    if outcome.ended_at < forecast.least:
        return Text("比預測早", "earlier than expected")
    return Text("比預測晚", "later than expected")


def _print_days(days: Sequence[DayForecast]) -> None:
    heads = (
        (Text("太平洋日期", "Pacific day"), "left"),
        (Text("上傳", "uploads"), "right"),
        (Text("配額", "units"), "right"),
        (Text("待補字幕", "captions owed"), "right"),
        (Text("美元", "US dollars"), "right"),
    )
    table = Table(box=None)
    for head, side in heads:
        table.add_column(str(head), justify="right" if side == "right" else "left")
    for day in days[:SHOWN_DAYS]:
        counts = (f"{count:,}" if count else "" for count in (day.uploads, day.units, day.captions_owed))
        table.add_row(day.day.isoformat(), *counts, f"{day.usd:,.2f}" if day.usd else "")
    out().print(table)
    if (more := len(days) - SHOWN_DAYS) > 0:
        say(Text(f"…再 {more} 天", f"… and {more} more days"))


def forecast_as_json(forecast: Forecast | None) -> Any:
    """As a batch's state has it."""
    return None if forecast is None else forecast.model_dump(mode="json")
