"""Script + speech -> what is seen and heard when, in frames and samples; pure.

A part is spoken sentence by sentence with a gap between them.  Between two parts lies a longer gap, and inside it
the joint: the next scene fades in over the last one while nobody speaks.  A scene is seen from the first frame of the
joint before it to the last frame of the joint after it; its own time counts from there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

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
    """A spoken piece on the video's clock.  `index` counts within the part.

    In samples at 48 kHz: `offset` from the video's start, `samples` its length, `after_first` from the part's first
    piece on.
    """

    part: int
    index: int
    speech: Speech
    offset: int
    samples: int
    after_first: int

    @property
    def after_first_s(self) -> float:
        """How long after the part's first piece it is first heard."""
        return self.after_first / SAMPLE_RATE_HZ

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.samples / SAMPLE_RATE_HZ

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

    `scenes` holds for each part when it is seen, joints included, `heard` the frame with which its speech begins;
    `units` covers every frame once, in order.
    """

    fps: int
    frames: int
    samples: int
    speeches: tuple[PlacedSpeech, ...]
    scenes: tuple[Span, ...]
    joints: tuple[Span, ...]
    heard: tuple[int, ...]
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
            shift = self._in_scene_s(placed)
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
            shift = self._in_scene_s(placed)
            out += [mouth.replace(start_s=mouth.start_s + shift) for mouth in placed.speech.visemes]
            out.append(Viseme(shape="rest", start_s=shift + placed.length_s))
        return tuple(out)

    def voice_start_s(self, part: int) -> float:
        """When a part's voice begins in its scene's time: the same wherever in the video the scene lies."""
        return (self.heard[part] - self.scenes[part].start) / self.fps

    def _in_scene_s(self, placed: PlacedSpeech) -> float:
        """When a piece is first heard in its scene's time."""
        return self.voice_start_s(placed.part) + placed.after_first_s


def lay_out(parts: Sequence[Sequence[Speech]], *, fps: int) -> Timeline:
    """The timeline of parts, each a list of spoken pieces in their order; a part may be silent.

    Raises:
        ValueError: there is no part.
    """
    if not parts:
        raise ValueError("a video needs at least one part")
    gap, joint = _frames(PART_GAP_S, fps), round(JOINT_S * fps)
    before_joint = (gap - joint) // 2
    at = _frames(LEAD_IN_S, fps)
    speeches: list[PlacedSpeech] = []
    heard: list[int] = []
    joints: list[Span] = []
    for part, pieces in enumerate(parts):
        if part:
            joints.append(Span(at + before_joint, joint))
            at += gap
        heard.append(at)
        placed = _placed(part, pieces, at, fps)
        speeches += placed
        at += _frames(SILENT_PART_S, fps) if not pieces else _frames(placed[-1].after_first_s + placed[-1].length_s, fps)
    frames = at + _frames(TAIL_S, fps)
    starts = [0, *(span.start for span in joints)]
    ends = [*(span.end for span in joints), frames]
    scenes = tuple(Span(start, end - start) for start, end in zip(starts, ends, strict=True))
    samples = _samples_at(frames, fps)
    return Timeline(fps, frames, samples, tuple(speeches), scenes, tuple(joints), tuple(heard), _units(scenes, joints))


def _placed(part: int, pieces: Sequence[Speech], frame: int, fps: int) -> list[PlacedSpeech]:
    """The pieces of a part whose first is heard with the frame `frame`."""
    start = _samples_at(frame, fps)
    return [
        PlacedSpeech(part, index, speech, start + after, length, after)
        for index, (speech, (after, length)) in enumerate(zip(pieces, laid(pieces), strict=True))
    ]


def laid(pieces: Sequence[Speech]) -> list[tuple[int, int]]:
    """Where each piece of one part lies after the first, and how long it is, both in samples at 48 kHz."""
    out: list[tuple[int, int]] = []
    after = 0
    for index, speech in enumerate(pieces):
        after += round(SENTENCE_GAP_S * SAMPLE_RATE_HZ) if index else 0
        length = math.ceil(Fraction(speech.samples * SAMPLE_RATE_HZ, speech.sample_rate))
        out.append((after, length))
        after += length
    return out


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


def _frames(seconds: float, fps: int) -> int:
    """So many frames that they last at least so long."""
    return math.ceil(seconds * fps - 1e-9)


def _samples_at(frame: int, fps: int) -> int:
    return round(Fraction(frame * SAMPLE_RATE_HZ, fps))
