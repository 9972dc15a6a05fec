"""What a new batch's calendar and webhook are read and refused by, before anything is made."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from jobs.batch.calendar_words import canonical
from reelqueue import clock
from reelqueue.addresses import check_webhook
from reelqueue.models.brief import Brief

Holds = Callable[[Sequence[Brief], str], Awaitable[None]]
"""Raises `InvalidBrief` where a calendar can't hold these briefs."""


@dataclass(frozen=True, slots=True)
class Terms:
    """`zone`: where a calendar names none.  `private_hosts`: those in house that may be told.  `signs`: there is a secret for it."""

    zone: str
    private_hosts: Collection[str]
    signs: bool
    holds: Holds

    def calendar(self, given: str) -> str:
        """What the batch's state keeps of it.

        Raises:
            InvalidBrief: it is none; field "slots" or "every".
        """
        return canonical(given, self.zone, clock.now())

    def refuse_webhook(self, url: str) -> None:
        """Raise `InvalidBrief`, field "webhook", where nobody may be told there."""
        check_webhook(url, self.private_hosts, has_secret=self.signs)
