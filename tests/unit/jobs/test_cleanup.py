"""What makes room and what stays: by age, by reference, by how full the disk is; never what a retry would need."""

import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jobs.maintenance.cleanup import ASKED_KEY, ask_where_low, cleanup, wake_those_that_wait_for_the_disk
from jobs.maintenance.clearing import Ground, clear
from jobs.pipeline import MAINTENANCE, VIDEO
from reelqueue import clock
from reelqueue.errors import DiskFull
from reelqueue.models.batch import BatchState
from reelqueue.models.manifest import (
    AssetsManifest,
    PartAssets,
    PresentedPiece,
    RenderManifest,
    ShownPiece,
    SpokenPiece,
    UnitPiece,
)
from reelqueue.models.media import Loudness, MediaInfo
from reelqueue.models.project import Artifact, ProjectState, Upload
from reelqueue.models.scene import SceneSpec
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage, StageStatus
from reelqueue.models.voice import Speech
from storage import BatchStore, Blobs, Ledger, Owner, Paths, ProjectStore, disk
from storage.ledger import Bucket, pacific_day

DAY = timedelta(days=1)
PIECE = b"x" * 1_000


def key(letter: str) -> str:
    return letter * 32


PART = Part(text="Hello.", duration=5)
SCRIPT = Script(
    intro=PART,
    segments=(Segment(index=1, text="Tides.", duration=5, image_description="sea", picture=f"images/{key('9')}.png"),),
    outro=PART,
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=15,
    language="en",
)
MADE = {
    "audio": [f"{key('a')}.wav", f"{key('a')}.json", f"{key('c')}.m4a", f"{key('c')}.json", "music-1.wav"],
    "images": [f"{key('b')}.jpg", f"{key('b')}.json", f"{key('9')}.png", "logo-1.png", "asked-1.json"],
    "avatars": [f"{key('d')}.mp4", f"{key('d')}.json", f"{key('d')}.job.json"],
    "segments": [f"{key('e')}.mp4", f"{key('e')}.json"],
}
"""What the manifests name, and what a retry finds by another way."""
OLD = {"audio": [f"{key('1')}.wav", f"{key('1')}.json"], "images": [f"{key('2')}.jpg"], "segments": [f"{key('3')}.mp4"]}
"""Of a script that was edited since."""
FILES = sum(len(names) for names in (*MADE.values(), *OLD.values()))


def manifests() -> dict[Stage, tuple[str, bytes]]:
    def file(path: str) -> Artifact:
        return Artifact(path=path, sha256="0", bytes=1)

    spoken = SpokenPiece(
        key=key("a"), sound=file(f"audio/{key('a')}.wav"),
        speech=Speech(text="Hello.", sample_rate=100, samples=100, words=(), visemes=()),
    )  # fmt: skip
    scene = SceneSpec(text="Hello.", language="en", candidates=("statement",), title="", picture=f"images/{key('b')}.jpg")
    shown = ShownPiece(key=key("b"), scene=scene, picture=file(f"images/{key('b')}.jpg"))
    shows = PresentedPiece(key=key("d"), description={"kind": "clip"}, clip=file(f"avatars/{key('d')}.mp4"))
    part = PartAssets(role="intro", index=0, text="Hello.", voice=(spoken,), shown=shown, presenter=shows)
    assets = AssetsManifest(language="en", title="Tides", topic="Tides", tags=(), parts=(part,))
    info = MediaInfo(container="mp4", bytes=1, duration_s=1)
    render = RenderManifest(
        units=(UnitPiece(key=key("e"), file=file(f"segments/{key('e')}.mp4"), frames=30),), sound=file(f"audio/{key('c')}.m4a"),
        loudness=Loudness(integrated_lufs=-16, true_peak_dbtp=-1), video=info, frames=30,
    )  # fmt: skip
    return {
        Stage.SCRIPT: ("script.json", SCRIPT.model_dump_json().encode()),
        Stage.ASSETS: ("assets/manifest.json", assets.model_dump_json().encode()),
        Stage.RENDER: ("render/manifest.json", render.model_dump_json().encode()),
    }


