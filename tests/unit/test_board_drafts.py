"""A script in a form: nothing is lost on its way there and back."""

from reelqueue.dashboard.forms import Form
from reelqueue.dashboard.project.drafts import draft_in, draft_of
from reelqueue.models.script import Metadata, Part, Script, Segment

SCRIPT = Script(
    intro=Part(text="Hello.", duration=5), outro=Part(text="Bye.", duration=5), language="en", total_duration=30,
    segments=(
        Segment(index=0, text="One <b>bold</b> word.", duration=10, image_description="a sea", heading="First"),
        Segment(index=1, text="Two\nlines.", duration=10, image_description="", picture="images/own.png"),
    ),
    metadata=Metadata(title="Tea", description="of\ntea", tags=("tea", "台灣")),
)  # fmt: skip


def sent(draft, **changes: str) -> Form:
    fields = {
        "seen": draft.seen, "count": str(len(draft.segments)), "title": draft.title, "description": draft.description,
        "tags": draft.tags, "intro": draft.intro, "outro": draft.outro,
    }  # fmt: skip
    for n, part in enumerate(draft.segments):
        fields |= {
            f"text.{n}": part.text,
            f"image.{n}": part.image_description,
            f"heading.{n}": part.heading,
            f"picture.{n}": part.picture,
        }
    return Form({name: [value] for name, value in (fields | changes).items()})


def test_a_form_that_is_sent_as_it_was_shown_is_the_same_draft():
    draft = draft_of(SCRIPT, "abc")

    assert draft_in(sent(draft)) == draft
    assert draft.raw["segments"][1] == {
        "text": "Two\nlines.",
        "image_description": "",
        "heading": None,
        "picture": "images/own.png",
    }
    assert draft.raw["metadata"] == {"title": "Tea", "description": "of\ntea", "tags": ["tea", "台灣"]}


def test_another_word_is_another_draft():
    draft = draft_of(SCRIPT, "abc")

    assert draft_in(sent(draft, **{"text.0": "Another."})).digest != draft.digest


def test_scenes_are_added_and_taken_away_where_they_stand():
    draft = draft_of(SCRIPT, "abc")

    assert [part.text for part in draft.with_one_more(0).segments] == ["One <b>bold</b> word.", "", "Two\nlines."]
    assert [part.text for part in draft.without(0).segments] == ["Two\nlines."]
    assert draft.without(0).without(0).segments == draft.without(0).segments
    assert draft.without(99) == draft


def test_a_count_that_is_none_is_no_scenes():
    assert draft_in(Form({"count": ["many"]})).segments == ()
    assert len(draft_in(Form({"count": ["999999"]})).segments) == 400
    assert len(draft_in(Form({"count": ["9" * 5_000]})).segments) == 400
