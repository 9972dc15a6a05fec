"""Plan -> project: files copied aside, the state written as our own stages would have left it, adopted in one step.

A stage that was finished elsewhere bears a fingerprint of what it came with, so that it is not run again whatever becomes
of our makers.  Assets of a finished video were not made here: that stage is skipped, with a list of scenes without a voice.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs.importing.looking import RECORD, wait_for_a_person
from jobs.importing.plan import Accepted, Outcome, Plan, Workshop
from jobs.stages import imported_fingerprint
from jobs.video.assets import assets_manifest
from jobs.video.images import image_requests
from reelqueue import clock
from reelqueue.errors import DiskFull, ReelqueueError, StorageUnavailable
from reelqueue.models.brief import Brief
from reelqueue.models.keys import piece_key
from reelqueue.models.manifest import ShownPiece
from reelqueue.models.project import ELSEWHERE, Artifact, ProjectState, Upload, Wait
from reelqueue.models.script import Script
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Blobs, ProjectFiles
from storage.incoming import Incoming, open_incoming

_WATCH = "https://www.youtube.com/watch?v="
"""The old system published on YouTube only."""


async def take_over_all(shop: Workshop, plans: Sequence[Plan]) -> AsyncIterator[tuple[Plan, ProjectState | None]]:
    """Carry plans out, one after the other; each as it became, with the project's state (None: refused).

    Raises:
        Conflict: another import goes on.
        DiskFull, StorageUnavailable: those before are taken over, this one and the rest are not.
    """
    async with open_incoming(shop.paths) as incoming:
        for plan in plans:
            if plan.outcome is Outcome.PRESENT:
                yield plan, await shop.projects.load(plan.project_id)
            elif plan.accepted is None:
                yield plan, None
            else:
                yield await _taken(shop, plan, plan.accepted, incoming)


async def _taken(shop: Workshop, plan: Plan, accepted: Accepted, incoming: Incoming) -> tuple[Plan, ProjectState | None]:
    try:
        async with incoming.folder() as files:
            await incoming.room_for(accepted.files.all, spare_bytes=shop.spare_bytes)
            state = await _Taking(shop, plan, accepted, incoming, files).carry_out()
    except (DiskFull, StorageUnavailable):
        raise
    except ReelqueueError as error:  # its id was taken meanwhile, or it was deleted here before
        return replace(plan, outcome=Outcome.REFUSED, error=error), None
    return replace(plan, project_id=state.project_id), state


class _Taking:
    """One project on its way, in a folder that nobody else sees."""

    def __init__(self, shop: Workshop, plan: Plan, accepted: Accepted, incoming: Incoming, files: ProjectFiles) -> None:
        self._shop = shop
        self._plan = plan
        self._accepted = accepted
        self._incoming = incoming
        self._files = files
        self._blobs = Blobs(files.root)
        self._now = clock.now()

    async def carry_out(self) -> ProjectState:
        accepted = self._accepted
        state = ProjectState(project_id=1, brief=accepted.brief, created_at=self._now, updated_at=self._now)
        if accepted.script is not None:
            state = await self._with_script(state, accepted.script)
        if accepted.old.video_id is not None:
            state = await self._published(state, accepted.old.video_id)
        elif accepted.script is not None and accepted.files.video is not None:
            state = self._skipped(state, Stage.ASSETS, await self._scenes(state.brief, accepted.script))
            state = await self._with_video(state, accepted.files.video)
            if accepted.files.thumbnail is not None:
                state = await self._with_thumbnail(state, accepted.files.thumbnail)
        if accepted.status is ProjectStatus.NEEDS_PERSON:
            words = str(wait_for_a_person(accepted.old))
            state = state.replace(status=ProjectStatus.NEEDS_PERSON, wait=Wait(reason=words, what_to_do=words))
        await self._blobs.write(RECORD, self._record())
        return await self._shop.projects.adopt(
            self._files.root,
            accepted.identity,
            lambda number: _numbered(state, number, self._shop.paths.project(number)),
            project_id=self._plan.project_id,
        )

    async def _with_script(self, state: ProjectState, script: Script) -> ProjectState:
        pictures = {index: await self._picture(path) for index, path in self._accepted.files.pictures.items()}
        segments = [segment.replace(picture=pictures.get(segment.index)) for segment in script.segments]
        body = script.replace(segments=tuple(segments)).model_dump_json(indent=1).encode()
        artifact = await self._blobs.write("script.json", body)
        warnings = tuple(str(note) for note in self._plan.notes)
        return self._done(state, Stage.SCRIPT, (artifact,), {}, warnings=warnings)

    async def _published(self, state: ProjectState, video_id: str) -> ProjectState:
        """Published by the old system: whatever of its files is there is kept, nothing is ever run or published again."""
        files, old = self._accepted.files, self._accepted.old
        if self._accepted.script is None:
            state = self._skipped(state, Stage.SCRIPT)
        state = self._skipped(state, Stage.ASSETS)
        state = await self._with_video(state, files.video) if files.video else self._skipped(state, Stage.RENDER)
        thumbnail = files.thumbnail
        state = await self._with_thumbnail(state, thumbnail) if thumbnail else self._skipped(state, Stage.THUMBNAIL)
        url = old.video_url or _WATCH + video_id
        result = {"video_id": video_id, "video_url": url, "video_status": None}
        state = self._done(state, Stage.UPLOAD, (), result)
        steps = {ELSEWHERE: {"video_url": url, "source": str(self._plan.folder.path)}}
        upload = Upload(marker=f"elsewhere-{video_id}", video_id=video_id, steps=steps)
        return state.replace(status=ProjectStatus.COMPLETED, upload=upload)

    async def _with_video(self, state: ProjectState, video: Path) -> ProjectState:
        artifacts = [await self._copied(video, "output/final_video.mp4")]
        if self._accepted.files.captions is not None:
            artifacts.append(await self._copied(self._accepted.files.captions, "output/captions.srt"))
        info = self._accepted.files.info
        described = {} if info is None else {
            "duration": round(info.duration_s, 3), "resolution": f"{info.width}x{info.height}", "fps": round(info.fps, 3),
            "bytes": info.bytes, "video_codec": info.video_codec, "audio_codec": info.audio_codec,
        }  # fmt: skip
        return self._done(
            state, Stage.RENDER, tuple(artifacts), {"video_path": "", "video_info": {"video_path": "", **described}}
        )

    async def _with_thumbnail(self, state: ProjectState, thumbnail: Path) -> ProjectState:
        artifact = await self._copied(thumbnail, "output/thumbnail.jpg")
        width, height = self._accepted.files.thumbnail_size
        described = {"thumbnail_path": "", "resolution": f"{width}x{height}", "bytes": artifact.bytes}
        return self._done(state, Stage.THUMBNAIL, (artifact,), {"thumbnail_path": "", "thumbnail_info": described})

    async def _scenes(self, brief: Brief, script: Script) -> tuple[Artifact, ...]:
        """The scenes that a thumbnail is drawn from: the assets of a video that was taken over, without a voice."""
        maker, shown = self._shop.providers.stand_in, list[ShownPiece]()
        for request in image_requests(brief, script):
            key = piece_key({"request": request.model_dump(), "maker": [maker.name, maker.version]})
            shown.append(ShownPiece(key=key, scene=(await maker.make_image(request, self._files.images)).scene))
        manifest = assets_manifest(brief, script, [()] * len(shown), shown, [None] * len(shown))
        return (await self._blobs.write("assets/manifest.json", manifest.model_dump_json().encode()),)

    def _skipped(self, state: ProjectState, stage: Stage, artifacts: tuple[Artifact, ...] = ()) -> ProjectState:
        return self._done(state, stage, artifacts, {}, status=StageStatus.SKIPPED)

    def _done(
        self,
        state: ProjectState,
        stage: Stage,
        artifacts: tuple[Artifact, ...],
        result: dict[str, Any],
        *,
        status: StageStatus = StageStatus.DONE,
        warnings: tuple[str, ...] = (),
    ) -> ProjectState:
        state = state.with_stage(
            stage,
            status=status,
            finished_at=self._accepted.finished_at or self._now,
            artifacts=artifacts,
            warnings=warnings,
            result={"status": "success", "imported": True} | result,
        )
        return state.with_stage(stage, fingerprint=imported_fingerprint(state, stage))

    async def _picture(self, source: Path) -> str:
        part = await self._incoming.copy(source, self._files.images / "own.part")
        described = await self._blobs.describe("images/own.part")
        return (await self._blobs.put(f"images/own-{described.sha256[:32]}{source.suffix.lower()}", part)).path

    async def _copied(self, source: Path, key: str) -> Artifact:
        part = await self._incoming.copy(source, self._files.root / f"{key}.part")
        return await self._blobs.put(key, part)

    def _record(self) -> bytes:
        told = {
            "source": str(self._plan.folder.path),
            "sha256": self._accepted.sha256,
            "imported_at": self._now.isoformat(),
            "notes": [str(note) for note in self._plan.notes],
        }
        return json.dumps(told, ensure_ascii=False, indent=1).encode()


def _numbered(state: ProjectState, number: int, files: ProjectFiles) -> ProjectState:
    """The state under the id that it got: its results name files by their whole paths."""
    state = state.replace(project_id=number)
    for stage, name, path in ((Stage.RENDER, "video", files.video), (Stage.THUMBNAIL, "thumbnail", files.thumbnail)):
        result = state.stages[stage].result
        if result is not None and f"{name}_path" in result:
            told = {f"{name}_path": str(path)}
            state = state.with_stage(stage, result=result | told | {f"{name}_info": result[f"{name}_info"] | told})
    return state
