"""The wheel and the sdist, built and installed as strangers would: whole, nothing more, and without the checkout.

A venv of its own gets the wheel by pip, without an index; its dependencies come from the venv that runs the tests, by a line in
a `.pth` file.  The line in that venv that points to the checkout is not read there (Python reads `.pth` files of site folders
only), so what is not in the wheel is not found.
"""

import hashlib
import json
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path

import pytest

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

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Built:
    wheel: Path
    from_sdist: Path
    sdist: Path
    python: Path
    """Of the bare venv."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    wheel, sdist = _build(ROOT, folder / "checkout", "wheel"), _build(ROOT, folder / "checkout", "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    from_sdist = _build(source, folder / "again", "wheel")
    return Built(wheel, from_sdist, sdist, _bare_venv(folder / "venv", wheel))


def test_the_wheel_holds_our_five_names_and_nothing_else(built: Built) -> None:
    names = contents(built.wheel)

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == TOPS
    assert [name for name in names if name.endswith((".pyc", ".part", ".env")) or "__pycache__" in name] == []
    assert {"LICENSE", "THIRD_PARTY.md"} == {Path(name).name for name in names if ".dist-info/licenses/" in name}


def test_the_sdist_gives_the_same_wheel(built: Built) -> None:
    """It once lacked every font: an exclusion of `data` meant the folder of projects and took `reelqueue/data` too."""
    assert contents(built.from_sdist) == contents(built.wheel)


def test_the_sdist_holds_what_a_stranger_needs_to_build_and_test(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}

    assert {
        "Makefile",
        "requirements.lock",
        ".env.example",
        "README.md",
        "LICENSE",
        "THIRD_PARTY.md",
        "tests/conftest.py",
        ".ci/run",
    } <= names


def test_the_wheel_declares_the_same_dependencies_as_the_project(built: Built) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(built.wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = message_from_string(archive.read(name).decode())
    declared = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]

    assert len(declared) == len(project["dependencies"])
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("MIT", "<3.15,>=3.11")


def test_every_module_can_be_imported_from_the_wheel(built: Built, tmp_path: Path) -> None:
    found: Mapping[str, str] = json.loads(run(built.python, IMPORT_ALL, folder=tmp_path))
    home = built.python.parents[1].resolve()

    assert set(found) == set(modules())
    assert {name: file for name, file in found.items() if home not in Path(file).resolve().parents} == {}


def test_every_data_file_is_found_in_the_wheel(built: Built, tmp_path: Path) -> None:
    data = ROOT / "reelqueue" / "data"
    ours = {file.relative_to(data).as_posix(): file for file in data.rglob("*") if file.is_file()}

    found = json.loads(run(built.python, DATA, folder=tmp_path))

    assert found == {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in ours.items()}
    assert {name.split("/")[0] for name in found} >= {"fonts", "icons", "voices", "demo"}


def test_the_command_runs_from_the_wheel(built: Built, tmp_path: Path) -> None:
    done = subprocess.run(
        [built.python.with_name("reelqueue"), "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert built.wheel.name.split("-")[1] in done.stdout


def contents(wheel: Path) -> dict[str, int]:
    """The files of a wheel and their checksums."""
    with zipfile.ZipFile(wheel) as archive:
        return {each.filename: each.CRC for each in archive.infolist()}


def modules() -> list[str]:
    """Every module of the checkout, by its dotted name."""
    files = [file.relative_to(ROOT) for top in TOPS - {"worker_settings.py"} for file in (ROOT / top).rglob("*.py")]
    return ["worker_settings", *(".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files)]


def run(python: Path, code: str, *, folder: Path) -> str:
    """What `code` prints there; -I: no folder and no variable of ours leads it to the checkout."""
    done = subprocess.run([python, "-I", "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _build(source: Path, out: Path, target: str) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", out], cwd=source, capture_output=True, check=True
    )
    (made,) = out.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


def _bare_venv(folder: Path, wheel: Path) -> Path:
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, *install], capture_output=True, check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    paths = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    (site / "dependencies.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")
    return python
