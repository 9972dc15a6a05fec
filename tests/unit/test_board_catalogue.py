"""What lists are answered from: words, filters, counts, and pages that lose and repeat nobody."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from progress.bundle import Bundle, Told
from progress.events import ProgressEvent, Topic
from reelqueue.dashboard.catalogue import Catalogue, Wanted
from reelqueue.errors import StorageUnavailable
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text
from storage import Owner, Paths, ProjectStore

TITLES = ("How a typhoon gets its name", "茶葉渡海四百年", "Why bridges hum", "一斤茶要多少芽？", "Tea and typhoons")


@pytest.fixture
def projects(tmp_path) -> ProjectStore:
    paths = Paths(tmp_path)
    paths.make()
    return ProjectStore(paths, Owner.here(), lease_seconds=15)


@pytest.fixture
async def catalogue(projects) -> Catalogue:
    """Five projects, 1 to 5; the third failed."""
    for number, title in enumerate(TITLES):
        await projects.create(
            {"topic": title, "tags": ["sea"] if number == 2 else [], "channel": "tea" if "茶" in title else None}
        )
    await projects.change(
        3,
        lambda state: state.with_stage(
            Stage.ASSETS, status=StageStatus.FAILED, error={"code": "media", "message": "the picture is torn"}
        ).replace(status=ProjectStatus.FAILED),
    )
    return Catalogue(projects)


def told(project_id: int, status: str) -> Bundle:
    """What the hub hears of a project."""
    at = datetime.now(UTC).isoformat()
    event = ProgressEvent(
        project_id=project_id, stage="script_generation", progress=0, message="…", timestamp=at, seq=1, epoch="e", status=status
    )
    return Bundle(Topic(project_id=project_id), (Told.saying(event),), 0, 1, is_news=True)


def looked_at(projects: ProjectStore, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Which projects are looked at from here on, look by look."""
    asked: list[list[int]] = []
    outlines = projects.outlines

    async def heard(numbers):
        asked.append(sorted(numbers))
        return await outlines(numbers)

    monkeypatch.setattr(projects, "outlines", heard)
    return asked


def numbers(found) -> list[int]:
    return [one.project_id for one in found.rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("TYPHOON", [5, 1], id="letters of any case"),
        pytest.param("tea typhoons", [5], id="every word has to stand there"),
        pytest.param("茶", [4, 2], id="Chinese"),
        pytest.param("#3", [3], id="a number as it is written"),
        pytest.param("sea", [3], id="a tag"),
        pytest.param("torn", [3], id="what an error said"),
        pytest.param("space tea", [], id="nothing"),
        pytest.param("\u2067how\u2069 typhoon", [1], id="marks of the direction of writing, as pages copy them"),
        pytest.param("  ", [5, 4, 3, 2, 1], id="blanks ask for nothing"),
    ],
)
async def test_words_find_projects_by_what_is_said_of_them(catalogue, text, expected):
    found = await catalogue.find(Wanted(text=text))

    assert numbers(found) == expected


async def test_an_accent_is_found_whichever_way_it_is_written(projects):
    """Some systems copy a letter and its accent as two characters."""
    made = await projects.create({"topic": "Caf\u00e9"})

    assert numbers(await Catalogue(projects).find(Wanted(text="CAFE\u0301"))) == [made.project_id]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(Wanted(channel="tea"), [4, 2], id="a channel"),
        pytest.param(Wanted(stage=Stage.ASSETS), [], id="a stage that none waits for"),
        pytest.param(Wanted(statuses=frozenset({ProjectStatus.FAILED})), [3], id="a status"),
        pytest.param(Wanted(since=datetime.now(UTC) + timedelta(hours=1)), [], id="changed since"),
        pytest.param(Wanted(batch_id=1), [], id="a batch"),
    ],
)
async def test_filters_leave_out_what_does_not_fit(catalogue, wanted, expected):
    assert numbers(await catalogue.find(wanted)) == expected


async def test_counts_by_status_are_of_all_that_fit_whatever_status_is_asked_for(catalogue):
    found = await catalogue.find(Wanted(statuses=frozenset({ProjectStatus.FAILED})))

    assert found.total == 1
    assert found.counts == {ProjectStatus.CREATED: 4, ProjectStatus.FAILED: 1}


async def test_pages_lead_to_the_end_and_back_to_the_beginning(catalogue):
    first = await catalogue.find(Wanted(), limit=2)
    second = await catalogue.find(Wanted(), limit=2, after=first.after)
    third = await catalogue.find(Wanted(), limit=2, after=second.after)
    back = await catalogue.find(Wanted(), limit=2, before=third.before)

    assert [numbers(page) for page in (first, second, third, back)] == [[5, 4], [3, 2], [1], [3, 2]]
    assert [page.first for page in (first, second, third)] == [1, 3, 5]
    assert (first.before, third.after) == (None, None)


async def test_a_page_behind_one_that_was_deleted_goes_on_where_it_was(catalogue, projects):
    first = await catalogue.find(Wanted(), limit=2)
    await projects.delete(4)
    catalogue.look_anew()

    second = await catalogue.find(Wanted(), limit=2, after=first.after)

    assert numbers(second) == [3, 2]


async def test_the_page_before_is_whole_where_fewer_lie_before_it(catalogue):
    found = await catalogue.find(Wanted(), limit=3, before=4)

    assert numbers(found) == [5, 4, 3]


