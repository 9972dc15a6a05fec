"""Who is owed something: a marker each, and none for what is gone."""

from storage.debts import Debts


async def test_debts_are_listed_oldest_project_first_and_each_once(paths):
    debts = Debts(paths.owed)
    for number in (12, 3, 12):
        await debts.mark(number)

    assert await debts.all() == [3, 12]


async def test_a_debt_that_is_cleared_is_none_any_more(paths):
    debts = Debts(paths.owed)
    await debts.mark(3)
    await debts.clear(3)
    await debts.clear(3)

    assert await debts.all() == []


async def test_where_nothing_was_ever_owed_there_is_nothing_to_list_or_clear(paths):
    debts = Debts(paths.owed)
    await debts.clear(1)

    assert await debts.all() == []


async def test_what_is_no_projects_marker_is_none(paths):
    debts = Debts(paths.owed)
    await debts.mark(3)
    (paths.owed / ".nfs0001").touch()
    (paths.owed / "notes.txt").touch()

    assert await debts.all() == [3]


async def test_a_project_that_is_deleted_is_owed_nothing(paths, store):
    state = await store.create({"topic": "Tides"})
    await Debts(paths.owed).mark(state.project_id)

    await store.delete(state.project_id)

    assert await Debts(paths.owed).all() == []
