"""Old folder -> plan.  Reads and probes; changes nothing, here or there."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jobs.importing.files import look_for_files
from jobs.importing.plan import Accepted, OldFiles, Outcome, Plan, Workshop
from reelqueue.errors import Conflict, InvalidSettings, ReelqueueError
from reelqueue.models.brief import LOCAL_LANGUAGES, MAX_CONTENT_CHARS, MAX_TOPIC_CHARS, Brief, parse_brief
from reelqueue.models.old_state import NotAnOldState, OldProject, Reached, read_old_state
from reelqueue.models.script import Script
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import Text
from storage import Blobs
from storage.old_folders import OldFolder, OldFolderRefused, find_old_folders

RECORD = "imported.json"
"""In a project's folder: where it was taken over from, and the sha256 that its old state had."""


async def look_at_all(shop: Workshop, root: Path, others: Sequence[Path] = (), *, renumber: bool = False) -> list[Plan]:
    """A plan for every old project below `root`.

    Args:
        shop: what an import works with.
        root: the old system's folder, or one project's.
        others: more folders with files that the states name.
        renumber: whether one whose id is taken, or is none, gets the next free one.

    Raises:
        InvalidBrief: there is no such folder, or no project in it.
    """
    folders = await asyncio.to_thread(find_old_folders, root, others)
    times = Counter(folder.number for folder in folders)
    plans = []
    for folder in folders:
        twice = folder.number is not None and times[folder.number] > 1
        try:
            if twice:
                raise _twice(folder, [other.path for other in folders if other.number == folder.number])
            plans.append(await _look(shop, folder, renumber=renumber))
        except ReelqueueError as error:
            plans.append(Plan(folder, Outcome.REFUSED, error=error))
    return plans


async def _look(shop: Workshop, folder: OldFolder, *, renumber: bool) -> Plan:
    data, sha256 = await asyncio.to_thread(folder.read)
    try:
        old = read_old_state(data, language=shop.language, seconds=shop.seconds)
    except NotAnOldState as error:
        where = folder.state
        raise OldFolderRefused(Text(f"{where}：{error.why.zh}", f"{where}: {error.why.en}"), error.hint) from None
    if folder.path.resolve().is_relative_to(shop.paths.projects):
        raise InvalidSettings(
            "DATA_DIR", Text("一個自己的資料夾，不是舊系統的", "a folder of its own, not the old system's"), str(folder.path)
        )
    identity = _identity(folder, old, sha256)
    known = await shop.projects.adopted(identity)
    if known is not None:
        return Plan(folder, Outcome.PRESENT, project_id=known, notes=await _changed_since(shop, known, sha256))
    number = await _number(shop, folder, old, renumber=renumber)
    files, of_files = await look_for_files(folder, old)
    accepted = _accepted(folder, old, files, identity, sha256)
    notes = (*old.notes, *of_files, *_of_the_whole(shop, accepted))
    return Plan(folder, Outcome.NEW, project_id=number, notes=notes, accepted=accepted)


def _accepted(folder: OldFolder, old: OldProject, files: OldFiles, identity: str, sha256: str) -> Accepted:
    script = _script_to_keep(old, files)
    if script is None and files.video is not None and old.video_id is None:
        raise OldFolderRefused(
            Text(f"{folder.path} 有完成的影片，但沒有腳本，不知道標題與說明", f"{folder.path} has a finished video but no script: its title and description are not known"),
            Text("請自行上傳這支影片，或從備份還原狀態檔裡的 script", "upload that video by hand, or restore the state's script from a backup"),
        )  # fmt: skip
    status = _status(old)
    return Accepted(
        old=old,
        identity=identity,
        sha256=sha256,
        brief=_brief(folder, old),
        script=script,
        files=files,
        status=status,
        next_stage=None if status is ProjectStatus.COMPLETED else _next_stage(script, files),
    )


def _script_to_keep(old: OldProject, files: OldFiles) -> Script | None:
    """The old script, where it can be spoken, or has a video already."""
    if old.script is None:
        return None
    made = files.video is not None or old.video_id is not None
    return old.script.script if old.script.is_speakable or made else None


def _status(old: OldProject) -> ProjectStatus:
    if old.video_id is not None:
        return ProjectStatus.COMPLETED
    unknown = old.reached is Reached.COMPLETED or old.is_uploading
    return ProjectStatus.NEEDS_PERSON if unknown else ProjectStatus.CREATED


def _next_stage(script: Script | None, files: OldFiles) -> Stage:
    if script is None:
        return Stage.SCRIPT
    if files.video is None:
        return Stage.ASSETS
    return Stage.THUMBNAIL if files.thumbnail is None else Stage.UPLOAD


def _brief(folder: OldFolder, old: OldProject) -> Brief:
    """What the project is made from: its old script's own words, so that a new script would be told in them."""
    if old.script is not None:
        title, text, language = old.script.script.metadata.title, old.script.text, old.script.script.language
        fields = {"topic": title, "content": text if len(text) <= MAX_CONTENT_CHARS else None}
        return parse_brief(fields | {"language": language if language in LOCAL_LANGUAGES else None})
    topic = (old.source_topic or "")[:MAX_TOPIC_CHARS] or None
    if topic is None and old.source_text is None:
        if old.video_id is None:
            raise OldFolderRefused(
                Text(f"{folder.path} 沒有腳本，也沒有可以寫成腳本的文字", f"{folder.path} has no script, and no text to write one from"),
                Text("用 reelqueue new --from 文字檔 建立新專案", "make a new project of its text with reelqueue new --from"),
            )  # fmt: skip
        topic = f"YouTube {old.video_id}"[:MAX_TOPIC_CHARS]
    return parse_brief({"topic": topic, "content": old.source_text})


