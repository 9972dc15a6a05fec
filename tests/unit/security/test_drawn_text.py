"""No word gets into a filter of FFmpeg's, and none is markup of a drawing: S7 of the threat model.

There is no `drawtext` and no `subtitles` filter here.  Words are set as outlines of glyphs, into SVG of our own making, and FFmpeg
is given generated names and numbers alone.
"""

import ast
import re
from pathlib import Path
from xml.etree import ElementTree as ET  # of our own drawings

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reelqueue.art.arrange import ArrangedScene
from reelqueue.art.draw import draw
from reelqueue.art.raster import document
from reelqueue.art.style import choose_style
from reelqueue.art.subtitles import subtitle_layers
from reelqueue.media.captions import ROOMS, as_srt, cues_of
from reelqueue.models.scene import Figure, Point, SceneSpec
from reelqueue.models.voice import Speech, Word

ROOT = Path(__file__).parents[3]
SPECIAL = "'\"\\:,;[]%{}()=|&<>#@!$`~*?/.-_\n\t海洋é👩‍🚀שלום مرحبا\u200d\u0301０"
HOSTILE = st.text(st.sampled_from(SPECIAL) | st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).map(
    lambda text: f"a{text}"
)
PAYLOAD = 'x\',drawtext=textfile=/etc/passwd,[in]%{pts}\\:;</text><image href="file:///etc/passwd"/>'
ALLOWED = {
    "svg", "g", "defs", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "clipPath", "mask", "pattern", "use", "linearGradient",
    "radialGradient", "stop", "filter", "image", "feDropShadow", "feGaussianBlur", "feTurbulence", "feColorMatrix", "feComposite", "feComponentTransfer",
    "feFuncA", "feFuncR", "feFuncG", "feFuncB", "feMerge", "feMergeNode", "feOffset", "feFlood", "feBlend", "feDisplacementMap", "feMorphology", "symbol",
}  # fmt: skip
LAYOUTS = ("opening", "statement", "number-hero", "points-rows", "outro")


def drawn(layout, text, language):
    """A scene in which every word is this one, and its subtitles."""
    point = Point(title=text, note=text, start_char=0)
    scene = SceneSpec(
        text=text, language=language, candidates=(layout,), title=text, marked=text[:3], kicker=text, note=text, subject=(text,),
        figure=Figure(value=text[:8], unit=text[:4], start_char=0), points=(point, point),
    )  # fmt: skip
    style = choose_style(text, language, text)
    words = tuple(
        Word(start_char=m.start(), end_char=m.end(), start_s=i / 2, end_s=i / 2 + 0.4)
        for i, m in enumerate(re.finditer(r"\S+", text))
    )
    speech = Speech(text=text, sample_rate=24_000, samples=24_000 * (len(words) + 1), words=words, visemes=())
    cues = cues_of(speech, 0.0, room=ROOMS["16:9"], language=language)
    arranged = ArrangedScene(index=0, spec=scene, layout=layout, ground="paper", mirrored=False)
    whole = draw(arranged, style, size=(1920, 1080), duration_s=4.0, words=words)
    layers = (*whole.layers, *subtitle_layers(cues, style, (1920, 1080), "box"))
    return [whole.ground.svg, *(sprite.svg for layer in layers for sprite in layer.sprites)], as_srt(cues)


def names_no_file_and_holds_no_word(text, layout, language):
    svgs, srt = drawn(layout, text, language)

    for svg in svgs:
        whole = svg if svg.lstrip().startswith("<svg") else document(svg, 10, 10)
        for element in ET.fromstring(whole).iter():
            assert element.tag.rpartition("}")[2] in ALLOWED
            assert not (element.text or "").strip()
            for name, value in element.attrib.items():
                assert not name.startswith("on")
                if name.endswith("href"):
                    assert value.startswith(("#", "data:image/png;base64,", "data:image/jpeg;base64,"))
                assert re.fullmatch(r"[ -~]*", value)
                assert "url(" not in value or re.findall(r"url\(([^)]*)\)", value) == [
                    f"#{one}" for one in re.findall(r"url\(#([A-Za-z0-9_-]+)\)", value)
                ]
    assert all(
        re.fullmatch(r"\d\d+:\d\d:\d\d,\d{3} --> \d\d+:\d\d:\d\d,\d{3}", line)
        for line in srt.splitlines()
        if " --> " in line and line[:1].isdigit()
    )


HOSTILE_SCENES = {"text": HOSTILE, "layout": st.sampled_from(LAYOUTS), "language": st.sampled_from(("en", "zh-TW"))}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**HOSTILE_SCENES)
@example(text=PAYLOAD, layout="opening", language="en")
@example(text=PAYLOAD, layout="number-hero", language="zh-TW")
def test_whatever_is_set_is_set_as_outlines_and_names_no_file(text, layout, language):
    names_no_file_and_holds_no_word(text, layout, language)


@pytest.mark.soak
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**HOSTILE_SCENES)
def test_six_hundred_times(text, layout, language):
    names_no_file_and_holds_no_word(text, layout, language)


def test_nobody_else_makes_a_filter():
    """`graph.py` alone (tests/unit/test_packages.py), and nobody by FFmpeg's library."""
    for path in (ROOT / "reelqueue").rglob("*.py"):
        if "sandbox" not in path.parts:
            assert not re.search(
                r"av\.filter|add_filter|filter_complex|[\"']-[va]?f[\"']|lavfi", path.read_text(encoding="utf-8")
            ), path


def test_the_filters_are_these_and_what_they_are_given_is_numbers():
    tree = ast.parse((ROOT / "reelqueue/media/graph.py").read_text(encoding="utf-8"))
    filters = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "filter"
    ]

    assert {call.args[0].value for call in filters} == {"ebur128", "volume", "aresample", "alimiter"}
    given_to = {ast.unparse(one) for call in filters for one in (*call.args[1:], *(word.value for word in call.keywords))}
    assert given_to == {
        "'true'", "'quiet'", "'false'", "5", "50", "f'{gain_db:.2f}dB'", "OVERSAMPLED_HZ", "SAMPLE_RATE_HZ", "f'{10 ** (limit_db / 20):.5f}'",
    }  # fmt: skip


@pytest.mark.parametrize("gain", ["0,amovie=/etc/passwd", "1[x];amovie=x"])
def test_and_nothing_else_than_a_number_could_be(gain):
    from reelqueue.media import graph  # noqa: PLC0415 - of this test alone

    with pytest.raises(ValueError, match="format code"):
        graph.master("a.wav", "b.m4a", gain, -1.0)
