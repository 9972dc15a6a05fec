"""Sound as a voice service sends it: recognised by its bytes, joined, made a WAV file, read.

Two kinds are known: RIFF/WAV with 16-bit samples, and the bare samples with their rate in the media type
(`audio/L16;codec=pcm;rate=24000`, little-endian whatever RFC 2586 says: that is how they are sent).
"""

import io
import struct
import wave
from collections.abc import Sequence
from dataclasses import dataclass

from reelqueue.errors import MediaError, ServiceUnavailable
from reelqueue.wording import Text, same

USUAL_RATE = 24_000
"""Of bare samples whose media type names none."""
_RATES = range(8_000, 192_001)
_BARE = ("audio/l16", "audio/pcm", "audio/x-pcm", "audio/raw")
_OTHERS = {b"OggS": "Ogg", b"ID3": "MP3", b"fLaC": "FLAC", b"\x1aE\xdf\xa3": "WebM"}
_PCM, _EXTENSIBLE = 1, 0xFFFE
_UNKNOWN_BYTES = 0x7FFF0000
"""A writer that can't go back leaves a length of about 2 or 4 GB, or none: the samples go on to the end."""


@dataclass(frozen=True, slots=True)
class Pcm:
    """16-bit samples, little-endian, those of a moment side by side."""

    rate: int
    channels: int
    samples: bytes


def as_wav(data: bytes, mime: str) -> bytes:
    """What a service sent, as a WAV file of the same rate.  `mime` is its media type.

    Raises:
        MediaError: it is neither WAV nor bare samples, or a kind of WAV that is not read here.
        ServiceUnavailable: a WAV file that ends too early.
    """
    return joined([(data, mime)])


def joined(parts: Sequence[tuple[bytes, str]]) -> bytes:
    """The parts of one answer, bytes and media type each, as one WAV file.  Raises as `as_wav`, also for no part."""
    if not parts:
        raise _not_sound(Text("沒有聲音", "there is no sound"))
    read = [parsed(data) if _is_wav(data) else _bare(data, mime) for data, mime in parts]
    first = read[0]
    if any((one.rate, one.channels) != (first.rate, first.channels) for one in read):
        raise _not_sound(Text("各段的取樣率或聲道不同", "its parts differ in rate or channels"))
    samples = b"".join(one.samples for one in read)
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(first.channels)
        file.setsampwidth(2)
        file.setframerate(first.rate)
        file.writeframes(samples[: len(samples) // (2 * first.channels) * 2 * first.channels])
    return whole.getvalue()


def parsed(data: bytes) -> Pcm:
    """The samples of a WAV file.  Raises as `as_wav`."""
    if not _is_wav(data):
        raise _not_sound(_looks_like(data))
    form: tuple[int, int, int, int] | None = None
    place = 12
    while place + 8 <= len(data):
        name, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        body = data[place + 8 : place + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
            form = (int.from_bytes(body[24:26], "little") if kind == _EXTENSIBLE else kind, channels, rate, bits)
        elif name == b"data":
            return _samples(form, data[place + 8 :], size)
        place += 8 + size + size % 2
    raise _cut()


def _samples(form: tuple[int, int, int, int] | None, rest: bytes, size: int) -> Pcm:
    if form is None:
        raise _not_sound(Text("WAV 檔沒有格式說明", "a WAV file that does not say its format"))
    kind, channels, rate, bits = form
    if kind != _PCM or bits != 16 or channels not in {1, 2} or rate not in _RATES:
        told = f"{bits} bit, {channels} ch, {rate} Hz, format {kind}"
        raise _not_sound(Text(f"不支援的 WAV 格式（{told}）", f"a kind of WAV that is not read here ({told})"))
    if len(rest) < size < _UNKNOWN_BYTES:
        raise _cut()
    return Pcm(rate, channels, rest if not size or size >= _UNKNOWN_BYTES else rest[:size])


def _bare(data: bytes, mime: str) -> Pcm:
    kind, *more = (part.strip().lower() for part in mime.split(";"))
    said = dict(part.split("=", 1) for part in more if "=" in part)
    numbers = [said.get("rate", str(USUAL_RATE)), said.get("channels", "1")]
    if kind not in _BARE or _other(data) or not all(number.isdecimal() for number in numbers):
        raise _not_sound(_looks_like(data) if _other(data) else same(repr(mime[:60])))
    rate, channels = map(int, numbers)
    if rate not in _RATES or channels not in {1, 2}:
        raise _not_sound(same(repr(mime[:60])))
    return Pcm(rate, channels, data)


def _is_wav(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WAVE"


def _other(data: bytes) -> str:
    """What the bytes are if they are no samples: another kind of file, or text; else nothing."""
    start = data[:64]
    if start and all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in start):
        return "text"
    return next((name for magic, name in _OTHERS.items() if data.startswith(magic)), "")


def _looks_like(data: bytes) -> Text:
    found = _other(data)
    if found == "text":
        return Text("內容是文字", "it is text")
    return Text(f"內容是 {found}", f"it is {found}") if found else Text("無法辨認的內容", "its bytes are of no known kind")


def _not_sound(why: Text) -> MediaError:
    return MediaError(
        Text(f"語音服務傳回的不是可用的聲音：{why.zh}", f"what the voice service sent is no sound that can be used: {why.en}"),
        Text("請檢查語音服務的型號與網址設定", "check which model and address of the voice service are set"),
    )


def _cut() -> ServiceUnavailable:
    return ServiceUnavailable(
        Text("語音服務傳回的聲音檔不完整", "the sound file that the voice service sent is cut off"),
        Text("會自動重試", "it is retried by itself"),
    )