async def test_no_page_is_larger_than_a_page_may_be(catalogue):
    assert len((await catalogue.find(Wanted(), limit=1_000_000)).rows) == 5
    assert len((await catalogue.find(Wanted(), limit=-3)).rows) == 1


async def test_who_changed_something_sees_it_at_once(catalogue, projects):
    await catalogue.all()
    await projects.change(1, lambda state: state.replace(status=ProjectStatus.CANCELLED))

    catalogue.look_anew()

    assert (await catalogue.some([1]))[1].status is ProjectStatus.CANCELLED


async def test_who_was_told_of_a_change_sees_it_at_once(catalogue, projects):
    """A page that heard of it asks for the list: an older one would take back what it shows."""
    await catalogue.all()
    await projects.change(1, lambda state: state.replace(status=ProjectStatus.CANCELLED))

    catalogue.hear(told(1, "cancelled"))

    assert (await catalogue.some([1]))[1].status is ProjectStatus.CANCELLED


async def test_who_waited_for_anothers_look_sees_what_was_told_meanwhile(catalogue, projects, monkeypatch):
    """The look that both waited for had read the project before it changed."""
    outlines, is_read, goes_on = projects.outlines, asyncio.Event(), asyncio.Event()

    async def slow(numbers):
        seen = await outlines(numbers)
        is_read.set()
        await goes_on.wait()
        return seen

    monkeypatch.setattr(projects, "outlines", slow)
    async with asyncio.TaskGroup() as group:
        group.create_task(catalogue.all())
        await is_read.wait()
        await projects.change(1, lambda state: state.replace(status=ProjectStatus.CANCELLED))
        catalogue.hear(told(1, "cancelled"))
        later = group.create_task(catalogue.some([1]))
        await asyncio.sleep(0)
        goes_on.set()

    assert later.result()[1].status is ProjectStatus.CANCELLED


async def test_of_a_new_one_that_was_told_of_lists_know_at_once(catalogue, projects):
    await catalogue.all()
    made = await projects.create({"topic": "A new one"})

    catalogue.hear(told(made.project_id, "queued"))

    assert numbers(await catalogue.find(Wanted())) == [6, 5, 4, 3, 2, 1]


async def test_that_others_were_made_and_deleted_is_seen_though_nobody_told_which(catalogue, projects):
    await catalogue.all()
    await projects.create({"topic": "A new one"})
    await projects.delete(4)

    catalogue.hear_of_others()

    assert numbers(await catalogue.find(Wanted())) == [6, 5, 3, 2, 1]


async def test_of_one_that_was_told_of_and_deleted_nothing_is_left(catalogue, projects):
    await catalogue.all()
    await projects.delete(4)

    catalogue.hear(told(4, "cancelled"))

    assert numbers(await catalogue.find(Wanted())) == [5, 3, 2, 1]


async def test_only_what_was_told_of_is_looked_at_while_the_rest_is_fresh(catalogue, projects, monkeypatch):
    monkeypatch.setattr("reelqueue.dashboard.catalogue.FRESH_SECONDS", 3_600.0)
    await catalogue.all()
    asked = looked_at(projects, monkeypatch)
    catalogue.hear(told(5, "created"))
    catalogue.hear(told(2, "running"))
    await catalogue.all()
    await catalogue.all()

    assert asked == [[2, 5]]


async def test_a_look_that_failed_is_had_again_by_who_asks_next(catalogue, projects, monkeypatch):
    await catalogue.all()
    await projects.change(1, lambda state: state.replace(status=ProjectStatus.CANCELLED))
    outlines = projects.outlines

    async def away(numbers):
        monkeypatch.setattr(projects, "outlines", outlines)
        raise StorageUnavailable(Text("磁碟沒有回應", "the disk does not answer"))

    monkeypatch.setattr(projects, "outlines", away)
    catalogue.hear(told(1, "cancelled"))
    with pytest.raises(StorageUnavailable):
        await catalogue.all()

    assert (await catalogue.some([1]))[1].status is ProjectStatus.CANCELLED


async def test_before_an_answer_only_projects_that_may_change_by_themselves_are_looked_at(catalogue, projects, monkeypatch):
    for number in (1, 2, 4):
        await projects.change(number, lambda state: state.replace(status=ProjectStatus.COMPLETED))
        await projects.unmark(number)
    catalogue.look_anew()
    await catalogue.all()
    asked = looked_at(projects, monkeypatch)
    await projects.create({"topic": "A new one"})
    catalogue.look_anew()

    found = await catalogue.find(Wanted())

    assert asked == [[3, 5, 6]]
    assert numbers(found) == [6, 5, 4, 3, 2, 1]


async def test_one_that_was_deleted_is_gone_with_the_next_look(catalogue, projects):
    await catalogue.all()
    await projects.delete(2)

    catalogue.look_anew()

    assert numbers(await catalogue.find(Wanted())) == [5, 4, 3, 1]


async def test_what_changes_while_it_is_looked_is_there_with_the_next_answer(catalogue, projects, monkeypatch):
    known = numbers(await catalogue.find(Wanted()))
    outlines = projects.outlines

    async def changed_meanwhile(asked):
        seen = await outlines(asked)
        monkeypatch.setattr(projects, "outlines", outlines)
        await projects.create({"topic": "Made while it was looked"})
        catalogue.look_anew()
        return seen

    monkeypatch.setattr(projects, "outlines", changed_meanwhile)
    catalogue.look_anew()
    await catalogue.all()

    assert numbers(await catalogue.find(Wanted())) == [known[0] + 1, *known]
