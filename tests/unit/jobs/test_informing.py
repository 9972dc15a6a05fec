"""People hear of a kind of wait once, by each way; and again only after nobody waited so any more."""

from datetime import timedelta
from pathlib import Path

import pytest

from jobs import acts, transitions
from jobs.announcing import Announcer
from jobs.maintenance.informing import RETRY_S, Informer
from reelqueue import clock
from reelqueue.errors import AuthenticationFailed, BudgetExhausted, DiskFull, NeedsPerson
from reelqueue.models.stage import Stage
from reelqueue.process import ChildFailed
from storage import Owner, Paths, ProjectStore
from storage.notices import Notices
from storage.outbox import Outbox


class Heard:
    """A way to people; fails as often as it is told to."""

    retries = True

    def __init__(self, what: str = "mail", failures: int = 0) -> None:
        self.what = what
        self.failures = failures
        self.notices = []

    async def tell(self, notice):
        if self.failures:
            self.failures -= 1
            raise ConnectionRefusedError("no server")
        self.notices.append(notice)


class Once(Heard):
    retries = False

    async def tell(self, notice):
        self.notices.append(notice)
        if self.failures:
            raise ChildFailed("notify", "exit", "exit code 1")


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "data")


@pytest.fixture
def announcer(paths):
    return Announcer(Outbox(paths.outbox), Notices(paths.notices), notifies=True)


@pytest.fixture
def projects(paths, announcer):
    return ProjectStore(paths, Owner.here(), lease_seconds=5, on_rest=announcer.rested)


@pytest.fixture
def moved(tmp_path):
    file = Path(tmp_path / "clock")

    def move(seconds):
        file.write_text(str(seconds))
        clock.follow(file)

    yield move
    clock.follow(None)


async def comes_to(projects, error, *, stage=Stage.SCRIPT, number=None):
    """A project whose stage ends so, in the hand of a worker."""
    number = number or (await projects.create({"topic": "How tides work"})).project_id
    ends = transitions.parked(stage, error, chain=True) if hasattr(error, "until") else transitions.failed(stage, clock.now(), error, chain=True)  # fmt: skip
    async with await projects.take_over(number) as lease:
        await lease.commit(ends)
    return number


DEAD = AuthenticationFailed("the token is dead", "reelqueue auth youtube")
CAP = BudgetExhausted("the day's cap is reached", "raise DAILY_COST_CAP_USD")


async def test_many_that_meet_one_dead_token_are_one_message(projects, announcer):
    way = Heard()
    informer = Informer(announcer, projects, [way])
    for _ in range(20):
        await comes_to(projects, DEAD, stage=Stage.UPLOAD)
        await informer.inform()

    [notice] = way.notices
    assert (notice.kind, notice.project_id, notice.why, notice.what_to_do) == (
        "authentication-upload-default", 1, "the token is dead", "reelqueue auth youtube",
    )  # fmt: skip


async def test_each_kind_is_a_message_of_its_own(projects, announcer):
    way = Heard()
    for error in (DEAD, CAP, DiskFull("full"), NeedsPerson("look")):
        await comes_to(projects, error)

    await Informer(announcer, projects, [way]).inform()

    assert [notice.kind for notice in way.notices] == ["authentication-script", "budget", "disk", "needs_person-script"]


async def test_a_kind_is_told_again_once_nobody_waited_so_any_more(projects, announcer):
    way = Heard()
    informer = Informer(announcer, projects, [way])
    first, second = await comes_to(projects, CAP), await comes_to(projects, CAP)
    await informer.inform()

    await projects.change(first, acts.cancel)
    for _ in range(3):
        await informer.forget_what_passed()
    await comes_to(projects, CAP)
    await informer.inform()
    assert len(way.notices) == 1  # the second still waits

    for number in (second, 3):
        await projects.change(number, acts.cancel)
    await informer.forget_what_passed()
    await informer.forget_what_passed()
    await comes_to(projects, CAP)
    await informer.inform()

    assert [notice.project_id for notice in way.notices] == [1, 4]


async def test_a_failure_that_nobody_tried_again_does_not_keep_the_next_one_from_being_told(projects, announcer, moved):
    way = Heard()
    informer = Informer(announcer, projects, [way])
    await comes_to(projects, DEAD)
    await informer.inform()

    moved(25 * 3600)
    await informer.forget_what_passed()
    await informer.forget_what_passed()
    await comes_to(projects, DEAD)
    await informer.inform()

    assert [notice.project_id for notice in way.notices] == [1, 2]


async def test_one_look_that_finds_nobody_waiting_is_not_enough(projects, announcer):
    """Who waits for the disk is tried each minute, and does not wait while it is."""
    way = Heard()
    informer = Informer(announcer, projects, [way])
    number = await comes_to(projects, DiskFull("full"))
    await informer.inform()

    await projects.change(number, acts.cancel)
    await informer.forget_what_passed()
    await projects.change(number, acts.retry(None))
    await comes_to(projects, DiskFull("full"), number=number)
    await informer.forget_what_passed()
    await informer.inform()

    assert len(way.notices) == 1


async def test_mail_that_does_not_go_is_tried_again_and_the_command_is_run_once(projects, announcer, moved):
    mail, command = Heard(failures=2), Once("command", failures=9)
    informer = Informer(announcer, projects, [command, mail])
    await comes_to(projects, CAP)

    for seconds in (0, RETRY_S[0] / 2, RETRY_S[0] + 1, RETRY_S[0] + RETRY_S[1] + 2, 1e6):
        moved(seconds)
        await informer.inform()

    assert (len(mail.notices), len(command.notices)) == (1, 1)


async def test_mail_that_never_goes_is_given_up(projects, announcer, moved):
    mail = Heard(failures=99)
    informer = Informer(announcer, projects, [mail])
    await comes_to(projects, CAP)
    for hours in range(0, 240, 10):
        moved(hours * 3600)
        await informer.inform()

    assert 99 - mail.failures == len(RETRY_S) + 1


async def test_what_a_full_disk_could_not_keep_is_told_once_all_the_same(projects, announcer, paths, monkeypatch):
    way = Heard()
    informer = Informer(announcer, projects, [way])

    def full(*_args):
        raise DiskFull("no space")

    monkeypatch.setattr(announcer.notices, "mark_now", full)
    number = await comes_to(projects, DiskFull("full"))
    await informer.inform()
    monkeypatch.undo()
    await projects.unmark(number)
    await informer.inform()

    assert [notice.kind for notice in way.notices] == ["disk"]
    assert (paths.notices / "disk" / str(number)).exists()


async def test_a_restarted_worker_tells_nothing_anew(projects, announcer, paths):
    way = Heard()
    await comes_to(projects, CAP)
    await Informer(announcer, projects, [way]).inform()

    again = Announcer(Outbox(paths.outbox), Notices(paths.notices), notifies=True)
    await Informer(again, projects, [way]).inform()

    assert len(way.notices) == 1
    assert way.notices[0].at <= clock.now() + timedelta(seconds=1)
