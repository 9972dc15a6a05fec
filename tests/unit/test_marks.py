"""Marks of pictures: the same picture is known again however it was saved, another one is not."""

import random

import pytest
from PIL import Image, ImageDraw, ImageEnhance

from jobs.likes import MARK_BITS
from reelqueue.media.marks import marks_of


def scene(seed, size=(960, 540)):
    """A picture with large and small shapes."""
    dice = random.Random(seed)
    image = Image.new("RGB", size, tuple(dice.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(30):
        x, y, r = dice.randrange(size[0]), dice.randrange(size[1]), dice.randrange(20, 200)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(dice.randrange(256) for _ in range(3)))
    return image


def bits(one, other):
    return (int(one, 16) ^ int(other, 16)).bit_count()


async def test_a_picture_is_known_again_scaled_re_encoded_and_graded(tmp_path):
    image = scene(1)
    image.save(tmp_path / "a.png")
    image.resize((480, 270)).save(tmp_path / "b.jpg", quality=60)
    ImageEnhance.Brightness(image).enhance(1.15).save(tmp_path / "c.jpg", quality=85)

    first, *others = await marks_of([tmp_path / name for name in ("a.png", "b.jpg", "c.jpg")])

    assert [bits(first, other) <= MARK_BITS for other in others] == [True, True]


async def test_other_pictures_are_others(tmp_path):
    for seed in range(8):
        scene(seed).save(tmp_path / f"{seed}.png")

    marks = await marks_of([tmp_path / f"{seed}.png" for seed in range(8)])

    assert min(bits(one, other) for at, one in enumerate(marks) for other in marks[:at]) > MARK_BITS


@pytest.mark.parametrize("body", [b"", b"no picture", None], ids=["empty", "broken", "missing"])
async def test_what_cannot_be_read_has_no_mark(tmp_path, body):
    path = tmp_path / "x.png"
    path.write_bytes(body) if body is not None else None
    Image.new("RGB", (640, 360), "navy").save(tmp_path / "plain.png")

    assert await marks_of([path, tmp_path / "plain.png"]) == ()
    assert await marks_of([]) == ()
