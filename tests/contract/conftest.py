"""A sandbox of the services for each test: real HTTP on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from reelqueue.sandbox import Sandbox, open_sandbox
from tests.contract.youtube_client import Client, token_for


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A sandbox that listens while the test runs."""
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


@pytest.fixture
async def youtube(sandbox: Sandbox, http: aiohttp.ClientSession) -> Client:
    """A client of the channel `default`."""
    return Client(sandbox, http, await token_for(sandbox, http))
