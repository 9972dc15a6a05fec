"""In place of `worker_settings`: the real one, its stages real and its videos tiny, for tests that look at neither picture nor voice.

By its name in a worker of the tests' own, by its folder on PYTHONPATH below `reelqueue worker`.
"""

import importlib.util
from pathlib import Path

from reelqueue.models.media import SIZES
from reelqueue.providers.alignment import places
from reelqueue.providers.local.voice import voice

_spec = importlib.util.spec_from_file_location("ours", Path(__file__).parents[2] / "worker_settings.py")
assert _spec is not None
assert _spec.loader is not None
ours = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(ours)
SIZES.update({"1:1": (96, 96), "16:9": (192, 108)})
voice.CHILDREN = places.CHILDREN = 1  # the second one costs as much to start as the words of such a video

VideoWorker, BatchWorker, MaintenanceWorker = ours.VideoWorker, ours.BatchWorker, ours.MaintenanceWorker
