"""A worker whose event loop stands still for good is ended; one that is only busy, or was stopped, is not."""

import asyncio

from structlog.testing import capture_logs

from jobs.watchdog import SILENT_SECONDS, Watchdog


async def test_a_loop_that_stands_still_is_told_of_with_where_and_given_up():
    given_up = []
    watchdog = Watchdog(asyncio.get_running_loop(), lambda: given_up.append(True))
    with capture_logs() as said:
        for _ in range(int(SILENT_SECONDS / 5) + 1):  # we hold the loop all the while
            watchdog.look(5.0)

    assert given_up == [True]
    assert said[0]["event"] == "loop_stands_still"
    assert "test_a_loop_that_stands_still" in said[0]["exception"]


async def test_a_loop_that_turns_now_and_then_is_let_alone():
    given_up = []
    watchdog = Watchdog(asyncio.get_running_loop(), lambda: given_up.append(True))
    for _ in range(10):
        for _ in range(int(SILENT_SECONDS / 5) - 1):
            watchdog.look(5.0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        watchdog.look(5.0)

    assert given_up == []