@dataclass
class Place:
    """A DATA_DIR whose disk has as much space as a test says."""

    projects: ProjectStore
    batches: BatchStore
    space_bytes: int = 10**12

    @property
    def ground(self) -> Ground:
        return Ground(self.projects, self.batches, Ledger(self.projects.paths), keep_days=30, low_water_bytes=0, free=self.free)

    def free(self, root: Path) -> int:
        return self.space_bytes - sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and _is_piece(path))

    def files(self, number: int) -> dict[str, set[str]]:
        root = self.projects.paths.project(number).root
        return {name: {path.name for path in (root / name).iterdir()} for name in MADE}

    async def project(
        self, *, days: float = 40, status: ProjectStatus = ProjectStatus.COMPLETED, published: bool = True, done: tuple[Stage, ...] = tuple(Stage)
    ) -> int:  # fmt: skip
        """A project that ended so many days ago, with all its files."""
        at = datetime.now(UTC) - days * DAY
        state = await self.projects.create({"topic": "Tides"})
        files = self.projects.paths.project(state.project_id)
        async with await self.projects.take_over(state.project_id) as lease:
            made = {stage: await lease.blobs.write(*what) for stage, what in manifests().items()}

            def ended(state: ProjectState) -> ProjectState:
                for stage in done:
                    artifacts = (made[stage],) if stage in made else ()
                    state = state.with_stage(stage, status=StageStatus.DONE, finished_at=at, artifacts=artifacts)
                upload = Upload(marker="m", session_no=1, video_id="v") if published else None
                return state.replace(status=status, upload=upload)

            for folder, names in [*MADE.items(), *OLD.items()]:
                for name in names:
                    path = files.root / folder / name
                    path.write_bytes(PIECE)
                    os.utime(path, (at.timestamp(),) * 2)
            await lease.commit(ended)
        return state.project_id


def _is_piece(path: Path) -> bool:
    return path.parent.name in MADE


@pytest.fixture
def place(data_dir) -> Place:
    paths = Paths(data_dir)
    paths.make()
    return Place(*(store(paths, Owner.here(), lease_seconds=3) for store in (ProjectStore, BatchStore)))


@pytest.fixture(autouse=True)
def _the_clock_is_right_again() -> Iterator[None]:
    yield
    clock.follow(None)


Run = Callable[..., Awaitable[Any]]


@pytest.fixture
def run(place) -> Run:
    async def run(*, dry_run: bool = False, low_water_bytes: int = 0, seconds: float = 60.0, **changes: Any) -> Any:
        ground = replace(place.ground, low_water_bytes=low_water_bytes, **changes)
        return await clear(ground, dry_run=dry_run, seconds=seconds)

    return run


ALL = {name: {*MADE[name], *OLD.get(name, ())} for name in MADE}
EMPTY: dict[str, set[str]] = {name: set() for name in MADE}


# By age.


async def test_the_pieces_of_what_was_published_long_ago_go_and_all_that_a_retry_reads_stays(place, run):
    number, young = await place.project(days=31), await place.project(days=29)

    told = await run()

    assert (place.files(number), place.files(young)) == (EMPTY, ALL)
    assert (told.files, told.bytes, told.cleaned) == (FILES, FILES * 1000, 1)
    assert told.projects == [{"project_id": number, "files": FILES, "bytes": FILES * 1000, "why": {"published": FILES * 1000}}]
    kept = place.projects.paths.project(number)
    assert [path.is_file() for path in (kept.state, kept.script, kept.manifest(Stage.ASSETS), kept.manifest(Stage.RENDER))] == [
        True
    ] * 4


@pytest.mark.parametrize(
    "status",
    [status for status in ProjectStatus if not status.is_final],
)
async def test_no_piece_of_a_project_that_has_not_ended_goes(place, run, status):
    """Not even of one whose video is published long since: a new thumbnail of it waits, say."""
    number = await place.project(days=400, status=status)

    told = await run(low_water_bytes=10**13)

    assert (place.files(number), told.files) == (ALL, 0)


