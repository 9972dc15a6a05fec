"""What can be set about the services over HTTP, for who has no object in hand.

`POST /_sandbox/oauth`, `/_sandbox/youtube`, `/_sandbox/monitoring`, `/_sandbox/gemini`, `/_sandbox/did` take the fields of the models here;
`POST /_sandbox/channels` takes `{"name": ...}` and gives a refresh token.  What is not sent stays as it is.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Literal, TypeVar

from aiohttp import web
from pydantic import Field, ValidationError

from reelqueue.models.frozen import Frozen
from reelqueue.sandbox.control import bad, body_of
from reelqueue.sandbox.did import did_of
from reelqueue.sandbox.gemini import Cap, gemini_of
from reelqueue.sandbox.monitoring import monitoring_of
from reelqueue.sandbox.oauth import accounts_of
from reelqueue.sandbox.world import World
from reelqueue.sandbox.youtube import youtube_of

Knobs = TypeVar("Knobs", bound=Frozen)
Bucket = Literal["uploads", "search", "units"]
Name = Field(default=None, min_length=1, max_length=100)


class OAuthKnobs(Frozen):
    """`testing`, `rotating`, `consent`, `access_seconds` as `Accounts` has them; `expire_access` and `revoke` act now."""

    testing: bool | None = None
    rotating: bool | None = None
    consent: Literal["ask", "allow", "deny"] | None = None
    access_seconds: int | None = Field(default=None, ge=1)
    expire_access: bool = False
    revoke: str | None = Name


class YouTubeKnobs(Frozen):
    """`lag_s`, `processing_s`, `finished_sessions`, `caps` as `YouTube` has them; the others act now.

    `use` counts quota that another program of the project has used; `add_playlist` is a title, in `channel`.
    """

    lag_s: float | None = Field(default=None, ge=0)
    processing_s: float | None = Field(default=None, ge=0)
    finished_sessions: Literal["answer", "gone"] | None = None
    caps: dict[Bucket, int] = Field(default_factory=dict)
    use: dict[Bucket, int] = Field(default_factory=dict)
    close_channel: str | None = Name
    add_playlist: str | None = Name
    channel: str = "default"


class MonitoringKnobs(Frozen):
    """As `Monitoring` has them."""

    lag_s: float | None = Field(default=None, ge=0)
    page_size: int | None = Field(default=None, ge=1)


class GeminiCap(Frozen):
    """A model's limits; null is none."""

    per_minute: int | None = Field(default=None, ge=0)
    per_day: int | None = Field(default=None, ge=0)


class GeminiKnobs(Frozen):
    """As Gemini's `Memory` has them; `caps` by model, "*" being each, and `retired` replaces the list."""

    caps: dict[str, GeminiCap] = Field(default_factory=dict)
    retired: set[str] | None = None
    enforce_min_deadline: bool | None = None


class DidKnobs(Frozen):
    """As D-ID's `Memory` has them."""

    credits: int | None = Field(default=None, ge=0)
    polls: int | None = Field(default=None, ge=1)
    takes_s: float | None = Field(default=None, ge=0)
    url_lives_s: float | None = None


class ChannelName(Frozen):
    """A channel to add, or one that is there."""

    name: str = Field(min_length=1, max_length=100)


def routes(world: World) -> list[web.RouteDef]:
    """The routes that set something."""
    return [
        web.post("/_sandbox/oauth", _taking(OAuthKnobs, lambda knobs: _set_oauth(world, knobs))),
        web.post("/_sandbox/youtube", _taking(YouTubeKnobs, lambda knobs: _set_youtube(world, knobs))),
        web.post("/_sandbox/monitoring", _taking(MonitoringKnobs, lambda knobs: _set_monitoring(world, knobs))),
        web.post("/_sandbox/gemini", _taking(GeminiKnobs, lambda knobs: _set_gemini(world, knobs))),
        web.post("/_sandbox/did", _taking(DidKnobs, lambda knobs: _set_did(world, knobs))),
        web.post("/_sandbox/channels", _taking(ChannelName, lambda channel: _add_channel(world, channel))),
    ]


def _taking(model: type[Knobs], act: Callable[[Knobs], dict[str, Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that reads a `model` and answers what `act` says."""

    async def handle(request: web.Request) -> web.Response:
        try:
            wanted = model.model_validate(await body_of(request))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise bad(f"{wrong}. Known: {', '.join(model.model_fields)}") from error
        return web.json_response(act(wanted))

    return handle


def _put(target: object, knobs: Frozen, *names: str) -> dict[str, Any]:
    """Set what was sent; returns how it is now."""
    for name in names:
        if getattr(knobs, name) is not None:
            setattr(target, name, getattr(knobs, name))
    return {name: getattr(target, name) for name in names}


def _set_oauth(world: World, knobs: OAuthKnobs) -> dict[str, Any]:
    accounts = accounts_of(world)
    if knobs.expire_access:
        accounts.expire_access()
    if knobs.revoke is not None:
        accounts.revoke(knobs.revoke)
    return _put(accounts, knobs, "testing", "rotating", "consent", "access_seconds")


def _set_youtube(world: World, knobs: YouTubeKnobs) -> dict[str, Any]:
    youtube, project = youtube_of(world), accounts_of(world).client.project
    youtube.caps.update({str(bucket): most for bucket, most in knobs.caps.items()})
    for bucket, amount in knobs.use.items():
        youtube.quota.use(project, bucket, amount)
    if knobs.close_channel is not None:
        youtube.close_channel(knobs.close_channel)
    made = {} if knobs.add_playlist is None else {"playlist": youtube.add_playlist(knobs.add_playlist, knobs.channel).playlist_id}
    now = _put(youtube, knobs, "lag_s", "processing_s", "finished_sessions")
    return made | now | {"caps": youtube.caps, "used": youtube.quota.used(project)}


def _set_monitoring(world: World, knobs: MonitoringKnobs) -> dict[str, Any]:
    return _put(monitoring_of(world), knobs, "lag_s", "page_size")


def _set_gemini(world: World, knobs: GeminiKnobs) -> dict[str, Any]:
    gemini = gemini_of(world)
    gemini.caps.update({model: Cap(cap.per_minute, cap.per_day) for model, cap in knobs.caps.items()})
    now = _put(gemini, knobs, "retired", "enforce_min_deadline")
    return now | {"retired": sorted(gemini.retired), "caps": {model: asdict(cap) for model, cap in gemini.caps.items()}}


def _set_did(world: World, knobs: DidKnobs) -> dict[str, Any]:
    return _put(did_of(world), knobs, "credits", "polls", "takes_s", "url_lives_s")


def _add_channel(world: World, channel: ChannelName) -> dict[str, Any]:
    youtube_of(world).channel(channel.name)
    return {"name": channel.name, "refresh_token": accounts_of(world).add_channel(channel.name)}
