"""What `deploy/`, `compose.yaml` and the `Dockerfile` promise an operator, as far as it can be held without running them."""

import asyncio
import contextlib
import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, NoPermissionError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from jobs.client import connect
from jobs.pipeline import QUEUES
from jobs.worker import HAND_BACK_SECONDS
from reelqueue import embedded, process
from reelqueue.settings import Settings
from tests.workers import worker

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
        assert (await channel.get_message(timeout=60))["type"] == "subscribe"


async def test_a_worker_asks_for_nothing_that_it_may_not(settings: Settings, redis_admin: Redis) -> None:
    """It would go on without some of it (being woken), a little slower: so nothing else would show it."""
    await redis_admin.acl_log_reset()

    async with worker(settings, "MaintenanceWorker"), connect(settings) as queue:
        for job in ("debug_task", "recover_interrupted", "sync_quotas"):
            await (await queue.enqueue_job(job, _queue_name="maintenance")).result(timeout=60, poll_delay=0.05)

    assert await redis_admin.acl_log() == []


async def test_the_services_user_may_keep_what_is_left_of_each_service(service: Redis) -> None:
    assert await service.set("quota:youtube", "{}", ex=60)


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


# --- Containers ---


COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
WORKERS = {"video": "VideoWorker", "batch": "BatchWorker", "maintenance": "MaintenanceWorker"}
DRAIN_SECONDS = Settings.model_fields["drain_seconds"].default
LONGEST_END_SECONDS = DRAIN_SECONDS + HAND_BACK_SECONDS
"""A worker drains, then hands back what did not end: cancels, commits, ends ffmpeg."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def seconds(text: str) -> float:
    """`45s`, `1m30s` or `45`, as Compose and systemd write them."""
    parts = re.findall(r"(\d+)(m|s|)", text)
    assert "".join(number + unit for number, unit in parts) == text
    return sum(float(number) * (60 if unit == "m" else 1) for number, unit in parts)


def test_the_containers_are_a_redis_the_three_workers_and_the_board() -> None:
    commands = {name: COMPOSE["services"][name]["command"] for name in WORKERS}

    assert COMPOSE["services"].keys() == {"redis", "dashboard", *WORKERS}
    assert COMPOSE["services"]["dashboard"]["command"] == ["reelqueue", "dashboard"]
    assert commands == {name: ["arq", f"worker_settings.{worker}"] for name, worker in WORKERS.items()}


@pytest.mark.parametrize(("name", "worker"), WORKERS.items())
def test_a_workers_container_is_told_to_end_in_time_and_may_do_little(name: str, worker: str) -> None:
    service = COMPOSE["services"][name]
    drain = float(service["environment"]["DRAIN_SECONDS"])

    assert drain == DRAIN_SECONDS
    assert seconds(service["stop_grace_period"]) > LONGEST_END_SECONDS
    assert (service["init"], service["stop_signal"], service["restart"]) == (True, "SIGTERM", "unless-stopped")
    assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert not service["user"].startswith(("0", "root"))
    assert service["healthcheck"]["test"] == ["CMD", "arq", "--check", f"worker_settings.{worker}"]
    assert service["volumes"] == ["data:/data"]
    assert service["environment"]["DATA_DIR"] == "/data"
    assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert service["deploy"]["resources"]["limits"]["memory"]


def test_every_setting_of_the_containers_is_one_of_ours() -> None:
    known = {f"{prefix}{field.upper()}" for field in Settings.model_fields for prefix in ("", "REELQUEUE_")}

    assert {name for one in (*WORKERS, "dashboard") for name in COMPOSE["services"][one]["environment"]} - known == set()


def test_the_boards_container_may_do_no_more_than_a_workers() -> None:
    board, worker = COMPOSE["services"]["dashboard"], COMPOSE["services"]["video"]

    assert {name for name in worker.keys() | board.keys() if board.get(name) != worker.get(name)} == {
        "command", "environment", "ports", "healthcheck", "deploy",
    }  # fmt: skip
    assert worker["environment"].items() <= board["environment"].items()


def test_no_password_has_a_default_and_no_port_is_open_beyond_the_machine() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    named = re.findall(r"(?<!\$)\$\{(\w*(?:PASSWORD|SECRET|KEY|TOKEN)\w*)([^}]*)\}", text)

    assert {name for name, _ in named} == {"REDIS_PASSWORD", "DASHBOARD_PASSWORD"}
    assert all(rest.startswith(":?") for _, rest in named)
    assert re.findall(r"redis://[^:]*:[^$]", text) == []
    assert {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service} == {
        "dashboard": ["127.0.0.1:5555:5555"]
    }


async def test_the_redis_containers_command_starts_a_server_that_asks_for_the_password(tmp_path: Path) -> None:
    """The command as it stands, its three folders elsewhere: under its own shell, with the wheel's server."""
    service = COMPOSE["services"]["redis"]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "valkey-server").symlink_to(embedded.program())
    script = service["command"][-1].replace("$$", "$").replace("/etc/reelqueue", str(DEPLOY / "redis"))
    script = script.replace("/run/reelqueue", str(tmp_path)).replace("/data", str(tmp_path))
    script = script.replace("--dir", f"--port 0 --unixsocket {tmp_path}/s --dir")
    env = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "REDIS_PASSWORD": "chosen"}

    server = await process.start([*service["command"][:-1], script], cwd=tmp_path, env=env)
    try:
        async with Redis.from_url(f"unix://reelqueue:chosen@{tmp_path}/s") as redis:
            await answer(redis)
        async with Redis.from_url(f"unix://{tmp_path}/s") as nobody:
            with pytest.raises(RedisConnectionError, match="Authentication required"):
                await nobody.ping()
    finally:
        await process.end(server, grace_s=5)
    assert stat.S_IMODE((tmp_path / "users.acl").stat().st_mode) == 0o600


