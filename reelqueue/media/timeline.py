"""Script + speech -> what is seen and heard when, in frames and samples; pure.

A part is spoken sentence by sentence with a gap between them.  Between two parts lies a longer gap, and inside it
the joint: the next scene fades in over the last one while nobody speaks.  A scene is seen from the first frame of the
joint before it to the last frame of the joint after it; its own time counts from there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from reelqueue.models.voice import Speech, Viseme, Word

SAMPLE_RATE_HZ = 48_000
SENTENCE_GAP_S = 0.35
"""Between two sentences of a part (voice.md)."""
PART_GAP_S = 0.7
JOINT_S = 0.4
"""How long a crossfade lasts (look.md 6: 0.3-0.5); it lies in the middle of a part gap."""
LEAD_IN_S = 0.5
TAIL_S = 1.2
SILENT_PART_S = 2.0
"""How long a part without speech is shown."""


@dataclass(frozen=True, slots=True)
class PlacedSpeech:
    """A spoken piece on the video's clock.  `offset` and `samples` are at 48 kHz; `index` counts within the part."""

    part: int
    index: int
    speech: Speech
    offset: int
    samples: int

    @property
    def start_s(self) -> float:
        """When it is first heard."""
        return self.offset / SAMPLE_RATE_HZ

    @property
    def end_s(self) -> float:
        """When it has ended."""
        return (self.offset + self.samples) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Span:
    """Frames from `start` on; `end` is the first that is not in it."""

    start: int
    frames: int

    @property
    def end(self) -> int:
        """The first frame after it."""
        return self.start + self.frames


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of the video that is encoded by itself: one scene's body, or the joint of two scenes.

    `scenes` are numbers of parts; `firsts` the unit's first frame in each scene's own count.
    """

    scenes: tuple[int, ...]
    span: Span
    firsts: tuple[int, ...]

    @property
    def is_joint(self) -> bool:
        """Whether two scenes are seen in it."""
        return len(self.scenes) == 2


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole video: `frames` and `samples` (48 kHz) long, which agree within one frame.

    `scenes` holds for each part when it is seen, joints included; `units` covers every frame once, in order.
    """

    fps: int
    frames: int
    samples: int
    speeches: tuple[PlacedSpeech, ...]
    scenes: tuple[Span, ...]
    joints: tuple[Span, ...]
    units: tuple[Unit, ...]

    @property
    def duration_s(self) -> float:
        """The length of the picture."""
        return self.frames / self.fps

    def of_part(self, part: int) -> tuple[PlacedSpeech, ...]:
        """The spoken pieces of one part."""
        return tuple(placed for placed in self.speeches if placed.part == part)

    def scene_start_s(self, part: int) -> float:
        """When a scene's own clock begins."""
        return self.scenes[part].start / self.fps

    def words(self, part: int, text: str) -> tuple[Word, ...]:
        """The words of one scene in its own time, with places in `text`, which is the whole part's."""
        out: list[Word] = []
        for placed, at in _found(self.of_part(part), text):
            shift = placed.start_s - self.scene_start_s(part)
            out += [
                Word(
                    start_char=word.start_char + at,
                    end_char=word.end_char + at,
                    start_s=word.start_s + shift,
                    end_s=word.end_s + shift,
                )
                for word in placed.speech.words
            ]
        return tuple(out)

    def visemes(self, part: int) -> tuple[Viseme, ...]:
        """The mouth shapes of one scene in its own time; at rest in the gaps."""
        out: list[Viseme] = []
        for placed in self.of_part(part):
            shift = placed.start_s - self.scene_start_s(part)
            out += [mouth.replace(start_s=mouth.start_s + shift) for mouth in placed.speech.visemes]
            out.append(Viseme(shape="rest", start_s=placed.end_s - self.scene_start_s(part)))
        return tuple(out)


def lay_out(parts: Sequence[Sequence[Speech]], *, fps: int) -> Timeline:
    """The timeline of parts, each a list of spoken pieces in their order; a part may be silent.

    Raises:
        ValueError: there is no part, or `fps` leaves a joint no frame.
    """
    if not parts:
        raise ValueError("a video needs at least one part")
    speeches, bounds = _placed(parts)
    joints = tuple(_joint(before[1], after[0], fps) for before, after in pairwise(bounds))
    frames = math.ceil(Fraction(bounds[-1][1], SAMPLE_RATE_HZ) * fps + Fraction(TAIL_S) * fps)
    starts = [0, *(joint.start for joint in joints)]
    ends = [*(joint.end for joint in joints), frames]
    scenes = tuple(Span(start, end - start) for start, end in zip(starts, ends, strict=True))
    samples = round(Fraction(frames * SAMPLE_RATE_HZ, fps))
    return Timeline(fps, frames, samples, speeches, scenes, joints, _units(scenes, joints))


def _placed(parts: Sequence[Sequence[Speech]]) -> tuple[tuple[PlacedSpeech, ...], list[tuple[int, int]]]:
    """Every piece at its offset, and for each part when it begins and ends to be heard (samples)."""
    placed: list[PlacedSpeech] = []
    bounds: list[tuple[int, int]] = []
    at = _samples(LEAD_IN_S)
    for part, speeches in enumerate(parts):
        start = at
        for index, speech in enumerate(speeches):
            at += _samples(SENTENCE_GAP_S) if index else 0
            length = math.ceil(Fraction(speech.samples * SAMPLE_RATE_HZ, speech.sample_rate))
            placed.append(PlacedSpeech(part, index, speech, at, length))
            at += length
        if not speeches:
            at += _samples(SILENT_PART_S)
        bounds.append((start, at))
        at += _samples(PART_GAP_S)
    return tuple(placed), bounds


def _joint(gap_start: int, gap_end: int, fps: int) -> Span:
    """The crossfade of `JOINT_S` in the middle of a gap (samples), in whole frames that lie inside it."""
    first = math.ceil(Fraction(gap_start * fps, SAMPLE_RATE_HZ))
    last = math.floor(Fraction(gap_end * fps, SAMPLE_RATE_HZ))
    frames = min(last - first, round(JOINT_S * fps))
    if frames < 1:
        raise ValueError(f"{fps} frames a second leave no frame for a joint")
    return Span(first + (last - first - frames) // 2, frames)


def _units(scenes: Sequence[Span], joints: Sequence[Span]) -> tuple[Unit, ...]:
    units: list[Unit] = []
    for number, scene in enumerate(scenes):
        start = joints[number - 1].end if number else scene.start
        end = joints[number].start if number < len(joints) else scene.end
        units.append(Unit((number,), Span(start, end - start), (start - scene.start,)))
        if number < len(joints):
            joint = joints[number]
            units.append(Unit((number, number + 1), joint, (joint.start - scene.start, 0)))
    return tuple(units)


def _found(speeches: Sequence[PlacedSpeech], text: str) -> list[tuple[PlacedSpeech, int]]:
    """Where in the part's text each piece stands."""
    out, at = [], 0
    for placed in speeches:
        found = text.find(placed.speech.text, at)
        at = at if found < 0 else found
        out.append((placed, at))
        at += len(placed.speech.text)
    return out


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)
