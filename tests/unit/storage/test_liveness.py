"""Who lives, where processes can't be looked for: an owner in another container, by real processes on this machine."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from reelqueue.errors import Busy, DiskFull
from storage import liveness
from storage.batches import BatchStore
from storage.liveness import LeaseFile, LeaseRecord, Owner, Watch
from storage.paths import LEASE
from storage.projects import ProjectStore

CONTAINER = """
import asyncio, sys
from pathlib import Path
from storage import Owner, Paths, ProjectStore
from storage.batches import BatchStore

async def main(root, kind, lease_seconds):
    store = {"project": ProjectStore, "batch": BatchStore}[kind]
    owner = Owner.here().replace(name="container/1", host="container", pid_namespace="pid:[1]")
    async with await store(Paths(Path(root)), owner, lease_seconds=float(lease_seconds)).take_over(1):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main(*sys.argv[1:]))
"""
"""A process that this one can't look for, as in another container of the same machine."""


@contextlib.asynccontextmanager
async def container(root: Path, kind: str, *, lease_seconds: float) -> AsyncIterator[asyncio.subprocess.Process]:
    argv = [sys.executable, "-c", CONTAINER, str(root), kind, str(lease_seconds)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"held\n"
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()


class Place:
    """A project or a batch, as somebody sees it who looks for the first time, each time."""

    def __init__(self, kind: str, store: Callable[[], ProjectStore | BatchStore], lease: Path) -> None:
        self.kind, self.store, self.lease = kind, store, lease

    async def is_held(self) -> bool:
        return await self.store().holder(1) is not None


@pytest.fixture(params=["project", "batch"])
async def place(request, paths) -> Place:
    if request.param == "project":
        await ProjectStore.reader(paths).create({"topic": "bees"})
        return Place("project", lambda: ProjectStore(paths, Owner.here(), lease_seconds=1), paths.project(1).lease)
    await BatchStore.reader(paths).create()
    return Place("batch", lambda: BatchStore(paths, Owner.here(), lease_seconds=1), paths.batch(1) / LEASE)


@pytest.fixture
def file(tmp_path) -> LeaseFile:
    return LeaseFile(tmp_path / "lease.json")


@pytest.fixture
def record() -> LeaseRecord:
    return LeaseRecord(owner=Owner.here().replace(pid_namespace="pid:[1]"), fence=1, lease_seconds=60)


def times_of_day(file: LeaseFile) -> None:
    """Let the record be as 0.1.0 renews it."""
    now = time.time_ns()
    os.utime(file._path, ns=(now, now))


# --- by real processes ---


async def test_one_killed_elsewhere_on_this_machine_is_dead_at_the_first_look_after_the_lease(place, paths):
    async with container(paths.root, place.kind, lease_seconds=1) as process:
        process.kill()
        await process.wait()
        ends = (place.lease.stat().st_mtime_ns - liveness._STAMP_ZERO_NS) / 1e9 + 1  # its last renewal and a lease
        looks, looked = time.monotonic(), await place.is_held()
        while looked:
            assert looks < ends
            await asyncio.sleep(0.02)
            looks, looked = time.monotonic(), await place.is_held()

    assert time.monotonic() >= ends
    async with await place.store().take_over(1) as lease:
        assert lease.previous.owner.host == "container"


async def test_one_that_lives_elsewhere_on_this_machine_is_never_judged_dead(place, paths):
    async with container(paths.root, place.kind, lease_seconds=4):
        stamps, looks = set(), []
        while len(stamps) < 4:
            stamps.add(place.lease.stat().st_mtime_ns)
            looks.append(await place.is_held())
            await asyncio.sleep(0.01)

        assert all(looks)
        with pytest.raises(Busy):
            await place.store().take_over(1)


# --- by the stamp ---


@pytest.mark.parametrize(
    ("seconds", "lives"),
    [pytest.param(0, True, id="new"), pytest.param(59, True, id="nearly over"), pytest.param(61, False, id="over")],
)
def test_a_record_of_this_boot_is_judged_at_the_first_look(file, record, seconds, lives):
    file.claim(record, instead_of=None)
    clock = time.monotonic() + seconds

    assert Watch(1, lambda: clock).is_alive(file._path, file.see()) is lives


def test_the_longer_of_two_leases_counts(file, record):
    """Who takes over may be set to shorter leases than who holds, and the other way round."""
    file.claim(record.replace(lease_seconds=1), instead_of=None)
    clock = time.monotonic() + 30

    assert Watch(60, lambda: clock).is_alive(file._path, file.see())
    assert not Watch(1, lambda: clock).is_alive(file._path, file.see())


@pytest.mark.parametrize("renew", ["renew", "hold"])
def test_each_renewal_is_young_and_looks_different(file, record, renew):
    """A watcher of 0.1.0 sees it by its difference only."""
    file.claim(record, instead_of=None)
    first = file.see()

    for _ in range(20):
        before = file.see()
        assert getattr(file, renew)(record)
        assert file.see().signature != before.signature
        assert 0 <= file.see().age(time.monotonic()) < 5
    assert file.see().signature[1] > first.signature[1]


def elsewhere(file: LeaseFile, record: LeaseRecord) -> None:
    other = record.replace(owner=record.owner.replace(boot="another boot"))
    body = other.model_dump_json().encode()
    stamp = file._path.stat().st_mtime_ns
    file._path.write_bytes(body)
    os.utime(file._path, ns=(stamp, stamp))


def another_clock(file: LeaseFile, record: LeaseRecord) -> None:
    stamp = file._path.stat().st_mtime_ns + 1_000 * 1_000_000_000
    os.utime(file._path, ns=(stamp, stamp))


def whole_seconds(file: LeaseFile, record: LeaseRecord) -> None:
    stamp = file._path.stat().st_mtime_ns // 2_000_000_000 * 2_000_000_000
    os.utime(file._path, ns=(stamp, stamp))


def nonsense(file: LeaseFile, record: LeaseRecord) -> None:
    stamp = file._path.stat().st_mtime_ns
    file._path.write_bytes(b"\0\0")
    os.utime(file._path, ns=(stamp, stamp))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda file, record: times_of_day(file), id="a time of day, of 0.1.0"),
        pytest.param(lambda file, record: os.utime(file._path, (86_400.5, 86_400.5)), id="a time of day of 1970"),
        pytest.param(elsewhere, id="another machine's"),
        pytest.param(another_clock, id="ahead of our clock"),
        pytest.param(whole_seconds, id="whole seconds"),
        pytest.param(nonsense, id="no record"),
    ],
)
def test_where_the_stamp_tells_nothing_a_record_lives_until_it_was_seen_unchanged_for_a_lease(file, record, spoil):
    file.claim(record, instead_of=None)
    spoil(file, record)
    now = time.monotonic() + 100.0
    watch = Watch(60, lambda: now)
    first = watch.is_alive(file._path, file.see())
    now += 59
    later = watch.is_alive(file._path, file.see())
    now += 2

    assert (first, later, watch.is_alive(file._path, file.see())) == (True, True, False)


