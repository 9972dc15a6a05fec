"""`reelqueue auth youtube`: a channel's owner gives leave in a browser, and the token file is written.

To stdout goes what has to be set so that it is used; all else goes to stderr.
"""

import asyncio
import contextlib
import os
import re
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelqueue.ahead.moments import moment
from reelqueue.bootstrap import Settings, read_settings
from reelqueue.cli.console import complain, note, say
from reelqueue.cli.outcome import DONE, FAILED, run
from reelqueue.cli.redirect import Returned, has_browser, returning
from reelqueue.errors import AuthenticationFailed, InstallationError, InvalidBrief, InvalidSettings, ReelqueueError
from reelqueue.models.brief import CHANNEL_NAME
from reelqueue.models.channel import DEFAULT_CHANNEL, Channel
from reelqueue.providers.channels import read_channels
from reelqueue.wording import Text

if TYPE_CHECKING:
    from reelqueue.providers.youtube.consent import Consent, OAuthClient
    from reelqueue.providers.youtube.credentials import Credentials
    from reelqueue.providers.youtube.wire import Wire

ANSWER_WITHIN_S = 900.0
"""Google's page and a second factor take their time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which channel's token, where it is written, and how the page is opened."""

    channel: str
    file: Path
    client: "OAuthClient"
    browser: bool


def register(app: typer.Typer) -> None:
    """Add the commands."""
    auth = typer.Typer(help=str(Text("授權", "give leave")), no_args_is_help=False)
    app.add_typer(auth, name="auth")

    @auth.callback(invoke_without_command=True)
    def services(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())
            raise typer.Exit(2)

    about = Text("取得 YouTube 頻道的授權，寫入權限 0600 的檔案", "get leave of a YouTube channel, into a file of mode 0600")
    where = Text("寫到哪裡（預設 DATA_DIR/tokens/頻道.json）", "where it is written (DATA_DIR/tokens/CHANNEL.json if not given)")
    secret = Text("Google Cloud 下載的 OAuth 用戶端 JSON", "the OAuth client's JSON from Google Cloud")

    @auth.command("youtube", help=str(about))
    def youtube(
        channel: Annotated[str, typer.Option(help=str(Text("頻道名稱", "the channel's name here")))] = DEFAULT_CHANNEL,
        no_browser: Annotated[
            bool, typer.Option("--no-browser", help=str(Text("只印出網址，貼上結果", "print the address, paste the result")))
        ] = False,
        token_file: Annotated[Path | None, typer.Option("--token-file", help=str(where))] = None,
        client_secrets: Annotated[Path | None, typer.Option("--client-secrets", help=str(secret))] = None,
    ) -> None:
        if not re.fullmatch(CHANNEL_NAME, channel):
            raise InvalidBrief("--channel", Text("英數字、- 與 _，最多 40 個", "letters, digits, - and _, at most 40"), channel)
        settings = read_settings()
        known = read_channels(settings.channels_file) if settings.channels_file is not None else {}
        file = (token_file or _file_of(channel, settings, known)).expanduser().absolute()
        wanted = Wanted(channel, file, _client(settings, client_secrets, channel, file), not no_browser and has_browser())
        raise typer.Exit(run(_youtube(wanted, settings, known)))


def _file_of(channel: str, settings: Settings, known: dict[str, Channel]) -> Path:
    """Where the settings look for it already, else among our data."""
    named = known[channel].token_file if channel in known else None
    if named is not None:
        return Path(named)
    if channel == DEFAULT_CHANNEL and settings.youtube_token_file is not None:
        return settings.youtube_token_file
    return settings.data_dir / "tokens" / f"{channel}.json"


