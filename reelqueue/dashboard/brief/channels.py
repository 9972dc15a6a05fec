"""Which channel a project means."""

from reelqueue.errors import InvalidBrief, InvalidSettings
from reelqueue.models.brief import Brief
from reelqueue.models.channel import DEFAULT_CHANNEL
from reelqueue.providers.protocols import Choice


class ChannelNames:
    """By the names that briefs have; each is looked up once."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._known: dict[str | None, str] = {}

    def of(self, wanted: str | None) -> str:
        """Its name; of one that is not set up any more the name that it had."""
        if wanted not in self._known:
            try:
                self._known[wanted] = self._choice.channel_of(Brief(topic="-", channel=wanted)).name
            except (InvalidBrief, InvalidSettings):
                self._known[wanted] = wanted or DEFAULT_CHANNEL
        return self._known[wanted]
