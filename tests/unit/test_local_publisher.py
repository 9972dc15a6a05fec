"""The local publisher: one video, whole or not there, private until the last step; and the local presenter."""

import errno
import json
from pathlib import Path

import pytest

from reelqueue.errors import DiskFull, MediaError, PermanentError
from reelqueue.providers.local import publisher as module
from reelqueue.providers.local.presenter import LocalPresenter
from reelqueue.providers.local.publisher import LocalPublisher
from reelqueue.providers.protocols import PresenterRequest, Publication, SessionGone


@pytest.fixture
def library(tmp_path):
    return tmp_path / "library"


@pytest.fixture
def publication(tmp_path):
    files = {name: tmp_path / name for name in ("video.mp4", "thumbnail.jpg", "captions.srt")}
    for name, path in files.items():
        path.write_bytes(name.encode() * 1000)
    return Publication(
        project_id=7, marker="rq-7-abc", title="標題", description="說明", tags=("a",), language="zh-TW", privacy="public", category_id=27,
        made_for_kids=False, synthetic_media=True, video=str(files["video.mp4"]), thumbnail=str(files["thumbnail.jpg"]), captions=str(files["captions.srt"]),
    )  # fmt: skip


async def published(publisher, publication):
    """The whole way, as jobs/video/upload.py goes it."""
    session = await publisher.open(publication)
    shares = [share async for share in publisher.send(publication, session)]
    video_id = await publisher.query(publication, session)
    answers = [await publisher.step(name, publication, video_id) for name in publisher.steps(publication)]
    return shares, video_id, answers[-1]


def address(library):
    return (library / "7" / "video.mp4").resolve().as_uri()


def contents(library):
    return {path.name: path.read_bytes() for path in (library / "7").iterdir()}


def overwrite(path, body):
    Path(path).write_bytes(body)


def remove(path):
    Path(path).unlink()


def record(library):
    return json.loads((library / "7" / "metadata.json").read_text())


async def test_a_video_lies_in_the_library_with_all_that_belongs_to_it(library, publication):
    shares, video_id, answer = await published(LocalPublisher(library), publication)

    assert video_id == "local-7"
    assert answer == {"video_url": address(library), "video_status": "public"}
    assert shares[-1] == 1.0
    assert sorted(contents(library)) == ["captions.srt", "metadata.json", "thumbnail.jpg", "video.mp4"]
    assert contents(library)["video.mp4"] == b"video.mp4" * 1000
    assert (record(library)["privacy"], record(library)["marker"], record(library)["title"]) == ("public", "rq-7-abc", "標題")


async def test_it_is_private_until_the_last_step(library, publication):
    publisher = LocalPublisher(library)
    session = await publisher.open(publication)
    _ = [share async for share in publisher.send(publication, session)]
    seen = []

    for name in publisher.steps(publication):
        seen.append(record(library)["privacy"])
        await publisher.step(name, publication, "local-7")

    assert set(seen) == {"private"}
    assert record(library)["privacy"] == "public"


async def test_a_second_run_changes_nothing(library, publication):
    first = await published(LocalPublisher(library), publication)
    before = contents(library)

    second = await published(LocalPublisher(library), publication)

    assert second[1:] == first[1:]
    assert contents(library) == before