async def test_what_killed_a_worker_is_still_known_after_its_temporary_file_is_gone(place, run):
    """Three deaths in a row in the same piece are a person's matter: the look in between must not forget one."""
    number = await place.project(status=ProjectStatus.RUNNING, published=False)
    dead = ProjectStore(place.projects.paths, Owner.here().replace(name="host/dead", pid=2**22 - 1), lease_seconds=3)
    lease = await dead.take_over(number)
    await lease.hold("render: unit 7")
    lease._renewing.cancel()
    stray = lease.files.output / "render.1.part"
    stray.write_bytes(PIECE)
    os.utime(stray, (0, 0))

    told = await run()

    async with await place.projects.take_over(number) as next_one:
        assert next_one.previous.piece == "render: unit 7"
    assert (told.files, stray.exists()) == (1, False)


@pytest.mark.parametrize("status", [ProjectStatus.FAILED, ProjectStatus.CANCELLED, ProjectStatus.COMPLETED])
async def test_what_a_retry_of_an_unpublished_project_needs_stays_for_ever(place, run, status):
    number = await place.project(days=4_000, status=status, published=False)

    await run(low_water_bytes=10**13)

    assert place.files(number) == {name: set(names) for name, names in MADE.items()}


async def test_who_is_retried_while_he_is_looked_at_is_judged_anew(place, run, monkeypatch):
    number = await place.project(published=False, status=ProjectStatus.FAILED)
    real = place.projects.take_over

    async def retried_first(*args: Any, **named: Any) -> Any:
        await place.projects.change(number, lambda state: state.replace(status=ProjectStatus.QUEUED))
        return await real(*args, **named)

    monkeypatch.setattr(place.projects, "take_over", retried_first)
    told = await run()

    assert (place.files(number), told.files) == (ALL, 0)


async def test_a_project_in_hand_is_left_for_the_next_time(place, run):
    number = await place.project()
    async with await place.projects.take_over(number):
        assert (await run()).files == 0
    assert (await run()).files == FILES


async def test_the_look_is_no_revision_and_leaves_no_trace(place, run):
    number = await place.project()
    before = await place.projects.load(number)

    await run()

    assert await place.projects.load(number) == before
    assert (await place.projects.holder(number), await place.projects.unfinished()) == (None, [])


# By reference.


async def test_pieces_that_no_manifest_names_go_after_keep_days(place, run):
    old = await place.project(published=False)
    young = await place.project(published=False, days=29)

    told = await run()

    assert place.files(old) == {name: set(names) for name, names in MADE.items()}
    assert place.files(young) == ALL
    assert told.projects == [{"project_id": old, "files": 4, "bytes": 4000, "why": {"unnamed": 4000}}]


async def test_a_script_that_a_person_edited_names_its_pictures_as_well(place, run):
    """Its file bears its hash, and the cleanup looked for `script.json`: of an edited project no picture ever went."""
    number = await place.project(published=False)
    blobs = Blobs(place.projects.paths.project(number).root)
    edited = await blobs.write(f"script/{key('f')}.json", SCRIPT.model_dump_json().encode())
    await place.projects.change(number, lambda state: state.with_stage(Stage.SCRIPT, artifacts=(edited,)))

    await run()

    assert place.files(number) == {name: set(names) for name, names in MADE.items()}


@pytest.mark.parametrize(
    ("done", "kept"),
    [
        pytest.param((Stage.SCRIPT,), {"audio", "images", "segments"}, id="assets failed: what it made is found again"),
        pytest.param((Stage.SCRIPT, Stage.ASSETS), {"audio", "segments"}, id="render failed: its units and its sound"),
        pytest.param((Stage.SCRIPT, Stage.ASSETS, Stage.RENDER), set(), id="the upload failed"),
    ],
)
async def test_what_a_stage_that_is_not_done_may_find_again_stays(place, run, done, kept):
    number = await place.project(published=False, status=ProjectStatus.FAILED, done=done)

    await run()

    assert {name for name in OLD if place.files(number)[name] == ALL[name]} == kept


