"""What a project is made of, read from its folder: nothing is guessed, and what can't be read is not there."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.video.images import image_record, image_requests, named_requests
from jobs.video.speech import speech_key, speech_request
from reelqueue.dashboard.project.pieces import pieces_of
from reelqueue.models.brief import parse_brief
from reelqueue.models.manifest import AssetsManifest, PartAssets, RenderManifest, ShownPiece, SpokenPiece, UnitPiece
from reelqueue.models.media import Loudness, MediaInfo
from reelqueue.models.project import Artifact, ProjectState, Usage
from reelqueue.models.scene import SceneSpec
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.models.voice import Speech
from reelqueue.providers.registry import open_shelf
from reelqueue.settings import Settings
from storage import Paths

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
NOWHERE = Artifact(path="x", sha256="0", bytes=1)
SCRIPT = Script(
    intro=Part(text="Welcome to the sea.", duration=5), outro=Part(text="Goodbye.", duration=4), language="en", total_duration=18,
    segments=(Segment(index=0, text="The deep sea glows.", duration=9, image_description="a jellyfish"),),
    metadata=Metadata(title="The deep sea", description="", tags=()),
)  # fmt: skip


@pytest.fixture
def root(tmp_path) -> Path:
    for folder in ("audio", "images", "segments", "assets", "render"):
        (tmp_path / folder).mkdir()
    return tmp_path


def put(root: Path, name: str, record, at: datetime = NOW) -> Artifact:
    (root / name).write_text(record.model_dump_json(), encoding="utf-8")
    os.utime(root / name, (at.timestamp(), at.timestamp()))
    return Artifact(path=name, sha256="0", bytes=1)


def paid(usd: float) -> tuple[Usage, ...]:
    return (Usage(service="gemini", model="m", unit="call", amount=1, cost_usd=usd),)


def shown(key: str, usd: float = 0.0) -> ShownPiece:
    scene = SceneSpec(text="", language="en", candidates=("statement",), title=f"Title {key}")
    return ShownPiece(key=key, scene=scene, picture=Artifact(path=f"images/{key}.png", sha256="0", bytes=1), usage=paid(usd))


def spoken(key: str, text: str, usd: float = 0.0) -> SpokenPiece:
    speech = Speech(text=text, sample_rate=24_000, samples=48_000, words=(), visemes=())
    sound = Artifact(path=f"audio/{key}.wav", sha256="0", bytes=1)
    return SpokenPiece(key=key, sound=sound, speech=speech, usage=paid(usd))


def state(**stages: tuple[StageStatus, tuple[Artifact, ...]]) -> ProjectState:
    found = ProjectState(
        project_id=7, brief=parse_brief({"topic": "Sea"}), created_at=NOW, updated_at=NOW, status=ProjectStatus.RUNNING, run=1
    )
    for name, (status, artifacts) in stages.items():
        found = found.with_stage(Stage(name), status=status, artifacts=artifacts, started_at=NOW - timedelta(minutes=1))
    return found


def with_manifest(root: Path) -> ProjectState:
    """Script and assets done: three parts, of which the first and the last say the same."""
    script = put(root, "script.json", SCRIPT)
    parts = []
    for index, (role, text) in enumerate((("intro", "Same."), ("segment", "The deep sea glows."), ("outro", "Same."))):
        picture, sound = shown(f"p{index}", 0.02), spoken("same" if text == "Same." else "other", text, 0.01)
        put(root, f"images/{picture.key}.json", picture)
        put(root, f"audio/{sound.key}.json", sound)
        parts.append(PartAssets(role=role, index=index, text=text, voice=(sound,), shown=picture))
    listed = put(root, "assets/manifest.json", AssetsManifest(language="en", title="t", topic="t", tags=(), parts=tuple(parts)))
    return state(script=(StageStatus.DONE, (script,)), assets=(StageStatus.DONE, (listed,)))


def units(root: Path, *moments: datetime) -> list[UnitPiece]:
    found = [UnitPiece(key=f"u{n}", file=NOWHERE, frames=30) for n in range(len(moments))]
    for unit, at in zip(found, moments, strict=True):
        put(root, f"segments/{unit.key}.json", unit, at)
    return found


def test_a_finished_stage_is_read_from_what_it_listed(root):
    pieces = pieces_of(with_manifest(root), root, None, None)

    assert [scene.place for scene in pieces.scenes] == [1, 2, 3]
    assert pieces.scenes[1].picture == "images/p1.png"
    assert pieces.scenes[1].voice_s == 2.0
    assert all(scene.is_ready and scene.shown.at == NOW for scene in pieces.scenes)


def test_what_is_said_twice_was_paid_for_once(root):
    pieces = pieces_of(with_manifest(root), root, None, None)

    assert sum(made.usd for made in pieces.voice) == pytest.approx(0.02)
    assert sum(made.usd for made in pieces.images) == pytest.approx(0.06)


def test_a_piece_whose_record_is_gone_is_not_there(root):
    known = with_manifest(root)
    (root / "images" / "p1.json").unlink()
    (root / "audio" / "other.json").unlink()

    scene = pieces_of(known, root, None, None).scenes[1]

    assert not scene.is_ready
    assert (scene.shown, scene.voice, scene.pieces) == (None, (), 1)


def test_a_stage_under_way_is_read_by_the_names_that_it_gives(root):
    shelf = open_shelf(Settings(data_dir=root), Paths(root))
    known = state(
        script=(StageStatus.DONE, (put(root, "script.json", SCRIPT),)), assets=(StageStatus.RUNNING, ())
    )  # fmt: skip
    brief, providers = shelf.filled(known.brief), shelf.chosen(known.brief)
    (_, _), (request, _), (_, _) = named_requests(providers.image, image_requests(brief, SCRIPT))
    put(root, image_record(providers.image, request), shown("drawn"))
    piece = providers.voice.pieces(SCRIPT.texts[0], "en")[0]
    key = speech_key(providers.voice, speech_request(brief, piece, "en"))
    put(root, f"audio/{key}.json", spoken(key, piece))
    put(root, "audio/of-an-earlier-script.json", spoken("old", "old"))

    pieces = pieces_of(known, root, brief, providers)

    assert [scene.shown is not None for scene in pieces.scenes] == [False, True, False]
    assert [len(scene.spoken) for scene in pieces.scenes] == [1, 0, 0]
    assert [scene.seconds for scene in pieces.scenes] == [2.0, 9, 4]


def test_each_scene_has_its_clip_once_the_video_is_whole(root):
    known = with_manifest(root)
    made = units(root, *(NOW + timedelta(seconds=n) for n in range(5)))
    manifest = RenderManifest(
        units=tuple(made), sound=NOWHERE, loudness=Loudness(integrated_lufs=-14, true_peak_dbtp=-1),
        video=MediaInfo(container="mp4", bytes=1, duration_s=1), frames=150,
    )  # fmt: skip
    listed = put(root, "render/manifest.json", manifest)

    pieces = pieces_of(known.with_stage(Stage.RENDER, status=StageStatus.DONE, artifacts=(listed,)), root, None, None)

    assert [(scene.unit.at - NOW).seconds for scene in pieces.scenes] == [0, 2, 4]
    assert pieces.wanted_units == 5


@pytest.mark.parametrize(
    ("moments", "rendered"),
    [
        pytest.param([1, 2, 3], 2, id="a first cut is encoded in its order"),
        pytest.param([-500, 1, 2], 0, id="beside an earlier cut nobody can tell which clips stay"),
        pytest.param([], 0, id="nothing yet"),
    ],
)
def test_scenes_of_a_video_under_way_are_told_where_they_can_be(root, moments, rendered):
    known = with_manifest(root).with_stage(Stage.RENDER, status=StageStatus.RUNNING, started_at=NOW)
    units(root, *(NOW + timedelta(seconds=n) for n in moments))

    pieces = pieces_of(known, root, None, None)

    assert pieces.rendered == rendered
    assert len(pieces.units) == len(moments)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"parts": 7}'])
def test_what_can_not_be_read_is_not_there(root, body):
    known = with_manifest(root)
    (root / "assets" / "manifest.json").write_text(body, encoding="utf-8")

    pieces = pieces_of(known, root, None, None)

    assert [scene.text for scene in pieces.scenes] == list(SCRIPT.texts)
    assert pieces.images == ()


def test_a_project_without_a_script_is_made_of_nothing(root):
    assert pieces_of(state(), root, None, None).scenes == ()
