"""A `project_state.json` of the Celery system that we replace, made into our words.  Pure: JSON data in, data out.

Its shape is flat and merged: `stage` (how far it came), and whatever the stages have left: `script`, `assets`,
`video_info`, `thumbnail_info`, `upload_result`, `last_updated`.  What it says of files is a claim: that system's render
and thumbnail once reported paths of files that were never made, so the caller looks at each.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import PurePosixPath
from typing import Any

from reelqueue.models.frozen import Frozen
from reelqueue.models.old_script import OldScript, read_script
from reelqueue.wording import Text

SegmentSeconds = Callable[[str, str], float]
"""How long a text takes in a language, in seconds: our own estimate."""


class NotAnOldState(Exception):
    """The data is no state of the old system.  `why` and `hint` are for people."""

    def __init__(self, why: Text, hint: Text) -> None:
        super().__init__(why.en)
        self.why = why
        self.hint = hint


class Reached(IntEnum):
    """How far the old system came, by its `stage`; 0 before its first."""

    NOTHING = 0
    SCRIPT = 1
    ASSETS = 2
    VIDEO = 3
    THUMBNAIL = 4
    COMPLETED = 5


_STAGES = {
    "script_generated": Reached.SCRIPT,
    "assets_generated": Reached.ASSETS,
    "video_rendered": Reached.VIDEO,
    "rendered": Reached.VIDEO,
    "thumbnail_generated": Reached.THUMBNAIL,
    "completed": Reached.COMPLETED,
}


_STATUSES = frozenset({
    "initialized", "script_generating", "assets_generating", "rendering", "thumbnail_generating", "uploading", "failed", "paused",
})  # fmt: skip
"""Words of a project's status, and of progress, that some states have as their `stage`; how far it came its results say."""
_INDICES = frozenset({"segment_index", "index"})
"""Fields that count from 0."""


class OldPicture(Frozen):
    """A picture that the state names; `segment` is the place of its segment among all of the script's, None: not said."""

    path: str
    segment: int | None = None


class OldProject(Frozen):
    """What an old state says, in our words.

    `project_id` is the state's own word, None where it has none.  Paths are as written there.  `notes` say what was
    not as it should be, and what is made of it.
    """

    reached: Reached
    project_id: int | None = None
    script: OldScript | None = None
    source_text: str | None = None
    source_topic: str | None = None
    pictures: tuple[OldPicture, ...] = ()
    sounds: tuple[str, ...] = ()
    avatars: tuple[str, ...] = ()
    video: str | None = None
    video_seconds: float | None = None
    thumbnail: str | None = None
    video_id: str | None = None
    video_url: str | None = None
    is_paused: bool = False
    is_uploading: bool = False
    updated_at: datetime | None = None
    notes: tuple[Text, ...] = ()


def read_old_state(data: Any, *, language: str, seconds: SegmentSeconds) -> OldProject:
    """An old state in our words.  `language` is the default for a script whose letters don't say theirs.

    Raises:
        NotAnOldState: it is none; says what it is instead, and what to do.
    """
    _refuse_what_is_none(data)
    notes: list[Text] = []
    script = read_script(data.get("script"), title=_title_beside(data), language=language, seconds=seconds)
    video, thumbnail = _mapping(data, "video_info"), _mapping(data, "thumbnail_info")
    upload = _mapping(data, "upload_result")
    reached = _reached(data, notes)
    said = {str(data.get(name) or "").lower() for name in ("status", "project_status", "stage")}
    _note_the_error(data, notes, failed="failed" in said)
    if "paused" in said:
        notes.append(Text(
            "舊系統把它暫停了：匯入後不會自動開始，用 reelqueue start 繼續", "the old system had paused it: it is not started by itself, reelqueue start goes on"
        ))  # fmt: skip
    assets = data.get("assets") if isinstance(data.get("assets"), Mapping) else {}
    return OldProject(
        reached=reached,
        project_id=_id(data.get("project_id")),
        script=script,
        source_text=_text(data, "source_text", "content", "input_text"),
        source_topic=_text(data, "topic", "project_name", "title"),
        pictures=tuple(_pictures(assets.get("images"))),
        sounds=tuple(path for path, _ in _files(assets.get("audio") or assets.get("audios"))),
        avatars=tuple(path for path, _ in _files(assets.get("avatars") or assets.get("avatar"))),
        video=_text(video, "video_path", "path"),
        video_seconds=_number(video.get("duration")),
        thumbnail=_text(thumbnail, "thumbnail_path", "path"),
        video_id=_text(upload, "video_id", "youtube_video_id", "id") or _text(data, "youtube_video_id", "video_id"),
        video_url=_text(upload, "video_url", "url"),
        is_paused="paused" in said,
        is_uploading="uploading" in said,
        updated_at=_moment(data.get("last_updated")),
        notes=(*notes, *(script.notes if script is not None else ())),
    )


