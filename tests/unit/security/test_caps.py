"""What anybody may ask of this machine has an end: each cap holds at its value and not one beyond it.  S17 of the threat model.

Of pictures and of a model's answer beside them (test_pictures.py, test_words_of_a_model.py); of sign-ins in test_board_door.py;
of jobs in Redis in jobs/test_claims.py; of the board's bodies as a browser sends them in integration/test_board_gate.py.
"""

import json

import av
import numpy as np
import pytest
from starlette.requests import Request

from jobs.batch import making, rows
from jobs.batch.rows import Defaults, read_rows
from jobs.editing.reading import MOST_HEADING_CHARS, MOST_PART_CHARS, MOST_PICTURE_CHARS, read_edit
from jobs.importing.files import MOST_CAPTIONS_BYTES
from jobs.telling import MOST_PER_SECOND, Teller
from reelqueue.addresses import MOST_CHARACTERS, webhook_fault
from reelqueue.dashboard.api.reading import body_of, parsed
from reelqueue.dashboard.problems import Refused
from reelqueue.errors import InvalidBrief, ServiceUnavailable
from reelqueue.media import audio, clip_child
from reelqueue.media.ffmpeg import Ffmpeg
from reelqueue.models.batch import MOST_PROJECTS
from reelqueue.models.brief import (
    MAX_BRIEF_BYTES,
    MAX_CONTENT_CHARS,
    MAX_DURATION_S,
    MAX_TOPIC_CHARS,
    MIN_CONTENT_CHARS,
    MIN_DURATION_S,
    MOST_PRIORITY,
    parse_brief,
)
from reelqueue.models.stage import Stage
from reelqueue.providers.gemini import screenplay
from reelqueue.providers.gemini.schema import MOST_PART_CHARS as MOST_SPOKEN_PART
from reelqueue.providers.gemini.screenplay import LONGEST_VIDEO_S, script_of
from reelqueue.providers.protocols import ScriptRequest
from reelqueue.wording import Text, speak

