"""How large an answer of Gemini's may be: what is on the way may send anything."""

import pytest
from google.genai import types

from reelqueue.errors import ServiceUnavailable
from reelqueue.providers.gemini.client import GeminiClient
from reelqueue.providers.gemini.model import script_model
from tests.integration.bad_services import proxied

KEY = "AIzaSANDBOX-gemini-canary-000000000000"


@pytest.mark.parametrize("kind", ["bomb", "endless"])
async def test_an_answer_without_end_or_packed_a_thousandfold_is_broken_off(kind):
    async with proxied() as proxy:
        proxy.said = {"tides": kind}
        client = GeminiClient(KEY, proxy.url)
        with pytest.raises(ServiceUnavailable) as met:
            await client.generate(script_model("gemini-3.8-flash"), "tides", types.GenerateContentConfig(), timeout_s=50)
        await client.aclose()

    assert met.value.usage is None  # nobody knows whether it was paid
    assert len(proxy.asked) == 1