async def answer(redis: Redis) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(RedisConnectionError, BusyLoadingError):
                await redis.ping()
                return
            await asyncio.sleep(0.02)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's lines, continued ones joined, comments left out."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8")).replace("\\\n", " ")
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line.strip())]


def values(wanted: str) -> list[str]:
    return [rest for name, rest in instructions() if name == wanted]


def test_the_images_python_is_one_that_we_run_on_and_its_tag_is_pinned() -> None:
    tags = [re.fullmatch(r"python:(\d+\.\d+)-slim-\w+(?: AS build)?", image) for image in values("FROM")]

    assert len(tags) == 2
    (version,) = {tag[1] for tag in tags if tag is not None}
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)


def test_the_image_holds_what_the_lock_names_by_hash_and_the_notices() -> None:
    installs = [part for run in values("RUN") for part in run.split("&&") if "pip install" in part]

    assert "--require-hashes" in installs[0] and "--no-deps" in installs[0] and "requirements.lock" in installs[0]
    assert all("--no-index" in install for install in installs[1:])
    assert "LICENSE THIRD_PARTY.md /usr/share/doc/reelqueue/" in values("COPY")
    assert not re.search(r"apt|curl|wget|ADD ", " ".join(values("RUN")))


def test_the_image_runs_as_nobody_special_and_hears_signals() -> None:
    names = [name for name, _ in instructions()]

    assert values("USER") == [COMPOSE["services"]["video"]["user"]]
    assert names.index("USER") > max(place for place, name in enumerate(names) if name in {"RUN", "COPY"})
    assert values("STOPSIGNAL") == ["SIGTERM"]
    assert values("CMD") == ['["arq", "worker_settings.VideoWorker"]']  # a list: no shell stands between it and a signal
    assert values("ENTRYPOINT") == []


def test_what_the_image_copies_is_let_in_and_nothing_else_is() -> None:
    copied = {part for rest in values("COPY") if "--from" not in rest for part in rest.split()[:-1]}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert {"**/.env", "**/__pycache__", "**/*.part"} <= set(rules)


def test_the_image_keeps_what_we_need_and_none_of_the_tools() -> None:
    """`keep_runtime` in the environment of the tests."""
    script = (DEPLOY / "docker" / "keep_runtime.py").read_text(encoding="utf-8")
    listed = script.replace('if __name__ == "__main__":\n', 'print(" ".join(surplus()))\nif False:\n')

    gone = set(subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True).stdout.split())

    assert {"pytest", "ruff", "mypy", "uv", "hatchling", "hypothesis", "pip"} <= gone
    assert gone & {"reelqueue", "arq", "redis", "hiredis", "pydantic", "pydantic-core", "av", "onnxruntime", "fonttools"} == set()


