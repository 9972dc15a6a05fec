"""How much room is left in the accounts that projects wait for, each read once, however many wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from storage import Bucket, Ledger
from storage.ledger import Account

Limit = tuple[Bucket, Decimal]
"""An account and its cap; 0 is none."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """The accounts as they are at `now`, and as they will be when those go on that were let go on.  Raises as `Ledger.account`."""

    ledger: Ledger
    now: datetime
    _accounts: dict[Bucket, Account] = field(default_factory=dict)

    async def are_open(self, limits: Sequence[Limit]) -> bool:
        """Whether each would grant now the least that it refused, and none is closed by its service."""
        for bucket, cap in limits:
            account = await self._account(bucket)
            if account.is_closed(self.now) or not account.has_room(account.refused or Decimal(0), cap):
                return False
        return True

    async def have_refused(self, limits: Sequence[Limit]) -> bool:
        """Whether one refused something by our own count; else it was the service itself, or another day's: time decides."""
        return any([(await self._account(bucket)).refused is not None for bucket, _ in limits])

    async def take(self, limits: Sequence[Limit]) -> None:
        """Count one more that goes on, with the least that was refused: those after it find less room."""
        for bucket, _ in limits:
            account = await self._account(bucket)
            self._accounts[bucket] = account.replace(used=account.used + (account.refused or Decimal(0)))

    async def _account(self, bucket: Bucket) -> Account:
        if bucket not in self._accounts:
            self._accounts[bucket] = await self.ledger.account(bucket)
        return self._accounts[bucket]
