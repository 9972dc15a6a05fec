"""Somebody who reads states beside the workers, all the time: each is whole, and none goes back."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from reelqueue.models.project import ProjectState
from storage import Paths
from storage.codec import PROJECT_CODEC
from storage.ledger import Account
from storage.liveness import LeaseRecord
from storage.migrations import FromTheFuture, Unreadable

BETWEEN_ROUNDS_S = 0.02


class Watcher(threading.Thread):
    """Reads each project's state and each account, again and again; a context manager."""

    def __init__(self, paths: Paths) -> None:
        super().__init__(daemon=True)
        self._paths = paths
        self._seen: dict[int, ProjectState] = {}
        self._pieces: dict[int, str] = {}
        self._over = threading.Event()
        self.reads = 0
        self.steps: Counter[int] = Counter()
        """By project: commits, and pieces that were begun."""
        self.wrong: list[str] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Round after round, until it is told to end."""
        while not self._over.wait(BETWEEN_ROUNDS_S):
            for number in list(self._numbers()):
                self._look(number)
            for account in self._paths.ledger.glob("*/*.json"):
                with self._noted(account):
                    Account.model_validate_json(account.read_bytes())

    def _numbers(self) -> Iterator[int]:
        if self._paths.open.is_dir():
            yield from (int(path.name) for path in self._paths.open.iterdir() if path.name.isdecimal())

    def _look(self, number: int) -> None:
        path = self._paths.project(number).state
        if number not in self._seen and not path.exists():  # its marker is made before it
            return
        with self._noted(path):
            state = PROJECT_CODEC.decode(path.read_bytes())
            before = self._seen.get(number, state)
            self.steps[number] += state.revision - before.revision
            if state.revision < before.revision:
                self.wrong.append(f"project {number}: revision {before.revision}, then {state.revision}")
            if state.fence < before.fence:
                self.wrong.append(f"project {number}: fence {before.fence}, then {state.fence}")
            self._seen[number] = state
        with contextlib.suppress(OSError):
            piece = LeaseRecord.model_validate_json(self._paths.project(number).lease.read_bytes()).piece
            self.steps[number] += piece != self._pieces.get(number, "")
            self._pieces[number] = piece

    @contextlib.contextmanager
    def _noted(self, path: Path) -> Iterator[None]:
        self.reads += 1
        try:
            yield
        except (Unreadable, FromTheFuture, ValueError, OSError) as error:
            self.wrong.append(f"unreadable: {path}: {error}")
