"""The API as a program asks it."""

import json
from typing import Any

import aiohttp


async def asked(api: aiohttp.ClientSession, method: str, path: str, **rest: Any) -> tuple[int, Any, Any]:
    """Status, body (None where there is none) and headers."""
    async with api.request(method, path, **rest) as answer:
        body = await answer.read()
        return answer.status, json.loads(body) if body else None, answer.headers
