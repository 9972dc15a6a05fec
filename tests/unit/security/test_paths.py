"""No id, name or path from outside leads anywhere else, is waited for without end, or breaks what keeps it: S13 of the threat model."""

import os
import threading

import pytest

from jobs.video.given import content_of
from reelqueue.dashboard.brief.files import contained
from reelqueue.dashboard.project.files import way_to
from reelqueue.errors import BatchNotFound, InvalidBrief, MediaError, ProjectNotFound, ReelqueueError
from reelqueue.media.audio import prepare_music
from reelqueue.media.ffmpeg import Ffmpeg
from reelqueue.media.image import given_pictures
from reelqueue.models.brief import Brief, judged, parse_brief
from reelqueue.models.project import Artifact
from storage import Blobs, Paths

IDS = [
    "", " ", "0", "00", "01", "-1", "+1", "1 ", " 1", "1\n", "1\0", "1.0", "1e3", "1_000", "１", "١", "1/2", "..", "../1", "/1", "1/..", "CON", "nul", "1" * 17,
    "1" * 300, "%31", "1%2f..", "\u202e1", "1\u200b", "一", True, False, None, 1.0, -1, 0, 10**16, b"1", ["1"], {"1": 1}, "\ud800",
]  # fmt: skip
KEYS = [
    "", ".", "..", "../x", "/etc/passwd", "a/../b", "a//b", "a/./b", "a/", "/a", "a\\b", "a\0b", "a b", "ａ", "ä", "-a", ".hidden", "a" * 201, "a/" + "b" * 201,
    "a\n", "~root", "C:", "a:b", "\u202ea", "%2e%2e", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("given", IDS, ids=ascii)
def test_what_is_no_id_names_no_folder(tmp_path, given):
    paths = Paths(tmp_path)

    for build, error in ((paths.project, ProjectNotFound), (paths.library, ProjectNotFound), (paths.batch, BatchNotFound)):
        with pytest.raises(error):
            build(given)


@pytest.mark.parametrize("key", KEYS, ids=ascii)
async def test_a_name_that_a_record_has_on_disk_leads_nowhere_else(tmp_path, key):
    """Manifests and states are files: whoever can write one must not thereby read another."""
    blobs = Blobs(tmp_path)
    artifact = Artifact(path=key if key.isascii() else "x/" + ascii(key), sha256="0" * 64, bytes=1)

    for act in (blobs.describe(key), blobs.peek(key), blobs.write(key, b"x"), blobs.fetch(artifact)):
        with pytest.raises((MediaError, ReelqueueError)):
            await act

    assert list(tmp_path.iterdir()) == []


async def test_no_link_leads_out_of_a_project(tmp_path):
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "1"
    (root / "output").mkdir(parents=True)
    (root / "output/video.mp4").symlink_to(tmp_path / "secret")
    (root / "images").symlink_to(tmp_path)

    for key in ("output/video.mp4", "images/secret"):
        with pytest.raises(MediaError):
            await Blobs(root).describe(key)
        assert way_to(Paths(tmp_path).project(1), key) is None


async def test_a_project_whose_folder_is_a_link_out_shows_nothing(tmp_path):
    """The folder of one project as a link to a place that is no project."""
    paths = Paths(tmp_path / "data")
    paths.projects.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "output").mkdir(parents=True)
    (elsewhere / "output/final_video.mp4").write_bytes(b"x")
    (elsewhere / "project_state.json").write_text("{}")
    (elsewhere / "session").write_text("secret")
    (paths.projects / "1").symlink_to(elsewhere)

    assert way_to(paths.project(1), "session") is None
    assert way_to(paths.project(1), "project_state.json") is None
    assert way_to(paths.project(1), "output/../session") is None


UNSEEN = [
    "", ".", "..", "session", "lease.json", "project_state.json", "output", "output/", "output/..", "output/../session", "../2/output/x.mp4", "/etc/passwd",
    "output/\0", "output\\x", "output/.x", "output/x.part", "OUTPUT/x.mp4", "output/" + "x" * 5_000, "output/\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", UNSEEN, ids=lambda name: ascii(name[:40]))
def test_a_file_that_may_not_be_seen_is_none(tmp_path, name):
    files = Paths(tmp_path).project(1)
    files.output.mkdir(parents=True)
    for known in ("session", "lease.json", "project_state.json", "output/x.mp4", "output/.x", "output/x.part"):
        (files.root / known).write_text("x")

    assert way_to(files, name) is None
    assert way_to(files, "output/x.mp4") == files.root / "output/x.mp4"


# --- paths in briefs ---

NO_TEXT = ["a\0b", "\0", "a\x1b[31m", "\ud800.png", "\udcff", "a\x7f", "\x9b2J"]


