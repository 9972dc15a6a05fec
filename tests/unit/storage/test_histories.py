"""Any history of take-overs, commits, cancels, pauses and full disks against a model of three lines."""

import asyncio
import errno
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reelqueue.errors import Busy, DiskFull, Fenced
from storage import Lease, Owner, Paths, ProjectStore, disk
from storage.liveness import Watch

WORKERS = st.sampled_from([0, 1, 2])


def more(state):
    """A step of work: pure, safe to run twice."""
    return state.replace(run=state.run + 1)


class Histories(RuleBasedStateMachine):
    """Three workers and one project.  The model: who has it, at which fence, and how many commits were answered."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.now = -1e9  # all stamps lie in its future: only watching counts
        self.paths = Paths(Path(self.folder.name))
        me = Owner.here()
        self.stores = [
            ProjectStore(self.paths, me.replace(name=f"w/{number}"), lease_seconds=60, watch=Watch(60, lambda: self.now))
            for number in range(3)
        ]
        self.leases: list[Lease | None] = [None, None, None]
        self.holder: int | None = None
        self.lapsed = False
        self.fence = self.commits = self.revision = 0

    def do(self, work):
        return self.runner.run(work)

    @initialize()
    def create(self):
        self.do(self.stores[0].create({"topic": "bees"}))

    @rule(worker=WORKERS)
    def take(self, worker):
        if self.holder is not None and not self.lapsed:
            with pytest.raises(Busy):
                self.do(self.stores[worker].take_over(1))
            return
        lease = self.do(self.stores[worker].take_over(1))
        lease._renewing.cancel()  # renewals have tests of their own; here the clock decides
        self.fence += 1
        assert lease.fence == self.fence
        self.leases[worker], self.holder, self.lapsed = lease, worker, False

    @precondition(lambda self: any(self.leases))
    @rule(worker=WORKERS)
    def commit(self, worker):
        lease = self.leases[worker]
        if lease is None:
            return
        if lease.fence == self.fence and self.holder == worker:
            self.do(lease.commit(more))
            self.commits += 1
        else:
            with pytest.raises(Fenced):
                self.do(lease.commit(more))

    @rule()
    def change(self):
        self.do(self.stores[0].change(1, more))
        self.commits += 1

    @precondition(lambda self: self.holder is not None)
    @rule()
    def commit_on_a_full_disk(self):
        with pytest.MonkeyPatch.context() as full:
            full.setattr(disk.os, "write", _no_space)
            with pytest.raises(DiskFull):
                self.do(self.leases[self.holder].commit(more))

    @precondition(lambda self: self.holder is not None)
    @rule()
    def everybody_sees_the_holder_do_nothing_for_a_lease(self):
        for store in self.stores:
            self.do(store.holder(1))
        self.now += 61
        self.lapsed = True

    @rule(worker=WORKERS)
    def release(self, worker):
        lease, self.leases[worker] = self.leases[worker], None
        if lease is not None:
            self.do(lease.release())
            if self.holder == worker and lease.fence == self.fence:
                self.holder = None

    @invariant()
    def what_was_answered_is_there_and_nothing_else(self):
        state = self.do(self.stores[0].load(1))
        assert (state.run, state.fence) == (self.commits, self.fence)
        assert state.revision >= self.revision
        assert len(set(state.recent)) == min(state.revision, 16)
        self.revision = state.revision
        assert self.do(self.stores[0].unfinished()) == [1]

    def teardown(self):
        for worker in range(3):
            self.release(worker)
        self.runner.close()
        self.folder.cleanup()


def _no_space(fd, data):
    raise OSError(errno.ENOSPC, "No space left on device")


Histories.TestCase.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
TestHistories = Histories.TestCase
