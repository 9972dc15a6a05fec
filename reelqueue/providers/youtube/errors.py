"""What Google's refusals mean to us: by reason and message, not by status -> one of our errors.

| status | reason | here |
| --- | --- | --- |
| 401 | authError (a second time) | `AuthenticationFailed` |
| 401 | youtubeSignupRequired | `AuthenticationFailed`: no channel |
| 400, at the token's address | invalid_grant, invalid_client ... | `AuthenticationFailed`: `token_errors.py` |
| 403 | rateLimitExceeded, userRateLimitExceeded | `RateLimited` |
| 403 | quotaExceeded, dailyLimitExceeded | `QuotaExhausted` until midnight Pacific |
| 429 | any, with "per day" in its message | the same |
| 429 | any other | `RateLimited` |
| 400 | uploadLimitExceeded | `QuotaExhausted` for 24 h: the channel is closed |
| 403 | accessNotConfigured, insufficientPermissions | `ServiceMisconfigured` |
| 403 | any other | `PermanentError` |
| 400, 404, 413 | invalidTitle, videoNotFound ... | `PermanentError` that names the field |
| 409 | alreadyExists (nothing was sent yet) | `ServiceUnavailable` |
| 408, 5xx, no answer, one that makes no sense | | `ServiceUnavailable` |

YouTube bills nothing, so `usage` is always empty.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from reelqueue import clock
from reelqueue.errors import (
    AuthenticationFailed,
    PermanentError,
    QuotaExhausted,
    RateLimited,
    ReelqueueError,
    ServiceMisconfigured,
    ServiceUnavailable,
    TransientError,
)
from reelqueue.models.buckets import TITLES, UNITS, UPLOADS
from reelqueue.models.channel import DEFAULT_CHANNEL
from reelqueue.providers.youtube.refusal import Answered, Refusal, pause, read
from reelqueue.wording import Text
from storage.ledger import pacific_midnight_after

NAME = "YouTube"
SEARCH = "search"
CLOSED_HOURS = 24
"""How long a channel that put up too many videos takes none; YouTube gives no time."""
MUCH_SKEW_S = 300.0
"""A clock that is so far off is told of where it may be the reason."""
_AGAIN = Text("會自動重試", "it is tried again by itself")
_RESET = Text(
    "太平洋時間午夜重置後會自動繼續；用 reelqueue quotas 查看",
    "it goes on by itself after midnight Pacific time; reelqueue quotas shows it",
)
RATE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "uploadRateLimitExceeded"})
"""Reasons that pass within a minute."""
_DAY = frozenset({"quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"})
_PER_DAY = re.compile(r"per\s?day", re.IGNORECASE)

E = TypeVar("E", bound=ReelqueueError)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked when the refusal came: the call's name ("thumbnails.set"), for which channel, at what time."""

    call: str
    channel: str = DEFAULT_CHANNEL
    now: datetime | None = None
    clock_skew_s: float | None = None

    @property
    def at(self) -> datetime:
        """The time, aware."""
        return self.now or clock.now()


def refused(answer: Answered, asked: Asked) -> ReelqueueError:
    """The error of an answer that is no success."""
    if answer.is_page:
        error = by_a_proxy(answer.status)
    else:
        refusal = read(answer)
        error = _by_limit(answer, refusal, asked) or _by_reason(refusal, asked) or _by_status(refusal, asked)
    if isinstance(error, TransientError) and error.retry_after is None:
        error.retry_after = pause(answer.headers, asked.at)
    return unbilled(error)


def unreachable(what: Text, hint: Text | None = None) -> ServiceUnavailable:
    """The error of no answer, or of one that was cut or makes no sense."""
    return unbilled(ServiceUnavailable(Text(f"{NAME} {what.zh}", f"{NAME} {what.en}"), hint or _AGAIN))


def unsent(error: E) -> E:
    """The same, of a request that no server of Google's has seen."""
    error.sent = False
    return error


@contextlib.contextmanager
def known_to_be(*, sent: bool) -> Iterator[None]:
    """Around what is a part of a call, or more than one: whether the call that is counted was sent, whatever fails there."""
    try:
        yield
    except ReelqueueError as error:
        error.sent = sent
        raise


def nonsense(answer: Answered) -> ReelqueueError:
    """The error of a success that does not say what it should."""
    if answer.is_page:
        return by_a_proxy(answer.status)
    return unreachable(Text(f"的回應看不懂（{answer.status}）", f"gave an answer that makes no sense ({answer.status})"))


