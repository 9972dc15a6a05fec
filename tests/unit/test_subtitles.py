"""Subtitles: a box for each line, the spoken word bright, within their place."""

import pytest

from reelqueue.art.layouts.frame import frame_for
from reelqueue.art.palette import PALETTES
from reelqueue.art.style import MOTIFS_OF, PAIRS_OF, Style
from reelqueue.art.subtitles import highlight, readable, subtitle_layers, subtitle_room
from reelqueue.models.cue import Cue
from reelqueue.models.media import SIZES
from reelqueue.models.voice import Word

TEXT = "任務就會交給下一位。"
CUE = Cue(
    text=TEXT,
    lines=((0, 6), (6, 10)),
    start_s=1.0,
    end_s=3.0,
    words=(
        Word(start_char=0, end_char=2, start_s=1.0, end_s=1.5),
        Word(start_char=4, end_char=6, start_s=1.6, end_s=2.0),
        Word(start_char=6, end_char=9, start_s=2.0, end_s=2.8),
    ),
)


def style(palette: str = "signal") -> Style:
    return Style(
        palette=palette, pair=PAIRS_OF[palette][0], motif=MOTIFS_OF[palette][0], presenter="mei", seed="s", language="zh-TW"
    )


@pytest.mark.parametrize("palette", [p.name for p in PALETTES])
def test_both_colours_of_the_words_can_be_read(palette: str) -> None:
    assert readable(style(palette).colours) >= 4.5


@pytest.mark.parametrize("aspect", list(SIZES))
@pytest.mark.parametrize("variant", ["box", "outline"])
def test_subtitles_stay_in_their_place(aspect, variant) -> None:
    frame = frame_for(*SIZES[aspect])

    layers = subtitle_layers([CUE], style(), SIZES[aspect], variant)

    for layer in layers:
        assert layer.x >= frame.subtitles.x - 12
        assert layer.x + layer.sprites[0].width <= frame.subtitles.right + 12
        assert layer.y >= frame.subtitles.y - 24
        assert layer.y + layer.sprites[0].height <= frame.subtitles.bottom + 12


def test_one_word_at_a_time_is_bright() -> None:
    plate, *words = subtitle_layers([CUE], style(), (1920, 1080))

    assert (plate.shows[0].at_s, plate.shows[-1].sprite) == (1.0, None)
    assert [[(show.at_s, show.sprite) for show in word.shows] for word in words] == [
        [(1.0, 1), (1.6, 0), (3.0, None)],
        [(1.0, 0), (1.6, 1), (2.0, 0), (3.0, None)],
        [(1.0, 0), (2.0, 1), (3.0, None)],
    ]
    assert all(highlight(style().colours) in word.sprites[1].svg for word in words)


def test_a_line_that_is_too_wide_is_set_smaller() -> None:
    text = "一二三四五六七八九十" * 2
    wide = Cue(text=text, lines=((0, 20),), start_s=0, end_s=1, words=())

    (plate,) = subtitle_layers([wide], style(), (1080, 1920))

    assert plate.sprites[0].width <= 880 + 16
    assert subtitle_room(1080, 1920, "zh-TW") == (64.0, 828.0)


def test_nothing_is_drawn_for_an_empty_cue() -> None:
    assert subtitle_layers([Cue(text=" ", lines=(), start_s=0, end_s=1, words=())], style(), (1920, 1080)) == ()
