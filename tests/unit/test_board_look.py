"""The board's looks, as far as figures tell them: contrast, icons that are there, sizes within their budget, words in both languages."""

import gzip
import re
from pathlib import Path

import pytest

from reelqueue.dashboard.words import LOOKS, STAGE, STATUS, WORDS
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage

HERE = Path(__file__).parents[2] / "reelqueue" / "dashboard"
STATIC, TEMPLATES = HERE / "static", HERE / "templates"
CSS = (STATIC / "board.css").read_text(encoding="utf-8")
ICONS = set(re.findall(r'<symbol id="(\w+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))
PAGES = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html")}
TOKENS = {name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", CSS)}
STATES = ("run", "ok", "bad", "review", "quota")


def luminance(colour: str) -> float:
    """WCAG's relative luminance of `#rgb` or `#rrggbb`."""
    digits = colour.lstrip("#")
    parts = [int(2 * part, 16) for part in digits] if len(digits) == 3 else [int(digits[at : at + 2], 16) for at in (0, 2, 4)]
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two colours."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_a_state_is_read_on_its_tint_on_a_panel_and_as_a_graphic(state, theme):
    text, tint, fill = (TOKENS[name][theme] for name in (state, f"{state}-tint", f"{state}-fill"))
    panel, track = TOKENS["panel"][theme], TOKENS["track"][theme]

    assert contrast(text, tint) >= 5
    assert contrast(text, panel) >= 5
    assert contrast(fill, panel) >= 3
    assert contrast(fill, track) >= 3


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["panel", "paper", "sunk"])
def test_ink_is_read_on_every_ground(ground, theme):
    assert min(contrast(TOKENS[ink][theme], TOKENS[ground][theme]) for ink in ("ink", "ink2", "ink3", "ring")) >= 4.5


def test_every_token_that_is_used_is_there():
    defined = set(re.findall(r"(--[\w-]+):", CSS))
    used = {name for path in STATIC.glob("*.css") for name in re.findall(r"var\((--[\w-]+)", path.read_text(encoding="utf-8"))}

    assert used <= defined


def test_every_icon_that_a_page_names_is_there():
    named = {icon for page in PAGES.values() for icon in re.findall(r"""icon\(["'](\w+)["']""", page)}
    used = {icon for page in PAGES.values() for icon in re.findall(r"icons\.svg'\) \}\}#(\w+)", page)}

    assert named | used <= ICONS


def test_every_status_has_its_word_its_colour_and_its_own_icon():
    statuses = {*ProjectStatus, *BatchStatus}

    assert statuses <= STATUS.keys()
    assert statuses <= LOOKS.keys()
    assert statuses <= ICONS
    assert set(Stage) <= STAGE.keys() & ICONS


def test_every_file_that_a_page_asks_for_is_there():
    asked = {name for page in PAGES.values() for name in re.findall(r"""static\(["']([\w./-]+)["']\)""", page)}

    assert [name for name in sorted(asked) if not (STATIC / name).is_file()] == []


@pytest.mark.parametrize("name", sorted(WORDS))
def test_every_sentence_stands_in_both_languages_with_the_same_parts(name):
    text = WORDS[name]

    assert all(text)
    assert sorted(re.findall(r"\{\w+\}", text.zh)) == sorted(re.findall(r"\{\w+\}", text.en))


def packed(name: str) -> int:
    """Bytes on their way."""
    return len(gzip.compress((STATIC / name).read_bytes(), 9))


def test_style_and_script_keep_within_their_budget():
    styles = {path.name: packed(path.name) for path in STATIC.glob("*.css") if path.name != "board.css"}
    scripts = {path.name: packed(path.name) for path in STATIC.glob("*.js")}
    shared = scripts.pop("board.js") + scripts.pop("live.js")

    assert packed("board.css") + max(styles.values()) <= 10_000
    assert shared + max(scripts.values()) <= 15_000


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.css")), ids=lambda path: path.name)
def test_no_style_asks_anybody_else_nor_pulls_chinese_apart(path):
    text = path.read_text(encoding="utf-8")

    assert re.findall(r"@import|letter-spacing|url\((?!#)[^)]*\)", text) == []