def _client(settings: Settings, client_secrets: Path | None, channel: str, file: Path) -> "OAuthClient":
    """The OAuth client: of the file that was named, of the settings, or of the token that is there already."""
    from reelqueue.providers.youtube.consent import OAuthClient, read_client_secrets  # noqa: PLC0415 - loads aiogoogle
    from reelqueue.providers.youtube.credentials import Source  # noqa: PLC0415 - as above

    if client_secrets is not None:
        return read_client_secrets(client_secrets.expanduser())
    if settings.youtube_client_id is not None and settings.youtube_client_secret is not None:
        return OAuthClient(settings.youtube_client_id, settings.youtube_client_secret)
    with contextlib.suppress(InvalidSettings):
        before = Source(channel, "YOUTUBE_TOKEN_FILE", file).read()
        return OAuthClient(before.client_id, before.client_secret)
    raise InstallationError(
        Text("還沒有設定 OAuth 用戶端", "there is no OAuth client yet"),
        Text(
            "在 Google Cloud 啟用 YouTube Data API v3，建立類型為「電腦版應用程式」的 OAuth 用戶端，"
            "再設定 YOUTUBE_CLIENT_ID 與 YOUTUBE_CLIENT_SECRET，或用 --client-secrets 指定下載的 JSON",
            "in Google Cloud, switch YouTube Data API v3 on and make an OAuth client of the type Desktop app; "
            "then set YOUTUBE_CLIENT_ID and YOUTUBE_CLIENT_SECRET, or name its JSON by --client-secrets",
        ),
        "YOUTUBE_CLIENT_ID",
    )


async def _youtube(wanted: Wanted, settings: Settings, known: dict[str, Channel]) -> int:
    from reelqueue.providers.youtube.credentials import write_token_file  # noqa: PLC0415 - loads aiogoogle
    from reelqueue.providers.youtube.wire import Wire  # noqa: PLC0415 - as above

    async with contextlib.aclosing(Wire()) as wire:
        credentials = await _granted(wanted, settings, wire)
        credentials, trouble = await _named(wanted, credentials, settings, wire)
    await asyncio.to_thread(write_token_file, wanted.file, credentials)
    _tell(wanted, credentials)
    if trouble is not None:
        complain(trouble)
    _tell_what_to_set(wanted, settings, known)
    return DONE if trouble is None else FAILED


async def _granted(wanted: Wanted, settings: Settings, wire: "Wire") -> "Credentials":
    """Ask the owner, and take the answer.

    Raises:
        AuthenticationFailed: the answer is no, or there was none.
    """
    from reelqueue.providers.youtube.consent import Consent  # noqa: PLC0415 - loads aiogoogle

    asked: list[Consent] = []
    async with returning(lambda answer: _page(asked[0], answer)) as returned:
        consent = Consent(wanted.client, wanted.channel, returned.address)
        asked.append(consent)
        await _show(consent.url(settings.google_auth_url), returned, browser=wanted.browser)
        code = await _code(consent, returned)
        return await consent.exchanged(code, wire, settings.google_token_url)


async def _show(url: str, returned: Returned, *, browser: bool) -> None:
    opened = browser and await asyncio.to_thread(webbrowser.open, url)
    if opened:
        note(Text("瀏覽器已開啟；沒有的話，請自行開啟這個網址：", "a browser was opened; if none was, open this address:"))
    else:
        note(Text("請在瀏覽器開啟這個網址：", "open this address in a browser:"))
    sys.stderr.write(f"{url}\n")
    sys.stderr.flush()
    if not opened:
        note(
            Text(
                "瀏覽器在別台機器上時，最後會停在一個打不開的 http://127.0.0.1 網址：把那個網址（或授權碼）貼在這裡",
                "where the browser is on another machine, it ends at an address http://127.0.0.1 that does not open: paste that address (or the code) here",
            )
        )
        returned.listen_to(sys.stdin)
    note(
        Text(
            "若頁面顯示 redirect_uri_mismatch：OAuth 用戶端的類型要是「電腦版應用程式」；顯示 access_denied 或「未完成驗證」：把帳號列為測試使用者",
            "if the page says redirect_uri_mismatch: the OAuth client has to be of the type Desktop app; if it says access_denied or that the app is not verified: list the account as a test user",
        )
    )


async def _code(consent: "Consent", returned: Returned) -> str:
    """The code out of the first answer that is ours; a stray one is told, and waited on.

    Raises:
        AuthenticationFailed: the owner said no; or nothing more can come, or came in time.
    """
    from reelqueue.providers.youtube.consent import StrayAnswer  # noqa: PLC0415 - loads aiogoogle

    stray: StrayAnswer | None = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while True:
                answer = await returned.answers.get()
                if answer is None and stray is not None:
                    raise stray
                if not answer or not answer.strip():
                    continue
                try:
                    return consent.code_of(answer)
                except StrayAnswer as error:
                    stray = error
                    complain(error)
    raise AuthenticationFailed(
        Text(f"{ANSWER_WITHIN_S / 60:g} 分鐘內沒有收到回覆", f"no answer came within {ANSWER_WITHIN_S / 60:g} minutes"),
        Text("再執行一次", "run it again"),
    )


