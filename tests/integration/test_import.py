"""`reelqueue import DIR`: the old system's folders, taken over by the command and finished by real workers."""

import asyncio
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from jobs.client import connect
from jobs.importing.looking import look_at_all
from jobs.importing.plan import Plan, Workshop
from jobs.importing.taking import take_over_all
from reelqueue.errors import Conflict, DiskFull, WrongState
from reelqueue.models.stage import Stage
from reelqueue.providers.registry import estimated_seconds, open_shelf
from reelqueue.wording import speak
from storage import Owner, Paths, ProjectStore
from storage.incoming import open_incoming
from tests import forks
from tests.workers import HUMMING, ROOT, TINY, environment, worker

GOLDEN = Path(__file__).parents[1] / "golden" / "old"
REELQUEUE = str(Path(sys.executable).with_name("reelqueue"))


@pytest.fixture
def old(tmp_path) -> Path:
    """The old system's `backend` folder."""
    folder = tmp_path / "backend"
    folder.mkdir()
    return folder


@pytest.fixture
def shop(settings) -> Workshop:
    """What an import works with, in this process."""
    speak("en")
    paths = Paths(settings.data_dir)
    paths.make()
    return Workshop(
        paths=paths,
        projects=ProjectStore(paths, Owner.here(), lease_seconds=3),
        providers=open_shelf(settings, paths).usual(),
        seconds=estimated_seconds,
        language="en",
    )


def place(old: Path, number: int | str, golden: str, root: str = "data/projects") -> Path:
    """One old project, by its golden state."""
    folder = old / root / str(number)
    folder.mkdir(parents=True)
    shutil.copy(GOLDEN / f"{golden}.json", folder / "project_state.json")
    return folder


def picture(path: Path, shade: int, size: tuple[int, int] = (1920, 1080)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade, 90, 160)).save(path)
    return path


def seen(path: Path) -> tuple[tuple[int, int], tuple[int, int, int]]:
    """A picture's size, and the colour of one of its points."""
    with Image.open(path) as image:
        return image.size, image.convert("RGB").getpixel((9, 9))


