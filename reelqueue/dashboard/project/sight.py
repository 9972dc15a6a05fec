"""One project as its page shows it: looked at once for a request, on disk and, where Redis answers, in what was heard."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from redis.exceptions import RedisError

from jobs.pipeline import VIDEO
from jobs.spending import project_bucket
from jobs.transitions import is_locked
from progress import ProgressEvent
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.project.course import Course, course_of, saved_usd
from reelqueue.dashboard.project.mending import Mending, mending_of
from reelqueue.dashboard.project.now import Now, is_of, now_of
from reelqueue.dashboard.project.pieces import Made, Pieces, Scene, pieces_of
from reelqueue.dashboard.project.prices import Price, price_of
from reelqueue.errors import ReelqueueError
from reelqueue.models.brief import Brief
from reelqueue.models.project import Artifact, ProjectState, StageError, StageState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.providers.protocols import Providers
from storage import Outline

LATELY = timedelta(days=7)
"""What its stages took on average is what they are expected to take."""
MOST_FILM = 60
"""Scenes in a strip: five minutes or so, in 36 kB of page."""
MOST_IN_LINE = 200
"""Of the queue, so many are looked through for the project's place."""


@dataclass(frozen=True, slots=True)
class Money:
    """What a project took, in US dollars, by the ledger; `cap` None where there is none, `most` what it may come to."""

    spent: float
    held: float
    cap: float | None
    most: float | None
    saved: float
    images: tuple[int, float]
    voice: tuple[int, float]
    presenters: tuple[int, float]

    @property
    def rest(self) -> float:
        """What no piece names: the script's calls, and those that failed."""
        return max(0.0, self.spent - self.images[1] - self.voice[1] - self.presenters[1])

    @property
    def is_free(self) -> bool:
        """Whether nothing was paid for, and nothing will be."""
        return not (self.spent or self.held or self.most)


