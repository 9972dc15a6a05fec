"""What a new batch's calendar and webhook are read and refused by, before anything is made."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from jobs.batch.calendar_words import canonical
from reelqueue import clock
from reelqueue.addresses import WEBHOOK_ALLOWED, check_webhook
from reelqueue.errors import InvalidBrief
from reelqueue.models.brief import Brief
from reelqueue.wording import Text

Holds = Callable[[Sequence[Brief], str], Awaitable[None]]
"""Raises `InvalidBrief` where a calendar can't hold these briefs."""
_CALENDAR = Text('文字，例如 "6h" 或 "Mon-Fri 09:00,18:00"', 'text such as "6h" or "Mon-Fri 09:00,18:00"')


@dataclass(frozen=True, slots=True)
class Terms:
    """`zone`: where a calendar names none.  `private_hosts`: those in house that may be told.  `signs`: there is a secret for it."""

    zone: str
    private_hosts: Collection[str]
    signs: bool
    holds: Holds

    def calendar(self, given: object) -> str:
        """What the batch's state keeps of it.

        Raises:
            InvalidBrief: it is none; field "slots" or "every".
        """
        if not isinstance(given, str):
            raise InvalidBrief("slots", _CALENDAR, given)
        return canonical(given, self.zone, clock.now())

    def refuse_webhook(self, url: object) -> None:
        """Raise `InvalidBrief`, field "webhook", where nobody may be told there."""
        if not isinstance(url, str):
            raise InvalidBrief("webhook", WEBHOOK_ALLOWED, url)
        check_webhook(url, self.private_hosts, has_secret=self.signs)
