"""Who answers as Redis over TLS has to be the one that was named; who else could reach a Redis is told."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from jobs.client import redis_settings, unguarded
from jobs.pools import open_pool
from progress.connection import open_redis
from reelqueue.ahead.redis_checks import is_mended, reach_found, version_found
from tests.certificates import made


@contextlib.asynccontextmanager
async def by_the_pool(url: str) -> AsyncIterator[Redis]:
    pool = open_pool(redis_settings(url, retries=0))
    try:
        yield pool
    finally:
        await pool.aclose(close_connection_pool=True)


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """A server whose certificate names 127.0.0.1 and nothing else; it says OK to whatever it is told."""
    server_side, _ = made(tmp_path)

    async def agree(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line.startswith(b"*"):
                writer.write(b"+PONG\r\n")
        writer.close()

    server = await asyncio.start_server(agree, "127.0.0.1", 0, ssl=server_side)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("opened", [open_redis, by_the_pool])
@pytest.mark.parametrize(
    ("host", "more", "answers"),
    [
        pytest.param("127.0.0.1", "", True, id="the one that was named"),
        pytest.param("localhost", "", False, id="somebody else with a good certificate"),
        pytest.param("localhost", "&ssl_check_hostname=false", True, id="as the address wants it"),
    ],
)
async def test_a_certificate_has_to_name_the_server(tmp_path, port, opened, host, more, answers):
    """redis-py and arq look at the certificate, and not at whose it is, unless they are told to."""
    async with opened(f"rediss://{host}:{port}/0?ssl_ca_certs={tmp_path}/both.pem{more}") as redis:
        try:
            said = await redis.ping()
        except (RedisError, OSError) as error:
            said = str(error)
    gc.collect()  # redis-py leaves a handshake that failed to the collector, which says so: here, and in no later test

    assert (said is True) == answers
    assert answers or "mismatch" in str(said).lower()


@pytest.mark.parametrize("more", ["ssl_cert_reqs=none", "ssl_cert_reqs=optional"])
async def test_who_wants_no_certificate_gets_none_looked_at(tmp_path, port, more):
    async with open_redis(f"rediss://localhost:{port}/0?{more}&ssl_ca_certs={tmp_path}/both.pem") as redis:
        assert await redis.ping()


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("redis://localhost:6379", None),
        ("redis://127.0.0.1", None),
        ("redis://[::1]:6379/0", None),
        ("unix:///run/redis.sock", None),
        ("redis://:secret@redis:6379/0", None),
        ("redis://u:secret@10.1.2.3:6379/0", None),
        ("rediss://u:secret@cache.example.com/0", None),
        ("redis+sentinel://u:secret@one,two:26379/main/0", None),
        ("redis://redis:6379/0", "password"),
        ("redis://10.1.2.3", "password"),
        ("rediss://cache.example.com", "password"),
        ("redis+sentinel://one,two:26379/main/0", "password"),
        ("redis://u:secret@cache.example.com:6379", "encrypted"),
        ("redis://u:secret@203.0.113.7:6379", None),  # a number of documentation is nobody's
        ("redis://u:secret@8.8.8.8:6379", "encrypted"),
    ],
)
def test_a_server_that_others_can_reach_or_hear_is_told(url, word):
    found = unguarded(url)

    assert (found is None) == (word is None)
    assert found is None or word in found.saw.en
    assert found is None or "secret" not in f"{found.saw}{found.do}"
    assert [finding.level for finding in reach_found(url)] == ([] if word is None else ["warn"])


@pytest.mark.parametrize(
    ("name", "version", "mended"),
    [
        ("Redis", "7.0.15", False),
        ("Redis", "7.2.10", False),
        ("Redis", "7.2.11", True),
        ("Redis", "8.2.1", False),
        ("Redis", "8.2.2", True),
        ("Redis", "8.4.0", True),
        ("Valkey", "8.1.3", False),
        ("Valkey", "8.1.4", True),
        ("Valkey", "9.1.2", True),
        ("Redis", "?", True),
        ("Redis", "255.255.255", True),
    ],
)
def test_a_release_with_known_holes_is_told_by_its_number(name, version, mended):
    assert is_mended(name, version) is mended
    assert version_found(name, version, "there").level == ("ok" if mended else "warn")


def test_a_release_that_is_too_old_to_work_with_is_told_first():
    assert "Redis 6" in version_found("Redis", "5.0.14", "there").do.en