def video(path: Path, *, seconds: float = 4.0, sound_s: float | None = None) -> Path:
    """A small H.264 and AAC video, as the old system's FFmpeg would have made it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        shown, heard = out.add_stream("libx264", rate=30), out.add_stream("aac", rate=48_000)
        shown.width, shown.height, shown.pix_fmt = 320, 180, "yuv420p"
        for number in range(int(30 * seconds)):
            frame = av.VideoFrame.from_ndarray(np.full((180, 320, 3), number % 256, np.uint8), format="rgb24")
            out.mux(shown.encode(frame))
        out.mux(shown.encode())
        for number in range(int(48_000 * (sound_s or seconds) / 1024)):
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            sound.sample_rate, sound.pts = 48_000, 1024 * number
            out.mux(heard.encode(sound))
        out.mux(heard.encode())
    return path


def listing(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Every file below: its inode, its time of change, its content."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


async def said(settings, *arguments: str) -> tuple[int, str, str]:
    process = await forks.create_subprocess_exec(
        REELQUEUE, *arguments, cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(120):
        out, err = await process.communicate()
    assert "Traceback" not in (out + err).decode()
    return process.returncode, out.decode(), err.decode()


async def imported(settings, *arguments: str) -> tuple[int, list[dict]]:
    code, out, _ = await said(settings, "import", *map(str, arguments), "--json")
    return code, json.loads(out)


@pytest.mark.slow
async def test_a_script_and_its_pictures_become_the_rest_of_the_video_word_for_word(settings, old):
    folder = place(old, 12, "en-assets-generated")
    for number in range(4):
        picture(folder / f"images/segment_{number}.png", 40 * number)
    video(folder / "avatars/intro.mp4")
    before = listing(old)

    code, told = await imported(settings, old)
    async with worker(settings, module=TINY, **HUMMING), connect(settings) as queue:
        await queue.start(12)
        result = await queue.wait(12, timeout=240)
        state = await queue.get_project(12)

    texts = [segment["text"] for segment in json.loads((GOLDEN / "en-assets-generated.json").read_text())["script"]["segments"]]
    root = settings.data_dir / "projects/12"
    script = json.loads((root / "script.json").read_text())
    manifest = json.loads((root / "assets/manifest.json").read_text())
    assert (code, told[0]["outcome"], told[0]["next_stage"]) == (0, "new", "assets")
    assert [script["intro"]["text"], *(segment["text"] for segment in script["segments"]), script["outro"]["text"]] == texts
    assert state.stages[Stage.SCRIPT].started_at is None, "the script was not written again"
    shades = [seen(root / part["shown"]["picture"]["path"])[1][0] for part in manifest["parts"][1:3]]
    assert [round(shade / 40) for shade in shades] == [1, 2], "each picture stands where it belongs"
    assert result["video_id"] == "local-12"
    assert any("avatar" in note for note in told[0]["notes"])
    assert listing(old) == before


@pytest.mark.slow
async def test_a_finished_video_is_published_and_not_rendered_anew(settings, old):
    folder = place(old, 22, "zh-thumbnail-generated")
    made = video(folder / "output/final_video.mp4")
    drawn = picture(folder / "output/thumbnail.jpg", 10, (1280, 720))
    without = place(old, 21, "zh-video-rendered")
    video(without / "output/final_video.mp4")
    (without / "output/final_video.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\n早上\n")

    code, told = await imported(settings, old)
    async with worker(settings, MUSIC_DIR=str(old)), connect(settings) as queue:  # our own render would hang on the music
        stored = [
            await (await queue.enqueue_job(job, project_id=22, chain=False)).result(timeout=60)
            for job in ("generate_script_task", "generate_assets_task", "render_video_task", "generate_thumbnail_task")
        ]
        for number in (21, 22):
            await queue.start(number)
        results = {number: await queue.wait(number, timeout=120) for number in (21, 22)}
        states = {number: await queue.get_project(number) for number in (21, 22)}

    library = settings.data_dir / "library"
    assert (code, [(one["project_id"], one["next_stage"]) for one in told]) == (0, [(21, "thumbnail"), (22, "upload")])
    assert (library / "22/video.mp4").read_bytes() == made.read_bytes()
    assert (library / "22/thumbnail.jpg").read_bytes() == drawn.read_bytes()
    assert not (library / "22/captions.srt").exists()
    assert (library / "21/captions.srt").read_text().endswith("早上\n")
    assert seen(library / "21/thumbnail.jpg")[0] == (1280, 720)
    assert {result["video_id"] for result in results.values()} == {"local-21", "local-22"}
    assert json.loads((library / "22/metadata.json").read_text())["title"] == "一顆咖啡豆的旅行"
    assert stored[2]["video_info"]["video_path"] == str(settings.data_dir / "projects/22/output/final_video.mp4")
    assert [result["status"] for result in stored] == ["success"] * 4
    for state in states.values():
        assert state.stages[Stage.ASSETS].status == "skipped"
        assert state.stages[Stage.RENDER].started_at is None
    assert states[22].stages[Stage.THUMBNAIL].started_at is None


async def test_what_was_published_is_completed_and_never_published_again(settings, old):
    place(old, 30, "en-completed")  # its files were deleted to save space

    code, told = await imported(settings, old, "--start")
    async with connect(settings) as queue:
        state = await queue.get_project(30)
        answer = await queue.wait(30, timeout=60)
        refused = []
        for stage in Stage:
            with pytest.raises(WrongState) as caught:
                await queue.retry(30, from_stage=stage)
            refused.append(caught.value.message)
        async with worker(settings):
            job = await queue.enqueue_job("upload_to_youtube_task", project_id=30)
            published = await job.result(timeout=30)
            script = await (await queue.enqueue_job("generate_script_task", project_id=30)).result(timeout=30)

    assert (code, told[0]["status"], told[0]["next_stage"]) == (0, "completed", None)
    assert (state.status, state.upload.video_id) == ("completed", "dQw4w9WgXcQ")
    assert answer["video_url"] == published["video_url"] == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    assert script["script"]["metadata"]["title"] == "Why bread rises"
    assert len(refused) == len(Stage)
    assert not list((settings.data_dir / "library").iterdir())
    assert not list((settings.data_dir / "open").iterdir())


async def test_a_video_that_the_old_system_only_claimed_to_have_made_is_made(settings, old):
    place(old, 21, "zh-video-rendered")
    broken = place(old, 22, "zh-thumbnail-generated")
    (broken / "output").mkdir()
    (broken / "output/final_video.mp4").write_bytes(b"no video")
    cut = place(old, 23, "zh-thumbnail-generated")
    video(cut / "output/final_video.mp4", seconds=6, sound_s=1)

    code, told = await imported(settings, old)

    assert (code, [one["next_stage"] for one in told]) == (0, ["assets"] * 3)
    assert all(any("rendered again" in note for note in one["notes"]) for one in told)
    assert any("YouTubeUploadService" in note for note in told[1]["notes"])


async def test_a_second_time_adds_nothing_and_says_what_changed_since(settings, old):
    folder = place(old, 7, "zh-script-generated")

    first, _ = await imported(settings, old)
    before = listing(settings.data_dir / "projects")
    again, told = await imported(settings, old)
    shutil.copytree(folder, old.parent / "copy/7")
    copied, of_the_copy = await imported(settings, old.parent / "copy", "--renumber")
    state = json.loads((folder / "project_state.json").read_text())
    (folder / "project_state.json").write_text(json.dumps(state | {"stage": "assets_generated"}))
    _, of_the_changed = await imported(settings, old)

    assert (first, again, copied) == (0, 0, 0)
    assert [one["outcome"] for one in (*told, *of_the_copy, *of_the_changed)] == ["present"] * 3
    assert {one["project_id"] for one in (*told, *of_the_copy)} == {7}
    assert listing(settings.data_dir / "projects") == before
    assert "changed since" in of_the_changed[0]["notes"][0]


async def test_a_dry_run_changes_nothing(settings, old):
    place(old, 7, "zh-script-generated")

    code, out, _ = await said(settings, "import", str(old), "--dry-run")

    assert code == 0
    assert "project 7: goes on with assets" in out
    assert not settings.data_dir.exists()


async def test_what_cannot_be_taken_over_is_named_with_what_to_do_and_the_rest_is(settings, old):
    place(old, 1, "zh-script-generated")
    async with connect(settings) as queue:
        await queue.create_project({"topic": "Here first"}, project_id=2)
    place(old, 2, "en-completed")
    (place(old, 3, "en-completed") / "project_state.json").write_text('{"stage": "comp')
    (place(old, 4, "en-completed") / "project_state.json").write_text('{"schema_version": 1, "stages": {}}')
    (old / "data/projects/5").mkdir()
    outside = old.parent / "elsewhere"
    place(outside, 6, "en-completed", root="")
    (old / "data/projects/6").symlink_to(outside / "6")
    (place(old, 7, "en-completed") / "project_state.json").write_bytes(b" " * 5_000_000)
    place(old, "summer", "zh-video-rendered")
    (place(old, 9, "en-completed") / "project_state.json").write_text("[]")
    place(old, 10, "zh-script-generated")
    place(old, 10, "en-completed", root="projects")
    os.mkfifo(place(old, 11, "en-completed", root="storage") / "pipe")
    (old / "storage/11/project_state.json").unlink()
    (old / "storage/11/pipe").rename(old / "storage/11/project_state.json")

    code, told = await imported(settings, old)
    renumbered, again = await imported(settings, old, "--renumber")

    found = {one["path"].removeprefix(f"{old}/"): one["error"] for one in told}
    assert code == 1
    assert found.pop("data/projects/1") is None
    expected = {
        "data/projects/2": ("the id 2 is taken", "--renumber"),
        "data/projects/3": ("no whole JSON", "restore it from a backup"),
        "data/projects/4": ("a project of reelqueue itself", "DATA_DIR"),
        "data/projects/5": ("no project_state.json", "reelqueue new"),
        "data/projects/6": ("leads out of the folder", "--media"),
        "data/projects/7": ("5,000,000 bytes", "look at the file"),
        "data/projects/summer": ("is no project's id", "--renumber"),
        "data/projects/9": ("no JSON object", "backup"),
        "data/projects/10": ("more than one folder", "alone"),
        "projects/10": ("more than one folder", "alone"),
        "storage/11": ("no project's state", "look at the file"),
    }
    assert found.keys() == expected.keys()
    for path, (message, hint) in expected.items():
        assert message in found[path]["message"]
        assert str(old / path) in found[path]["message"]
        assert hint in found[path]["hint"]
    assert renumbered == 1
    assert {one["project_id"] for one in again if one["outcome"] == "new"} == {3, 4}


async def test_files_are_found_where_one_is_told_and_never_through_a_link_that_leads_out(settings, old):
    folder = place(old, 21, "zh-video-rendered")
    made = video(old.parent / "disk2/21/output/final_video.mp4")
    linked = place(old, 22, "zh-thumbnail-generated")
    (linked / "output").mkdir()
    (linked / "output/final_video.mp4").symlink_to(made)

    _, alone = await imported(settings, old, "--dry-run")
    _, told = await imported(settings, old, "--dry-run", "--media", old.parent / "disk2")

    assert [one["next_stage"] for one in alone] == ["assets", "assets"]
    assert any("leads out" in note and "--media" in note for note in alone[1]["notes"])
    assert [one["next_stage"] for one in told] == ["thumbnail", "thumbnail"]
    assert folder.exists()


async def plan_of(shop: Workshop, old: Path, **options) -> Plan:
    (plan,) = await look_at_all(shop, old, **options)
    return plan


async def test_pictures_that_were_made_before_the_state_knew_of_them_are_used(shop, old):
    folder = place(old, 7, "zh-script-generated")
    for number in (2, 3):
        picture(folder / f"images/segment_{number}.png", number)
    (folder / "images/segment_9.png").write_bytes(b"no picture")

    plan = await plan_of(shop, old)

    assert {index: path.name for index, path in plan.accepted.files.pictures.items()} == {0: "segment_2.png", 1: "segment_3.png"}
    assert any("segment_9.png can't be used" in note.en for note in plan.notes)


@pytest.mark.parametrize(
    ("names", "placed", "said"),
    [
        pytest.param(["a", "b"], {0: "a", 1: "b"}, "2 pictures are used", id="one for each in the middle"),
        pytest.param(["a", "b", "c", "d"], {0: "b", 1: "c"}, "2 pictures of the opening or the closing", id="one for each"),
        pytest.param(["a", "b", "c"], {0: "a", 1: "b"}, "spread evenly", id="nobody knows whose"),
        pytest.param(["a", "-"], {0: "a"}, "1 pictures are not there", id="one is missing"),
    ],
)
async def test_pictures_stand_where_they_belong(shop, old, names, placed, said):
    folder = place(old, 7, "zh-script-generated")
    state = json.loads((folder / "project_state.json").read_text())
    images = [f"images/{name}.png" for name in names]
    (folder / "project_state.json").write_text(json.dumps(state | {"stage": "assets_generated", "assets": {"images": images}}))
    for shade, name in enumerate(names):
        if name != "-":
            picture(folder / f"images/{name}.png", shade)

    plan = await plan_of(shop, old)

    assert {index: path.stem for index, path in plan.accepted.files.pictures.items()} == placed
    assert any(said in note.en for note in plan.notes)


async def test_a_script_of_two_segments_is_told_anew_from_its_own_words(shop, old):
    folder = place(old, 7, "zh-script-generated")
    state = json.loads((folder / "project_state.json").read_text())
    state["script"]["segments"] = state["script"]["segments"][:2]
    (folder / "project_state.json").write_text(json.dumps(state))

    plan = await plan_of(shop, old)

    assert plan.accepted.next_stage is Stage.SCRIPT
    assert plan.accepted.script is None
    assert all(segment["text"] in plan.accepted.brief.content for segment in state["script"]["segments"])


async def test_two_imports_at_once_are_one_and_what_a_killed_one_left_is_swept(shop, old):
    place(old, 7, "zh-script-generated")
    left = shop.paths.incoming / "0123"
    left.mkdir(parents=True)
    plans = await look_at_all(shop, old)

    async with open_incoming(shop.paths):
        assert not left.exists()
        with pytest.raises(Conflict):
            _ = [one async for one in take_over_all(shop, plans)]
    taken = [one async for one in take_over_all(shop, plans)]
    again = [one async for one in take_over_all(shop, plans)]  # the same plan, as if two had looked at once

    assert [plan.outcome for plan, _ in (*taken, *again)] == ["new", "new"]
    assert [state.project_id for _, state in (*taken, *again)] == [7, 7]
    assert await shop.projects.ids() == [7]
    assert [path.name for path in shop.paths.incoming.iterdir()] == [".lock"]


async def test_a_disk_too_full_for_the_videos_is_named_before_anything_is_copied(shop, old):
    video(place(old, 21, "zh-video-rendered") / "output/final_video.mp4")
    full = dataclasses.replace(shop, spare_bytes=1e18)

    with pytest.raises(DiskFull):
        _ = [one async for one in take_over_all(full, await look_at_all(full, old))]

    assert await shop.projects.ids() == []


async def test_a_project_that_was_imported_and_deleted_does_not_come_back(shop, old):
    place(old, 7, "zh-script-generated")
    _ = [one async for one in take_over_all(shop, await look_at_all(shop, old))]
    await shop.projects.delete(7)

    plan = await plan_of(shop, old)
    ((renumbered, state),) = [one async for one in take_over_all(shop, await look_at_all(shop, old, renumber=True))]

    assert (plan.outcome, "the id 7 is taken" in plan.error.message) == ("refused", True)
    assert (renumbered.outcome, state) == ("refused", None)
    assert "deleted" in renumbered.error.message


async def test_an_upload_that_may_have_happened_waits_for_a_person(settings, old):
    for number, changes in (
        (41, {"upload_result": {}}),
        (42, {"stage": "thumbnail_generated", "upload_result": {}, "status": "UPLOADING"}),
    ):
        folder = place(old, number, "en-completed")
        state = json.loads((folder / "project_state.json").read_text())
        (folder / "project_state.json").write_text(json.dumps(state | changes))

    code, told = await imported(settings, old, "--start")
    watched, _, complaint = await said(settings, "watch", "41")
    retried, _, _ = await said(settings, "retry", "42")

    assert (code, [one["status"] for one in told]) == (3, ["needs_person"] * 2)
    assert (watched, retried) == (3, 0)
    assert "whether the channel has it" in complaint


async def test_start_starts_what_was_imported_but_not_what_was_paused(settings, old):
    place(old, 7, "zh-script-generated")
    folder = place(old, 8, "zh-script-generated")
    state = json.loads((folder / "project_state.json").read_text())
    state["script"]["title"] = "暫停的"
    (folder / "project_state.json").write_text(json.dumps(state | {"status": "PAUSED"}))

    code, out, _ = await said(settings, "import", str(old), "--start")
    async with connect(settings) as queue:
        states = [(await queue.get_project(number)).status for number in (7, 8)]

    assert (code, states) == (0, ["queued", "created"])
    assert "started 1" in out
    assert "reelqueue start 8" in out


async def test_what_was_imported_and_not_started_is_named_whole(settings, old):
    place(old, 7, "zh-script-generated")
    place(old, 8, "en-assets-generated")

    _, out, _ = await said(settings, "import", str(old))

    assert "for id in 7 8; do reelqueue start $id; done" in out


async def test_a_new_cut_of_a_video_that_was_taken_over_begins_with_its_voice(settings, old):
    folder = place(old, 21, "zh-video-rendered")
    video(folder / "output/final_video.mp4")
    await imported(settings, old)

    async with connect(settings) as queue:
        state = await queue.retry(21, from_stage="render")

    assert state.next_stage is Stage.ASSETS


async def test_the_old_systems_own_folder_is_refused_as_data_dir_and_its_states_stay_where_they_are(settings, old):
    place(old, 7, "zh-script-generated")
    before = listing(old)
    inside = settings.model_copy(update={"data_dir": old / "data"})

    code, told = await imported(inside, old)
    listed, _, _ = await said(inside, "list")
    status, _, complaint = await said(inside, "status", "7")

    assert (code, listed, status) == (1, 0, 3)
    assert "DATA_DIR" in told[0]["error"]["message"]
    assert "reelqueue import" in complaint
    assert {path: about for path, about in listing(old).items() if path in before} == before


@pytest.mark.parametrize("where", ["none", "empty", "file"])
async def test_no_folder_and_a_folder_without_projects_are_wrong_usage(settings, old, where):
    (old / "empty").mkdir()
    (old / "file").write_text("")

    code, _, complaint = await said(settings, "import", str(old / where))

    assert code == 2
    assert str(old / where)[:60] in complaint  # a long one is cut


async def test_every_word_is_there_in_chinese(settings, old, tmp_path):
    place(old, 7, "zh-script-generated")
    process = await forks.create_subprocess_exec(
        REELQUEUE,
        "import",
        str(old),
        cwd=ROOT,
        env=environment(settings) | {"REELQUEUE_LANGUAGE": "zh-TW"},
        stdout=subprocess.PIPE,
    )
    out, _ = await process.communicate()

    assert out.decode().splitlines() == [
        f"✓ {old}/data/projects/7 → 專案 7：從「素材」繼續",
        "匯入 1 個；先前已匯入 0 個；不能匯入 0 個",
        "繼續：reelqueue start 7",
    ]
