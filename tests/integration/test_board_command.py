"""`reelqueue dashboard`: says where it is, ends when told to though pages are open, and refuses in a sentence."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from reelqueue.settings import Settings
from tests import forks

COMMAND = Path(sys.executable).with_name("reelqueue")
START_SECONDS, END_SECONDS = 90.0, 60.0


@contextlib.asynccontextmanager
async def board(settings: Settings, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command; killed at the block's end where it has not ended."""
    assert settings.redis_url is not None
    ours = {"REDIS_URL": settings.redis_url.get_secret_value(), "DATA_DIR": str(settings.data_dir), "REELQUEUE_LANGUAGE": "en"}
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/tmp"), "DASHBOARD_PORT": "0", **ours, **more}
    pipe = asyncio.subprocess.PIPE
    process = await forks.create_subprocess_exec(
        COMMAND, "dashboard", env=environment, cwd=settings.data_dir.parent, stdout=pipe, stderr=pipe
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def address_of(process: asyncio.subprocess.Process) -> str:
    """Where it says that it is."""
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        line = (await process.stdout.readline()).decode()
    return line.split()[2]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_is_and_ends_at_once_though_a_page_is_open(settings, ending):
    """An open stream would keep a server for as long as its page is open."""
    async with board(settings) as process, aiohttp.ClientSession() as session:
        address = await address_of(process)
        async with session.get(f"{address}live?topics=all") as stream:
            await stream.content.readany()

            process.send_signal(ending)
            async with asyncio.timeout(END_SECONDS):
                code = await process.wait()

            assert code == 0
            await stream.read()  # to its end: one that kept the server until its patience was over would break off here


async def test_a_port_that_is_taken_is_told_in_a_sentence(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with board(settings, DASHBOARD_PORT=str(taken.getsockname()[1])) as process, asyncio.timeout(START_SECONDS):
            _, said = await process.communicate()

    assert process.returncode == 1
    assert b"is taken" in said
    assert b"DASHBOARD_PORT" in said
    assert b"Traceback" not in said


async def test_open_to_the_network_it_does_not_start_without_a_password(settings):
    async with board(settings, DASHBOARD_HOST="0.0.0.0") as process, asyncio.timeout(START_SECONDS):
        _, said = await process.communicate()

    assert process.returncode == 2
    assert b"DASHBOARD_PASSWORD" in said


async def test_no_secret_stands_in_what_it_writes(settings):
    given = {"DASHBOARD_PASSWORD": "s3cret-horse", "API_TOKEN": "s3cret-s3cret-s3cret"}
    async with board(settings, **given) as process, aiohttp.ClientSession() as session:
        address = await address_of(process)
        headers = {"Authorization": f"Bearer {given['API_TOKEN']}"}
        async with session.get(f"{address}api/projects", headers=headers) as answer:
            status = answer.status
        process.terminate()
        _, said = await process.communicate()

    assert status == 200
    assert b"s3cret" not in said
