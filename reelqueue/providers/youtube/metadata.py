"""A publication in YouTube's words, and YouTube's rules for them.

Titles, descriptions and tags: documented limits; how tags are counted (characters, a comma between two, two more for each
with a space) is how it has been observed for years.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reelqueue.errors import InvalidBrief, MediaError
from reelqueue.models.brief import ALLOWED, MOST_DESCRIPTION_BYTES, MOST_TITLE_CHARS
from reelqueue.providers.protocols import Publication
from reelqueue.wording import Text

MOST_TAGS_CHARS = 500
MOST_VIDEO_BYTES = 256 * 10**9
MOST_THUMBNAIL_BYTES = 50 * 1024 * 1024
IMAGES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
"""By their first bytes, the pictures that a thumbnail may be."""
ALREADY = timedelta(seconds=60)
"""A moment of publication so near is now: YouTube refuses one that has passed when it looks."""
_TITLE = Text(f"1 到 {MOST_TITLE_CHARS} 個字元，不含 < >", f"1 to {MOST_TITLE_CHARS} characters, without < >")
_DESCRIPTION = Text(
    f"最多 {MOST_DESCRIPTION_BYTES:,} 位元組（UTF-8），不含 < >",
    f"at most {MOST_DESCRIPTION_BYTES:,} bytes of UTF-8, without < >",
)
_TAGS = Text(
    f"合計最多 {MOST_TAGS_CHARS} 個字元（含逗號），不含 < >",
    f"at most {MOST_TAGS_CHARS} characters in all, commas counted, without < >",
)
_FUTURE = Text("未來的時間，含時區", "a time to come, with its zone")


def check(publication: Publication, now: datetime) -> None:
    """Refuse what YouTube would refuse.

    Raises:
        InvalidBrief: names the field, what is allowed, what stands there.
        MediaError: the video or its thumbnail is not what it should be.
    """
    _check_words("", publication.title, publication.description)
    for language, words in publication.localizations.items():
        _check_words(f"localizations.{language}.", words.get("title", ""), words.get("description", ""))
    angled = any(not tag.strip() or _angled(tag) for tag in publication.tags)
    if angled or length_of(publication.tags) > MOST_TAGS_CHARS:
        raise InvalidBrief("tags", _TAGS, _characters(length_of(publication.tags)))
    if publication.category_id < 1:
        raise InvalidBrief("category_id", ALLOWED["category_id"], publication.category_id)
    if publication.publish_at is not None and due(publication) <= now:
        raise InvalidBrief("publish_at", _FUTURE, publication.publish_at)
    _check_video(Path(publication.video))
    image_type(Path(publication.thumbnail))


def snippet(publication: Publication) -> dict[str, Any]:
    """The part that says what it is; its first tag is the marker."""
    return {
        "title": publication.title,
        "description": publication.description,
        "tags": list(tags(publication)),
        "categoryId": str(publication.category_id),
        "defaultLanguage": publication.language,
        "defaultAudioLanguage": publication.language,
    }


def unseen(publication: Publication) -> dict[str, Any]:
    """The status of a new video: nobody sees it, whatever it is to become.  A missing privacy would mean public."""
    return {"privacyStatus": "private", **_declared(publication)}


def seen(publication: Publication, before: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The status that was wished for; of what stands there `before`, what we know nothing of stays (an update replaces it all)."""
    kept: dict[str, Any] = {name: before[name] for name in ("embeddable", "license", "publicStatsViewable") if name in before}
    if publication.publish_at is None:
        return {**kept, **_declared(publication), "privacyStatus": publication.privacy}
    at = due(publication)
    if at <= now + ALREADY:
        return {**kept, **_declared(publication), "privacyStatus": "public"}
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**kept, **_declared(publication), "privacyStatus": "private", "publishAt": moment}


def tags(publication: Publication) -> Iterator[str]:
    """The marker, and as many of the tags as fit beside it."""
    chosen: list[str] = []
    for tag in dict.fromkeys((publication.marker, *(tag.strip() for tag in publication.tags))):
        if length_of((*chosen, tag)) > MOST_TAGS_CHARS:
            break
        chosen.append(tag)
    yield from chosen


