"""What it takes to go on with a project, before anybody presses the button: money at most, uploads and units of quota."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import ValidationError

from jobs.estimate import Range
from jobs.stages import narration_language
from reelqueue.dashboard.board import Board
from reelqueue.errors import ReelqueueError
from reelqueue.models.brief import Brief
from reelqueue.models.buckets import UNITS, UPLOADS
from reelqueue.models.project import ProjectState
from reelqueue.models.script import Script
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.providers.protocols import Providers, Publication, Publisher
from storage import Blobs

OPEN = "open"
"""What a publisher calls the beginning of an upload, beside its steps."""


@dataclass(frozen=True, slots=True)
class Price:
    """What is taken: US dollars, uploads and units of a day's quota.

    `unknown` counts projects of which it can't be said: a maker that they ask for is not set up, or their files can't be read.
    """

    usd: Range = field(default_factory=Range)
    uploads: int = 0
    units: int = 0
    unknown: int = 0

    def __add__(self, other: "Price") -> "Price":
        """Both together."""
        return Price(self.usd + other.usd, self.uploads + other.uploads, self.units + other.units, self.unknown + other.unknown)

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
    """What is taken to go on with a project where it stands, or from `from_stage` on; pieces that are there are not paid for again."""
    first = from_stage or state.next_stage
    if first is None:
        return Price()
    try:
        brief, providers = board.shelf.filled(state.brief), board.shelf.chosen(state.brief)
        usd = await _money(board, state, brief, providers, first)
        uploads, units = _quota(state, brief, providers.publisher) if state.goal is Stage.UPLOAD else (0, 0)
        return Price(usd, uploads, units)
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


def _quota(state: ProjectState, brief: Brief, publisher: Publisher) -> tuple[int, int]:
    """Uploads and units of what is not carried out yet."""
    upload = state.upload
    done = set(upload.steps) if upload is not None and upload.video_id is not None else set()
    one = _publication(state, brief)
    names = [name for name in publisher.steps(one) if name not in done]
    if upload is None or upload.video_id is None:
        names.insert(0, OPEN)
    needs = [need for name in names for need in publisher.cost(name, one).needs]
    uploads = [need.amount for need in needs if need.name == UPLOADS]
    return max(uploads, default=0), sum(need.amount for need in needs if need.name == UNITS)


def _publication(state: ProjectState, brief: Brief) -> Publication:
    """What tells which steps there are; nothing of it is looked at or sent."""
    return Publication(
        project_id=state.project_id,
        marker="",
        title="",
        description="",
        tags=(),
        language="",
        privacy=brief.privacy,
        category_id=1,
        made_for_kids=False,
        synthetic_media=True,
        video="",
        thumbnail="",
        captions="captions.srt",
        channel=brief.channel or "",
        playlist=brief.playlist,
        publish_at=brief.publish_at,
        localizations=brief.localizations,
    )
