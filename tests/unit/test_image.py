"""The local image maker: which layouts suit a part, and that what is shown stands in the text."""

import pytest

from reelqueue.art.icons import find_icon
from reelqueue.providers.local.image import LocalImageMaker
from reelqueue.providers.local.image_clauses import clauses_of
from reelqueue.providers.local.image_figures import figures_of
from reelqueue.providers.local.image_layouts import RULES
from reelqueue.providers.local.image_phrases import is_short, marked_part
from reelqueue.providers.local.image_points import points_of
from reelqueue.providers.local.image_scene import scene_of
from reelqueue.providers.protocols import ImageRequest


def part(text, *, role="segment", language="zh-TW", heading=None, title="珊瑚礁怎麼復原", topic=None):
    return ImageRequest(
        role=role, text=text, image_description="", heading=heading, title=title, topic=topic or title, language=language, index=1, aspect="16:9"
    )  # fmt: skip


def test_the_intro_opens_with_the_title_and_a_line_of_the_text():
    scene = scene_of(part("珊瑚礁怎麼復原？珊瑚白化奪走了世界上大約 8% 的珊瑚。", role="intro"))

    assert scene.candidates == ("opening",)
    assert scene.title == "珊瑚礁怎麼復原"
    assert scene.note == "珊瑚白化奪走了世界上大約 8% 的珊瑚"


@pytest.mark.parametrize(
    ("text", "language", "title"),
    [
        ("時間正是珊瑚最缺的。謝謝收看，下次見。", "zh-TW", "下次見"),
        ("Ask. Thank you for watching. See you next time.", "en", "See you next time"),
    ],
)
def test_the_outro_ends_with_its_last_words(text, language, title):
    scene = scene_of(part(text, role="outro", language=language))

    assert scene.candidates == ("outro",)
    assert scene.title == title
    assert "謝謝" not in scene.subject


@pytest.mark.parametrize(
    ("text", "language", "value", "unit"),
    [
        pytest.param("2023年開始的白化，讓全世界84%的礁區碰到高溫。", "zh-TW", "84", "%", id="a year is no figure"),
        pytest.param("如果 worker 超過 60 秒沒有回報，任務會交給下一位。", "zh-TW", "60", "秒", id="seconds"),
        pytest.param("Redis 5.0 每秒處理 82,000 則訊息。", "zh-TW", "82,000", "則", id="a version is no figure"),
        pytest.param("第3屆有1,200人參加，分成3個組。", "zh-TW", "1,200", "人", id="ordinals and small counts are none"),
        pytest.param("Since 2023, 84% of the reefs felt the heat.", "en", "84", "%", id="English share"),
        pytest.param("It took 3.5 hours to answer.", "en", "3.5", "hours", id="English hours"),
    ],
)
def test_one_figure_with_a_unit_is_shown_large(text, language, value, unit):
    scene = scene_of(part(text, language=language))

    assert scene.candidates[0] == "number-hero"
    assert (scene.figure.value, scene.figure.unit) == (value, unit)
    assert text[scene.figure.start_char :].startswith(value)


def test_several_figures_are_no_hero():
    text = "List 每秒 96,000 則，Streams 每秒 82,000 則，RabbitMQ 是 41,000 則。慢了一點，但任務不會掉。"

    scene = scene_of(part(text))

    assert len(figures_of(text, "zh-TW")) == 3
    assert scene.candidates == ("statement", "backdrop")
    assert scene.title == "慢了一點，但任務不會掉"
    assert scene.marked == "任務不會掉"


@pytest.mark.parametrize(
    ("text", "language", "titles"),
    [
        pytest.param("有三個理由。第一，訊息會留下來。第二，一則只給一位，群組分工。第三，可以找回。", "zh-TW", ["訊息會留下來", "一則只給一位", "可以找回"], id="ordinals"),
        pytest.param("需要三個條件：比較涼的海水；吃藻的魚；新的幼蟲。", "zh-TW", ["比較涼的海水", "吃藻的魚", "新的幼蟲"], id="semicolons"),
        pytest.param("首先，洗手。其次，切菜。最後，下鍋。", "zh-TW", ["洗手", "切菜", "下鍋"], id="first, next, last"),
        pytest.param("You need three things: cooler water; grazing fish; time.", "en", ["Cooler water", "Grazing fish", "Time"], id="English list"),
        pytest.param("Two habits. First, write it down. Second, keep it short.", "en", ["Write it down", "Keep it short"], id="English ordinals"),
    ],
)  # fmt: skip
def test_two_to_four_items_are_rows_and_each_knows_its_place(text, language, titles):
    scene = scene_of(part(text, language=language))

    assert scene.candidates[0] == "points-rows"
    assert [point.title for point in scene.points] == titles
    assert all(text[point.start_char :].lower().find(point.title.lower()) in range(10) for point in scene.points)


