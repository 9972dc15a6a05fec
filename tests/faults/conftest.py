"""A world for each test, and its parts by name."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from arq.connections import ArqRedis

from jobs.app import Queue
from jobs.client import connect, open_queue
from reelqueue.settings import Settings
from tests.faults.course import Course
from tests.faults.redis_server import RedisServer
from tests.faults.supervising import Supervise, supervisor
from tests.faults.world import World, opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A server, a proxy, a folder, workers."""
    async with opened(tmp_path) as found:
        yield found


@pytest.fixture
def server(world: World) -> RedisServer:
    """With an append-only file: it remembers what it acknowledged."""
    return world.server


@pytest.fixture
def settings(world: World) -> Settings:
    """For the test's own server, with a short lease."""
    return world.settings


@pytest.fixture
def course(world: World) -> Course:
    """Where jobs note how far they are, and are let go."""
    return world.course


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[Queue]:
    """As app code has it."""
    async with connect(settings) as found:
        yield found


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[ArqRedis]:
    """As an arq client has it."""
    async with open_queue(settings) as client:
        yield client.redis


@pytest.fixture
def supervise(settings: Settings, tmp_path: Path, course: Course) -> Supervise:
    """Starts `reelqueue worker` as an operator does."""
    return supervisor(settings, tmp_path, course)
