"""`/api/projects`: list, make, start, retry, cancel, approve, delete."""

from reelqueue.dashboard.api.briefs import brief_of, refuse_brief
from reelqueue.dashboard.api.operation import Answer, Asked, Operation
from reelqueue.dashboard.api.queries import CreateQuery, DeleteQuery, ProjectsQuery, RetryQuery
from reelqueue.dashboard.api.repeating import REPLAYED, once
from reelqueue.dashboard.api.shapes import ProjectPage, RetryBody, unreadable_of
from reelqueue.dashboard.catalogue import Wanted
from reelqueue.errors import InvalidBrief
from reelqueue.models.brief import Brief
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import Stage
from reelqueue.wording import Text, same

BRIEF_BYTES = 512_000
"""A brief is 48 KB at most as UTF-8, and six times that where every character is escaped."""


async def list_projects(asked: Asked) -> ProjectPage:
    """Those that fit, newest first."""
    query: ProjectsQuery = asked.query
    if query == ProjectsQuery(limit=query.limit, after=query.after):
        numbers, following = await _newest(asked, query.limit, query.after)
    else:
        wanted = Wanted(
            text=query.q or "",
            statuses=frozenset(query.status),
            channel=query.channel,
            stage=query.stage,
            batch_id=query.batch_id,
        )
        asked.board.catalogue.look_anew_if_quick()
        page = await asked.board.catalogue.find(wanted, limit=query.limit, after=query.after)
        numbers, following = [row.project_id for row in page.rows], page.after
    found = await asked.board.projects.some(numbers)
    fit = [state for state in found.states if not query.status or state.status in query.status]  # they may have gone on since
    return ProjectPage(items=tuple(fit), next=following, unreadable=unreadable_of(found.unread))


async def _newest(asked: Asked, limit: int, after: int | None) -> tuple[list[int], int | None]:
    """Ids by a look at the folder itself: what was made a moment ago, by whomever, is there."""
    behind = [number for number in await asked.board.projects.ids() if after is None or number < after]
    page = behind[:limit]
    return page, page[-1] if len(behind) > limit else None


async def create_project(asked: Asked) -> Answer:
    """Put a project on disk."""
    brief, projects = await brief_of(asked.board, asked.body), asked.board.projects
    made_before = await _is_replay(asked, brief)
    if not made_before:
        await refuse_brief(asked.board, brief)
    state = await projects.create(brief, project_id=asked.query.project_id, idempotency_key=asked.key)
    headers = {"Location": asked.address(f"/projects/{state.project_id}")} | (REPLAYED if made_before else {})
    return Answer(state, headers=headers)


async def _is_replay(asked: Asked, brief: Brief) -> bool:
    """Whether this very project was made before under this key: then nothing is refused any more."""
    if asked.key is None:
        return False
    [namesake] = await asked.board.projects.namesakes([(asked.key, brief)])
    return namesake is not None and namesake.same and not namesake.deleted


async def get_project(asked: Asked) -> ProjectState:
    """One project's state."""
    return await asked.board.projects.load(asked.ids["project_id"])


async def delete_project(asked: Asked) -> None:
    """Delete it; its id is never used again."""
    await asked.queue.delete(asked.ids["project_id"], video=asked.query.video)


async def start_project(asked: Asked) -> ProjectState:
    """Queue its first unfinished stage."""
    await asked.queue.start(asked.ids["project_id"])
    return await get_project(asked)


async def retry_project(asked: Asked) -> ProjectState:
    """Queue what failed, was cancelled or waits; or everything from a stage on."""
    return await asked.queue.retry(asked.ids["project_id"], _stage(asked))


def _stage(asked: Asked) -> Stage | None:
    body = asked.body
    if body is None:
        stage: Stage | None = asked.query.from_stage
        return stage
    if not isinstance(body, dict):
        raise InvalidBrief("body", Text('{"from_stage": 階段}', '{"from_stage": stage}'), body)
    for name in body.keys() - {"from_stage"}:
        raise InvalidBrief(name[:80], same("from_stage"), name)
    given = body.get("from_stage")
    if given is None:
        return asked.query.from_stage  # type: ignore[no-any-return]  # the row says which query it is
    if given not in list(Stage):
        raise InvalidBrief("from_stage", same(", ".join(Stage)), given)
    return Stage(given)


async def cancel_project(asked: Asked) -> ProjectState:
    """Cancel it."""
    return await asked.queue.cancel(asked.ids["project_id"])


async def approve_project(asked: Asked) -> ProjectState:
    """Approve what waits for a review."""
    return await asked.queue.approve(asked.ids["project_id"])


ONE = "/projects/{project_id}"
OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "GET",
        "/projects",
        "list_projects",
        Text("列出專案，新的在前", "List projects, newest first"),
        list_projects,
        answers=ProjectPage,
        query=ProjectsQuery,
        problems=(422,),
    ),
    Operation(
        "POST",
        "/projects",
        "create_project",
        Text("建立專案，還不開始", "Make a project; nothing is started"),
        create_project,
        answers=ProjectState,
        status=201,
        query=CreateQuery,
        takes="NewBrief",
        most=BRIEF_BYTES,
        key=True,
        problems=(409, 422, 507),
    ),
    Operation(
        "GET",
        ONE,
        "get_project",
        Text("專案目前的狀態", "A project's state"),
        get_project,
        answers=ProjectState,
        problems=(404, 409),
    ),
    Operation(
        "DELETE",
        ONE,
        "delete_project",
        Text("刪除專案；video=true 連同已發布的影片", "Delete a project; with video=true what it published, too"),
        delete_project,
        status=204,
        query=DeleteQuery,
        problems=(404, 409, 422, 502),
    ),
    Operation(
        "POST",
        f"{ONE}/start",
        "start_project",
        Text("開始：把第一個未完成的階段放進佇列", "Start: queue the first unfinished stage"),
        once(start_project, get_project),
        answers=ProjectState,
        status=202,
        key=True,
        problems=(404, 409),
    ),
    Operation(
        "POST",
        f"{ONE}/retry",
        "retry_project",
        Text("重試；from_stage 指定從哪個階段重做", "Try again; from_stage makes everything from there anew"),
        once(retry_project, get_project),
        answers=ProjectState,
        status=202,
        query=RetryQuery,
        takes=RetryBody,
        optional=True,
        key=True,
        problems=(404, 409, 422),
    ),
    Operation(
        "POST",
        f"{ONE}/cancel",
        "cancel_project",
        Text("取消；兩秒內停下", "Cancel; it stops within two seconds"),
        once(cancel_project, get_project),
        answers=ProjectState,
        key=True,
        problems=(404, 409),
    ),
    Operation(
        "POST",
        f"{ONE}/approve",
        "approve_project",
        Text("核可等待審核的內容", "Approve what waits for a review"),
        once(approve_project, get_project),
        answers=ProjectState,
        status=202,
        key=True,
        problems=(404, 409),
    ),
)
