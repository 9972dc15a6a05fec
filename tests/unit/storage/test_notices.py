"""A kind of wait is told once, until nobody waits so any more."""

import errno
from datetime import UTC, datetime

import pytest

from reelqueue.errors import DiskFull
from reelqueue.models.event import Notice
from storage import disk
from storage.notices import Notices

NOTICE = Notice(kind="budget", at=datetime(2026, 11, 29, tzinfo=UTC), project_id=1, status="waiting_budget", stage="script", title="t", why="w", what_to_do="d")  # fmt: skip


@pytest.fixture
def notices(tmp_path):
    return Notices(tmp_path / "notices")


async def test_nothing_is_made_before_the_first_wait(notices, tmp_path):
    assert await notices.all() == []
    assert await notices.waiting("budget") == []
    assert list(tmp_path.iterdir()) == []


async def test_of_five_hundred_that_wait_alike_the_first_one_brings_the_notice(notices):
    brought = [notices.mark_now("budget", number, lambda: NOTICE) for number in range(1, 501)]

    assert brought.index(True) == 0
    assert sum(brought) == 1
    assert await notices.all() == [NOTICE]
    assert len(await notices.waiting("budget")) == 500


async def test_once_nobody_waits_so_any_more_the_next_one_is_told_of_again(notices):
    for number in (1, 2):
        notices.mark_now("budget", number, lambda: NOTICE)

    assert await notices.clear("budget", [1]) is False
    assert notices.mark_now("budget", 3, lambda: NOTICE) is False
    assert await notices.clear("budget", [2, 3]) is True
    assert await notices.all() == []
    assert notices.mark_now("budget", 1, lambda: NOTICE) is True


async def test_how_far_the_telling_is_is_kept_unless_the_kind_was_forgotten(notices):
    notices.mark_now("budget", 1, lambda: NOTICE)
    await notices.note(NOTICE.replace(done=("mail",)))
    assert (await notices.all())[0].done == ("mail",)

    await notices.clear("budget", [1])
    await notices.note(NOTICE.replace(done=("mail",)))

    assert await notices.all() == []


async def test_a_notice_that_finds_no_space_leaves_no_mark_that_says_it_was_told(notices, monkeypatch):
    def full(*_args, **_named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk, "place", full)
    with pytest.raises(DiskFull):
        notices.mark_now("budget", 1, lambda: NOTICE)
    monkeypatch.undo()

    assert notices.mark_now("budget", 1, lambda: NOTICE) is True
    assert await notices.all() == [NOTICE]


async def test_what_was_told_on_a_full_disk_is_not_told_again_each_second(notices, monkeypatch, tmp_path):
    notices.mark_now("budget", 1, lambda: NOTICE)

    def full(*_args, **_named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk, "place", full)
    await notices.note(NOTICE.replace(done=("mail",)))
    on_the_full_disk = await notices.all()
    monkeypatch.undo()
    await notices.all()

    assert on_the_full_disk == [NOTICE.replace(done=("mail",))]
    assert await Notices(tmp_path / "notices").all() == on_the_full_disk
