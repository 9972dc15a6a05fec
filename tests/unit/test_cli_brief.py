"""What is typed becomes a brief, or a sentence that names the option or the field."""

import io
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from reelqueue.ahead.refusing import refuse_early
from reelqueue.cli.brief import Typed, with_brief
from reelqueue.errors import InvalidBrief
from reelqueue.models.brief import Brief
from reelqueue.providers.registry import open_shelf
from storage import Paths

runner = CliRunner()


@pytest.fixture
def brief_of():
    """The brief of a command line."""
    made: list[Brief] = []

    def act(given: Typed) -> int:
        made.append(given.brief())
        return 0

    app = typer.Typer()
    app.command()(with_brief(act))

    def brief_of(*arguments: str) -> Brief:
        result = runner.invoke(app, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return made[-1]

    return brief_of


def test_a_topic_alone_leaves_every_choice_to_us(brief_of):
    assert brief_of("黑洞") == Brief(topic="黑洞")


def test_options_are_fields(brief_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.md").write_text("\ufeff# 標題\n內容", encoding="utf-8")
    (tmp_path / "pictures").mkdir()
    brief = brief_of(
        "題目", "--from", "text.md", "--language", "en", "--aspect", "9:16", "--duration", "60", "--no-presenter",
        "--images", "pictures", "--music", "none", "--privacy", "unlisted", "--review", "final,script", "--tag", "a", "--tag", "b",
        "--lexicon", "Reelqueue=瑞爾", "--subtitles", "none",
    )  # fmt: skip

    assert brief.content == "# 標題\n內容"
    assert (brief.language, brief.aspect, brief.duration_s, brief.presenter) == ("en", "9:16", 60, False)
    assert (brief.images_dir, brief.images, brief.music) == (str(tmp_path / "pictures"), (), "none")
    assert (brief.privacy, brief.review, brief.tags) == ("unlisted", ("script", "final"), ("a", "b"))
    assert (brief.lexicon, brief.subtitle_style) == ({"Reelqueue": "瑞爾"}, "none")


def test_files_are_named_by_whole_paths_since_workers_live_elsewhere(brief_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    brief = brief_of("t", "--images", "a.png", "--images", "b.png", "--logo", "logo.png")

    assert brief.images == (str(tmp_path / "a.png"), str(tmp_path / "b.png"))
    assert brief.logo == str(tmp_path / "logo.png")


def test_a_json_brief_names_files_beside_itself(brief_of, tmp_path):
    file = tmp_path / "brief.json"
    file.write_text(json.dumps({"topic": "t", "music": "m.mp3", "images": ["a.png"], "duration_s": 30}))

    brief = brief_of("--brief", str(file), "--duration", "45")

    assert (brief.music, brief.images, brief.duration_s) == (str(tmp_path / "m.mp3"), (str(tmp_path / "a.png"),), 45)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(["--from", "none.md"], "--from none.md", id="a missing file"),
        pytest.param(["--from", "."], "--from .", id="a folder"),
        pytest.param(["--from", ""], "--from", id="no name"),
        pytest.param(["t", "--brief", ""], "--brief", id="no name of a brief"),
        pytest.param(["--from", "~nobody-here/x"], "~nobody-here", id="the home of nobody"),
        pytest.param(["--from", "long.txt"], "1 MB", id="a text of megabytes"),
        pytest.param(["--brief", "twice.json"], "topic", id="a field given twice"),
        pytest.param(["--brief", "deep.json"], "deep.json", id="thousands of brackets"),
        pytest.param(["--brief", "digits.json"], "digits.json", id="a number of thousands of digits"),
        pytest.param(["--from", "latin.txt"], "UTF-8", id="not UTF-8"),
        pytest.param(["--brief", "broken.json"], "第 1 行", id="broken JSON"),
        pytest.param(["--brief", "list.json"], "JSON 物件", id="not an object"),
        pytest.param(["--brief", "unknown.json"], "colour", id="an unknown field"),
        pytest.param(["--from", "short.txt"], "content", id="too short a text"),
        pytest.param(["x" * 201], "topic", id="too long a topic"),
        pytest.param([], "topic", id="nothing to tell"),
        pytest.param(["\u200b\u202e"], "topic", id="a topic that can't be seen"),
        pytest.param(["t", "--duration", "5"], "duration_s", id="too short a video"),
        pytest.param(["t", "--duration", "ten"], "ten", id="no number"),
        pytest.param(["t", "--duration", "６０"], "duration_s", id="full-width digits"),
        pytest.param(["t", "--language", "fr"], "language", id="a language without a voice"),
        pytest.param(["t", "--lexicon", "x"], "lexicon", id="no pair"),
        pytest.param(["t", "--review", "soon"], "review", id="no stage"),
    ],
)
def test_what_is_wrong_is_named(brief_of, tmp_path, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    Path("latin.txt").write_bytes("café".encode("latin-1"))
    Path("broken.json").write_text("{")
    Path("list.json").write_text("[]")
    Path("unknown.json").write_text('{"topic": "t", "colour": 1}')
    Path("short.txt").write_text("short")
    Path("long.txt").write_text("x" + "天氣" * 300_000, encoding="utf-8")
    Path("twice.json").write_text('{"topic": "a", "topic": "b"}')
    Path("deep.json").write_text("[" * 100_000)
    Path("digits.json").write_text('{"topic": "t", "fps": ' + "9" * 5_000 + "}")

    with pytest.raises(InvalidBrief) as refused:
        brief_of(*arguments)

    assert named in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(("name", "option"), [("notes.md", "--from"), ("texts/notes", "--from"), ("brief.json", "--brief")])
def test_who_names_a_file_in_the_topics_place_is_told_of_its_option(brief_of, tmp_path, monkeypatch, name, option):
    """Else the video would be one about the file's name."""
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("Tides come twice a day.")

    with pytest.raises(InvalidBrief) as refused:
        brief_of(name)

    assert f"{option} {name}" in refused.value.hint


def test_a_topic_that_a_file_beside_us_happens_to_be_called_is_a_topic(brief_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("Tides").touch()

    assert brief_of("Tides").topic == "Tides"


def test_a_closed_stdin_is_named_and_no_traceback(brief_of, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(InvalidBrief, match="--from -"):
        Typed(None, "-", None, {}).brief()


def test_stdin_is_utf8_whatever_the_terminal_says(monkeypatch):
    body = io.BytesIO("\ufeff題目".encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(body, encoding="ascii"))

    assert Typed("t", "-", None, {}).brief().content == "題目"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"language": None, "topic": "これはテストです"}, "ja"),
        ({"voice": "nobody"}, "nobody"),
        ({"images": ("none.png",)}, "none.png"),
        ({"images": ("~nobody-here/x.png",)}, "x.png"),
        ({"images_dir": "/none"}, "/none"),
        ({"music": "none.mp3"}, "none.mp3"),
        ({"logo": "none.png"}, "none.png"),
        ({"publish_at": "2020-01-01T00:00:00+08:00"}, "2020-01-01"),
        ({"channel": "nobody"}, "nobody"),
        ({"providers": {"script": "gemini"}}, "GEMINI_API_KEY"),
    ],
)
async def test_what_a_brief_names_and_is_not_there_is_refused_before_anything_starts(settings, fields, named):
    brief = Brief(**({"topic": "t", "language": "en"} | fields))

    with pytest.raises(InvalidBrief, match=named):
        await refuse_early(brief, settings, open_shelf(settings, Paths(settings.data_dir)))


