"""A video's style follows its topic, and its seed where the topic leaves a choice."""

import pytest

from reelqueue.art.palette import PALETTES
from reelqueue.art.style import KEYWORDS, MOTIFS_OF, PAIRS_OF, choose_style


@pytest.mark.parametrize(
    ("text", "language", "palette"),
    [
        ("珊瑚礁在海水暖化後怎麼恢復", "zh-TW", "tidewater"),
        ("How a task queue survives a server crash", "en", "signal"),
        ("宋代的船與帝國的貿易歷史", "zh-TW", "brick"),
        ("Why bees visit one flower and not another", "en", "lamp"),
        ("大腦怎麼記憶，睡眠又做了什麼", "zh-TW", "plum"),
        ("利率、通膨與銀行", "zh-TW", "ledger"),
        ("How to cook rice and noodles at home", "en", "sunroom"),
        ("土星的光環與重力", "zh-TW", "carbon"),
    ],
)
def test_the_palette_suits_the_topic(text: str, language: str, palette: str) -> None:
    assert choose_style(text, language, "seed").palette == palette


def test_a_text_without_a_topic_gets_any_palette_but_always_the_same() -> None:
    chosen = {seed: choose_style("嗯", "zh-TW", seed) for seed in map(str, range(60))}

    assert {style.palette for style in chosen.values()} == {p.name for p in PALETTES}
    assert {style.presenter for style in chosen.values()} == {"mei", "kai"}
    assert all(choose_style("嗯", "zh-TW", seed) == style for seed, style in chosen.items())


def test_every_palette_has_its_pairs_motifs_and_words() -> None:
    names = {p.name for p in PALETTES}

    assert set(PAIRS_OF) == set(MOTIFS_OF) == set(KEYWORDS) == names