async def test_where_a_manifest_is_not_what_the_state_says_nothing_is_unnamed(place, run):
    number = await place.project(published=False)
    files = place.projects.paths.project(number)
    for stage in (Stage.ASSETS, Stage.RENDER):
        files.manifest(stage).write_bytes(files.manifest(stage).read_bytes() + b" ")

    assert (await run()).files == 0


# Strays.


async def test_what_killed_writers_left_goes_after_an_hour_and_links_are_followed_nowhere(place, run, tmp_path):
    number = await place.project(published=False, status=ProjectStatus.FAILED, days=0)
    root = place.projects.paths.project(number).root
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.part").write_bytes(PIECE)
    (root / "linked").symlink_to(outside)
    (root / "output/link.part").symlink_to(outside / "mine.part")
    for name in ("script.json.1.2.part", "output/render.3.part", "segments/unit.3.part", "output/now.4.part"):
        (root / name).write_bytes(PIECE)
        os.utime(root / name, (time.time() - 3_700,) * 2)
    os.utime(root / "output/now.4.part")

    told = await run()

    assert told.projects == [{"project_id": number, "files": 3, "bytes": 3000, "why": {"stray": 3000}}]
    assert ((outside / "mine.part").exists(), (root / "output/now.4.part").exists()) == (True, True)


async def test_what_a_killed_delete_left_goes_too(place, run):
    left = place.projects.paths.trash / "7.abc" / "output"
    left.mkdir(parents=True)
    (left / "final_video.mp4").write_bytes(PIECE)

    would, does = await run(dry_run=True), await run()

    assert (would.trash_bytes, does.trash_bytes) == (1000, 1000)
    assert list(place.projects.paths.trash.iterdir()) == []


# By how full the disk is.


async def test_while_the_disk_is_low_the_oldest_published_go_first_until_it_is_not(place, run):
    middle, oldest, youngest = [await place.project(days=days) for days in (2, 3, 1)]
    for number, days in ((middle, 2), (oldest, 3), (youngest, 1)):
        await _changed(place, number, datetime.now(UTC) - days * DAY)
    place.space_bytes = 3 * FILES * 1000 + 500  # half a piece is free
    enough = FILES * 1000 + 1_000

    told = await run(low_water_bytes=enough)

    assert [place.files(number) for number in (oldest, middle, youngest)] == [EMPTY, EMPTY, ALL]
    assert (told.is_low, told.cleaned, told.free_bytes) == (False, 2, 2 * FILES * 1000 + 500)


async def test_who_does_not_publish_keeps_his_pieces_on_a_full_disk(place, run):
    number = await place.project(days=1, published=False)

    told = await run(low_water_bytes=10**13)

    assert (place.files(number), told.is_low) == (ALL, True)


async def test_room_is_made_on_a_disk_that_is_full_to_the_last_byte(place, run, monkeypatch):
    """The note that a project is in hand does not fit; the reserve is for that."""
    number = await place.project(days=31)
    place.projects.paths.reserve.write_bytes(b"r" * 65_536)
    real = disk.place

    def full(path: Path, body: bytes, **how: Any) -> None:
        if place.projects.paths.reserve.exists():
            raise OSError(28, "No space left on device")
        real(path, body, **how)

    monkeypatch.setattr(disk, "place", full)

    assert ((await run()).files, place.files(number)) == (FILES, EMPTY)


async def _changed(place: Place, number: int, at: datetime) -> None:
    """Its state says that it was changed last at that time."""
    path = place.projects.paths.project(number).state
    state = await place.projects.load(number)
    path.write_text(state.replace(updated_at=at).model_dump_json())


# A dry run, and an end before all was seen.


async def test_a_dry_run_tells_the_same_and_touches_nothing(place, run):
    numbers = [await place.project(days=days, published=published) for days, published in ((40, True), (40, False), (1, True))]
    before = {path: path.stat().st_mtime_ns for path in place.projects.paths.root.rglob("*")}
    place.space_bytes = 10**6
    low = 10**6 - 30_000

    would = await run(dry_run=True, low_water_bytes=low)

    assert {path: path.stat().st_mtime_ns for path in place.projects.paths.root.rglob("*")} == before
    does = await run(low_water_bytes=low)
    assert (would.projects, would.bytes, would.free_bytes) == (does.projects, does.bytes, does.free_bytes)
    assert [one["project_id"] for one in does.projects] == numbers
    assert (would.dry_run, does.dry_run) == (True, False)


