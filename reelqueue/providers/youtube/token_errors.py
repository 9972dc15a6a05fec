"""What a refusal at the token's address means to us: the leave has ended, the OAuth client is gone, or Google is busy."""

from datetime import datetime

from reelqueue.errors import AuthenticationFailed, RateLimited, ReelqueueError
from reelqueue.providers.youtube.errors import RATE, Asked, auth_command, by_a_proxy, unbilled, unreachable, with_clock
from reelqueue.providers.youtube.refusal import Answered, pause, read
from reelqueue.wording import Text

TOKENS_END_AFTER = Text(
    "若 Google Cloud 的同意畫面仍是「測試中」，授權 7 天後就會失效：請把它改為「正式版」（In production）",
    "while the consent screen in Google Cloud is in testing mode, tokens end after 7 days: publish it to production",
)
_CLIENT_GONE = frozenset({"invalid_client", "deleted_client", "disabled_client", "unauthorized_client", "org_internal"})


def token_refused(answer: Answered, asked: Asked, *, ends_at: datetime | None = None) -> ReelqueueError:
    """The error of a refusal at the token's address; `ends_at` is when Google said that the refresh token would end."""
    if answer.is_page or 300 <= answer.status < 400:
        return by_a_proxy(answer.status)
    refusal = read(answer)
    auth, channel = auth_command(asked.channel), asked.channel
    if refusal.status == 429 or refusal.reason in RATE:
        return unbilled(RateLimited("Google", pause(answer.headers, asked.at)))
    if refusal.status >= 500 or refusal.status == 408:
        return unreachable(Text(f"的授權服務暫時無法使用（{refusal.why}）", f"gives no tokens now ({refusal.why})"))
    if refusal.reason in _CLIENT_GONE:
        what = Text(f"OAuth 用戶端不被接受（{refusal.why}）", f"the OAuth client is not accepted ({refusal.why})")
        hint = Text(
            f"在 Google Cloud 檢查同意畫面與 OAuth 用戶端是否還在，並核對 YOUTUBE_CLIENT_ID、YOUTUBE_CLIENT_SECRET；之後執行 {auth}",
            f"see in Google Cloud whether the consent screen and the OAuth client are still there, and check YOUTUBE_CLIENT_ID and YOUTUBE_CLIENT_SECRET; then run {auth}",
        )
    elif refusal.reason == "invalid_grant":
        what = Text(
            f"頻道 {channel} 的授權已失效或被撤銷（{refusal.why}）",
            f"the leave of channel {channel} has ended or was taken back ({refusal.why})",
        )
        run = Text(f"執行 {auth} 重新授權", f"run {auth} to give it anew")
        ended = ends_at is not None and ends_at <= asked.at
        said = Text(f"（已於 {ends_at:%Y-%m-%d} 到期）", f" (it ended on {ends_at:%Y-%m-%d})") if ended else Text("", "")
        hint = Text(f"{run.zh}{said.zh}。{TOKENS_END_AFTER.zh}", f"{run.en}{said.en}; {TOKENS_END_AFTER.en}")
    else:
        what = Text(f"Google 不給授權（{refusal.why}）", f"Google gives no token ({refusal.why})")
        hint = Text(f"執行 {auth}", f"run {auth}")
    return unbilled(AuthenticationFailed(what, with_clock(hint, asked)))
