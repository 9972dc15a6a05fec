"""What a scene's projects are made of: pictures, voice, encoded scenes, a video that plays; each as old as its stage would have left it."""

import asyncio
import functools
import hashlib
import io
import os
import random
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import imageio_ffmpeg
from PIL import Image, ImageDraw

from jobs.video.images import image_record, image_requests, named_requests
from jobs.video.speech import speech_key, speech_request
from reelqueue.models.manifest import AssetsManifest, PartAssets, RenderManifest, ShownPiece, SpokenPiece, UnitPiece
from reelqueue.models.media import Loudness, MediaInfo
from reelqueue.models.project import Artifact, ProjectState, Usage, summed
from reelqueue.models.scene import SceneSpec
from reelqueue.models.script import Script
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.models.voice import Speech
from reelqueue.providers.registry import Shelf
from storage import Lease, ProjectStore

IMAGE_USD, VOICE_USD = 0.26 / 16, 0.11 / 18
"""Sixteen pictures and eighteen sentences are what the scene's states were billed for."""
RATE = 24_000


async def put_pieces(projects: ProjectStore, shelf: Shelf, number: int, chance: random.Random) -> None:
    """Everything that the stages of a project have made, by the names that they give it; and what they listed, in the state."""
    state = await projects.load(number)
    script = Script.model_validate_json(projects.paths.project(number).script.read_bytes())
    async with await projects.take_over(number) as lease:
        listed, paid = _assets(lease, state, script, shelf, chance)
        rendered = await _render(lease, state, len(script.segments) + 2)
    made = {Stage.ASSETS: listed, Stage.RENDER: rendered}
    bills = paid if state.stages[Stage.ASSETS].status is not StageStatus.DONE else ()

    def with_files(state: ProjectState) -> ProjectState:
        for stage, artifacts in made.items():
            if artifacts and state.stages[stage].status is StageStatus.DONE:
                state = state.with_stage(stage, artifacts=artifacts)
        return state.replace(usage=summed(state.usage, bills)) if bills else state

    await projects.change(number, with_files)
    await projects.unmark(number)


def _assets(
    lease: Lease, state: ProjectState, script: Script, shelf: Shelf, chance: random.Random
) -> tuple[tuple[Artifact, ...], tuple[Usage, ...]]:
    known, root = state.stages[Stage.ASSETS], lease.files.root
    if known.started_at is None:
        return (), ()
    until = known.finished_at or known.started_at + timedelta(seconds=50)
    share = 1.0 if known.status is StageStatus.DONE else 0.45
    brief, providers = shelf.filled(state.brief), shelf.chosen(state.brief)
    requests = list(named_requests(providers.image, image_requests(brief, script)))
    moments = _spread(known.started_at, until, len(requests), chance)
    parts: list[PartAssets] = []
    for place, (request, _) in enumerate(requests):
        if place >= share * len(requests):
            break
        maker = providers.image if request.role == "segment" else providers.stand_in
        shown = _shown(lease, image_record(maker, request), request.text, script.language, place, paid=maker.name != "local")
        _age(root / f"images/{shown.key}.json", moments[place])
        spoken = []
        for piece in providers.voice.pieces(script.texts[place], script.language):
            key = speech_key(providers.voice, speech_request(brief, piece, script.language))
            spoken.append(_spoken(lease, key, piece, paid=providers.voice.name != "local"))
            _age(root / f"audio/{key}.json", moments[place])
        parts.append(PartAssets(role=request.role, index=place, text=script.texts[place], voice=tuple(spoken), shown=shown))
    paid = tuple(use for part in parts for use in (*part.shown.usage, *(one for piece in part.voice for one in piece.usage)))
    if known.status is not StageStatus.DONE:
        return (), paid
    manifest = AssetsManifest(
        language=script.language,
        title=script.metadata.title,
        topic=state.brief.headline,
        tags=script.metadata.tags,
        parts=tuple(parts),
    )
    return (_put(lease, "assets/manifest.json", manifest.model_dump_json().encode()),), paid


def _shown(lease: Lease, name: str, text: str, language: str, place: int, *, paid: bool) -> ShownPiece:
    key = name.removeprefix("images/").removesuffix(".json")
    picture = _put(lease, f"images/{key}.jpg", _picture(place)) if paid else None
    usage = (
        (Usage(service="gemini", model="gemini-3.1-flash-image", unit="image_tokens", amount=1, cost_usd=IMAGE_USD),)
        if paid
        else ()
    )
    scene = SceneSpec(
        text=text, language=language, candidates=("picture-full",) if paid else ("statement",), title=text[:14],
        picture=picture.path if picture else None, picture_width=1600 if picture else 0, picture_height=900 if picture else 0,
    )  # fmt: skip
    piece = ShownPiece(key=key, scene=scene, picture=picture, usage=usage)
    _put(lease, name, piece.model_dump_json().encode())
    return piece


