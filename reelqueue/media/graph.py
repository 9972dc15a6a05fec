"""FFmpeg's argument lists, built by ffmpeg-python: typed and escaped; pure.

File names are generated ones, relative to the folder that FFmpeg runs in; no user's text ever gets here.
"""

from typing import Any

import ffmpeg

from reelqueue.media.opening import MP4, WAV, demuxing

OVERSAMPLED_HZ = 192_000
"""4 x 48 kHz: where a limiter sees the peaks between samples (ITU-R BS.1770-4, annex 2)."""
SAMPLE_RATE_HZ = 48_000
AAC_BITRATE = "192k"
DEMUXERS = {".mp3": "mp3", ".wav": "wav", ".flac": "flac", ".ogg": "ogg", ".oga": "ogg", ".m4a": "mov", ".aac": "aac"}
"""Music files by their ending; the demuxer is forced, so that a file can't be another kind than it says."""


def _arguments(stream: Any) -> list[str]:
    arguments: list[str] = ffmpeg.get_args(stream, overwrite_output=True)
    return arguments


def _file(name: str) -> str:
    return f"file:{name}"  # never a protocol of FFmpeg's own, whatever the name holds


def _input(name: str, demuxer: str, **more: Any) -> Any:
    """A file as one kind and no other, by known decoders, from nowhere else than itself."""
    return ffmpeg.input(_file(name), f=demuxer, **demuxing(demuxer), **more)


def measure(name: str, *, mixed: bool = False) -> list[str]:
    """Print EBU R 128 figures of a file's sound: integrated loudness and true peak.  `mixed`: it is a WAV file, not an MP4."""
    sound = _input(name, WAV if mixed else MP4).audio.filter("ebur128", peak="true", framelog="quiet")
    return _arguments(ffmpeg.output(sound, "-", f="null"))


def seek_gain(name: str, gain_db: float, limit_db: float) -> list[str]:
    """Print the loudness that `gain_db` and a limiter at 1x would give: cheap, for finding the gain."""
    sound = _limited(_input(name, WAV).audio.filter("volume", f"{gain_db:.2f}dB"), limit_db)
    return _arguments(ffmpeg.output(sound.filter("ebur128", framelog="quiet"), "-", f="null"))


def master(name: str, out: str, gain_db: float, limit_db: float) -> list[str]:
    """Gain, limiter at 4x, AAC 192 kbit/s at 48 kHz in an MP4 container."""
    loud = _input(name, WAV).audio.filter("volume", f"{gain_db:.2f}dB").filter("aresample", OVERSAMPLED_HZ)
    sound = _limited(loud, limit_db).filter("aresample", SAMPLE_RATE_HZ)
    return _arguments(
        ffmpeg.output(
            sound,
            _file(out),
            f="mp4",
            acodec="aac",
            audio_bitrate=AAC_BITRATE,
            ac=2,
            ar=SAMPLE_RATE_HZ,
            fflags="+bitexact",
            map_metadata=-1,
        )
    )


def decode_music(name: str, demuxer: str, out: str, longest_s: float) -> list[str]:
    """Somebody's music file as 48 kHz stereo WAV: only the demuxer that its ending names."""
    source = _input(name, demuxer, t=longest_s)
    return _arguments(
        ffmpeg.output(
            source.audio, _file(out), f="wav", acodec="pcm_f32le", ac=2, ar=SAMPLE_RATE_HZ, fflags="+bitexact", map_metadata=-1
        )
    )


def _limited(stream: Any, limit_db: float) -> Any:
    return stream.filter("alimiter", limit=f"{10 ** (limit_db / 20):.5f}", attack=5, release=50, level="false", latency="true")
