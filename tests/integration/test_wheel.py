"""The wheel and the sdist, built and installed as strangers would: whole, nothing more, and without the checkout.

Each gets a venv of its own, by pip and without an index; dependencies come from the venv that runs the tests, by a line in a
`.pth` file.  The line in that venv that points to the checkout is not read there (Python reads `.pth` files of site folders
only), so what is not in the wheel is not found.  `make pythons` installs both again, with all dependencies from the lock.
"""

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import time
import tomllib
import venv
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path

import pytest

from reelqueue import embedded
from reelqueue.version import __version__

ROOT = Path(__file__).resolve().parents[2]
TOPS = {"jobs", "progress", "storage", "reelqueue", "worker_settings.py"}

IMPORT_ALL = """
import importlib, json, pkgutil
found = {}
for top in ("jobs", "progress", "storage", "reelqueue", "worker_settings"):
    module = importlib.import_module(top)
    found[top] = module.__file__
    for each in pkgutil.walk_packages(getattr(module, "__path__", ()), top + "."):
        found[each.name] = importlib.import_module(each.name).__file__
print(json.dumps(found))
"""

DATA = """
import hashlib, json
from importlib.resources import files
def walk(folder, name):
    for each in folder.iterdir():
        if each.is_dir():
            yield from walk(each, name + each.name + "/")
        else:
            yield name + each.name, hashlib.sha256(each.read_bytes()).hexdigest()
print(json.dumps(dict(walk(files("reelqueue") / "data", ""))))
"""

NOT_OURS = (
    ".venv/x.py",
    ".bench/x.py",
    ".pythons/x.py",
    "data/projects/1/project_state.json",
    "dist/x.whl",
    ".env",
    "jobs/x.part",
)
"""What lies in a working folder and belongs to its owner."""

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Built:
    wheel: Path
    from_sdist: Path
    sdist: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    wheel, sdist = _build(ROOT, folder / "checkout", "wheel"), _build(ROOT, folder / "checkout", "sdist")
    source = _unpacked(sdist, folder / "source")
    from_sdist = _build(source, folder / "again", "wheel")
    return Built(wheel, from_sdist, sdist)


