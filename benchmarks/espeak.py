"""espeak-ng as a voice whose word times are known: it tells when each word begins.  By its C library, where it is installed.

No dependency of ours: `apt-get install espeak-ng` puts it there.  Chinese is given to it as pinyin (`cmn-latn-pinyin`): what
version 1.51 makes of characters, and of plain `cmn`, is no Chinese.
"""

import ctypes
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import av
import numpy as np

from reelqueue.models.language import HAN
from reelqueue.providers.local.voice import chinese
from reelqueue.providers.local.voice.model import SAMPLE_RATE, Floats

_LIBRARY = "libespeak-ng.so.1"
_SYNCHRONOUS, _BY_CHARACTER, _UTF8 = 2, 1, 1
_RATE_PARAMETER = 1
_LIST_ENDS, _WORD = 0, 1
_MARKS = str.maketrans("，、：；。？！", ",,,,...")


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@cache
def _library() -> tuple[Any, int] | None:
    """The library and the rate of its samples; None where it is not installed."""
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    library.espeak_Info.restype = ctypes.c_char_p
    library.espeak_Synth.argtypes = [ctypes.c_char_p, ctypes.c_size_t, *[ctypes.c_uint] * 4, ctypes.c_void_p, ctypes.c_void_p]
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, 0)
    return (library, rate) if rate > 0 else None


def version() -> str | None:
    """Which one is installed, if any."""
    found = _library()
    return found[0].espeak_Info(None).decode() if found else None


def can_say(text: str, language: str) -> bool:
    """Chinese only without figures and Latin letters: pinyin is all that it is given."""
    return language == "en" or not re.search("[0-9A-Za-z]", text)


def say(text: str, language: str, voice: str, words_a_minute: int) -> tuple[Floats, dict[int, float]]:
    """The sound at 24 kHz, and when what stands at a place of the text begins, in seconds."""
    if language == "en":
        sound, begins = _speak(text, voice, words_a_minute)
        return sound, begins
    written, places = _pinyin(text)
    sound, begins = _speak(written, voice, words_a_minute)
    return sound, {places[place]: moment for place, moment in begins.items() if place in places}


def _pinyin(text: str) -> tuple[str, dict[int, int]]:
    """A text in syllables, and where each of them stands in the text."""
    written, places, done = "", dict[int, int](), 0
    for run in re.finditer(f"[{HAN}]+", text):
        written += text[done : run.start()].translate(_MARKS)
        for start, _, syllables in chinese.words(run[0]):
            for place, syllable in enumerate(syllables, run.start() + start):
                written += " "
                places[len(written)] = place
                written += syllable.replace("5", "")
        done = run.end()
    return written + text[done:].translate(_MARKS), places


def _speak(written: str, voice: str, words_a_minute: int) -> tuple[Floats, dict[int, float]]:
    found = _library()
    assert found, "espeak-ng is not installed"
    library, rate = found
    pieces: list[Floats] = []
    begins: dict[int, float] = {}
    callback = _Callback(_listener(pieces, begins))
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()):
        raise LookupError(voice)
    library.espeak_SetParameter(_RATE_PARAMETER, words_a_minute, 0)
    said = written.encode()
    library.espeak_Synth(said, len(said) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None)
    return _at_24_khz(np.concatenate(pieces), rate), begins


def _listener(pieces: list[Floats], begins: dict[int, float]) -> Callable[..., int]:
    def hear(samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / 32_768)
        number = 0
        while events[number].type != _LIST_ENDS:
            event = events[number]
            if event.type == _WORD and event.length > 0:
                begins[event.text_position - 1] = event.audio_position / 1_000
            number += 1
        return 0

    return hear


def _at_24_khz(sound: Floats, rate: int) -> Floats:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    frame = av.AudioFrame.from_ndarray(sound[None, :], format="flt", layout="mono")
    frame.sample_rate = rate
    return np.concatenate([piece.to_ndarray()[0] for given in (frame, None) for piece in resampler.resample(given)])
