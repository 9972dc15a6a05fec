"""`reelqueue edit`: in an editor, from a file; mistakes are named, what was written is never lost, what is paid for is asked about."""

import asyncio
import hashlib
import json
import logging
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
import structlog
from redis import Redis

from reelqueue.cli import command
from reelqueue.models.project import Artifact
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.settings import Settings
from reelqueue.wording import speak
from storage import Paths, ProjectStore
from tests.integration.test_make_asks import Place
from tests.workers import until

TEXT = "Twice a day the sea rises and falls, because the moon pulls at it from afar and turns away again."
SCRIPT = Script(
    intro=Part(text="Hello, and welcome to the sea.", duration=3.0),
    segments=(Segment(index=0, text=TEXT, duration=7.0, image_description="The sea"),),
    outro=Part(text="Goodbye, and watch the tide.", duration=3.0),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=13.0,
    language="en",
)


@pytest.fixture
def place(tmp_path, monkeypatch, _server):
    """A folder of one's own, a server, and none of the settings of whoever runs the tests."""
    for name in [*os.environ]:
        if name.startswith("REELQUEUE_") or name in {field.upper() for field in Settings.model_fields} | {"VISUAL", "EDITOR"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", _server.url)
    monkeypatch.setenv("REELQUEUE_LANGUAGE", "en")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with Redis.from_url(_server.admin_url) as redis:
        redis.flushall()
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    yield tmp_path
    speak("zh-TW")
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def waiting(place):
    """Project 1 waits for its script's review."""

    async def make():
        store = ProjectStore.reader(Paths(place / "data"))
        project = await store.create({"topic": "Tides", "language": "en", "presenter": False, "review": ["script"]})
        body = SCRIPT.model_dump_json().encode()
        (place / "data/projects/1/script.json").write_bytes(body)
        file = Artifact(path="script.json", sha256=hashlib.sha256(body).hexdigest(), bytes=len(body))

        def standing(state):
            done = state.with_stage(Stage.SCRIPT, status=StageStatus.DONE, fingerprint="f", artifacts=(file,), result={})
            return done.replace(status=ProjectStatus.WAITING_REVIEW)

        await store.change(project.project_id, standing)

    asyncio.run(make())
    return place


@pytest.fixture
def said(capfd):
    """Carry a command out: exit code, stdout, stderr; a traceback is never seen."""

    def said(*arguments):
        code = command(arguments)
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return said


@pytest.fixture
def editor(place, monkeypatch):
    """An editor that does to the file what a line of Python says."""

    def chosen(line):
        program = place / "editor.py"
        program.write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n{line}\n")
        monkeypatch.setenv("EDITOR", shlex.join([sys.executable, str(program)]))

    return chosen


def script(place):
    return json.loads((place / "data/projects/1/script.json").read_text())


def status(place):
    return json.loads((place / "data/projects/1/project_state.json").read_text())["status"]


def drafts(place):
    return list(place.glob("reelqueue-1-*.json"))


def test_a_script_is_changed_in_the_editor_and_waits_on_for_its_review(waiting, said, editor):
    editor("path.write_text(text.replace('welcome to the sea', 'welcome to the coast'))")

    code, out, err = said("edit", "1")

    assert (code, script(waiting)["intro"]["text"]) == (0, "Hello, and welcome to the coast.")
    assert "nothing of it is paid for" in err
    assert "still waits for its review: reelqueue approve 1" in out
    assert (status(waiting), drafts(waiting)) == ("waiting_review", [])


def test_with_approve_it_goes_on(waiting, said, editor):
    editor("path.write_text(text.replace('Tides', 'Tides and the moon'))")

    code, out, _ = said("edit", "1", "--approve")

    assert (code, status(waiting)) == (0, "queued")
    assert "goes on" in out


def test_an_unchanged_script_does_nothing(waiting, said, editor):
    editor("pass")

    code, _, err = said("edit", "1")

    assert (code, "nothing was changed" in err, drafts(waiting)) == (0, True, [])
    assert script(waiting) == SCRIPT.model_dump(mode="json")


def test_bad_json_is_named_by_line_and_what_was_written_can_be_gone_on_with(waiting, said, editor):
    editor("path.write_text(text.replace('welcome to the sea.', 'welcome to the coast.').replace('\"outro\"', 'outro'))")

    code, _, err = said("edit", "1")

    assert code == 2
    assert re.search(r"this is no JSON: line \d+, column \d+", err)
    (draft,) = drafts(waiting)
    assert f"reelqueue edit 1 --from {draft}" in err
    draft.write_text(draft.read_text().replace("outro:", '"outro":'))
    assert said("edit", "1", "--from", str(draft))[0] == 0
    assert "coast" in script(waiting)["intro"]["text"]
    assert draft.exists()


def test_a_wrong_field_is_named_and_nothing_is_changed(waiting, said, editor):
    editor(f"path.write_text(text.replace({TEXT!r}, 'Too short.'))")

    code, _, err = said("edit", "1")

    assert (code, script(waiting)) == (2, SCRIPT.model_dump(mode="json"))
    assert "segments[0].text" in err
    assert len(drafts(waiting)) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("sys.exit(3)", "ended with 3", id="ends badly"),
        pytest.param("path.write_bytes(b'\\xff\\xfe')", "is not UTF-8", id="no text"),
        pytest.param("path.unlink()", "can't be read", id="removes the file"),
        pytest.param("path.write_text('[' * 100_000)", "nested too deeply", id="lists in lists"),
        pytest.param("path.write_text('9' * 5_000)", "too long", id="a number without end"),
    ],
)
def test_an_editor_that_fails_changes_nothing(waiting, said, editor, line, words):
    editor(line)

    code, _, err = said("edit", "1")

    assert (code, words in err, script(waiting)) == (2, True, SCRIPT.model_dump(mode="json"))


