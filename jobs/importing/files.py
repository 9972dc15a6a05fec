"""Which of an old project's files are good enough to be used: each is looked at, none is believed."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jobs.importing.plan import OldFiles
from reelqueue.errors import InvalidBrief, MediaError
from reelqueue.media.image import SUFFIXES, Ingested, ingest
from reelqueue.media.probe import probe_apart
from reelqueue.media.still import MOST_BYTES
from reelqueue.models.media import MediaInfo
from reelqueue.models.old_script import OldScript
from reelqueue.models.old_state import OldPicture, OldProject, Reached, number_of_file
from reelqueue.wording import Text
from storage.old_folders import OldFolder, OldFolderRefused

SHORTEST_VIDEO_S = 1.0
LEEWAY_S, LEEWAY_SHARE = 2.0, 0.05
"""By how much a whole video's picture and sound may differ in length: more, and it was cut."""
MOST_CAPTIONS_BYTES = 2_000_000
PICTURES_AT_ONCE = 2
_JPEG = b"\xff\xd8\xff"
Notes = list[Text]


async def look_for_files(folder: OldFolder, old: OldProject) -> tuple[OldFiles, Notes]:
    """What can be used of the files that the state names, and what has to be said of the rest."""
    notes: Notes = []
    video = await _video(folder, old, notes)
    thumbnail = await _thumbnail(folder, old, notes)
    if video is not None or old.video_id is not None:
        captions = _captions(folder, video[0], notes) if video is not None else None
        return OldFiles(
            video=video[0] if video else None,
            info=video[1] if video else None,
            captions=captions,
            thumbnail=thumbnail[0] if thumbnail else None,
            thumbnail_size=thumbnail[1] if thumbnail else (0, 0),
        ), notes
    if thumbnail is not None:
        notes.append(
            Text("沒有影片，縮圖會和新的畫面一起重畫", "without its video the thumbnail is drawn anew, from the new scenes")
        )
    pictures = await _pictures(folder, old, notes)
    _note_unused(old, notes)
    return OldFiles(pictures=pictures), notes


async def _video(folder: OldFolder, old: OldProject, notes: Notes) -> tuple[Path, MediaInfo] | None:
    if old.reached < Reached.VIDEO:
        return None
    path = _found(folder, old.video or "output/final_video.mp4", notes)
    if path is None:
        if old.video_id is None:
            notes.append(Text(
                f"狀態說影片已完成，但找不到 {old.video or 'output/final_video.mp4'}：重新合成", f"the state says that the video is rendered, but {old.video or 'output/final_video.mp4'} is not there: it is rendered again"
            ))  # fmt: skip
        return None
    try:
        info = await probe_apart(path)
    except MediaError as error:
        notes.append(Text(f"{error.text.zh}：重新合成", f"{error.text.en}: it is rendered again"))
        return None
    if (why := _not_whole(info)) is not None:
        notes.append(Text(f"{path} {why.zh}：重新合成", f"{path} {why.en}: it is rendered again"))
        return None
    if old.video_seconds is not None and abs(old.video_seconds - info.duration_s) > _leeway(old.video_seconds):
        notes.append(Text(
            f"狀態說影片 {old.video_seconds:g} 秒，實際是 {info.duration_s:.1f} 秒", f"the state says {old.video_seconds:g} s for the video, it has {info.duration_s:.1f}"
        ))  # fmt: skip
    return path, info


def _not_whole(info: MediaInfo) -> Text | None:
    if not info.video_codec or not info.audio_codec:
        return Text("沒有畫面或沒有聲音", "has no picture, or no sound")
    if info.duration_s < SHORTEST_VIDEO_S:
        return Text("幾乎沒有內容", "is almost empty")
    if abs(info.video_duration_s - info.audio_duration_s) > _leeway(info.duration_s):
        return Text("畫面與聲音長度不同，可能被截斷", "has picture and sound of different lengths: it may have been cut short")
    return None


def _leeway(seconds: float) -> float:
    return max(LEEWAY_S, LEEWAY_SHARE * seconds)


def _captions(folder: OldFolder, video: Path, notes: Notes) -> Path | None:
    """Subtitles as a file, beside the video; the old system burned its own into the picture."""
    beside = video.with_suffix(".srt")
    for path in (*([beside] if beside.is_file() else []), *folder.files_in("output", frozenset({".srt"}))):
        if _found(folder, str(path), notes) is not None and path.stat().st_size <= MOST_CAPTIONS_BYTES:
            return path
    notes.append(Text("沒有字幕檔：發布時不附字幕", "there is no file of captions: it is published without one"))
    return None


async def _thumbnail(folder: OldFolder, old: OldProject, notes: Notes) -> tuple[Path, tuple[int, int]] | None:
    if old.reached < Reached.THUMBNAIL:
        return None
    path = _found(folder, old.thumbnail or "output/thumbnail.jpg", notes)
    if path is None:
        if old.video_id is None:
            notes.append(
                Text(
                    "狀態說縮圖已完成，但找不到檔案：重新畫",
                    "the state says that the thumbnail is made, but it is not there: it is drawn again",
                )
            )
        return None
    with path.open("rb") as file:
        is_jpeg = file.read(len(_JPEG)) == _JPEG
    picture = await _picture(path) if is_jpeg and path.stat().st_size <= MOST_BYTES else None
    if not isinstance(picture, Ingested):
        notes.append(
            Text(
                f"{path} 不是 2 MB 以內的 JPEG 圖片：重新畫縮圖",
                f"{path} is no JPEG of at most 2 MB: the thumbnail is drawn again",
            )
        )
        return None
    return path, (picture.width, picture.height)