def length_of(some: tuple[str, ...]) -> int:
    """The length of tags as YouTube counts it."""
    return sum(len(tag) + (2 if " " in tag else 0) for tag in some) + max(0, len(some) - 1)


def due(publication: Publication) -> datetime:
    """When it is to be seen; aware.  Only where `publish_at` is set."""
    if publication.publish_at is None:
        raise ValueError("publish_at")
    try:
        at = datetime.fromisoformat(publication.publish_at)
    except ValueError:
        at = datetime.min  # noqa: DTZ901 - refused right below
    if at.tzinfo is None:
        raise InvalidBrief("publish_at", ALLOWED["publish_at"], publication.publish_at)
    return at


def image_type(image: Path) -> str:
    """The media type of a thumbnail, by its first bytes.

    Raises:
        MediaError: it is missing, too large, or neither JPEG nor PNG.
    """
    try:
        size = image.stat().st_size
        with image.open("rb") as file:
            first = file.read(16)
    except OSError as error:
        raise _missing(image, "thumbnail") from error
    kind = next((kind for magic, kind in IMAGES.items() if first.startswith(magic)), None)
    if kind is None or size > MOST_THUMBNAIL_BYTES:
        raise MediaError(
            Text(
                f"縮圖 {image.name} 不正確：允許的是 50 MB 以內的 JPEG 或 PNG；收到的是 {size:,} 位元組，開頭 {first[:8].hex()}",
                f"the thumbnail {image.name} is not valid: allowed is a JPEG or PNG of at most 50 MB; given were {size:,} bytes that begin with {first[:8].hex()}",
            ),
            Text("用 reelqueue retry --from thumbnail 重新製作", "make it anew with reelqueue retry --from thumbnail"),
        )
    return kind


def _declared(publication: Publication) -> dict[str, Any]:
    return {
        "selfDeclaredMadeForKids": publication.made_for_kids,
        "containsSyntheticMedia": publication.synthetic_media,
    }


def _check_words(where: str, title: str, description: str) -> None:
    if not title.strip() or len(title) > MOST_TITLE_CHARS:
        raise InvalidBrief(f"{where}title", _TITLE, _characters(len(title)))
    if _angled(title):
        raise InvalidBrief(f"{where}title", _TITLE, title)
    size = len(description.encode())
    if size > MOST_DESCRIPTION_BYTES:
        raise InvalidBrief(f"{where}description", _DESCRIPTION, str(Text(f"{size:,} 位元組", f"{size:,} bytes")))
    if _angled(description):
        at = min(description.index(sign) for sign in "<>" if sign in description)
        raise InvalidBrief(f"{where}description", _DESCRIPTION, description[max(0, at - 20) : at + 20])


def _check_video(video: Path) -> None:
    try:
        size = video.stat().st_size
    except OSError as error:
        raise _missing(video, "render") from error
    if not 0 < size <= MOST_VIDEO_BYTES:
        raise MediaError(
            Text(
                f"影片 {video.name} 不正確：允許的是 1 位元組到 256 GB；收到的是 {size:,} 位元組",
                f"the video {video.name} is not valid: allowed is 1 byte to 256 GB; given were {size:,} bytes",
            ),
            Text("用 reelqueue retry --from render 重新製作", "make it anew with reelqueue retry --from render"),
        )


def _missing(path: Path, stage: str) -> MediaError:
    return MediaError(
        Text(f"找不到要發布的檔案 {path.name}", f"{path.name}, which is to be published, is missing"),
        Text(f"用 reelqueue retry --from {stage} 重新製作", f"make it anew with reelqueue retry --from {stage}"),
    )


def _angled(text: str) -> bool:
    return "<" in text or ">" in text


def _characters(count: int) -> str:
    return str(Text(f"{count:,} 個字元", f"{count:,} characters"))
