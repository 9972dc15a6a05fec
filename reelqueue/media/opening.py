"""The one way to read media by FFmpeg's libraries: as the kind that it must be, from its own file alone, by decoders that are known.

FFmpeg by itself believes what it finds inside: a list of other files under a video's name (ffconcat, HLS) would show any file
of this machine, and a stream may ask for any of some 400 decoders.  So the demuxer is named, the protocol is `file`, and what
is not on the list of decoders is refused before anything is decoded.
"""

from pathlib import Path
from typing import Any

import av

MP4, WAV = "mov", "wav"
"""Demuxers by FFmpeg's names."""
PICTURES = frozenset({"h264", "hevc", "vp9", "av1", "libdav1d", "mpeg4"})
"""Of a clip from outside; ours are H.264."""
SOUNDS: dict[str, tuple[str, ...]] = {
    "mov": ("aac", "alac", "mp3float", "mp3"),
    "aac": ("aac",),
    "mp3": ("mp3float", "mp3"),
    "flac": ("flac",),
    "ogg": ("vorbis", "libvorbis", "opus", "libopus", "flac"),
    "wav": ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw"),
}
"""The decoders of sound by demuxer."""


class Unknown(ValueError):
    """A stream asks for a decoder that is not on the list."""


def opened(path: Path) -> Any:
    """An MP4 file to read from: an `av.container.InputContainer`, which closes at the end of a `with`.

    Raises:
        av.FFmpegError, OSError: it is none, or can't be read.
        Unknown: it has a picture or a sound for which no decoder is allowed.
    """
    container = av.open(f"file:{path.absolute()}", format=MP4, options=demuxing(MP4))
    for stream in (*container.streams.video, *container.streams.audio):
        context = stream.codec_context
        name = "?" if context is None else context.name
        if name not in PICTURES and name not in SOUNDS[MP4]:
            container.close()
            raise Unknown(f"codec {name}")
    return container


def demuxing(demuxer: str) -> dict[str, str]:
    """FFmpeg's options for an input of one kind, by the program's and the library's names alike."""
    pictures = sorted(PICTURES) if demuxer == MP4 else []
    return {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer,
        "codec_whitelist": ",".join([*pictures, *SOUNDS[demuxer]]),
    }
