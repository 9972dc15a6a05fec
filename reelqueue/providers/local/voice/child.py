"""The child process that speaks: `python -m reelqueue.providers.local.voice.child`, asked by `voice.LocalVoice`.

A request is `{text, language, voice, lexicon, target}`; the answer `{speech}`, or `{refused}` where nothing can be said.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reelqueue.process import serve
from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.model import Model
from reelqueue.providers.local.voice.speech import NothingToSpeak, speak

_loaded: list[Model] = []


def handle(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Speak one piece into `target`, whole or not at all."""
    if not _loaded:
        _loaded.append(Model())
    try:
        spoken = speak(
            _loaded[0],
            request["text"],
            language=request["language"],
            voice=request["voice"],
            lexicon=request["lexicon"],
        )
    except NothingToSpeak:
        yield {"refused": "nothing"}
        return
    target = Path(request["target"])
    part = target.with_name(target.name + ".part")
    try:
        part.write_bytes(waves.wav(spoken.sound))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    yield {"speech": spoken.speech.model_dump(mode="json")}


if __name__ == "__main__":
    serve(handle)
