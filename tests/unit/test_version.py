"""The version is written once, in `reelqueue/version.py`; whoever asks is told the same.  (The wheel: `test_wheel.py`.)"""

import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.version import Version

import reelqueue
from reelqueue.version import __version__
from tests import forks

ROOT = Path(__file__).resolve().parents[2]


def test_it_is_a_version_as_packages_write_it() -> None:
    assert str(Version(__version__)) == __version__


def test_the_package_the_command_and_the_installation_say_it(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("reelqueue")), "--version"]
    said = forks.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert (reelqueue.__version__, said.strip()) == (__version__, f"reelqueue {__version__}")
    assert version("reelqueue") == __version__, "`make setup` installs it anew"


def test_the_project_reads_it_from_its_one_place() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert ("version" in pyproject["project"]["dynamic"], "version" in pyproject["project"]) == (True, False)
    assert ROOT / pyproject["tool"]["hatch"]["version"]["path"] == Path(reelqueue.version.__file__)


def test_the_changelogs_newest_release_is_it() -> None:
    headings: list[str] = re.findall(r"(?m)^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    releases = [Version(heading) for heading in headings if heading != "Unreleased"]

    assert str(releases[0]) == __version__
    assert releases == sorted(set(releases), reverse=True)
    assert "Unreleased" not in headings[1:]
