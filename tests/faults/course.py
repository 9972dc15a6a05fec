"""How a test and the jobs of a worker process speak: by files in one folder.

Each job notes that it began, ended or was stopped, a line each; it stays until the test lets it go.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.workers import until

LOOK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Note:
    """One line: which process, at which try of arq's, when (monotonic: the same for all processes of the machine)."""

    pid: int
    job_try: int
    at: float


class Course:
    """The folder, seen from either side."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    # In the job.

    async def stay(self, name: str, job_try: int = 0) -> None:
        """Begin, stay until let go, end."""
        self.note(name, "began", job_try)
        try:
            while not any((self.folder / leave).exists() for leave in (f"{name}.leave", f"{name}.leave-{os.getpid()}")):
                await asyncio.sleep(LOOK_SECONDS)
        except asyncio.CancelledError:
            self.note(name, "stopped", job_try)
            raise
        self.note(name, "ended", job_try)

    def note(self, name: str, what: str, job_try: int) -> None:
        """Write a line."""
        with (self.folder / f"{name}.{what}").open("a") as file:
            file.write(f"{os.getpid()} {job_try} {time.monotonic()}\n")

    # In the test.

    def leave(self, *names: str) -> None:
        """Let jobs go, those that begin later too."""
        for name in names:
            (self.folder / f"{name}.leave").touch()

    def leave_alone(self, name: str, pid: int) -> None:
        """Let one process's run of a job go."""
        (self.folder / f"{name}.leave-{pid}").touch()

    def notes(self, name: str, what: str = "began") -> list[Note]:
        """Who began it, ended it, or was stopped in it."""
        path = self.folder / f"{name}.{what}"
        lines = path.read_text().splitlines() if path.exists() else []
        return [Note(int(pid), int(tries), float(at)) for pid, tries, at in (line.split() for line in lines)]

    def pids(self, name: str, what: str = "began") -> list[int]:
        """The same, the processes alone."""
        return [note.pid for note in self.notes(name, what)]

    def names(self, what: str = "began") -> set[str]:
        """The jobs that did so."""
        return {path.stem for path in self.folder.glob(f"*.{what}")}

    async def seen(self, name: str, what: str = "began", *, times: int = 1, seconds: float = 60.0) -> Note:
        """The last of so many notes, as soon as it is there."""
        notes = await until(
            lambda: len(found := self.notes(name, what)) >= times and found, f"{name} {what} x {times}", seconds=seconds
        )
        return notes[times - 1]
