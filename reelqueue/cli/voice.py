"""`reelqueue say`: hear how the voice and the lexicon read a text."""

import asyncio
import contextlib
import hashlib
import re
import secrets
import wave
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from jobs.spending import Caps, Spender
from reelqueue.ahead.offer import unagreed
from reelqueue.bootstrap import Settings, open_shelf, read_settings
from reelqueue.cli.agreeing import Declined, ask_whether
from reelqueue.cli.brief import read_lexicon
from reelqueue.cli.console import note, say
from reelqueue.cli.outcome import DONE, INTERRUPTED, run
from reelqueue.errors import InvalidBrief, ReelqueueError
from reelqueue.models.brief import parse_brief
from reelqueue.models.project import Usage
from reelqueue.providers.protocols import Speaker, SpeechRequest, Voice
from reelqueue.wording import Text
from storage import Agreements, Ledger, Paths

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
        provider: Annotated[str | None, typer.Option(help="auto | local | gemini")] = None,
        yes: Annotated[bool, typer.Option("--yes", help=str(Text("不問花費", "ask nothing about payment")))] = False,
        out: Annotated[Path | None, typer.Option("--out", help=str(Text("WAV 檔的路徑", "path of the WAV file")))] = None,
    ) -> None:
        if not text.strip() or len(text) > MAX_CHARS:
            raise InvalidBrief("TEXT", Text(f"1 到 {MAX_CHARS} 個字元", f"1 to {MAX_CHARS} characters"), text)
        chosen = language or ("zh-TW" if _HAN.search(text) else "en")
        request = SpeechRequest(text=text, language=chosen, voice=voice, lexicon=read_lexicon(lexicon or ()) or {})
        settings = read_settings()
        try:
            _agree(request, settings, provider, yes=yes)
        except Declined:
            note(Text("沒有開始", "nothing was begun"))
            raise typer.Exit(INTERRUPTED) from None
        raise typer.Exit(run(_say(request, settings, provider, out)))


@contextlib.asynccontextmanager
async def _voice(settings: Settings, provider: str | None) -> AsyncIterator[Voice]:
    """The voice that a video would have, or the one that is asked for."""
    wanted = dict.fromkeys(("script", "image", "presenter", "publisher"), "local")  # nobody else is made ready
    wanted |= {"voice": provider} if provider is not None else {}
    async with contextlib.aclosing(open_shelf(settings, Paths(settings.data_dir))) as shelf:
        yield shelf.chosen(parse_brief({"topic": "-", "providers": wanted})).voice


def _agree(request: SpeechRequest, settings: Settings, provider: str | None, *, yes: bool) -> None:
    """Before the first payment to a service a person is asked, as by `make`.  Raises as `agreeing.ask`."""
    agreements = Agreements(Paths(settings.data_dir))
    usd, new = asyncio.run(_looked_ahead(request, settings, provider, agreements))
    if not new or yes:
        return
    service = new[0].removeprefix("pay ")
    ask_whether(
        Text(f"由 {service} 念，最多 {usd:.4f} 美元。要念嗎？", f"{service} speaks it for at most {usd:.4f} US dollars. Go on?")
    )
    asyncio.run(agreements.add(new))


async def _looked_ahead(
    request: SpeechRequest, settings: Settings, provider: str | None, agreements: Agreements
) -> tuple[Decimal, tuple[str, ...]]:
    async with _voice(settings, provider) as voice:
        voice.check(request.language, request.voice)
        pieces = voice.pieces(request.text, request.language)
        usd = sum((voice.cost(request.replace(text=piece)).usd for piece in pieces), Decimal(0))
    return usd, await unagreed((f"pay {voice.name}",) if usd else (), agreements)


async def _say(request: SpeechRequest, settings: Settings, provider: str | None, out: Path | None) -> int:
    name = hashlib.sha256(f"{provider}{request.model_dump_json()}".encode()).hexdigest()[:12]
    target = (out or settings.data_dir / "say" / f"{name}.wav").resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    spender = Spender(Ledger(Paths(settings.data_dir)), None, Caps(daily_usd=settings.daily_cost_cap_usd))
    takes: list[Path] = []
    paid: list[Usage] = []
    try:
        async with _voice(settings, provider) as voice, voice.open() as speaker:
            for number, piece in enumerate(voice.pieces(request.text, request.language)):
                takes.append(target.with_name(f"{target.stem}.{number}.part.wav"))
                paid += await _spoken(spender, voice, speaker, request.replace(text=piece), takes[-1])
        _join(takes, target)
    finally:
        for take in takes:
            take.unlink(missing_ok=True)
    say(str(target))
    if paid:
        usd = sum(use.cost_usd for use in paid)
        note(Text(f"花費 {usd:.4f} 美元（{paid[0].service}）", f"it took {usd:.4f} US dollars ({paid[0].service})"))
    return DONE


async def _spoken(spender: Spender, voice: Voice, speaker: Speaker, request: SpeechRequest, take: Path) -> tuple[Usage, ...]:
    """Speak one piece, sent once; what it may cost is reserved before, and counted after it.  Returns what it took."""
    cost = voice.cost(request)
    if cost.is_free:
        return (await speaker.speak(request, take)).usage
    async with voice.turn():
        held = await spender.reserve(f"say.{secrets.token_hex(8)}", cost)
        try:
            spoken = await speaker.speak(request, take)
        except ReelqueueError as error:
            await spender.failed(held, error)
            raise
        await spender.settle(held, spoken.usage)
    return spoken.usage


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
