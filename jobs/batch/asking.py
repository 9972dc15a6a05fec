"""A person asks something of a whole batch: on disk first, then done to its projects by whoever has the batch in hand.

That is we ourselves where nobody else has; so it works where no batch worker runs.  One that dies on the way leaves the rest to
the next look.
"""

import asyncio
import time

from jobs.batch.acting import Hands
from jobs.batch.asked import Change
from reelqueue import failpoints
from reelqueue.errors import Busy, Fenced
from reelqueue.models.batch import BatchAct, BatchState
from storage import BatchStore

IN_HAND_SECONDS, IN_HAND_LOOK_S = 3.0, 0.1
"""How long somebody else's look at the batch is waited for; the next look goes on with what is asked."""


async def ask(batches: BatchStore, hands: Hands, batch_id: int | str, change: Change) -> BatchState:
    """Commit what is asked of a batch, and do it to its projects; returns the batch afterwards.

    Raises:
        BatchNotFound.  WrongState: it does not fit the batch's state.
        DiskFull, StorageUnavailable: it may have been done to some of them only; the next look goes on.
    """
    state = await batches.change(batch_id, change)
    await failpoints.reach("batch.asked")
    until = time.monotonic() + IN_HAND_SECONDS
    while state.act is not None and time.monotonic() < until:
        try:
            return await _in_hand(batches, hands, state.batch_id)
        except (Busy, Fenced):
            await asyncio.sleep(IN_HAND_LOOK_S)
            state = await batches.load(state.batch_id)
    return state


async def _in_hand(batches: BatchStore, hands: Hands, number: int) -> BatchState:
    async with await batches.take_over(number) as lease:
        through = await hands.carry_through(lease.state, await hands.projects.outlines(lease.state.project_ids))
        await failpoints.reach("batch.acted")
        if through and lease.state.act in {BatchAct.PAUSE, BatchAct.RESUME}:  # a cancelled one ends by its next look
            await lease.commit(lambda state: state.replace(act=None))  # refused where something else was asked for meanwhile
        return lease.state
