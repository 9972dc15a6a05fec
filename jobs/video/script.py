"""The first stage: a topic or a text becomes a script."""

from collections.abc import Mapping
from typing import Any

from jobs.context import WorkerContext
from jobs.runner import run_stage
from jobs.stages import StageInputs, StageOutcome, StageRun, StageWork
from jobs.video.pieces import kept_or_made
from reelqueue.models.keys import piece_key
from reelqueue.models.script import Script
from reelqueue.models.stage import Stage
from reelqueue.providers.protocols import ScriptRequest, WrittenScript
from reelqueue.wording import Text, same

SCRIPT_FILE = "script.json"
SERVICE_SECONDS = 300.0
"""An attempt's time-out where a service writes: four calls of a minute, and the pauses between them."""


async def generate_script_task(ctx: WorkerContext, project_id: int, chain: bool = True) -> dict[str, Any]:
    """Write the script of a project.

    Reads: the brief.
    Writes: `script.json` (a `models.script.Script`).
    Costs: one billable call, none locally; none when the stage is already done.
    Repeats: harmless; after a crash between the answer and the commit, one more call is paid.
    """
    return await run_stage(ctx, project_id, Stage.SCRIPT, SCRIPT_WORK, chain=chain)


async def inputs(given: StageInputs) -> Mapping[str, Any]:
    """What the script is made from."""
    writer = given.providers.script
    return {"request": _request(given).model_dump(mode="json"), "writer": [writer.name, writer.version]}


async def write_script(run: StageRun) -> StageOutcome:
    """Ask the script writer and keep its answer."""
    writer, request = run.providers.script, _request(run)
    await run.tell(5, Text("正在撰寫腳本...", "writing the script..."))

    if not writer.cost(request).is_free:
        run.allow(SERVICE_SECONDS)

    async def holds(_written: WrittenScript) -> bool:
        return True

    async def make() -> WrittenScript:
        await run.hold("script")
        return await run.call(
            "script",
            lambda: writer.write_script(request),
            cost=writer.cost(request),
            turn=writer.turn,
            billed=lambda answer: answer.usage,
        )

    # A run of the project has one script: who dies before the commit finds the answer again, who asks anew gets another.
    key = piece_key({"request": request.model_dump(mode="json"), "writer": [writer.name, writer.version], "run": run.project.run})
    written = await kept_or_made(run, WrittenScript, f"script/{key}.json", holds=holds, make=make)
    await run.tell(80, Text("正在儲存腳本...", "keeping the script..."))
    for warning in written.warnings:
        run.warn(same(warning))
    artifact = await run.blobs.write(SCRIPT_FILE, written.script.model_dump_json(indent=1).encode())
    return StageOutcome(result={}, artifacts=(artifact,))


async def recall(given: StageInputs) -> dict[str, Any]:
    """The stage's result, which lies in `script.json` and not in the state; none where the stage was taken over without one."""
    if given.made(Stage.SCRIPT) is None:
        return {"script": None}
    return {"script": (await read_script(given)).model_dump(mode="json")}


async def read_script(given: StageInputs | StageRun) -> Script:
    """The script of a project whose script stage is done.

    Raises:
        MediaError: the file is not what the state says it is.
    """
    artifact = given.project.stages[Stage.SCRIPT].artifacts[0]
    return Script.model_validate_json(await given.blobs.read(artifact))


async def copy_script(run: StageRun) -> None:
    """Where a person's script is the project's, it stands in `script.json`, too: who edited it may have died before that."""
    artifact = run.project.stages[Stage.SCRIPT].artifacts[0]
    if artifact.path != SCRIPT_FILE:
        await run.blobs.write(SCRIPT_FILE, await run.blobs.read(artifact))


def _request(given: StageInputs | StageRun) -> ScriptRequest:
    brief = given.project.brief
    return ScriptRequest(
        topic=brief.topic, content=brief.content, language=given.language, duration_s=brief.duration_s, tags=brief.tags
    )


SCRIPT_WORK = StageWork(inputs=inputs, work=write_script, recall=recall)
