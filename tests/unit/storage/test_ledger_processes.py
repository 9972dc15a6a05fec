"""The cap holds for all processes together, and a death never makes room."""

import asyncio
import sys
from pathlib import Path

from storage.ledger import Ledger
from tests.unit.storage.payer import BUCKET

PAYER = Path(__file__).with_name("payer.py")


async def pay(paths, name, times, cap, *dies_after):
    """What another process says of its reservations."""
    arguments = [str(PAYER), str(paths.root), name, str(times), str(cap), *map(str, dies_after)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return int(said), process.returncode


async def test_several_processes_never_pass_the_cap_together_and_none_is_starved(paths):
    """Fifty calls at once in each of four: they lost races a hundred times in a row, and stayed reserved for good."""
    answers = await asyncio.gather(*(pay(paths, f"p{number}", 50, 120) for number in range(4)))

    account = await Ledger(paths).account(BUCKET)
    assert sum(granted for granted, _ in answers) == account.used == 120
    assert {code for _, code in answers} == {0}
    assert (len(account.settled), account.reservations) == (120, {})


async def test_who_dies_between_the_reservation_and_the_settlement_is_counted(paths):
    granted, code = await pay(paths, "dying", 10, 5, 3)
    after, _ = await pay(paths, "next", 10, 5)

    account = await Ledger(paths).account(BUCKET)
    assert (granted, code) == (3, -9)
    assert after == 2  # two of the dead one's calls are settled, the third stays reserved
    assert (account.used, account.unsettled) == (5, 1)
