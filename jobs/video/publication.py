"""What of a project is published, and how far that is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jobs.stages import StageInputs, StageRun
from jobs.video.script import read_script
from reelqueue import clock
from reelqueue.models.keys import piece_key
from reelqueue.models.project import Artifact, ProjectState, Upload
from reelqueue.models.stage import Stage
from reelqueue.providers.protocols import Publication
from reelqueue.wording import Text

DEFAULT_CATEGORY = 27
"""YouTube's "Education"."""
INTENT = "intent"
"""The first of the steps in the state: what was to be published when the marker was made."""
LOOKING = "looking"
"""Since when the video of a session that is gone is looked for on the channel; until the next session is in the state."""
LOOKING_BY = "looking_by"
"""The same by each machine's own clock since its start: `{since, boots: {boot: seconds}}`; one that has none yet begins to look."""
_FILES = {"video", "thumbnail", "captions"}
_OF_STEP = {"thumbnail": {"thumbnail"}, "captions": {"captions", "language"}, "playlist": {"playlist"}}
"""What a step's outcome hangs on, where that is not all that is said of the video."""


async def publication_of(run: StageRun) -> Publication:
    """What is published.  A moment of publication that has passed is none: it is published at once, with a warning.

    One of a calendar is booked before, or, where it can't be kept any more, the next one; without any left nobody sees the video.
    """
    kept = await booked(run)
    publication = await _publication(run, run.project)
    if not kept:
        run.warn(
            Text(
                "發布行事曆已經沒有時段：影片維持私人，請到 YouTube Studio 設定時間",
                "the publish calendar has no moment left: the video stays private; set a time in YouTube Studio",
            )
        )
        return publication.replace(publish_at=None, privacy="private")
    due = publication.publish_at
    if due is None or datetime.fromisoformat(due) > clock.now():
        return publication
    run.warn(Text(f"預定的時間 {due} 已過，直接公開", f"the time {due} has passed: published at once"))
    return publication.replace(publish_at=None, privacy="public")


async def _publication(given: StageInputs | StageRun, state: ProjectState) -> Publication:
    script, brief = await read_script(given), given.brief
    video = await given.blobs.fetch(video_file(state))
    thumbnail = await given.blobs.fetch(state.stages[Stage.THUMBNAIL].artifacts[0])
    captions = [await given.blobs.fetch(file) for file in state.stages[Stage.RENDER].artifacts[1:2]]
    return Publication(
        project_id=state.project_id,
        marker=upload_of(state).marker,
        title=script.metadata.title,
        description=script.metadata.description,
        tags=brief.tags or script.metadata.tags,
        language=script.language,
        privacy=brief.privacy,
        category_id=brief.category_id or DEFAULT_CATEGORY,
        made_for_kids=brief.made_for_kids,
        synthetic_media=brief.synthetic_media,
        video=str(video),
        thumbnail=str(thumbnail),
        captions=str(captions[0]) if captions else None,
        channel=given.choice.channel_of(state.brief).name,
        playlist=brief.playlist,
        publish_at=_moment(state),
        localizations=brief.localizations,
    )


async def booked(run: StageRun) -> bool:
    """See to it that its moment is one that can be kept; False where its calendar has none left."""
    upload = run.project.upload
    if upload is not None and upload.is_published:  # YouTube has it already
        return True
    moment = await run.moment()
    if moment is None:
        return True
    if moment.at != run.project.slot:
        await run.commit(lambda state: state.replace(slot=moment.at))
    return moment.at is not None


def _moment(state: ProjectState) -> str | None:
    """When it is to be seen: the brief's own wish, else what its batch's calendar gave it."""
    slot = state.slot.astimezone(UTC).isoformat(timespec="seconds") if state.slot is not None else None
    return state.brief.publish_at or slot


async def owed_publication(given: StageInputs) -> Publication:
    """What was published: for what its video is still owed."""
    return await _publication(given, given.project)


async def intent_of(run: StageRun) -> dict[str, Any]:
    """The file and the words that are to be published."""
    video, script = video_file(run.project), await read_script(run)
    return {"sha256": video.sha256, "bytes": video.bytes, "metadata": piece_key(script.metadata.model_dump(mode="json"))}


def inputs_of_step(name: str, publication: Publication, state: ProjectState) -> str:
    """The hash of what a step's outcome hangs on: files by content, where they lie is of no matter."""
    said = publication.model_dump(mode="json", exclude=_FILES, include=_OF_STEP.get(name))
    files = {"thumbnail": state.stages[Stage.THUMBNAIL].artifacts[:1], "captions": state.stages[Stage.RENDER].artifacts[1:2]}
    return piece_key({"said": said, "files": [file.sha256 for file in files.get(name, ())]})


def video_file(state: ProjectState) -> Artifact:
    """The finished video."""
    return state.stages[Stage.RENDER].artifacts[0]


def upload_of(state: ProjectState) -> Upload:
    """How far the publication is, of a project that has begun it."""
    if state.upload is None:
        raise AssertionError("the marker is committed before anything else")
    return state.upload


def with_upload(state: ProjectState, **changes: Any) -> ProjectState:
    """A copy in which the publication is changed."""
    return state.replace(upload=upload_of(state).replace(**changes))


def with_step(state: ProjectState, name: str, answer: Mapping[str, Any]) -> ProjectState:
    """A copy that keeps a step's answer."""
    return with_upload(state, steps={**upload_of(state).steps, name: dict(answer)})
