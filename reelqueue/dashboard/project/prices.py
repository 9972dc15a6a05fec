"""What it takes to go on with a project, before anybody presses the button: money at most, uploads and units of quota."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import ValidationError

from jobs.batch.ground import publication_ahead
from jobs.estimate import Range
from jobs.spending import bucket_of
from jobs.stages import narration_language
from reelqueue import clock
from reelqueue.dashboard.board import Board
from reelqueue.errors import ReelqueueError
from reelqueue.models.brief import Brief
from reelqueue.models.buckets import UNITS, UPLOADS
from reelqueue.models.channel import Channel
from reelqueue.models.cost import Need
from reelqueue.models.project import ProjectState
from reelqueue.models.script import Script
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.providers.protocols import Providers, Publisher
from reelqueue.wording import Text
from storage import Blobs

OPEN = "open"
"""What a publisher calls the beginning of an upload, beside its steps."""


@dataclass(frozen=True, slots=True)
class Price:
    """What is taken: US dollars, uploads and units of a day's quota, of which `units_left` are there now (None: of several, or not known).

    `unknown` counts projects of which it can't be said: a maker that they ask for is not set up, or their files can't be read.
    """

    usd: Range = field(default_factory=Range)
    uploads: int = 0
    units: int = 0
    units_left: int | None = None
    unknown: int = 0

    def __add__(self, other: "Price") -> "Price":
        """Both together."""
        return Price(
            self.usd + other.usd,
            uploads=self.uploads + other.uploads,
            units=self.units + other.units,
            unknown=self.unknown + other.unknown,
        )

    @property
    def is_free(self) -> bool:
        """Whether nothing at all is taken, and that is known."""
        return not (self.usd.most or self.uploads or self.units or self.unknown)


async def price_of_all(board: Board, states: Iterable[ProjectState], from_stage: Stage | None = None) -> Price:
    """What all of these take together."""
    price = Price()
    for state in states:
        price += await price_of(board, state, from_stage)
    return price


async def price_of(board: Board, state: ProjectState, from_stage: Stage | None = None) -> Price:
    """What is taken to go on with a project where it stands, or from `from_stage` on; pieces that are there are not paid for again.

    What was found is told again for a while: an open page asks every few seconds, and each piece is looked at as a whole.
    """
    first = from_stage or state.next_stage
    if first is None:
        return Price()
    key = (state.project_id, state.revision, first)
    return board.priced.get(key) or board.priced.put(key, await _found(board, state, first))


async def _found(board: Board, state: ProjectState, first: Stage) -> Price:
    try:
        brief, providers = board.shelf.filled(state.brief), board.shelf.chosen(state.brief)
        usd = await _money(board, state, brief, providers, first)
        needs = _needs(state, brief, board.shelf.channel_of(brief), providers.publisher) if state.goal is Stage.UPLOAD else []
        units = [need for need in needs if need.name == UNITS]
        return Price(
            usd,
            uploads=max((need.amount for need in needs if need.name == UPLOADS), default=0),
            units=sum(need.amount for need in units),
            units_left=await _left(board, units[0]) if units else None,
        )
    except (
        ReelqueueError,
        ValidationError,
    ):  # what it asks for is not set up, or its script can't be read: its stage will say so
        return Price(unknown=1)


async def _money(board: Board, state: ProjectState, brief: Brief, providers: Providers, first: Stage) -> Range:
    from jobs.batch.costs import costs_of, seconds_of  # noqa: PLC0415 - a board's start loads no pictures and no drawing
    from jobs.editing.ahead import look_ahead  # noqa: PLC0415 - as above

    if first is Stage.SCRIPT:
        language = narration_language(brief, board.settings.language)
        by_stage = await costs_of(brief, providers, language, await seconds_of(brief, providers, language))
        ends = [(Decimal(str(least)), Decimal(str(most))) for least, most in by_stage.values()]
        return Range(sum((least for least, _ in ends), Decimal(0)), sum((most for _, most in ends), Decimal(0)))
    script = state.stages[Stage.SCRIPT]
    if first is not Stage.ASSETS or script.status is not StageStatus.DONE or not script.artifacts:
        return Range()
    root = board.paths.project(state.project_id).root
    known = Script.model_validate_json(await Blobs(root).read(script.artifacts[0]))
    return (await look_ahead(known, brief, providers, root)).price(providers).usd


def _needs(state: ProjectState, brief: Brief, channel: Channel, publisher: Publisher) -> list[Need]:
    """Of each step of the upload that is not carried out yet."""
    upload = state.upload
    done = set(upload.steps) if upload is not None and upload.video_id is not None else set()
    one = publication_ahead(channel, brief)
    names = [name for name in publisher.steps(one) if name not in done]
    if upload is None or upload.video_id is None:
        names.insert(0, OPEN)
    return [need for name in names for need in publisher.cost(name, one).needs]


async def _left(board: Board, need: Need) -> int | None:
    now = clock.now()
    account = await board.ledger.account(bucket_of(need, now))
    if account.is_closed(now):
        return 0
    return max(0, need.cap - int(account.used)) if need.cap else None


# In words.


def in_words(price: Price) -> Text:
    """What is taken, in a line: "about $0.04, 1 upload"."""
    if price.is_free:
        return Text("不花錢，也不用配額", "costs nothing and takes no quota")
    zh, en = [], []
    if price.usd.most or not price.unknown:
        usd = usd_of(price.usd)
        known = price.usd.least == price.usd.most
        zh.append(f"費用 {usd}" if not price.usd.most else (f"最多 {usd}" if known else f"約 {usd}"))
        en.append(f"costs {usd}" if not price.usd.most else (f"at most {usd}" if known else f"about {usd}"))
    if price.uploads:
        zh.append(f"{price.uploads:,} 次上傳")
        en.append("1 upload" if price.uploads == 1 else f"{price.uploads:,} uploads")
    if price.units:
        left = "" if price.units_left is None else f"（剩 {price.units_left:,}）"
        zh.append(f"{price.units:,} 點配額{left}")
        en.append(f"{price.units:,} units" + ("" if price.units_left is None else f", {price.units_left:,} left"))
    if price.unknown:
        zh.append(f"{price.unknown:,} 個無法估計")
        en.append("1 can't be estimated" if price.unknown == 1 else f"{price.unknown:,} can't be estimated")
    return Text("、".join(zh), " · ".join(en))


def usd_of(amount: Range) -> str:
    """A range of dollars, rounded up: what is reserved is not less."""
    least, most = (value.quantize(Decimal("0.01"), rounding="ROUND_UP") for value in (amount.least, amount.most))
    return f"${most}" if least == most or not least else f"${least}–{most}"
