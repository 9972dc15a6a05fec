"""Which moment of publication belongs to which project, by channel: one document each, `calendar/<channel>.json`.

Every batch and every upload books here, so that no two videos of a channel come at one moment, whoever plans them.  A project
has one moment at most; what is long past is forgotten at the next change.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from reelqueue import failpoints
from reelqueue.errors import NeedsPerson
from reelqueue.wording import Text
from storage import disk
from storage.answers import Exists, Missing, Stale, Unavailable
from storage.documents import Documents, Version
from storage.hop import hop
from storage.paths import Paths

FOLDER = "calendar"
KEPT = timedelta(days=2)
MOST_TRIES = 100
Booked = Mapping[datetime, int]
"""Projects by their moments (UTC)."""
_FORM: TypeAdapter[dict[datetime, int]] = TypeAdapter(dict[datetime, int])


class Bookings:
    """The publish calendars below one `DATA_DIR`."""

    def __init__(self, paths: Paths) -> None:
        self._documents = Documents(paths.root)
        self._folder = paths.root / FOLDER

    async def channels(self) -> list[str]:
        """The channels of which something was booked ever.  Raises `Unavailable`: the disk does not answer."""
        return sorted(file.stem for file in await hop(self._files) if not file.name.startswith("."))

    def _files(self) -> list[Path]:
        with disk.translated(self._folder):
            return list(self._folder.glob("*.json"))

    async def booked(self, channel: str) -> Booked:
        """What is booked on a channel.

        Raises:
            Unavailable: that can't be known.  NeedsPerson: the calendar can't be read.
        """
        return (await self._load(channel))[0]

    async def change(self, channel: str, change: Callable[[Booked], Booked], now: datetime) -> Booked:
        """Change what is booked by a pure function of it; returns what is booked then.  Safe to make again.

        Raises:
            Unavailable, DiskFull: it may be as it was.  NeedsPerson: the calendar can't be read.
        """
        for _ in range(MOST_TRIES):
            booked, version = await self._load(channel)
            changed = change(booked)
            if changed == booked:
                return booked
            kept = {moment.astimezone(UTC): number for moment, number in changed.items() if moment > now - KEPT}
            if await self._landed(channel, kept, version):
                await failpoints.reach("calendar.booked")
                return kept
        raise Unavailable(_key(channel), "others were always faster")

    async def _landed(self, channel: str, booked: Booked, version: Version | None) -> bool:
        body = json.dumps({moment.isoformat(): booked[moment] for moment in sorted(booked)}).encode()
        try:
            if version is None:
                await self._documents.create(_key(channel), body)
            else:
                await self._documents.replace(_key(channel), body, version)
        except (Exists, Stale, Missing):
            return False
        return True

    async def _load(self, channel: str) -> tuple[dict[datetime, int], Version | None]:
        try:
            body, version = await self._documents.load(_key(channel))
        except Missing:
            return {}, None
        try:
            return {moment.astimezone(UTC): number for moment, number in _FORM.validate_json(body).items()}, version
        except (ValidationError, OverflowError) as error:
            raise _unreadable(channel) from error


def _key(channel: str) -> str:
    """Raises `ValueError`: no name of a channel leads out of the folder (`models.brief.CHANNEL_NAME`)."""
    if not channel or "/" in channel or channel.startswith("."):
        raise ValueError(channel)
    return f"{FOLDER}/{channel}.json"


def _unreadable(channel: str) -> NeedsPerson:
    return NeedsPerson(
        Text(f"發布行事曆 {_key(channel)} 無法讀取", f"the publish calendar {_key(channel)} can't be read"),
        Text("請從旁邊的 .prev 或備份還原", "restore it from the .prev beside it, or from a backup"),
    )
