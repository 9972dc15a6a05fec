"""Each top-level name can be imported first, loads no more than it needs, and is ours even beside others of the same name.

The package index has a `progress` of its own (bars for terminals), and `jobs` and `storage` are names that anybody may take:
where another one is installed over ours, `reelqueue doctor` says so.
"""

import importlib
import inspect
import json
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import reelqueue
from jobs.late import stage_job
from jobs.pipeline import PIPELINE, StageSpec

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("jobs", "progress", "storage", "reelqueue", "worker_settings")
HEAVY = {
    "numpy",
    "cv2",
    "av",
    "PIL",
    "onnxruntime",
    "rjieba",
    "opencc",
    "ffmpeg",
    "uharfbuzz",
    "resvg_py",
    "google",
    "aiogoogle",
    "aiohttp",
    "httpx2",
    "typer",
}
CLOUDS = {"google", "aiogoogle", "aiohttp", "httpx2"}
"""What the services' makers are built on."""
KEYS = """
import os, tempfile
os.environ |= {"GEMINI_API_KEY": "AIzaSyIsNoKeyAtAll", "DID_API_KEY": "no:key", "YOUTUBE_CLIENT_ID": "1-none", "YOUTUBE_CLIENT_SECRET": "none",
    "YOUTUBE_REFRESH_TOKEN": "none", "DATA_DIR": tempfile.mkdtemp()}
"""

WHERE = """
import importlib, json, pathlib
names = ("jobs", "progress", "storage", "reelqueue")
print(json.dumps({name: str(pathlib.Path(importlib.import_module(name).__file__).resolve()) for name in names}))
raise SystemExit(0)
"""


def fresh(code: str, *, folder: Path = ROOT) -> str:
    """What `code` prints in an interpreter of its own, with warnings as errors."""
    # -P: the folder itself is not on the path, so that only what is installed is found
    command = [sys.executable, "-P", "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(code: str) -> set[str]:
    """The top-level modules that are there after `code`."""
    return set(
        json.loads(fresh(f"{code}\nimport json, sys; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"))
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_top_level_name_can_be_imported_first_and_is_ours(name: str, tmp_path: Path) -> None:
    found = fresh(f"import {name}; print({name}.__file__)", folder=tmp_path)

    assert ROOT in Path(found.strip()).resolve().parents


def test_the_package_alone_loads_nothing() -> None:
    assert (
        loaded_by("import reelqueue; reelqueue.__version__") & {*HEAVY, "arq", "redis", "pydantic", "jobs", "progress", "storage"}
        == set()
    )


def test_app_code_loads_the_queue_and_none_of_the_makers() -> None:
    loaded = loaded_by("from reelqueue import connect, subscribe_progress")

    assert {"arq", "redis", "jobs", "progress", "storage"} <= loaded
    assert loaded & HEAVY == set()


def test_a_workers_start_loads_none_of_the_makers() -> None:
    """They take longer than all the rest, and a dead worker's jobs wait meanwhile; a thread loads them beside it."""
    loaded = loaded_by("import worker_settings")

    assert {"arq", "redis", "jobs", "progress", "storage"} <= loaded
    assert loaded & HEAVY == {"uharfbuzz"}  # small, and the fonts are looked at before the first job


def test_a_workers_start_loads_none_of_the_services_libraries_though_their_keys_are_set() -> None:
    loaded = loaded_by(
        f"{KEYS}\nimport worker_settings\nassert worker_settings.CPU_JOBS == ('render_video_task', 'generate_thumbnail_task')"
    )

    assert loaded & HEAVY == {"uharfbuzz"}


@pytest.mark.parametrize(("keys", "libraries"), [("", set()), (KEYS, {"aiogoogle", "aiohttp"})], ids=["local", "cloud"])
def test_the_thread_beside_a_worker_loads_the_makers_that_are_chosen_and_no_others(keys: str, libraries: set[str]) -> None:
    """Gemini's own library, the largest, is loaded by the first call that asks Gemini."""
    loaded = loaded_by(
        f"{keys}\nimport worker_settings as w\nfrom reelqueue.bootstrap import load_makers\nload_makers(w._settings)"
    )

    assert loaded & CLOUDS - {"google"} == libraries


@pytest.mark.parametrize("spec", PIPELINE, ids=lambda spec: spec.stage)
def test_each_stage_is_the_function_that_its_late_stand_in_loads(spec: StageSpec) -> None:
    there = getattr(importlib.import_module(f"jobs.video.{spec.stage}"), spec.job)

    assert str(inspect.signature(there)) == str(inspect.signature(stage_job(spec)))


def test_the_package_hands_out_the_names_of_jobs_and_progress() -> None:
    import jobs  # noqa: PLC0415 - the names of the package are compared with those of its parts
    import progress  # noqa: PLC0415 - as above

    offered = {*jobs.__all__, "subscribe_progress", "ProgressEvent"}

    assert set(reelqueue.__all__) == {*offered, "__version__"} == set(dir(reelqueue))
    assert {name for name in jobs.__all__ if getattr(reelqueue, name) is not getattr(jobs, name)} == set()
    assert (reelqueue.subscribe_progress, reelqueue.ProgressEvent) == (progress.subscribe_progress, progress.ProgressEvent)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Celery'"):
        reelqueue.Celery  # noqa: B018 - asked for its error


def test_under_the_stock_command_the_names_are_ours(tmp_path: Path) -> None:
    """`arq` appends the working directory to the path: what lies there must not come before us."""
    (tmp_path / "where_settings.py").write_text(WHERE, encoding="utf-8")
    _impostors(tmp_path)
    command = [str(Path(sys.executable).with_name("arq")), "where_settings.Worker"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        name: str(ROOT / name / "__init__.py") for name in ("jobs", "progress", "storage", "reelqueue")
    }


def test_no_other_installed_package_claims_our_names() -> None:
    owners = packages_distributions()

    assert {name: others for name in NAMES if (others := set(owners.get(name, [])) - {"reelqueue"})} == {}


def _impostors(folder: Path) -> None:
    for name in ("jobs", "progress", "storage"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise ImportError('another package of this name')", encoding="utf-8")
