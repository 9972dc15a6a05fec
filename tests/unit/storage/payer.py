"""A process that reserves in one bucket as often as it is told, all at once, and says how often it was let: `payer.py ROOT NAME TIMES CAP`.

With a fifth argument it goes one by one, and dies after so many reservations, the last of them not settled.
"""

import asyncio
import os
import signal
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

from storage import Bucket, Ledger, Paths

BUCKET = Bucket("default", "uploads", date(2026, 11, 24))


async def main(root: str, name: str, times: str, cap: str, dies_after: str = "0") -> None:
    ledger, granted = Ledger(Paths(Path(root))), 0

    async def pay(number: int) -> None:
        nonlocal granted
        if not await ledger.reserve(BUCKET, f"{name}.{number}", Decimal(1), cap=Decimal(cap)):
            return
        granted += 1
        if granted == int(dies_after):
            sys.stdout.write(f"{granted}\n")
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        await ledger.settle(BUCKET, f"{name}.{number}", Decimal(1))

    if int(dies_after):
        for number in range(int(times)):
            await pay(number)
    else:
        await asyncio.gather(*(pay(number) for number in range(int(times))))
    sys.stdout.write(f"{granted}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
