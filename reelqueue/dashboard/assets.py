"""Our own files for browsers: style, script, icons.  An address with its content's hash is kept for a year, any other is asked again."""

import hashlib
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from reelqueue.dashboard.door.packing import packed_file, takes_gzip

HERE = Path(__file__).parent
PACKED = {".css", ".js", ".svg"}
FOREVER, ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"


@lru_cache
def address_of(name: str) -> str:
    """Where a file of `static/` is asked for; its name alone where there is no such file."""
    path = HERE / "static" / name
    if not path.is_file():
        return f"/static/{name}"
    return f"/static/{name}?v={hashlib.sha256(path.read_bytes()).hexdigest()[:10]}"


class Assets(StaticFiles):
    """The folder `static/`."""

    def __init__(self) -> None:
        super().__init__(directory=HERE / "static")

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file of it."""
        response = await super().get_response(path, scope)
        is_named = f"/static/{path}?{scope['query_string'].decode('latin-1')}" == address_of(path)
        response.headers["Cache-Control"] = FOREVER if is_named else ASK_AGAIN
        if is_named and Path(path).suffix in PACKED and scope["method"] == "GET" and takes_gzip(Headers(scope=scope)):
            headers = {"Cache-Control": FOREVER, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            return Response(packed_file(HERE / "static" / path), headers=headers, media_type=response.media_type)
        return response
