"""What is left of each quota on the overview, and how many more videos that is."""

from dataclasses import replace
from datetime import UTC, datetime

from reelqueue.dashboard.overview.room import room_of
from reelqueue.dashboard.publishing.quotas import Row
from reelqueue.models.buckets import UNITS, UPLOADS
from reelqueue.models.meter import Standing
from reelqueue.models.stage import ProjectStatus
from tests.unit.test_board_causes import outline

RESET = datetime(2026, 11, 24, 8, tzinfo=UTC)


def bucket(
    name: str = UNITS, *, client: str = "youtube-ab", used: int = 0, limit: int | None = 10_000, fits: int | None = None
) -> Row:
    """A bucket of YouTube's on the channels tea and history."""
    left = None if limit is None else limit - used
    return Row(Standing(service="youtube", client=client, bucket=name, channels=("tea", "history"), used=used, limit=limit, remaining=left, resets_at=RESET), fits)  # fmt: skip


def test_the_tightest_comes_first_and_the_rest_is_counted():
    rows = [bucket(UPLOADS, used=10, limit=100), bucket(used=9_000), bucket("search", used=1, limit=100)]

    room = room_of(rows, [], most=2)

    assert [one.title.en for one in room.buckets] == ["Units · tea, history", "Uploads · tea, history"]
    assert room.more == 1
    assert room.resets_at == RESET


def test_a_channels_own_cap_that_nobody_drew_from_is_left_out():
    rows = [bucket(used=5), bucket(UPLOADS, client="channel-tea", limit=15)]

    assert len(room_of(rows, [], most=5).buckets) == 1


def test_a_model_is_shown_once_it_is_asked():
    model = bucket("gemini-3_8-flash", client="gemini", limit=None)

    asked = replace(model, standing=model.standing.replace(used=3))

    assert room_of([model], [], most=5).buckets == []
    assert [one.title.en for one in room_of([asked], [], most=5).buckets] == ["gemini-3.8-flash · tea, history"]


def test_it_says_how_many_videos_fit_by_the_bucket_that_ends_first():
    rows = [bucket(used=8_000, fits=19), bucket(UPLOADS, used=97, limit=100, fits=3)]

    word = room_of(rows, [], most=5).word

    assert word is not None
    assert word.en == "*3 more videos* fit on tea, history before the reset: uploads run out first."
    assert word.zh == "重置前「tea, history」還可上傳 *3 支*，上傳次數會先用完。"


def test_it_says_with_captions_where_that_is_counted_and_who_waits():
    waiting = outline(1, ProjectStatus.WAITING_QUOTA, resume_at=RESET)

    word = room_of([replace(bucket(used=9_400, fits=5), fits_whole=1)], [waiting], most=5).word

    assert word is not None
    assert word.en == "*1 more video* fits on tea, history before the reset, with captions: units run out first. 1 project waits and goes on by itself."  # fmt: skip


def test_where_nobody_counts_nothing_is_promised():
    assert room_of([bucket(limit=None, used=4)], [], most=5).word is None
