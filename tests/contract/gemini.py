"""What the tests of Gemini's adapters share: a client for the sandbox, and the library's own warning that is not ours."""

import pytest

from reelqueue.providers.gemini.client import GeminiClient
from reelqueue.sandbox import Sandbox

SDK_WARNS = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")  # the SDK's own
TEXT, PICTURES, VOICE = "gemini-3.8-flash", "gemini-3.1-flash-image", "gemini-3.8-flash-tts"
UNKNOWN, NOTHING = None, ()
"""What a failed call was billed for: nobody knows; surely nothing."""


def client_of(sandbox: Sandbox, **changed: str) -> GeminiClient:
    """A client for the sandbox; `api_key` or `base_url` other than its own where given."""
    own = sandbox.settings()
    return GeminiClient(changed.get("api_key", own["GEMINI_API_KEY"]), changed.get("base_url", own["GEMINI_BASE_URL"]))


def billed_units(usage) -> dict[str, float]:
    """The amounts by unit."""
    return {use.unit: use.amount for use in usage}
