"""The local voice: Kokoro-82M in Chinese and English, in child processes, with the times of its words and mouth shapes."""

import os

# Before the model is loaded, whoever loads it; children have it anyway.  Not in `model.py`: its bytes are among what names the
# voice (`voice.py`), and a change of them makes every sentence anew.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
