"""Any history of deaths, stops, late answers, lost queues, full disks and clock jumps, over the real storage and the real jobs.

What a history is made of is in `model/machine.py`, what is real and what is not in `model/world.py`.  MODEL_HISTORIES says how many
the soak plays, MODEL_SEED which ones.
"""

import os
import random
import time

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from tests.guarantees.model.histories import KNOWN, History
from tests.guarantees.model.inline_redis import Server
from tests.guarantees.model.machine import COUNTS, Histories, forget_begun

FEW, STEPS, MANY_STEPS = 60, 18, 25
SEED = int(os.environ.get("MODEL_SEED") or random.SystemRandom().randrange(1_000_000))
PARTS = 10
MANY = int(os.environ.get("MODEL_HISTORIES") or 3_000)


def play(server: str, histories: int, steps: int, *, seed: int | None) -> None:
    """So many histories; without a seed the same ones each time."""
    phases = (Phase.generate, Phase.shrink)
    how = hypothesis.settings(
        max_examples=histories, stateful_step_count=steps, deadline=None, database=None, derandomize=seed is None, phases=phases,
        suppress_health_check=list(HealthCheck), print_blob=False, report_multiple_bugs=False,
    )  # fmt: skip
    machine = type("Histories", (Histories,), {"server": Server(server)})
    COUNTS.clear()
    forget_begun()
    try:
        run_state_machine_as_test(machine if seed is None else hypothesis.seed(seed)(machine), settings=how)
    finally:
        machine.server.redis.close()
        forget_begun()


def test_after_each_step_of_any_history_the_invariants_hold(_server):
    play(_server.admin_url, FEW, STEPS, seed=None)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_thousands_of_histories_break_no_invariant(_server, part):
    print(f"MODEL_SEED={SEED} MODEL_HISTORIES={MANY}, part {part} of {PARTS}")  # noqa: T201 - shown where it fails
    began, cpu = time.perf_counter(), time.process_time()
    try:
        play(_server.admin_url, MANY // PARTS, MANY_STEPS, seed=SEED + part)
    finally:
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        histories, steps = COUNTS["histories"], COUNTS["steps"]
        print(f"{histories} histories of {steps} steps, {histories / seconds:.1f} a second ({histories / cpu:.1f} by CPU)")  # noqa: T201


@pytest.fixture
def machine(_server):
    """A machine that is played by hand."""
    forget_begun()
    machine = type("Histories", (Histories,), {"server": Server(_server.admin_url)})()
    yield machine
    machine.world.close()
    machine.server.redis.close()
    forget_begun()


@pytest.mark.parametrize("history", [pytest.param(history, id=history.without.__name__) for history in KNOWN])
def test_what_is_taken_out_is_missed(machine, monkeypatch, history: History):
    """The same history ends well with the protection, and breaks an invariant without it."""
    history.play(machine)
    machine.heal()
    machine.world.close()
    machine.begin()
    history.without(monkeypatch)

    with pytest.raises(AssertionError):
        history.play(machine)
        machine.heal()
