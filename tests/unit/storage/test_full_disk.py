"""No space: the old state is whole, nothing half-written is left, and the parked state can still be written."""

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelqueue.errors import DiskFull
from reelqueue.models.project import Wait
from reelqueue.models.stage import ProjectStatus
from storage import disk, reserve

LONG = "蜜" * 3_000
ON_A_TINY_DISK = Path(__file__).with_name("tiny_disk.py")


@contextlib.contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """Writes beyond are cut short, then refused, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_commit_without_space_leaves_the_old_state_whole(store):
    project = await store.create({"topic": "bees", "content": LONG})
    folder = store.paths.project(project.project_id).root
    before = store.paths.project(1).state.read_bytes()
    async with await store.take_over(1) as lease:
        taken = store.paths.project(1).state.read_bytes()
        with files_of_at_most(2_000), pytest.raises(DiskFull):
            await lease.commit(lambda state: state.replace(run=1))

        assert store.paths.project(1).state.read_bytes() == taken != before
        assert not store.paths.reserve.exists()
        assert list(folder.glob("*.part")) == []
        assert (await lease.commit(lambda state: state.replace(run=1))).run == 1
    assert list(folder.rglob("*.part")) == []


async def test_a_project_is_not_half_made_without_space(store):
    await store.create({"topic": "ants"})

    with files_of_at_most(2_000), pytest.raises(DiskFull):
        await store.create({"topic": "bees", "content": LONG}, idempotency_key="a")

    assert (await store.ids(), sorted(path.name for path in store.paths.projects.iterdir())) == ([1], [".lock", "1"])
    assert (await store.create({"topic": "bees", "content": LONG}, idempotency_key="a")).project_id == 2


async def test_a_blob_without_space_leaves_the_old_one_whole(store):
    await store.create({"topic": "bees"})
    async with await store.take_over(1) as lease:
        artifact = await lease.blobs.write("script.json", b"old")
        with files_of_at_most(1_000), pytest.raises(DiskFull):
            await lease.blobs.write("script.json", b"new" * 1_000)

        assert await lease.blobs.read(artifact) == b"old"


async def test_a_take_over_without_space_holds_nothing(store):
    await store.create({"topic": "bees", "content": LONG})

    with files_of_at_most(2_000), pytest.raises(DiskFull):
        await store.take_over(1)
    with files_of_at_most(10), pytest.raises(DiskFull):
        await store.take_over(1)

    assert await store.holder(1) is None
    async with await store.take_over(1) as lease:
        assert lease.previous is None


def test_a_reserve_that_does_not_fit_takes_no_space(tmp_path):
    with files_of_at_most(1_000):
        reserve.keep(tmp_path / ".reserve")

    assert list(tmp_path.iterdir()) == []


def test_a_short_write_is_written_on(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:7]))

    disk.place(tmp_path / "a", b"0123456789" * 5)

    assert (tmp_path / "a").read_bytes() == b"0123456789" * 5


def may_mount() -> bool:
    """Whether a small disk may be mounted here, in a namespace of its own."""
    tried = shutil.which("unshare") and subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
    )
    return bool(tried) and tried.returncode == 0


@pytest.mark.skipif(not may_mount(), reason="this machine does not allow a mount namespace")
def test_on_a_really_full_disk_the_project_is_parked_and_goes_on_later(tmp_path):
    script = 'mount -t tmpfs -o size=1m none "$1" && exec "$2" "$3" "$1"'

    ran = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", tmp_path, sys.executable, ON_A_TINY_DISK],
        capture_output=True,
        check=True,
        timeout=60,
    )

    told = json.loads(ran.stdout)
    assert told == {"commit": "DiskFull", "parked": "waiting_disk", "others": ["waiting_disk"] * 3, "later": 1}


async def test_parking_is_tried_once_more_when_the_reserve_is_given_up(store, monkeypatch):
    await store.create({"topic": "bees"})
    real, full = disk.place, [True]

    def place(path, body, **how):
        if path.name == "project_state.json" and full and full.pop():
            raise OSError(28, "No space left on device")
        real(path, body, **how)

    async with await store.take_over(1) as lease:
        monkeypatch.setattr(disk, "place", place)
        parked = await lease.commit(
            lambda state: state.replace(status=ProjectStatus.WAITING_DISK, wait=Wait(reason="waiting_disk"))
        )

    assert (parked.status, full, store.paths.reserve.exists()) == ("waiting_disk", [], False)


async def test_a_project_is_deleted_on_a_full_disk(store, monkeypatch):
    """Who makes room must not be refused for lack of it: the tombstone has the reserve."""
    await store.create({"topic": "bees"})
    real = disk.place

    def place(path, body, **how):
        if store.paths.reserve.exists():
            raise OSError(28, "No space left on device")
        real(path, body, **how)

    monkeypatch.setattr(disk, "place", place)
    await store.delete(1)

    assert (await store.ids(), await store.is_gone(1), await store.is_gone(2)) == ([], True, False)
