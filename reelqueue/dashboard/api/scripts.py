"""`/api/projects/{project_id}/script`: read, priced, put in its place."""

from jobs.editing.editor import Opened, ahead_of, edit_of, open_script
from reelqueue.dashboard.api.operation import Answer, Asked, Operation
from reelqueue.dashboard.api.queries import EditQuery
from reelqueue.dashboard.api.shapes import Price, PriceItem
from reelqueue.dashboard.problems import Refused
from reelqueue.errors import Conflict
from reelqueue.models.project import ProjectState
from reelqueue.models.script import Script
from reelqueue.wording import Text

SCRIPT_BYTES = 1_000_000
"""Of an edit: 30 minutes of narration are some 10,000 characters; prompts and headings come to as much."""


async def get_script(asked: Asked) -> Answer:
    """The script, under its sha256 as entity tag."""
    opened = await _opened(asked)
    return Answer(opened.script, headers={"ETag": f'"{opened.seen}"'})


async def put_script(asked: Asked) -> ProjectState:
    """Put another in its place; only what the change touches is made again."""
    opened = await _opened(asked)
    seen = _seen(asked, opened)
    try:
        return await asked.queue.edit_script(opened.state.project_id, asked.body, seen=seen, approve=asked.query.approve)
    except Conflict as error:
        if asked.request.headers.get("if-match") is None:
            raise
        raise Refused(412, error.text, error.hint_text) from error


def _seen(asked: Asked, opened: Opened) -> str | None:
    """Which script the caller changed, by `If-Match`.  Raises Refused: 412, it is another by now."""
    wanted = asked.request.headers.get("if-match")
    if wanted is None or wanted.strip() == "*":
        return None
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in wanted.split(",")]
    if opened.seen not in tags:
        raise Refused(
            412,
            Text("腳本已被別人改過", "somebody else changed the script"),
            Text("請重新讀取再改一次", "read it again and repeat the change"),
        )
    return opened.seen


async def price_script(asked: Asked) -> Price:
    """What a script would take; nothing is changed."""
    opened, projects = await _opened(asked), asked.board.projects
    wanted = await edit_of(projects, opened, asked.body)
    ahead, price = await ahead_of(projects, asked.board.shelf, opened.state, wanted)
    return Price(
        changes=wanted is not opened.script,
        pictures=len(ahead.pictures),
        voice=len(ahead.voice),
        presenters=len(ahead.presenters),
        items=tuple(
            PriceItem(service=item.service, kind=item.kind, calls=item.calls[1], usd=float(item.usd.most)) for item in price.items
        ),
        usd=float(price.usd.most),
    )


async def _opened(asked: Asked) -> Opened:
    return await open_script(asked.board.projects, asked.ids["project_id"])


SCRIPT = "/projects/{project_id}/script"
OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "GET",
        SCRIPT,
        "get_script",
        Text("腳本；ETag 是它的 sha256", "The script; its ETag is its sha256"),
        get_script,
        answers=Script,
        problems=(404, 409),
    ),
    Operation(
        "PUT",
        SCRIPT,
        "put_script",
        Text("修改腳本；只重做改到的部分", "Change the script; only what the change touches is made again"),
        put_script,
        answers=ProjectState,
        query=EditQuery,
        takes="ScriptEdit",
        most=SCRIPT_BYTES,
        problems=(404, 409, 412, 422),
    ),
    Operation(
        "POST",
        f"{SCRIPT}/price",
        "price_script",
        Text("這樣改要重做什麼、花多少錢；什麼都不改", "What such a script would take; nothing is changed"),
        price_script,
        answers=Price,
        takes="ScriptEdit",
        most=SCRIPT_BYTES,
        problems=(404, 409, 422),
    ),
)
