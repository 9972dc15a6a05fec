"""No program of ours calls anybody but the services that an installation names: docs/privacy.md.

ONNX Runtime's own builds tell its maker of each model that is loaded, unless a variable forbids it before the library is there.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.client import connect
from reelqueue.process import _environment
from reelqueue.providers.local.voice.voice import LocalVoice
from reelqueue.providers.protocols import SpeechRequest
from reelqueue.settings import Settings
from tests.workers import ROOT, worker

GUARD = """
import ipaddress, os, sys

def look(event, given):
    if event not in {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}:
        return
    place = given[1] if event in {"socket.connect", "socket.sendto"} else given[0]
    host = place[0] if isinstance(place, tuple) else place
    if event in {"socket.connect", "socket.sendto"} and not isinstance(place, tuple):
        return  # a path of this machine
    host = host.decode() if isinstance(host, bytes) else host
    try:
        is_ours = host in {None, "", "localhost"} or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_ours = False
    if not is_ours:
        with open(os.environ["CALLED"], "a") as called:
            called.write(f"{event} {host}\\n")

sys.addaudithook(look)
"""
IMPORT_ALL = """
import importlib, json, pkgutil, sys
found = []
for name in ("jobs", "progress", "storage", "reelqueue"):
    package = importlib.import_module(name)
    for one in pkgutil.walk_packages(package.__path__, name + "."):
        if not one.name.endswith("__main__"):
            found.append(importlib.import_module(one.name).__name__)
print(json.dumps({"modules": len(found), "libraries": [one for one in ("onnxruntime", "cv2", "google.genai", "av") if one in sys.modules]}))
"""


@pytest.fixture
def guarded(tmp_path: Path) -> dict[str, str]:
    """An environment in which whatever Python calls beyond this machine is noted in the file CALLED; an empty home, and no cache."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    (tmp_path / "home").mkdir()
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "TMPDIR", "VIRTUAL_ENV"}}
    paths = os.pathsep.join((str(tmp_path / "guard"), str(ROOT)))
    return kept | {"PYTHONPATH": paths, "CALLED": str(tmp_path / "called"), "HOME": str(tmp_path / "home")}


def called(guarded: dict[str, str]) -> str:
    """Whom somebody called."""
    return Path(guarded["CALLED"]).read_text() if Path(guarded["CALLED"]).exists() else ""


def left_in(home: str) -> list[str]:
    """What was written into a home."""
    return [str(path.relative_to(home)) for path in Path(home).rglob("*") if path.is_file()]


def test_the_guard_notes_who_is_called(guarded: dict[str, str]) -> None:
    call = "import socket\nfor host in ('127.0.0.1', '192.0.2.7'):\n    socket.socket(type=socket.SOCK_DGRAM).connect((host, 9))"
    subprocess.run([sys.executable, "-c", call], env=guarded, check=False, capture_output=True)

    assert called(guarded) == "socket.connect 192.0.2.7\n"


@pytest.mark.soak
def test_no_module_calls_anybody_or_leaves_anything_as_it_is_imported(guarded: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], env=guarded, capture_output=True, cwd=ROOT, check=True, timeout=120)

    assert json.loads(done.stdout)["modules"] > 300
    assert called(guarded) == ""
    assert left_in(guarded["HOME"]) == []


async def test_the_voices_model_is_loaded_and_speaks_without_a_word_to_its_makers(tmp_path: Path, monkeypatch) -> None:
    """Where it may, ONNX Runtime writes an id of this machine, and what it has to tell, into the user's cache."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    async with LocalVoice().open() as speaker:
        await speaker.speak(SpeechRequest(text="The sea.", language="en", voice=None, lexicon={}), tmp_path / "sea.wav")

    assert (tmp_path / "sea.wav").stat().st_size > 10_000
    assert left_in(str(tmp_path / "home")) == []


def test_every_child_is_told_to_tell_nobody() -> None:
    assert _environment({})["ORT_DISABLE_TELEMETRY"] == "1"


@pytest.mark.soak
async def test_a_whole_video_is_made_without_a_call_beyond_this_machine(settings: Settings, guarded: dict[str, str]) -> None:
    text = "Tides come twice a day, because the moon pulls the sea. That is all."
    brief = {"topic": "Tides", "content": text, "aspect": "1:1", "fps": 24}
    more = {name: guarded[name] for name in ("PYTHONPATH", "CALLED", "HOME")}
    async with worker(settings, wrapper=("env",), **more), connect(settings) as queue:
        project = await queue.create_project(brief)
        await queue.start(project.project_id)
        await queue.wait(project.project_id, timeout=300)
        assert (await queue.get_project(project.project_id)).status == "completed"

    assert called(guarded) == ""
    assert not [path for path in left_in(guarded["HOME"]) if "Microsoft" in path]