# --- systemd ---


UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
Unit = dict[str, dict[str, list[str]]]


def unit(path: Path) -> Unit:
    """A unit file by section and name; a name may be given more than once.  Raises AssertionError for what is no line of one."""
    found: Unit = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            section = heading[1]
            assert section not in found
            found[section] = {}
            continue
        name, is_one, value = line.partition("=")
        assert is_one and section and re.fullmatch(r"[A-Z]\w+", name) and value == value.strip(), line
        found[section].setdefault(name, []).append(value)
    return found


def service_of(path: Path) -> dict[str, str]:
    return {name: value for name, (value,) in unit(path)["Service"].items()}


def test_the_units_are_the_three_workers_the_board_and_their_target() -> None:
    target = unit(DEPLOY / "systemd" / "reelqueue.target")

    assert {path.stem: service_of(path)["ExecStart"] for path in UNITS} == {
        f"reelqueue-{name}": f"/opt/reelqueue/bin/arq worker_settings.{worker}" for name, worker in WORKERS.items()
    } | {"reelqueue-dashboard": "/opt/reelqueue/bin/reelqueue dashboard"}
    assert set(target["Unit"]["Wants"][0].split()) == {path.name for path in UNITS}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_ends_its_worker_in_time_and_starts_it_again_where_that_helps(path: Path) -> None:
    service = service_of(path)

    assert unit(path).keys() == {"Unit", "Service", "Install"}
    assert service["KillMode"] == "mixed"
    assert service["KillSignal"] == "SIGTERM"
    assert seconds(service["TimeoutStopSec"]) > LONGEST_END_SECONDS
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("on-failure", "2")
    assert service["OOMPolicy"] == "continue"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_may_do_little_and_sees_what_it_needs(path: Path) -> None:
    service = service_of(path)

    assert (service["User"], service["NoNewPrivileges"], service["ProtectSystem"]) == ("reelqueue", "yes", "strict")
    assert service["CapabilityBoundingSet"] == ""
    assert service["ReadWritePaths"] == f"/var/lib/{service['StateDirectory']}"
    assert f"DATA_DIR={service['ReadWritePaths']}" in service["Environment"].split()
    assert service["EnvironmentFile"] == "/etc/reelqueue/reelqueue.env"
    assert "AF_UNIX" in service["RestrictAddressFamilies"]
    assert service.keys() & {"ProcSubset", "PrivatePIDs", "MemoryDenyWriteExecute", "PrivateNetwork", "DynamicUser"} == set()


def test_the_units_differ_in_what_they_start_and_in_how_much_they_may_use() -> None:
    def shared(path: Path) -> Unit:
        found = unit(path)
        for section, name in (("Unit", "Description"), *(("Service", name) for name in ("ExecStart", "CPUWeight", "MemoryHigh"))):
            del found[section][name]
        return found

    first, *others = map(shared, UNITS)

    assert others == [first] * 3


# --- The page ---


PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_page_names_events_that_are_logged_and_settings_that_exist() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8") for top in ("jobs", "storage", "reelqueue") for path in (ROOT / top).rglob("*.py")
    )
    table = PAGE.partition("| `event` |")[2].partition("\n\n")[0]
    events = re.findall(r"`([^`]+)`", "\n".join(row.split("|")[1] for row in table.splitlines()[2:]))
    named = set(re.findall(r"`(?:REELQUEUE_)?([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", PAGE)) - {"PASSWORD_SHA256"}

    assert len(events) > 12
    assert [event for event in events if f'"{event}"' not in source and f'"{event};' not in source] == []
    assert len(named) > 8
    assert {name for name in named if name.lower() not in Settings.model_fields} == set()


def test_the_page_says_how_long_a_worker_may_take_to_end() -> None:
    assert f"`DRAIN_SECONDS` ({DRAIN_SECONDS:g})" in PAGE
    assert f"longer than `DRAIN_SECONDS` + {HAND_BACK_SECONDS:g} s" in PAGE
    assert "are 60 s here" in PAGE
    assert COMPOSE["services"]["video"]["stop_grace_period"] == "60s"


def test_every_link_of_the_page_leads_somewhere_and_both_readmes_lead_to_it() -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGE)

    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    assert [name for name in ("README.md", "README.zh-TW.md") if "docs/operations.md" not in (ROOT / name).read_text()] == []