async def test_a_brief_whose_files_are_there_is_not_refused(settings, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"what it holds is looked at later")

    brief = Brief(topic="t", language="en", images=(str(picture),), music="none", logo=str(picture))

    await refuse_early(brief, settings, open_shelf(settings, Paths(settings.data_dir)))


def test_options_of_the_services_are_fields(brief_of):
    brief = brief_of(
        "題目", "--channel", "news", "--playlist", "PL0123456789", "--publish-at", "2030-12-01T18:00+08:00",
        "--image-style", "水彩", "--negative-prompt", "文字", "--provider", "image=local", "--provider", " voice = gemini ",
    )  # fmt: skip

    assert (brief.channel, brief.playlist, brief.publish_at) == ("news", "PL0123456789", "2030-12-01T18:00:00+08:00")
    assert (brief.image_style, brief.negative_prompt) == ("水彩", "文字")
    assert brief.providers == {"image": "local", "voice": "gemini"}


@pytest.mark.parametrize(
    "pairs", [["image"], ["image="], ["=local"], ["image=somebody"], ["soup=local"], ["image=local", "image=gemini"]]
)
def test_a_provider_that_makes_no_sense_is_named(brief_of, pairs):
    with pytest.raises(InvalidBrief, match="providers"):
        brief_of("t", *(word for pair in pairs for word in ("--provider", pair)))
