"""What `deploy/`, `compose.yaml` and the `Dockerfile` promise an operator, as far as it can be held without running them."""

from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from jobs.pipeline import QUEUES
from reelqueue import embedded, process

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


# --- Redis ---


@pytest.fixture
async def service(redis_server: str):
    """As the workers and the app connect."""
    async with Redis.from_url(redis_server) as redis:
        yield redis


DANGEROUS = [
    "FLUSHALL", "FLUSHDB", "KEYS *", "CONFIG GET *", "CONFIG SET maxmemory 1", "CONFIG REWRITE", "DEBUG SLEEP 0", "SHUTDOWN NOSAVE",
    "MONITOR", "SAVE", "BGSAVE", "BGREWRITEAOF", "REPLICAOF NO ONE", "FAILOVER", "ACL LIST", "ACL SETUSER x", "MODULE LIST",
    "MODULE LOAD x", "CLIENT KILL TYPE normal", "CLIENT LIST", "CLIENT PAUSE 1", "CLUSTER RESET", "SCRIPT FLUSH", "SCRIPT KILL",
    "FUNCTION LOAD x", "FUNCTION FLUSH", "SWAPDB 0 1", "RESTORE reelqueue:x 0 x", "SLOWLOG RESET", "LATENCY RESET", "SORT reelqueue:x",
]  # fmt: skip


@pytest.mark.parametrize("command", DANGEROUS)
async def test_the_services_user_may_do_nothing_dangerous(service: Redis, command: str) -> None:
    with pytest.raises(ResponseError, match=r"no permissions|not allowed"):
        await service.execute_command(*command.split())


@pytest.mark.parametrize(
    "command",
    [
        "SET session:7 x",
        "GET celery",
        "DEL someone",
        "ZADD video_generation2 1 x",
        "PUBLISH news x",
        "SUBSCRIBE __keyspace@0__:x",
    ],
)
async def test_the_services_user_sees_no_keys_and_channels_but_its_own(service: Redis, command: str) -> None:
    with pytest.raises(NoPermissionError):
        await service.execute_command(*command.split())


async def test_scripts_are_held_to_the_same_rights(service: Redis) -> None:
    with pytest.raises(ResponseError, match="no permissions"):
        await service.eval("return redis.call('FLUSHALL')", 0)
    with pytest.raises(ResponseError, match="No permissions to access a key"):
        await service.eval("return redis.call('GET', KEYS[1])", 1, "session:7")


async def test_a_worker_may_be_told_of_changes(service: Redis) -> None:
    number = await service.client_id()

    assert await service.execute_command("CLIENT", "TRACKING", "ON", "REDIRECT", number, "BCAST", "PREFIX", QUEUES[0]) == b"OK"
    async with service.pubsub() as channel:
        await channel.subscribe("__redis__:invalidate")


async def test_nobody_comes_in_without_a_password(redis_server: str, redis_admin: Redis) -> None:
    users = {line.split()[1]: line.split() for line in await redis_admin.acl_list()}

    assert users.keys() == {"default", "reelqueue", "admin"}
    assert "off" in users["default"]
    assert "nopass" not in users["reelqueue"]


async def test_the_shipped_server_keeps_what_it_is_told_and_never_evicts(redis_server: str, redis_admin: Redis) -> None:
    told = await redis_admin.config_get("append*", "maxmemory*", "protected-mode", "save")

    assert (told["appendonly"], told["appendfsync"], told["save"]) == ("yes", "everysec", "")
    assert told["maxmemory-policy"] == "noeviction"
    assert int(told["maxmemory"]) > 0
    assert told["protected-mode"] == "yes"


async def test_the_server_does_not_start_before_its_password_is_chosen(tmp_path: Path) -> None:
    argv = [str(embedded.program()), "--port", "0", "--aclfile", str(DEPLOY / "redis" / "users.acl"), "--dir", str(tmp_path)]

    with pytest.raises(process.ChildFailed) as failed:
        await process.run(argv, cwd=tmp_path, timeout_s=10, on_line=(said := []).append)

    assert failed.value.kind == "exit"
    assert "password hash" in " ".join(said)


def test_every_queue_has_its_key_patterns() -> None:
    rights = (DEPLOY / "redis" / "users.acl").read_text(encoding="utf-8").split()

    assert {f"~{queue}{rest}" for queue in QUEUES for rest in ("", ":*")} <= set(rights)
    assert "~*" not in rights and "allkeys" not in rights and "&*" not in rights and "allchannels" not in rights
