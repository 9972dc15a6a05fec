"""What a script still has to be made of, by the records that are there; and what of it is paid for."""

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.editing.ahead import look_ahead
from jobs.video.images import image_record, image_requests, named_requests
from jobs.video.presenters import presenter_key, presenter_request
from jobs.video.speech import speech_key, speech_request
from reelqueue.models.brief import Brief
from reelqueue.models.cost import Cost
from reelqueue.models.manifest import PresentedPiece, ShownPiece, SpokenPiece
from reelqueue.models.scene import SceneSpec
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.voice import Speech
from storage import Blobs

SCRIPT = Script(
    intro=Part(text="Hello.", duration=5.0),
    segments=(
        Segment(index=0, text="One.", duration=6, image_description="sea"),
        Segment(index=1, text="Two.", duration=6, image_description="sea"),
    ),
    outro=Part(text="Bye.", duration=4.0),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=21,
    language="en",
)
BRIEF = Brief(topic="Tides")


class Paid:
    """A maker of any kind that costs ten cents a call; it is asked for pictures by their descriptions."""

    version = "1"

    def __init__(self, name: str) -> None:
        self.name = name

    def cost(self, _request: Any) -> Cost:
        return Cost(usd=Decimal("0.10"))

    def asked(self, request: Any) -> str:
        return str(request.image_description)

    def pieces(self, text: str, _language: str) -> tuple[str, ...]:
        return (text,)


MAKERS: Any = SimpleNamespace(
    image=Paid("painter"), stand_in=Paid("local"), voice=Paid("singer"), presenter=Paid("actor"), script=Paid("writer")
)


class Folder:
    """A project's folder, with pieces as the stage leaves them."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.root, self.blobs = root, Blobs(root)

    async def keep(self, name: str, piece: Any) -> None:
        await self.blobs.write(name, piece.model_dump_json().encode())

    async def speak(self, text: str) -> SpokenPiece:
        key = speech_key(MAKERS.voice, speech_request(BRIEF, text, "en"))
        speech = Speech(text=text, sample_rate=24_000, samples=24_000, words=(), visemes=())
        piece = SpokenPiece(key=key, sound=await self.blobs.write(f"audio/{key}.wav", text.encode()), speech=speech)
        await self.keep(f"audio/{key}.json", piece)
        return piece

    async def paint(self, script: Script, place: int) -> None:
        request, shared = list(named_requests(MAKERS.image, image_requests(BRIEF, script)))[place]
        scene = SceneSpec(text=request.text, language="en", candidates=("picture-full",), title="")
        piece = ShownPiece(key="k", scene=scene, picture=await self.blobs.write(f"images/{place}.png", b"p"))
        await self.keep(shared or image_record(MAKERS.stand_in, request), piece)

    async def ahead(self, script: Script = SCRIPT, brief: Brief = BRIEF) -> Any:
        return await look_ahead(script, brief, MAKERS, self.root)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "1")


def counts(ahead):
    return len(ahead.pictures), len(ahead.voice), len(ahead.presenters)


async def test_of_a_script_alone_everything_has_to_be_made_and_pictures_of_segments_are_paid_for(folder):
    ahead = await folder.ahead()

    price = ahead.price(MAKERS)

    assert counts(ahead) == (4, 4, 2)
    assert [(item.service, item.kind, item.calls[0]) for item in price.items] == [
        ("painter", "image", 2), ("singer", "voice", 4), ("actor", "presenter", 2),
    ]  # fmt: skip
    assert price.usd.most == Decimal("0.80")


async def test_what_is_kept_is_not_made_again_whatever_stands_beside_it(folder):
    """Of two parts that ask for the same picture each has its own."""
    for place in range(4):
        await folder.paint(SCRIPT, place)
    for text in SCRIPT.texts:
        await folder.speak(text)
    other = SCRIPT.replace(segments=(SCRIPT.segments[0].replace(text="Other words."), SCRIPT.segments[1]))

    assert counts(await folder.ahead()) == (0, 0, 2)
    ahead = await folder.ahead(other)
    assert ([request.text for request in ahead.voice], ahead.pictures) == (["Other words."], ())


async def test_a_piece_whose_file_is_gone_has_to_be_made_again(folder):
    await folder.paint(SCRIPT, 1)
    piece = await folder.speak("One.")
    (folder.root / piece.sound.path).unlink()
    (folder.root / "images/1.png").unlink()

    assert counts(await folder.ahead()) == (4, 4, 2)


async def test_a_presenter_is_made_again_where_what_he_says_is_spoken_anew(folder):
    for role, text in (("intro", "Hello."), ("outro", "Bye.")):
        spoken = [await folder.speak(text)]
        key = presenter_key(MAKERS.presenter, presenter_request(SCRIPT, role, spoken), spoken)
        clip = await folder.blobs.write(f"avatars/{key}.mp4", b"c")
        await folder.keep(f"avatars/{key}.json", PresentedPiece(key=key, description={"kind": "clip"}, clip=clip))

    assert (await folder.ahead()).presenters == ()
    (request,) = (await folder.ahead(SCRIPT.replace(outro=Part(text="So long.", duration=4.0)))).presenters
    assert (request.role, request.duration_s) == ("outro", 4.0)


async def test_a_new_title_makes_no_picture_and_no_presenter_anew_where_the_first_is_kept(folder):
    titled = SCRIPT.replace(metadata=SCRIPT.metadata.replace(title="Ebb"), first_title="Tides")
    without_topic = Brief(content="x" * 500)

    old = list(image_requests(without_topic, SCRIPT))
    new = list(image_requests(without_topic, titled))

    assert [request.topic for request in new] == [request.topic for request in old] == ["Tides"] * 4
    assert presenter_request(titled, "intro", ()).seed == "Tides"


async def test_the_users_own_pictures_are_asked_of_nobody(folder, tmp_path):
    (tmp_path / "own.png").write_bytes(b"x")

    ahead = await folder.ahead(brief=BRIEF.replace(images=(str(tmp_path / "own.png"),), presenter=False))

    assert ([request.index for request in ahead.pictures], ahead.presenters) == ([0, 2, 3], ())