def test_without_an_editor_it_says_what_to_do(waiting, said, monkeypatch):
    monkeypatch.setenv("VISUAL", "no-such-editor --wait")

    code, _, err = said("edit", "1")

    assert code == 2
    assert "there is no editor no-such-editor" in err
    assert "--print" in err


@pytest.mark.parametrize("chosen", ["vi 'my", "./no-program"], ids=["a quotation mark that is not closed", "no program"])
def test_an_editor_that_can_not_be_started_is_named(waiting, said, monkeypatch, chosen):
    (waiting / "no-program").write_bytes(b"\x7fELF")
    (waiting / "no-program").chmod(0o755)
    monkeypatch.setenv("EDITOR", chosen)

    code, _, err = said("edit", "1")

    assert (code, chosen in err, "set EDITOR" in err) == (2, True, True)


def test_print_and_from_make_an_editor_of_any_program(waiting, said):
    code, out, _ = said("edit", "1", "--print")
    data = json.loads(out)
    assert (code, set(data)) == (0, {"metadata", "intro", "segments", "outro"})

    Path("mine.json").write_text("\ufeff" + json.dumps(data | {"outro": {"text": "Farewell, and mind the tide."}}))

    assert said("edit", "1", "--from", "mine.json")[0] == 0
    assert script(waiting)["outro"]["text"] == "Farewell, and mind the tide."


def test_what_is_paid_for_is_said_and_asked_about(waiting, said, editor, monkeypatch):
    """No terminal: nobody can agree, so nothing is done; `--yes` agrees."""
    monkeypatch.setenv("GEMINI_API_KEY", "k" * 39)
    editor("path.write_text(text.replace('The sea\"', 'A stormy sea\"'))")

    code, _, err = said("edit", "1")
    assert (code, script(waiting)["segments"][0]["image_description"]) == (2, "The sea")
    assert "gemini, pictures: 1 call" in err
    assert "gemini, voice: 3 calls" in err
    assert "--yes" in err

    assert said("edit", "1", "--yes")[0] == 0
    assert script(waiting)["segments"][0]["image_description"] == "A stormy sea"


AGAIN = """
if "coast" in text:
    path.write_text(text.replace("outro:", '"outro":'))
else:
    path.write_text(text.replace("to the sea", "to the coast").replace('"outro":', "outro:"))
"""


@pytest.mark.parametrize(("answer", "code", "told"), [("y", 0, "still waits for its review"), ("n", 130, "what you wrote is in")])
async def test_at_a_terminal_a_mistake_can_be_mended_in_the_editor(waiting, editor, answer, code, told):
    editor(AGAIN)
    place = Place(waiting, dict(os.environ))

    async with place.at_terminal("edit", "1") as terminal:
        assert "this is no JSON" in await terminal.asked()
        await terminal.answers(answer)
        assert await terminal.exit_code() == code
        await until(lambda: told in terminal.said, "it says where it stands")

    assert ("coast" in script(waiting)["intro"]["text"]) is (answer == "y")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("edit", "404"), "there is no project 404", id="no project"),
        pytest.param(("edit", "x"), "there is no project", id="no id"),
        pytest.param(("edit", "1", "--from", "none.json"), "none.json can't be read", id="no file"),
        pytest.param(("edit", "1", "--from", "."), "can't be read", id="a folder"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(waiting, said, arguments, words):
    code, _, err = said(*arguments)

    assert (code, words in err) == (2, True), err


def test_a_project_without_a_script_opens_no_editor(place, said, editor):
    editor("raise SystemExit('it was opened')")
    said("new", "Tides")

    code, _, err = said("edit", "1")

    assert (code, "no script yet" in err) == (2, True)
