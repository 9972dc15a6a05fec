"""What came of a batch, day by day: held against its forecast when it has ended."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from jobs.batch.ground import CAPTIONS, Survey, channel_name
from jobs.batch.running import Outlines
from jobs.batch.site import Site
from jobs.video.afterwards import OWED
from reelqueue.errors import NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.batch import BatchState
from reelqueue.models.forecast import DayForecast, Outcome
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import Stage
from storage.ledger import pacific_day

MOST_DAYS_TOLD = 100


@dataclass(slots=True)
class _Seen:
    """What each day saw; `owed` are videos of that day whose captions are still to come."""

    uploads: Counter[date] = field(default_factory=Counter)
    units: Counter[date] = field(default_factory=Counter)
    owed: Counter[date] = field(default_factory=Counter)
    usd: defaultdict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


async def outcome_of(site: Site, state: BatchState, outlines: Outlines, now: datetime) -> Outcome:
    """When it ended, whether that lay in the range that was told, and what each Pacific day saw of it.

    Units are those of the steps that were carried out: calls that were refused took some more.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    survey, seen = Survey(site), _Seen()
    for number in state.project_ids:
        if outlines.get(number) is None:
            continue
        try:
            _count(survey, await site.projects.load(number), seen)
        except (ProjectNotFound, NeedsPerson, StorageUnavailable):
            continue
    expected, days = state.forecast, sorted({*seen.uploads, *seen.usd})[-MOST_DAYS_TOLD:]
    return Outcome(
        ended_at=now,
        within=expected is not None and expected.least <= now <= expected.most,
        days=tuple(
            DayForecast(
                day=day,
                uploads=seen.uploads[day],
                units=seen.units[day],
                captions_owed=sum(count for owed_since, count in seen.owed.items() if owed_since <= day),
                usd=seen.usd[day],
            )
            for day in days
        ),
        usd=sum(seen.usd.values(), Decimal(0)),
    )


def _count(survey: Survey, project: ProjectState, seen: _Seen) -> None:
    finished = project.stages[Stage.UPLOAD].finished_at or project.updated_at
    if project.upload is not None and project.upload.video_id is not None and not project.upload.is_elsewhere:
        day, steps = pacific_day(finished), project.upload.steps
        units = survey.units.get(channel_name(survey, project.brief.channel), {})
        seen.uploads[day] += 1
        seen.units[day] += sum(units.get(name, 0) for name, answer in steps.items() if answer != OWED)
        seen.owed[day] += steps.get(CAPTIONS) == OWED
    spent = sum((Decimal(str(use.cost_usd)) for use in project.usage), Decimal(0))
    if spent:
        seen.usd[pacific_day(project.stages[Stage.ASSETS].finished_at or project.updated_at)] += spent
