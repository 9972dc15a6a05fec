"""The child process that times words: `python -m reelqueue.providers.alignment.child`, asked by `aligner.Aligner`.

A request is `{sound, text, language, lexicon}`, the sound as `intake` left it.  While the reference is spoken there are
signs of life; the last answer is `{speech, by}`, or `{refused}`, in both languages, where the sound can't be this text.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from reelqueue.process import serve
from reelqueue.providers.alignment import estimate, reference
from reelqueue.providers.alignment.intake import samples
from reelqueue.providers.alignment.times import Implausible, by_estimate, by_reference, speech
from reelqueue.providers.local.voice.model import Model

_SPOKEN = ("zh", "en")
_loaded: list[Model] = []


def handle(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Time the words of one piece."""
    text, language, sound = request["text"], request["language"], samples(Path(request["sound"]))
    said = reference.sounds_of(text, language, request["lexicon"]) if language.startswith(_SPOKEN) else ()
    if said and not _loaded:
        _loaded.append(Model())
    takes = []
    for sounds in said:
        takes.append(reference.speak(_loaded[0], sounds, language))
        yield {"spoken": len(takes)}
    try:
        timed = by_reference(reference.whole(takes), sound) if takes else None
        by = "estimate" if timed is None else "reference"
        timed = timed or by_estimate(tuple(chain.from_iterable(said)) or estimate.plain(text), sound)
    except Implausible as error:
        yield {"refused": [*error.text]}
    else:
        yield {"speech": speech(text, timed).model_dump(mode="json"), "by": by}


if __name__ == "__main__":
    serve(handle)