@pytest.fixture(scope="module", params=["wheel", pytest.param("sdist", marks=pytest.mark.soak)])
def python(built: Built, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a bare venv with the wheel, or the sdist: `test_the_sdist_gives_the_same_wheel_byte_for_byte`."""
    return _bare_venv(tmp_path_factory.mktemp("by") / request.param, getattr(built, request.param))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[str]:
    async with embedded.server(tmp_path / "redis") as url:
        yield url


# --- what is in them ---


def test_the_wheel_holds_our_five_names_and_nothing_else(built: Built) -> None:
    names = contents(built.wheel)

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == TOPS
    assert [name for name in names if name.endswith((".pyc", ".part", ".env")) or "__pycache__" in name] == []
    assert {"LICENSE", "THIRD_PARTY.md"} == {Path(name).name for name in names if ".dist-info/licenses/" in name}


def test_the_wheel_says_that_it_is_typed(built: Built) -> None:
    assert {name for name in contents(built.wheel) if name.endswith("py.typed")} == {
        f"{top}/py.typed" for top in TOPS - {"worker_settings.py"}
    }


def test_each_font_picture_and_voice_lies_beside_its_licence(built: Built) -> None:
    data = {name.removeprefix("reelqueue/data/") for name in contents(built.wheel) if name.startswith("reelqueue/data/")}
    families = {name.split("-")[0] for name in data if name.endswith(".ttf")}

    assert families
    assert {f"{family}-OFL.txt" for family in families} <= data
    assert {"icons/fluent-LICENSE.txt", "icons/phosphor-LICENSE.txt", "icons/emojibase-LICENSE.txt"} <= data
    assert {"voices/LICENSE", "voices/NOTICE", "voices/SHA256SUMS"} <= data


def test_the_sdist_gives_the_same_wheel_byte_for_byte(built: Built) -> None:
    """It once lacked every font: an exclusion of `data` meant the folder of projects and took `reelqueue/data` too."""
    assert contents(built.from_sdist) == contents(built.wheel)
    assert built.from_sdist.read_bytes() == built.wheel.read_bytes()


def test_the_sdist_holds_what_a_stranger_needs_to_build_and_test(built: Built) -> None:
    assert {
        "Makefile",
        "requirements.lock",
        ".env.example",
        "README.md",
        "LICENSE",
        "THIRD_PARTY.md",
        "CHANGELOG.md",
        "tests/conftest.py",
        ".ci/run",
    } <= packed(built.sdist)


def test_an_sdist_of_a_folder_without_git_holds_nothing_of_its_owner(built: Built, tmp_path: Path) -> None:
    source = _unpacked(built.sdist, tmp_path)
    for name in NOT_OURS:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("mine", encoding="utf-8")

    again = _build(source, tmp_path / "again", "sdist")

    assert packed(again) == packed(built.sdist)
    assert packed(built.sdist).isdisjoint(NOT_OURS)


def test_both_bear_the_version_and_the_dependencies_of_the_project(built: Built) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(built.wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = message_from_string(archive.read(name).decode())
    declared = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]

    assert metadata["Version"] == __version__
    assert (built.wheel.name, built.sdist.name) == (
        f"reelqueue-{__version__}-py3-none-any.whl",
        f"reelqueue-{__version__}.tar.gz",
    )
    assert len(declared) == len(project["dependencies"])
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("MIT", "<3.15,>=3.11")


# --- what they are once installed ---


def test_every_module_can_be_imported_from_what_is_installed(python: Path, tmp_path: Path) -> None:
    found: Mapping[str, str] = json.loads(run(python, "-c", IMPORT_ALL, folder=tmp_path))
    home = python.parents[1].resolve()

    assert set(found) == set(modules())
    assert {name: file for name, file in found.items() if home not in Path(file).resolve().parents} == {}


def test_every_data_file_is_found_in_what_is_installed(python: Path, tmp_path: Path) -> None:
    data = ROOT / "reelqueue" / "data"
    ours = {file.relative_to(data).as_posix(): file for file in data.rglob("*") if file.is_file()}

    found = json.loads(run(python, "-c", DATA, folder=tmp_path))

    assert found == {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in ours.items()}
    assert {name.split("/")[0] for name in found} >= {"fonts", "icons", "voices", "demo"}


def test_the_command_says_its_version_from_another_folder(python: Path, tmp_path: Path) -> None:
    said = run(python, str(python.with_name("reelqueue")), "--version", folder=tmp_path)

    assert said.strip() == f"reelqueue {__version__}"


def test_the_doctor_finds_all_that_is_installed(python: Path, tmp_path: Path, server: str) -> None:
    said = run(python, str(python.with_name("reelqueue")), "doctor", "--json", folder=tmp_path, REDIS_URL=server)
    found = {(one["what"], one["level"], one["do"]) for one in json.loads(said)}

    assert len(found) > 5
    assert {one for one in found if one[1] == "fail"} == set()


def test_the_stock_command_finds_the_workers(python: Path, tmp_path: Path, server: str) -> None:
    work = (python, "-I", "-m", "arq", "worker_settings.VideoWorker")
    env = plain() | {"REDIS_URL": server, "DATA_DIR": str(tmp_path / "data")}
    log = tmp_path / "log"
    with log.open("wb") as out, subprocess.Popen([*work], cwd=tmp_path, env=env, stdout=out, stderr=out) as worker:
        try:
            codes: list[int] = []
            deadline = time.monotonic() + 60
            while not log.stat().st_size and worker.poll() is None and time.monotonic() < deadline:  # a look costs a whole start
                time.sleep(0.05)
            while 0 not in codes and worker.poll() is None and len(codes) < 60:
                check = subprocess.run([*work, "--check"], cwd=tmp_path, env=env, capture_output=True, timeout=60, check=False)
                codes.append(check.returncode)
        finally:
            worker.terminate()
            worker.communicate(timeout=60)

    assert codes[-1] == 0


def contents(wheel: Path) -> dict[str, int]:
    """The files of a wheel and their checksums."""
    with zipfile.ZipFile(wheel) as archive:
        return {each.filename: each.CRC for each in archive.infolist()}


def packed(sdist: Path) -> set[str]:
    """The files of an sdist."""
    with tarfile.open(sdist) as archive:
        return {each.name.split("/", 1)[1] for each in archive.getmembers() if each.isfile()}


def modules() -> list[str]:
    """Every module of the checkout, by its dotted name."""
    files = [file.relative_to(ROOT) for top in TOPS - {"worker_settings.py"} for file in (ROOT / top).rglob("*.py")]
    return ["worker_settings", *(".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files)]


def plain() -> dict[str, str]:
    """An environment without anybody's settings."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ} | {"LANG": "C.UTF-8"}


def run(python: Path, *arguments: str, folder: Path, **env: str) -> str:
    """What that prints there; -I: no folder and no variable of ours leads it to the checkout."""
    done = subprocess.run(
        [python, "-I", *arguments], cwd=folder, env=plain() | env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _unpacked(sdist: Path, folder: Path) -> Path:
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.glob("reelqueue-*")
    return source


def _build(source: Path, out: Path, target: str) -> Path:
    """As `make dist` does, and without a git to ask."""
    command: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", out]
    subprocess.run(command, cwd=source, env={"PATH": ""}, capture_output=True, check=True)
    (made,) = out.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


def _bare_venv(folder: Path, package: Path) -> Path:
    """A venv with this wheel or sdist in it; what builds an sdist is what the lock names, as everywhere."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    paths = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    (site / "dependencies.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")
    options = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--no-build-isolation", "--disable-pip-version-check"]
    install = ["install", *options, "--ignore-installed", str(package)]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, *install], capture_output=True, check=True)
    return python
