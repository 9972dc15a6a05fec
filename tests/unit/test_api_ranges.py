"""Which bytes a `Range` asks for, and what a captions file becomes for a browser."""

import pytest

from reelqueue.dashboard.project.files import as_vtt, type_of
from reelqueue.dashboard.ranges import Unsatisfiable, part_of


@pytest.mark.parametrize(
    ("header", "part"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("bytes=0-0", (0, 1), id="the first byte"),
        pytest.param("bytes=0-", (0, 10), id="all, as a part"),
        pytest.param("bytes=3-5", (3, 6), id="from the middle"),
        pytest.param("bytes=3-99", (3, 10), id="beyond the end"),
        pytest.param("bytes=-4", (6, 10), id="the last bytes"),
        pytest.param("bytes=-99", (0, 10), id="more than there are"),
        pytest.param("Bytes = 1-2", (1, 3), id="another spelling"),
        pytest.param("bytes=5-2", None, id="backwards"),
        pytest.param("bytes=-", None, id="nothing"),
        pytest.param("bytes=a-b", None, id="letters"),
        pytest.param("bytes=0-1,3-4", None, id="several parts"),
        pytest.param("lines=0-1", None, id="another unit"),
        pytest.param("bytes", None, id="no sign"),
        pytest.param("bytes=" + "9" * 400 + "-", None, id="a number beyond all"),
    ],
)
def test_a_range_is_one_part_or_the_whole(header, part):
    assert part_of(header, 10) == part


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=999999999999999999-"])
def test_a_range_behind_the_end_is_told(header):
    with pytest.raises(Unsatisfiable):
        part_of(header, 10)


def test_nothing_of_an_empty_file_can_be_asked_for():
    with pytest.raises(Unsatisfiable):
        part_of("bytes=0-", 0)


def test_captions_become_webvtt_and_their_words_stay():
    srt = "1\n00:00:00,000 --> 00:00:02,500\nA, b --> c, 1,000\n\n2\n01:00:02,500 --> 01:00:04,000\n麵包\n"

    assert as_vtt(srt) == (
        "WEBVTT\n\n1\n00:00:00.000 --> 00:00:02.500\nA, b --> c, 1,000\n\n2\n01:00:02.500 --> 01:00:04.000\n麵包\n"
    )


@pytest.mark.parametrize("name", ["output/a.html", "images/a.svg", "a", "images/a.XML", "images/a.js"])
def test_what_a_browser_might_run_is_bytes(name):
    assert type_of(name) == "application/octet-stream"