async def test_a_cut_copy_is_no_video(library, publication, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BYTES", 100)
    publisher = LocalPublisher(library)
    session = await publisher.open(publication)
    sending = publisher.send(publication, session)
    await anext(sending)
    await sending.aclose()

    assert await publisher.query(publication, session) is None
    assert await publisher.find(publication) == ()

    assert [share async for share in publisher.send(publication, session)][-1] == 1.0
    assert await publisher.find(publication) == ("local-7",)
    assert not [name for name in contents(library) if name.endswith(".part")]


async def test_a_late_writer_neither_stops_its_successor_nor_leaves_anything(library, publication):
    """It was stopped in the middle of the copy, its successor went all the way, then it woke up."""
    publisher = LocalPublisher(library)
    session = await publisher.open(publication)
    late, next_one = publisher.send(publication, session), publisher.send(publication, session)
    await anext(late)
    await anext(next_one)

    await late.aclose()
    _ = [share async for share in next_one]

    assert contents(library)["video.mp4"] == b"video.mp4" * 1000
    assert not [name for name in contents(library) if name.endswith(".part")]


async def test_a_lost_folder_is_a_lost_session(library, publication):
    publisher = LocalPublisher(library)

    with pytest.raises(SessionGone):
        await publisher.query(publication, publication.marker)
    assert await publisher.find(publication) == ()


async def test_another_video_in_the_folder_is_never_overwritten(library, publication):
    await published(LocalPublisher(library), publication)
    overwrite(publication.video, b"another")

    with pytest.raises(PermanentError) as caught:
        await LocalPublisher(library).open(publication.replace(marker="rq-7-other"))

    assert "library" in caught.value.message
    assert record(library)["marker"] == "rq-7-abc"


@pytest.mark.parametrize("is_whole", [True, False])
async def test_what_a_restored_state_does_not_know_of_yet_is_published_all_the_same(library, publication, is_whole):
    """A backup holds the states first: the library beside them may have the very video already, or a record alone."""
    publisher, later = LocalPublisher(library), publication.replace(marker="rq-7-later")
    if is_whole:
        await published(publisher, publication)
    else:
        await publisher.open(publication)

    await published(publisher, later)

    assert (record(library)["privacy"], record(library)["marker"]) == ("public", "rq-7-later")
    assert contents(library)["video.mp4"] == Path(publication.video).read_bytes()
    assert await publisher.find(later) == ("local-7",)


async def test_a_new_thumbnail_updates_the_same_video(library, publication):
    publisher = LocalPublisher(library)
    await published(publisher, publication)
    overwrite(publication.thumbnail, b"new")

    for name in publisher.steps(publication):
        await publisher.step(name, publication, "local-7")

    assert contents(library)["thumbnail.jpg"] == b"new"
    assert record(library)["privacy"] == "public"


async def test_a_removed_video_leaves_nothing_and_its_neighbour_stays(library, publication):
    publisher = LocalPublisher(library)
    await published(publisher, publication)
    await published(publisher, publication.replace(project_id=70, marker="rq-70-abc"))

    told = [await publisher.remove("local-7"), await publisher.remove("local-7"), await publisher.remove("local-8")]

    assert told == [True, False, False]
    assert [path.name for path in library.iterdir()] == ["70"]


async def test_what_a_killed_remover_left_is_removed_by_the_next(library, publication, monkeypatch):
    publisher = LocalPublisher(library)
    await published(publisher, publication)
    with monkeypatch.context() as dying:
        dying.setattr(module.shutil, "rmtree", lambda *_args, **_named: None)
        await publisher.remove("local-7")
    left = len(list(library.iterdir()))

    assert (await publisher.remove("local-7"), left, list(library.iterdir())) == (False, 1, [])


@pytest.mark.parametrize("video_id", ["../7", "local-", "local-07", "local-7/..", "7", "dQw4w9WgXcQ", ""])
async def test_what_is_no_id_of_the_library_is_not_there(library, publication, video_id):
    await published(LocalPublisher(library), publication)

    assert await LocalPublisher(library).remove(video_id) is False
    assert len(contents(library)) == 4


async def test_a_missing_video_is_named(library, publication):
    publisher = LocalPublisher(library)
    session = await publisher.open(publication)
    remove(publication.video)

    with pytest.raises(MediaError, match=r"video\.mp4"):
        _ = [share async for share in publisher.send(publication, session)]


async def test_a_full_disk_parks(library, publication, monkeypatch):
    publisher = LocalPublisher(library)
    session = await publisher.open(publication)

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)

    with pytest.raises(DiskFull):
        _ = [share async for share in publisher.send(publication, session)]
    assert sorted(contents(library)) == ["metadata.json"]


@pytest.mark.parametrize("seed", ["a", "b", "標題"])
async def test_the_presenter_is_a_figure_that_the_seed_chooses(seed, tmp_path):
    presenter = LocalPresenter()
    request = PresenterRequest(role="intro", duration_s=3.0, language="zh-TW", seed=seed)

    job_id = await presenter.begin(request, tmp_path / "sound.wav")
    made = await presenter.fetch(job_id, tmp_path)

    assert await presenter.poll(job_id)
    assert made == await presenter.fetch(await presenter.begin(request, tmp_path / "sound.wav"), tmp_path)
    assert made["kind"] == "figure"
    assert made["name"] in {"mei", "kai"}
