"""What `doctor` looks at of this machine's clock, beside the services' own: tokens, signed addresses and quota days go by time."""

import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from reelqueue import clock
from reelqueue.ahead.findings import Finding, services_of
from reelqueue.bootstrap import Settings
from reelqueue.providers.proxy import proxy_for
from reelqueue.wording import Text

SKEW_S = 60.0
"""A clock that is further off is told of."""
SAME_S = 2.0
"""An answer's date has whole seconds, and is a moment old."""
LOOK_S = 15.0


async def clocks(settings: Settings) -> list[Finding]:
    """How far it is from the services' clocks; their addresses are asked, without a key."""
    what, found = Text("時鐘", "clock"), dict[str, float]()
    for url in sorted(_addresses(settings)):
        if (apart := await _apart(url)) is not None:
            found[urlsplit(url).netloc] = apart
    if not found:
        return []
    host, apart = max(found.items(), key=lambda one: abs(one[1]))
    far, fast = _length(apart), apart > 0
    saw = Text(f"比 {host} {'快' if fast else '慢'} {far.zh}", f"{far.en} {'ahead of' if fast else 'behind'} the one of {host}")
    if abs(apart) < SAME_S:
        return [Finding("ok", what, Text(f"與 {host} 一致", f"the same as {host}'s"))]
    if abs(apart) <= SKEW_S:
        return [Finding("ok", what, saw)]
    do = Text(
        "請用 NTP 校時，並檢查時區：權杖與配額日都看時間",
        "set the clock by NTP, and see that the time zone is right: tokens and quota days go by time",
    )
    return [Finding("warn", what, saw, do)]


async def moved(settings: Settings) -> list[Finding]:
    """Whether days of quota and moments of publication go by another time than the machine's; a test's setting that stayed."""
    if settings.test_clock_file is None:
        return []
    far = _length(clock.shift().total_seconds())
    saw = Text(f"TEST_CLOCK_FILE 讓時間移動了 {far.zh}", f"TEST_CLOCK_FILE moves it by {far.en}")
    do = Text("只供測試：正式使用時拿掉這個設定", "for tests only: take the setting out where videos are published")
    return [Finding("warn", Text("時鐘", "clock"), saw, do)]


def _length(seconds: float) -> Text:
    seconds = abs(seconds)
    if seconds < 120:
        return Text(f"{seconds:.0f} 秒", f"{seconds:.0f} s")
    if seconds < 3_000:
        return Text(f"{seconds / 60:.0f} 分鐘", f"{seconds / 60:.0f} minutes")
    return Text(f"{seconds / 3600:.1f} 小時", f"{seconds / 3600:.1f} hours")


async def _apart(url: str) -> float | None:
    """How far our clock is ahead of the one of who answers there, in seconds; None where nobody does, or without a date.

    The address alone is asked: no key goes there.
    """
    import aiohttp  # noqa: PLC0415 - as in the providers: only what is set up is loaded

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LOOK_S), cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.head(url, allow_redirects=False, proxy=proxy_for(url)) as answer,
        ):
            theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None
    return time.time() - theirs.timestamp() if theirs.tzinfo is not None else None


def _addresses(settings: Settings) -> set[str]:
    """Where the services are that are set up, one address for each."""
    found = set[str]()
    services = services_of(settings)
    if "gemini" in services:
        found.add(settings.gemini_base_url or "https://generativelanguage.googleapis.com")
    if "did" in services:
        found.add(settings.did_base_url or "https://api.d-id.com")
    if settings.has_key("youtube"):
        found.add(settings.google_token_url or "https://oauth2.googleapis.com/token")
    return found