def _of_the_whole(shop: Workshop, accepted: Accepted) -> list[Text]:
    """What has to be said of the project as a whole."""
    old, notes = accepted.old, list[Text]()
    if old.script is not None and accepted.script is None:
        notes.append(
            Text(
                "段落太少，腳本會用它自己的文字重新寫",
                "too few to be kept as it is: the script is written anew from its own words",
            )
        )
    if accepted.script is None and old.script is None and accepted.status is not ProjectStatus.COMPLETED:
        notes.append(Text("沒有腳本：從它的文字重新寫", "there is no script: one is written from its text"))
    if accepted.status is ProjectStatus.NEEDS_PERSON:
        notes.append(wait_for_a_person(old))
    elif accepted.next_stage is Stage.UPLOAD and old.reached is Reached.THUMBNAIL:
        notes.append(Text(
            "舊系統停在上傳之前或上傳途中：若頻道上已有這支影片，請用 reelqueue cancel 取消，不要開始", "the old system stopped before its upload, or within it: if the channel has the video already, reelqueue cancel it and don't start it"
        ))  # fmt: skip
    if old.video_id is not None and old.reached is not Reached.COMPLETED:
        notes.append(
            Text(f"已有影片 {old.video_id}：視為完成", f"it has the video {old.video_id} already: it counts as completed")
        )
    if accepted.next_stage is Stage.ASSETS and accepted.script is not None:
        notes += _without_a_voice(shop, accepted.script)
    return notes


def wait_for_a_person(old: OldProject) -> Text:
    """What a person has to find out, where the old system does not say whether it published."""
    if old.reached is Reached.COMPLETED:
        why = Text("舊系統說已完成，卻沒有影片編號", "the old system says that it is completed, and names no video")
    else:
        why = Text("舊系統在上傳途中停止", "the old system stopped in the middle of its upload")
    return Text(
        f"{why.zh}：請看頻道上有沒有這支影片，沒有就用 reelqueue retry 繼續，有就用 reelqueue cancel",
        f"{why.en}: look whether the channel has it; if not, reelqueue retry goes on, if it has, reelqueue cancel",
    )


def _without_a_voice(shop: Workshop, script: Script) -> list[Text]:
    try:
        shop.providers.voice.check(script.language, None)
    except ReelqueueError as error:
        return [error.text]
    return []


async def _number(shop: Workshop, folder: OldFolder, old: OldProject, *, renumber: bool) -> int | None:
    """The id that it keeps; None where it gets a new one.

    Raises:
        OldFolderRefused: it has none, or two.  Conflict: its id is taken.
    """
    said, named = old.project_id, folder.number
    if said is not None and named is not None and said != named:
        raise OldFolderRefused(
            Text(f"{folder.path} 的狀態檔說它是專案 {said}", f"the state in {folder.path} says that it is project {said}"),
            Text("請看哪一個編號才對，再把資料夾改成那個名字", "find out which id is right, and name the folder so"),
        )
    number = named if named is not None else said
    if number is None and not renumber:
        raise OldFolderRefused(
            Text(f"{folder.path} 的名字不是專案編號", f"the name of {folder.path} is no project's id"),
            Text("加上 --renumber 給它新的編號", "--renumber gives it a new id"),
        )
    if number is not None and not await shop.projects.is_free(number):
        if not renumber:
            raise Conflict(
                Text(f"{folder.path}：編號 {number} 在這裡已被使用", f"{folder.path}: the id {number} is taken here"),
                Text("加上 --renumber 給它新的編號，或先刪除佔用的專案", "--renumber gives it a new id"),
            )
        return None
    return number


def _identity(folder: OldFolder, old: OldProject, sha256: str) -> str:
    """The same for the same project, wherever it lies and however far it came: its id and its words."""
    words = old.script.text if old.script is not None else old.source_text or old.video_id or sha256
    number = folder.number or old.project_id or folder.path.name
    return f"{number!r} {hashlib.sha256(words.encode()).hexdigest()}"


async def _changed_since(shop: Workshop, number: int, sha256: str) -> tuple[Text, ...]:
    body = await Blobs(shop.paths.project(number).root).peek(RECORD)
    if body is None or json.loads(body).get("sha256") == sha256:
        return ()
    return (
        Text(
            f"匯入之後舊的狀態又變了，沒有再讀：若舊系統已經發布，請用 reelqueue cancel {number} 取消這裡的",
            f"the old state has changed since it was imported, and is not read again: if the old system published it, reelqueue cancel {number}",
        ),
    )


def _twice(folder: OldFolder, places: Sequence[Path]) -> OldFolderRefused:
    where = ", ".join(map(str, places))
    return OldFolderRefused(
        Text(f"編號 {folder.number} 有不只一個資料夾：{where}", f"the id {folder.number} has more than one folder: {where}"),
        Text("請單獨匯入正確的那一個：reelqueue import 資料夾", "import the right one alone: reelqueue import FOLDER"),
    )
