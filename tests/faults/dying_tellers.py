"""For arq's own command: workers that die once at one point of their telling.

FAULTS_DIES: "before the event" (its commit is on disk, the event not yet), "before the note" (a receiver has it, nobody noted so).
"""

import os
import signal
from pathlib import Path

import worker_settings
from reelqueue.models.event import Delivery
from storage.outbox import Outbox, Place
from tests.faults.small_jobs import VideoWorker as _VideoWorker

DIED = Path(os.environ["FAULTS_FOLDER"], "died")


def _once(point: str) -> None:
    if os.environ["FAULTS_DIES"] == point and not DIED.exists():
        DIED.touch()
        os.kill(os.getpid(), signal.SIGKILL)


class _Dying(Outbox):
    add = Outbox.add_now
    note = Outbox._move

    def add_now(self, delivery: Delivery) -> bool:
        _once("before the event")
        return _Dying.add(self, delivery)

    def _move(self, delivery: Delivery, place: Place) -> None:
        _once("before the note")
        _Dying.note(self, delivery, place)


Outbox.add_now, Outbox._move = _Dying.add_now, _Dying._move  # type: ignore[method-assign]
VideoWorker, BatchWorker, MaintenanceWorker = _VideoWorker, worker_settings.BatchWorker, worker_settings.MaintenanceWorker