@pytest.mark.parametrize("field", ["images_dir", "music", "logo", "voice", "image_style", "playlist", "channel", "topic"])
@pytest.mark.parametrize("value", NO_TEXT, ids=ascii)
def test_no_field_of_a_brief_takes_what_is_no_text(field, value):
    with pytest.raises(InvalidBrief) as refused:
        parse_brief({"topic": "dolphins", field: value})

    assert refused.value.field == field
    refused.value.message.encode()  # it can be sent to whoever asked


@pytest.mark.parametrize("value", NO_TEXT, ids=ascii)
def test_nor_in_a_list_or_a_mapping(value):
    for more in (
        {"images": [value]},
        {"tags": [value]},
        {"lexicon": {value: "a"}},
        {"lexicon": {"a": value}},
        {"localizations": {"en": {"title": value}}},
    ):
        brief, wrong = judged({"topic": "dolphins", **more})
        assert brief is None
        assert [one.field for one in wrong] == list(more)


def test_line_ends_of_any_kind_are_text():
    assert parse_brief({"topic": "a", "content": "a\r\nb\tc"}).content == "a\nb\tc"
    assert parse_brief({"topic": "a", "localizations": {"en": {"title": "t", "description": "a\r\nb"}}}).topic == "a"


def test_a_brief_on_disk_that_was_taken_before_the_rule_is_still_read():
    old = Brief.model_validate({"topic": "a", "images": ["odd\x1b.png"]})

    assert Brief.model_validate_json(old.model_dump_json()) == old


@pytest.fixture
def hostile(tmp_path):
    """What lies in a folder that somebody else fills."""
    folder = tmp_path / "given"
    folder.mkdir()
    os.mkfifo(folder / "pipe.mp3")
    (folder / "zero.mp3").symlink_to("/dev/zero")
    (folder / "environment.mp3").symlink_to("/proc/self/environ")
    (folder / "loop.mp3").symlink_to(folder / "loop.mp3")
    (folder / "folder.mp3").mkdir()
    (tmp_path / "outside.mp3").write_bytes(b"x")
    (folder / "out.mp3").symlink_to(tmp_path / "outside.mp3")
    with (folder / "huge.mp3").open("wb") as file:
        file.truncate(5 * 1024**3)  # of holes: it takes no space
    return folder


@pytest.mark.parametrize(
    "name", ["pipe.mp3", "zero.mp3", "loop.mp3", "folder.mp3", "huge.mp3", "missing.mp3", "a\0b.mp3", "x" * 300]
)
async def test_what_is_no_file_is_not_read_for_its_content_and_is_no_music(hostile, tmp_path, name):
    given = hostile / name

    assert await content_of(given) is None
    with pytest.raises(InvalidBrief):
        await prepare_music(Ffmpeg(tmp_path / "none", "0"), given, tmp_path / "out.wav", longest_s=1)


async def test_a_pipe_that_takes_a_files_place_is_not_waited_for(tmp_path, monkeypatch):
    """It was a file when it was looked at."""
    from jobs.video import given  # noqa: PLC0415 - only this test looks inside

    os.mkfifo(tmp_path / "pipe")
    done = threading.Event()

    def read():
        with pytest.raises(OSError):
            given._hashed(tmp_path / "pipe", 1, 2, 3)
        done.set()

    threading.Thread(target=read, daemon=True).start()
    assert done.wait(10)


@pytest.mark.parametrize("name", ["out.mp3", "environment.mp3", "zero.mp3", "pipe.mp3", "loop.mp3", "folder.mp3", "../outside.mp3", "/etc/passwd", "~/x.mp3", "x" * 300, "GIVEN.MP3"])  # fmt: skip
async def test_over_http_a_path_holds_only_below_its_folder(hostile, name):
    """What lies elsewhere is refused in the same words as what is not there."""
    with pytest.raises(InvalidBrief) as refused:
        await contained(Brief(topic="a", music=name), hostile)
    with pytest.raises(InvalidBrief) as missing:
        await contained(Brief(topic="a", music="missing.mp3"), hostile)

    assert refused.value.allowed == missing.value.allowed


async def test_names_that_differ_in_case_alone_are_two_files(hostile):
    (hostile / "a.mp3").write_bytes(b"1")
    (hostile / "A.mp3").write_bytes(b"2")

    lower, upper = [await contained(Brief(topic="a", music=name), hostile) for name in ("a.mp3", "A.mp3")]

    assert await content_of(lower.music) != await content_of(upper.music)


@pytest.mark.parametrize("folder", ["/dev", "/proc/self", "/proc/self/fd"])
def test_a_folder_of_the_systems_holds_no_pictures(folder):
    with pytest.raises(InvalidBrief):
        given_pictures((), folder)


def test_a_file_whose_name_is_no_text_is_named_all_the_same(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "a.png").rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[2J.png"))

    with pytest.raises(InvalidBrief) as refused:
        given_pictures((), str(tmp_path))

    refused.value.message.encode()
    assert "\x1b" not in refused.value.message
