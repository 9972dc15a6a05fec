"""`doctor` and `say`, with the real FFmpeg, fonts, voice and server."""

import inspect
import json
import wave
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from jobs.halting import paused_key
from jobs.worker import WORKERS_PREFIX
from reelqueue import embedded
from reelqueue.ahead import checks
from reelqueue.cli import command
from reelqueue.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return read_settings(data_dir=tmp_path / "data", redis_url=f"unix://{tmp_path}/none.sock")


def levels(found: list[checks.Finding]) -> dict[str, str]:
    return {finding.what.en.strip(): finding.level for finding in found}


async def test_a_healthy_server_is_examined(settings, tmp_path):
    async with embedded.server(tmp_path / "redis") as url, Redis.from_url(url) as redis:
        seconds, _ = await redis.time()
        for queue in checks.QUEUES.values():
            await redis.zadd(WORKERS_PREFIX + queue, {"host/worker": seconds * 1000})
        found = levels(await checks.redis(settings.model_copy(update={"redis_url": SecretStr(url)})))

    assert found == {"Redis": "ok", "AOF": "ok", "maxmemory-policy": "ok", "installation": "ok", "clock": "ok", "worker": "ok"}


@pytest.mark.parametrize(("there", "kind"), [([], "all"), (["batch", "maintenance"], "video")])
async def test_a_queue_at_which_nobody_looks_is_named(settings, tmp_path, there, kind):
    async with embedded.server(tmp_path / "redis") as url, Redis.from_url(url) as redis:
        seconds, _ = await redis.time()
        for name, queue in checks.QUEUES.items():
            last = seconds if name in there else seconds - 60
            await redis.zadd(WORKERS_PREFIX + queue, {"host/worker": last * 1000})
        finding = (await checks.redis(settings.model_copy(update={"redis_url": SecretStr(url)})))[-1]

    assert (finding.level, finding.what.en.strip()) == ("warn", "worker")
    assert f"reelqueue worker {kind}" in finding.do.zh


async def test_a_queue_that_somebody_paused_is_named(settings, tmp_path):
    async with embedded.server(tmp_path / "redis") as url, Redis.from_url(url) as redis:
        await redis.set(paused_key("video_generation"), "1")
        found = await checks.redis(settings.model_copy(update={"redis_url": SecretStr(url)}))

    (finding,) = [one for one in found if one.what.en.strip() == "queue"]
    assert (finding.level, finding.saw.en) == ("warn", "video is paused")
    assert "reelqueue queues resume video" in finding.do.zh


async def test_a_server_that_forgets_evicts_or_is_another_installations_is_named(settings, tmp_path):
    async with embedded.server(tmp_path / "redis") as url, Redis.from_url(url) as redis:
        await redis.set("reelqueue:installation", "somebody else")
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        await redis.config_set("appendonly", "no")
        found = await checks.redis(settings.model_copy(update={"redis_url": SecretStr(url)}))

    assert levels(found) == {
        "Redis": "ok",
        "AOF": "warn",
        "maxmemory-policy": "fail",
        "installation": "fail",
        "clock": "ok",
        "worker": "warn",
    }
    assert all(finding.do.zh and finding.do.en for finding in found if finding.level != "ok")


@pytest.mark.parametrize(
    ("named", "address"),
    [pytest.param("redis_url", "nonsense", id="none"), pytest.param("celery_broker_url", "amqp://me:s3cret@h//", id="RabbitMQ")],
)
async def test_an_address_that_makes_no_sense_is_a_finding(settings, named, address):
    (finding,) = await checks.redis(settings.model_copy(update={"redis_url": None, named: SecretStr(address)}))

    assert (finding.level, named.upper() in str(finding.saw), "s3cret" in str(finding)) == ("fail", True, False)


async def test_a_server_that_does_not_answer_is_named(settings):
    (finding,) = await checks.redis(settings)

    assert finding.level == "fail"
    assert "none.sock" in finding.saw.en


async def test_too_little_space_and_a_file_for_a_folder_are_named(settings, tmp_path):
    (low,) = await checks.disk(settings.model_copy(update={"disk_low_water_gb": 10_000.0}))
    (tmp_path / "file").write_text("")
    (bad,) = await checks.disk(settings.model_copy(update={"data_dir": tmp_path / "file"}))

    assert (low.level, bad.level) == ("warn", "fail")


async def test_an_ffmpeg_that_is_none_is_named(settings, tmp_path):
    (finding,) = await checks.ffmpeg(settings.model_copy(update={"ffmpeg_binary": tmp_path / "none"}))

    assert finding.level == "fail"
    assert "none" in finding.saw.en


async def test_another_package_in_our_place_is_named(settings, tmp_path, monkeypatch):
    (tmp_path / "strangers").mkdir()
    (tmp_path / "strangers" / "progress.py").write_text("")
    spec = checks.importlib.util.spec_from_file_location("progress", tmp_path / "strangers" / "progress.py")
    monkeypatch.setattr(checks.importlib.util, "find_spec", lambda name: spec)

    found = await checks.packages(settings)

    assert {finding.level for finding in found} == {"fail"}
    assert "strangers" in found[0].saw.en


def test_this_machine_is_well(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)

    code = command(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)

    assert {line["level"] for line in found} <= {"ok", "warn"}
    assert code == 0


def test_say_writes_a_file_with_the_voice(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    code = command(["say", "你好。再見。", "--lexicon", "再見=掰掰"])
    path = Path(capsys.readouterr().out.strip())

    assert code == 0
    with wave.open(str(path)) as sound:
        assert 0.5 < sound.getnframes() / sound.getframerate() < 4.0
    assert list(path.parent.iterdir()) == [path]


def test_the_checks_are_all_asked():
    assert len(checks.CHECKS) == len({check.__name__ for check in checks.CHECKS}) == 19
    assert all(inspect.iscoroutinefunction(check) for check in checks.CHECKS)
