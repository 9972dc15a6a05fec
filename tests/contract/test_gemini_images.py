"""Pictures by Gemini, through the real client: one call each, re-encoded by us, never too many at once."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from PIL import Image

from reelqueue.errors import ContentRefused, DiskFull, ServiceUnavailable
from reelqueue.providers.gemini import image
from reelqueue.providers.gemini.image import GeminiImageMaker
from reelqueue.providers.local.image import LocalImageMaker
from reelqueue.providers.prices import read_prices
from reelqueue.providers.protocols import ImageRequest
from reelqueue.sandbox import Sandbox
from tests.contract.gemini import PICTURES, SDK_WARNS, UNKNOWN, billed_units, client_of

pytestmark = SDK_WARNS


@pytest.fixture
async def made(sandbox: Sandbox):
    """Makes makers that share one connection."""
    async with contextlib.aclosing(client_of(sandbox)) as client:

        def make(model: str = PICTURES, per_minute: int = 6_000) -> GeminiImageMaker:
            return GeminiImageMaker(client, model, read_prices(None), words=LocalImageMaker(), per_minute=per_minute)

        yield make


@pytest.fixture
def maker(made) -> GeminiImageMaker:
    return made()


@pytest.fixture
def light_maker(made) -> GeminiImageMaker:
    """For tests that look at no picture: its own are a quarter as large."""
    return made("gemini-3.1-flash-lite-image")


def request(
    text="退潮以後，招潮蟹揮著一隻大螯。", description="a fiddler crab waving one claw on wet sand", **changes
) -> ImageRequest:
    given = {"role": "segment", "text": text, "image_description": description, "heading": None, "title": "招潮蟹的一天"}
    given |= {"topic": "招潮蟹", "language": "zh-TW", "index": 1, "aspect": "16:9"}
    return ImageRequest(**(given | changes))


@pytest.mark.parametrize(("aspect", "width", "height"), [("16:9", 2752, 1536), ("9:16", 1536, 2752), ("1:1", 2048, 2048)])
async def test_a_picture_of_2k_is_kept_in_its_aspect(maker, tmp_path, aspect, width, height):
    made = await maker.make_image(request(aspect=aspect), tmp_path)

    scene = made.scene
    assert (scene.picture_width, scene.picture_height) == (width, height)
    assert scene.candidates == ("picture-full",)
    assert scene.picture.endswith((".jpg.part", ".png.part"))
    with Image.open(tmp_path / scene.picture) as picture:
        assert picture.size == (width, height)
    assert [path.name for path in tmp_path.glob("*.part")] == [scene.picture]


async def test_the_scene_has_the_words_that_a_drawn_one_would_have(light_maker, tmp_path):
    asked = request()

    made = await light_maker.make_image(asked, tmp_path)

    drawn = (await LocalImageMaker().make_image(asked, tmp_path)).scene
    assert (made.scene.text, made.scene.title, made.scene.subject) == (asked.text, drawn.title, drawn.subject)


async def test_a_lighter_model_is_asked_for_the_size_that_it_can(sandbox, made, tmp_path):
    image = await made("gemini-3.1-flash-lite-image").make_image(request(), tmp_path)

    assert (image.scene.picture_width, image.scene.picture_height) == (1376, 768)


async def test_a_picture_much_smaller_than_asked_for_is_framed(sandbox, maker, tmp_path):
    sandbox.faults.order(service="gemini", call="image", kind="small")

    made = await maker.make_image(request(), tmp_path)

    assert made.scene.candidates == ("picture-print",)
    assert made.scene.picture_width < 1_024


async def test_two_parts_never_look_alike(light_maker, tmp_path):
    one = await light_maker.make_image(request(), tmp_path)
    other = await light_maker.make_image(request(description="an empty harbour at low tide"), tmp_path)

    assert (tmp_path / one.scene.picture).read_bytes() != (tmp_path / other.scene.picture).read_bytes()


async def test_style_and_what_is_not_to_be_seen_reach_the_service(sandbox, light_maker, tmp_path):
    await light_maker.make_image(request(image_style="剪紙", negative_prompt="人"), tmp_path)

    sent = sandbox.gemini.paid[0].prompt
    assert "剪紙" in sent and "Not to be seen: 人" in sent


async def test_the_bill_counts_pictures_and_words_apart_and_stays_below_the_reserve(sandbox, maker, tmp_path):
    asked = request()

    made = await maker.make_image(asked, tmp_path)

    counted = sandbox.gemini.paid[0].usage
    units = billed_units(made.usage)
    assert units["image_tokens"] == 1_680
    assert sum(units.values()) == counted["totalTokenCount"]
    assert sum(use.cost_usd for use in made.usage) <= float(maker.cost(asked).usd)


async def test_an_answer_without_counts_is_billed_at_the_estimate(sandbox, maker, tmp_path):
    sandbox.faults.order(service="gemini", call="image", kind="no_usage")

    made = await maker.make_image(request(), tmp_path)

    assert sum(use.cost_usd for use in made.usage) == pytest.approx(float(maker.cost(request()).usd))


@pytest.mark.parametrize(
    ("kind", "error", "said"),
    [
        pytest.param("no_image", ServiceUnavailable, "NO_IMAGE", id="no picture"),
        pytest.param("text_only", ServiceUnavailable, "no picture", id="words instead"),
        pytest.param("not_an_image", ServiceUnavailable, "no picture that can be used", id="bytes that are none"),
        pytest.param("safety", ContentRefused, "will not make", id="the prompt is refused"),
        pytest.param("candidate_safety", ContentRefused, "IMAGE_SAFETY", id="the picture is refused"),
    ],
)
async def test_no_picture_is_named_paid_for_and_leaves_nothing(sandbox, maker, tmp_path, kind, error, said):
    sandbox.faults.order(service="gemini", call="image", kind=kind)

    with pytest.raises(error) as raised:
        await maker.make_image(request(), tmp_path)

    assert said in raised.value.text.en
    assert raised.value.usage
    assert list(tmp_path.glob("*.part")) == []
    assert len(sandbox.journal.calls("gemini")) == 1


async def test_a_lost_answer_may_have_been_paid_for(sandbox, maker, tmp_path):
    sandbox.faults.order(service="gemini", call="image", kind="reset", when="after")

    with pytest.raises(ServiceUnavailable) as raised:
        await maker.make_image(request(), tmp_path)

    assert raised.value.usage is UNKNOWN
    assert len(sandbox.gemini.paid) == 1


async def test_a_full_disk_is_not_the_services_fault(maker, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(DiskFull) as raised:
        await maker.make_image(request(), tmp_path)

    assert billed_units(raised.value.usage)["image_tokens"] == 1_680


async def test_at_most_four_have_their_turn(maker):
    inside, most, release = 0, 0, asyncio.Event()

    async def one() -> None:
        nonlocal inside, most
        async with maker.turn():
            inside += 1
            most = max(most, inside)
            if inside == 4:
                release.set()
            await release.wait()
            inside -= 1

    await asyncio.gather(*(one() for _ in range(9)))

    assert most == image.AT_ONCE == 4


async def test_turns_are_given_evenly_over_the_minute(made):
    maker = made(per_minute=600)
    loop = asyncio.get_running_loop()
    at = []

    for _ in range(6):
        async with maker.turn():
            at.append(loop.time())

    assert at[-1] - at[0] >= 5 * 60 / 600 * 0.9


async def test_what_makes_another_picture_is_another_version(made):
    assert made().version != made("gemini-3-pro-image").version
    assert LocalImageMaker.version in made().version