async def _pictures(folder: OldFolder, old: OldProject, notes: Notes) -> dict[int, Path]:
    """Our segments' pictures by their indices; only those of a script that is kept."""
    script = old.script
    if script is None or not script.is_speakable:
        return {}
    named, missing = _named(folder, old, notes)
    places = asyncio.Semaphore(PICTURES_AT_ONCE)

    async def why_not(path: Path) -> InvalidBrief | None:
        async with places:
            found = await _picture(path)
            return found if isinstance(found, InvalidBrief) else None

    looked = await asyncio.gather(*(why_not(path) for path, _ in named))
    good: list[tuple[Path, int | None]] = []
    for (path, place), refused in zip(named, looked, strict=True):
        if refused is None:
            good.append((path, place))
        else:
            notes.append(
                Text(
                    f"{path} 不能使用，重新畫（{refused.text.zh}）",
                    f"{path} can't be used and is drawn again ({refused.text.en})",
                )
            )
    if missing:
        notes.append(Text(f"{missing} 張圖片找不到，重新畫", f"{missing} pictures are not there: they are drawn again"))
    placed = _placed(good, script, total=len(named) + missing, notes=notes)
    if placed:
        notes.append(Text(f"沿用 {len(placed)} 張圖片", f"{len(placed)} pictures are used again"))
    return placed


async def _picture(path: Path) -> Ingested | InvalidBrief:
    """What the picture is, decoded once in a child below limits; or why it can't be."""
    with tempfile.TemporaryDirectory(prefix="reelqueue-import-") as folder:
        try:
            return await ingest(path, Path(folder, "picture"))
        except InvalidBrief as refused:
            return refused


def _named(folder: OldFolder, old: OldProject, notes: Notes) -> tuple[list[tuple[Path, int | None]], int]:
    """The pictures that are there, each with its old segment's place, and how many are not.

    A state that came no further than its script names none, though some may have been made: then the folder tells.
    """
    listed: Sequence[OldPicture] = old.pictures
    if not listed:
        files = folder.files_in("images", SUFFIXES)
        numbers = [number_of_file(path.name) for path in files]
        first = 0 if 0 in numbers else 1
        return [(path, None if number is None else number - first) for path, number in zip(files, numbers, strict=True)], 0
    found = [(_found(folder, picture.path, notes), picture.segment) for picture in listed]
    return [(path, place) for path, place in found if path is not None], sum(path is None for path, _ in found)


def _placed(good: list[tuple[Path, int | None]], script: OldScript, *, total: int, notes: Notes) -> dict[int, Path]:
    """Each picture at its segment: by the number it bears, by the order of a whole list; else spread evenly."""
    middle = len(script.sources)
    numbers = [place for _, place in good if place is not None]
    numbered = len(numbers) == len(good) and len(set(numbers)) == len(numbers) and all(place < script.count for place in numbers)
    of_middle_only = total == middle and (not numbers or max(numbers) < middle)
    if numbered:
        by_place = {place: path for path, place in good if place is not None}
    elif len(good) == total and total in {middle, script.count}:
        by_place = dict(enumerate(path for path, _ in good))
    else:
        if good:
            notes.append(Text("看不出圖片屬於哪一段：平均分配", "the pictures don't say whose they are: they are spread evenly"))
        kept = [path for path, _ in good][:middle]
        return {i * middle // len(kept): path for i, path in enumerate(kept)}
    if of_middle_only:
        return {place: path for place, path in by_place.items() if place < middle}
    unused = len(by_place.keys() - set(script.sources))
    if unused:
        notes.append(Text(
            f"{unused} 張開場或結尾的圖片沒有使用：那裡畫的是標題與主持人", f"{unused} pictures of the opening or the closing are not used: the title and the presenter stand there"
        ))  # fmt: skip
    return {index: by_place[source] for index, source in enumerate(script.sources) if source in by_place}


def _note_unused(old: OldProject, notes: Notes) -> None:
    if old.sounds:
        notes.append(Text(
            f"{len(old.sounds)} 個語音檔沒有字詞時間，字幕對不上：語音重新生成", f"{len(old.sounds)} files of voice have no times of words for the subtitles: the voice is made again"
        ))  # fmt: skip
    if old.avatars:
        notes.append(Text(
            f"{len(old.avatars)} 段虛擬主播影片留在舊資料夾，目前不使用：主持人是畫出來的", f"{len(old.avatars)} avatar clips stay in the old folder and are not used yet: the presenter is drawn"
        ))  # fmt: skip


def _found(folder: OldFolder, named: str, notes: Notes) -> Path | None:
    try:
        return folder.find(named)
    except OldFolderRefused as error:
        notes.append(Text(f"{error.text.zh}（{error.hint_text.zh}）", f"{error.text.en} ({error.hint_text.en})"))
        return None