def test_an_owner_of_0_1_0_that_renews_is_never_judged_dead(file, record):
    file.claim(record, instead_of=None)
    now = time.monotonic()
    watch = Watch(60, lambda: now)

    for _ in range(10):
        times_of_day(file)
        assert watch.is_alive(file._path, file.see())
        now += 50


async def test_a_dead_owners_record_that_was_put_back_is_not_waited_for_again(paths, monkeypatch):
    """Its project was taken over, but the state could not be written."""
    store = ProjectStore(paths, Owner.here(), lease_seconds=1)
    await store.create({"topic": "bees"})
    file = LeaseFile(paths.project(1).lease)
    owner = Owner.here().replace(name="container/1", pid_namespace="pid:[1]")
    file.claim(LeaseRecord(owner=owner, fence=1, lease_seconds=1, piece="image-3"), instead_of=None)
    file._write(file.see().record, renewed_ns=1)  # long ago

    async def full(*_, **__):
        raise DiskFull("full")

    with monkeypatch.context() as broken:
        broken.setattr(store._documents, "replace", full)
        with pytest.raises(DiskFull):
            await store.take_over(1)

    async with await store.take_over(1) as lease:
        assert lease.previous.piece == "image-3"


# --- which clock ---


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has clocks of a container's own")
def test_a_clock_of_a_containers_own_is_another_boot(tmp_path, monkeypatch):
    link = tmp_path / "time"
    machine = liveness._boot_id()
    link.symlink_to("time:[4026532600]")
    monkeypatch.setattr(liveness, "_TIME_NAMESPACE", link)

    assert machine
    assert liveness._boot_id() == f"{machine}/time:[4026532600]"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has clocks of a container's own")
def test_a_kernel_without_such_clocks_has_one_boot(tmp_path, monkeypatch):
    machine = liveness._boot_id()
    monkeypatch.setattr(liveness, "_TIME_NAMESPACE", tmp_path / "missing")

    assert liveness._boot_id() == machine