def _page(consent: "Consent", answer: str) -> Text:
    """What the browser shows of an answer."""
    try:
        consent.code_of(answer)
    except ReelqueueError as error:
        return Text(f"{error.text.zh}。{error.hint_text.zh}。", f"{error.text.en}. {error.hint_text.en}.")
    return Text("收到了，可以關閉這個分頁，回到終端機。", "Received: close this tab and go back to the terminal.")


async def _named(
    wanted: Wanted, credentials: "Credentials", settings: Settings, wire: "Wire"
) -> tuple["Credentials", ReelqueueError | None]:
    """The credentials with their channel's name; and why it can't be told, where the leave is good all the same."""
    from reelqueue.providers.youtube.client import YouTubeClient  # noqa: PLC0415 - loads aiogoogle
    from reelqueue.providers.youtube.credentials import Source  # noqa: PLC0415 - as above
    from reelqueue.providers.youtube.identity import identity  # noqa: PLC0415 - as above
    from reelqueue.providers.youtube.tokens import Access  # noqa: PLC0415 - as above

    source = Source(wanted.channel, "YOUTUBE_TOKEN_FILE", given=credentials)
    client = YouTubeClient(Access(source, wire, settings.google_token_url), wire, settings.youtube_api_base_url)
    try:
        found = await identity(client)
    except AuthenticationFailed:
        raise
    except ReelqueueError as error:
        return source.read(), error
    return source.read().replace(channel_id=found.channel_id, channel_title=found.title), None


def _tell(wanted: Wanted, credentials: "Credentials") -> None:
    from reelqueue.providers.youtube.consent import lacks_captions  # noqa: PLC0415 - loads aiogoogle
    from reelqueue.providers.youtube.token_errors import TOKENS_END_AFTER  # noqa: PLC0415 - as above

    title = credentials.channel_title
    if title is not None:
        note(Text(f"頻道：{title}", f"channel: {title}"))
    note(Text(f"授權已寫入 {wanted.file}（權限 0600）", f"the token was written to {wanted.file} (mode 0600)"))
    if lacks_captions(credentials):
        note(Text("沒有勾選字幕的權限：字幕會被拒絕", "the permission for captions was not ticked: captions will be refused"))
    ends = credentials.refresh_token_expires_at
    if ends is not None:
        day = moment(ends)
        note(Text(f"注意：這個授權到 {day} 就會失效", f"mind: this token ends at {day}"))
        note(TOKENS_END_AFTER)


def _tell_what_to_set(wanted: Wanted, settings: Settings, known: dict[str, Channel]) -> None:
    file = str(wanted.file)
    if wanted.channel in known:
        if os.path.abspath(known[wanted.channel].token_file or "") != file:  # noqa: PTH100 - a link must stay one
            note(
                Text(
                    f"在 {settings.channels_file} 的 [{wanted.channel}] 改成：",
                    f"in [{wanted.channel}] of {settings.channels_file}, set:",
                )
            )
            say(f"token_file = {_toml(file)}")
        return
    if wanted.channel != DEFAULT_CHANNEL:
        there = settings.channels_file
        if there is None:
            note(
                Text(
                    "建立一個 TOML 檔、用 CHANNELS_FILE 指定它，並寫入：",
                    "make a TOML file, name it by CHANNELS_FILE, and write into it:",
                )
            )
        else:
            note(Text(f"在 {there} 加入：", f"add to {there}:"))
        say(f"[{wanted.channel}]\ntoken_file = {_toml(file)}")
    elif settings.youtube_token_file is None or str(settings.youtube_token_file.expanduser().absolute()) != file:
        note(Text("在環境變數或 .env 設定：", "set in the environment or in .env:"))
        say(f"YOUTUBE_TOKEN_FILE={file}")


def _toml(text: str) -> str:
    """A TOML string; a path may hold anything."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
