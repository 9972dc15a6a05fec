"""An old state in our words: nothing is lost without being named, nothing is believed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelqueue.models.old_state import NotAnOldState, OldPicture, Reached, number_of_file, read_old_state

GOLDEN = Path(__file__).parents[1] / "golden" / "old"


def seconds(text: str, _language: str) -> float:
    return len(text) / 4


def read(data, language="zh-TW"):
    return read_old_state(data, language=language, seconds=seconds)


def told(*kinds_and_texts, **more):
    segments = [{"type": kind, "text": text, "duration": 99, "image_description": "x"} for kind, text in kinds_and_texts]
    return read({"stage": "script_generated", "script": {"title": "T", "segments": segments} | more})


def notes(old) -> str:
    return "\n".join(note.en for note in old.notes)


@pytest.mark.parametrize(
    ("name", "reached", "language"),
    [
        ("zh-script-generated", Reached.SCRIPT, "zh-TW"),
        ("en-assets-generated", Reached.ASSETS, "en"),
        ("zh-video-rendered", Reached.VIDEO, "zh-TW"),
        ("zh-thumbnail-generated", Reached.THUMBNAIL, "zh-TW"),
        ("en-completed", Reached.COMPLETED, "en"),
    ],
)
def test_every_golden_state_keeps_its_script_word_for_word(name, reached, language):
    data = json.loads((GOLDEN / f"{name}.json").read_text())

    old = read(data)

    script = old.script.script
    assert old.reached is reached
    assert list(script.texts) == [segment["text"] for segment in data["script"]["segments"]]
    assert (script.metadata.title, script.metadata.tags) == (data["script"]["title"], tuple(data["script"]["tags"]))
    assert script.language == language
    assert [segment.image_description for segment in script.segments] == [
        segment["image_description"] for segment in data["script"]["segments"][1:-1]
    ]


def test_durations_and_indices_are_computed_anew():
    old = told(("intro", "a" * 20), ("content", "b" * 40), ("content", "c" * 24), ("outro", "d" * 20))

    script = old.script.script
    assert [part.duration for part in script.segments] == [10, 6]
    assert [part.index for part in script.segments] == [0, 1]
    assert script.total_duration == 26
    assert old.script.sources == (1, 2)
    assert notes(old) == ""


@pytest.mark.parametrize(
    ("segments", "texts", "said"),
    [
        pytest.param([("hook", "a"), ("content", "b" * 24), ("outro", "c")], ["a", "b" * 24, "c"], "type 'hook'", id="an unknown type"),
        pytest.param([("content", "a"), ("intro", "b" * 24), ("content", "c")], ["a", "b" * 24, "c"], "the order stays", id="no intro first"),
        pytest.param([("intro", "a"), ("content", ""), ("content", "b" * 24), ("outro", "c")], ["a", "b" * 24, "c"], "1 segments without", id="no text"),
        pytest.param([("intro", "a"), ("content", "b" * 200), ("outro", "c")], ["a", "b" * 200, "c"], "more than 20 s", id="a long one"),
        pytest.param([("intro", "a"), ("outro", "c")], ["a", "c"], "fewer than 3", id="two"),
    ],
)  # fmt: skip
def test_what_is_odd_is_kept_and_named(segments, texts, said):
    old = told(*segments)

    assert list(old.script.script.texts) == texts
    assert said in notes(old)
    assert old.script.is_speakable == (len(texts) > 2)


def test_missing_fields_are_stood_in_for_and_named():
    data = {"script": {"segments": [{"text": "What is it? More."}, "plain", {"text": "c" * 24}, None, 5]}, "project_name": None}

    old = read(data, language="en")

    assert old.script.script.metadata.title == "What is it"
    assert old.script.script.segments[0].image_description == "plain"
    assert "no title" in notes(old)
    assert "2 segments without a text" in notes(old)


def test_a_script_of_the_later_shape_is_read_too():
    data = {
        "intro": {"text": "i"},
        "segments": [{"text": "m" * 24}],
        "outro": {"text": "o"},
        "metadata": {"title": "T", "tags": "a1, b2"},
    }

    script = read({"stage": "script_generated", "script": data}).script.script

    assert script.texts == ("i", "m" * 24, "o")
    assert (script.metadata.title, script.metadata.tags) == ("T", ("a1", "b2"))


def test_what_youtube_would_refuse_is_cut_and_named():
    old = told(
        ("intro", "a"),
        ("content", "b" * 24),
        ("outro", "c"),
        title="<" + "t" * 150,
        description="d" * 6000,
        tags=["x" * 40, "ok"],
    )

    metadata = old.script.script.metadata
    assert (len(metadata.title), metadata.title[0], len(metadata.description), metadata.tags) == (100, "‹", 4800, ("ok",))
    assert all(word in notes(old) for word in ("title is longer", "description is longer", "1 tags"))


@pytest.mark.parametrize(
    ("images", "found"),
    [
        pytest.param(["a.png", "b.png"], [("a.png", None), ("b.png", None)], id="paths"),
        pytest.param([{"path": "a.png", "segment_index": 2}], [("a.png", 2)], id="descriptions"),
        pytest.param([{"file_path": "a", "segment": 1}, {"file_path": "b", "segment": 2}], [("a", 0), ("b", 1)], id="numbered"),
        pytest.param({"0": "a.png", "segment_3": {"path": "b.png"}}, [("a.png", 0), ("b.png", 3)], id="a mapping"),
        pytest.param([None, 5, {"url": "x"}, {}], [], id="nothing"),
        pytest.param("a.png", [("a.png", None)], id="one"),
    ],
)
def test_pictures_are_found_in_every_shape(images, found):
    old = read({"stage": "assets_generated", "assets": {"images": images}})

    assert [(picture.path, picture.segment) for picture in old.pictures] == found


def test_a_list_that_counts_from_one_is_read_so():
    old = read({"assets": {"images": [{"path": "a", "order": 1}, {"path": "b", "order": 2}]}})

    assert old.pictures == (OldPicture(path="a", segment=0), OldPicture(path="b", segment=1))


def test_the_number_in_a_files_name_is_its_segments():
    assert [number_of_file(name) for name in ("images/segment_03.png", "C:\\x\\7.jpg", "cover.png")] == [3, 7, None]


def test_a_failure_a_pause_and_a_moment_are_kept():
    old = read({
        "stage": "script_generated", "status": "PAUSED", "last_updated": "2025-10-19T10:00:15.1",
        "error_info": {"last_error": "429 Too Many Requests", "task_id": "x"},
    })  # fmt: skip

    assert old.is_paused
    assert old.updated_at == datetime(2025, 10, 19, 10, 0, 15, 100_000, tzinfo=UTC)
    assert "429 Too Many Requests" in notes(old)
    assert "is not started by itself" in notes(old)


@pytest.mark.parametrize(
    ("stage", "paused", "uploading"),
    [("UPLOADING", False, True), ("PAUSED", True, False), ("FAILED", False, False), ("ASSETS_GENERATING", False, False)],
)
def test_a_status_that_stands_as_the_stage_counts_as_one(stage, paused, uploading):
    old = read({"stage": stage, "script": {}, "video_info": {"video_path": "v.mp4"}})

    assert (old.is_paused, old.is_uploading, old.reached) == (paused, uploading, Reached.VIDEO)
    assert "not known" not in notes(old)
    assert ("had failed" in notes(old)) == (stage == "FAILED")


def test_an_unknown_stage_is_judged_by_its_results():
    old = read({"stage": "mixing", "script": {}, "video_info": {"video_path": "v.mp4"}})

    assert old.reached is Reached.VIDEO
    assert "mixing" in notes(old)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param([], "no JSON object", id="a list"),
        pytest.param(None, "no JSON object", id="nothing"),
        pytest.param({"schema_version": 1, "stages": {}}, "reelqueue itself", id="ours"),
        pytest.param({"name": "x"}, "none of the old system's fields", id="something else"),
    ],
)
def test_what_is_no_old_state_is_named(data, said):
    with pytest.raises(NotAnOldState) as caught:
        read(data)

    assert said in caught.value.why.en
    assert caught.value.hint.en


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "text", "path", "segments", "title", "tags", "images", "intro", "metadata", "duration", "video_path"]) | st.text(max_size=5),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "stage",
                "script",
                "assets",
                "video_info",
                "thumbnail_info",
                "upload_result",
                "last_updated",
                "status",
                "error_info",
                "project_id",
            ]
        ),
        JSON,
    )
)
def test_whatever_stands_in_a_state_it_is_read_or_refused(data):
    try:
        old = read(data)
    except NotAnOldState:
        return
    assert old.model_dump_json()
