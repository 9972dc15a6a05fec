"""For arq's own command: our worker as `worker_settings` makes it, its voice in one child: the second one costs as much to start."""

import worker_settings
from reelqueue.providers.local.voice import voice

voice.CHILDREN = 1
VideoWorker = worker_settings.VideoWorker
