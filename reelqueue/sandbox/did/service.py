"""D-ID, as the project uses it: sounds and pictures are given, talks are made of them, filmed, and fetched by signed address.

Own kinds of faults: of "talks.create" "error" and "rejected" (the talk ends so), "moderation" (451) and "credits" (402); of
"talks.get" "expired" (the address in this answer is out of date already); of "result" "not_a_film".
"""

import asyncio
import base64
import hmac
import io
import math
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import BodyPartReader, web
from PIL import Image

from reelqueue.sandbox.control import body_of
from reelqueue.sandbox.did import errors
from reelqueue.sandbox.did.face import face
from reelqueue.sandbox.did.memory import Memory, Sound, Talk, filmed, keep
from reelqueue.sandbox.faults import ordered
from reelqueue.sandbox.gemini.voice import as_wav, speak
from reelqueue.sandbox.middleware import entry_of
from reelqueue.sandbox.world import World

SERVICE = "did"
KEY = "c2FuZGJveEBleGFtcGxlLmludmFsaWQ:SANDBOX-did-canary-00000"
"""The one key that is taken, as D-ID's own are written: an address in base64, a colon, a secret."""

SECONDS_A_CREDIT = 15
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")

refusal = errors.refusal


def routes(world: World) -> list[web.RouteDef]:
    """See `Service`."""
    did = _Did(world)
    world.services[SERVICE] = did.memory
    return [
        web.post("/did/audios", did.take_audio),
        web.post("/did/images", did.take_image),
        web.post("/did/talks", did.create),
        web.get("/did/talks/{id}", did.get),
        web.get("/did/credits", did.credits),
        web.get("/did/results/{id}/talk.mp4", did.result),
        web.get("/did/presenter.png", did.presenter),
        web.route("*", "/did/{rest:.*}", did.nothing),
    ]


def did_of(world: World) -> Memory:
    """What it remembers."""
    memory: Memory = world.services[SERVICE]
    return memory


def call_name(request: web.Request) -> str:
    """See `Service`: "audios", "images", "talks.create", "talks.get", "credits", "result", "presenter"."""
    match request.path.removeprefix("/did/").split("/"):
        case ["talks"]:
            return "talks.create"
        case ["talks", _]:
            return "talks.get"
        case ["results", *_]:
            return "result"
        case [first, *_]:
            return first.removesuffix(".png")
    return "?"


def settings(world: World) -> Mapping[str, str]:
    """See `Service`."""
    return {"DID_API_KEY": KEY, "DID_BASE_URL": f"{world.url}/did", "DID_SOURCE_URL": f"{world.url}/did/presenter.png"}


def state(world: World) -> Mapping[str, Any]:
    """See `Service`."""
    memory = did_of(world)
    talks = [
        {
            "id": one.id,
            "at": one.at.isoformat(),
            "source_url": one.source_url,
            "sha256": one.sha256,
            "seconds": one.seconds,
            "polls": one.polls,
        }
        for one in memory.created
    ]
    return {"talks": talks, "credits": memory.credits}


