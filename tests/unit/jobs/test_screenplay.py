"""What is seen of a presenter: a drawn figure that is given the mouth's times, or a clip that begins with the voice."""

from pathlib import Path
from typing import Any

import pytest

from jobs.video.screenplay import Screenplay, style_of
from jobs.video.units import unit_key
from reelqueue.art.arrange import arrange
from reelqueue.media.timeline import LEAD_IN_S, lay_out
from reelqueue.models.manifest import AssetsManifest, PartAssets, PresentedPiece, ShownPiece, SpokenPiece
from reelqueue.models.project import Artifact
from reelqueue.models.scene import SceneSpec
from reelqueue.models.voice import Speech, Viseme

CLIP = Artifact(path="avatars/a.mp4", sha256="ab" * 32, bytes=9)
FIGURE = PresentedPiece(key="f", description={"kind": "figure", "name": "kai"})
FILMED = PresentedPiece(key="c", description={"kind": "clip", "path": CLIP.path}, clip=CLIP)


def part(role: Any, presenter: PresentedPiece | None) -> PartAssets:
    text = "A word."
    speech = Speech(text=text, sample_rate=24_000, samples=48_000, words=(), visemes=(Viseme(shape="ah", start_s=0.2),))
    spoken = SpokenPiece(key="v", sound=Artifact(path="audio/v.wav", sha256="0", bytes=1), speech=speech)
    spec = SceneSpec(text=text, language="en", candidates=("opening", "statement"), title="Tides")
    return PartAssets(role=role, index=0, text=text, voice=(spoken,), shown=ShownPiece(key="s", scene=spec), presenter=presenter)


def play_of(*presenters: PresentedPiece | None) -> Screenplay:
    parts = tuple(part(role, presenter) for role, presenter in zip(("intro", "outro"), presenters, strict=True))
    assets = AssetsManifest(language="en", title="Tides", topic="Tides", tags=(), parts=parts)
    style = style_of(assets)
    return Screenplay(
        assets=assets,
        timeline=lay_out([[piece.speech for piece in one.voice] for one in parts], fps=30),
        style=style,
        scenes=arrange([one.shown.scene for one in parts], style),
        cues=(),
        size=(1920, 1080),
        subtitles="box",
        logo=None,
        font_dir=None,
    )


def asked(play: Screenplay, number: int) -> Any:
    return play.request(play.timeline.units[number], project_root=Path("/p"), out=Path("/p/u.mp4"))


def test_a_clips_first_picture_is_due_with_the_voice():
    """In the intro after the lead-in; in the outro where its voice begins in its own scene."""
    play = play_of(FILMED, FILMED)

    first, joint, last = (asked(play, number) for number in range(3))

    assert first.scenes[0].clip.start_s == pytest.approx(LEAD_IN_S)
    assert last.scenes[0].clip.start_s == pytest.approx(play.timeline.visemes(1)[0].start_s - 0.2, abs=1e-3)
    assert [scene.clip for scene in joint.scenes] == [first.scenes[0].clip, last.scenes[0].clip]
    assert first.scenes[0].visemes == ()


def test_a_figure_has_the_mouths_times_and_its_units_keep_their_names():
    """No word of clips in a request without one: what was encoded before there were any is found again."""
    request = asked(play_of(FIGURE, FIGURE), 0)

    assert request.scenes[0].presenter
    assert request.scenes[0].visemes
    assert "clip" not in request.pixels["scenes"][0]
    assert asked(play_of(None, None), 0).scenes[0].presenter is False


def test_a_unit_hangs_on_the_content_of_its_clip():
    """A clip that was fetched again has the old one's name and need not look like it."""
    other = FILMED.replace(clip=CLIP.replace(sha256="cd" * 32))
    plays = play_of(FILMED, FILMED), play_of(other, FILMED)

    names = {unit_key(play, play.timeline.units[0], asked(play, 0), {}) for play in plays}

    assert len(names) == 2


def test_the_figures_name_is_the_styles_and_a_clip_has_none():
    assert play_of(FIGURE, FILMED).style.presenter == "kai"
    assert play_of(FILMED, FILMED).style == play_of(None, None).style


def test_an_older_version_reads_a_manifest_without_clips():
    """It forbids names that it does not know."""
    assert set(FIGURE.model_dump()) == {"key", "description"}
    assert PresentedPiece.model_validate_json(FILMED.model_dump_json()) == FILMED
