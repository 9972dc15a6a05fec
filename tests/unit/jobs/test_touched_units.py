"""Which encoded units an edit touches, by their names: what is named as before is not encoded again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.video.screenplay import style_of, write_screenplay
from jobs.video.units import unit_key
from reelqueue.models.brief import Brief
from reelqueue.models.manifest import AssetsManifest, PartAssets, ShownPiece, SpokenPiece
from reelqueue.models.project import Artifact
from reelqueue.models.scene import SceneSpec
from reelqueue.models.voice import Speech, Word

TEXTS = ("Bread sings.", "Yeast eats sugar and breathes.", "The dough holds the gas.", "Heat sets the crust.", "Goodbye then.")
ROLES: tuple[Any, ...] = ("intro", "segment", "segment", "segment", "outro")
OTHER = "Salt slows the yeast down."


def spoken(text: str) -> SpokenPiece:
    samples, words, at = 2_400 * len(text), [], 0
    for word in text.split():
        end = at + len(word)
        words.append(Word(start_char=at, end_char=end, start_s=at / 10, end_s=end / 10))
        at = end + 1
    speech = Speech(text=text, sample_rate=24_000, samples=samples, words=tuple(words), visemes=())
    return SpokenPiece(key=text, sound=Artifact(path="audio/v.wav", sha256=text, bytes=1), speech=speech)


def part(place: int, text: str, picture: str, title: str) -> PartAssets:
    drawn = ROLES[place] != "segment"
    scene = SceneSpec(
        text=text,
        language="en",
        candidates=("opening", "statement") if drawn else ("picture-full",),
        title=title if drawn else "A line",
        picture=None if drawn else f"images/{picture}.jpg",
        picture_width=0 if drawn else 2_000,
    )
    file = None if drawn else Artifact(path=f"images/{picture}.jpg", sha256=picture, bytes=1)
    shown = ShownPiece(key=picture, scene=scene, picture=file)
    return PartAssets(role=ROLES[place], index=place, text=text, voice=(spoken(text),), shown=shown)


def manifest(*, texts=TEXTS, pictures=("", "a", "b", "c", ""), title="Bread", look=None) -> AssetsManifest:
    parts = tuple(part(place, text, pictures[place], title) for place, text in enumerate(texts))
    return AssetsManifest(language="en", title=title, topic="Bread", tags=(), parts=parts, look=look)


async def units(assets: AssetsManifest) -> list[str]:
    run: Any = SimpleNamespace(brief=Brief(topic="Bread"), tools=SimpleNamespace(font_dir=None))
    play = await write_screenplay(run, assets)
    root, out = Path("/p"), Path("/p/u.mp4")
    return [unit_key(play, unit, play.request(unit, project_root=root, out=out), {}) for unit in play.timeline.units]


def other(texts, place, text):
    return tuple(text if at == place else old for at, old in enumerate(texts))


@pytest.mark.parametrize(
    ("changes", "touched"),
    [
        pytest.param({"texts": other(TEXTS, 2, OTHER)}, {3, 4, 5, 6}, id="words: the scene, its joints, where its subtitle ends"),
        pytest.param({"pictures": ("", "a", "new", "c", "")}, {3, 4, 5}, id="a picture: the scene and its joints"),
        pytest.param({"title": "Why a loaf sings"}, {0, 1, 7, 8}, id="a title: the opening and the close, which show it"),
    ],
)
async def test_an_edit_touches_what_shows_it(changes, touched):
    """Units are scene, joint, scene, ...; the look stays as it was, as an edited script keeps it."""
    before = manifest()
    look = style_of(before).model_dump(mode="json")

    old, new = await units(before), await units(manifest(look=look, **changes))

    assert {place for place, name in enumerate(new) if name not in old} == touched


async def test_the_look_that_is_kept_is_the_one_that_was_chosen():
    """Without it a word could choose another palette, and every scene would be drawn again."""
    before = manifest()

    assert style_of(before.replace(look=style_of(before).model_dump(mode="json"), title="Stock markets")) == style_of(before)
    assert style_of(before.replace(title="Stock markets")) != style_of(before)