def by_a_proxy(status: int) -> ReelqueueError:
    """The error of a web page in place of an answer, or of a proxy that lets nobody through."""
    what = Text(
        f"收到的不是 {NAME} 的回應，而是一個網頁或轉址（{status}），可能來自中途的代理伺服器或登入頁面",
        f"a web page or a redirection came instead of {NAME}'s answer ({status}), probably from a proxy or a sign-in page on the way",
    )
    hint = Text(
        "檢查網路、HTTPS_PROXY 與 YOUTUBE_API_BASE_URL、GOOGLE_TOKEN_URL",
        "check the network, HTTPS_PROXY, and YOUTUBE_API_BASE_URL and GOOGLE_TOKEN_URL",
    )
    passing = status < 300 or status in {408, 429} or status >= 500
    return unbilled(ServiceUnavailable(what, hint) if passing else ServiceMisconfigured(what, hint))


def _by_limit(answer: Answered, refusal: Refusal, asked: Asked) -> ReelqueueError | None:
    """Too much was asked: for now, for today, or of this channel."""
    if refusal.reason == "uploadLimitExceeded":
        return QuotaExhausted(
            Text(f"頻道 {asked.channel} 今天上傳的影片太多了", f"channel {asked.channel} has put up too many videos for now"),
            Text(f"{CLOSED_HOURS} 小時後會自動再試", f"it is tried again by itself after {CLOSED_HOURS} hours"),
            until=asked.at + timedelta(hours=CLOSED_HOURS),
            closes="channel",
        )
    limited = refusal.status == 429 or refusal.reason in RATE
    if refusal.reason in _DAY or (limited and _PER_DAY.search(refusal.whole)):
        bucket = _bucket(refusal, asked)
        return QuotaExhausted(
            Text(f"{NAME} 今天的配額（{TITLES[bucket].zh}）已用完", f"{NAME}'s quota of today ({TITLES[bucket].en}) is used up"),
            _RESET,
            until=pacific_midnight_after(asked.at),
            closes=bucket,
        )
    return RateLimited(NAME, pause(answer.headers, asked.at)) if limited else None


def _bucket(refusal: Refusal, asked: Asked) -> str:
    """Which of a day's three limits is meant."""
    if "Video Uploads" in refusal.whole:
        return UPLOADS
    if "Search" in refusal.whole or asked.call == "search.list":
        return SEARCH
    return UPLOADS if asked.call == "upload.open" else UNITS


_SET_UP: dict[str, tuple[type[PermanentError], Text, Text]] = {
    "youtubeSignupRequired": (
        AuthenticationFailed,
        Text("上沒有這個 Google 帳號的頻道", "has no channel of this Google account"),
        Text("先在 YouTube 建立頻道，再用那個帳號執行 {auth}", "make a channel on YouTube first, then run {auth} with that account"),
    ),
    "insufficientPermissions": (
        ServiceMisconfigured,
        Text("授權的範圍不足", "was given too little leave"),
        Text("執行 {auth}，並勾選所有權限", "run {auth} and tick every permission"),
    ),
    "accessNotConfigured": (
        ServiceMisconfigured,
        Text("的 YouTube Data API v3 沒有啟用", "has the YouTube Data API v3 switched off"),
        Text(
            "在 OAuth 用戶端所屬的 Google Cloud 專案啟用 YouTube Data API v3，幾分鐘後用 reelqueue retry 再試",
            "switch YouTube Data API v3 on in the Google Cloud project of the OAuth client, then reelqueue retry after some minutes",
        ),
    ),
    "accountSuspended": (
        PermanentError,
        Text("的這個帳號已被停權", "has suspended this account"),
        Text("到 YouTube Studio 查看原因；或換一個頻道執行 {auth}", "see YouTube Studio for the reason; or run {auth} with another channel"),
    ),
}  # fmt: skip
_SET_UP["ACCESS_TOKEN_SCOPE_INSUFFICIENT"] = _SET_UP["insufficientPermissions"]
_SET_UP["SERVICE_DISABLED"] = _SET_UP["accessNotConfigured"]
for _suspended in ("accountClosed", "authenticatedUserAccountSuspended", "authenticatedUserAccountClosed"):
    _SET_UP[_suspended] = _SET_UP["accountSuspended"]

_FIELDS = {
    "invalidTitle": "title", "invalidDescription": "description", "invalidTags": "tags", "invalidCategoryId": "category_id",
    "invalidPublishAt": "publish_at", "defaultLanguageNotSet": "localizations", "defaultLanguageNotSetError": "localizations",
    "localizationValidationError": "localizations", "mediaBodyRequired": "video", "invalidFilename": "video",
    "uploadTooLarge": "video", "invalidImage": "thumbnail", "playlistNotFound": "playlist", "playlistIdRequired": "playlist",
    "playlistItemsNotAccessible": "playlist", "playlistOperationUnsupported": "playlist",
    "playlistContainsMaximumNumberOfVideos": "playlist", "contentRequired": "captions", "nameTooLong": "captions",
    "invalidMetadata": "captions",
}  # fmt: skip


