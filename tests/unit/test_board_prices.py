"""What going on with several projects takes, summed and said."""

from decimal import Decimal

from jobs.estimate import Range
from reelqueue.dashboard.project.prices import Price, in_words

ONE_CENT = Range(Decimal("0.01"), Decimal("0.01"))


def test_what_cannot_be_estimated_stays_so_among_others():
    together = Price(ONE_CENT, uploads=1, units=50, units_left=9_000) + Price(unknown=1) + Price(unknown=1)

    assert together == Price(ONE_CENT, uploads=1, units=50, unknown=2)
    assert not (Price() + Price(unknown=1)).is_free


def test_of_several_it_is_not_told_how_much_quota_is_left():
    together = Price(units=50, units_left=9_000) + Price(units=50, units_left=9_000)

    assert in_words(together).en.endswith("100 units")
