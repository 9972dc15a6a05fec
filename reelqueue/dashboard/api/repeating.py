"""Acts under an idempotency key: done once, however often a program that heard no answer asks again.

What is made under a key (a project, a batch) is kept on disk with it.  An act is kept in Redis for a day: it acts there anyway, and
without the memory of it the state alone refuses what does not fit any more.
"""

import contextlib
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from arq.connections import ArqRedis
from pydantic import BaseModel
from redis.exceptions import RedisError

from reelqueue.dashboard.api.operation import Answer, Asked
from reelqueue.dashboard.asked import path_of
from reelqueue.dashboard.problems import Refused
from reelqueue.wording import Text
from storage.birth import other_content

PREFIX = "reelqueue:asked:"
KEPT_SECONDS, DOING_SECONDS = 86_400, 120
"""How long an act is known by its key: once it is done; while it is being done (whoever dies amid it lets go of it)."""
REPLAYED = {"Idempotency-Replayed": "true"}

_PROCESS = secrets.token_hex(8)
_in_hand = set[str]()
"""What is being done in this process, by its key in Redis."""

Made = TypeVar("Made", bound=BaseModel)


def once(
    act: Callable[[Asked], Awaitable[Made]], current: Callable[[Asked], Awaitable[BaseModel]]
) -> Callable[[Asked], Awaitable[Made | Answer]]:
    """`act`, done once under its key; again under it: what is there now, as `current` has it.  One that failed may be tried again."""

    async def acted(asked: Asked) -> Made | Answer:
        if asked.key is None:
            return await act(asked)
        name = f"{PREFIX}{_hash(asked.key)}"
        if name in _in_hand:
            raise _under_way()
        _in_hand.add(name)
        try:
            if not await _claimed(asked.board.link.client.redis, name, _mark(asked)):
                return Answer(await current(asked), headers=REPLAYED)
            return await _kept(asked, name, act)
        finally:
            _in_hand.discard(name)

    return acted


async def _claimed(redis: ArqRedis, name: str, mark: str) -> bool:
    """Whether it is ours to do; False where it was done before.

    Raises:
        Conflict: the key stands for something else.  Refused: another process does it just now.
    """
    claim = f"doing {mark} {_PROCESS}"
    if await redis.set(name, claim, nx=True, ex=DOING_SECONDS):
        return True
    state, _, rest = ((await redis.get(name)) or b"").decode().partition(" ")
    theirs, _, process = rest.partition(" ")
    if theirs and theirs != mark:
        raise other_content()
    if state == "done":
        return False
    if process != _PROCESS:
        raise _under_way()
    await redis.set(name, claim, ex=DOING_SECONDS)  # our own claim, whose answer never came: nothing was done under it
    return True


async def _kept(asked: Asked, name: str, act: Callable[[Asked], Awaitable[Made]]) -> Made:
    redis = asked.board.link.client.redis
    try:
        made = await act(asked)
    except BaseException:  # whatever it was: nothing is known to be done, so the key may be used again
        with contextlib.suppress(RedisError, OSError):
            await redis.delete(name)
        raise
    with contextlib.suppress(RedisError, OSError):  # it is done; without the key the state says so
        await redis.set(name, f"done {_mark(asked)}", ex=KEPT_SECONDS)
    return made


def _mark(asked: Asked) -> str:
    """What is asked for, as a hash."""
    query = sorted(asked.request.query_params.multi_items())
    return _hash(json.dumps([path_of(asked.request.scope), query, asked.body], sort_keys=True))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _under_way() -> Refused:
    return Refused(
        409,
        Text("同一個 Idempotency-Key 的請求還在處理", "a request under this Idempotency-Key is being carried out"),
        Text("請稍後再問一次", "ask again in a moment"),
        headers={"Retry-After": "1"},
    )
