"""The script of a project: read, priced as somebody wants it, and changed.  The files first, the state last.

The new script lies under its own hash before the state names it: whoever dies on the way leaves the old script, or the new one,
whole.  `script.json` is a copy for people, which the next stage writes again where it is missing.
"""

import asyncio
import hashlib
from dataclasses import dataclass

from pydantic import ValidationError

from jobs import acts
from jobs.editing.ahead import Ahead, look_ahead
from jobs.editing.reading import read_edit
from jobs.estimate import Estimate
from jobs.stages import imported_fingerprint
from jobs.video.screenplay import style_of
from jobs.video.script import SCRIPT_FILE
from reelqueue import failpoints
from reelqueue.errors import MediaError
from reelqueue.models.keys import KEY_CHARS
from reelqueue.models.manifest import AssetsManifest
from reelqueue.models.project import Artifact, ProjectState
from reelqueue.models.script import Script
from reelqueue.models.stage import Stage
from reelqueue.providers.protocols import Choice
from reelqueue.providers.registry import estimated_seconds
from storage import Blobs, ProjectStore


@dataclass(frozen=True, slots=True)
class Opened:
    """A project whose script may be edited, its script, and what that lies in."""

    state: ProjectState
    script: Script
    artifact: Artifact

    @property
    def seen(self) -> str:
        """Which script it is: an edit of another one is a `Conflict`."""
        return self.artifact.sha256


async def open_script(projects: ProjectStore, project_id: object) -> Opened:
    """The script of a project.

    Raises:
        ProjectNotFound.  WrongState: it has none yet.  MediaError: the file is not what the state says.
    """
    state = await projects.load(project_id)
    artifact = acts.script_of(state)
    body = await _blobs(projects, state).read(artifact)
    return Opened(state, Script.model_validate_json(body), artifact)


async def edit_of(projects: ProjectStore, opened: Opened, raw: object) -> Script:
    """The script that somebody wants instead; the same one where nothing in it is another.

    Raises:
        WrongState: it can't be edited now.  InvalidBrief: names the field.
    """
    acts.refuse_edit(opened.state)
    before = opened.script
    after = await asyncio.to_thread(read_edit, raw, before, seconds=estimated_seconds)  # the first time loads a word list
    if (after.texts, after.segments, after.metadata) == (before.texts, before.segments, before.metadata):
        return before
    assets = opened.state.stages[Stage.ASSETS]
    if assets.started_at is not None and after.metadata.title != before.metadata.title:
        after = after.replace(first_title=before.title_of_pieces)
    if after.look is None and assets.artifacts:
        after = after.replace(look=await _look_of(_blobs(projects, opened.state), assets.artifacts[0]))
    return after


async def ahead_of(projects: ProjectStore, choice: Choice, state: ProjectState, script: Script) -> tuple[Ahead, Estimate]:
    """What of this script has to be made, and what that costs at most.

    Raises:
        InvalidBrief, InvalidSettings: who shall make it is not set up.
    """
    providers = choice.chosen(state.brief)
    ahead = await look_ahead(script, choice.filled(state.brief), providers, projects.paths.project(state.project_id).root)
    return ahead, ahead.price(providers)


async def keep_edit(projects: ProjectStore, opened: Opened, script: Script, *, seen: str, approve: bool) -> ProjectState:
    """Put a script in the place of the one that was `seen`; `approve`: where its review is waited for, that too.

    Raises:
        WrongState: it runs, or is published.  Conflict: another edit came first.  Nothing was changed.
    """
    blobs = _blobs(projects, opened.state)
    body = script.model_dump_json(indent=1).encode()
    artifact = await blobs.write(f"script/{hashlib.sha256(body).hexdigest()[:KEY_CHARS]}.json", body)
    fingerprint = imported_fingerprint(opened.state.with_stage(Stage.SCRIPT, artifacts=(artifact,)), Stage.SCRIPT)
    change = acts.edited(artifact, fingerprint, seen=seen, approve=approve)
    await failpoints.reach("edit.written")
    state = await projects.change(opened.state.project_id, change)
    await failpoints.reach("edit.committed")
    await blobs.write(SCRIPT_FILE, body)
    return state


async def _look_of(blobs: Blobs, manifest: Artifact) -> dict[str, str] | None:
    """The style that scenes were drawn in; None where that can't be known any more, and they have to be drawn again anyway."""
    try:
        assets = AssetsManifest.model_validate_json(await blobs.read(manifest))
    except (MediaError, ValidationError):
        return None
    return style_of(assets).model_dump(mode="json")


def _blobs(projects: ProjectStore, state: ProjectState) -> Blobs:
    return Blobs(projects.paths.project(state.project_id).root)