def _refuse_what_is_none(data: Any) -> None:
    if not isinstance(data, Mapping):
        raise NotAnOldState(
            Text("內容不是一個 JSON 物件", "it holds no JSON object"),
            Text("請從備份還原這個檔案，或略過這個專案", "restore the file from a backup, or leave this project out"),
        )
    if "schema_version" in data and "stages" in data:
        raise NotAnOldState(
            Text("這已經是 reelqueue 自己的專案", "it is a project of reelqueue itself already"),
            Text("不需要匯入：把 DATA_DIR 設成它所在的資料夾", "nothing to import: set DATA_DIR to the folder that it lies in"),
        )
    if not {"stage", "script", "assets", "video_info", "thumbnail_info", "upload_result"} & data.keys():
        raise NotAnOldState(
            Text(
                "裡面沒有舊系統的任何欄位（stage、script、assets…）",
                "it has none of the old system's fields (stage, script, assets, ...)",
            ),
            Text("請確認這是 Celery 系統的專案資料夾", "see whether this is a project folder of the Celery system"),
        )


def _reached(data: Mapping[str, Any], notes: list[Text]) -> Reached:
    """What `stage` says; where that makes no sense, what the merged results say."""
    said = data.get("stage")
    if isinstance(said, str) and said.lower() in _STAGES:
        return _STAGES[said.lower()]
    for key, reached in (
        ("upload_result", Reached.COMPLETED), ("thumbnail_info", Reached.THUMBNAIL), ("video_info", Reached.VIDEO),
        ("assets", Reached.ASSETS), ("script", Reached.SCRIPT),
    ):  # fmt: skip
        if data.get(key):
            if said is not None and str(said).lower() not in _STATUSES:
                notes.append(Text(
                    f"不認得階段 {_short(said)}：以留下的結果為準", f"the stage {_short(said)} is not known: its results decide"
                ))  # fmt: skip
            return reached
    return Reached.NOTHING


def _note_the_error(data: Mapping[str, Any], notes: list[Text], *, failed: bool) -> None:
    found = data.get("error_info")
    words = _text(found, "last_error", "message") if isinstance(found, Mapping) else found if isinstance(found, str) else None
    if words or failed:
        why = _short(words) if words else Text("原因不明", "for an unknown reason")
        notes.append(Text(
            f"在舊系統裡失敗過（{why if isinstance(why, str) else why.zh}）：從完成的部分繼續",
            f"it had failed in the old system ({why if isinstance(why, str) else why.en}): it goes on from what is finished",
        ))  # fmt: skip


def _pictures(images: Any) -> Iterator[OldPicture]:
    found = list(_files(images))
    places = [place for _, place in found if place is not None]
    first = 0 if _is_indexed(images) or 0 in places else 1  # a number that is no index counts from 1
    for path, place in found:
        yield OldPicture(path=path, segment=None if place is None else place - first)


def _files(listed: Any) -> Iterator[tuple[str, int | None]]:
    """The paths of a list, or a mapping, of paths or of descriptions; each with its number where one is said."""
    if isinstance(listed, Mapping):
        alone = _path_of(listed)
        if alone is not None:
            yield alone, _place_of(listed)
            return
        items: list[tuple[Any, Any]] = list(listed.items())
    elif isinstance(listed, list):
        items = [(None, item) for item in listed]
    else:
        items = [(None, listed)]
    for name, item in items:
        path = item if isinstance(item, str) else _path_of(item) if isinstance(item, Mapping) else None
        if path:
            place = _place_of(item) if isinstance(item, Mapping) else None
            yield path, place if place is not None else _number_in(name)


def _path_of(item: Mapping[str, Any]) -> str | None:
    return _text(item, "path", "file_path", "image_path", "local_path", "video_path", "audio_path")


def _place_of(item: Mapping[str, Any]) -> int | None:
    for name in (*_INDICES, "segment", "order", "segment_id"):
        value = item.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10_000:
            return value
    return None


def _is_indexed(images: Any) -> bool:
    return isinstance(images, list) and any(isinstance(item, Mapping) and _INDICES & item.keys() for item in images)


def _number_in(name: Any) -> int | None:
    """The number in a mapping's key: "3", "segment_3"."""
    digits = re.findall(r"[0-9]{1,4}", name) if isinstance(name, str) else []
    return int(digits[-1]) if digits else None


def number_of_file(path: str) -> int | None:
    """The last number in a file's name, which in the old folders is its segment's; None where there is none."""
    return _number_in(PurePosixPath(path.replace("\\", "/")).stem)


def _title_beside(data: Mapping[str, Any]) -> str | None:
    return _text(data, "title", "project_name", "topic")


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(data: Any, *names: str) -> str | None:
    """The first of these fields that holds a text with something in it."""
    for name in names:
        value = data.get(name) if isinstance(data, Mapping) else None
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1_000_000
    return float(value) if good else None


def _id(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,15}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _moment(value: Any) -> datetime | None:
    """`last_updated`: the old system wrote UTC without saying so."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if found is None:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 200 else text[:199] + "…"