TOPIC = {"topic": "x"}
BRIEFS = [
    ("topic", {"topic": "x" * MAX_TOPIC_CHARS}, {"topic": "x" * (MAX_TOPIC_CHARS + 1)}),
    ("content", TOPIC | {"content": "x" * MAX_CONTENT_CHARS}, TOPIC | {"content": "x" * (MAX_CONTENT_CHARS + 1)}),
    ("content", {"content": "x" * MIN_CONTENT_CHARS}, {"content": "x" * (MIN_CONTENT_CHARS - 1)}),
    ("duration_s", TOPIC | {"duration_s": MAX_DURATION_S}, TOPIC | {"duration_s": MAX_DURATION_S + 1}),
    ("duration_s", TOPIC | {"duration_s": MIN_DURATION_S}, TOPIC | {"duration_s": MIN_DURATION_S - 1}),
    ("fps", TOPIC | {"fps": 60}, TOPIC | {"fps": 61}),
    ("voice", TOPIC | {"voice": "v" * 100}, TOPIC | {"voice": "v" * 101}),
    ("images", TOPIC | {"images": ["a"] * 500}, TOPIC | {"images": ["a"] * 501}),
    ("images_dir", TOPIC | {"images_dir": "a" * 1_000}, TOPIC | {"images_dir": "a" * 1_001}),
    ("music", TOPIC | {"music": "a" * 1_000}, TOPIC | {"music": "a" * 1_001}),
    ("logo", TOPIC | {"logo": "a" * 1_000}, TOPIC | {"logo": "a" * 1_001}),
    ("lexicon", TOPIC | {"lexicon": {str(i): "a" for i in range(500)}}, TOPIC | {"lexicon": {str(i): "a" for i in range(501)}}),
    ("tags", TOPIC | {"tags": ["a"] * 60}, TOPIC | {"tags": ["a"] * 61}),
    ("tags", TOPIC | {"tags": ["a" * 498]}, TOPIC | {"tags": ["a" * 499]}),
    ("image_style", TOPIC | {"image_style": "a" * 500}, TOPIC | {"image_style": "a" * 501}),
    ("localizations", TOPIC | {"localizations": {f"en-A{i}": {"title": "a"} for i in range(50)}}, TOPIC | {"localizations": {f"en-A{i}": {"title": "a"} for i in range(51)}}),
    ("localizations", TOPIC | {"localizations": {"en": {"title": "a" * 100}}}, TOPIC | {"localizations": {"en": {"title": "a" * 101}}}),
    ("localizations", TOPIC | {"localizations": {"en": {"title": "a", "description": "a" * 5_000}}}, TOPIC | {"localizations": {"en": {"title": "a", "description": "a" * 5_001}}}),
    ("priority", TOPIC | {"priority": MOST_PRIORITY}, TOPIC | {"priority": MOST_PRIORITY + 1}),
    ("playlist", TOPIC | {"playlist": "P" * 64}, TOPIC | {"playlist": "P" * 65}),
    ("channel", TOPIC | {"channel": "c" * 40}, TOPIC | {"channel": "c" * 41}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _in_english():
    speak("en")


@pytest.mark.parametrize(
    ("field", "at_cap", "beyond"), BRIEFS, ids=[f"{field} {place}" for place, (field, _, _) in enumerate(BRIEFS)]
)
def test_a_brief_at_its_caps_is_taken_and_beyond_them_refused_by_the_field(field, at_cap, beyond):
    parse_brief(at_cap)

    with pytest.raises(InvalidBrief) as refused:
        parse_brief(beyond)
    assert refused.value.field == field


def test_a_whole_brief_has_a_cap_too():
    def brief(spare):
        empty = len(parse_brief(TOPIC | {"lexicon": {"a": ""}}).model_dump_json().encode())
        return TOPIC | {"lexicon": {"a": "b" * (MAX_BRIEF_BYTES - empty + spare)}}

    parse_brief(brief(0))
    with pytest.raises(InvalidBrief, match="48 KB"):
        parse_brief(brief(1))


# --- a model's script, and a person's ---

SENTENCE = "When the tide goes out, the sand is full of tiny holes, and behind each of them somebody waits. "


def answer(sentences):
    part = {"text": SENTENCE}
    return json.dumps({
        "intro": part, "outro": part, "segments": [{"text": SENTENCE}] * sentences, "metadata": {"title": "t"}
    })  # fmt: skip


def read(text):
    return script_of(text, ScriptRequest(topic="t", content=None, language="en", duration_s=None), None).script


def test_a_script_that_takes_half_an_hour_is_taken_and_a_longer_one_is_not():
    each = read(answer(10)).total_duration / 12
    most = int(LONGEST_VIDEO_S / each) - 2

    assert LONGEST_VIDEO_S - 2 * each < read(answer(most)).total_duration <= LONGEST_VIDEO_S
    with pytest.raises(ServiceUnavailable, match="more than 1,800"):
        read(answer(most + 2))


HARD = ["<!--", "1"]
"""Of which reading takes time by the square of their length: 300,000 characters of one would hold a worker for an hour."""


@pytest.mark.parametrize("hard", HARD)
def test_a_part_has_an_end_before_it_is_read(hard):
    def said(most):
        text = (SENTENCE + hard * most)[: most - 1] + "x"  # no blank at its end, which would not count
        return json.dumps(json.loads(answer(2)) | {"intro": {"text": text}})

    try:
        assert read(said(MOST_SPOKEN_PART)).intro.text
    except ServiceUnavailable as refused:
        assert "more than 1,800" in refused.message  # it was looked into: so many digits take long to say
    with pytest.raises(ServiceUnavailable, match="another form: intro"):
        read(said(MOST_SPOKEN_PART + 1))


@pytest.mark.parametrize(("more", "is_read"), [(0, True), (1, False)])
def test_and_so_has_all_that_is_to_be_spoken(monkeypatch, more, is_read):
    monkeypatch.setattr(screenplay, "MOST_SPOKEN_CHARS", 6 * len(SENTENCE.strip()) - more)

    if is_read:
        assert read(answer(4)).segments
    else:
        with pytest.raises(ServiceUnavailable, match="to be spoken"):
            read(answer(4))


@pytest.mark.parametrize(
    ("field", "change", "most"),
    [
        ("segments[0].image_description", lambda script, text: script["segments"][0].update(image_description=text), MOST_PICTURE_CHARS),
        ("segments[0].heading", lambda script, text: script["segments"][0].update(heading=text), MOST_HEADING_CHARS),
        ("metadata.title", lambda script, text: script["metadata"].update(title=text), 100),
        ("metadata.description", lambda script, text: script["metadata"].update(description=text), 5_000),
        ("intro.text", lambda script, text: script["intro"].update(text=text), MOST_PART_CHARS),
    ],
)  # fmt: skip
def test_a_persons_script_has_the_same_ends(field, change, most):
    before = read(answer(4))
    at_cap, beyond = before.model_dump(mode="json"), before.model_dump(mode="json")
    change(at_cap, "y" * most)
    change(beyond, "y" * (most + 1))

    read_edit(at_cap, before, seconds=lambda *_: 10.0)
    with pytest.raises(InvalidBrief) as refused:
        read_edit(beyond, before, seconds=lambda *_: 10.0)
    assert refused.value.field == field


def test_and_the_same_length():
    before = read(answer(4))
    listed = before.model_dump(mode="json")["segments"]
    edit = before.model_dump(mode="json") | {
        "segments": [one | {"text": f"word {place}"} for place, one in enumerate((listed * 100)[:120])]
    }
    count = len(edit["segments"])
    rest = before.intro.duration + before.outro.duration
    fits = (MAX_DURATION_S - rest) / count

    read_edit(edit, before, seconds=lambda *_: int(fits * 100) / 100)
    with pytest.raises(InvalidBrief, match="1,800 s"):
        read_edit(edit, before, seconds=lambda *_: int(fits * 100) / 100 + 0.02)


# --- batches ---


@pytest.mark.parametrize(("count", "mistakes"), [(3, 0), (4, 1)])
def test_a_batch_has_so_many_rows_and_no_more(monkeypatch, count, mistakes):
    monkeypatch.setattr(rows, "MOST_PROJECTS", 3)
    body = "topic\n" + "".join(f"topic {place}\n" for place in range(count))

    sheet = read_rows(body.encode(), Defaults())

    assert len(sheet.mistakes) == mistakes
    assert making.MOST_PROJECTS == MOST_PROJECTS == 5_000


def test_a_table_of_one_line_without_end_is_read_in_no_time():
    for body in (b'topic\n"' + b"x" * 5_000_000, b"topic\n" + b"," * 200_000, b"[" * 1_000_000, b'{"topic": ' * 100_000):
        assert read_rows(body, Defaults()).mistakes


# --- what comes over HTTP ---


def request_of(body, **headers):
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    listed = [(name.replace("_", "-").encode(), str(value).encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": listed, "query_string": b""}, receive)


@pytest.mark.parametrize(
    "told", [{}, {"content_length": 5}, {"content_length": 11}, {"content_length": "9" * 40}, {"content_length": "-1"}]
)
async def test_a_body_at_its_cap_is_taken_and_one_byte_more_is_not(told):
    """Whatever its length is said to be."""
    if not str(told.get("content_length", 0)).isdigit() or int(told.get("content_length", 0)) <= 10:
        assert await body_of(request_of(b"x" * 10, **told), 10) == b"x" * 10
    with pytest.raises(Refused) as refused:
        await body_of(request_of(b"x" * 11, **told), 10)

    assert refused.value.status == 413


ODD = [
    b"[" * 500_000,
    b"9" * 50_000,
    b'{"a":' * 200_000,
    b'"' + b"\\u0000" * 3 + b'\\ud800"',
    b"\xff\xfe",
    b'{"a":1,"a":2}',
    b"NaN",
    b"1e999999",
]


@pytest.mark.parametrize("body", ODD, ids=lambda body: ascii(body[:12]))
def test_json_that_is_no_sensible_json_is_refused_or_read(body):
    try:
        assert parsed(body) == float("inf")  # 1e999999 is what Python makes of it; a field's own rule takes no such number
    except Refused as refused:
        assert refused.status == 400


def test_an_address_to_tell_has_so_many_characters():
    start = "https://app.example.org/"

    assert webhook_fault(start + "x" * (MOST_CHARACTERS - len(start)), ()) is None
    assert webhook_fault(start + "x" * (MOST_CHARACTERS - len(start) + 1), ()) is not None


# --- files ---


@pytest.mark.parametrize(("more", "is_taken"), [(0, True), (1, False)])
async def test_music_has_a_cap(tmp_path, monkeypatch, more, is_taken):
    song = tmp_path / "a.wav"
    song.write_bytes(b"x" * 100)
    monkeypatch.setattr(audio, "MOST_MUSIC_BYTES", 100 - more)

    assert audio._is_taken(song) is is_taken
    with pytest.raises((InvalidBrief, FileNotFoundError)) as ended:  # what is taken is given to FFmpeg, which is none here
        await audio.prepare_music(Ffmpeg(tmp_path / "none", "0"), song, tmp_path / "out.wav", longest_s=1)
    assert isinstance(ended.value, FileNotFoundError) is is_taken


def film(path, seconds=0.4, size=(64, 64)):
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for _ in range(round(seconds * 10)):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((size[1], size[0], 3), np.uint8), format="rgb24")))
        out.mux(stream.encode(None))
    return path


def clip(source, tmp_path):
    """How many pictures it has, or why it is refused."""
    try:
        return list(clip_child.convert(source, tmp_path / "out.mp4"))[-1]["clip"]["frames"]
    except clip_child.Refused as refused:
        return refused.code


def test_a_clip_has_caps_on_bytes_sides_and_seconds(tmp_path, monkeypatch):
    short = film(tmp_path / "a.mp4")
    size = short.stat().st_size

    monkeypatch.setattr(clip_child, "MOST_FILE_BYTES", size)
    assert clip(short, tmp_path) == 4
    monkeypatch.setattr(clip_child, "MOST_FILE_BYTES", size - 1)
    assert clip(short, tmp_path) == "too_large"
    monkeypatch.undo()
    monkeypatch.setattr(clip_child, "MOST_SECONDS", 0.2)
    assert clip(short, tmp_path) == 3  # what follows is left out
    monkeypatch.undo()
    monkeypatch.setattr(clip_child, "MOST_SIDE", 66)
    assert clip(film(tmp_path / "b.mp4", size=(66, 64)), tmp_path) == 4
    assert clip(film(tmp_path / "c.mp4", size=(68, 64)), tmp_path) == "wrong_size"
    assert clip(film(tmp_path / "d.mp4", size=(64, 62)), tmp_path) == "wrong_size"


def test_the_caps_of_files_are_these():
    assert (clip_child.MOST_FILE_BYTES, clip_child.MOST_SIDE, clip_child.MOST_SECONDS) == (512 << 20, 4096, 600)
    assert (audio.MOST_MUSIC_BYTES, MOST_CAPTIONS_BYTES) == (4 << 30, 2_000_000)


# --- events ---


async def test_a_stage_is_told_of_at_most_twice_a_second(monkeypatch):
    from jobs import telling  # noqa: PLC0415 - its clock is held

    told = []

    async def publish(*_):
        told.append(now[0])
        return True

    now = [100.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(Teller, "_publish", publish)
    teller = Teller(None, Stage.RENDER)
    state = type("Running", (), {"status": type("Status", (), {"is_final": False})})
    for step in range(1_000):
        now[0] = 100.0 + step / 100
        await teller.tell(state, 1 + step / 20, Text("x", "x"))

    assert len(told) == 10 * MOST_PER_SECOND
