"""Each Python of this machine that we support: ours installed as a stranger would, a short video, the unit tests.

    .venv/bin/python .ci/pythons.py [PYTHON ...]

Without arguments they are looked for on PATH and where pyenv and uv keep them; of each minor version the newest is taken.  Each
gets a venv under `.pythons/`, kept for the next time, with all that the lock names, checked by its hashes, and then from `dist/`
the wheel (under the Python of `.venv` the sdist).  From a folder of its own it makes one short video; then the unit tests run from
the checkout, but not again under the Python that `.venv` has: `make test` ran them.
"""

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
VENVS = ROOT / ".pythons"
OWN_MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
STEP_SECONDS = 1_200
PYTEST = ("-v", "--tb=short", "--disable-warnings", "-p", "no:cacheprovider", "-o", "faulthandler_timeout=120")
"""What hangs is named by the last line and its stack."""
TOPIC = "Why bread rises"
TEXT = """\
Yeast eats sugar and breathes out gas. In one hour, 1 gram of yeast makes about 150 ml of it.
Gluten holds the gas like a thousand small balloons. Heat sets the crumb, the crust turns brown, and the kitchen smells of bread.
"""
VIDEO_SECONDS = (10.0, 40.0)
"""What 40 words take to say, with a title and an end around them (measured: 21 s)."""
ASK = """
import json, platform, sys, sysconfig
import ensurepip, venv
print(json.dumps([platform.python_version(), platform.python_implementation(), bool(sysconfig.get_config_var("Py_GIL_DISABLED"))]))
"""
LENGTH = """
import sys
from pathlib import Path
from reelqueue.media.probe import read_info
print(read_info(Path(sys.argv[1])).duration_s)
"""


class StepFailed(Exception):
    """A command of a step ended badly; its text is what the command said last."""


@dataclass(frozen=True, order=True)
class Python:
    """An interpreter of this machine."""

    version: tuple[int, ...]
    path: Path

    @property
    def minor(self) -> str:
        """As in "3.12"."""
        return ".".join(map(str, self.version[:2]))

    def __str__(self) -> str:
        return f"Python {'.'.join(map(str, self.version))} ({self.path})"


def main(named: Sequence[str]) -> int:
    """Try all; returns how many failed."""
    paths = [Path(name) for name in named]
    found = list(supported(paths or list(of_this_machine())))
    refused = set(paths) - {python.path for python in found}
    for path in sorted(refused):
        print(f"{path} is no Python that we support", flush=True)
    pythons = newest_of_each_minor(found)
    print("trying " + ", ".join(map(str, pythons)), flush=True)
    return len(refused) + sum(not tried(python) for python in pythons)


def tried(python: Python) -> bool:
    """Whether all is well under this Python."""
    try:
        program = installed(python)
        with step(python, "video"), tempfile.TemporaryDirectory(prefix="reelqueue-") as folder:
            make_a_video(program, Path(folder))
        if python.minor != OWN_MINOR:
            with step(python, "unit tests"):
                pip(program, "--no-build-isolation", "-e", str(ROOT))
                call([program, "-m", "pytest", *PYTEST, "tests/unit"], folder=ROOT)
    except StepFailed as failure:
        print(f"{python.minor}  FAILED\n{failure}", flush=True)
        return False
    return True


# --- which Pythons ---


def of_this_machine() -> Iterator[Path]:
    """Whatever may be one; later ones may be the same as earlier ones."""
    yield Path(sys.executable)
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield from sorted(each for each in Path(folder or ".").glob("python3.*") if re.fullmatch(r"python3\.\d+", each.name))
    yield from sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin/python"))
    yield from sorted(Path.home().glob(".local/share/uv/python/*/bin/python3"))


def supported(paths: Sequence[Path]) -> Iterator[Python]:
    """Those that answer, are a CPython with its lock, can make a venv, and have a version that we take."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = SpecifierSet(project["requires-python"])
    for path in paths:
        try:
            asked = subprocess.run([path, "-I", "-c", ASK], capture_output=True, text=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError):  # a shim without a version, or a Python without venv
            continue
        version, implementation, is_free_threaded = json.loads(asked.stdout)
        if implementation == "CPython" and not is_free_threaded and ours.contains(version, prereleases=True):
            yield Python(tuple(map(int, re.findall(r"\d+", version)[:3])), path)


def newest_of_each_minor(pythons: Iterable[Python]) -> list[Python]:
    """One of each, the first found among equals."""
    newest: dict[str, Python] = {}
    for python in pythons:
        if python.minor not in newest or newest[python.minor].version < python.version:
            newest[python.minor] = python
    return sorted(newest.values())


# --- what is done with each ---


def installed(python: Python) -> Path:
    """The Python of a venv with what the lock names and ours of today."""
    venv = VENVS / python.minor
    program, stamp = venv / "bin" / "python", venv / "installed"
    asked = f"{python}\n{hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != asked:
        with step(python, "packages"):
            call([python.path, "-m", "venv", "--clear", venv], folder=ROOT)
            pip(program, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK))
            stamp.write_text(asked, encoding="utf-8")
    with step(python, "ours"):
        (package,) = (ROOT / "dist").glob("*.tar.gz" if python.minor == OWN_MINOR else "*.whl")
        pip(program, "--no-index", "--no-build-isolation", "--force-reinstall", str(package))
        call([program, "-m", "pip", "check", "--disable-pip-version-check"], folder=ROOT)
    return program


def make_a_video(program: Path, folder: Path) -> None:
    """As a stranger would, in a folder of his own; what he then has is a video of about the right length."""
    (folder / "text.md").write_text(TEXT, encoding="utf-8")
    env = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    env |= {"LANG": "C.UTF-8", "REELQUEUE_LANGUAGE": "en", "DATA_DIR": str(folder / "data")}
    reelqueue = (program, "-I", program.with_name("reelqueue"))
    call([*reelqueue, "--version"], folder=folder, env=env)
    call([*reelqueue, "make", TOPIC, "--from", "text.md"], folder=folder, env=env)
    video = folder / "data" / "projects" / "1" / "output" / "final_video.mp4"
    seconds = float(call([program, "-I", "-c", LENGTH, video], folder=folder, env=env))
    if not VIDEO_SECONDS[0] <= seconds <= VIDEO_SECONDS[1]:
        raise StepFailed(f"the video takes {seconds:.1f} s, not {VIDEO_SECONDS[0]:g} to {VIDEO_SECONDS[1]:g}")


def pip(program: Path, *what: str) -> None:
    """Install that and nothing beside it."""
    call([program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *what], folder=ROOT)


def call(command: Sequence[str | Path], *, folder: Path, env: dict[str, str] | None = None) -> str:
    """What a command says on stdout.

    Raises:
        StepFailed: it ended with another code than 0, or took too long.
    """
    try:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=STEP_SECONDS, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise StepFailed(f"{error}\n{last_words(error.stdout, 6_000)}{last_words(error.stderr, 12_000)}") from None
    return done.stdout


def last_words(said: str | bytes | None, most: int) -> str:
    """The end of what a command said; bytes where it was ended, whatever was asked for."""
    return (said.decode(errors="replace") if isinstance(said, bytes) else said or "")[-most:]


@contextlib.contextmanager
def step(python: Python, what: str) -> Iterator[None]:
    """Say what was done and how long it took."""
    began = time.monotonic()
    yield
    print(f"{python.minor}  {what}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
