"""The stock command, as an operator runs it: `arq worker_settings.VideoWorker`."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from arq.worker import get_kwargs

from jobs.client import connect
from tests import forks

ROOT = Path(__file__).parents[2]
ARQ = str(Path(sys.executable).with_name("arq"))


def environment(settings, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REELQUEUE_", "REDIS_", "CELERY_"))}
    return kept | {
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "DATA_DIR": str(settings.data_dir),
        "REELQUEUE_LANGUAGE": "en",
        **more,
    }


async def arq(settings, *arguments, cwd, **more):
    process = await forks.create_subprocess_exec(
        ARQ, *arguments, cwd=cwd, env=environment(settings, **more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


def test_each_class_is_flat_and_names_its_queue(monkeypatch, settings):
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    import worker_settings  # noqa: PLC0415 - reads the environment

    found = [get_kwargs(getattr(worker_settings, name)) for name in ("VideoWorker", "BatchWorker", "MaintenanceWorker")]

    assert [kwargs["queue_name"] for kwargs in found] == ["video_generation", "batch_processing", "maintenance"]
    assert [kwargs["max_jobs"] for kwargs in found] == [10, 1, 1]
    assert {job.name for job in found[0]["functions"]} == {
        "generate_script_task",
        "generate_assets_task",
        "render_video_task",
        "generate_thumbnail_task",
        "upload_to_youtube_task",
        "debug_task",
    }
    assert {job.name for job in found[2]["cron_jobs"]} == {"cron:sync_quotas", "cron:recover_interrupted", "cron:cleanup"}


@pytest.mark.parametrize(
    ("worker", "queue_name"),
    [("VideoWorker", "video_generation"), ("BatchWorker", "batch_processing"), ("MaintenanceWorker", "maintenance")],
)
async def test_each_worker_answers_in_burst_mode(settings, tmp_path, worker, queue_name):
    async with connect(settings) as queue:
        job = await queue.enqueue_job("debug_task", _queue_name=queue_name)
        code, said = await arq(settings, f"worker_settings.{worker}", "--burst", cwd=tmp_path)

        assert code == 0, said
        assert (await job.result(timeout=30))["queue"] == queue_name


async def test_check_tells_whether_a_worker_is_there(settings, tmp_path):
    async with connect(settings) as queue:
        none, _ = await arq(settings, "worker_settings.BatchWorker", "--check", cwd=tmp_path)
        worker = await forks.create_subprocess_exec(
            ARQ, "worker_settings.BatchWorker", cwd=tmp_path, env=environment(settings), stderr=subprocess.DEVNULL
        )
        try:
            job = await queue.enqueue_job("debug_task", _queue_name="batch_processing")
            await job.result(timeout=30, poll_delay=0.05)
            there, said = await arq(settings, "worker_settings.BatchWorker", "--check", cwd=tmp_path)
        finally:
            worker.terminate()
            ended = await worker.wait()

    assert (none, there, ended) == (1, 0, 0), said


def test_importing_the_settings_needs_no_server(settings, tmp_path):
    env = environment(settings, REDIS_URL="unix:///nowhere/redis.sock")

    done = subprocess.run(
        [sys.executable, "-c", "import worker_settings"], cwd=tmp_path, env=env, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("chosen", "loads"),
    [
        pytest.param({}, True, id="all local"),
        pytest.param({"GEMINI_API_KEY": "AIzaNONE"}, False, id="voice and pictures by a service"),
        pytest.param({"GEMINI_API_KEY": "AIzaNONE", "VOICE_PROVIDER": "local"}, True, id="a local voice"),
    ],
)
def test_assets_that_services_make_take_no_place_of_the_cpu(settings, tmp_path, chosen, loads):
    said = forks.run(
        [sys.executable, "-c", "import worker_settings; print('generate_assets_task' in worker_settings.CPU_JOBS)"],
        env=environment(settings, PYTHONPATH=str(ROOT), **chosen), cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    assert said.stdout.strip() == str(loads)