async def test_what_there_was_no_time_for_is_counted_and_the_next_runs(place, run):
    await place.project()

    assert ((await run(seconds=-1)).left, (await run()).left) == (1, 0)


# Batches and days.


@pytest.mark.parametrize(
    ("days", "status", "deleted", "goes"),
    [
        pytest.param(31, BatchStatus.COMPLETED, True, True, id="ended long ago, all deleted"),
        pytest.param(29, BatchStatus.COMPLETED, True, False, id="ended not so long ago"),
        pytest.param(31, BatchStatus.RUNNING, True, False, id="runs"),
        pytest.param(31, BatchStatus.COMPLETED, False, False, id="one is there still"),
    ],
)
async def test_a_batch_is_forgotten_with_its_last_project(place, run, days, status, deleted, goes):
    project = await place.projects.create({"topic": "Tides"}, batch_id=1)
    await place.batches.create((project.project_id,), idempotency_key="a")
    at = datetime.now(UTC) - days * DAY
    await place.batches.change(1, lambda state: _ended(state, status, at))
    if deleted:
        await place.projects.delete(project.project_id)

    would, does = await run(dry_run=True), await run()

    assert (would.batches, does.batches) == (([1], [1]) if goes else ([], []))
    assert await place.batches.ids() == ([] if goes else [1])
    again = await place.batches.create((project.project_id,), idempotency_key="a")
    assert again.batch_id == (2 if goes else 1)


def _ended(state: BatchState, status: BatchStatus, at: datetime) -> BatchState:
    return state.replace(status=status, ended_at=None if status is BatchStatus.RUNNING else at)


async def test_days_that_would_be_forgotten_are_told_of(place, run):
    day = pacific_day(datetime.now(UTC)) - 61 * DAY
    await Ledger(place.projects.paths).reserve(Bucket("money", "usd", day), "a", Decimal(1), cap=Decimal(0))

    told = [(await run(dry_run=dry)).ledger_days for dry in (True, False, False)]

    assert told == [[day.isoformat()], [day.isoformat()], []]


# The job.


async def test_those_that_wait_for_the_disk_go_on_after_it(crew, redis, queue, stages, until):
    """At once, and not when they look again by themselves, within a minute."""
    stages.fail(Stage.ASSETS, DiskFull("no space"))
    await queue.create_project({"topic": "Tides"})
    async with crew.working(VIDEO), crew.service(redis, MAINTENANCE) as service:
        await queue.start(1)
        await until(lambda: queue.list_projects(status="waiting_disk"), "it waits")
        woken = await wake_those_that_wait_for_the_disk(service)
        answer = await queue.wait(1, timeout=60)

    assert (woken, answer["made"]) == ([1], "upload")


async def test_a_low_disk_asks_for_a_cleanup_once_in_ten_minutes(crew, redis):
    async with crew.service(redis, MAINTENANCE) as service:
        low = replace(service, rules=replace(service.rules, low_water_bytes=10**18))
        asked = [await ask_where_low({"service": one, "redis": redis}) for one in (service, low, low)]

    assert asked == [False, True, False]
    assert (await redis.zcard(MAINTENANCE), 0 < await redis.ttl(ASKED_KEY) <= 600) == (1, True)


async def test_the_job_says_what_went(crew, redis, queue):
    async with crew.service(redis, MAINTENANCE) as service:
        answer = await cleanup({"service": service, "redis": redis}, dry_run=True)

    assert answer["status"] == "success"
    assert {name: answer[name] for name in ("dry_run", "files", "bytes", "projects", "batches", "trash_bytes", "left")} == {
        "dry_run": True, "files": 0, "bytes": 0, "projects": [], "batches": [], "trash_bytes": 0, "left": 0,
    }  # fmt: skip