def test_a_long_item_is_cut_where_its_rest_reads_on():
    told = points_of(
        "三件事：第一，睡飽；第二，列車每行駛12萬公里就要全面拆解檢查；第三，把省下的時間拿去學一件機器不會的事。", "zh-TW"
    )

    assert [(point.title, point.note) for point in told.points] == [
        ("睡飽", ""),
        ("列車每行駛12萬公里", "就要全面拆解檢查"),
        ("把省下的時間", "拿去學一件機器不會的事"),
    ]


def test_first_alone_is_no_part_of_large_type():
    assert not scene_of(part("首先，每天都有人檢查這裡。")).title.startswith("首先")


def test_five_items_are_no_rows():
    assert points_of("要有：一號；二號；三號；四號；五號。", "zh-TW") is None


@pytest.mark.parametrize(
    ("text", "language", "title"),
    [
        ("海水太熱的時候，珊瑚會把藻類趕出去，只剩下白色的骨骼。白化的珊瑚並沒有死。", "zh-TW", "白化的珊瑚並沒有死"),
        ("但是復原需要時間，而時間正是珊瑚最缺的東西。", "zh-TW", "時間正是珊瑚最缺的東西"),
        (
            "They were told that a bleached coral is not a dead coral, and it matters.",
            "en",
            "A bleached coral is not a dead coral",
        ),
    ],
)
def test_a_statement_is_a_clause_that_stands_alone(text, language, title):
    scene = scene_of(part(text, language=language, title="珊瑚 coral"))

    assert scene.candidates == ("statement", "backdrop")
    assert scene.title.lower() in text.lower()
    assert scene.title == title


def test_a_short_heading_that_is_spoken_is_the_statement():
    scene = scene_of(part("白化不等於死亡。珊瑚是動物。", heading="白化不等於死亡"))

    assert scene.title == "白化不等於死亡"
    assert scene.marked in scene.title


def test_without_a_short_phrase_there_is_only_a_backdrop():
    scene = scene_of(part("由於這項在許多不同地區反覆進行了非常多年的大規模調查研究所累積的資料數量實在過於龐大的緣故。"))

    assert scene.candidates == ("backdrop",)
    assert scene.title == ""


@pytest.mark.parametrize("text", ["字", "😀", "…", "「", "a", "1", "第一，第二，", "：；；", "100%", "First, Second, Third,"])
@pytest.mark.parametrize("role", ["intro", "segment", "outro"])
@pytest.mark.parametrize("language", ["zh-TW", "en"])
def test_any_text_gives_a_scene(text, role, language):
    scene = scene_of(part(text, role=role, language=language))

    assert scene.candidates
    assert scene.text == text


def test_each_role_has_a_layout_that_always_suits():
    assert {rule.role for rule in RULES} == {"intro", "segment", "outro"}
    assert RULES[-1].layout == "backdrop"


def test_clauses_know_their_places():
    text = "珊瑚是動物，「不是植物」。Dr. Lee 說：3.5 度！"

    assert all(text[c.start : c.end] == c.text for c in clauses_of(text, "zh-TW"))


@pytest.mark.parametrize(
    ("title", "second", "marked"),
    [
        ("任務可以重送，但不能弄丟", "不能弄丟", "不能弄丟"),
        ("白化不等於死亡", "", "死亡"),
        ("A bleached coral is not a dead coral", "", "dead coral"),
        ("短", "", ""),
    ],
)
def test_the_marker_lies_under_the_last_words(title, second, marked):
    assert marked_part(title, second) == marked


def test_subjects_are_things_of_the_text():
    scene = scene_of(part("珊瑚把藻類趕出去，只剩下白色的骨骼。"))

    assert {"珊瑚", "藻類", "骨骼"} <= set(scene.subject)
    assert is_short(scene.title, "zh-TW")


def test_every_second_part_looks_beyond_the_theme():
    request = part("珊瑚把藻類趕出去，只剩下骨骼，海水太熱。", title="珊瑚礁")

    assert scene_of(request).subject[0] == "珊瑚"
    assert scene_of(request.replace(index=2)).subject[0] == "骨骼"


