"""From the assets to what is seen and heard when: the plan that units and sound are made by."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.stages import StageRun
from reelqueue.art.arrange import ArrangedScene, arrange
from reelqueue.art.style import Style, choose_style
from reelqueue.errors import InvalidBrief
from reelqueue.media.captions import ROOMS, cues_of, joined, within
from reelqueue.media.image import ingest
from reelqueue.media.timeline import Timeline, Unit, lay_out
from reelqueue.media.unit import UnitClip, UnitRequest, UnitScene
from reelqueue.models.brief import ALLOWED, MAX_DURATION_S
from reelqueue.models.cue import Cue
from reelqueue.models.keys import piece_key
from reelqueue.models.manifest import AssetsManifest
from reelqueue.models.media import SIZES
from reelqueue.wording import Text


@dataclass(frozen=True, slots=True)
class Screenplay:
    """The plan of one video.  `logo` is relative to the project's folder, None where there is none."""

    assets: AssetsManifest
    timeline: Timeline
    style: Style
    scenes: tuple[ArrangedScene, ...]
    cues: tuple[Cue, ...]
    size: tuple[int, int]
    subtitles: str
    logo: str | None
    font_dir: Path | None

    def request(self, unit: Unit, *, project_root: Path, out: Path) -> UnitRequest:
        """What the encoder is asked for one unit."""
        scenes = tuple(
            self._scene(number, first, unit.span.frames) for number, first in zip(unit.scenes, unit.firsts, strict=True)
        )
        asked: dict[str, Any] = {
            "scenes": scenes, "style": self.style.model_dump(mode="json"), "subtitles": self.subtitles, "frames": unit.span.frames,
            "fps": self.timeline.fps, "width": self.size[0], "height": self.size[1], "logo": self.logo, "font_dir": self.font_dir, "project_root": project_root, "out": out,
        }  # fmt: skip
        return UnitRequest(**asked)

    def _scene(self, number: int, first: int, frames: int) -> UnitScene:
        """One scene as `frames` of it are shown from `first` on: with the subtitles that stand in those, else others would name it."""
        part, span, fps = self.assets.parts[number], self.timeline.scenes[number], self.timeline.fps
        clip = None if part.presenter is None else part.presenter.clip
        cues = within(self.cues, span.start / fps, span.end / fps)
        return UnitScene(
            scene=self.scenes[number].model_dump(mode="json"),
            frames=span.frames,
            first=first,
            words=self.timeline.words(number, part.text),
            visemes=self.timeline.visemes(number) if part.presenter is not None and clip is None else (),
            cues=tuple(cue for cue in cues if cue.end_s > first / fps and cue.start_s < (first + frames) / fps),
            presenter=part.presenter is not None,
            clip=clip and UnitClip(path=clip.path, sha256=clip.sha256, start_s=self.timeline.voice_start_s(number)),
        )


async def write_screenplay(run: StageRun, assets: AssetsManifest) -> Screenplay:
    """Plan the video.

    Raises:
        InvalidBrief: the voice is longer than a video may be; or the logo is no picture.
    """
    brief = run.brief
    timeline = lay_out([[piece.speech for piece in part.voice] for part in assets.parts], fps=brief.fps)
    if timeline.duration_s > MAX_DURATION_S:
        raise InvalidBrief(
            "content", ALLOWED["duration_s"], Text(f"{timeline.duration_s:.0f} 秒", f"{timeline.duration_s:.0f} s").en
        )
    return Screenplay(
        assets=assets,
        timeline=timeline,
        style=style_of(assets),
        scenes=await asyncio.to_thread(arrange, [part.shown.scene for part in assets.parts], style_of(assets)),
        cues=_cues(timeline, assets.language, brief.aspect),
        size=SIZES[brief.aspect],
        subtitles=brief.subtitle_style,
        logo=await _logo(run),
        font_dir=run.tools.font_dir,
    )


def style_of(assets: AssetsManifest) -> Style:
    """The look of a video: the one that it was given, else by what it is about, and by its title where that leaves a choice."""
    style = _chosen(assets) if assets.look is None else Style.model_validate(assets.look)
    for part in assets.parts:
        if part.presenter is not None and part.presenter.description.get("kind") == "figure":
            return style.replace(presenter=part.presenter.description["name"])
    return style


def _chosen(assets: AssetsManifest) -> Style:
    text = " ".join([assets.topic, assets.title, *assets.tags, *(part.text for part in assets.parts)])
    return choose_style(text, assets.language, piece_key({"topic": assets.topic, "title": assets.title}))


def _cues(timeline: Timeline, language: str, aspect: Any) -> tuple[Cue, ...]:
    cut = [
        cue
        for placed in timeline.speeches
        for cue in cues_of(placed.speech, placed.start_s, room=ROOMS[aspect], language=language)
    ]
    return joined(cut, end_s=timeline.duration_s)


async def _logo(run: StageRun) -> str | None:
    if run.brief.logo is None:
        return None
    source = Path(run.brief.logo)
    if not await asyncio.to_thread(source.is_file):
        raise InvalidBrief("logo", ALLOWED["logo"], run.brief.logo)
    part = run.files.images / f"logo.{run.project.fence}.part"
    picture = await ingest(source, part, field="logo", keep_alpha=True)
    artifact = await run.blobs.describe(str(part.relative_to(run.files.root)))
    return (await run.blobs.put(f"images/logo-{artifact.sha256[:32]}.{picture.suffix}", part)).path
