"""One connection to Gemini, by google-genai: each call is sent once, within its time, and fails with an error of ours.

The transport is httpx2, not the aiohttp that google-genai takes by itself where it finds one installed.  Both send a paid POST
once when told `HttpRetryOptions(attempts=1)`, as a test counts in the sandbox's journal; httpx2 moreover follows no redirect
here (a 307 would carry text and key to another host, and send them a second time), tells a connection that was never made
from an answer that was lost (the first cost nothing), and stays the same whatever else is installed.  Its own time-outs hold
for a single read, so the whole call is bounded here.  No connection is kept: one that the service closed meanwhile would lose
a request of which nobody knows whether it was paid, and a handshake is short beside any answer.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from reelqueue.providers.gemini.errors import misread, not_set_up, translate, unusable_key
from reelqueue.providers.gemini.model import Model

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import httpx2
    from google import genai
    from google.genai import types

T = TypeVar("T")

BASE_URL = "https://generativelanguage.googleapis.com"
API_VERSION = "v1"
CONNECT_S = 15.0
_KEY = re.compile(r"(?!auth_tokens/)[!-~]{8,512}")
"""What can be sent in a header; short-lived tokens are for another API."""
LOOK_S = 20.0
"""A free look at a model; Gemini refuses deadlines below 10 s."""


class GeminiClient:
    """Gemini by one key.  The library is loaded, and its client made, by the first call, in a thread: it takes a second."""

    def __init__(self, api_key: SecretStr | str, base_url: str | None = None) -> None:
        self._key = (api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key).strip()
        self._base_url = base_url or BASE_URL
        self._making = asyncio.Lock()
        self._client: genai.Client | None = None
        self._http: httpx2.AsyncClient | None = None

    async def aclose(self) -> None:
        """End all connections."""
        client, self._client = self._client, None
        http, self._http = self._http, None
        if client is not None:
            client.close()
        if http is not None:
            await http.aclose()

    async def load(self) -> None:
        """Load the library, and make its client, in a thread: `google.genai` can be imported at once from then on.

        Raises:
            AuthenticationFailed: the key can't be sent.  ServiceMisconfigured: the environment allows no connection.
        """
        await self._ready()

    async def generate(
        self, model: Model, contents: Any, config: "types.GenerateContentConfig", *, timeout_s: float
    ) -> "types.GenerateContentResponse":
        """One paid call, sent once.

        Args:
            model: which one.
            contents: what is asked.
            config: how; its time-out and how often it is sent are set here.
            timeout_s: for the whole call, at least 10.

        Raises:
            TransientError, PermanentError, QuotaExhausted: one of ours, as `errors.translate` says.
        """
        client = await self._ready()
        from google.genai import types  # noqa: PLC0415 - 0.9 s and 60 MB: only who asks Gemini pays for them, and not in the loop

        once = config.model_copy(
            update={
                "http_options": types.HttpOptions(timeout=round(timeout_s * 1_000)),
                "automatic_continuation": False,  # it would send more paid requests, and lose all where a later one fails
                "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True),
            }
        )
        return await self._sent(
            client.aio.models.generate_content(model=model.name, contents=contents, config=once), model, timeout_s
        )

    async def look(self, models: Iterable[Model]) -> None:
        """Whether the key is taken and the models are there.  Costs nothing.

        Raises:
            AuthenticationFailed: the key is refused.  ServiceMisconfigured: a model is gone (names its setting).
            TransientError: Gemini can't be reached.
        """
        client = await self._ready()
        from google.genai import types  # noqa: PLC0415 - as in `generate`

        config = types.GetModelConfig(http_options=types.HttpOptions(timeout=round(LOOK_S * 1_000)))
        for model in models:
            await self._sent(client.aio.models.get(model=model.name, config=config), model, LOOK_S)

    async def _sent(self, call: "Awaitable[T]", model: Model, timeout_s: float) -> T:
        from google.genai import errors  # noqa: PLC0415 - as in `generate`
        from httpx2 import HTTPError, InvalidURL  # noqa: PLC0415 - as in `generate`

        try:
            async with asyncio.timeout(timeout_s):
                return await call
        except (errors.APIError, HTTPError, InvalidURL, TimeoutError, OSError) as error:
            raise translate(error, model, timeout_s=timeout_s, secret=self._key) from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:  # what an answer of another form does to the library
            raise misread(error) from error

    async def _ready(self) -> "genai.Client":
        if not _KEY.fullmatch(self._key):
            raise unusable_key()
        async with self._making:
            if self._client is None:
                try:
                    made, self._http = await asyncio.to_thread(_made, self._key, self._base_url)
                except (ImportError, ValueError, OSError) as error:  # a proxy of another kind, a certificate file that is gone
                    raise not_set_up(error) from error
                self._client = made
            return self._client


def _made(key: str, base_url: str) -> "tuple[genai.Client, httpx2.AsyncClient]":
    """All that the environment could choose is said here: GOOGLE_API_KEY, GOOGLE_GEMINI_BASE_URL and their like count for nothing."""
    import httpx2  # noqa: PLC0415 - as in `generate`
    from google import genai  # noqa: PLC0415 - as in `generate`
    from google.genai import types  # noqa: PLC0415 - as in `generate`

    from reelqueue.providers.gemini.bounds import PLAIN, bounded  # noqa: PLC0415 - as in `generate`

    # One: else the library reads all certificates for two more transports, 20 ms of CPU each.
    trusted = httpx2.create_ssl_context()
    http = httpx2.AsyncClient(
        headers=PLAIN,
        verify=trusted,
        event_hooks={"response": [bounded]},
        follow_redirects=False,
        limits=httpx2.Limits(max_keepalive_connections=0),
        timeout=httpx2.Timeout(LOOK_S, connect=CONNECT_S),
    )
    options = types.HttpOptions(
        base_url=base_url,
        api_version=API_VERSION,
        timeout=round(LOOK_S * 1_000),
        retry_options=types.HttpRetryOptions(attempts=1),
        httpx_async_client=http,
        client_args={"verify": trusted},
        async_client_args={"ssl": trusted},
    )
    return genai.Client(enterprise=False, api_key=key, http_options=options), http
