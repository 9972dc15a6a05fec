"""A script as a person wrote it: the words are kept, mistakes are named by their field, numbers are computed."""

import json

import pytest

from jobs.editing.reading import as_edited, read_edit
from reelqueue.errors import InvalidBrief
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.providers.registry import estimated_seconds

LONG = "The dough holds the gas, because kneading has made it elastic, and a loaf that was kneaded well stands high."
SCRIPT = Script(
    intro=Part(text="Bread sings. Listen.", duration=3.2),
    segments=(
        Segment(index=0, text="Too short.", duration=1.0, image_description="An oven", heading="Rising"),
        Segment(index=1, text=LONG, duration=7.0, image_description="Dough", picture="images/own.png"),
    ),
    outro=Part(text="Goodbye until the next loaf.", duration=2.5),
    metadata=Metadata(title="Bread", description="Of bread.", tags=("bread",)),
    total_duration=13.7,
    language="en",
)


def read(change):
    data = json.loads(json.dumps(SCRIPT.model_dump(mode="json")))
    change(data)
    return read_edit(data, SCRIPT, seconds=estimated_seconds)


def refused(change):
    with pytest.raises(InvalidBrief) as met:
        read(change)
    return met.value


def test_what_is_shown_for_editing_reads_as_the_same_script():
    assert read_edit(as_edited(SCRIPT), SCRIPT, seconds=estimated_seconds) == SCRIPT
    assert read_edit(SCRIPT, SCRIPT, seconds=estimated_seconds) == SCRIPT


def test_places_and_lengths_are_computed_whatever_was_written():
    def change(data):
        data["segments"].reverse()
        data["segments"][0] |= {"index": 77, "duration": 4_000}
        data["intro"]["text"] = "Bread sings when it cools, and a baker waits for it."
        data["total_duration"] = 1

    script = read(change)

    assert [(one.index, one.text, one.duration) for one in script.segments] == [(0, LONG, 7.0), (1, "Too short.", 1.0)]
    assert script.intro.duration == pytest.approx(estimated_seconds(script.intro.text, "en"), abs=0.01)
    assert script.total_duration == pytest.approx(script.intro.duration + 7.0 + 1.0 + 2.5)


def test_what_an_edit_has_to_keep_comes_with_it():
    drawn = SCRIPT.replace(first_title="Loaves", look={"palette": "lamp"})

    script = read_edit(as_edited(drawn) | {"outro": {"text": "Farewell, and bake well."}}, drawn, seconds=estimated_seconds)

    assert (script.first_title, script.look, script.language) == ("Loaves", {"palette": "lamp"}, "en")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        pytest.param("segments[1].text", lambda s: s["segments"][1].update(text="Short."), id="a segment of less than 5 s"),
        pytest.param("segments[1].text", lambda s: s["segments"][1].update(text=LONG * 4), id="a segment of more than 20 s"),
        pytest.param("segments[0].text", lambda s: s["segments"][0].update(text=["a"]), id="no text"),
        pytest.param("segments[0].text", lambda s: s["segments"][0].pop("text"), id="a text that is missing"),
        pytest.param("segments[0].text", lambda s: s["segments"][0].update(text="a\x07b"), id="control characters"),
        pytest.param("intro.text", lambda s: s["intro"].update(text="  "), id="an empty intro"),
        pytest.param("intro.text", lambda s: s["intro"].update(text="…"), id="nothing to speak"),
        pytest.param("segments[0].note", lambda s: s["segments"][0].update(note="x"), id="an unknown field"),
        pytest.param("segments[1].picture", lambda s: s["segments"][1].update(picture="/etc/passwd"), id="a file from elsewhere"),
        pytest.param("segments[1].heading", lambda s: s["segments"][1].update(heading="x" * 101), id="a heading that is none"),
        pytest.param("segments", lambda s: s.update(segments=[]), id="no segment"),
        pytest.param("outro", lambda s: s.pop("outro"), id="no outro"),
        pytest.param("language", lambda s: s.update(language="zh-TW"), id="another language"),
        pytest.param("metadata.title", lambda s: s["metadata"].update(title="<b>"), id="a title that no channel takes"),
        pytest.param("metadata.title", lambda s: s["metadata"].update(title="x" * 101), id="a long title"),
        pytest.param("metadata.title", lambda s: s["metadata"].update(title="a\nb"), id="a title of two lines"),
        pytest.param("metadata.description", lambda s: s["metadata"].update(description="字" * 1_700), id="5,100 bytes"),
        pytest.param("metadata.tags", lambda s: s["metadata"].update(tags=["a,b"]), id="a tag with a comma"),
        pytest.param("title", lambda s: s.update(title="x"), id="a title where none stands"),
    ],
)
def test_a_mistake_is_named_by_its_field(field, change):
    error = refused(change)

    assert error.field == field
    assert error.text.zh != error.text.en


@pytest.mark.parametrize("raw", [None, [], "text", 5, {"segments": 1}])
def test_what_is_no_script_is_refused(raw):
    with pytest.raises(InvalidBrief):
        read_edit(raw, SCRIPT, seconds=estimated_seconds)


def test_more_than_half_an_hour_is_refused():
    def change(data):
        data["segments"] = [{"text": f"{LONG} Number {number}."} for number in range(250)]

    assert refused(change).field == "segments"
