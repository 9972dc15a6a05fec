"""A venv per queue below `.bench/`, made when it is first needed and again when its pins change."""

import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.contenders import OURS, Contender

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".bench"


def python(contender: Contender) -> Path:
    """The Python that runs this queue; makes its venv where there is none."""
    if contender.name == OURS:
        return Path(sys.executable)
    folder = HOME / contender.name
    found, pinned = folder / "bin" / "python", folder / "pins.txt"
    wanted = "\n".join(contender.pins)
    if not pinned.exists() or pinned.read_text(encoding="utf-8") != wanted:
        print(f"making {folder} …", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *contender.pins], check=True)
        pinned.write_text(wanted, encoding="utf-8")
    return found


def versions(contender: Contender) -> list[str]:
    """What is installed there, as `name==version`."""
    listed = subprocess.run(
        [python(contender), "-m", "pip", "freeze", "--disable-pip-version-check"], check=True, capture_output=True, text=True
    )
    return listed.stdout.splitlines()