@pytest.mark.parametrize(
    ("text", "language", "drawn"),
    [
        pytest.param("手搖飲的故事還沒說完，含糖量也很高。", "zh-TW", "bubble-tea", id="a word that jieba cuts"),
        pytest.param("訓練一位合格的店員只要 14 天。", "zh-TW", "ph:identification-badge", id="staff training is no sport"),
        pytest.param("For a century a team at Delft built a bike.", "en", "bicycle", id="no calendar, no crowd"),
        pytest.param("In the Netherlands, 27% of all trips are made by bike.", "en", "bicycle", id="no luggage"),
        pytest.param("They fall and test it in the air.", "en", None, id="verbs"),
    ],
)
def test_the_object_is_the_scenes_subject_or_there_is_none(text, language, drawn):
    icon = find_icon(scene_of(part(text, language=language, title="題目")).subject, language)

    assert (icon and icon.name) == drawn


@pytest.mark.parametrize(
    ("title", "language", "note"),
    [
        pytest.param("台北 101 的 660 公噸大鋼球：高樓為什麼不怕颱風", "zh-TW", "台北 101 的 660 公噸大鋼球：高樓為什麼不怕颱風", id="whole"),
        pytest.param("A" + " long word" * 9 + ": " + "and a longer one " * 5, "en", "A" + " long word" * 9, id="before its colon"),
    ],
)  # fmt: skip
def test_an_outro_names_the_video_without_an_ellipsis(title, language, note):
    assert scene_of(part("謝謝收看，下次見。", role="outro", language=language, title=title)).note == note


def test_a_figure_of_the_title_is_the_one_that_is_shown_large():
    text = "508 公尺高的樓裡，有 660 公噸重的球，掛在很高很高的地方，颱風來了也不用擔心會倒下來。"

    assert scene_of(part(text, title="660 公噸大鋼球")).figure.value == "660"


def test_a_long_part_has_a_line_below_its_large_type_and_a_short_one_none():
    long = scene_of(
        part(
            "會思考的腳。研究人員發現，切斷的腳在一小時內還會躲開刺激。每隻腳上大約有 200 個吸盤，每個吸盤都能嚐味道。",
            heading="會思考的腳",
            title="章魚",
        )
    )
    short = scene_of(part("會思考的腳。每個吸盤都能嚐味道。", heading="會思考的腳", title="章魚"))

    assert long.title == short.title == "會思考的腳"
    assert long.note
    assert not short.note


def test_two_clauses_are_no_list():
    text = "四十年後，全台灣有超過 28,000 家飲料店，密度比便利商店還高；每年賣出約 10 億杯，平均每個人一年喝掉 44 杯。"

    assert points_of(text, "zh-TW") is None
    assert (
        points_of("挑戰也很明顯：一杯全糖珍奶大約有 500 大卡，含糖量超過 50 公克；一次性塑膠杯每年用掉近 40 億個。", "zh-TW")
        is None
    )
    assert scene_of(part(text)).candidates[0] == "number-hero"


def test_bullets_with_a_name_each_are_rows_under_what_leads_to_them():
    scene = scene_of(
        part(
            "There are three tricks inside that simple shape: Spokes that pull instead of push: a wheel weighs under 2 kg. "
            "A chain that wastes almost nothing: it passes on 98% of your effort.",
            language="en",
        )
    )

    assert scene.candidates[0] == "points-rows"
    assert scene.title == "Three tricks inside that simple shape"
    assert [point.title for point in scene.points] == ["Spokes that pull instead of push", "A chain that wastes almost nothing"]


def test_a_list_that_goes_on_keeps_its_numbers_and_heading():
    rows = scene_of(part("第二，會慢半拍：大樓往左晃。第三，能吸收：晃動變成熱。", heading="三個祕密"))
    alone = scene_of(part("Third: Damping. Cylinders turn motion into heat.", language="en", heading="Three secrets"))

    assert rows.title == "三個祕密"
    assert [point.number for point in rows.points] == [2, 3]
    assert (alone.candidates[0], alone.title, alone.kicker) == ("statement", "Third: Damping", "Three secrets")


