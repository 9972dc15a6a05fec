"""How far the word times of a cloud voice are from the truth: `python -m benchmarks words [--texts 10]`.

Voices whose word times are known play the cloud: the local voice's other styles at other speeds, and espeak-ng where it is
installed.  Each text is read by one of them, with pauses of 0.2 to 1.2 s between its sentences and a little noise; its words are
timed by the local voice's own reading (what the product does), by pauses and lengths (what it falls back to), and by length
alone.  Prints the error of the words' starts, median and p90 in milliseconds, and what it costs.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from benchmarks import espeak
from benchmarks.sample import TEXTS
from reelqueue.providers.alignment import estimate, reference, times
from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.clauses import clauses
from reelqueue.providers.local.voice.model import SAMPLE_RATE, Floats, Model, Token
from reelqueue.providers.local.voice.speech import GAP_S
from reelqueue.providers.local.voice.styles import find_style
from reelqueue.providers.local.voice.takes import Take, joined, take
from reelqueue.providers.local.voice.unit import Sound

PAUSES_S = (0.2, 1.2)
NOISE = 0.0005
Begins = dict[int, float]
"""A word's place in the text -> when it begins."""
Sentence = tuple[Floats, Begins]


@dataclass(frozen=True, slots=True)
class Cloud:
    """A voice that plays the cloud."""

    name: str
    language: str
    style: str
    speed: float
    """Of the local voice's model; words a minute of espeak-ng."""

    @property
    def is_ours(self) -> bool:
        """Whether it is the local voice's own model: then the same model stands on both sides, and that flatters."""
        return self.speed < 10


CLOUDS = (
    Cloud("Kokoro xiaoxiao", "zh-TW", "xiaoxiao", 1.0),
    Cloud("Kokoro xiaoxiao, fast", "zh-TW", "xiaoxiao", 1.25),
    Cloud("Kokoro michael, slow", "zh-TW", "michael", 0.8),
    Cloud("espeak-ng, a man", "zh-TW", "cmn-latn-pinyin", 160),
    Cloud("espeak-ng, a woman, fast", "zh-TW", "cmn-latn-pinyin+f3", 190),
    Cloud("espeak-ng, another man, slow", "zh-TW", "cmn-latn-pinyin+m3", 130),
    Cloud("Kokoro michael", "en", "michael", 1.0),
    Cloud("Kokoro heart, fast", "en", "heart", 1.25),
    Cloud("Kokoro michael, slow", "en", "michael", 0.8),
    Cloud("espeak-ng, a man", "en", "en-us", 160),
    Cloud("espeak-ng, a woman, fast", "en", "en-us+f3", 190),
    Cloud("espeak-ng, another man, slow", "en", "en-us+m3", 130),
)


class AtSpeed:
    """The model at another speed, for `take`."""

    def __init__(self, model: Model, speed: float) -> None:
        self._model, self._speed = model, speed
        self.vocabulary = model.vocabulary

    def speak(self, symbols: str, style: Floats) -> tuple[Floats, tuple[Token, ...]]:
        """See `Model`."""
        return self._model.speak(symbols, style, self._speed)


@dataclass(slots=True)
class Found:
    """Errors of one voice's words in seconds, by method."""

    errors: dict[str, list[float]] = field(default_factory=dict)

    def add(self, method: str, found: Begins, truth: Begins) -> None:
        """Compare the words that both know."""
        self.errors.setdefault(method, []).extend(found[place] - moment for place, moment in truth.items() if place in found)

    def shown(self, method: str) -> str:
        """Median and p90 in milliseconds."""
        off = np.abs(self.errors[method]) * 1_000
        return f"{np.median(off):.0f} / {np.percentile(off, 90):.0f}"

    @property
    def words(self) -> int:
        """How many words were compared."""
        return len(self.errors["reading"])


@dataclass(slots=True)
class Cost:
    """CPU seconds, and the seconds of sound that they were spent on."""

    speaking_s: float = 0.0
    matching_s: float = 0.0
    sound_s: float = 0.0


