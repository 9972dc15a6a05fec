"""What is left of each quota, the tightest first, and how many more videos that is room for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reelqueue.dashboard.publishing.quotas import Row
from reelqueue.models.buckets import CHANNEL, SERVICES, TITLES
from reelqueue.models.meter import Standing
from reelqueue.models.stage import ProjectStatus
from reelqueue.wording import Text, same
from storage import Outline


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of quota: whose and which; `left` and `limit` are None where only the service knows."""

    title: Text
    used: int
    held: int
    limit: int | None
    left: int | None


@dataclass(frozen=True, slots=True)
class Room:
    """The buckets that matter, the tightest first, and how many `more` there are; `word` says how many videos still fit, None where
    nobody counts.
    """

    buckets: Sequence[Bucket]
    more: int
    resets_at: datetime | None
    word: Text | None


def room_of(rows: Iterable[Row], outlines: Iterable[Outline], *, most: int) -> Room:
    """What of these matters now, and what it has room for; waiting projects are counted among `outlines`."""
    there = [row for row in rows if not row.is_door and _matters(row.standing)]
    shown = sorted(there, key=lambda row: (row.standing.limit is None, row.standing.share_left))[:most]
    waiting = sum(one.status is ProjectStatus.WAITING_QUOTA and one.resume_at is not None for one in outlines)
    return Room(
        [_bucket(row.standing) for row in shown],
        len(there) - len(shown),
        min((row.standing.resets_at for row in there if row.standing.resets_at is not None), default=None),
        _word(there, waiting),
    )


def title_of(one: Standing) -> Text:
    """Which bucket, and whose: its channels, else its service."""
    whose = ", ".join(one.channels) or SERVICES.get(one.service, one.service)
    if one.bucket not in TITLES:
        return same(f"{one.bucket.replace('_', '.')} · {whose}")
    title = TITLES[one.bucket]
    return Text(f"{title.zh} · {whose}", f"{title.en.capitalize()} · {whose}")


def _matters(one: Standing) -> bool:
    """A channel's own cap from which nobody drew, or a model that nobody asked, says nothing yet."""
    is_own = one.client.startswith(f"{CHANNEL}-")
    return one.used > 0 or one.closed_until is not None or (one.limit is not None and not is_own)


def _bucket(one: Standing) -> Bucket:
    return Bucket(title_of(one), one.used, one.reserved, one.limit, one.remaining)


def _word(rows: Sequence[Row], waiting: int) -> Text | None:
    """Of the buckets that publications draw from, the one that ends first; and who waits for them all."""
    tight = min((row for row in rows if _fits(row) is not None), key=lambda row: _fits(row) or 0, default=None)
    if tight is None:
        return None
    count, one = _fits(tight) or 0, tight.standing
    where, bucket = ", ".join(one.channels), TITLES.get(one.bucket, same(one.bucket))
    captions = tight.fits_whole is not None
    videos = "1 more video* fits" if count == 1 else f"{count:,} more videos* fit"
    zh = f"重置前「{where}」還可上傳 *{count:,} 支*{'（含字幕）' if captions else ''}，{bucket.zh}會先用完。"
    en = f"*{videos} on {where} before the reset{', with captions' if captions else ''}: {bucket.en} run out first."
    if not waiting:
        return Text(zh, en)
    waits = "1 project waits and goes on by itself" if waiting == 1 else f"{waiting:,} projects wait and go on by themselves"
    return Text(f"{zh}{waiting:,} 個專案等待中，屆時自動繼續。", f"{en} {waits}.")


def _fits(row: Row) -> int | None:
    return row.fits_whole if row.fits_whole is not None else row.fits
