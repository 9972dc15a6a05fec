"""What a person is told of pieces that workers die in."""

import pytest

from jobs.poison import poisoned


@pytest.mark.parametrize(
    ("pieces", "en", "zh"),
    [
        pytest.param(
            ("render: unit 3f9a01c2d4",),
            "a part of the picture track 3f9a01c2 (render)",
            "一段畫面 3f9a01c2（render）",
            id="a piece",
        ),
        pytest.param(
            ("assets: image aa", "assets: voice bb"),
            "a picture aa (assets), a piece of the voice bb (assets)",
            "一張圖 aa（assets）、一段旁白 bb（assets）",
            id="two at once",
        ),
        pytest.param(
            ("upload: video from 12.0000%",), "the upload of the video (upload)", "上傳影片（upload）", id="amid an upload"
        ),
        pytest.param(("thumbnail",), "the thumbnail stage", "縮圖階段", id="no piece yet"),
        pytest.param(("upload: captions",), "upload: captions", "upload: captions", id="a step of YouTube's"),
        pytest.param(
            ("what another release says",), "what another release says", "what another release says", id="another release"
        ),
    ],
)
def test_pieces_are_named_in_words(pieces, en, zh):
    error = poisoned(pieces, 3)

    assert error.text.en == f"the worker died 3 times in a row at {en}"
    assert error.text.zh == f"worker 連續 3 次在「{zh}」中斷"
