"""The Data API's small calls, as one channel, by aiogoogle: each is sent once, and once more with a fresh token after a 401."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiogoogle.client import Aiogoogle
from aiogoogle.models import Request

from reelqueue.errors import ServiceMisconfigured
from reelqueue.providers.youtube.errors import Asked, nonsense, refused, unreachable
from reelqueue.providers.youtube.refusal import reason_of
from reelqueue.providers.youtube.tokens import Access
from reelqueue.providers.youtube.wire import Answer, Wire
from reelqueue.wording import Text

API_URL = "https://www.googleapis.com"
GOOGLES = ".googleapis.com"
CALL_WITHIN_S = 60.0
_FAR = "9999-12-31T00:00:00"
"""aiogoogle is told that no token ends: `Access` knows better, and renews one at a time."""


class YouTubeClient:
    """One channel's calls.  `base_url` stands in for Google's own."""

    def __init__(self, access: Access, wire: Wire, base_url: str | None = None) -> None:
        self.access, self.wire = access, wire
        self.base_url = base_url or API_URL
        factory: Any = lambda: wire  # noqa: E731 - aiogoogle wants a class, and calls it
        self._google: Any = Aiogoogle(session_factory=factory)

    async def call(self, name: str, method: str, path: str, **request: Any) -> dict[str, Any]:
        """One call, that errors name as `name` ("videos.list"); its answer, an object.  The rest as for `ask`.

        Raises:
            the errors of `errors.refused`, and as `Access.token`.
        """
        answer = await self.ask(method, path, **request)
        if not 200 <= answer.status < 300:
            raise self.refusal(answer, name)
        said = answer.json
        if not isinstance(said, dict):
            raise nonsense(answer)
        return said

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        json: dict[str, Any] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        within_s: float = CALL_WITHIN_S,
    ) -> Answer:
        """One call; its answer, whatever the status, but for a 401 that a fresh token may mend.

        Args:
            method: the method.
            path: below the base: "youtube/v3/videos".
            query: the parameters.
            json: the body, or
            body: its bytes.
            headers: beside those that aiogoogle sets.
            within_s: for all of it.

        Raises:
            ServiceUnavailable: there was no whole answer.
            AuthenticationFailed, InvalidSettings, RateLimited: as `Access.token`.
        """
        url = f"{self.base_url}/{path}" + (f"?{urlencode(query)}" if query else "")

        async def sent(token: str) -> Answer:
            asked = Request(method, url, headers=dict(headers or {}), json=json, data=body)
            user = {"access_token": token, "expires_at": _FAR}
            response = await self._google.as_user(asked, user_creds=user, full_res=True, raise_for_status=False, timeout=within_s)
            return Answer(response.status_code, response.headers, response.data)

        return await self.with_token(sent)

    async def with_token(self, send: Callable[[str], Awaitable[Answer]]) -> Answer:
        """What `send` answers with the channel's token, or with a fresh one where the first is refused."""
        token = await self.access.token()
        answer = await send(token)
        return await send(await self.access.another(token)) if token_is_refused(answer) else answer

    def refusal(self, answer: Answer, name: str) -> Exception:
        """The error of an answer to the call `name`."""
        return refused(answer, Asked(name, self.access.channel, clock_skew_s=self.wire.clock_skew_s))

    def allowed(self, url: str) -> str:
        """An address that Google named, where our token may go there.

        Raises:
            ServiceMisconfigured: it is elsewhere than Google, and than where our base is.
        """
        ours, theirs = urlsplit(self.base_url), urlsplit(url)
        here = (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc)
        googles = theirs.scheme == "https" and (theirs.hostname or "").endswith(GOOGLES) and theirs.username is None
        if here or (googles and (ours.hostname or "").endswith(GOOGLES)):
            return url
        raise ServiceMisconfigured(
            Text(f"上傳被轉往別處（{theirs.hostname}）", f"the upload is sent elsewhere ({theirs.hostname})"),
            Text("檢查 YOUTUBE_API_BASE_URL 與代理伺服器", "check YOUTUBE_API_BASE_URL and the proxy"),
        )


def items_of(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of a list; an answer that does not say there are none is not taken for it: a video may be sent anew for that.

    Raises:
        ServiceUnavailable: it is no list.
    """
    items, about = said.get("items"), said.get("pageInfo")
    if items is None and isinstance(about, dict) and about.get("totalResults") == 0:
        return []
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise unreachable(Text("的清單看不懂", "gave a list that makes no sense"))
    return items


def token_is_refused(answer: Answer) -> bool:
    """Whether a fresh token may mend it."""
    return answer.status == 401 and reason_of(answer) != "youtubeSignupRequired"
