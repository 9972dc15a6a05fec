"""Pictures from outside: three formats, upright, without metadata; everything else is refused by its name."""

import os
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from reelqueue.errors import InvalidBrief
from reelqueue.media.image import Ingested, given_pictures, ingest
from reelqueue.media.image_child import MOST_SIDE, Refused, convert


def saved(path, *, size=(64, 48), mode="RGB", colour="red", **options):
    Image.new(mode, size, colour).save(path, **options)
    return path


def opened(path):
    with Image.open(path) as image:
        image.load()
        return image


@pytest.mark.parametrize(
    ("name", "options", "suffix"),
    [
        ("a.png", {}, "png"),
        ("a.jpg", {}, "jpg"),
        ("a.webp", {}, "jpg"),
        ("UPPER.JPEG", {}, "jpg"),
        ("a.jpg", {"progressive": True}, "jpg"),
    ],
)
async def test_a_picture_is_encoded_anew_in_a_child(tmp_path, name, options, suffix):
    source = saved(tmp_path / name, **options)

    picture = await ingest(source, tmp_path / "out.part")

    assert picture == Ingested(suffix, 64, 48)
    assert opened(tmp_path / "out.part").mode == "RGB"


def test_exif_turns_the_picture_and_all_metadata_is_dropped(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right
    exif[0x010F] = "camera"
    source = saved(tmp_path / "a.jpg", exif=exif, comment=b"secret")

    made = convert(source, tmp_path / "out")

    assert (made["width"], made["height"]) == (48, 64)
    assert b"secret" not in (tmp_path / "out").read_bytes()
    assert not opened(tmp_path / "out").getexif()


def test_text_in_a_png_is_dropped(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "somebody")
    convert(saved(tmp_path / "a.png", pnginfo=info), tmp_path / "out")

    assert b"somebody" not in (tmp_path / "out").read_bytes()


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [("RGBA", (255, 0, 0, 0), (255, 255, 255)), ("LA", (0, 0), (255, 255, 255)), ("P", 0, (0, 0, 0)), ("L", 128, (128,) * 3), ("1", 1, (255,) * 3), ("I;16", 65535, (255,) * 3)],
)  # fmt: skip
def test_every_mode_becomes_rgb_on_white(tmp_path, mode, colour, expected):
    convert(saved(tmp_path / "a.png", mode=mode, colour=colour), tmp_path / "out")

    assert opened(tmp_path / "out").getpixel((5, 5)) == expected


def test_a_logo_keeps_its_transparency(tmp_path):
    convert(saved(tmp_path / "a.png", mode="RGBA", colour=(255, 0, 0, 9)), tmp_path / "out", keep_alpha=True)

    assert opened(tmp_path / "out").getpixel((5, 5)) == (255, 0, 0, 9)


@pytest.mark.parametrize("profile", [b"nonsense", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()])
def test_a_colour_profile_is_applied_or_left_aside(tmp_path, profile):
    convert(saved(tmp_path / "a.png", icc_profile=profile), tmp_path / "out")

    assert opened(tmp_path / "out").getpixel((5, 5)) == pytest.approx((255, 0, 0), abs=2)
    assert "icc_profile" not in opened(tmp_path / "out").info


def test_a_large_picture_is_made_smaller(tmp_path):
    made = convert(saved(tmp_path / "a.jpg", size=(5000, 100)), tmp_path / "out")

    assert made["width"] == MOST_SIDE


def bomb(path):
    """A PNG whose header says 100,000 x 100,000."""
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )
    return path


def cut(path, share=0.5):
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * share)])
    return path


def noise(path):
    Image.effect_noise((300, 300), 90).convert("RGB").save(path)
    return path


def written(path, body):
    path.write_bytes(body)
    return path


def gif(path):
    body = BytesIO()
    Image.new("P", (64, 64)).save(body, format="GIF")
    return written(path, body.getvalue())


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda folder: bomb(folder / "bomb.png"), "too_large", id="a bomb"),
        pytest.param(lambda folder: cut(noise(folder / "cut.jpg")), "broken", id="a cut JPEG"),
        pytest.param(lambda folder: cut(noise(folder / "cut.png")), "broken", id="a cut PNG"),
        pytest.param(lambda folder: cut(noise(folder / "cut.webp")), "broken", id="a cut WebP"),
        pytest.param(lambda folder: gif(folder / "a.png"), "not_a_picture", id="a GIF under another name"),
        pytest.param(lambda folder: written(folder / "a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "not_a_picture", id="an SVG"),
        pytest.param(lambda folder: written(folder / "a.jpg", b""), "empty", id="empty"),
        pytest.param(lambda folder: written(folder / "a.jpg", b"\xff\xd8\xff"), "not_a_picture", id="three bytes"),
        pytest.param(lambda folder: folder / "none.jpg", "missing", id="missing"),
        pytest.param(lambda folder: folder, "not_a_file", id="a folder"),
        pytest.param(lambda folder: saved(folder / "dot.png", size=(1, 1)), "too_small", id="one pixel"),
    ],
)  # fmt: skip
def test_what_is_no_picture_of_ours_is_refused(tmp_path, make, code):
    source = make(tmp_path)

    with pytest.raises(Refused) as caught:
        convert(source, tmp_path / "out")

    assert caught.value.code == code
    assert not (tmp_path / "out").exists()


async def test_the_refusal_names_field_file_and_what_is_allowed(tmp_path):
    with pytest.raises(InvalidBrief) as caught:
        await ingest(bomb(tmp_path / "holiday.png"), tmp_path / "out", field="images_dir")

    assert caught.value.field == "images_dir"
    assert "holiday.png" in caught.value.message
    assert "JPEG" in caught.value.message


async def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")

    with pytest.raises(InvalidBrief):
        await ingest(tmp_path / "pipe.png", tmp_path / "out")


def test_a_folder_is_listed_in_natural_order(tmp_path):
    names = ["10.png", "2.png", "1.jpg", "B.webp", "a.png"]
    for name in names:
        saved(tmp_path / name)
    written(tmp_path / "notes.txt", b"x")
    written(tmp_path / ".hidden.png", b"x")

    assert [path.name for path in given_pictures((), str(tmp_path))] == ["1.jpg", "2.png", "10.png", "a.png", "B.webp"]


def test_listed_pictures_come_first_and_links_are_followed(tmp_path):
    saved(tmp_path / "real.png")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "real.png")

    assert given_pictures((str(tmp_path / "real.png"),), str(folder)) == [tmp_path / "real.png", folder / "link.png"]


@pytest.mark.parametrize(
    ("images", "images_dir", "field"),
    [
        pytest.param(("none.png",), None, "images", id="missing"),
        pytest.param((".",), None, "images", id="a folder for a file"),
        pytest.param(("clip.mp4",), None, "images", id="another kind"),
        pytest.param(("empty.png",), None, "images", id="empty"),
        pytest.param(("x" * 300 + ".png",), None, "images", id="a name too long"),
        pytest.param((), "none", "images_dir", id="a missing folder"),
        pytest.param((), "clip.mp4", "images_dir", id="a file for a folder"),
        pytest.param((), "bare", "images_dir", id="a folder without pictures"),
        pytest.param((), "broken", "images_dir", id="a link to nothing"),
    ],
)
def test_a_wrong_path_names_its_field(tmp_path, monkeypatch, images, images_dir, field):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "clip.mp4", b"x")
    written(tmp_path / "empty.png", b"")
    (tmp_path / "bare").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").symlink_to(tmp_path / "gone.png")

    with pytest.raises(InvalidBrief) as caught:
        given_pictures(images, images_dir)

    assert caught.value.field == field
