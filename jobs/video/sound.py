"""The video's sound: the voice at its times, and the music under it."""

import asyncio
import math
from pathlib import Path

from jobs.stages import StageRun
from jobs.video.given import content_of
from jobs.video.pieces import Tally, kept_or_made
from jobs.video.screenplay import Screenplay
from reelqueue.errors import InvalidBrief
from reelqueue.media.audio import SOUND_VERSION, Placed, mix, prepare_music
from reelqueue.media.graph import DEMUXERS
from reelqueue.models.brief import ALLOWED
from reelqueue.models.frozen import Frozen
from reelqueue.models.keys import piece_key
from reelqueue.models.media import Loudness
from reelqueue.models.project import Artifact

NO_MUSIC = "none"


class SoundPiece(Frozen):
    """The finished sound, and what was measured of it."""

    key: str
    file: Artifact
    loudness: Loudness


class MusicPiece(Frozen):
    """Somebody's music, decoded."""

    key: str
    file: Artifact


async def make_sound(run: StageRun, play: Screenplay, tally: Tally, share: float) -> SoundPiece:
    """Mix voice and music, or find the mix that is there; it is `share` of the tally."""
    sounds = [piece.sound for part in play.assets.parts for piece in part.voice]
    placed = [
        Placed(run.files.root / sound.path, speech.offset) for sound, speech in zip(sounds, play.timeline.speeches, strict=True)
    ]
    music = await _music(run, play)
    key = piece_key(
        {
            "voice": [[sound.sha256, piece.offset] for sound, piece in zip(sounds, placed, strict=True)],
            "samples": play.timeline.samples,
            "music": music.name if isinstance(music, Path) else music,
            "made_by": [SOUND_VERSION, run.tools.ffmpeg.version],
        }
    )

    async def holds(piece: SoundPiece) -> bool:
        return await run.blobs.holds(piece.file)

    async def make() -> SoundPiece:
        await run.hold(f"sound {key}")
        part = run.files.audio / f"sound.{run.project.fence}.m4a.part"
        loudness = await run.call(
            f"sound {key}",
            lambda: mix(placed, total_samples=play.timeline.samples, music=music, out=part, ffmpeg=run.tools.ffmpeg),
        )
        return SoundPiece(key=key, file=await run.blobs.put(f"audio/{key}.m4a", part), loudness=loudness)

    piece = await kept_or_made(run, SoundPiece, f"audio/{key}.json", holds=holds, make=make)
    await tally.add(share)
    return piece


async def _music(run: StageRun, play: Screenplay) -> Path | int | None:
    """A prepared file of the brief's or the operator's, else the seed of our own bed; None where no music is wanted."""
    wanted = run.brief.music
    if wanted == NO_MUSIC:
        return None
    seed = int(play.style.seed[:8], 16)
    source = Path(wanted) if wanted is not None else await asyncio.to_thread(_from_folder, run.tools.music_dir, seed)
    if source is None:
        return seed
    if wanted is not None and not await asyncio.to_thread(source.is_file):
        raise InvalidBrief("music", ALLOWED["music"], wanted)
    return await _prepared(run, source, longest_s=math.ceil(play.timeline.duration_s))


async def _prepared(run: StageRun, source: Path, *, longest_s: int) -> Path:
    """Somebody's music as we mix it, under the hash of what it is and how much of it is wanted."""
    key = piece_key(
        {"music": await content_of(source), "longest_s": longest_s, "made_by": [SOUND_VERSION, run.tools.ffmpeg.version]}
    )

    async def holds(piece: MusicPiece) -> bool:
        return await run.blobs.holds(piece.file)

    async def make() -> MusicPiece:
        await run.hold(f"music {key}")
        part = run.files.audio / f"music.{run.project.fence}.part"
        await run.call(f"music {key}", lambda: prepare_music(run.tools.ffmpeg, source, part, longest_s=longest_s))
        return MusicPiece(key=key, file=await run.blobs.put(f"audio/music-{key}.wav", part))

    piece = await kept_or_made(run, MusicPiece, f"audio/music-{key}.json", holds=holds, make=make)
    return run.files.root / piece.file.path


def _from_folder(folder: Path | None, seed: int) -> Path | None:
    if folder is None:
        return None
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in DEMUXERS) if folder.is_dir() else []
    return files[seed % len(files)] if files else None
