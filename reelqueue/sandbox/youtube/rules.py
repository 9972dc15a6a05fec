"""What YouTube holds metadata against: lengths, forbidden characters, what goes with what."""

from datetime import UTC, datetime
from typing import Any

from reelqueue.sandbox.youtube.wrong import Refused

TITLE_CHARACTERS = 100
DESCRIPTION_BYTES = 5000
TAGS_CHARACTERS = 500
PRIVACIES = frozenset({"private", "unlisted", "public"})
CATEGORIES = frozenset(str(one) for one in (1, 2, 10, *range(15, 31)) if one != 16)
USUAL_CATEGORY = "22"


def checked_snippet(snippet: Any, *, update: bool) -> dict[str, Any]:
    """A video's snippet as YouTube keeps it.

    An update must name title and category; a new video gets a title and a category where none was sent.

    Raises:
        Refused: names the property.
    """
    if not isinstance(snippet, dict):
        raise Refused("invalidVideoMetadata")
    kept = {
        name: snippet[name]
        for name in ("title", "description", "tags", "categoryId", "defaultLanguage", "defaultAudioLanguage")
        if snippet.get(name) not in (None, "", [])
    }
    title = kept.get("title")
    if title is None and not update and "title" not in snippet:
        kept["title"] = title = "unknown"
    if not isinstance(title, str) or not title.strip() or len(title) > TITLE_CHARACTERS or _angled(title):
        raise Refused("invalidTitle", location="body.snippet.title")
    description = kept.get("description", "")
    if not isinstance(description, str) or len(description.encode()) > DESCRIPTION_BYTES or _angled(description):
        raise Refused("invalidDescription", location="body.snippet.description")
    check_tags(kept.get("tags", []))
    if update and "categoryId" not in kept:
        raise Refused("invalidCategoryId", location="body.snippet.categoryId")
    if kept.setdefault("categoryId", USUAL_CATEGORY) not in CATEGORIES:
        raise Refused("invalidCategoryId", location="body.snippet.categoryId")
    return kept


def check_tags(tags: Any) -> None:
    """Hold tags against their length: characters, commas between them, and two for each tag with a space.

    Raises:
        Refused: they are too long, or no texts.
    """
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag.strip() and not _angled(tag) for tag in tags):
        raise Refused("invalidTags", location="body.snippet.tags")
    length = sum(len(tag) + (2 if " " in tag else 0) for tag in tags) + max(0, len(tags) - 1)
    if length > TAGS_CHARACTERS:
        raise Refused("invalidTags", location="body.snippet.tags")


def checked_status(status: Any) -> dict[str, Any]:
    """A video's status as YouTube keeps it: what was not sent has its default, a missing privacy means public.

    Raises:
        Refused: names the property.
    """
    if not isinstance(status, dict):
        raise Refused("invalidVideoMetadata")
    kept = {
        "privacyStatus": status.get("privacyStatus") or "public",
        "license": status.get("license") or "youtube",
        "embeddable": status.get("embeddable", True),
        "publicStatsViewable": status.get("publicStatsViewable", True),
    }
    for name in ("selfDeclaredMadeForKids", "containsSyntheticMedia", "publishAt"):
        if status.get(name) is not None:
            kept[name] = status[name]
    if kept["privacyStatus"] not in PRIVACIES:
        raise Refused("invalidVideoMetadata", "Invalid value for status.privacyStatus", location="body.status.privacyStatus")
    for name in ("selfDeclaredMadeForKids", "containsSyntheticMedia", "embeddable", "publicStatsViewable"):
        if not isinstance(kept.get(name, False), bool):
            raise Refused("invalidVideoMetadata", f"Invalid value for status.{name}", location=f"body.status.{name}")
    if "publishAt" in kept:
        kept["publishAt"] = _checked_time(kept["publishAt"])
        if kept["privacyStatus"] != "private":
            raise Refused("invalidPublishAt", location="body.status.publishAt")
    return kept


def checked_localizations(localizations: Any, snippet: dict[str, Any]) -> dict[str, Any]:
    """Titles and descriptions in other languages; they need the snippet's own `defaultLanguage`.

    Raises:
        Refused: names what is wrong.
    """
    if not isinstance(localizations, dict):
        raise Refused("invalidVideoMetadata")
    if localizations and "defaultLanguage" not in snippet:
        raise Refused("defaultLanguageNotSetError")
    for one in localizations.values():
        title, description = one.get("title", ""), one.get("description", "")
        if not title or len(title) > TITLE_CHARACTERS or _angled(title):
            raise Refused("invalidTitle", location="body.localizations")
        if len(description.encode()) > DESCRIPTION_BYTES or _angled(description):
            raise Refused("invalidDescription", location="body.localizations")
    return localizations


def _checked_time(value: Any) -> str:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Refused("invalidPublishAt", location="body.status.publishAt") from error
    if at.tzinfo is None:
        raise Refused("invalidPublishAt", location="body.status.publishAt")
    return at.astimezone(UTC).isoformat()


def _angled(text: str) -> bool:
    return "<" in text or ">" in text
