"""When a batch will end and what is published when: asked at its start, at each look, at its end."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from jobs.batch.running import Outlines
from jobs.context import Service
from reelqueue.models.batch import BatchState
from reelqueue.models.forecast import Forecast, Outcome

SECONDS_EACH = (20, 120)


async def begun(service: Service, state: BatchState, outlines: Outlines, now: datetime) -> Forecast:
    """What is expected of a batch that begins."""
    del service, outlines
    least, most = (timedelta(seconds=seconds * len(state.project_ids)) for seconds in SECONDS_EACH)
    return Forecast(made_at=now, projects=len(state.project_ids), least=now + least, most=now + most, limit="cpu")


async def slots(
    service: Service, state: BatchState, outlines: Outlines, now: datetime, starting: Sequence[int] = ()
) -> dict[int, datetime]:
    """New moments of publication."""
    del service, state, outlines, now, starting
    return {}


async def ended(service: Service, state: BatchState, outlines: Outlines, now: datetime) -> Outcome:
    """What came of it."""
    del service, outlines
    within = state.forecast is not None and state.forecast.least <= now <= state.forecast.most
    return Outcome(ended_at=now, within=within)
