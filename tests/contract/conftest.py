"""A sandbox of the services for each test: real HTTP on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reelqueue.sandbox import Sandbox, open_sandbox


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A sandbox that listens while the test runs."""
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened
