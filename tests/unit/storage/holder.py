"""A process that does to projects what it is told: one order a line on stdin, one answer a line on stdout."""

import asyncio
import sys
from pathlib import Path

from reelqueue.errors import ReelqueueError
from storage import Lease, Owner, Paths, ProjectStore


class Orders:
    """What can be ordered; the answer is a word, or the name of the error's class."""

    def __init__(self, root: Path, lease_seconds: float) -> None:
        self.store = ProjectStore(Paths(root), Owner.here(), lease_seconds=lease_seconds)
        self.lease: Lease | None = None

    async def take(self, project_id: str) -> str:
        self.lease = await self.store.take_over(project_id)
        return f"held {self.lease.fence}"

    async def hold(self, piece: str) -> str:
        await self.lease.hold(piece)
        return "named"

    async def commit(self) -> str:
        state = await self.lease.commit(lambda state: state.replace(run=state.run + 1))
        return f"committed {state.run}"

    async def check(self) -> str:
        await self.lease.check()
        return "ours"

    async def count(self, project_id: str, times: str) -> str:
        for _ in range(int(times)):
            await self.store.change(project_id, lambda state: state.replace(run=state.run + 1))
        return "counted"


async def main() -> None:
    orders = Orders(Path(sys.argv[1]), float(sys.argv[2]))
    while line := (await asyncio.to_thread(sys.stdin.readline)).split():
        try:
            answer = await getattr(orders, line[0])(*line[1:])
        except ReelqueueError as error:
            answer = type(error).__name__
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


asyncio.run(main())
