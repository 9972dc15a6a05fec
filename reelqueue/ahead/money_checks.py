"""What `doctor` looks at of money: the prices that are counted with, and the caps."""

from datetime import date, timedelta

from jobs.spending import money_bucket
from reelqueue import clock
from reelqueue.ahead.findings import Finding, failed, made_by, services_of
from reelqueue.bootstrap import Settings
from reelqueue.errors import ReelqueueError
from reelqueue.models.buckets import SERVICES
from reelqueue.models.prices import PriceTable
from reelqueue.providers.prices import read_prices
from reelqueue.wording import Text
from storage import Ledger, Paths
from storage.ledger import pacific_day

PRICES_END_WITHIN = timedelta(days=14)
_UNITS = {
    "script": ("gemini_text_model", ("input_tokens", "output_tokens")),
    "image": ("gemini_image_model", ("input_tokens", "image_tokens")),
    "voice": ("gemini_tts_model", ("input_tokens", "audio_tokens")),
}
"""What is billed of each kind, by the setting that names its model."""


async def prices(settings: Settings) -> list[Finding]:
    """Whether the price of all that is billed is known today, and until when."""
    what = Text("價目", "prices")
    try:
        table = read_prices(settings.prices_file)
    except ReelqueueError as error:
        return [failed(what, error)]
    billed = [
        ("gemini", str(getattr(settings, setting)), unit)
        for kind, (setting, units) in _UNITS.items()
        if made_by(settings, "gemini", kind)
        for unit in units
    ]
    if not billed and not services_of(settings) & {"did"}:
        return []
    today = clock.now().date()
    do = Text(
        "用 PRICES_FILE 給目前的價格，否則照已知最貴的計算",
        "give today's prices in PRICES_FILE; until then the dearest that is known is counted",
    )
    missing = sorted({model for service, model, unit in billed if not table.knows(service, model, unit, today)})
    if missing:
        return [
            Finding(
                "warn", what, Text(f"不知道今天的價格：{'、'.join(missing)}", f"today's is not known of {', '.join(missing)}"), do
            )
        ]
    ends = [day for one in billed if (day := _known_until(table, *one, today)) is not None]
    if ends and min(ends) - today < PRICES_END_WITHIN:
        return [Finding("warn", what, Text(f"只到 {min(ends)}", f"known to {min(ends)} only"), do)]
    assumed = sorted({price.service for price in table.prices if price.assumed and price.holds(today)} & services_of(settings))
    if assumed:
        names = ", ".join(SERVICES.get(service, service) for service in assumed)
        saw = Text(f"{names} 的價格是往高處估的，不是你方案的實價", f"of {names} it is estimated from above")
        return [
            Finding("ok", what, saw, Text("想算得準，就在 PRICES_FILE 寫上自己方案的價格", "give your plan's own in PRICES_FILE"))
        ]
    return [Finding("ok", what, Text("今天的都知道", "all of today's are known"))]


def _known_until(table: PriceTable, service: str, model: str, unit: str, today: date) -> date | None:
    """The last day on which the price is known; None where it has no end."""
    day = today
    while True:
        ends = [price.until for price in table.prices if (price.service, price.model, price.unit) == (service, model, unit) and price.holds(day)]  # fmt: skip
        if not ends:
            return day - timedelta(days=1)
        if None in ends:
            return None
        day = max(end for end in ends if end is not None) + timedelta(days=1)


async def money(settings: Settings) -> list[Finding]:
    """The caps, and what of today's is used."""
    if not {"gemini", "did"} & services_of(settings):
        return []
    what, cap = Text("花費上限", "cost caps"), settings.daily_cost_cap_usd
    try:
        used = (await Ledger(Paths(settings.data_dir)).account(money_bucket(pacific_day(clock.now())))).used
    except ReelqueueError as error:
        return [failed(what, error)]
    project = settings.project_cost_cap_usd
    day, each = (str(limit) if limit else "-" for limit in (cap, project))
    saw = Text(
        f"今天已用 {used:.2f}，每天 {day}、每支影片 {each}（美元）",
        f"{used:.2f} used today, {day} a day, {each} a video (US dollars)",
    )
    if cap and used >= cap:
        return [Finding("warn", what, saw, Text("今天不會再付費；可調高 DAILY_COST_CAP_USD", "nothing more is paid today; raise DAILY_COST_CAP_USD"))]  # fmt: skip
    if not cap or not project:
        do = Text("沒有上限：設定 DAILY_COST_CAP_USD 與 PROJECT_COST_CAP_USD", "no limit: set DAILY_COST_CAP_USD and PROJECT_COST_CAP_USD")  # fmt: skip
        return [Finding("warn", what, saw, do)]
    return [Finding("ok", what, saw)]
