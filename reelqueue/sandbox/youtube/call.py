"""What each call of the API goes through: who asks, with which leave, on whose quota; then the call itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from reelqueue.sandbox.accounts import Accounts
from reelqueue.sandbox.faults import ordered
from reelqueue.sandbox.middleware import entry_of
from reelqueue.sandbox.youtube.model import Channel, Video
from reelqueue.sandbox.youtube.quota import COSTS, SEARCH, UPLOADS
from reelqueue.sandbox.youtube.store import YouTube
from reelqueue.sandbox.youtube.wrong import Refused, refused, searches_per_day, uploads_per_day

FULL = "https://www.googleapis.com/auth/youtube"
FORCE_SSL = "https://www.googleapis.com/auth/youtube.force-ssl"
UPLOAD = "https://www.googleapis.com/auth/youtube.upload"
READONLY = "https://www.googleapis.com/auth/youtube.readonly"

MANAGE = frozenset({FULL, FORCE_SSL})
READ = MANAGE | {READONLY}
PUT_UP = MANAGE | {UPLOAD}
CAPTION = frozenset({FORCE_SSL})


@dataclass(frozen=True)
class Caller:
    """Who asks: a channel, through an OAuth client of a Google Cloud project."""

    channel: Channel
    client_id: str
    project: str


Work = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def caller_of(request: web.Request, accounts: Accounts, youtube: YouTube, scopes: frozenset[str]) -> Caller:
    """Who asks.

    Raises:
        Refused: no token, a dead one, one without the scope, or an account without a channel.
    """
    authorization = request.headers.get("Authorization")
    if authorization is None:
        raise Refused("required")
    access = accounts.access_of(authorization)
    if access is None:
        raise Refused("authError")
    if access.grant is None:
        raise Refused("youtubeSignupRequired")
    if not scopes & set(access.scopes):
        raise Refused("insufficientPermissions")
    channel = youtube.channel(access.grant.channel)
    if not channel.signed_up:
        raise Refused("youtubeSignupRequired")
    entry_of(request).detail["channel"] = channel.name
    client = accounts.clients[access.grant.client_id]
    return Caller(channel, client.client_id, client.project)


def charged(call: str, scopes: frozenset[str], accounts: Accounts, youtube: YouTube, work: Work) -> Handler:
    """The handler of a call that costs: its quota is asked first and spent when the call made sense; else 1 of it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            caller = caller_of(request, accounts, youtube, scopes)
        except Refused as refusal:
            return refusal.answer
        if not youtube.quota.has(caller.project, call):
            return no_quota(call, caller)
        with youtube.quota.held(caller.project, call):
            try:
                answer = await work(request, caller)
            except Refused as refusal:
                youtube.quota.spend(caller.project, call, 1)
                return refusal.answer
            youtube.quota.spend(caller.project, call)
            return answer

    return handle


def no_quota(call: str, caller: Caller) -> web.Response:
    """The refusal of a call whose bucket is empty."""
    bucket, _ = COSTS[call]
    if bucket == UPLOADS:
        return uploads_per_day(caller.project)
    return searches_per_day(caller.project) if bucket == SEARCH else refused("quotaExceeded")


async def json_body(request: web.Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        Refused: it is none.
    """
    try:
        found = await request.json()
    except ValueError as error:
        raise Refused("parseError") from error
    if not isinstance(found, dict):
        raise Refused("parseError")
    return found


def parts_of(request: web.Request) -> tuple[str, ...]:
    """The `part` parameter, repeated or joined by commas.

    Raises:
        Refused: it is missing.
    """
    parts = tuple(part.strip() for given in request.query.getall("part", []) for part in given.split(",") if part.strip())
    if not parts:
        raise Refused("missingRequiredParameter", "Required parameter: part", location="part")
    return parts


def ids_of(request: web.Request, name: str = "id") -> list[str]:
    """A parameter that lists ids, repeated or joined by commas."""
    return [one for given in request.query.getall(name, []) for one in given.split(",") if one]


def own_video(youtube: YouTube, video_id: str, caller: Caller) -> Video:
    """The caller's video.

    Raises:
        Refused: there is none, or it is another channel's.
    """
    video = youtube.videos.get(video_id)
    if video is None:
        raise Refused("videoNotFound")
    if video.channel != caller.channel.name:
        raise Refused("forbidden")
    return video


def page_of(request: web.Request, found: list[Any], longest: int = 50) -> tuple[list[Any], dict[str, Any]]:
    """The part of a list that was asked for by `maxResults` (5) and `pageToken`, and what the answer says of it.

    Raises:
        Refused: the token is not ours.
    """
    try:
        many = min(longest, max(1, int(request.query.get("maxResults", "5"))))
        first = int(request.query.get("pageToken", "P0").removeprefix("P"))
    except ValueError as error:
        raise Refused("invalidPageToken", location="pageToken") from error
    about: dict[str, Any] = {"pageInfo": {"totalResults": len(found), "resultsPerPage": many}}
    if first + many < len(found):
        about["nextPageToken"] = f"P{first + many}"
    if first > 0:
        about["prevPageToken"] = f"P{max(0, first - many)}"
    return found[first : first + many], about


def hidden_newest(request: web.Request) -> int:
    """How many of the newest uploads an order "lag" hides from this answer (`newest`, 1)."""
    order = ordered(request, "lag")
    return int(order.details.get("newest", 1)) if order else 0
