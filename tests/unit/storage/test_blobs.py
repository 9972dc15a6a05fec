"""Files below a project: whole or not there, checked when they are fetched, never outside."""

import os

import pytest

from reelqueue.errors import MediaError, StorageUnavailable
from reelqueue.models.stage import Stage
from storage.blobs import Blobs
from storage.sessions import forget_secret, read_secret, write_secret


@pytest.fixture
def root(tmp_path):
    (tmp_path / "1").mkdir()
    return tmp_path / "1"


@pytest.fixture
def blobs(root) -> Blobs:
    return Blobs(root, fence=3)


async def test_a_finished_file_becomes_a_blob(blobs, root):
    part = root / "a.3.part"
    part.write_bytes(b"sound" * 1_000)

    artifact = await blobs.put("audio/0a1b.wav", part)

    assert (artifact.path, artifact.bytes, part.exists()) == ("audio/0a1b.wav", 5_000, False)
    assert await blobs.holds(artifact)
    assert (await blobs.fetch(artifact)).read_bytes() == b"sound" * 1_000
    assert await blobs.describe("audio/0a1b.wav") == artifact
    assert [entry.name for entry in (root / "audio").iterdir()] == ["0a1b.wav"]


async def test_a_file_from_another_disk_is_copied_first(blobs, root, monkeypatch):
    part = root / "a.part"
    part.write_bytes(b"sound")
    real = os.stat

    def elsewhere(path, *rest, **how):
        found = real(path, *rest, **how)
        return os.stat_result((*found[:2], found.st_dev + 1, *found[3:10])) if str(path) == str(part) else found

    monkeypatch.setattr(os, "stat", elsewhere)
    artifact = await blobs.put("audio/a.wav", part)

    assert await blobs.read(artifact) == b"sound"
    assert (part.exists(), [entry.name for entry in (root / "audio").iterdir()]) == (False, ["a.wav"])


async def test_a_blob_that_changed_is_not_handed_out(blobs, root):
    artifact = await blobs.write("images/a.png", b"picture")
    assert await blobs.holds(artifact)
    (root / "images/a.png").write_bytes(b"pictura")

    assert not await blobs.holds(artifact)
    with pytest.raises(MediaError, match=r"a\.png"):
        await blobs.fetch(artifact)
    with pytest.raises(MediaError):
        await blobs.read(artifact)


async def test_a_missing_blob_is_said_to_be_missing(blobs, root):
    artifact = await blobs.write("images/a.png", b"picture")
    (root / "images/a.png").unlink()

    assert not await blobs.holds(artifact)
    assert await blobs.peek("images/a.png") is None
    for ask in (blobs.fetch(artifact), blobs.read(artifact), blobs.describe("images/a.png")):
        with pytest.raises(MediaError):
            await ask
    with pytest.raises(MediaError):
        await blobs.put("images/b.png", root / "nowhere.part")


async def test_a_result_is_replaced_in_one_step(blobs):
    old = await blobs.write("script.json", b"old")
    new = await blobs.write("script.json", b"new")

    assert (await blobs.holds(old), await blobs.read(new), await blobs.peek("script.json")) == (False, b"new", b"new")


async def test_a_blob_is_streamed_by_parts(blobs):
    artifact = await blobs.write("output/final_video.mp4", bytes(range(256)) * 8_192)

    pieces = [len(piece) async for piece in blobs.stream(artifact)]
    part = b"".join([piece async for piece in blobs.stream(artifact, start=255, length=3)])

    assert (pieces, part) == ([1 << 20, 1 << 20], b"\xff\x00\x01")


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../../x", "", "a//b", ".lock", "a\0b", "ａ.png", "a b", "x" * 300])
async def test_a_key_leads_nowhere_else(blobs, root, key):
    with pytest.raises(MediaError):
        await blobs.write(key, b"x")
    with pytest.raises(MediaError):
        await blobs.peek(key)

    assert list(root.iterdir()) == []


async def test_a_link_leads_nowhere_else(blobs, root, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "images").symlink_to(tmp_path)
    (root / "script.json").symlink_to(tmp_path / "secret")

    for key in ("images/secret", "script.json"):
        with pytest.raises(MediaError):
            await blobs.peek(key)
        with pytest.raises(MediaError):
            await blobs.describe(key)


async def test_a_late_writer_does_not_make_a_deleted_project_again(blobs, root):
    root.rmdir()

    with pytest.raises(StorageUnavailable):
        await blobs.write("script.json", b"{}")
    with pytest.raises(StorageUnavailable):
        await write_secret(root / "session", "x")

    assert not root.exists()


async def test_an_upload_session_is_kept_for_us_alone(store):
    project = await store.create({"topic": "bees"})
    session = store.paths.project(project.project_id).session
    before = await read_secret(session)

    await write_secret(session, "https://example.invalid/upload_id=1")
    await write_secret(session, "https://example.invalid/upload_id=2")

    assert (before, await read_secret(session)) == (None, "https://example.invalid/upload_id=2")
    assert session.stat().st_mode & 0o777 == 0o600
    await forget_secret(session)
    await forget_secret(session)
    assert await read_secret(session) is None


def test_a_project_has_its_files_where_the_contract_says(paths):
    files = paths.project("12")

    def below(path):
        return str(path.relative_to(paths.root))

    assert below(files.state) == "projects/12/project_state.json"
    assert below(files.script) == "projects/12/script.json"
    assert below(files.video) == "projects/12/output/final_video.mp4"
    assert below(files.thumbnail) == "projects/12/output/thumbnail.jpg"
    assert below(files.captions) == "projects/12/output/captions.srt"
    assert below(files.manifest(Stage.RENDER)) == "projects/12/render/manifest.json"
    assert below(files.events) == "projects/12/events.jsonl"
    assert below(paths.library(12)) == "library/12"
