"""What one call to a service may take: money, and quota."""

from decimal import Decimal

from reelqueue.models.frozen import Frozen


class Need(Frozen):
    """Quota that one call takes.

    `client` owns the bucket `name`: an OAuth client ("youtube-1a2b3c4d"), a key ("gemini"), a channel ("channel-news");
    letters, digits, `_` and `-`, at most 64.  `amount` 0 only asks whether the bucket is open.  `cap` is what a Pacific day
    has, 0 where only the service knows.  `lasting`: not counted by day (a channel that is closed for a time).
    """

    client: str
    name: str
    amount: int = 1
    cap: int = 0
    lasting: bool = False


class Cost(Frozen):
    """What one call may take at most; `usd` is an estimate from above, in US dollars.

    `spare`: it comes from what is left over, under caps lowered for it; that there is no room for it holds nobody back.
    """

    usd: Decimal = Decimal(0)
    needs: tuple[Need, ...] = ()
    spare: bool = False

    @property
    def is_free(self) -> bool:
        """Whether nothing has to be reserved."""
        return not self.usd and not self.needs


FREE = Cost()
"""What is made here."""
