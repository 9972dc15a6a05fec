"""From a file to the briefs of a batch, or to all that is wrong with it: files as Excel, Numbers, LibreOffice and Google write them."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.batch.rows import Defaults, Sheet, read_rows
from reelqueue.models.batch import MOST_PROJECTS

TAIPEI = Defaults(folder=Path("/lists"), zone=ZoneInfo("Asia/Taipei"))
CHINESE = "主題,長度,標籤,公開時間,隱私,主持人\r\n三個存錢的習慣,60,理財、投資,2026/12/1 18:00,公開,否\r\n月亮為什麼會跟著我們走？,,,,,\r\n"
READ = [
    {
        "topic": "三個存錢的習慣",
        "duration_s": 60,
        "presenter": False,
        "privacy": "public",
        "publish_at": "2026-12-01T18:00:00+08:00",
        "tags": ("理財", "投資"),
    },
    {"topic": "月亮為什麼會跟著我們走？"},
]


def read(text: str | bytes, **more) -> Sheet:
    return read_rows(text if isinstance(text, bytes) else text.encode(), TAIPEI, **more)


def briefs(sheet: Sheet) -> list[dict]:
    return [row.brief.model_dump(exclude_defaults=True) for row in sheet.rows]


def wrong(sheet: Sheet) -> list[tuple[int, str]]:
    return [(mistake.line, mistake.field) for mistake in sheet.mistakes]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(CHINESE.encode("cp950"), id="Excel in Taiwan, CSV"),
        pytest.param(CHINESE.encode("utf-8-sig"), id="Excel, CSV UTF-8"),
        pytest.param(CHINESE.replace(",", "\t").encode("utf-16"), id="Excel, Unicode text"),
        pytest.param(CHINESE.replace(",", ";").encode("utf-8-sig"), id="Excel where a comma is a decimal's"),
        pytest.param(("sep=;\r\n" + CHINESE.replace(",", ";")).encode("utf-8-sig"), id="Excel's own hint"),
        pytest.param(CHINESE.replace("\r\n", "\r").encode("utf-8"), id="Excel on an old Mac"),
        pytest.param(CHINESE.replace("\r\n", "\n").encode(), id="LibreOffice"),
        pytest.param(CHINESE.encode(), id="Google Sheets"),
        pytest.param(("表格 1\n" + CHINESE).encode(), id="Numbers with the table's title"),
        pytest.param(CHINESE.encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(CHINESE.encode("utf-16-be"), id="UTF-16, the other end first"),
        pytest.param(CHINESE.encode("utf-32"), id="UTF-32"),
        pytest.param(CHINESE.replace("\r\n", ",,\r\n").encode(), id="columns that are empty"),
        pytest.param((CHINESE + ",,,,,\r\n\r\n").encode(), id="rows that are empty"),
    ],
)
def test_a_table_is_read_as_it_was_meant(body):
    sheet = read(body)

    assert briefs(sheet) == READ
    assert sheet.mistakes == ()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"\xef\xbb\xbf\r\n", "empty", id="a mark alone"),
        pytest.param(b"topic\n\n", "no row", id="a header alone"),
        pytest.param(bytes(range(256)) * 100, "no text", id="binary"),
        pytest.param(b"PK\x03\x04" + bytes(100), "spreadsheet's own file", id="xlsx"),
        pytest.param(b"\x1f\x8b\x08" + bytes(100), "compressed", id="gzip"),
        pytest.param("topic\nRésumé\n".encode("cp1252"), "can't be told", id="another code page"),
        pytest.param("topic\n三个存钱的习惯\n".encode("gb18030"), "can't be told", id="Simplified Chinese's code page"),
        pytest.param("topic\nお金を貯める習慣\n".encode("cp932"), "can't be told", id="Japanese's code page"),
        pytest.param(b"\xef\xbb\xbftopic\n\xff\xfe\n", "line 2", id="damaged"),
        pytest.param(b"first,second\n1,2\n", "name the columns", id="no header"),
    ],
)
def test_a_file_that_is_no_list_is_named_with_what_to_do(body, says):
    sheet = read(body)

    assert any(says in mistake.text.en for mistake in sheet.mistakes)
    assert all(mistake.text.zh != mistake.text.en for mistake in sheet.mistakes)


def test_a_hundred_thousand_rows_are_refused_by_their_count():
    sheet = read("topic\n" + "".join(f"topic {number}\n" for number in range(100_000)))

    assert sheet.mistakes[0].text.en == f"100,000 rows; a batch has at most {MOST_PROJECTS:,}: split the file"


def test_every_bad_row_is_named_by_its_line_and_each_of_its_fields():
    table = (
        "topic,content,duration_s,fps,publish_at,privacy,presenter\n"
        "fine,,60,30,,public,yes\n"
        ",,abc,1000,tomorrow,everybody,maybe\n"
        '"over\ntwo lines",,60,,,,\n'
        ",too short,,,,,\n"
        "a,b,1,2,3,4,5,6\n"
    )

    sheet = read(table)

    assert wrong(sheet) == [
        (3, "duration_s"), (3, "fps"), (3, "presenter"), (3, "privacy"), (3, "publish_at"), (6, "content"), (7, ""),
    ]  # fmt: skip
    assert sheet.mistakes[0].text.en == "allowed is a whole number of seconds from 15 to 1,800; given was 'abc'"
    assert "has 8 cells, the header 7" in sheet.mistakes[-1].text.en


def test_a_mistake_is_told_by_the_name_that_the_file_gives_its_column():
    sheet = read("主題,長度,fps\na,十五秒,1\n")

    assert [(mistake.field, mistake.column) for mistake in sheet.named(sheet.mistakes)] == [("duration_s", "長度"), ("fps", "")]


def test_of_what_is_no_moment_it_is_said_how_to_write_one():
    [mistake] = read("topic,publish_at\na,12/1 18:00\n").mistakes

    assert mistake.text.en.startswith("allowed is a day and a time, for example 2026-12-01 18:00 (Asia/Taipei)")


def test_of_a_row_without_a_topic_it_is_said_that_there_is_none():
    [mistake] = read(b'{"tags": ["sea"]}').mistakes

    assert mistake.text.en.endswith("at least one of them; nothing was given")
    assert mistake.text.zh.endswith("至少要有一個；什麼都沒有填")


def test_a_quote_that_is_never_closed_is_named_where_it_begins():
    sheet = read('topic,content\nfine,x\n"open,x\nmore,x\n')

    assert wrong(sheet) == [(3, "")]
    assert "never closed" in sheet.mistakes[0].text.en


@pytest.mark.parametrize(
    ("header", "field", "says"),
    [
        pytest.param("topic,durration", "durration", "is it 'duration_s'?", id="misspelt"),
        pytest.param("topic,長渡", "長渡", "is it '長度'? put # before", id="misspelt in Chinese"),
        pytest.param("topic,主題", "主題", "stands there twice", id="twice, in two languages"),
        pytest.param("topic,my notes", "my notes", "put # before", id="a column of one's own"),
        pytest.param("topic,providers.picture", "providers.picture", "no such column", id="no such kind"),
    ],
)
def test_a_header_is_checked_before_any_row(header, field, says):
    sheet = read(f"{header}\nsomething,else\n")

    assert wrong(sheet) == [(1, field)]
    assert says in sheet.mistakes[0].text.en


def test_cells_hold_lists_switches_pairs_paths_and_numbers_as_spreadsheets_write_them():
    table = (
        "Topic;Duration S;tags;images;music;providers.image;lexicon;localizations.zh-tw.title;review;made_for_kids;priority;#my notes\n"
        'a;"1,800";"x | y";"one.png|/abs/two, three.png";none;local;"GPU=G P U|AI=A I";標題;"script, final";FALSE;60.0;mine\n'
    )

    assert briefs(read(table)) == [
        {
            "topic": "a",
            "duration_s": 1800,
            "tags": ("x", "y"),
            "images": ("/lists/one.png", "/abs/two, three.png"),
            "music": "none",
            "providers": {"image": "local"},
            "lexicon": {"GPU": "G P U", "AI": "A I"},
            "localizations": {"zh-TW": {"title": "標題"}},
            "review": ("script", "final"),
            "priority": 60,
        }
    ]


@pytest.mark.parametrize(
    ("cell", "at"),
    [
        pytest.param("2026-12-01T18:00:00Z", "2026-12-01T18:00:00+00:00", id="with its zone"),
        pytest.param("2026-12-01 18:00", "2026-12-01T18:00:00+08:00", id="of the schedules' zone"),
        pytest.param("2026/12/1 18:00:00", "2026-12-01T18:00:00+08:00", id="Excel"),
        pytest.param("2026/12/1 下午 06:00:00", "2026-12-01T18:00:00+08:00", id="Excel in Taiwan"),
        pytest.param("2026/12/1 12:30 AM", "2026-12-01T00:30:00+08:00", id="after midnight"),
    ],
)
def test_a_moment_is_read_as_spreadsheets_show_it(cell, at):
    assert [row.brief.publish_at for row in read(f"topic,publish_at\na,{cell}\n").rows] == [at]


@pytest.mark.parametrize("cell", ["2026-12-01", "12/1/2026 18:00", "2026/13/1 18:00", "2026/12/1 13:00 PM", "soon"])
def test_a_moment_that_could_be_two_is_nobodys_guess(cell):
    assert wrong(read(f"topic,publish_at\na,{cell}\n")) == [(2, "publish_at")]


def test_a_moment_that_the_clocks_skip_is_refused():
    sheet = read_rows(b"topic,deadline\na,2027-03-14 02:30\n", Defaults(zone=ZoneInfo("America/Los_Angeles")))

    assert [(mistake.field, "the clocks of America/Los_Angeles skip it" in mistake.text.en) for mistake in sheet.mistakes] == [
        ("deadline", True)
    ]


def test_a_formulas_error_is_no_topic():
    assert wrong(read("topic\n#NAME?\n")) == [(2, "topic")]


def test_json_lines_are_briefs_as_they_are_and_one_bad_line_spoils_no_other():
    lines = (
        '{"topic": "a", "duration_s": 60, "tags": ["x"], "key": "one", "images": ["p.png"]}\n'
        "\n"
        '{"topic": "b", "tags": "x;y"}\n'
        '{"topic": 1}\n'
        '[{"topic": "c"}]\n'
        '{"topic": "d", "providers": {"image": "local", "image": "gemini"}}\n'
        '{"topic":\n'
        '{"topic": "e", "deadline": "2026-12-01 18:00", "surprise": 1}\n'
        '{"topic": "f", "deadline": "2026-12-01 18:00"}\n'
    )

    sheet = read(lines, form="jsonl")

    assert wrong(sheet) == [(3, "tags"), (4, "topic"), (5, ""), (6, ""), (7, ""), (8, "surprise")]
    assert briefs(sheet) == [
        {"topic": "a", "duration_s": 60, "tags": ("x",), "images": ("/lists/p.png",)},
        {"topic": "f", "deadline": "2026-12-01T18:00:00+08:00"},
    ]


def test_what_comes_by_a_pipe_is_known_by_its_first_character():
    assert briefs(read('{"topic": "a"}\n')) == briefs(read("topic\na\n")) == [{"topic": "a"}]


def test_the_same_row_twice_is_made_once_and_said():
    sheet = read("topic,key,priority\na,,1\nb,k,\na,,2\nb,k,\n")

    assert [row.line for row in sheet.rows] == [2, 3]
    assert sheet.repeats == ((4, 2), (5, 3))


def test_two_rows_of_one_key_and_different_videos_are_a_mistake():
    sheet = read("topic,privacy,key\na,,k\na,public,k\n")

    assert wrong(sheet) == [(3, "key")]
    assert "the same key as line 2 (k)" in sheet.mistakes[0].text.en


def test_another_priority_or_privacy_makes_no_other_video_of_a_row():
    first, second = (
        read("topic\na\n").rows,
        read("topic,priority,deadline,review,privacy\na,5,2027-01-01 00:00,final,public\n").rows,
    )

    assert first[0].key == second[0].key


def test_the_same_topic_on_another_channel_is_another_video():
    assert len(read("topic,channel\na,news\na,cooking\n").rows) == 2


def test_what_was_typed_holds_where_a_row_says_nothing_of_its_own():
    typed = Defaults({"privacy": "unlisted", "priority": 3}, TAIPEI.folder, TAIPEI.zone)

    sheet = read_rows(b"topic,privacy\na,public\nb,\n", typed)

    assert [(row.brief.privacy, row.brief.priority) for row in sheet.rows] == [("public", 3), ("unlisted", 3)]


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=200).map(lambda text: ("topic,tags,publish_at\n" + text).encode("utf-8", "replace")),
    )
)
def test_no_file_makes_it_raise(body):
    sheet = read(body)

    assert sheet.rows or sheet.mistakes