def _spoken(lease: Lease, key: str, text: str, *, paid: bool) -> SpokenPiece:
    sound = _put(lease, f"audio/{key}.wav", b"RIFF")
    speech = Speech(text=text, sample_rate=RATE, samples=RATE * max(1, len(text) // 5), words=(), visemes=())
    usage = (
        (Usage(service="gemini", model="gemini-3.8-flash-tts", unit="audio_tokens", amount=len(text), cost_usd=VOICE_USD),)
        if paid
        else ()
    )
    piece = SpokenPiece(key=key, sound=sound, speech=speech, usage=usage)
    _put(lease, f"audio/{key}.json", piece.model_dump_json().encode())
    return piece


async def _render(lease: Lease, state: ProjectState, scenes: int) -> tuple[Artifact, ...]:
    known, root = state.stages[Stage.RENDER], lease.files.root
    if known.started_at is None:
        return ()
    is_done = known.status is StageStatus.DONE
    until = known.finished_at or known.started_at + timedelta(seconds=48)
    count = 2 * scenes - 1 if is_done else scenes
    units = []
    for place, at in enumerate(_spread(known.started_at, until, count, random.Random(scenes))):
        key = f"{state.project_id:08x}{place:08x}"
        unit = UnitPiece(key=key, file=_put(lease, f"segments/{key}.mp4", b"unit"), frames=90)
        _put(lease, f"segments/{key}.json", unit.model_dump_json().encode())
        _age(root / f"segments/{key}.json", at)
        units.append(unit)
    if not is_done:
        return ()
    video = _put(lease, "output/final_video.mp4", await asyncio.to_thread(_film))
    captions = _put(lease, "output/captions.srt", _CAPTIONS.encode())
    manifest = RenderManifest(
        units=tuple(units), sound=video, loudness=Loudness(integrated_lufs=-14.1, true_peak_dbtp=-1.5),
        video=MediaInfo(container="mp4", bytes=video.bytes, duration_s=12), frames=90 * count,
    )  # fmt: skip
    return video, captions, _put(lease, "render/manifest.json", manifest.model_dump_json().encode())


def _spread(begin: datetime, end: datetime, count: int, chance: random.Random) -> Sequence[datetime]:
    """So many moments between the two, in their order, unevenly."""
    steps = [chance.uniform(0.6, 1.4) for _ in range(count)]
    whole, at, found = sum(steps), 0.0, []
    for step in steps:
        at += step
        found.append(begin + (end - begin) * (0.02 + 0.96 * at / whole))
    return found


def _put(lease: Lease, name: str, data: bytes) -> Artifact:
    """As a stage writes it, but not made to outlast a power cut: there are thousands of them."""
    path = lease.files.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return Artifact(path=name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def _age(path: Path, at: datetime) -> None:
    os.utime(path, (at.timestamp(), at.timestamp()))


@functools.cache
def _picture(place: int) -> bytes:
    """640x360: something that shines in the deep."""
    tones = (
        ("#12264a", "#7fb2ff"),
        ("#0d3b3f", "#8af0d0"),
        ("#2c1245", "#d79bff"),
        ("#3d2a10", "#ffc878"),
        ("#0c3550", "#74e3ff"),
    )
    deep, shine = tones[place % len(tones)]
    picture = Image.composite(
        Image.new("RGB", (640, 360), "#05080f"), Image.new("RGB", (640, 360), deep), Image.linear_gradient("L").resize((640, 360))
    )
    draw, left = ImageDraw.Draw(picture), 90 + place * 73 % 420
    draw.ellipse((left, 90, left + 130, 190), fill=shine)
    for arm in range(4):
        draw.line([(left + 25 + arm * 27, 180), (left + 15 + arm * 30, 300)], fill=shine, width=5)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


@functools.cache
def _film() -> bytes:
    """Twelve seconds that play and can be sought in."""
    wanted = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=640x360:rate=15:duration=12",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=330:duration=12",
    ]
    coded = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "15",
        "-c:a",
        "aac",
        "-movflags",
        "+faststart",
    ]
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *wanted, *coded, str(film)], check=True)
        return film.read_bytes()


_CAPTIONS = "1\n00:00:00,500 --> 00:00:05,000\n深海九成的生物會自己發光。\n\n2\n00:00:05,200 --> 00:00:11,000\n量子位元最怕的，是有人偷看。\n"