@dataclass(frozen=True, slots=True)
class Sight:
    """All that the page shows.  `price` is what is still to be taken, None where it is completed; `place` is its place in line, None
    where it is in none or is too far behind to be looked for.
    """

    state: ProjectState
    outline: Outline
    now: Now
    heard: ProgressEvent | None
    pieces: Pieces
    course: Course
    money: Money
    price: Price | None
    mending: Mending | None
    alike: int
    retryable: tuple[Stage, ...]
    place: int | None = None

    @property
    def failed(self) -> StageState | None:
        """The stage that failed."""
        return self.state.stages[self.outline.failed] if self.outline.failed is not None else None

    @property
    def error(self) -> StageError | None:
        """What it met."""
        return self.failed.error if self.failed is not None else None

    @property
    def eta_s(self) -> float | None:
        """Seconds to the end, as its worker tells."""
        return self.heard.eta_s if self.heard is not None and self.state.status is ProjectStatus.RUNNING else None

    @property
    def left(self) -> timedelta:
        """The same; nothing where nobody knows."""
        return timedelta(seconds=self.eta_s or 0.0)

    @property
    def script_s(self) -> float | None:
        """How long the script is by its estimate; what is spoken already says more."""
        return sum(scene.seconds for scene in self.pieces.scenes) or None

    @property
    def has_film(self) -> bool:
        """Whether it can be told scene by scene what there is: pieces that are known, or a stage that is still to make them."""
        made = bool(self.pieces.images or self.pieces.voice)
        return bool(self.pieces.scenes) and (made or self.state.stages[Stage.ASSETS].status not in _ENDED)

    @property
    def scene_now(self) -> Scene | None:
        """The scene that is worked on: the first that is not rendered, or is not ready to be."""
        scenes = self.pieces.scenes
        waiting = [scene for scene in scenes if scene.unit is None and (self.pieces.rendered or not scene.is_ready)]
        return next(iter(waiting or scenes), None)

    @property
    def film(self) -> Sequence[Scene]:
        """The scenes that the strip shows: all of a usual video; of half an hour those around the one that is worked on."""
        scenes, now = self.pieces.scenes, self.scene_now
        if len(scenes) <= MOST_FILM:
            return scenes
        start = max(0, min(len(scenes) - MOST_FILM, (now.place if now is not None else 1) - MOST_FILM // 2))
        return scenes[start : start + MOST_FILM]

    @property
    def saved_pieces(self) -> int:
        """How many pieces that were paid for before were reused."""
        began = self.state.stages[Stage.ASSETS].started_at
        paid = (one for one in (*self.pieces.images, *self.pieces.voice, *self.pieces.presenters) if one.usd)
        return sum(began is not None and one.at < began for one in paid)

    @property
    def video(self) -> Artifact | None:
        """The finished video."""
        return _artifact(self.state, Stage.RENDER, 0)

    @property
    def captions(self) -> Artifact | None:
        """Its captions."""
        return _artifact(self.state, Stage.RENDER, 1)

    @property
    def thumbnail(self) -> Artifact | None:
        """The thumbnail."""
        return _artifact(self.state, Stage.THUMBNAIL, 0)

    @property
    def warnings(self) -> list[str]:
        """What its stages warned of, in their order."""
        return [warning for known in self.state.stages.values() for warning in known.warnings]

    @property
    def can_edit(self) -> bool:
        """Whether its script may be changed now."""
        has_script = self.state.stages[Stage.SCRIPT].status in {StageStatus.DONE, StageStatus.SKIPPED}
        free = self.state.status is not ProjectStatus.RUNNING and not is_locked(self.state, Stage.SCRIPT)
        return has_script and bool(self.state.stages[Stage.SCRIPT].artifacts) and free


def _artifact(state: ProjectState, stage: Stage, place: int) -> Artifact | None:
    known = state.stages[stage]
    if known.status not in {StageStatus.DONE, StageStatus.SKIPPED} or place >= len(known.artifacts):
        return None
    return known.artifacts[place]


async def look_at(board: Board, project_id: object, at: datetime, zone: ZoneInfo) -> Sight:
    """Look at a project.

    Raises:
        ProjectNotFound, NeedsPerson, StorageUnavailable: as `ProjectStore.load`.
    """
    state = await board.projects.load(project_id)
    outline = Outline.of(state)
    brief, providers = _made_by(board, state)
    root = board.paths.project(state.project_id).root
    pieces, heard, usual, price, alike, place = await asyncio.gather(
        asyncio.to_thread(pieces_of, state, root, brief, providers),
        board.hub.last_of([state.project_id]),
        _usual(board),
        _price(board, state),
        _alike(board, outline),
        _place(board, outline),
    )
    event = heard.get(state.project_id)
    told = event if event is not None and is_of(outline, event) else None
    return Sight(
        state=state,
        outline=outline,
        now=now_of(outline, event, at, zone),
        heard=told,
        pieces=pieces,
        course=course_of(state, pieces, at, eta_s=told.eta_s if told is not None else None, usual=usual),
        money=await _money(board, state, pieces, price),
        price=price,
        mending=_mending(outline),
        alike=alike,
        retryable=_retryable(state),
        place=place,
    )


def _made_by(board: Board, state: ProjectState) -> tuple[Brief | None, Providers | None]:
    try:
        return board.shelf.filled(state.brief), board.shelf.chosen(state.brief)
    except ReelqueueError:  # what it asks for is not set up here any more: what is there is shown all the same
        return None, None


async def _usual(board: Board) -> Mapping[Stage, float | None]:
    return {one.stage: one.mean_s for one in await board.numbers.stages(LATELY, LATELY)}


async def _price(board: Board, state: ProjectState) -> Price | None:
    return None if state.status is ProjectStatus.COMPLETED else await price_of(board, state)


async def _alike(board: Board, outline: Outline) -> int:
    """How many others failed in the same way."""
    if outline.error is None:
        return 0
    same = (outline.failed, outline.error.code, outline.channel)
    others = [one for one in await board.catalogue.all() if one.error is not None and one.project_id != outline.project_id]
    return sum((one.failed, one.error.code if one.error else "", one.channel) == same for one in others)


async def _place(board: Board, outline: Outline) -> int | None:
    if outline.status is not ProjectStatus.QUEUED or outline.held or not board.link.is_there:
        return None
    try:
        line = await board.link.fleet.contents(VIDEO, limit=MOST_IN_LINE)
    except (RedisError, OSError, TimeoutError, ReelqueueError):  # it went just now: the page says so elsewhere
        return None
    waiting = [job.project_id for job in line if not job.running and job.due_at is None]
    return waiting.index(outline.project_id) + 1 if outline.project_id in waiting else None


async def _money(board: Board, state: ProjectState, pieces: Pieces, price: Price | None) -> Money:
    account = await board.ledger.account(project_bucket(state.project_id))
    held = float(account.unsettled)
    spent = max(float(account.used) - held, sum(use.cost_usd for use in state.usage))
    cap = float(board.settings.project_cost_cap_usd)
    more = float(price.usd.most) if price is not None and not price.unknown else None
    return Money(
        spent=spent,
        held=held,
        cap=cap or None,
        most=spent + more if more else None,
        saved=saved_usd(state, pieces),
        images=_sum(pieces.images),
        voice=_sum(pieces.voice),
        presenters=_sum(pieces.presenters),
    )


def _sum(made: Sequence[Made]) -> tuple[int, float]:
    """How many were paid for, and what they took."""
    paid = [one.usd for one in made if one.usd]
    return len(paid), sum(paid)


def _mending(outline: Outline) -> Mending | None:
    if outline.error is None or outline.failed is None:
        return None
    return mending_of(outline.error, outline.failed, outline.channel)


def _retryable(state: ProjectState) -> tuple[Stage, ...]:
    """The stages that a person may begin again from: what was reached, and nothing that its one video locks."""
    if state.status is ProjectStatus.RUNNING:
        return ()
    reached = []
    for stage in Stage:
        if not is_locked(state, stage) and (stage.before is None or state.stages[stage.before].status in _ENDED):
            reached.append(stage)
        if state.stages[stage].status not in _ENDED:
            break
    return tuple(reached) if state.run else ()


_ENDED = frozenset({StageStatus.DONE, StageStatus.SKIPPED})
