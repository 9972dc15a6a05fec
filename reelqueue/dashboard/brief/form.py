"""The form that makes a video: its fields as a brief, and what stands in it when it is shown again.  Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from reelqueue.models.brief import LOCAL_LANGUAGES, PROVIDERS, REVIEWS
from reelqueue.wording import Text, same

LANGUAGES = {"zh-TW": Text("繁體中文", "Traditional Chinese"), "en": Text("英文", "English")}
LENGTHS_S = {
    "": Text("由內容決定", "As the content asks"),
    "15": Text("15 秒", "15 seconds"),
    "30": Text("30 秒", "30 seconds"),
    "60": Text("1 分鐘", "1 minute"),
    "180": Text("3 分鐘", "3 minutes"),
    "300": Text("5 分鐘", "5 minutes"),
    "600": Text("10 分鐘", "10 minutes"),
    "1200": Text("20 分鐘", "20 minutes"),
    "1800": Text("30 分鐘", "30 minutes"),
}
ASPECTS = {"16:9": same("16:9"), "9:16": same("9:16"), "1:1": same("1:1")}
PRIVACY = {"private": Text("私人", "Private"), "unlisted": Text("不公開", "Unlisted"), "public": Text("公開", "Public")}
SUBTITLES = {
    "box": Text("底色框", "In a box"),
    "outline": Text("外框字", "Outlined"),
    "none": Text("不要燒在畫面上", "Not in the picture"),
}
REVIEWED = {
    "script": Text("腳本", "Script"),
    "assets": Text("素材", "Assets"),
    "render": Text("影片", "Video"),
    "thumbnail": Text("封面", "Thumbnail"),
    "final": Text("發布前", "Before publication"),
}
MAKERS = {
    "script": Text("腳本", "Script"),
    "image": Text("圖片", "Pictures"),
    "voice": Text("語音", "Voice"),
    "presenter": Text("主持人", "Presenter"),
    "publisher": Text("發布", "Publication"),
}
FILES = ("images_dir", "music", "logo")
TEXTS = ("topic", "content", "voice", "image_style", "negative_prompt", "playlist", *FILES)
"""Fields that are what was typed; nothing typed leaves the choice to us."""


class Filled(dict[str, Any]):
    """What stands in the form, by field; what is missing is empty."""

    def __missing__(self, name: str) -> str:
        return ""


def fresh(language: str, *, topic: str = "") -> Filled:
    """A form that nobody filled in yet; `language` is the installation's."""
    known = language if language in LOCAL_LANGUAGES else "zh-TW"
    return Filled(topic=topic, language=known, aspect="16:9", privacy="private", subtitle_style="box", presenter="1", review=[])


def filled(values: Mapping[str, str], review: list[str]) -> Filled:
    """What was sent, to stand there again."""
    return Filled(values, review=review)


def brief_data(form: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """The fields of a brief, as they were typed: `parse_brief` says what is wrong with them.  A moment is one of `zone`."""
    data: dict[str, Any] = {name: form[name] for name in TEXTS if form.get(name)}
    data |= {name: form[name] for name in ("language", "aspect", "privacy", "subtitle_style", "channel") if form.get(name)}
    data["presenter"] = bool(form.get("presenter"))
    if form.get("duration_s"):
        data["duration_s"] = _number(str(form["duration_s"]))
    if form.get("priority"):
        data["priority"] = _number(str(form["priority"]))
    if form.get("tags"):
        data["tags"] = tuple(
            tag.strip() for tag in str(form["tags"]).replace("，", ",").replace("、", ",").split(",") if tag.strip()
        )
    if form.get("review"):
        data["review"] = tuple(name for name in form["review"] if name in REVIEWS) or tuple(form["review"])
    if form.get("publish_at"):
        data["publish_at"] = _moment(str(form["publish_at"]), zone)
    makers = {kind: form[f"maker_{kind}"] for kind in PROVIDERS if form.get(f"maker_{kind}") not in {None, "", "auto"}}
    if makers:
        data["providers"] = makers
    return data


def _number(text: str) -> int | str:
    """A whole number where it is one; else the text, which is refused by its field's name."""
    whole = text.removeprefix("-")
    return int(text) if whole.isascii() and whole.isdigit() and len(whole) < 10 else text


def _moment(text: str, zone: ZoneInfo) -> str:
    """A browser's local time as a moment; what is none is refused by its field's name."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).isoformat(timespec="seconds")
