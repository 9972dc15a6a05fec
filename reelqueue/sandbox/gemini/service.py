"""Gemini, as the project uses it: `generateContent` of text, pictures and voice, and a free look at a model.

Own kinds of faults: "safety", "candidate_safety" (`reason`), "no_usage", "html" (paid with `when="after"` alone); of scripts
"max_tokens", "continuation", "wrong_shape", "fenced" (between ```), "simplified" (characters); of pictures "no_image",
"not_an_image", "text_only", "small"; of voices "silence", "no_audio", "short" (a sixth of it), "stereo"; and before
anything is paid "quota_day", "quota_minute", "quota_plain" (`limit`, `retry_delay`).  A number as a kind makes an error
with the details that `errors.refusal` lists.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from reelqueue.sandbox.control import body_of
from reelqueue.sandbox.faults import ORDER, UNFIT, Order, ordered, page
from reelqueue.sandbox.gemini import errors
from reelqueue.sandbox.gemini.answers import BLOCKED, SPOILED, answer
from reelqueue.sandbox.gemini.memory import Memory, Paid, SpokenText
from reelqueue.sandbox.gemini.models import MODELS, Model, family_of
from reelqueue.sandbox.gemini.request import Asked, RefusedError, read_request
from reelqueue.sandbox.gemini.tokens import tokens_in
from reelqueue.sandbox.middleware import entry_of
from reelqueue.sandbox.world import World

SERVICE = "gemini"
KEY = "AIzaSANDBOX-gemini-canary-000000000000"
"""The one key that is taken; it opens nothing else, so that it may be searched for in logs."""

LEAST_DEADLINE_S = 10
SIGN_IN = "Please sign in to this network"
_QUOTAS: dict[str, errors.Quota] = {"quota_day": "day", "quota_minute": "minute", "quota_plain": "plain"}

refusal = errors.refusal


def routes(world: World) -> list[web.RouteDef]:
    """See `Service`."""
    gemini = _Gemini(world)
    world.services[SERVICE] = gemini.memory
    return [
        web.get("/gemini/{version}/models", gemini.models),
        web.get("/gemini/{version}/models/{model}", gemini.model),
        web.post("/gemini/{version}/models/{model}:generateContent", gemini.generate),
        web.post("/gemini/{version}/models/{model}:countTokens", gemini.count),
        web.route("*", "/gemini/{rest:.*}", gemini.nothing),
    ]


def gemini_of(world: World) -> Memory:
    """What it remembers."""
    memory: Memory = world.services[SERVICE]
    return memory


def call_name(request: web.Request) -> str:
    """See `Service`: "script", "image", "voice", "models", "tokens"."""
    name = request.path.rsplit("/", 1)[-1]
    if request.method == "POST" and name.endswith(":generateContent"):
        return family_of(name)
    return "tokens" if name.endswith(":countTokens") else "models"


def settings(world: World) -> Mapping[str, str]:
    """See `Service`."""
    return {"GEMINI_API_KEY": KEY, "GEMINI_BASE_URL": f"{world.url}/gemini"}


def state(world: World) -> Mapping[str, Any]:
    """See `Service`."""
    memory = gemini_of(world)
    return {
        "paid": [
            {"call": one.call, "model": one.model, "prompt": one.prompt[:200], "at": one.at.isoformat(), "usage": one.usage}
            for one in memory.paid
        ],
        "caps": {name: {"per_minute": cap.per_minute, "per_day": cap.per_day} for name, cap in memory.caps.items()},
        "retired": sorted(memory.retired),
    }


class _Gemini:
    def __init__(self, world: World) -> None:
        self.world = world
        self.memory = Memory()

    async def models(self, request: web.Request) -> web.Response:
        """Which models there are."""
        if refused := _unknown_caller(request):
            return refused
        return web.json_response(
            {"models": [model.as_json() for model in MODELS.values() if model.name not in self.memory.retired]}
        )

    async def model(self, request: web.Request) -> web.Response:
        """One model's resource; costs nothing."""
        if refused := _unknown_caller(request):
            return refused
        found = self._found(request)
        return found if isinstance(found, web.Response) else web.json_response(found.as_json())

    async def count(self, request: web.Request) -> web.Response:
        """How many tokens a text has; costs nothing."""
        if refused := _unknown_caller(request):
            return refused
        texts = [
            part.get("text", "") for content in (await body_of(request)).get("contents", []) for part in content.get("parts", [])
        ]
        return web.json_response({"totalTokens": tokens_in("\n".join(texts))})

    async def nothing(self, request: web.Request) -> web.Response:
        """No such method."""
        return errors.error(404, f"Method not found: {request.method} {request.path}")

    async def generate(self, request: web.Request) -> web.StreamResponse:
        """One paid call."""
        order: Order | None = request.get(ORDER)
        request[UNFIT] = order is not None  # until it is found to fit
        read = await self._admitted(request)
        if isinstance(read, web.Response):
            return read
        model, asked = read
        if order is not None and order.kind in _QUOTAS:
            request[UNFIT] = False
            return errors.quota(
                _QUOTAS[order.kind], model.name, int(order.details.get("limit", 250)), order.details.get("retry_delay", 17)
            )
        if full := self.memory.quota_left(model.name, self.world.clock.now()):
            reached, limit, pause = full
            return errors.quota(reached, model.name, limit, pause)
        if (intercepted := ordered(request, "html")) and intercepted.when == "before":
            request[UNFIT] = False
            return page(200, SIGN_IN)  # a proxy that asks to sign in has sent nothing on
        spoil = ordered(request, "html", "no_usage", *BLOCKED, *SPOILED[model.family])
        request[UNFIT] = order is not None and spoil is None
        kind, reason = (spoil.kind, spoil.details.get("reason")) if spoil else ("", None)
        made = await asyncio.to_thread(answer, model, asked, kind, reason)
        paid = Paid(model.family, model.name, asked.prompt, self.world.clock.now(), made.body.get("usageMetadata", {}))
        self.memory.paid.append(paid)
        if made.spoken is not None:
            self.memory.spoken.append(SpokenText(asked.prompt, asked.voice, made.spoken.words, made.spoken.seconds))
        entry_of(request).detail.update(model=model.name, usage=paid.usage)
        return page(200, SIGN_IN) if kind == "html" else web.json_response(made.body)

    async def _admitted(self, request: web.Request) -> tuple[Model, Asked] | web.Response:
        """The model and what is asked of it, or the refusal."""
        if refused := _unknown_caller(request):
            return refused
        model = self._found(request)
        if isinstance(model, web.Response):
            return model
        deadline = request.headers.get("X-Server-Timeout", "")
        if self.memory.enforce_min_deadline and deadline.isdecimal() and int(deadline) < LEAST_DEADLINE_S:
            return errors.error(
                400, f"Manually set deadline {deadline}s is too short. Minimum allowed deadline is {LEAST_DEADLINE_S}s."
            )
        try:
            return model, read_request(await body_of(request), model)
        except web.HTTPBadRequest:
            return errors.error(400, "Invalid JSON payload received.")
        except RefusedError as refused:
            return errors.error(400, str(refused))

    def _found(self, request: web.Request) -> Model | web.Response:
        name, version = request.match_info["model"], request.match_info["version"]
        if name in self.memory.retired:
            return errors.error(
                404, f"This model models/{name} is no longer available. Please update your code to use a newer model."
            )
        if name not in MODELS:
            return errors.error(
                404, f"models/{name} is not found for API version {version}, or is not supported for generateContent."
            )
        return MODELS[name]


def _unknown_caller(request: web.Request) -> web.Response | None:
    """The refusal of a request with a wrong key, or none."""
    key = request.headers.get("x-goog-api-key") or request.query.get("key")
    if not key:
        return errors.no_key()
    return None if key == KEY else errors.bad_key()
