"""What an edit of the script does to a project, by where it stands."""

import hashlib

import pytest

from jobs.editing import editor
from reelqueue.errors import Conflict, InvalidBrief, ProjectNotFound, WrongState
from reelqueue.models.project import Artifact, Upload
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from tests.unit.jobs.conftest import BRIEF

TEXT = "Twice a day the sea rises and falls, because the moon pulls at it from afar and turns away again."
SCRIPT = Script(
    intro=Part(text="Hello, and welcome to the sea.", duration=3.0),
    segments=(Segment(index=0, text=TEXT, duration=7.0, image_description="The sea"),),
    outro=Part(text="Goodbye, and watch the tide.", duration=3.0),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=13.0,
    language="en",
)
OTHER = {"metadata": {"title": "Tides and the moon"}}


@pytest.fixture
def projects_with_script(queue, store, settings):
    """A project in any state, whose script is written."""

    async def make(status=ProjectStatus.CREATED, *, done=(Stage.SCRIPT,), review=(), approved=(), goal=Stage.UPLOAD, upload=None):
        project = await queue.create_project(BRIEF | {"review": list(review)})
        root = settings.data_dir / "projects" / str(project.project_id)
        body = SCRIPT.model_dump_json().encode()
        (root / "script.json").write_bytes(body)
        file = Artifact(path="script.json", sha256=hashlib.sha256(body).hexdigest(), bytes=len(body))

        def standing(state):
            for stage in done:
                state = state.with_stage(stage, status=StageStatus.DONE, fingerprint="f", artifacts=(file,), result={})
            return state.replace(status=status, approved=tuple(approved), goal=goal, upload=upload)

        return await store.change(project.project_id, standing)

    return make


REST = (Stage.SCRIPT, Stage.ASSETS, Stage.RENDER, Stage.THUMBNAIL)


@pytest.mark.parametrize(
    ("standing", "after"),
    [
        pytest.param({"status": ProjectStatus.CREATED}, ProjectStatus.CREATED, id="not started: waits for its start"),
        pytest.param({"status": ProjectStatus.QUEUED}, ProjectStatus.QUEUED, id="queued: goes on"),
        pytest.param({"status": ProjectStatus.FAILED}, ProjectStatus.QUEUED, id="failed: goes on, the edit mends it"),
        pytest.param({"status": ProjectStatus.CANCELLED}, ProjectStatus.CANCELLED, id="cancelled: stays cancelled"),
        pytest.param({"status": ProjectStatus.NEEDS_PERSON}, ProjectStatus.QUEUED, id="a person's matter: he acted"),
        pytest.param({"status": ProjectStatus.WAITING_BUDGET}, ProjectStatus.QUEUED, id="without money: looks anew"),
        pytest.param(
            {"status": ProjectStatus.WAITING_REVIEW, "review": ["script"]},
            ProjectStatus.WAITING_REVIEW,
            id="script's review: waits on",
        ),
        pytest.param(
            {"status": ProjectStatus.WAITING_REVIEW, "review": ["script", "final"], "approved": ["script"], "done": REST},
            ProjectStatus.QUEUED,
            id="final review: made anew, and asked for again",
        ),
        pytest.param(
            {"status": ProjectStatus.COMPLETED, "goal": Stage.RENDER, "done": REST},
            ProjectStatus.QUEUED,
            id="rendered: to its goal",
        ),
        pytest.param(
            {"status": ProjectStatus.COMPLETED, "goal": Stage.SCRIPT}, ProjectStatus.COMPLETED, id="only a script was wanted"
        ),
    ],
)
async def test_after_an_edit_a_project_stands(queue, store, projects_with_script, standing, after):
    project = await projects_with_script(**standing)

    state = await queue.edit_script(project.project_id, SCRIPT.model_dump(mode="json") | OTHER)

    assert state.status is after
    assert (await queue.get_script(project.project_id)).metadata.title == "Tides and the moon"
    assert [state.stages[stage].status for stage in REST[1:]] == [StageStatus.PENDING] * 3


