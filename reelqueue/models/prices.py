"""What services charge, by day.  Pure: where the table comes from is `providers/prices.py`'s matter."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from pydantic import Field

from reelqueue.models.frozen import Frozen


class Price(Frozen):
    """One price.

    `usd` US dollars buy `per` units, from the day `since` to the day `until`, both included; `until` None: until further
    notice.  `source` says where it was read, and when; `assumed` that it stands nowhere and is an estimate from above.
    """

    service: str = Field(min_length=1)
    model: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    usd: Decimal = Field(ge=0)
    per: int = Field(ge=1)
    since: date
    until: date | None = None
    source: str = ""
    assumed: bool = False

    @property
    def each(self) -> Decimal:
        """Of one unit."""
        return self.usd / self.per

    def holds(self, on: date) -> bool:
        """Whether it is the price on this day."""
        return self.since <= on and (self.until is None or on <= self.until)


class PriceTable(Frozen):
    """All prices that are known."""

    prices: tuple[Price, ...] = ()

    def usd(self, service: str, model: str, unit: str, amount: float | Decimal, on: date) -> Decimal:
        """What so many units cost on a day, in US dollars.

        A model that is not in the table costs what the dearest of its service does; a unit that is not there, nothing:
        `knows` tells.
        """
        found = [price for price in self.prices if (price.service, price.unit) == (service, unit)]
        own = [price for price in found if price.model == model]
        choice = _of_day(own, on) or _of_day(found, on) or found
        return max((price.each for price in choice), default=Decimal(0)) * Decimal(str(amount))

    def knows(self, service: str, model: str, unit: str, on: date) -> bool:
        """Whether this very price stands in the table for that day."""
        return any(
            (price.service, price.model, price.unit) == (service, model, unit) and price.holds(on) for price in self.prices
        )

    def with_own(self, own: "PriceTable") -> "PriceTable":
        """This table, in which what `own` has of a service, model and unit stands for all that was there of it."""
        mine = {(price.service, price.model, price.unit) for price in own.prices}
        kept = tuple(price for price in self.prices if (price.service, price.model, price.unit) not in mine)
        return PriceTable(prices=(*own.prices, *kept))


def _of_day(prices: Iterable[Price], on: date) -> list[Price]:
    return [price for price in prices if price.holds(on)]
