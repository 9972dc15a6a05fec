"""Before a video goes to a channel: whether the channel had one like it.

YouTube takes channels of near-duplicates for inauthentic.  A video that will be seen waits for a person, who is told what it looks
like and by how much; one that nobody sees is only warned about.  His approval holds for what he saw: what is made otherwise
since is looked at anew.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from jobs.acts import ALIKE, CONTENT, PASSED
from jobs.guard import told_in
from jobs.stages import StageRun
from jobs.video.assets import read_assets
from jobs.video.publication import video_file
from jobs.video.script import read_script
from reelqueue import clock
from reelqueue.errors import MediaError, Parked
from reelqueue.models.keys import piece_key
from reelqueue.models.likeness import Likeness
from reelqueue.models.script import Script
from reelqueue.models.stage import Stage
from reelqueue.wording import Text

if TYPE_CHECKING:
    from jobs.likes import Alike

GUARDED = "youtube"
"""The publisher whose channels are looked at: our own library is nobody's channel."""
MOST_PICTURES = 24
"""Of a video, spread evenly: a mark takes 20 ms."""


class LooksAlike(Parked):
    """The video looks like one that its channel has: a person decides."""

    code = "waiting"
    status = "waiting_review"


async def look_for_likes(run: StageRun) -> None:
    """Look before the upload begins, and write the video down in its channel's history.

    Raises:
        LooksAlike: it will be seen, and nobody approved it yet.
    """
    if run.guard is None or run.providers.publisher.name != GUARDED:
        return
    channel, number = run.choice.channel_of(run.project.brief).name, run.project.project_id
    script = await read_script(run)
    content = _content(run, script)
    known = await run.guard.history.of(channel, number)
    if known is not None and known.content == content:
        return  # whoever came after it saw it
    mine = await _likeness(run, script, content)
    kept = run.project.stages[Stage.UPLOAD].result or {}
    anyway = kept.get(PASSED) == content or not _will_be_seen(run)
    found = await run.guard.look(channel, mine, anyway=anyway)
    if not found or kept.get(PASSED) == content:
        return
    if anyway:
        run.warn(Text(f"看起來很像：{_named(found).zh}", f"it looks like: {_named(found).en}"))
        return
    told = {ALIKE: [_told(one) for one in found], CONTENT: content}
    await run.commit(lambda state: state.with_stage(Stage.UPLOAD, result=told))
    raise LooksAlike(
        Text(
            f"看起來很像這個頻道的其他影片：{_named(found).zh}", f"it looks like other videos of its channel: {_named(found).en}"
        ),
        Text(
            f"確定要發布：reelqueue approve {number}；要修改：reelqueue edit {number}；不再比對：VARIATION_GUARD=false",
            f"to publish it all the same: reelqueue approve {number}; to change it: reelqueue edit {number}; to look no more: VARIATION_GUARD=false",
        ),
    )


async def note_published(run: StageRun, video_id: str) -> None:
    """The video is on the channel: it stays in the history when its project is gone."""
    if run.guard is None or run.providers.publisher.name != GUARDED:
        return
    channel = run.choice.channel_of(run.project.brief).name
    known = await run.guard.history.of(channel, run.project.project_id)
    if known is not None and known.video_id != video_id:
        await run.guard.history.note(channel, known.replace(video_id=video_id), lambda _: (), anyway=True)


async def _likeness(run: StageRun, script: Script, content: str) -> Likeness:
    from jobs.likes import sketch_of  # noqa: PLC0415 - as above

    return Likeness(
        project_id=run.project.project_id,
        title=script.metadata.title,
        script=await asyncio.to_thread(sketch_of, told_in(script)),
        pictures=await _marks(run),
        content=content,
        at=clock.now(),
    )


async def _marks(run: StageRun) -> tuple[str, ...]:
    """The marks of its pictures; none where they can't be had: a look that sees less stops nobody."""
    from reelqueue.media.marks import ChildFailed, marks_of  # noqa: PLC0415 - as above

    try:
        parts = (await read_assets(run)).parts
        pictures = list(
            {part.shown.picture.sha256: part.shown.picture for part in parts if part.shown.picture is not None}.values()
        )
        return await marks_of([await run.blobs.fetch(picture) for picture in _spread(pictures)])
    except (MediaError, ChildFailed, ValueError, IndexError):
        return ()


def _spread(pictures: list[Any]) -> list[Any]:
    count = min(len(pictures), MOST_PICTURES)
    return [pictures[at * len(pictures) // count] for at in range(count)]


def _content(run: StageRun, script: Script) -> str:
    """The hash of what is looked at: the video, and what is said of it."""
    return piece_key({"video": video_file(run.project).sha256, "metadata": script.metadata.model_dump(mode="json")})


def _will_be_seen(run: StageRun) -> bool:
    brief = run.brief
    return brief.privacy == "public" or brief.publish_at is not None or run.project.slot is not None


def _told(one: "Alike") -> dict[str, Any]:
    """For the state: enough to be shown, and small."""
    shares = {name: round(share, 2) for name, share in _shares(one) if share}
    return {"project_id": one.video.project_id, "video_id": one.video.video_id, "title": one.video.title, **shares}


def _shares(one: "Alike") -> Iterable[tuple[str, float]]:
    return (("title_alike", one.title), ("script_alike", one.script), ("pictures_alike", one.pictures))


def _named(found: "Iterable[Alike]") -> Text:
    words = {
        "title_alike": Text("標題", "title"),
        "script_alike": Text("腳本", "script"),
        "pictures_alike": Text("圖片", "pictures"),
    }
    said = [
        (
            one.video,
            [Text(f"{words[name].zh} {share:.0%}", f"{words[name].en} {share:.0%}") for name, share in _shares(one) if share],
        )
        for one in found
    ]
    return Text(
        "、".join(f"專案 {video.project_id}「{video.title}」（{'，'.join(how.zh for how in hows)}）" for video, hows in said),
        ", ".join(f"project {video.project_id} {video.title!r} ({', '.join(how.en for how in hows)})" for video, hows in said),
    )
