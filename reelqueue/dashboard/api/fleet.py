"""`/api/workers` and `/api/queues`: who works, what waits; drain, pause, resume."""

from reelqueue.dashboard.api.operation import Asked, Operation
from reelqueue.dashboard.api.queries import ContentsQuery
from reelqueue.dashboard.api.shapes import JobPage, QueuePage, WorkerPage
from reelqueue.errors import QueueNotFound, WorkerNotFound
from reelqueue.models.fleet import QueueStanding, WorkerBeat
from reelqueue.wording import Text


async def list_workers(asked: Asked) -> WorkerPage:
    """All that live."""
    return WorkerPage(items=tuple(await asked.fleet.workers()))


async def get_worker(asked: Asked) -> WorkerBeat:
    """One of them."""
    name = asked.ids["name"]
    for worker in await asked.fleet.workers():
        if worker.name == name:
            return worker
    raise WorkerNotFound(name)


async def drain_worker(asked: Asked) -> WorkerBeat:
    """Let it end when its jobs have ended."""
    return await asked.fleet.drain(asked.ids["name"])


async def list_queues(asked: Asked) -> QueuePage:
    """How each stands."""
    return QueuePage(items=tuple(await asked.fleet.queues()))


async def get_queue(asked: Asked) -> QueueStanding:
    """How one stands."""
    name = asked.ids["name"]
    for queue in await asked.fleet.queues():
        if queue.name == name:
            return queue
    raise QueueNotFound(name)


async def list_jobs(asked: Asked) -> JobPage:
    """What is in one, in the order in which it begins."""
    query: ContentsQuery = asked.query
    found = await asked.fleet.contents(asked.ids["name"], limit=query.limit + 1, after=query.after)
    items = tuple(found[: query.limit])
    return JobPage(items=items, next=items[-1].place if len(found) > len(items) else None)


async def pause_queue(asked: Asked) -> QueueStanding:
    """Let none of its jobs begin."""
    return await asked.fleet.pause(asked.ids["name"])


async def resume_queue(asked: Asked) -> QueueStanding:
    """Let it go on."""
    return await asked.fleet.resume(asked.ids["name"])


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "GET", "/workers", "list_workers", Text("現在有哪些 Worker", "The workers that live"), list_workers, answers=WorkerPage
    ),
    Operation(
        "GET",
        "/workers/{name:path}",
        "get_worker",
        Text("一個 Worker", "One worker"),
        get_worker,
        answers=WorkerBeat,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/workers/{name:path}/drain",
        "drain_worker",
        Text("收尾：不再接新工作，手上的做完就結束", "Drain: it takes nothing more and ends when its jobs have ended"),
        drain_worker,
        answers=WorkerBeat,
        status=202,
        problems=(404,),
    ),
    Operation("GET", "/queues", "list_queues", Text("每個佇列的狀況", "How each queue stands"), list_queues, answers=QueuePage),
    Operation(
        "GET",
        "/queues/{name}",
        "get_queue",
        Text("一個佇列的狀況", "How one queue stands"),
        get_queue,
        answers=QueueStanding,
        problems=(404,),
    ),
    Operation(
        "GET",
        "/queues/{name}/jobs",
        "list_jobs",
        Text("佇列裡的工作，依開始的順序", "What is in a queue, in the order in which it begins"),
        list_jobs,
        answers=JobPage,
        query=ContentsQuery,
        problems=(404, 422),
    ),
    Operation(
        "POST",
        "/queues/{name}/pause",
        "pause_queue",
        Text("暫停佇列：不再開始新的工作", "Pause a queue: none of its jobs begins; what runs goes on"),
        pause_queue,
        answers=QueueStanding,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/queues/{name}/resume",
        "resume_queue",
        Text("繼續暫停的佇列", "Let a paused queue go on"),
        resume_queue,
        answers=QueueStanding,
        problems=(404,),
    ),
)
