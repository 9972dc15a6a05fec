"""`reelqueue say`: hear how the voice and the lexicon read a text."""

import hashlib
import re
import wave
from pathlib import Path
from typing import Annotated

import typer

from reelqueue.bootstrap import open_shelf, read_settings
from reelqueue.cli.brief import read_lexicon
from reelqueue.cli.console import say
from reelqueue.cli.outcome import DONE, run
from reelqueue.errors import InvalidBrief
from reelqueue.providers.protocols import SpeechRequest
from reelqueue.wording import Text
from storage import Paths

GAP_SECONDS = 0.35
"""Between two sentences, as in a video (voice.md)."""
MAX_CHARS = 2_000
_HAN = re.compile(r"[\u3400-\u9fff]")


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = Text(
        "用旁白的聲音念一段文字，印出 WAV 檔的路徑", "speak a text with the narrator's voice; prints the path of a WAV file"
    )

    @app.command("say", help=str(about))
    def say_text(
        text: Annotated[str, typer.Argument(help=str(Text("要念的文字", "what to speak")))],
        language: Annotated[str | None, typer.Option(help="zh-TW | en")] = None,
        voice: Annotated[str | None, typer.Option(help=str(Text("語音名稱", "the name of a voice")))] = None,
        lexicon: Annotated[
            list[str] | None, typer.Option(help=str(Text("讀音：寫法=讀法", "how to read: WRITTEN=SPOKEN")))
        ] = None,
        out: Annotated[Path | None, typer.Option("--out", help=str(Text("WAV 檔的路徑", "path of the WAV file")))] = None,
    ) -> None:
        if not text.strip() or len(text) > MAX_CHARS:
            raise InvalidBrief("TEXT", Text(f"1 到 {MAX_CHARS} 個字元", f"1 to {MAX_CHARS} characters"), text)
        chosen = language or ("zh-TW" if _HAN.search(text) else "en")
        request = SpeechRequest(text=text, language=chosen, voice=voice, lexicon=read_lexicon(lexicon or ()) or {})
        raise typer.Exit(run(_say(request, out)))


async def _say(request: SpeechRequest, out: Path | None) -> int:
    settings = read_settings()
    voice = open_shelf(settings, Paths(settings.data_dir)).usual().voice
    voice.check(request.language, request.voice)
    name = hashlib.sha256(request.model_dump_json().encode()).hexdigest()[:12]
    target = (out or settings.data_dir / "say" / f"{name}.wav").resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    takes: list[Path] = []
    try:
        async with voice.open() as speaker:
            for number, piece in enumerate(voice.pieces(request.text, request.language)):
                takes.append(target.with_name(f"{target.stem}.{number}.part.wav"))
                await speaker.speak(request.replace(text=piece), takes[-1])
        _join(takes, target)
    finally:
        for take in takes:
            take.unlink(missing_ok=True)
    say(str(target))
    return DONE


def _join(takes: list[Path], target: Path) -> None:
    """The sentences in one file, with a gap between them."""
    with wave.open(str(target), "wb") as whole:
        for number, take in enumerate(takes):
            with wave.open(str(take), "rb") as piece:
                if number == 0:
                    whole.setparams(piece.getparams())
                else:
                    whole.writeframes(bytes(round(GAP_SECONDS * piece.getframerate()) * piece.getsampwidth()))
                whole.writeframes(piece.readframes(piece.getnframes()))
