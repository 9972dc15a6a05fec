"""The benchmark of the board: its own reading of events, whole or cut anywhere, and its table.  No time is asserted."""

import asyncio
import time

import pytest

from benchmarks.board import shown
from benchmarks.boards.readers import Reader

EVENT = b'data: {"message": "told at 1000 \xe7\xac\xac", "seq": 7}\n\n'


@pytest.mark.parametrize("cut", range(1, 2 * len(EVENT)))
async def test_an_event_is_read_once_wherever_the_network_cuts_it(cut):
    late_s: list[float] = []
    reader = Reader(b"", late_s, asyncio.Queue())
    for data in ((EVENT + EVENT)[:cut], (EVENT + EVENT)[cut:]):
        reader.data_received(data)

    assert len(late_s) == 2
    assert late_s[0] == pytest.approx(time.monotonic_ns() / 1e9 - 1e-6, abs=60)


def test_the_table_says_what_came_of_what_was_due():
    answer = {"p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0}
    told = {"told": 10, "deliveries": 19, "cpu_percent": 5.0} | answer
    stream = {"open_s": 0.5, "memory_mb": 100, "quiet_cpu_percent": 0.1, "5 a second": told, "list meanwhile": answer}
    found = {
        "machine": {}, "readers": 2, "rest": {}, "first_list": answer, "asked": {"list": answer}, "streams": {"pages": stream},
    }  # fmt: skip

    table = shown(found)

    assert "| pages | 5 | 19 | 20 | 1.0 | 2.0 | 3.0 | 5.0 |" in table
    assert "| list, pages told | 1.0 | 2.0 | 3.0 |" in table
