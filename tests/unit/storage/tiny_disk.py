"""Run on a disk of 1 MB: fill it, park four projects, free it, go on; tells what happened as JSON."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from reelqueue.errors import DiskFull
from storage import Lease, Owner, Paths, ProjectStore, open_installation

LONG = "蜜" * 2_500


def fill(folder: Path) -> Path:
    """Take every block that is free."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4_096)
    return filler


async def park(lease: Lease) -> str:
    return (await lease.commit(lambda state: state.replace(status="waiting_disk"))).status


async def main() -> None:
    root = Path(sys.argv[1])
    paths = Paths(root / "data")
    open_installation(paths)
    store = ProjectStore(paths, Owner.here(), lease_seconds=60)
    leases = []
    for _ in range(4):
        project = await store.create({"topic": "bees", "content": LONG})
        leases.append(await store.take_over(project.project_id))
    filler = fill(root)
    told: dict[str, object] = {}
    try:
        await leases[0].commit(lambda state: state.replace(run=1, crash_piece="x" * 9_000))
    except DiskFull as error:
        told["commit"] = type(error).__name__
    told["parked"] = await park(leases[0])
    told["others"] = [await park(lease) for lease in leases[1:]]
    filler.unlink()
    told["later"] = (await leases[0].commit(lambda state: state.replace(run=1))).run
    for lease in leases:
        await lease.release()
    sys.stdout.write(json.dumps(told))


asyncio.run(main())