def main(given: list[str] | None = None) -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks words")
    parser.add_argument("--texts", type=int, default=10, help="of each language, at most 10")
    count = parser.parse_args(given).texts
    model, cost = Model(), Cost()
    known = {(language, text): _known(model, language, text, cost) for language, text in _texts(count)}
    spoken_s = sum(take.duration_s for take, _ in known.values())
    print("| language | voice that plays the cloud | words | by the local reading | by pauses and lengths | by length alone |")
    print("| --- | --- | --- | --- | --- | --- |")
    for cloud in CLOUDS:
        if cloud.is_ours or espeak.version():
            found = _measured(model, cloud, count, known, cost)
            shown = " | ".join(found.shown(method) for method in ("reading", "estimate", "length"))
            print(f"| {cloud.language} | {cloud.name} | {found.words} | {shown} |", flush=True)
    print(f"\nError of a word's start, median / p90 in ms.  espeak-ng {espeak.version() or 'is not installed'}.")
    print(
        f"CPU seconds per second of sound: {cost.speaking_s / spoken_s:.2f} reading, {cost.matching_s / cost.sound_s:.3f} matching."
    )


def _texts(count: int) -> Iterator[tuple[str, str]]:
    return ((language, text) for language, texts in TEXTS.items() for text in texts[:count])


def _known(model: Model, language: str, text: str, cost: Cost) -> tuple[Take, tuple[tuple[Sound, ...], ...]]:
    began = time.process_time()
    said = reference.sounds_of(text, language, {})
    whole = reference.whole([reference.speak(model, sounds, language) for sounds in said])
    cost.speaking_s += time.process_time() - began
    return whole, said


def _measured(
    model: Model,
    cloud: Cloud,
    count: int,
    known: dict[tuple[str, str], tuple[Take, tuple[tuple[Sound, ...], ...]]],
    cost: Cost,
) -> Found:
    found = Found()
    for number, text in enumerate(TEXTS[cloud.language][:count]):
        if not cloud.is_ours and not espeak.can_say(text, cloud.language):
            continue
        whole, said = known[cloud.language, text]
        spoken = _ours(AtSpeed(model, cloud.speed), cloud, said) if cloud.is_ours else _espeaks(cloud, text, said)
        sound, truth = _with_pauses(list(spoken), np.random.default_rng(number))
        words = tuple(chain.from_iterable(said))
        began = time.process_time()
        timed = times.by_reference(whole, sound)
        cost.matching_s += time.process_time() - began
        cost.sound_s += len(sound) / SAMPLE_RATE
        assert timed, "the reading was found too unlike"
        found.add("reading", _begins(timed), truth)
        found.add("estimate", _begins(times.by_estimate(words, sound)), truth)
        found.add("length", _by_length(words, len(sound) / SAMPLE_RATE), truth)
    return found


def _ours(model: AtSpeed, cloud: Cloud, said: Sequence[Sequence[Sound]]) -> Iterator[Sentence]:
    style = find_style(cloud.style, cloud.language)
    for sounds in said:
        takes = [take(model, clause, style, cloud.language) for clause in clauses(sounds)]
        spoken = reference.trimmed(joined(takes, GAP_S))
        yield spoken.sound, _begins(spoken)


def _espeaks(cloud: Cloud, text: str, said: Sequence[Sequence[Sound]]) -> Iterator[Sentence]:
    for sounds in said:
        first, last = sounds[0].start, sounds[-1].end
        sound, begins = espeak.say(text[first:last], cloud.language, cloud.style, round(cloud.speed))
        settled = waves.settle(sound)
        start, end = waves.heard(settled)
        yield settled[start:end], {first + place: moment - start / SAMPLE_RATE for place, moment in begins.items()}


def _with_pauses(sentences: list[Sentence], chance: np.random.Generator) -> Sentence:
    pieces: list[Floats] = []
    truth: Begins = {}
    at = 0
    for sound, begins in sentences:
        truth |= {place: at / SAMPLE_RATE + moment for place, moment in begins.items()}
        silence = np.zeros(round(chance.uniform(*PAUSES_S) * SAMPLE_RATE), dtype=np.float32)
        pieces += [sound, silence]
        at += len(sound) + len(silence)
    whole = np.concatenate(pieces[:-1])
    return (whole + chance.normal(0, NOISE, len(whole))).astype(np.float32), truth


def _begins(timed: Take) -> Begins:
    """When each word begins; the first of several sounds of one written stretch counts."""
    begins: Begins = {}
    for sound, start, _ in timed.heard:
        if sound.language != "pause":
            begins.setdefault(sound.start, start)
    return begins


def _by_length(sounds: Sequence[Sound], duration_s: float) -> Begins:
    words = [sound for sound in sounds if sound.language != "pause"]
    lengths = np.array([0, *(estimate.symbols([sound]) for sound in words)], dtype=np.float64)
    shares = np.cumsum(lengths)[:-1] / lengths.sum()
    begins: Begins = {}
    for sound, share in zip(words, shares, strict=True):
        begins.setdefault(sound.start, float(share) * duration_s)
    return begins


if __name__ == "__main__":
    main()