class _Did:
    def __init__(self, world: World) -> None:
        self.world = world
        self.memory = Memory()
        self._folder = world.folder / SERVICE
        self._sounds: dict[str, Sound] = {}  # by address
        self._images: set[str] = set()
        self._secret = secrets.token_bytes(16)
        self._filming: dict[str, asyncio.Lock] = {}

    async def take_audio(self, request: web.Request) -> web.Response:
        """Keep a sound; its address is for talks only."""
        if refused := _unknown_caller(request):
            return refused
        data = await _part(request, "audio")
        if data is None:
            return errors.invalid("audio", "a file is required")
        try:
            sound = await asyncio.to_thread(keep, data, self._folder)
        except ValueError:
            return errors.invalid("audio", "unsupported file")
        url = f"s3://d-id-audios-sandbox/{sound.id}.wav"
        self._sounds[url] = sound
        return web.json_response({"id": sound.id, "url": url, "duration": round(sound.seconds, 6)}, status=201)

    async def take_image(self, request: web.Request) -> web.Response:
        """Keep a picture."""
        if refused := _unknown_caller(request):
            return refused
        data = await _part(request, "image")
        if data is None or not data.startswith((b"\x89PNG", b"\xff\xd8\xff")):
            return errors.invalid("image", "a JPEG or PNG file is required")
        made = secrets.token_urlsafe(12)
        url = f"s3://d-id-images-sandbox/{made}.png"
        self._images.add(url)
        return web.json_response({"id": made, "url": url}, status=201)

    async def create(self, request: web.Request) -> web.Response:
        """Begin a talk: from here on it is paid."""
        if refused := _unknown_caller(request):
            return refused
        order = ordered(request, "error", "rejected", "moderation", "credits")
        read = await self._read(request)
        if isinstance(read, web.Response):
            return read
        source_url, sound = read
        price = math.ceil(sound.seconds / SECONDS_A_CREDIT)
        if (order and order.kind == "credits") or price > self.memory.credits:
            return errors.error(402)
        if order and order.kind == "moderation":
            return errors.error(451, kind="AudioModerationError")
        self.memory.credits -= price
        ends = order.kind if order else "done"
        talk = Talk(f"tlk_{secrets.token_urlsafe(12)}", self.world.clock.now(), source_url, sound, ends)
        self.memory.created.append(talk)
        entry_of(request).detail["talk"] = talk.id
        made = {"id": talk.id, "object": "talk", "created_at": _iso(talk.at), "created_by": "sandbox", "status": "created"}
        return web.json_response(made, status=201)

    async def _read(self, request: web.Request) -> tuple[str, Sound] | web.Response:
        """The face's address and the sound; or what is wrong with the request."""
        try:
            body = await body_of(request)
        except web.HTTPBadRequest:
            return errors.error(400, "the body is not a JSON object", kind="BadRequestError")
        source_url, script = body.get("source_url"), body.get("script")
        if not isinstance(source_url, str) or not self._is_image(source_url):
            return errors.invalid("source_url", "must be a valid image URL")
        match script:
            case {"type": "audio", "audio_url": str(url)} if url in self._sounds:
                return source_url, self._sounds[url]
            case {"type": "audio"}:
                return errors.invalid("script.audio_url", "must be a valid audio URL")
            case {"type": "text", "input": str(text)} if text.strip():
                spoken = await asyncio.to_thread(speak, text, "Kore")
                return source_url, await asyncio.to_thread(keep, as_wav(spoken.samples), self._folder)
        return errors.invalid("script", "script.type must be one of text, audio")

    def _is_image(self, url: str) -> bool:
        if url.startswith("s3://"):
            return url in self._images
        return url.startswith(("https://", "http://")) and url.split("?", 1)[0].lower().endswith(IMAGE_SUFFIXES)

    async def get(self, request: web.Request) -> web.Response:
        """How far a talk is; with a fresh address once it is done."""
        if refused := _unknown_caller(request):
            return refused
        talk = self.memory.talk(request.match_info["id"])
        if talk is None:
            return errors.error(404)
        talk.polls += 1
        now = self.world.clock.now()
        ready = talk.polls >= self.memory.polls or (now - talk.at).total_seconds() >= self.memory.takes_s
        status = talk.ends if ready else "created" if talk.polls == 1 else "started"
        made: dict[str, Any] = {
            "id": talk.id, "object": "talk", "status": status, "source_url": talk.source_url, "created_at": _iso(talk.at),
            "created_by": "sandbox", "modified_at": _iso(now), "config": {"result_format": ".mp4"},
        }  # fmt: skip
        if status == "done":
            expired = ordered(request, "expired") is not None
            made |= {
                "duration": round(talk.seconds, 3),
                "result_url": self._signed(talk, -1.0 if expired else self.memory.url_lives_s),
            }
        elif status == "error":
            made["error"] = {"kind": "InternalServerError", "description": "internal server error"}
        elif status == "rejected":
            made["error"] = {"kind": "ImageModerationError", "description": "the image was rejected by moderation"}
        return web.json_response(made)

    async def credits(self, request: web.Request) -> web.Response:
        """What is left; costs nothing."""
        if refused := _unknown_caller(request):
            return refused
        left = self.memory.credits
        return web.json_response(
            {"credits": [{"remaining": left, "total": 10_000, "product": "sandbox"}], "remaining": left, "total": 10_000}
        )

    async def result(self, request: web.Request) -> web.StreamResponse:
        """The film, for who has a signed address that is still good; filmed at the first look."""
        if "Authorization" in request.headers:  # storage takes one proof, not two: the key must not be sent there
            return errors.denied("InvalidArgument", "Only one auth mechanism allowed", 400)
        talk = self.memory.talk(request.match_info["id"])
        expires = request.query.get("Expires", "")
        if (
            talk is None
            or not expires.isdecimal()
            or not hmac.compare_digest(request.query.get("Signature", ""), self._signature(talk.id, expires))
        ):
            return errors.denied("AccessDenied", "Access Denied")
        if self.world.clock.now().timestamp() >= int(expires):
            return errors.denied("AccessDenied", "Request has expired")
        if ordered(request, "not_a_film"):
            return web.Response(body=b"This is not a film.\n" * 100, content_type="video/mp4")
        async with self._filming.setdefault(talk.id, asyncio.Lock()):
            target = await asyncio.to_thread(filmed, talk, self._folder)
        return web.FileResponse(target, headers={"Content-Type": "video/mp4"})

    async def presenter(self, _request: web.Request) -> web.Response:
        """A picture of a face, as a source to be named in talks."""
        return web.Response(body=await asyncio.to_thread(_portrait), content_type="image/png")

    async def nothing(self, _request: web.Request) -> web.Response:
        """No such path."""
        return web.json_response({"message": "Missing Authentication Token"}, status=403)

    def _signed(self, talk: Talk, lives_s: float) -> str:
        expires = str(int(self.world.clock.now().timestamp() + lives_s))
        return f"{self.world.url}/did/results/{talk.id}/talk.mp4?Expires={expires}&Signature={self._signature(talk.id, expires)}"

    def _signature(self, talk_id: str, expires: str) -> str:
        return hmac.new(self._secret, f"{talk_id}:{expires}".encode(), "sha256").hexdigest()


def _portrait() -> bytes:
    file = io.BytesIO()
    Image.fromarray(face("presenter", 0, blink=False)).save(file, "PNG")
    return file.getvalue()


async def _part(request: web.Request, name: str) -> bytes | None:
    """The file of this name in a multipart body; None where there is none."""
    if not request.content_type.startswith("multipart/"):
        return None
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if isinstance(part, BodyPartReader) and part.name == name:
            return bytes(await part.read())
    return None


def _unknown_caller(request: web.Request) -> web.Response | None:
    """The refusal of a request with a wrong key, or none; the key comes as it is, or in base64 once more."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    taken = {KEY, base64.b64encode(KEY.encode()).decode()}
    return None if scheme == "Basic" and given in taken else errors.error(401)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
