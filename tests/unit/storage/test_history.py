"""A channel's history: two that are alike and come at once see each other, and thousands are read once."""

import asyncio
from datetime import UTC, datetime

from reelqueue.models.likeness import Likeness
from storage import History


def video(number, title="Tides", **more):
    return Likeness(project_id=number, title=title, script="", content="c", at=datetime(2026, 11, 29, tzinfo=UTC), **more)


def of_one_title(mine):
    return lambda others: [other.project_id for other in others if other.title == mine.title]


async def note(history, mine, channel="news", **more):
    return await history.note(channel, mine, of_one_title(mine), **more)


async def test_what_is_like_another_is_told_and_not_written_down(tmp_path):
    history = History(tmp_path / "history")

    assert await note(history, video(1)) == []
    assert await note(history, video(2)) == [1]
    assert await history.of("news", 2) is None
    assert await note(history, video(2), anyway=True) == [1]
    assert await history.of("news", 2) == video(2)


async def test_of_two_that_come_at_once_one_sees_the_other(tmp_path):
    histories = [History(tmp_path / "history") for _ in range(8)]  # as many processes have

    seen = await asyncio.gather(*(note(history, video(number)) for number, history in enumerate(histories, 1)))

    assert sorted(map(len, seen)) == [0, 1, 1, 1, 1, 1, 1, 1]


async def test_channels_do_not_see_each_other(tmp_path):
    history = History(tmp_path / "history")
    await note(history, video(1))

    assert await note(history, video(2), channel="sport") == []


async def test_what_another_process_changes_or_forgets_is_seen(tmp_path):
    ours, theirs = History(tmp_path / "history"), History(tmp_path / "history")
    await note(ours, video(1))
    await note(ours, video(2, "Bread"))

    await note(theirs, video(1, "Bread", video_id="v"), anyway=True)
    assert await note(ours, video(3)) == []
    await theirs.forget("news", 1)
    await theirs.forget("news", 1)

    assert await note(ours, video(4, "Bread")) == [2]


async def test_a_file_that_cannot_be_read_stops_nobody(tmp_path):
    history = History(tmp_path / "history")
    await note(history, video(1))
    (tmp_path / "history/news/7.json").write_text("{")
    (tmp_path / "history/news/readme.txt").write_text("x")

    assert await note(history, video(2)) == [1]
    assert await history.of("news", 7) is None
