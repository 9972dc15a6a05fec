"""Which browser the tests drive: one that is on the machine, or Debian's, installed by the set-up of the suite.

python -m tests.browser.chromium    finds one, or installs it where we may (root, and apt-get there)
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
CACHES = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
"""Where `playwright install chromium` leaves its own."""
INSTALL_SECONDS = 400
WISH = (
    "THE TESTS IN A BROWSER WERE SKIPPED: no Chromium is on this machine.  `apt-get install chromium`, or `.venv/bin/playwright install chromium`,"
    " or name one in TEST_BROWSER."
)


def found() -> str | None:
    """The path of a browser; None where there is none."""
    named = os.environ.get("TEST_BROWSER")
    if named:
        return named
    on_path = next(filter(None, map(shutil.which, NAMES)), None)
    return on_path or next((place for place in (*PLACES, *_cached()) if Path(place).is_file()), None)


def _cached() -> list[str]:
    homes = [Path(folder).expanduser() for folder in CACHES]
    return sorted(str(file) for home in homes for file in home.glob("chromium*/*/*") if file.name in {"chrome", "headless_shell"})


def install() -> str | None:
    """Debian's, where we may; returns its path, or None."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        try:
            done = subprocess.run(
                command,
                env=environment,
                timeout=INSTALL_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return None
        if done.returncode:
            return None
    return found()


def main() -> None:
    """Say which one it will be; that there is none is no failure."""
    path = found()
    if path is None:
        print("no browser found: installing Debian's chromium for the tests", flush=True)  # noqa: T201 - a command's output
        path = install()
    print(f"tests in a browser: {path}" if path else WISH, file=sys.stdout if path else sys.stderr)


if __name__ == "__main__":
    main()
