"""Rendering against the encoder's floor: FFmpeg's command line encoding the very frames that we composed.

Prints, per job, medians of CPU seconds (user and system, all processes) and the ratio to the floor; sizes beside them,
since cycles are easily bought with bits.  `python -m benchmarks render [--runs 3] [--seconds 20]`
"""

import argparse
import asyncio
import json
import resource
import statistics
import tempfile
from pathlib import Path

from reelqueue.art.arrange import arrange
from reelqueue.art.style import choose_style
from reelqueue.media.captions import ROOMS, cues_of, joined, within
from reelqueue.media.ffmpeg import find_ffmpeg, run_ffmpeg
from reelqueue.media.join import join
from reelqueue.media.studio import open_studio
from reelqueue.media.timeline import Timeline, lay_out
from reelqueue.media.unit import UnitRequest, UnitScene
from reelqueue.models.scene import Figure, SceneSpec
from reelqueue.models.voice import Speech, Word

FLOOR = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", "60", "-bf", "2", "-pix_fmt", "yuv420p")
TAGS = ("-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
TEXTS = (
    ("opening", "How reefs recover after bleaching", "How reefs recover after bleaching."),
    ("statement", "A bleached coral is not a dead coral", "But a bleached coral is not a dead coral, not yet."),
    ("number-hero", "of the world's reef area felt the heat", "84% of the world's reef area has felt the heat since 2023."),
    ("backdrop", "And so the reef begins again", "Slowly, branch by branch, and so the reef begins again."),
)


def speech(text: str) -> Speech:
    """A spoken piece of this text at 2.5 words a second, without its sound."""
    words, at = [], 0
    for i, word in enumerate(text.split()):
        at = text.index(word, at)
        words.append(Word(start_char=at, end_char=at + len(word), start_s=0.4 * i, end_s=0.4 * i + 0.38))
        at += len(word)
    return Speech(text=text, sample_rate=24_000, samples=int(24_000 * 0.4 * (len(words) + 0.5)), words=tuple(words), visemes=())


def scene(layout: str, title: str, text: str) -> SceneSpec:
    """A scene of one layout."""
    figure = Figure(value="84", unit="%", start_char=0) if layout == "number-hero" else None
    candidates = (layout,)
    return SceneSpec(text=text, language="en", candidates=candidates, title=title, subject=("coral", "reef"), figure=figure)  # type: ignore[arg-type]  # a layout's name


async def ours(folder: Path, seconds: float) -> tuple[Path, Timeline]:
    """Compose and encode as many scenes as fill `seconds`, and join them."""
    parts, length = [], 0.0
    while length < seconds:
        parts.append(TEXTS[len(parts) % len(TEXTS)])
        length = lay_out([[speech(text)] for _, _, text in parts], fps=30).duration_s
    timeline = lay_out([[speech(text)] for _, _, text in parts], fps=30)
    style = choose_style("coral reef sea", "en", "benchmark")
    scenes = arrange([scene(*part) for part in parts], style)
    room = ROOMS["16:9"]
    cut = [cue for placed in timeline.speeches for cue in cues_of(placed.speech, placed.start_s, room=room, language="en")]
    cues = joined(cut, end_s=timeline.duration_s)
    units = []
    async with open_studio() as studio:
        for i, unit in enumerate(timeline.units):
            shown = tuple(
                UnitScene(
                    scene=scenes[n].model_dump(mode="json"),
                    frames=timeline.scenes[n].frames,
                    first=first,
                    words=timeline.words(n, parts[n][2]),
                    cues=within(cues, timeline.scenes[n].start / 30, timeline.scenes[n].end / 30),
                )
                for n, first in zip(unit.scenes, unit.firsts, strict=True)
            )
            units.append(folder / f"{i}.mp4")
            request = UnitRequest(
                scenes=shown,
                style=style.model_dump(mode="json"),
                frames=unit.span.frames,
                fps=30,
                width=1920,
                height=1080,
                project_root=folder,
                out=units[-1],
            )
            await studio.make(request)
    out = folder / "ours.mp4"
    await join(units, None, out)
    return out, timeline


def cpu_s() -> float:
    """CPU seconds of all children that have ended, and of this process."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def main(given: list[str] | None = None) -> None:
    """Take the pairs and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks render")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args(given)
    ffmpeg = await find_ffmpeg(None)
    pairs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(asked.runs + 1):  # the first warms the caches and makes the raw frames
            start = cpu_s()
            made, timeline = await ours(folder, asked.seconds)
            mine = cpu_s() - start
            raw = folder / "frames.yuv"
            if not raw.exists():
                await run_ffmpeg(ffmpeg, ["-i", made.name, "-f", "rawvideo", "-y", raw.name], folder=folder, timeout_s=600)
            start = cpu_s()
            source = (
                "-f",
                "rawvideo",
                "-video_size",
                "1920x1080",
                "-framerate",
                "30",
                "-pixel_format",
                "yuv420p",
                *TAGS,
                "-i",
                raw.name,
            )
            await run_ffmpeg(ffmpeg, [*source, *FLOOR, *TAGS, "-y", "floor.mp4"], folder=folder, timeout_s=600)
            pairs.append((mine, cpu_s() - start))
        sizes = made.stat().st_size, (folder / "floor.mp4").stat().st_size
    counted = pairs[1:]
    found = {
        "job": "typographic scenes, 1080p30",
        "seconds": round(timeline.duration_s, 1),
        "ours_cpu_s": round(statistics.median(mine for mine, _ in counted), 2),
        "floor_cpu_s": round(statistics.median(floor for _, floor in counted), 2),
        "cpu_ratio": round(statistics.median(mine / floor for mine, floor in counted), 3),
        "size_ratio": round(sizes[0] / sizes[1], 3),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
