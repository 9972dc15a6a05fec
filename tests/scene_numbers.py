"""Two weeks of history for the scene: counted by the real counting, written by the real copy."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import pi, sin

from jobs.pipeline import BATCH, MAINTENANCE, VIDEO
from jobs.tally import found_done, paid, published, queue_stood, reconciled, stage_ended
from reelqueue.models.stage import Stage
from reelqueue.tally import TALLY, Batch, merge
from storage import Paths
from storage.chronicle import Chronicle, HourPage, Summary

DAYS, VIDEOS_A_DAY, SAMPLES_APART = 14, 70, timedelta(minutes=5)


async def tell_history(paths: Paths, now: datetime, lengths_s: Mapping[Stage, int], chance: random.Random) -> None:
    """Let `DAYS` have been, up to `now`."""
    totals: dict[str, float] = {}
    runs: list[tuple[int, str]] = []
    begin = now - timedelta(days=DAYS)
    for day in range(DAYS):
        _a_day(begin + timedelta(days=day), lengths_s, chance)
        number, batch = TALLY.pending()
        merge(totals, batch.totals)
        runs += batch.runs
        summary = Summary(
            since_ms=int(begin.timestamp() * 1000), copy_no=day + 1, totals=totals, runs=tuple(sorted(runs, reverse=True)[:1000])
        )
        await Chronicle(paths.metrics).keep(summary, await _joined(paths, batch))
        TALLY.arrived(number)


async def _joined(paths: Paths, batch: Batch) -> list[HourPage]:
    """The hours of a batch, with what is there of the first one already."""
    first, last = min(batch.minutes) // 60, max(batch.minutes) // 60
    pages = {
        number: (dict(page.fields), dict(page.minutes))
        for number, page in (await Chronicle(paths.metrics).pages(first, last)).items()
    }
    for minute, fields in batch.minutes.items():
        whole, minutes = pages.setdefault(minute // 60, ({}, {}))
        merge(whole, fields)
        merge(minutes.setdefault(minute, {}), fields)
    return [HourPage(hour=number, fields=whole, minutes=minutes) for number, (whole, minutes) in pages.items()]


def _a_day(begin: datetime, lengths_s: Mapping[Stage, int], chance: random.Random) -> None:
    at, end = begin, begin + timedelta(days=1)
    while at < end:
        busy = max(0.0, sin(pi * ((at.hour + 8) % 24 - 6) / 16))
        waiting = int(40 * busy * chance.uniform(0.6, 1.2))
        queue_stood(VIDEO, at, waiting=waiting, oldest_s=waiting * 41.0 if waiting else None, running=min(6, waiting + 1))
        queue_stood(BATCH, at, waiting=0, oldest_s=None, running=1)
        queue_stood(MAINTENANCE, at, waiting=0, oldest_s=None, running=0)
        for _ in range(round(busy * VIDEOS_A_DAY / 130 + chance.random() * 0.9)):
            _a_video(chance.randrange(1, 500), at + timedelta(seconds=chance.randrange(300)), end, lengths_s, chance)
        at += SAMPLES_APART


def _a_video(number: int, at: datetime, end: datetime, lengths_s: Mapping[Stage, int], chance: random.Random) -> None:
    began = at
    for stage in Stage:
        took = lengths_s[stage] * chance.lognormvariate(0, 0.35)
        at += timedelta(seconds=took + chance.expovariate(1 / 120))
        if at >= end:
            return
        who = f"host/{chance.randrange(4)}"
        if chance.random() < 0.02:
            stage_ended(stage, "retry", project_id=number, now=at, seconds=took / 3, worker=who, code="rate_limited")
        if chance.random() < 0.015:
            stage_ended(stage, "fail", project_id=number, now=at, seconds=took / 2, worker=who, code="content_refused")
            return
        stage_ended(stage, "ok", project_id=number, now=at, seconds=took, worker=who)
        if stage in {Stage.SCRIPT, Stage.ASSETS}:
            paid("gemini", "ok", chance.uniform(0.01, 0.4))
        if chance.random() < 0.003:
            reconciled("job_freed", 1)
            found_done()
    published(at, (at - began).total_seconds())
