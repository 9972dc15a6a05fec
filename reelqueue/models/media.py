"""What is known of a media file, and the frames it is made for."""

from typing import Literal

from reelqueue.models.frozen import Frozen

Aspect = Literal["16:9", "9:16", "1:1"]

SIZES: dict[Aspect, tuple[int, int]] = {"16:9": (1920, 1080), "9:16": (1080, 1920), "1:1": (1080, 1080)}
"""Width and height in px of each aspect."""


class MediaInfo(Frozen):
    """A probed file.  0 and "" stand for a stream that is not there.

    `duration_s` is the container's; `video_duration_s` and `audio_duration_s` are the streams' own.
    """

    container: str
    bytes: int
    duration_s: float
    width: int = 0
    height: int = 0
    fps: float = 0.0
    video_codec: str = ""
    video_profile: str = ""
    pixel_format: str = ""
    color: str = ""
    video_duration_s: float = 0.0
    audio_codec: str = ""
    sample_rate: int = 0
    channels: int = 0
    audio_duration_s: float = 0.0
    faststart: bool = False


class Loudness(Frozen):
    """EBU R 128 figures of a file: LUFS, dBTP."""

    integrated_lufs: float
    true_peak_dbtp: float