@pytest.mark.parametrize(
    "standing",
    [
        pytest.param({"status": ProjectStatus.RUNNING}, id="it runs"),
        pytest.param({"status": ProjectStatus.CREATED, "done": ()}, id="it has no script"),
        pytest.param({"status": ProjectStatus.COMPLETED, "upload": Upload(marker="m", video_id="v")}, id="it is published"),
    ],
)
async def test_what_cannot_be_edited_is_refused_and_left_alone(queue, store, projects_with_script, standing):
    project = await projects_with_script(**standing)

    with pytest.raises(WrongState) as met:
        await queue.edit_script(project.project_id, SCRIPT.model_dump(mode="json") | OTHER)

    assert met.value.hint
    assert await store.load(project.project_id) == project


async def test_the_same_script_changes_nothing(queue, store, projects_with_script):
    project = await projects_with_script(ProjectStatus.FAILED)

    state = await queue.edit_script(project.project_id, await queue.get_script(project.project_id))

    assert state == project == await store.load(project.project_id)


async def test_an_edit_of_a_script_that_somebody_else_changed_is_a_conflict(queue, projects_with_script):
    project = await projects_with_script()
    seen = project.stages[Stage.SCRIPT].artifacts[0].sha256
    await queue.edit_script(project.project_id, SCRIPT.model_dump(mode="json") | OTHER, seen=seen)

    with pytest.raises(Conflict):
        await queue.edit_script(
            project.project_id, SCRIPT.model_dump(mode="json") | {"metadata": {"title": "Ebb and flow"}}, seen=seen
        )

    assert (await queue.get_script(project.project_id)).metadata.title == "Tides and the moon"


async def test_an_edit_that_approves_goes_on_and_keeps_its_approval(queue, projects_with_script):
    project = await projects_with_script(ProjectStatus.WAITING_REVIEW, review=["script"])

    state = await queue.edit_script(project.project_id, SCRIPT.model_dump(mode="json") | OTHER, approve=True)

    assert (state.status, state.approved) == (ProjectStatus.QUEUED, ("script",))


async def test_a_wrong_script_is_refused_and_an_unknown_project_is_none(queue, store, projects_with_script):
    project = await projects_with_script()

    with pytest.raises(InvalidBrief, match=r"segments\[0\].text"):
        await queue.edit_script(project.project_id, SCRIPT.model_dump(mode="json") | {"segments": [{"text": "Too short."}]})
    with pytest.raises(ProjectNotFound):
        await queue.edit_script(404, SCRIPT)

    assert await store.load(project.project_id) == project


async def test_who_dies_before_the_commit_leaves_the_old_script_whole(queue, store, settings, projects_with_script):
    project = await projects_with_script()
    opened = await editor.open_script(store, project.project_id)
    wanted = await editor.edit_of(store, opened, SCRIPT.model_dump(mode="json") | OTHER)

    with pytest.raises(Conflict):  # the file is written, the state is not
        await editor.keep_edit(store, opened, wanted, seen="another", approve=False)

    assert await queue.get_script(project.project_id) == SCRIPT
    assert await store.load(project.project_id) == project


async def test_an_edited_script_is_written_by_no_writer_again(queue, crew, stages, projects_with_script):
    """Whatever the script is made from now: the person's stands, and a job for it answers with it."""
    project = await projects_with_script()
    await queue.edit_script(project.project_id, SCRIPT.model_dump(mode="json") | OTHER)
    stages.knobs[Stage.SCRIPT] = "another model"

    await queue.enqueue_job("generate_script_task", project_id=project.project_id, chain=False)
    await crew.burst()

    assert not stages.ran[Stage.SCRIPT]
    assert (await queue.get_script(project.project_id)).metadata.title == "Tides and the moon"


async def test_a_script_that_is_asked_for_anew_is_written_anew(queue, crew, stages, projects_with_script):
    project = await projects_with_script()
    await queue.edit_script(project.project_id, SCRIPT.model_dump(mode="json") | OTHER)

    await queue.retry(project.project_id, from_stage="script")
    await crew.burst()

    assert stages.ran[Stage.SCRIPT] == 1
