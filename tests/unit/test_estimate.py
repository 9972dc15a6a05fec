"""What a video will cost, before anything is made of it."""

import contextlib
from decimal import Decimal

import pytest

from jobs.estimate import estimate, imagined
from reelqueue.models.brief import Brief
from reelqueue.models.cost import FREE, Cost
from reelqueue.providers.local.image import LocalImageMaker
from reelqueue.providers.local.presenter import LocalPresenter
from reelqueue.providers.local.script import LocalScriptWriter
from reelqueue.providers.local.voice.voice import LocalVoice
from reelqueue.providers.protocols import Providers, ScriptRequest


class Paid:
    """A service at a fixed price a call, or a second."""

    name, version, at_once = "gemini", "1", 4
    turn = contextlib.nullcontext

    def __init__(self, usd: str, name: str = "gemini") -> None:
        self.name, self._usd, self.asked = name, Decimal(usd), list[object]()

    def cost(self, request: object) -> Cost:
        self.asked.append(request)
        return Cost(usd=self._usd)

    def pieces(self, text: str, language: str) -> tuple[str, ...]:
        return (text,)


def providers(**paid: Paid) -> Providers:
    local = {
        "script": LocalScriptWriter(),
        "image": LocalImageMaker(),
        "voice": LocalVoice(),
        "presenter": LocalPresenter(),
        "publisher": None,
        "stand_in": LocalImageMaker(),
        "stand_in_presenter": LocalPresenter(),
    }
    return Providers(**local | paid)


@pytest.mark.parametrize("language", ["zh-TW", "en"])
@pytest.mark.parametrize("seconds", [15, 60, 180, 1800])
def test_a_video_of_a_length_takes_a_call_a_part(seconds, language):
    makers = providers(script=Paid("0.02"), image=Paid("0.05"), voice=Paid("0.01"))

    found = estimate(Brief(topic="t"), makers, language=language, scripts=imagined(seconds, language))

    script, image, voice = found.items
    assert (script.calls, image.kind, voice.kind) == ((1, 1), "image", "voice")
    assert voice.calls == (image.calls[0] + 2, image.calls[1] + 2)
    assert image.calls[0] <= max(1, seconds / 9.5) <= image.calls[1] + 1  # what the local writer would cut
    assert image.usd.most == image.calls[1] * Decimal("0.05")
    assert found.usd.least == sum(item.usd.least for item in found.items) < found.usd.most
    assert found.services == ("gemini",)


@pytest.mark.parametrize(("language", "characters"), [("zh-TW", 5.5), ("en", 15.0)])
def test_what_is_imagined_to_be_said_is_about_as_long_as_it_is_read(language, characters):
    for script in imagined(300, language):
        said = sum(len(text) for text in script.texts)

        assert 0.8 < said / script.total_duration / characters < 1.25


async def test_a_script_that_is_written_here_is_counted_as_it_is():
    text = "這是一個句子，它說明了一件事情的來龍去脈，並且把它講完。" * 40
    written = await LocalScriptWriter().write_script(ScriptRequest(topic="題目", content=text, language="zh-TW", duration_s=None))
    makers = providers(image=Paid("0.05"))

    found = estimate(Brief(topic="題目", content=text), makers, language="zh-TW", scripts=(written.script,))

    (image,) = found.items
    assert image.calls == (len(written.script.segments),) * 2
    assert image.usd.least == image.usd.most == len(written.script.segments) * Decimal("0.05")


@pytest.mark.parametrize(("own", "left"), [(0, 11), (4, 7), (11, 0), (50, 0)])
def test_ones_own_pictures_are_not_paid_for(own, left):
    shortest, _ = imagined(240, "en")
    image = Paid("0.05")

    estimate(Brief(topic="t"), providers(image=image), language="en", scripts=(shortest,), own_pictures=own)

    assert len(shortest.segments) == 11
    assert len(image.asked) == 2 * left  # asked for either end


def test_a_presenter_is_asked_for_the_opening_and_the_close_or_not_at_all():
    with_one, without = Brief(topic="t"), Brief(topic="t", presenter=False)
    presenter = Paid("0.9", "did")

    found = estimate(with_one, providers(presenter=presenter), language="en", scripts=imagined(60, "en"))
    nothing = estimate(without, providers(presenter=presenter), language="en", scripts=imagined(60, "en"))

    assert (found.services, found.items[0].calls, found.usd.most) == (("did",), (2, 2), Decimal("1.8"))
    assert {request.role for request in presenter.asked} == {"intro", "outro"}
    assert nothing.items == ()


def test_what_is_made_here_costs_nothing():
    assert LocalVoice().cost(None) == FREE
    assert estimate(Brief(topic="t"), providers(), language="en", scripts=imagined(60, "en")).items == ()
