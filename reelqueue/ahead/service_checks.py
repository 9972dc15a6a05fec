"""What `doctor` looks at of the services: keys, models, channels, credits.  Nothing here is paid for.

What is not set up is not asked: its local twin needs no key.
"""

import contextlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from jobs.spending import Caps, Spender
from reelqueue import clock
from reelqueue.ahead.findings import Finding, failed, made_by
from reelqueue.ahead.moments import moment
from reelqueue.ahead.offer import NAMES
from reelqueue.bootstrap import Settings, usual_makers
from reelqueue.errors import ReelqueueError
from reelqueue.models.buckets import UNITS, youtube_client
from reelqueue.models.channel import DEFAULT_CHANNEL, Channel
from reelqueue.models.cost import Cost, Need
from reelqueue.models.prices import PriceTable
from reelqueue.providers.channels import read_channels
from reelqueue.wording import Text, same
from storage import Ledger, Paths

_LOCAL = Text("本機，不需要金鑰", "local, no key needed")


async def providers(settings: Settings) -> list[Finding]:
    """What every `auto` became."""
    what = Text("服務", "services")
    try:
        makers = usual_makers(settings)
    except ReelqueueError:  # CHANNELS_FILE is wrong: told by `youtube`
        return []
    if set(makers.values()) == {"local"}:
        return [Finding("ok", what, Text("全部在本機（不需要金鑰）", "all local (no key needed)"))]
    zh = "、".join(f"{NAMES[kind].zh} {name}" for kind, name in makers.items())
    return [Finding("ok", what, Text(zh, ", ".join(f"{NAMES[kind].en} {name}" for kind, name in makers.items())))]


async def gemini(settings: Settings) -> list[Finding]:
    """Whether Gemini takes the key and serves the models that are set; a free look."""
    what = same("Gemini")
    if settings.gemini_api_key is None:
        return [Finding("ok", what, _LOCAL)]
    from reelqueue.providers.gemini.client import GeminiClient  # noqa: PLC0415 - only what is set up is loaded
    from reelqueue.providers.gemini.model import image_model, script_model, voice_model  # noqa: PLC0415 - as above

    made = {
        "script": script_model(settings.gemini_text_model),
        "image": image_model(settings.gemini_image_model),
        "voice": voice_model(settings.gemini_tts_model),
    }
    asked = {model.name: model for kind, model in made.items() if made_by(settings, "gemini", kind)}
    if not asked:
        return [Finding("ok", what, Text("有金鑰，但沒有用到", "a key is set, but not used"))]
    try:
        async with contextlib.aclosing(GeminiClient(settings.gemini_api_key, settings.gemini_base_url)) as client:
            await client.look(asked.values())
    except ReelqueueError as error:
        return [failed(what, error)]
    return [Finding("ok", what, Text(f"金鑰有效；{'、'.join(asked)}", f"the key is taken; {', '.join(asked)}"))]


async def did(settings: Settings) -> list[Finding]:
    """Whether D-ID takes the key, and how many credits are left; a free look."""
    what = same("D-ID")
    if settings.did_api_key is None:
        return [Finding("ok", what, _LOCAL)]
    from reelqueue.providers.did.presenter import DIdPresenter  # noqa: PLC0415 - only what is set up is loaded

    presenter = DIdPresenter(settings.did_base_url, settings.did_api_key, source_url=None, prices=PriceTable())
    try:
        async with contextlib.aclosing(presenter):
            left = await presenter.credits_left()
    except ReelqueueError as error:
        return [failed(what, error)]
    saw = Text(f"金鑰有效；剩 {left:g} 點（一點 15 秒）", f"the key is taken; {left:g} credits left (15 s each)")
    if left >= 2:
        return [Finding("ok", what, saw)]
    return [Finding("warn", what, saw, Text("一支影片至少要 2 點：購買點數，或設定 PRESENTER_PROVIDER=local", "a video takes 2 at least: buy credits, or set PRESENTER_PROVIDER=local"))]  # fmt: skip


async def youtube(settings: Settings) -> list[Finding]:
    """Each channel: its token file, its token, its name on YouTube.  One unit of quota each."""
    if not settings.has_key("youtube"):
        return [Finding("ok", same("YouTube"), _LOCAL)]
    try:
        named = read_channels(settings.channels_file) if settings.channels_file is not None else {}
    except ReelqueueError as error:
        return [failed(same("YouTube"), error)]
    default = {DEFAULT_CHANNEL: Channel(name=DEFAULT_CHANNEL)} if settings.has_default_channel else {}
    found = [finding for channel in (default | named).values() for finding in await _channel(settings, channel)]
    return found + _guard(settings)


def _guard(settings: Settings) -> list[Finding]:
    """Whether near-duplicates are looked for; off is a choice, and told of."""
    if settings.variation_guard:
        return []
    saw = Text("關閉（VARIATION_GUARD=false）：不比對相似的影片", "off (VARIATION_GUARD=false): near-duplicates are published")
    return [Finding("ok", Text("  相似影片", "  near-duplicates"), saw)]


async def _channel(settings: Settings, channel: Channel) -> list[Finding]:
    from reelqueue.providers.youtube.client import YouTubeClient  # noqa: PLC0415 - only what is set up is loaded
    from reelqueue.providers.youtube.credentials import source_of  # noqa: PLC0415 - as above
    from reelqueue.providers.youtube.identity import identity  # noqa: PLC0415 - as above
    from reelqueue.providers.youtube.tokens import Access  # noqa: PLC0415 - as above
    from reelqueue.providers.youtube.wire import Wire  # noqa: PLC0415 - as above

    what, source = Text(f"YouTube 頻道 {channel.name}", f"YouTube channel {channel.name}"), source_of(settings, channel)
    try:
        credentials = source.read()
        async with contextlib.aclosing(Wire()) as wire:
            client = YouTubeClient(Access(source, wire, settings.google_token_url), wire, settings.youtube_api_base_url)
            await client.access.token()
            await _one_unit(settings, credentials.client_id)
            title = (await identity(client)).title
    except ReelqueueError as error:
        return [failed(what, error)]
    most = channel.daily_uploads
    saw = same(title) if most is None else Text(f"{title}，每天最多 {most} 支", f"{title}, {most} uploads a day at most")
    return [Finding("ok", what, saw), *_token_ends(channel, credentials.refresh_token_expires_at)]


async def _one_unit(settings: Settings, client_id: str) -> None:
    """Count the look at a channel.  Raises QuotaExhausted, StorageUnavailable."""
    need = Need(client=youtube_client(client_id), name=UNITS, cap=settings.youtube_daily_quota)
    spender = Spender(Ledger(Paths(settings.data_dir)), None, Caps())
    await spender.settle(await spender.reserve(f"doctor.{secrets.token_hex(8)}", Cost(needs=(need,))), ())


def _token_ends(channel: Channel, at: datetime | None) -> Iterable[Finding]:
    """That a token ends at all: a consent screen in testing mode gives it for seven days."""
    if at is None:
        return
    left = at - clock.now()
    what = Text("  授權", "  token")
    saw = Text(f"到 {moment(at)} 為止", f"ends at {moment(at)}")
    option = "" if channel.name == DEFAULT_CHANNEL else f" --channel {channel.name}"
    do = Text(
        f"同意畫面還在「測試中」，授權只有 7 天：改為「正式版」（In production），再執行 reelqueue auth youtube{option}",
        f"the consent screen is in testing mode, where a token lasts 7 days: publish it, then reelqueue auth youtube{option}",
    )
    yield Finding("warn" if left > timedelta(0) else "fail", what, saw, do)
