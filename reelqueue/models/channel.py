"""A YouTube channel by the name that the operator gave it, and what its videos have in common."""

from decimal import Decimal
from typing import Any

from reelqueue.models.brief import Brief
from reelqueue.models.frozen import Frozen

DEFAULT_CHANNEL = "default"
"""The channel that the YOUTUBE_* settings name, and that a brief without a channel means."""


class Channel(Frozen):
    """One channel.

    `token_file` is an absolute path, None for the one whose token stands in the settings.  `voice`, `logo` (a path),
    `playlist` (an id) and `category_id` stand in where a brief has none of its own.  The caps are a Pacific day's; None is
    none of its own.
    """

    name: str
    token_file: str | None = None
    voice: str | None = None
    logo: str | None = None
    playlist: str | None = None
    category_id: int | None = None
    daily_cost_cap_usd: Decimal | None = None
    daily_uploads: int | None = None


def filled(brief: Brief, channel: Channel) -> Brief:
    """The brief with the channel's own where it leaves a choice."""
    wishes: dict[str, Any] = {name: getattr(channel, name) for name in ("voice", "logo", "playlist", "category_id")}
    return brief.replace(**{name: wish for name, wish in wishes.items() if wish is not None and getattr(brief, name) is None})
