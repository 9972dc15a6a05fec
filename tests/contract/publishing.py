"""What the tests of the YouTube publisher share: a publisher at the sandbox, and something to publish."""

import random
from pathlib import Path
from typing import Any

from reelqueue.models.channel import DEFAULT_CHANNEL, Channel
from reelqueue.providers.protocols import Publication
from reelqueue.providers.youtube.opening import open_channel
from reelqueue.providers.youtube.publisher import YouTubePublisher
from reelqueue.providers.youtube.wire import Wire
from reelqueue.sandbox import Sandbox
from reelqueue.settings import Settings

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
CHUNK = 256 * 1024


def settings_of(sandbox: Sandbox, folder: Path, **changes: Any) -> Settings:
    values = {name.lower(): value for name, value in sandbox.settings().items()}
    known = {name: value for name, value in values.items() if name in Settings.model_fields}
    return Settings(_env_file=None, data_dir=folder / "data", **(known | changes))


def publisher_at(sandbox: Sandbox, folder: Path, wire: Wire, channel: Channel | None = None, **changes: Any) -> YouTubePublisher:
    publisher = open_channel(settings_of(sandbox, folder, **changes), channel or Channel(name=DEFAULT_CHANNEL), wire)
    publisher._upload.chunk_bytes = CHUNK
    return publisher


def publication_in(folder: Path, size: int = 5 * CHUNK // 2, **changes: Any) -> Publication:
    folder.mkdir(exist_ok=True)
    (folder / "video.mp4").write_bytes(random.Random(size).randbytes(size))
    (folder / "thumbnail.jpg").write_bytes(JPEG)
    (folder / "captions.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\n你好\n", encoding="utf-8")
    given: dict[str, Any] = {
        "project_id": 7,
        "marker": "rq-7-0123456789abcdef",
        "title": "十分鐘看懂黑洞",
        "description": "一支關於黑洞的影片",
        "tags": ("黑洞", "black holes"),
        "language": "zh-TW",
        "privacy": "public",
        "category_id": 27,
        "made_for_kids": False,
        "synthetic_media": True,
        "video": str(folder / "video.mp4"),
        "thumbnail": str(folder / "thumbnail.jpg"),
        "captions": str(folder / "captions.srt"),
    }
    return Publication(**(given | changes))


async def sent(publisher: YouTubePublisher, publication: Publication, session: str) -> list[float]:
    return [share async for share in publisher.send(publication, session)]


async def uploaded(publisher: YouTubePublisher, publication: Publication) -> str:
    session = await publisher.open(publication)
    await sent(publisher, publication, session)
    video_id = await publisher.query(publication, session)
    assert video_id is not None
    return video_id
