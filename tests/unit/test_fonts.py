"""The font files: all there, all that is promised in them, and a clear word where one is not."""

import shutil

import pytest

from reelqueue.art.fonts import PAIRS, Cut, check_fonts, cut_for, faces, find_font, has_glyph, opened, outline, use_font_dir
from reelqueue.errors import InstallationError, InvalidSettings

LEVEL_1 = [bytes([high, low]).decode("big5") for high in range(0xA4, 0xC6) for low in (*range(0x40, 0x7F), *range(0xA1, 0xFF))]


@pytest.fixture(autouse=True)
def _our_own_fonts_again():
    use_font_dir(None)  # another file's test may have named a folder in this process
    yield
    use_font_dir(None)


def test_every_file_of_every_pair_opens():
    check_fonts()


@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair_can_draw_the_frequent_characters(pair):
    """The slices that we merge leave out a few that only names of old have: 18 in the serif, 54 in Huninn, 0 in the sans."""
    group = faces(pair)

    for face in (group.title, group.text, group.quote):
        assert sum(not has_glyph(face.han, c) for c in LEVEL_1) <= (0 if face.han.weight else 54)
        assert [c for c in "AZaz019éñüŁő“”‘’—–…%$€" if not has_glyph(face.latin, c)] == []
        assert [c for c in "，。、；：！？「」『』（）《》—…" if not has_glyph(face.han, c)] == []


def test_what_no_font_has_is_known():
    assert cut_for("🚀", faces("signal").title.han) is None


def test_weights_differ():
    light, black = (
        outline(Cut("NotoSansTC[wght].ttf", w), opened(Cut("NotoSansTC[wght].ttf", w)).get_nominal_glyph(0x4E00))
        for w in (500, 900)
    )

    assert light.box[3] - light.box[1] < black.box[3] - black.box[1]


def test_a_font_dir_goes_first(tmp_path):
    shutil.copy(find_font("Nunito-Black.ttf"), tmp_path / "Inter-Bold.ttf")

    use_font_dir(tmp_path)

    assert find_font("Inter-Bold.ttf") == tmp_path / "Inter-Bold.ttf"
    assert find_font("Inter-Medium.ttf").parent.name == "fonts"
    check_fonts()


def test_a_font_dir_that_is_none_names_the_setting(tmp_path):
    with pytest.raises(InvalidSettings, match="FONT_DIR"):
        use_font_dir(tmp_path / "missing")


def test_a_broken_file_in_font_dir_names_the_setting(tmp_path):
    (tmp_path / "Inter-Bold.ttf").write_bytes(b"not a font")
    use_font_dir(tmp_path)

    with pytest.raises(InvalidSettings, match="FONT_DIR"):
        check_fonts()


def test_a_missing_file_says_which():
    with pytest.raises(InstallationError, match=r"Gone-Regular\.ttf"):
        opened(Cut("Gone-Regular.ttf"))


def test_the_folder_stays_small():
    folder = find_font("Inter-Bold.ttf").parent

    assert sum(f.stat().st_size for f in folder.iterdir()) < 12_000_000
    assert len(list(folder.glob("*-OFL.txt"))) == 7