def _by_reason(refusal: Refusal, asked: Asked) -> ReelqueueError | None:
    """What Google's reason alone decides."""
    if refusal.reason in _SET_UP:
        kind, what, hint = _SET_UP[refusal.reason]
        auth = auth_command(asked.channel)
        return kind(
            Text(f"{NAME} {what.zh}（{refusal.why}）", f"{NAME} {what.en} ({refusal.why})"),
            Text(hint.zh.format(auth=auth), hint.en.format(auth=auth)),
        )
    if refusal.reason == "videoNotFound":
        return PermanentError(
            Text(f"影片已不在頻道 {asked.channel} 上", f"the video is on channel {asked.channel} no more"),
            Text("若是刻意刪除，請建立新的專案", "if it was deleted on purpose, make a new project"),
        )
    field = _FIELDS.get(refusal.reason)
    if field is None:
        return None
    field = "thumbnail" if asked.call == "thumbnails.set" else field
    hint = Text(f"修正「{field}」後用 reelqueue retry 再試", f"correct {field!r}, then reelqueue retry")
    return PermanentError(
        Text(f"{NAME} 不接受欄位「{field}」（{refusal.why}）", f"{NAME} does not take the field {field!r} ({refusal.why})"),
        with_clock(hint, asked) if field == "publish_at" else hint,
    )


def _by_status(refusal: Refusal, asked: Asked) -> ReelqueueError:
    """What is left to the status."""
    status, why = refusal.status, refusal.why
    if status == 408 or status >= 500 or (status == 409 and asked.call == "upload.open"):
        return ServiceUnavailable(Text(f"{NAME} 暫時無法使用（{why}）", f"{NAME} is not available ({why})"), _AGAIN)
    if status == 401:
        auth = auth_command(asked.channel)
        again = Text(f"執行 {auth} 重新授權", f"run {auth} to give leave anew")
        return AuthenticationFailed(
            Text(
                f"{NAME} 拒絕了頻道 {asked.channel} 的授權（{why}）",
                f"{NAME} refused the token of channel {asked.channel} ({why})",
            ),
            with_clock(again, asked),
        )
    if status == 403 and asked.call == "thumbnails.set":
        return PermanentError(
            Text(f"頻道 {asked.channel} 還不能設定縮圖（{why}）", f"channel {asked.channel} may not set thumbnails yet ({why})"),
            Text(
                "到 https://www.youtube.com/verify 驗證電話號碼，再用 reelqueue retry --from thumbnail",
                "verify the phone number at https://www.youtube.com/verify, then reelqueue retry --from thumbnail",
            ),
        )
    if 300 <= status < 400:
        return ServiceMisconfigured(
            Text(f"{NAME} 不在這個位址（{status}）", f"{NAME} is not at this address ({status})"),
            Text("檢查 YOUTUBE_API_BASE_URL 與代理伺服器", "check YOUTUBE_API_BASE_URL and the proxy"),
        )
    return PermanentError(
        Text(f"{NAME} 拒絕了請求 {asked.call}（{why}）", f"{NAME} refused {asked.call} ({why})"),
        Text("依訊息修正後用 reelqueue retry 再試", "mend what it says, then reelqueue retry"),
    )


def auth_command(channel: str) -> str:
    """The command that gets a channel's token."""
    return "reelqueue auth youtube" + ("" if channel == DEFAULT_CHANNEL else f" --channel {channel}")


def clock_note(skew_s: float | None) -> Text | None:
    """What to say of this machine's clock, `skew_s` ahead of Google's; None where it is right."""
    if skew_s is None or abs(skew_s) < MUCH_SKEW_S:
        return None
    minutes = round(abs(skew_s) / 60)
    ahead = skew_s > 0
    return Text(
        f"這台機器的時鐘{'快' if ahead else '慢'}了 {minutes} 分鐘，請先校正",
        f"this machine's clock is {minutes} minutes {'ahead' if ahead else 'behind'}: set it right first",
    )


def with_clock(hint: Text, asked: Asked) -> Text:
    """A hint, and before it what is wrong with this machine's clock."""
    note = clock_note(asked.clock_skew_s)
    return hint if note is None else Text(f"{note.zh}；{hint.zh}", f"{note.en}; {hint.en}")


def unbilled(error: E) -> E:
    """YouTube bills nothing, whatever became of the call."""
    error.usage = ()
    return error
