"""The local voice as the jobs see it: it cuts sentences, refuses what it can't speak, and asks its child processes."""

import asyncio
import contextlib
import errno
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path

from reelqueue.errors import DiskFull, InvalidBrief, PermanentError, ReelqueueError, TransientError
from reelqueue.models.voice import Speech
from reelqueue.process import ChildFailed, Limits, PythonChild, python_child
from reelqueue.providers.local.free import Free
from reelqueue.providers.local.voice import model, styles
from reelqueue.providers.local.voice.sentences import sentences
from reelqueue.providers.local.voice.tables import FOLDER
from reelqueue.providers.protocols import Speaker, SpeechRequest, Spoken
from reelqueue.wording import Text

LANGUAGES = ("zh-TW", "en")
CHILDREN = 2
"""Processes of one thread each.  Measured on 2 shared cores, 26.8 s of sound: one 25-36 s, two 16-19 s."""
STALL_S = 180.0
"""A sentence takes 4-8 s on a shared core without VNNI, loading 2 (measured); a child that is silent for longer hangs."""
_CHILD = "reelqueue.providers.local.voice.child"
_NOTHING_HEARD = frozenset({"__init__.py", "child.py", "voice.py"})
"""How the voice is called: a change of it is no other sound."""
_READERS = ("onnxruntime", "hibari-tts", "pypinyin", "pinyin-to-ipa", "rjieba", "opencc")


@cache
def _version() -> str:
    """The hash of everything that a change of would change the sound: weights, voices, tables, our code, the readers."""
    digest = hashlib.sha256(model.SHA256.encode())
    for name in sorted(styles.SHA256):
        digest.update(styles.SHA256[name].encode())
    for name in ("terms.tsv", "readings.tsv"):
        digest.update((FOLDER / name).read_bytes())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        if source.name not in _NOTHING_HEARD:
            digest.update(source.read_bytes())
    for package in _READERS:
        digest.update(f"{package} {installed(package)}".encode())
    return f"kokoro-82m-v1.0-int8/{digest.hexdigest()[:16]}"


class LocalVoice(Free):
    """See `Voice`: Kokoro-82M on this machine.  It asks for no key and no network, and costs nothing but CPU."""

    name = "local"
    at_once = CHILDREN

    @property
    def version(self) -> str:
        """Model, voices, tables, code and readers in one hash."""
        return _version()

    def pieces(self, text: str, language: str) -> tuple[str, ...]:  # noqa: ARG002 - both languages end sentences by marks
        """See `Voice`: sentences."""
        return sentences(text)

    def check(self, language: str, voice: str | None) -> None:
        """See `Voice`."""
        if language not in LANGUAGES:
            raise InvalidBrief("language", Text(f"本機語音只有 {'、'.join(LANGUAGES)}", f"{', '.join(LANGUAGES)}"), language)
        if voice is not None and styles.NAMES.get(voice, voice) not in styles.STYLES:
            names = ", ".join((*styles.STYLES, *styles.NAMES))
            raise InvalidBrief("voice", Text(f"本機語音只有 {names}", names), voice)

    def open(self) -> AbstractAsyncContextManager[Speaker]:
        """See `Voice`: children are started when the first sentences come."""
        return _speaker()


@contextlib.asynccontextmanager
async def _speaker() -> AsyncIterator[Speaker]:
    places = tuple(_Place() for _ in range(min(CHILDREN, os.cpu_count() or 1)))
    try:
        yield LocalSpeaker(places)
    finally:
        for place in places:
            await place.close()


class _Place:
    """Room for one child, started when it is needed and started anew after a crash."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._child: PythonChild | None = None

    async def child(self) -> PythonChild:
        if self._child is None:
            self._child = await self._stack.enter_async_context(python_child(_CHILD, limits=Limits(nice=5)))
        return self._child

    async def close(self) -> None:
        self._child = None
        await self._stack.aclose()


class LocalSpeaker:
    """See `Speaker`.  Several pieces at once are spoken by as many children as there are places."""

    def __init__(self, places: tuple[_Place, ...]) -> None:
        self._free: asyncio.LifoQueue[_Place] = asyncio.LifoQueue()  # the one used last is loaded already
        for place in reversed(places):
            self._free.put_nowait(place)

    async def speak(self, request: SpeechRequest, target: Path) -> Spoken:
        """See `Speaker`."""
        place = await self._free.get()
        whole = False
        try:
            child = await place.child()
            answer = await child.ask_one({**request.model_dump(), "target": str(target)}, stall_s=STALL_S)
            whole = True
        except ChildFailed as error:
            whole = error.kind == "answer"
            raise _translated(error) from error
        finally:
            if not whole:  # it died, or we were cancelled in the middle of its answer
                await place.close()
            self._free.put_nowait(place)
        if "speech" not in answer:
            raise PermanentError(
                Text(
                    f"這段文字沒有可以唸出來的內容：{request.text[:40]!r}",
                    f"nothing in this text can be spoken: {request.text[:40]!r}",
                ),
                Text("請改寫這一句", "rewrite this sentence"),
            )
        return Spoken(speech=Speech.model_validate(answer["speech"]))


def _translated(error: ChildFailed) -> ReelqueueError:
    """A child that died may do better next time; one that reports damaged weights or a full disk will not."""
    kind = error.data.get("type")
    if kind == "OSError" and f"[Errno {errno.ENOSPC}]" in str(error.data.get("message")):
        return DiskFull(Text("磁碟已滿，語音沒有寫入", "the disk is full; the voice was not written"))
    if kind == "WeightsDamaged":
        return PermanentError(
            Text("語音模型的檔案不完整或被改過", "the voice model's files are damaged"),
            Text("請重新執行 make setup", "run make setup again"),
        )
    return TransientError(
        Text(f"本機語音沒有完成這一句：{error.text.zh}", f"the local voice did not finish this sentence: {error.text.en}"),
        Text("會自動重試", "it is retried by itself"),
    )