def test_what_goes_on_with_next_and_finally_is_not_numbered_anew():
    assert points_of("其次，切菜。最後，下鍋。", "zh-TW").points[0].number == 2
    assert points_of("接著，切菜。最後，下鍋。", "zh-TW") is None


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        pytest.param("第三，人。很久以前就有人說過，要訓練一位合格的店員，讓他什麼都會，最少也要花上整整 14 天。", "zh-TW", None, id="late"),
        pytest.param("只要 14 天，一次性塑膠杯就用掉 1.5 億個，這是很大的數字，而且每年都在增加，沒有人知道怎麼辦。", "zh-TW", "1.5", id="the more telling one"),
        pytest.param("2009 年起，品牌開始往海外走。", "zh-TW", None, id="a year"),
        pytest.param("On flat ground, a rider at 15 km/h uses about one fifth of the energy of walking.", "en", None, id="too many words beneath it"),
    ],
)  # fmt: skip
def test_a_figure_is_large_where_it_is_early_and_tells_something(text, language, value):
    scene = scene_of(part(text, language=language))

    assert (scene.figure and scene.figure.value) == value


def test_large_type_never_says_the_opposite():
    text = "So remember: the steadiest building is not the one that never moves. When a typhoon comes, it swings a little."

    assert scene_of(part(text, language="en")).title not in {"Never moves", "A typhoon comes"}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("In the Netherlands, 27% of all trips are made by bike.", "27% of all trips are made by bike"),
        ("In 2004 the tower was finished.", "The tower was finished"),
        ("Today there are more than one billion bicycles on Earth.", "More than one billion bicycles on Earth"),
        ("On flat ground, a rider at 15 km/h uses about one fifth of the energy of walking.", "About one fifth of the energy of walking"),
    ],
)  # fmt: skip
def test_an_english_title_begins_with_its_subject(text, title):
    assert scene_of(part(text, language="en")).title == title


async def test_a_drawn_scene_writes_no_file(tmp_path):
    scene = (await LocalImageMaker().make_image(part("珊瑚是動物。"), tmp_path)).scene

    assert scene.picture is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "language", "title"),
    [
        pytest.param('"A sharp knife is the cheapest luxury in a kitchen," says the chef, who has sharpened many of them in her life.', "en", "A sharp knife is the cheapest luxury in a kitchen", id="a straight quotation mark"),
        pytest.param("領事在日記裡寫道：「這裡的夏天像蒸籠，但傍晚的河景值得忍耐。」戰後他們又搬了回來。", "zh-TW", "傍晚的河景值得忍耐", id="what is quoted before what is told"),
        pytest.param("它只有兩層樓高，牆卻有將近兩公尺厚。西班牙人在這裡蓋了一座木造的城寨，取名聖多明哥城。", "zh-TW", "牆卻有將近兩公尺厚", id="no clause without its subject"),
    ],
)  # fmt: skip
def test_large_type_is_what_is_worth_it(text, language, title):
    assert scene_of(part(text, language=language, title="題目")).title == title


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        pytest.param("三個線索。牆：外牆很厚，可以擋住砲彈；窗：又小又高；顏色：原本是白色。", ["牆", "窗", "顏色"], id="named, under a heading"),
        pytest.param("需要三個條件：比較涼的海水；吃藻的魚；新的幼蟲。後面還有別的話要說，說得很長很長。", ["比較涼的海水", "吃藻的魚", "新的幼蟲"], id="told on"),
        pytest.param("只要三樣東西：麵粉、雞蛋和糖。", ["麵粉", "雞蛋", "糖"], id="as many as announced"),
    ],
)  # fmt: skip
def test_a_list_is_what_is_announced(text, titles):
    assert [point.title for point in points_of(text, "zh-TW").points] == titles


def test_and_belongs_to_no_item():
    told = points_of("You need three things: a whetstone, a bowl of water, and a towel.", "en")

    assert [(point.title, point.note) for point in told.points] == [("A whetstone", ""), ("A bowl of water", ""), ("A towel", "")]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("Why reefs turn white. In the summer of 1998, the world lost about 8% of its coral in a single year.", "The world lost about 8% of its coral in a single year"),
        ("Why reefs turn white. A dull knife is more dangerous than a sharp one.", "A dull knife is more dangerous than a sharp one"),
    ],
)  # fmt: skip
def test_the_line_below_the_title_is_a_whole_sentence(text, note):
    assert scene_of(part(text, role="intro", language="en", title="Why reefs turn white")).note == note


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        pytest.param(
            "What a reef needs. Cooler water; Fish that graze on algae; New larvae from a reef nearby.", "en", 3, id="English"
        ),
        pytest.param(
            "要注意什麼？同一個任務可能做兩次，所以要能重複；訊息會一直留著；數量太多就加機器。", "zh-TW", 3, id="three"
        ),
        pytest.param("要注意什麼？長度；數量。", "zh-TW", 2, id="two short ones"),
    ],
)
def test_bullets_under_a_heading_are_rows(text, language, count):
    assert len(points_of(text, language).points) == count
