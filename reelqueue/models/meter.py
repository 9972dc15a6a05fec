"""What of a service runs out, and how it stands: what `sync_quotas` keeps and `reelqueue quotas` shows."""

from datetime import datetime

from pydantic import Field

from reelqueue.models.frozen import Frozen


class Meter(Frozen):
    """One bucket of quota.

    `service` is the provider's name, `client` and `name` are those of the ledger's account; `kinds` says which providers draw
    from it ("script", "publisher", ...).  `cap` is a Pacific day's, 0 where only the service knows; `lasting`: not by day.
    `channels`: only projects for these draw from it; `project`: the number of the Google Cloud project that owns it.
    """

    service: str
    client: str
    name: str
    kinds: tuple[str, ...]
    cap: int = 0
    lasting: bool = False
    channels: tuple[str, ...] = ()
    project: str | None = None


class Watched(Frozen):
    """Who makes what where a brief leaves it open, by kind; and every bucket that runs out."""

    chosen: dict[str, str] = Field(default_factory=dict)
    meters: tuple[Meter, ...] = ()


class Told(Frozen):
    """What a Google Cloud project used since a moment, and its limits of a day, as Google has it; by bucket.

    What is not told is missing in both.
    """

    used: dict[str, int]
    limits: dict[str, int]


class Standing(Frozen):
    """How one bucket stands; amounts are calls, or YouTube's units.

    `used` counts what is reserved, too; `reserved` is that part of it.  `limit` and `remaining` are None where only the service
    knows them.  `closed_until`: the service itself gives no more before; `resets_at`: when the count begins anew.
    """

    service: str
    client: str
    bucket: str
    channels: tuple[str, ...] = ()
    used: int = 0
    reserved: int = 0
    limit: int | None = None
    remaining: int | None = None
    resets_at: datetime | None = None
    closed_until: datetime | None = None

    @property
    def share_left(self) -> float:
        """How much is left, 0-1; 1 where nobody knows."""
        if self.closed_until is not None:
            return 0.0
        return 1.0 if not self.limit or self.remaining is None else self.remaining / self.limit
